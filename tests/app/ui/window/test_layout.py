"""The docks have room for what stands in them, in whatever order the workspaces are seen first."""

from __future__ import annotations

import pytest

from engine.model.edits import AddItems, AddPatch
from engine.model.ids import new_id
from engine.model.overlay import Overlay, Title
from engine.model.patch import Patch, Take
from engine.model.place import OnTimeline
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur
from tests.app.ui.desktop import opened


@pytest.mark.parametrize(
    ("first", "size"),
    [("region", (1366, 728)), ("edit", (1366, 728)), ("deliver", (1366, 728)), ("edit", (1920, 1040))],
)
def test_the_region_workspace_is_the_same_whichever_was_seen_before(desktop, film, qtbot, first, size):
    window = desktop.window
    window.resize(*size)
    opened(desktop, film, qtbot)
    window.show_workspace(first)
    qtbot.wait(300)
    window.show_workspace("region")
    qtbot.wait(300)
    if size[1] < 900:
        # In a low window a panel without takes leaves its room to the inspector.
        qtbot.waitUntil(lambda: window._docks["takes"].height() <= 92)
    heights = {name: window._docks[name].height() for name in ("layers", "takes", "details", "timeline")}
    assert 84 <= heights["layers"] <= 170, heights
    assert (150 if size[1] > 1000 else 84) <= heights["takes"] <= (200 if size[1] > 1000 else 92), heights
    assert heights["details"] >= 180, heights
    assert heights["timeline"] >= (270 if size[1] > 1000 else 240), heights


def test_in_a_low_window_the_takes_get_their_room_once_there_are_some(desktop, film, qtbot):
    window, document = desktop.window, desktop.session.document
    window.resize(1366, 728)
    opened(desktop, film, qtbot)
    window.show_workspace("region")
    qtbot.wait(300)
    take = Take(new_id(), Blur(8))
    source = document.project.sources[0].id
    made = Patch(new_id(), source, Box(0.3, 0.3, 0.5, 0.5), Range(60, 66), 60, "Mug", takes=(take,), pick=take.id)
    document.do(AddPatch(made))
    desktop.session.selection.choose(made.id)
    dock = window._docks["takes"]
    qtbot.waitUntil(lambda: dock.height() >= 130)
    (card,) = desktop.takes.cards
    assert card.height() >= 76
    assert desktop.takes.rect().bottom() >= card.mapTo(desktop.takes, card.rect().bottomLeft()).y()
    desktop.session.selection.choose()
    qtbot.waitUntil(lambda: dock.height() <= 92)
    window.show_workspace("deliver")
    desktop.session.selection.choose(made.id)
    window.show_workspace("region")
    qtbot.waitUntil(lambda: dock.height() >= 130)


def test_layers_that_do_not_all_show_get_the_room_of_takes_that_there_are_not(desktop, film, qtbot):
    window, document = desktop.window, desktop.session.document
    window.resize(1920, 1040)
    opened(desktop, film, qtbot)
    window.show_workspace("region")
    layers, takes, details = (window._docks[name] for name in ("layers", "takes", "details"))
    qtbot.waitUntil(lambda: takes.height() > 150)
    before = layers.height(), takes.height(), details.height()
    frames = OnTimeline(Range(0, 50))
    texts = [Overlay(new_id(), frames, Title(f"Text {number}"), name=f"Text {number}") for number in range(6)]
    document.do(AddItems("overlays", tuple(texts)))
    qtbot.waitUntil(lambda: layers.height() > before[0])
    view = desktop.layers.view
    qtbot.waitUntil(lambda: view.viewport().height() >= view.rows_height())
    assert not view.verticalScrollBar().isVisible()
    assert layers.height() + takes.height() == before[0] + before[1]
    assert details.height() == before[2]
    take = Take(new_id(), Blur(8))
    source = document.project.sources[0].id
    made = Patch(new_id(), source, Box(0.3, 0.3, 0.5, 0.5), Range(60, 66), 60, "Mug", takes=(take,), pick=take.id)
    document.do(AddPatch(made))
    desktop.session.selection.choose(made.id)
    qtbot.waitUntil(lambda: (layers.height(), takes.height(), details.height()) == before)


def test_layers_that_were_floating_come_back_with_all_their_rows(desktop, film, qtbot):
    window, document = desktop.window, desktop.session.document
    window.resize(1920, 1040)
    opened(desktop, film, qtbot)
    window.show_workspace("region")
    qtbot.waitUntil(lambda: window._docks["takes"].height() > 150)
    frames = OnTimeline(Range(0, 50))
    texts = [Overlay(new_id(), frames, Title(f"Text {number}"), name=f"Text {number}") for number in range(6)]
    document.do(AddItems("overlays", tuple(texts)))
    dock, view = window._docks["layers"], desktop.layers.view
    qtbot.waitUntil(lambda: view.viewport().height() >= view.rows_height())
    dock.setFloating(True)
    desktop.session.selection.choose(texts[0].id)
    qtbot.wait(50)
    dock.setFloating(False)
    qtbot.waitUntil(lambda: view.viewport().height() >= view.rows_height())
    for theme in ("light", "dark"):
        desktop.session.settings.set(theme=theme)
        window.resize(1900, 1000 if theme == "light" else 1060)
        qtbot.waitUntil(window._refit.isActive)
        qtbot.waitUntil(lambda: not window._refit.isActive() and view.viewport().height() >= view.rows_height())
