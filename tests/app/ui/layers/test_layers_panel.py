"""The layer stack: rows that say what is there, one edit for each gesture, everything by the keyboard too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from app.ui.layers import LayersPanel
from app.ui.layers.delegate import Zone, _places
from app.ui.layers.rows import FILM
from app.ui.widgets import AskLine
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddPatch, ReviewPatch
from engine.model.overlay import Overlay, Title
from engine.model.patch import Patch, ReviewState
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box, Lasso
from engine.model.time import Range
from engine.model.tool import Blur

LASSO = Lasso(((0.5, 0.1), (0.9, 0.45), (0.55, 0.9), (0.3, 0.4)))


def patch(stage, id, name, region=LASSO, frames=(0, 25)):
    source = stage.project.sources[0].id
    return replace(Patch.with_tool(id, source, region, Range(*frames), frames[0], Blur(4.0)), name=name)


def fill(stage):
    stage.do(
        AddPatch(patch(stage, "lanyard", "Lanyard", Box(0.1, 0.1, 0.3, 0.3))),
        AddPatch(patch(stage, "leash", "Leash")),
        ReviewPatch("leash", ReviewState.PROPOSED),
        AddItems("overlays", (Overlay("title", OnTimeline(Range(0, 10)), Title("Ana & Pixel"), name="Lower third"),)),
        AddItems("captions", (Caption("c1", AtTimeline(0, 1), "We walked"), Caption("c2", AtTimeline(1, 2), "home"))),
    )
    QApplication.processEvents()  # the list gets its room


@pytest.fixture
def panel(stage):
    made = LayersPanel(stage.context)
    stage.show(made)
    return made


def rect(panel, key):
    return panel.view.visualRect(panel.model.index_of(key))


def click(panel, key, zone=Zone.NAME, modifiers=Qt.KeyboardModifier.NoModifier):
    place = _places(rect(panel, key), is_item=panel.model.index_of(key).parent().isValid(), folds=False)[zone]
    x = place.left() + 30 if zone is Zone.NAME else place.center().x()
    QTest.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, modifiers, QPoint(x, place.center().y()))


def drag(panel, key, to_y):
    view = panel.view.viewport()
    start = rect(panel, key).center()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for part in (0.4, 0.8, 1.0):
        at = QPoint(start.x(), round(start.y() + (to_y - start.y()) * part))
        QTest.mouseMove(view, at)
        # QTest moves the cursor without the button held; the view asks for it.
        held = Qt.MouseButton.LeftButton
        move = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(at),
            view.mapToGlobal(QPointF(at)),
            held,
            held,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(view, move)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(start.x(), to_y))


def names(panel):
    return [(row.name, [child.name for child in row.children]) for row in panel.model.rows]


def test_a_project_that_nobody_touched_says_how_to_begin(panel):
    assert names(panel) == [("Film", [])]
    assert panel._empty.isVisible()


def test_the_stack_stands_top_first_with_the_film_at_the_bottom(stage, panel):
    fill(stage)
    assert names(panel) == [
        ("Captions", []),
        ("Lower third", []),
        ("Patches", ["Leash", "Lanyard"]),
        ("Film", []),
    ]
    metas = {row.key: row.meta for row in (*panel.model.rows, *panel.model.rows[2].children)}
    assert metas["captions"] == "2 lines"
    assert metas["title"] == "Ana & Pixel"
    assert metas["leash"] == "1.0 s, lasso"
    assert metas["lanyard"] == "1.0 s, box"
    assert metas[FILM] == "film.mp4"
    assert panel.model.rows[2].children[0].spoken == "Leash, 1.0 s, lasso, proposed, visible"
    assert panel.head.count.text() == "5"
    assert not panel._empty.isVisible()


def test_a_click_chooses_the_item_and_a_click_on_the_head_its_layer(stage, panel):
    fill(stage)
    click(panel, "leash")
    assert stage.session.selection.patch.name == "Leash"
    click(panel, "lanyard", modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert stage.session.selection.items == {"leash", "lanyard"}
    click(panel, "patches")
    assert (stage.session.selection.items, stage.session.selection.layer.id) == (frozenset(), "patches")


def test_what_is_chosen_elsewhere_is_chosen_here_even_in_a_folded_layer(stage, panel):
    fill(stage)
    panel.view.set_folded(panel.model.rows[2], True)
    assert not panel.view.isExpanded(panel.model.index(2, 0))
    stage.session.selection.choose("lanyard")
    assert panel.view.isExpanded(panel.model.index(2, 0))
    assert panel.view.current_row().key == "lanyard"


def test_the_eye_hides_and_the_lock_locks_as_one_step_each(stage, panel):
    fill(stage)
    click(panel, "leash", Zone.EYE)
    assert not stage.project.layer("patches").item("leash").visible
    click(panel, "patches", Zone.LOCK)
    assert stage.project.layer("patches").settings.locked
    click(panel, "leash", Zone.EYE)
    assert not stage.project.layer("patches").item("leash").visible, "a locked layer keeps its items"
    click(panel, "patches", Zone.LOCK)
    click(panel, "leash", Zone.EYE)
    assert stage.project.layer("patches").item("leash").visible


def test_dragging_a_layer_to_another_place_is_one_edit(stage, panel, qtbot):
    fill(stage)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    with qtbot.waitSignal(panel.model.rowsMoved):
        drag(panel, "captions", rect(panel, FILM).top() + 3)
    assert [row.key for row in panel.model.rows] == ["title", "patches", "captions", FILM]
    assert [layer.id for layer in stage.project.layers] == ["captions", "patches", "overlays"]
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == steps + 1
    stage.session.document.undo()
    qtbot.waitUntil(lambda: panel.model.rows[0].key == "captions")


def test_a_drag_past_an_end_of_the_list_means_that_end(stage, panel):
    fill(stage)
    drag(panel, "patches", -30)
    assert [layer.id for layer in stage.project.layers] == ["overlays", "captions", "patches"]
    drag(panel, "patches", panel.view.viewport().height() + 40)
    assert [layer.id for layer in stage.project.layers] == ["patches", "overlays", "captions"]


def test_a_short_list_scrolls_on_while_a_layer_is_dragged_past_its_end(stage, panel, qtbot):
    fill(stage)
    panel.resize(400, 32 + 3 * 26)
    bar = panel.view.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    bar.setValue(bar.maximum())
    view = panel.view.viewport()
    start = rect(panel, "patches").center()
    if start.y() < 0:
        panel.view.scrollTo(panel.model.index_of("patches"))
        start = rect(panel, "patches").center()
    assert bar.value() > 0
    held, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QTest.mousePress(view, held, none, start)
    for y in (start.y() - 20, -10):
        at = QPointF(start.x(), y)
        QApplication.sendEvent(view, QMouseEvent(QEvent.Type.MouseMove, at, view.mapToGlobal(at), held, held, none))
    qtbot.waitUntil(lambda: bar.value() == 0)
    QTest.mouseRelease(view, held, none, QPoint(start.x(), -10))
    assert [layer.id for layer in stage.project.layers] == ["overlays", "captions", "patches"]


def test_dragging_an_item_changes_the_order_within_its_layer(stage, panel):
    fill(stage)
    drag(panel, "leash", rect(panel, "lanyard").bottom() - 2)
    assert [item.id for item in stage.project.layer("patches").items] == ["leash", "lanyard"]
    assert names(panel)[2] == ("Patches", ["Lanyard", "Leash"])
    drag(panel, "leash", rect(panel, "lanyard").top() + 2)
    assert [item.id for item in stage.project.layer("patches").items] == ["lanyard", "leash"]


def test_the_chosen_row_stays_in_sight_where_the_list_gets_less_room(stage, panel, qtbot):
    fill(stage)
    panel.resize(400, 32 + 12 * 26)
    stage.session.selection.choose("leash")
    panel.resize(400, 32 + 3 * 26)
    qtbot.waitUntil(lambda: panel.view.verticalScrollBar().maximum() > 0)
    qtbot.waitUntil(lambda: panel.view.viewport().rect().contains(rect(panel, "leash")))


def test_an_item_that_is_dragged_out_of_its_layer_goes_to_the_end_of_it_that_is_nearest(stage, panel):
    fill(stage)
    names_of_patches = [item.id for item in stage.project.layer("patches").items]
    assert names_of_patches == ["lanyard", "leash"]
    drag(panel, "leash", panel.view.viewport().height() + 40)
    assert [item.id for item in stage.project.layer("patches").items] == ["leash", "lanyard"]
    drag(panel, "leash", -30)
    assert [item.id for item in stage.project.layer("patches").items] == ["lanyard", "leash"]


def test_escape_ends_a_drag_without_an_edit(stage, panel):
    fill(stage)
    view = panel.view.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, rect(panel, "captions").center())
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, rect(panel, FILM).center())
    assert [layer.id for layer in stage.project.layers] == ["patches", "overlays", "captions"]


def test_a_name_is_edited_in_place(stage, panel, qtbot):
    fill(stage)
    click(panel, "leash")
    stage.run("layer.rename")
    editor = panel.view.viewport().findChild(QLineEdit)
    assert editor.text() == "Leash"
    editor.selectAll()
    QTest.keyClicks(editor, "Dog lead")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: stage.project.layer("patches").item("leash").name == "Dog lead")


def test_layers_are_added_above_the_chosen_one_moved_and_deleted_by_actions(stage, panel):
    fill(stage)
    click(panel, "patches")
    stage.run("layer.add_overlays")
    assert [layer.settings.name for layer in stage.project.layers] == ["Patches", "Overlays 2", "Overlays", "Captions"]
    assert panel.view.current_row().name == "Overlays 2"
    stage.run("layer.up")
    assert [layer.settings.name for layer in stage.project.layers] == ["Patches", "Overlays", "Overlays 2", "Captions"]
    stage.run("layer.delete")
    assert [layer.settings.name for layer in stage.project.layers] == ["Patches", "Overlays", "Captions"]
    stage.session.selection.choose("leash")
    stage.run("layer.delete")
    assert [item.id for item in stage.project.layer("patches").items] == ["lanyard"]
    assert names(panel)[-2] == ("Lanyard", []), "a layer of one item is one row"


def test_an_action_that_cannot_run_says_why(stage, panel):
    stage.context.actions.refresh()
    action = stage.context.actions.action("layer.delete")
    assert not action.isEnabled()
    assert "Choose a layer" in action.toolTip()


def test_a_version_is_kept_told_apart_and_brought_back(stage, panel, qtbot):
    fill(stage)
    click(panel, "patches")
    ask = panel._versions.ask_name(stage.project.layer("patches"), panel._history)
    assert isinstance(ask, AskLine)
    ask.field.setText("Before the clean-up")
    QTest.keyClick(ask.field, Qt.Key.Key_Return)
    (version,) = stage.project.layer("patches").versions
    assert version.name == "Before the clean-up"
    stage.session.selection.choose("leash")
    stage.run("layer.delete")
    menu = panel._versions.menu(stage.project.layer("patches"), panel._history, panel)
    below = menu.actions()[-1].menu()
    assert below.actions()[0].text() == "Gone since: Leash"
    next(action for action in below.actions() if action.text() == "Restore").trigger()
    assert [item.id for item in stage.project.layer("patches").items] == ["lanyard", "leash"]
    assert "is back" in stage.heard.said[-1]


def test_the_keyboard_walks_folds_and_chooses(stage, panel):
    fill(stage)
    click(panel, "title")
    QTest.keyClick(panel.view, Qt.Key.Key_Down)
    assert stage.session.selection.layer.id == "patches"
    QTest.keyClick(panel.view, Qt.Key.Key_Left)
    assert not panel.view.isExpanded(panel.model.index(2, 0))
    QTest.keyClick(panel.view, Qt.Key.Key_Right)
    QTest.keyClick(panel.view, Qt.Key.Key_Down)
    assert stage.session.selection.patch.name == "Leash"


def test_the_first_row_that_shows_is_never_cut_in_half(stage, panel, qtbot):
    fill(stage)
    panel.resize(400, 32 + 3 * 26 + 9)
    qtbot.waitUntil(lambda: panel.view.verticalScrollBar().maximum() > 0)
    for key in ("leash", "title", "lanyard"):
        stage.session.selection.choose(key)
        panel.view.scrollTo(panel.model.index_of(key))
        first = panel.view.indexAt(QPoint(40, 2))
        assert panel.view.visualRect(first).top() >= 0
        assert panel.view.viewport().rect().contains(rect(panel, key))


def test_rows_are_painted_in_both_themes(stage, panel):
    fill(stage)
    grabs = []
    for theme in ("dark", "light"):
        stage.session.settings.set(theme=theme)
        image = panel.grab().toImage()
        grabs.append(image.pixelColor(image.width() // 2, image.height() - 8))
    assert grabs[0].lightness() < 60 < 200 < grabs[1].lightness()


def test_text_and_shapes_are_added_at_the_playhead_and_chosen(stage, panel):
    stage.session.transport.seek(12)
    stage.run("overlay.text")
    item = stage.session.selection.item
    assert (item.content.text, item.place.frames) == ("Text", Range(12, 50))
    stage.run("overlay.arrow")
    assert [row.name for row in panel.model.rows[0].children] == ["Arrow", "Text"]


def test_a_region_is_kept_above_overlays_as_a_subject(stage, panel):
    stage.session.selection.set_region(LASSO, 20)
    stage.run("layer.subject_here")
    subject = stage.session.selection.item
    assert subject.matte.region == LASSO
    assert subject.matte.anchor == 20
    assert stage.project.layers[-1].kind.value == "subject"
    assert panel.model.rows[0].name == "Subject"
