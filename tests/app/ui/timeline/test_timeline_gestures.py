"""The timeline under the hand: real presses, drags, keys and drops on a real film, one undo step each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from app.session.selection import ToolMode
from app.ui.timeline import TimelinePanel
from app.ui.timeline.content import RowKind
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Flat, Overlay
from engine.model.patch import Patch
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box
from engine.model.storyline import Clip, Gap
from engine.model.time import Range
from engine.model.tool import Blur, Rgb
from tests.corpus.small_clips import Recipe, make

LEFT, MIDDLE, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier
CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def panel(stage, qtbot) -> TimelinePanel:
    """Return a timeline at 10 pixels per frame with three clips, a patch, a caption, an overlay and a marker."""
    made = TimelinePanel(stage.context)
    stage.show(made, 960, 420)
    source = stage.project.sources[0].id
    patch = Patch.with_tool("patch", source, Box(0.2, 0.2, 0.4, 0.4), Range(22, 28), 24, Blur(4.0))
    stage.do(
        e.SplitClip(20, "second"),
        e.SplitClip(40, "third"),
        e.AddPatch(patch),
        e.AddItems("captions", (Caption("said", AtTimeline(Fraction(5, 30), Fraction(10, 30)), "Hello"),)),
        e.AddItems("overlays", (Overlay("title", OnTimeline(Range(30, 36)), Flat(Rgb(255, 0, 0))),)),
        e.AddMarkers((Marker("mark", OnTimeline(Range(45, 46)), name="Here"),)),
    )
    stage.session.settings.set(snapping=False)
    made.view.set_frames_per_px(0.1)
    made.view.horizontalScrollBar().setValue(0)
    made.view.setFocus()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    return made


def row(panel: TimelinePanel, kind: RowKind) -> int:
    return next(number for number, row in enumerate(panel.view.content.rows) if row.kind is kind)


def at(panel: TimelinePanel, frame: float, kind: RowKind, share: float = 0.5) -> QPoint:
    """Return a point of the view: a place in time on a row."""
    place = panel.view.layout_of_rows.place(row(panel, kind))
    return QPoint(round(panel.view.scale.x(frame)), round(place.top + place.height * share))


def move(panel: TimelinePanel, point: QPoint, keys=NONE, buttons=LEFT) -> None:
    viewport = panel.view.viewport()
    where = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, viewport.mapToGlobal(where), Qt.MouseButton.NoButton, buttons, keys
    )
    QApplication.sendEvent(viewport, event)


def drag(panel: TimelinePanel, start: QPoint, stop: QPoint, keys=NONE, button=LEFT) -> None:
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, button, keys, start)
    move(panel, (start + stop) / 2, keys, button)
    move(panel, stop, keys, button)
    QTest.mouseRelease(viewport, button, keys, stop)


def click(panel: TimelinePanel, point: QPoint, keys=NONE) -> None:
    QTest.mouseClick(panel.view.viewport(), LEFT, keys, point)


def story(stage) -> list[tuple[str, int]]:
    return [("gap" if isinstance(item, Gap) else item.id, len(item)) for item in stage.project.storyline]


def item(stage, id):
    return next(item for layer in stage.project.layers for item in layer.items if item.id == id)


# --- the playhead ----------------------------------------------------------------------------------------------------


def test_dragging_the_ruler_scrubs_and_escape_puts_the_playhead_back(stage, panel):
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, LEFT, NONE, QPoint(125, 10))
    assert stage.session.transport.frame == 12
    move(panel, QPoint(305, 10))
    assert stage.session.transport.frame == 30
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert stage.session.transport.frame == 0
    QTest.mouseRelease(viewport, LEFT, NONE, QPoint(305, 10))


def test_the_view_follows_the_playhead_out_of_sight(stage, panel):
    panel.view.set_frames_per_px(1 / 40)
    stage.session.transport.seek(49)
    assert 0 <= panel.view.scale.x(49) < panel.view.viewport().width()


# --- choosing --------------------------------------------------------------------------------------------------------


def test_a_click_chooses_shift_adds_and_a_click_on_nothing_chooses_nothing(stage, panel):
    selection = stage.session.selection
    click(panel, at(panel, 10, RowKind.FILM))
    assert len(selection.items) == 1
    click(panel, at(panel, 30, RowKind.FILM), SHIFT)
    assert selection.items == {stage.project.storyline[0].id, "second"}
    click(panel, at(panel, 70, RowKind.FILM))
    assert selection.items == frozenset()


def test_a_rubber_band_chooses_what_it_touches_and_escape_restores_what_was_chosen(stage, panel):
    selection = stage.session.selection
    selection.choose("mark")
    viewport = panel.view.viewport()
    start, stop = at(panel, 60, RowKind.OVERLAYS, 0.1), at(panel, 23, RowKind.PATCHES, 0.9)
    QTest.mousePress(viewport, LEFT, NONE, start)
    move(panel, stop)
    assert selection.items == {"title", "patch"}
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert selection.items == {"mark"}
    QTest.mouseRelease(viewport, LEFT, NONE, stop)


# --- clips -----------------------------------------------------------------------------------------------------------


def test_a_clip_dragged_behind_another_changes_places_in_one_step(stage, panel, qtbot):
    before = story(stage)
    done = len(stage.session.document.history.done)
    first = stage.project.storyline[0].id
    drag(panel, at(panel, 10, RowKind.FILM), at(panel, 31, RowKind.FILM))
    assert [id for id, _ in story(stage)] == ["second", first, "third"]
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1
    stage.session.document.undo()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert story(stage) == before


def test_escape_during_a_drag_changes_nothing(stage, panel):
    before = stage.project
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, LEFT, NONE, at(panel, 10, RowKind.FILM))
    move(panel, at(panel, 35, RowKind.FILM))
    assert panel.view.scene().ghosts
    QTest.keyClick(panel.view, Qt.Key.Key_Escape)
    assert not panel.view.scene().ghosts
    QTest.mouseRelease(viewport, LEFT, NONE, at(panel, 35, RowKind.FILM))
    assert stage.project is before


def test_with_ctrl_a_clip_overwrites_where_it_is_put_and_leaves_a_gap(stage, panel):
    first = stage.project.storyline[0].id
    drag(panel, at(panel, 10, RowKind.FILM), at(panel, 35, RowKind.FILM), CTRL)
    assert [length for _, length in story(stage)] == [20, 5, 20, 5]
    assert [id for id, _ in story(stage)][:3] == ["gap", "second", first]


def test_an_edge_dragged_with_the_select_tool_leaves_a_gap_and_takes_it_back(stage, panel):
    second = at(panel, 39.7, RowKind.FILM)
    drag(panel, second, second - QPoint(50, 0))
    assert story(stage)[1:] == [("second", 15), ("gap", 5), ("third", 10)]
    second = at(panel, 34.7, RowKind.FILM)
    drag(panel, second, second + QPoint(50, 0))
    assert story(stage)[1:] == [("second", 20), ("third", 10)]


def test_an_edge_dragged_with_ctrl_ripples_and_with_alt_rolls(stage, panel):
    edge = at(panel, 39.7, RowKind.FILM)
    drag(panel, edge, edge - QPoint(50, 0), CTRL)
    assert story(stage)[1:] == [("second", 15), ("third", 10)]
    edge = at(panel, 34.7, RowKind.FILM)
    drag(panel, edge, edge - QPoint(30, 0), ALT)
    assert story(stage)[1:] == [("second", 12), ("third", 13)]


def test_an_edge_that_has_nowhere_to_go_says_so(stage, panel):
    before = stage.project
    edge = at(panel, 39.7, RowKind.FILM)
    drag(panel, edge, edge + QPoint(40, 0))
    assert stage.project is before
    assert "hold Ctrl" in stage.heard.said[-1]


def test_the_trim_tool_slips_inside_a_clip_and_slides_it_with_alt(stage, panel):
    stage.session.selection.set_tool(ToolMode.TRIM)
    middle = at(panel, 30, RowKind.FILM)
    drag(panel, middle, middle - QPoint(40, 0))
    second = stage.project.storyline[1]
    assert isinstance(second, Clip)
    assert second.timing.source_range == Range(24, 44)
    drag(panel, middle, middle - QPoint(60, 0), ALT)
    assert [length for _, length in story(stage)] == [14, 20, 16]


def test_the_razor_divides_the_clip_where_it_falls(stage, panel):
    stage.session.selection.set_tool(ToolMode.RAZOR)
    click(panel, at(panel, 27, RowKind.FILM))
    assert [length for _, length in story(stage)] == [20, 7, 13, 10]


def test_edges_snap_to_cuts_and_a_line_shows_where(stage, panel):
    stage.session.settings.set(snapping=True)
    viewport = panel.view.viewport()
    start = at(panel, 35.8, RowKind.OVERLAYS)
    QTest.mousePress(viewport, LEFT, NONE, start)
    move(panel, start + QPoint(20, 0))
    move(panel, start + QPoint(36, 0))
    assert panel.view.scene().snap_line == 40
    QTest.mouseRelease(viewport, LEFT, NONE, start + QPoint(36, 0))
    assert item(stage, "title").place.frames == Range(30, 40)


# --- items on layers -------------------------------------------------------------------------------------------------


def test_overlays_captions_and_markers_are_dragged_along_the_time(stage, panel):
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 13, RowKind.OVERLAYS))
    assert item(stage, "title").place.frames == Range(10, 16)
    frames = panel.view.content.find("said").frames
    drag(panel, at(panel, 7, RowKind.CAPTIONS), at(panel, 17, RowKind.CAPTIONS))
    assert panel.view.content.find("said").frames == frames.shifted(10)
    drag(panel, at(panel, 45.3, RowKind.MARKERS), at(panel, 25.3, RowKind.MARKERS))
    assert stage.project.markers[0].place.frames == Range(25, 26)


def test_several_chosen_items_move_together_in_one_step(stage, panel, qtbot):
    done = len(stage.session.document.history.done)
    stage.session.selection.choose("title", "mark")
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 28, RowKind.OVERLAYS))
    assert item(stage, "title").place.frames == Range(25, 31)
    assert stage.project.markers[0].place.frames == Range(40, 41)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1


def test_a_patch_is_shown_longer_by_its_edge_but_never_loses_its_anchor(stage, panel):
    edge = at(panel, 27.7, RowKind.PATCHES)
    drag(panel, edge, edge + QPoint(70, 0))
    assert item(stage, "patch").frames == Range(22, 35)
    edge = at(panel, 22.3, RowKind.PATCHES)
    drag(panel, edge, edge + QPoint(60, 0))
    assert item(stage, "patch").frames == Range(22, 35)
    assert "anchor" in stage.heard.said[-1]


def test_a_captions_edge_changes_its_time(stage, panel):
    edge = at(panel, panel.view.content.find("said").frames.stop - 0.3, RowKind.CAPTIONS)
    drag(panel, edge, edge + QPoint(30, 0))
    rate = stage.project.canvas.rate
    assert item(stage, "said").place.stop_s > Fraction(10, 30) + 2 / rate


def test_what_is_on_a_locked_layer_stays(stage, panel):
    layer = stage.project.layer("overlays")
    stage.do(e.ChangeLayer("overlays", replace(layer.settings, locked=True)))
    before = stage.project
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 13, RowKind.OVERLAYS))
    assert stage.project is before
    assert "locked" in stage.heard.said[-1]


# --- keys and menus --------------------------------------------------------------------------------------------------


def test_split_ripple_trim_and_delete_by_their_actions(stage, panel):
    stage.session.transport.seek(10)
    stage.run("clip.split")
    assert [length for _, length in story(stage)] == [10, 10, 20, 10]
    stage.session.transport.seek(25)
    stage.run("clip.trim_start")
    assert [length for _, length in story(stage)] == [10, 10, 15, 10]
    assert stage.session.transport.frame == 20
    stage.session.transport.seek(30)
    stage.run("clip.trim_end")
    assert [length for _, length in story(stage)] == [10, 10, 10, 10]
    stage.session.selection.choose("second")
    stage.run("edit.delete")
    assert story(stage)[2] == ("gap", 10)
    stage.session.selection.clear()
    stage.run("clip.close_gap")
    assert [length for _, length in story(stage)] == [10, 10, 10]
    stage.session.selection.choose("third")
    stage.run("edit.ripple_delete")
    assert [length for _, length in story(stage)] == [10, 10]


def test_copies_are_pasted_at_the_playhead_and_chosen(stage, panel):
    stage.session.selection.choose("title", "patch", "said")
    stage.run("edit.copy")
    stage.session.transport.seek(4)
    stage.run("edit.paste")
    ids = stage.session.selection.items
    assert len(ids) == 3
    starts = sorted(panel.view.content.find(id).frames.start for id in ids)
    found = sorted(panel.view.content.find(id).frames.start for id in ("title", "patch", "said"))
    assert [start - starts[0] for start in starts] == [start - found[0] for start in found]
    assert starts[0] == 4


def test_a_clip_is_duplicated_behind_itself(stage, panel):
    stage.session.selection.choose("second")
    stage.run("edit.duplicate")
    assert [length for _, length in story(stage)] == [20, 20, 20, 10]


def test_markers_are_set_by_key_and_jumped_between(stage, panel):
    stage.session.transport.seek(12)
    stage.run("marker.add_chapter")
    made = stage.project.markers[-1]
    assert (made.kind, made.place.frames) == (MarkerKind.CHAPTER, Range(12, 13))
    stage.run("marker.next")
    assert stage.session.transport.frame == 45
    stage.run("marker.previous")
    assert stage.session.transport.frame == 12


def test_items_are_nudged_by_a_frame(stage, panel):
    stage.session.selection.choose("title")
    stage.run("clip.nudge_on")
    stage.run("clip.nudge_on_far")
    assert item(stage, "title").place.frames == Range(41, 47)


def test_the_edges_of_chosen_items_go_to_the_playhead_by_key(stage, panel):
    stage.session.selection.choose("title", "patch")
    stage.session.transport.seek(33)
    stage.run("clip.end_here")
    assert item(stage, "title").place.frames == Range(30, 34)
    assert item(stage, "patch").frames == Range(22, 34)
    stage.session.selection.choose("second")
    stage.run("clip.start_here")
    assert [length for _, length in story(stage)] == [20, 7, 10]


def test_an_action_that_cannot_run_says_what_would_let_it(stage, panel):
    stage.session.selection.clear()
    stage.context.actions.refresh()
    action = stage.context.actions.action("edit.delete")
    assert not action.isEnabled()
    assert "Select something" in action.toolTip()


def test_the_keyboard_goes_from_item_to_item_and_from_row_to_row(stage, panel):
    stage.session.selection.choose("second")
    stage.run("item.next")
    assert stage.session.selection.items == {"third"}
    stage.run("item.above")
    assert stage.session.selection.items == {"patch"}
    stage.run("item.above")
    assert stage.session.selection.items == {"title"}


# --- wheel and pan ---------------------------------------------------------------------------------------------------


def wheel(panel: TimelinePanel, x: int, steps: float, keys=NONE) -> None:
    viewport = panel.view.viewport()
    where = QPointF(x, 100)
    event = QWheelEvent(
        where,
        viewport.mapToGlobal(where),
        QPoint(),
        QPoint(0, round(120 * steps)),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def test_the_wheel_scrolls_along_the_time_and_with_ctrl_zooms_at_the_pointer(stage, panel):
    panel.view.set_frames_per_px(1 / 40)
    panel.view.horizontalScrollBar().setValue(0)
    wheel(panel, 300, -1)
    assert panel.view.scale.scroll_px == 90
    place = panel.view.scale.position(300)
    wheel(panel, 300, 1, CTRL)
    assert panel.view.scale.frames_per_px < 1 / 40
    assert panel.view.scale.position(300) == pytest.approx(place, abs=panel.view.scale.frames_per_px)


def test_the_middle_button_pans(stage, panel):
    panel.view.set_frames_per_px(1 / 40)
    panel.view.horizontalScrollBar().setValue(100)
    drag(panel, QPoint(400, 100), QPoint(340, 100), button=MIDDLE)
    assert panel.view.scale.scroll_px == 160


# --- drops -----------------------------------------------------------------------------------------------------------


def drop(panel: TimelinePanel, data: QMimeData, frame: float, kind: RowKind, keys=NONE) -> QDropEvent:
    viewport = panel.view.viewport()
    where = QPointF(at(panel, frame, kind))
    # The other side proposes a move, as file managers do within a drive.
    actions = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
    entered = QDragEnterEvent(where.toPoint(), actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, entered)
    moved = QDragMoveEvent(where.toPoint(), actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, moved)
    event = QDropEvent(where, actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, event)
    return event


def test_a_film_dropped_near_a_cut_goes_in_there_and_its_file_stays(stage, panel, qtbot, tmp_path):
    other = make(tmp_path / "other.mp4", Recipe(frames=12, width=320, height=192))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(other))])
    done = len(stage.session.document.history.done)
    event = drop(panel, data, 21, RowKind.FILM)
    assert event.dropAction() is Qt.DropAction.CopyAction
    qtbot.waitUntil(lambda: len(stage.project.storyline) == 4, timeout=20_000)
    assert [length for _, length in story(stage)] == [20, 12, 20, 10]
    assert other.exists()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    assert len(stage.session.document.history.done) == done + 1


def test_a_picture_dropped_becomes_an_overlay_from_there(stage, panel, qtbot, tmp_path):
    path = tmp_path / "Logo.png"
    path.write_bytes(cv2.imencode(".png", np.full((40, 60, 3), 200, np.uint8))[1].tobytes())
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    drop(panel, data, 15, RowKind.OVERLAYS)
    qtbot.waitUntil(lambda: len(stage.project.layer("overlays").items) == 2, timeout=20_000)
    made = stage.project.layer("overlays").items[-1]
    assert (made.name, made.place.frames.start) == ("Logo", 15)


# --- what it says ----------------------------------------------------------------------------------------------------


def test_the_plan_stands_beside_the_strip_in_numbers(stage, panel, qtbot):
    plan = stage.session.live_plan
    qtbot.waitUntil(lambda: plan.is_current and plan.planned.plan is not None, timeout=10_000)
    text = panel._plan.accessibleName()
    rendered = plan.planned.plan.frames_rendered
    assert f"{rendered} of 50 frames re-encoded" in text
    assert "about" in text


def test_the_table_lists_the_same_items_and_chooses_them(stage, panel):
    stage.run("view.table")
    table = panel.table
    kinds = [table.model().index(n, 0).data() for n in range(table.model().rowCount())]
    assert sorted(kinds) == ["Caption", "Clip", "Clip", "Clip", "Marker", "Overlay", "Patch"]
    names = [table.model().index(n, 1).data() for n in range(table.model().rowCount())]
    stage.session.selection.choose("mark")
    assert [index.row() for index in table.selectionModel().selectedRows()] == [names.index("Here")]
    table.selectRow(kinds.index("Patch"))
    assert stage.session.selection.items == {"patch"}
    QTest.keyClick(table, Qt.Key.Key_Return)
    assert stage.session.transport.frame == 22


def test_the_heads_mute_and_lock_their_rows_by_buttons_with_names(stage, panel):
    buttons = {button.accessibleName(): button for button in panel.findChildren(QToolButton)}
    buttons["Lock Overlays"].click()
    assert stage.project.layer("overlays").settings.locked
    buttons["Hide Captions"].click()
    assert not stage.project.layer("captions").settings.visible


def test_a_sound_track_is_added_heard_alone_and_turned_down_under_speech(stage, panel):
    stage.run("track.add")
    assert len(stage.project.tracks) == 1
    heads = panel._heads
    place = panel.view.layout_of_rows.place(row(panel, RowKind.SOUND))
    QTest.mouseClick(heads, LEFT, NONE, QPoint(60, place.top + 10))
    stage.run("track.solo")
    stage.run("track.duck")
    settings = stage.project.tracks[0].settings
    assert settings.solo
    assert settings.ducking is not None
    stage.run("track.remove")
    assert not stage.project.tracks
    stage.context.actions.refresh()
    assert not stage.context.actions.action("track.solo").isEnabled()


def test_a_row_is_made_higher_by_dragging_its_lower_edge(stage, panel):
    heads = panel._heads
    place = panel.view.layout_of_rows.place(row(panel, RowKind.FILM))
    QTest.mousePress(heads, LEFT, NONE, QPoint(60, place.bottom - 1))
    QTest.mouseMove(heads, QPoint(60, place.bottom + 29))
    QTest.mouseRelease(heads, LEFT, NONE, QPoint(60, place.bottom + 29))
    assert panel.view.layout_of_rows.place(row(panel, RowKind.FILM)).height == place.height + 30
