"""What the timeline does at keys and menus, at the wheel, and with what is dropped on it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton

from app.ui.timeline.content import RowKind
from app.ui.timeline.drops import SOURCE_TYPE
from engine.model import edits as e
from engine.model.markers import MarkerKind
from engine.model.region import Box
from engine.model.sound import TrackSettings
from engine.model.time import Range
from tests.app.ui.timeline.hand import (
    CTRL,
    LEFT,
    MIDDLE,
    NONE,
    at,
    drag,
    drop,
    item,
    row,
    story,
    wheel,
)
from tests.corpus.small_clips import Recipe, make

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


def test_a_picture_in_the_clipboard_is_pasted_over_the_film_or_into_the_region(stage, panel, qtbot):
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(0x2040FF)
    QGuiApplication.clipboard().setImage(image)
    stage.session.transport.seek(12)
    titles = len(stage.project.layer("overlays").items)
    stage.run("edit.paste")
    qtbot.waitUntil(lambda: len(stage.project.layer("overlays").items) == titles + 1, timeout=20_000)
    assert stage.project.layer("overlays").items[-1].place.frames.start == 12
    patches = len(list(stage.project.patches))
    stage.session.selection.set_region(Box(0.6, 0.6, 0.8, 0.8), 12)
    stage.run("edit.paste")
    qtbot.waitUntil(lambda: len(list(stage.project.patches)) == patches + 1, timeout=20_000)
    QGuiApplication.clipboard().clear()


def test_what_was_copied_last_is_pasted(stage, panel):
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(0)
    QGuiApplication.clipboard().setImage(image)
    stage.session.selection.choose("title")
    stage.run("edit.copy")
    stage.run("edit.paste")
    assert len(stage.project.layer("overlays").items) == 2
    QGuiApplication.clipboard().clear()


def test_deleting_says_what_is_gone(stage, panel):
    stage.session.selection.choose("title")
    stage.run("edit.delete")
    assert stage.heard.said[-1].startswith("Deleted “")


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


def test_clips_are_pasted_behind_the_last_frame_with_the_patches_that_stand_on_them(stage, panel):
    before = story(stage)
    stage.session.selection.choose("second", "patch")
    stage.run("edit.copy")
    stage.session.transport.seek(stage.project.frame_count - 1)
    stage.run("edit.paste")
    assert story(stage)[:-1] == before
    assert story(stage)[-1][1] == 20
    assert [patch.id for patch in stage.project.patches] == ["patch"], "it shows on the copied frames too, once"
    assert stage.heard.said[-1] == "1 item pasted"


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


def test_sound_is_said_to_go_onto_a_track_and_what_a_drag_would_do_is_forgotten_with_it(stage, panel):
    sound = replace(stage.project.sources[0], id="song", picture=None)
    stage.do(e.AddSource(sound), e.AddTrack("t", TrackSettings("Music")))
    data = QMimeData()
    data.setData(SOURCE_TYPE, b"song")
    told = []
    panel.view.hint_changed.connect(told.append)
    drop(panel, data, 15, RowKind.SOUND)
    assert told == ["Lays the sound on a track of its own from here", ""]
    assert stage.session.selection.items == {sound.id for track in stage.project.tracks for sound in track.items}
    told.clear()
    drag(panel, at(panel, 33, RowKind.OVERLAYS), at(panel, 39, RowKind.OVERLAYS))
    assert told[0].startswith("+")
    assert told[-1] == ""


def test_a_track_that_is_heard_alone_says_so_in_the_heads(stage, panel):
    stage.do(e.AddTrack("one", TrackSettings("One")), e.AddTrack("two", TrackSettings("Two")))
    heads = panel._heads

    def words(name):
        # The last one: those of rows that were replaced go with the next turn of the loop.
        return [b.toolTip() for b in panel.findChildren(QToolButton) if b.accessibleName() == f"Mute {name}"][-1]

    before = heads.grab().toImage()
    stage.do(e.ChangeTrack("one", TrackSettings("One", solo=True)))
    assert words("One") == "Mute One; it alone is heard (solo)"
    assert words("Two") == "Mute Two; another track is heard alone (solo)"
    after = heads.grab().toImage()
    sign = stage.context.theme.colour("stale.bg")
    place = panel.view.layout_of_rows.place(row(panel, RowKind.SOUND))

    def signs(image):
        return sum(
            image.pixelColor(x, y) == sign for x in range(90, 130) for y in range(place.top, place.top + place.height)
        )

    assert signs(before) == 0 < signs(after)


# --- what it says ----------------------------------------------------------------------------------------------------


def test_the_plan_stands_beside_the_strip_in_numbers(stage, panel, qtbot):
    plan = stage.session.live_plan
    qtbot.waitUntil(lambda: plan.is_current and plan.planned.plan is not None, timeout=10_000)
    text = panel._plan.accessibleName()
    rendered = plan.planned.plan.frames_rendered
    assert f"{rendered} of 50 frames re-encoded" in text
    assert "about" in text
    dark = stage.context.theme.colour("strip.reencoded.text").name()
    assert dark in panel._plan.text()
    stage.session.settings.set(theme="light")
    light = stage.context.theme.colour("strip.reencoded.text").name()
    assert light != dark
    assert light in panel._plan.text()


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
