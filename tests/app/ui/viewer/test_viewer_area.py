"""The viewer as it is used: keys, transport, comparing, zooming."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QMenu

from app.session.selection import ToolMode
from app.ui.timeline.keyframe_ticks import keyframes_of
from app.ui.viewer import ViewerArea
from app.ui.viewer.picture_view import Compare
from engine.model.edits import AddPatch, ReplacePatch, SplitClip
from engine.model.ids import new_id
from engine.model.patch import Follow, Motion, Patch
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Rgb
from engine.render.moving import Followed

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def area(stage, qtbot) -> ViewerArea:
    made = ViewerArea(stage.context)
    stage.show(made, 1000, 640)
    qtbot.waitUntil(lambda: made.canvas.shown_frame == 0)
    stage.window.activateWindow()
    made.canvas.setFocus()
    qtbot.waitUntil(made.canvas.hasFocus)
    return made


def press(area, key, keys=NONE) -> None:
    QTest.keyClick(area.canvas, key, keys)


def red(stage) -> None:
    source = stage.project.sources[0]
    region = Box(-0.1, -0.1, 1.1, 1.1)
    stage.do(AddPatch(Patch.with_tool(new_id(), source.id, region, Range(0, 50), 0, Fill(Rgb(255, 0, 0)))))


def is_red(area, x=0.5) -> bool:
    colour = area.canvas.grab().toImage().pixelColor(area.canvas.view_map.to_view(x, 0.7).toPoint())
    return colour.red() > 200 and colour.green() < 60


def test_arrows_step_and_the_number_is_that_of_the_picture(stage, area, qtbot):
    for _ in range(3):
        press(area, Qt.Key.Key_Right)
    press(area, Qt.Key.Key_Left)
    qtbot.waitUntil(lambda: area.canvas.shown_frame == 2)
    assert area.transport.time.text() == "00:00:00:02"
    assert area.transport.number.text() == "Frame 2 of 50"
    press(area, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: area.canvas.shown_frame == 27)
    press(area, Qt.Key.Key_End)
    qtbot.waitUntil(lambda: area.canvas.shown_frame == 49)
    press(area, Qt.Key.Key_Home)
    qtbot.waitUntil(lambda: area.canvas.shown_frame == 0)


def test_up_and_down_go_from_edit_to_edit(stage, area, qtbot):
    stage.do(SplitClip(20, new_id()))
    press(area, Qt.Key.Key_Down)
    assert stage.session.transport.frame == 20
    press(area, Qt.Key.Key_Down)
    assert stage.session.transport.frame == 49
    press(area, Qt.Key.Key_Up)
    press(area, Qt.Key.Key_Up)
    assert stage.session.transport.frame == 0


def test_space_plays_and_pauses_and_jkl_shuttle(stage, area, qtbot):
    transport = stage.session.transport
    press(area, Qt.Key.Key_Space)
    assert transport.is_playing
    qtbot.waitUntil(lambda: transport.frame > 3)
    press(area, Qt.Key.Key_Space)
    assert not transport.is_playing
    press(area, Qt.Key.Key_L)
    press(area, Qt.Key.Key_L)
    assert transport.speed == Fraction(2)
    press(area, Qt.Key.Key_J)
    press(area, Qt.Key.Key_J)
    assert transport.speed == Fraction(-1)
    press(area, Qt.Key.Key_K)
    assert not transport.is_playing


def test_space_held_pans_and_does_not_play(stage, area, qtbot):
    canvas = area.canvas
    canvas.set_zoom(400)
    before = canvas.view_map.picture
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, LEFT, NONE, QPoint(300, 200))
    QTest.mouseMove(canvas, QPoint(350, 230))
    QTest.mouseRelease(canvas, LEFT, NONE, QPoint(350, 230))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    after = canvas.view_map.picture
    assert (after.left() - before.left(), after.top() - before.top()) == pytest.approx((50, 30), abs=1)
    assert not stage.session.transport.is_playing


def test_i_and_o_mark_a_range_and_the_loop_stays_in_it(stage, area, qtbot):
    transport = stage.session.transport
    transport.seek(10)
    press(area, Qt.Key.Key_I)
    transport.seek(15)
    press(area, Qt.Key.Key_O)
    assert stage.project.in_out == Range(10, 16)
    qtbot.waitUntil(lambda: stage.context.actions.action("mark.go_in").isEnabled())
    press(area, Qt.Key.Key_I, Qt.KeyboardModifier.ShiftModifier)
    assert transport.frame == 10
    stage.run("playback.loop")
    transport.play()
    frames = []
    transport.frame_changed.connect(frames.append)
    with qtbot.waitSignal(transport.clock_restarted):
        pass
    transport.pause()
    assert set(frames) <= set(range(10, 16))


def test_the_backtick_shows_before_for_as_long_as_it_is_held(stage, area, qtbot):
    red(stage)
    qtbot.waitUntil(lambda: is_red(area))
    QTest.keyPress(area.canvas, Qt.Key.Key_QuoteLeft)
    qtbot.waitUntil(lambda: not is_red(area))
    QTest.keyRelease(area.canvas, Qt.Key.Key_QuoteLeft)
    qtbot.waitUntil(lambda: is_red(area))


def test_the_wipe_is_dragged_by_its_line(stage, area, qtbot):
    red(stage)
    qtbot.waitUntil(lambda: is_red(area))
    canvas = area.canvas
    canvas.set_compare(Compare.WIPE)
    qtbot.waitUntil(lambda: is_red(area, 0.6) and not is_red(area, 0.4))
    start, stop = canvas.view_map.to_view(0.5, 0.8).toPoint(), canvas.view_map.to_view(0.8, 0.8).toPoint()
    QTest.mousePress(canvas, LEFT, NONE, start)
    QTest.mouseMove(canvas, stop)
    QTest.mouseRelease(canvas, LEFT, NONE, stop)
    assert canvas.wipe == pytest.approx(0.8, abs=0.01)
    assert not is_red(area, 0.6)


def test_side_by_side_flicker_and_heat_map_show_both(stage, area, qtbot):
    red(stage)
    canvas = area.canvas
    stage.run("view.side")
    qtbot.waitUntil(lambda: canvas.shown_frame is not None and len(canvas._pictures) == 2)
    halves = [view.to_view(0.5, 0.7).toPoint() for _, view in canvas.panes()]

    def colours() -> list[bool]:
        image = canvas.grab().toImage()
        return [image.pixelColor(place).red() > 200 and image.pixelColor(place).green() < 60 for place in halves]

    qtbot.waitUntil(lambda: colours() == [False, True])
    stage.run("view.flicker")
    seen = set()
    qtbot.waitUntil(lambda: seen.add(is_red(area)) or len(seen) == 2, timeout=10_000)
    stage.run("view.heat")
    qtbot.waitUntil(lambda: canvas.shown_frame == 0 and not is_red(area))
    stage.run("view.after")
    qtbot.waitUntil(lambda: is_red(area))


def test_ctrl_and_the_wheel_zoom_at_the_pointer(stage, area, qtbot):
    canvas = area.canvas
    point = QPointF(300, 200)
    before = canvas.view_map.to_canvas(point)

    def wheel(turned: int, keys=Qt.KeyboardModifier.ControlModifier) -> None:
        event = QWheelEvent(
            point,
            canvas.mapToGlobal(point),
            QPoint(),
            QPoint(0, turned),
            Qt.MouseButton.NoButton,
            keys,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(canvas, event)

    scale = canvas.view_map.scale
    wheel(240)
    assert canvas.view_map.scale > 1.3 * scale
    assert canvas.view_map.to_canvas(point) == pytest.approx(before, abs=0.004)
    stage.run("view.fit")
    assert canvas.view_map.zoom is None


def test_a_smaller_resolution_makes_smaller_pictures(stage, area, qtbot):
    canvas = area.canvas
    canvas.set_zoom(200)
    qtbot.waitUntil(lambda: canvas._pictures and next(iter(canvas._pictures.values())).image.width() == 320)
    stage.run("view.resolution_4")
    qtbot.waitUntil(lambda: next(iter(canvas._pictures.values())).image.width() == 80)


def test_lists_and_fields_keep_their_own_keys(stage, area, qtbot):
    lines = QListWidget(stage.window)
    lines.addItems(["a", "b"])
    lines.setCurrentRow(0)
    lines.show()
    lines.setFocus()
    QTest.keyClick(lines, Qt.Key.Key_Down)
    assert lines.currentRow() == 1
    assert stage.session.transport.frame == 0
    field = QLineEdit(stage.window)
    field.show()
    field.setFocus()
    QTest.keyClicks(field, "` r")
    assert field.text() == "` r"
    assert stage.session.selection.tool is ToolMode.SELECT


def test_safe_areas_and_mask_are_painted(stage, area, qtbot):
    plain = area.canvas.grab().toImage()
    stage.run("view.safe_areas")
    safe = area.canvas.grab().toImage()
    assert safe != plain
    stage.run("view.safe_areas")
    stage.session.selection.set_region(Box(0.2, 0.2, 0.4, 0.4), 0)
    drawn = area.canvas.grab().toImage()
    stage.run("view.mask")
    masked = area.canvas.grab().toImage()
    outside, inside = (area.canvas.view_map.to_view(x, 0.3).toPoint() for x in (0.8, 0.3))
    assert masked.pixelColor(outside).lightness() < drawn.pixelColor(outside).lightness()
    assert masked.pixelColor(inside) == drawn.pixelColor(inside)


def test_full_screen_shows_the_picture_alone_and_comes_back(stage, area, qtbot):
    stage.run("view.full_screen")
    full = area._full
    qtbot.waitUntil(lambda: full.isVisible() and full.shown_frame == 0)
    QTest.keyClick(full, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: area._full is None)


def test_a_frame_that_cannot_be_read_is_a_message_and_the_viewer_goes_on(stage, area, qtbot, tmp_path):
    from dataclasses import replace

    document = stage.session.document
    (source_id,) = document.films
    there = document._films
    document._films = {source_id: replace(document.films[source_id], path=tmp_path / "gone.mp4")}
    document.films_changed.emit()
    stage.session.transport.seek(30)
    qtbot.waitUntil(lambda: "gone.mp4" in area.canvas.message)
    trouble = area.canvas._trouble
    assert trouble.isVisible()
    assert "gone.mp4" in trouble.words.text()
    assert area.canvas.rect().contains(trouble.geometry())
    QTest.mouseClick(trouble.further, Qt.MouseButton.LeftButton)
    keyframes = [int(frame) for frame in keyframes_of(document.timeline, document.films)]
    there_again = next((frame for frame in keyframes if frame > 30), stage.session.transport.last_frame)
    qtbot.waitUntil(lambda: stage.session.transport.frame == there_again)
    # The number that is told is that of the playhead.
    qtbot.waitUntil(lambda: area.canvas.shown_frame == there_again)
    QTest.mouseClick(trouble.again, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "gone.mp4" in area.canvas.message)
    stage.session.transport.seek(30)
    document._films = there
    document.films_changed.emit()
    qtbot.waitUntil(lambda: area.canvas.message == "" and area.canvas.shown_frame == 30)
    assert not trouble.isVisible()


def test_closing_the_project_empties_the_viewer(stage, area, qtbot):
    stage.session.document.close()
    assert area.canvas.shown_frame is None
    assert not area.canvas.isVisible()


def test_where_following_is_lost_the_bar_leads_there_and_offers_what_helps(stage, area, qtbot, monkeypatch):
    frames = Range(0, 50)
    lost = Followed(frames, frames, (0.9,) * 30 + (0.0,) * 20, (Range(30, 50),), (False, False), None, ())
    motion = Motion(Follow.PLANAR)
    patch = Patch.with_tool(new_id(), stage.project.sources[0].id, Box(0.2, 0.2, 0.4, 0.4), frames, 0, Blur(4.0))
    stage.do(AddPatch(replace(patch, motion=motion)))
    assert not area.transport.ways.isVisible()
    monkeypatch.setattr(stage.session.following, "followed", lambda _id: lost)
    monkeypatch.setattr(stage.session.following, "job", lambda _id: None)
    stage.session.selection.choose(patch.id)
    assert "lost on 20 of 50" in area.transport.follow.text()
    assert area.transport.ways.isVisible()
    QTest.mouseClick(area.transport.ways, LEFT)
    menu = area.transport.findChild(QMenu)
    assert menu.isVisible()
    menu.actions()[0].trigger()
    menu.close()
    assert stage.session.transport.frame == 30


def test_choosing_a_patch_leaves_a_narrow_viewer_as_wide_as_it_is(stage, area):
    frames = Range(0, 50)
    patch = Patch.with_tool(new_id(), stage.project.sources[0].id, Box(0.2, 0.2, 0.4, 0.4), frames, 0, Blur(4.0))
    stage.do(AddPatch(patch))
    area.setGeometry(0, 0, 760, 500)
    QApplication.processEvents()
    stage.session.selection.choose(patch.id)
    QApplication.processEvents()
    assert area.transport.follow.isVisible()
    assert area.transport.minimumSizeHint().width() <= 760


def told(stage, area) -> str:
    bar = area.transport
    return f"{bar._word.text()} {bar.follow.text()}"


def test_it_is_told_what_happens_to_a_patch_over_its_frames(stage, area, monkeypatch):
    source = stage.project.sources[0].id
    patch = Patch.with_tool("patch", source, Box(0.2, 0.2, 0.4, 0.4), Range(10, 30), 12, Blur(4.0))
    stage.do(AddPatch(patch))
    stage.session.selection.choose("patch")
    assert told(stage, area) == "Stays in place 20 frames"
    assert "stays where it was drawn" in area.transport._word.toolTip()
    moving = replace(patch, motion=Motion(Follow.HYBRID))
    stage.do(ReplacePatch(moving))
    assert told(stage, area) == "Follow 20 frames, not followed yet"
    found = SimpleNamespace(frames=Range(10, 30), lost=(), confidence=(1.0,) * 20)
    monkeypatch.setattr(stage.session.following, "followed", lambda _id: found)
    for confidence, lost, words in (
        ((1.0,) * 20, (), "on all 20 frames"),
        ((1.0,) * 17 + (0.1,) * 3, (), "20 frames, unsure on 3"),
        ((1.0,) * 20, (Range(20, 24),), "lost on 4 of 20 frames"),
    ):
        found.confidence, found.lost = confidence, lost
        stage.session.following.changed.emit("patch")
        assert told(stage, area) == f"Follow {words}"
