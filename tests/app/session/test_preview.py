"""The viewer's pictures: exact, made ahead, the newest wish first, and a message where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QElapsedTimer

from app.session.preview import Preview
from app.session.shown_pictures import Look, Show, Shown, Want
from engine.media.pixels import Care, to_screen
from engine.model.edits import AddPatch, LiftRange
from engine.model.ids import new_id
from engine.model.patch import Follow, Motion, Patch
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Fill, Rgb
from tests.films import reader

SIZE = (320, 192)
WINDOW = Range(10, 20)
AFTER, BEFORE = Look(Show.AFTER, SIZE), Look(Show.BEFORE, SIZE)


@pytest.fixture
def preview(stage, qtbot) -> Preview:
    made = stage.session.preview
    qtbot.waitUntil(lambda: made.scene is not None)
    return made


def shown(qtbot, preview: Preview, want: Want) -> Shown:
    preview.ask("test", [want])
    qtbot.waitUntil(lambda: (found := preview.find(want)) is not None and found.care is Care.CAREFUL)
    found = preview.find(want)
    assert found is not None
    return found


def red_patch(stage, frames=WINDOW, motion=None) -> Patch:
    source = stage.project.sources[0]
    patch = Patch.with_tool(new_id(), source.id, Box(0.25, 0.25, 0.5, 0.5), frames, frames.start, Fill(Rgb(255, 0, 0)))
    return patch if motion is None else replace(patch, motion=motion)


def test_a_picture_is_that_of_its_frame_wherever_one_jumps(stage, preview, qtbot, small_film):
    film = reader(small_film)
    for frame in (0, 37, 12, 13, 11, 49, 3):
        found = shown(qtbot, preview, Want(frame, AFTER))
        np.testing.assert_array_equal(found.pixels, to_screen(film.frame(frame)))
        assert found.image.size().toTuple() == SIZE


def test_a_smaller_picture_is_asked_for_in_the_size_in_which_it_is_shown(stage, preview, qtbot):
    found = shown(qtbot, preview, Want(5, Look(Show.AFTER, (160, 96))))
    assert found.image.size().toTuple() == (160, 96)


def test_a_patch_shows_after_and_not_before(stage, preview, qtbot):
    stage.do(AddPatch(red_patch(stage)))
    qtbot.waitUntil(lambda: preview.scene is not None and preview.scene.project is stage.project)
    after, before = shown(qtbot, preview, Want(12, AFTER)), shown(qtbot, preview, Want(12, BEFORE))
    colour = after.image.pixelColor(120, 70)
    assert colour.red() > 220
    assert colour.green() < 40
    assert before.image.pixelColor(120, 70) != colour
    heat = shown(qtbot, preview, Want(12, Look(Show.HEAT, SIZE, 8)))
    assert heat.image.pixelColor(120, 70).lightness() > heat.image.pixelColor(300, 180).lightness()


def test_what_did_not_change_is_still_there_after_an_edit(stage, preview, qtbot):
    shown(qtbot, preview, Want(30, AFTER))
    shown(qtbot, preview, Want(12, AFTER))
    preview.ask("test", [])
    stage.do(AddPatch(red_patch(stage)))
    qtbot.waitUntil(lambda: preview.scene is not None and preview.scene.project is stage.project)
    assert preview.find(Want(30, AFTER)) is not None
    assert preview.find(Want(12, AFTER)) is None


def test_neighbours_are_made_ahead_and_are_there_at_once(stage, preview, qtbot):
    preview.ask("test", [Want(20, AFTER)], [AFTER])
    stage.session.transport.seek(20)
    qtbot.waitUntil(lambda: all(preview.find(Want(frame, AFTER)) for frame in range(18, 30)))
    timer = QElapsedTimer()
    timer.start()
    for frame in range(18, 30):
        assert preview.find(Want(frame, AFTER)) is not None
    assert timer.elapsed() <= 12 * 5


def test_what_is_there_is_painted_before_anything_is_made_ahead(stage, preview, qtbot):
    shown(qtbot, preview, Want(20, AFTER))
    qtbot.waitUntil(lambda: preview.is_idle)
    preview.ask("test", [Want(20, AFTER)], [AFTER])
    with preview._queue._changed:
        assert preview._queue._tasks
        assert preview._queue._next_task() is None
    qtbot.waitUntil(lambda: preview.find(Want(21, AFTER)) is not None)


def test_while_it_plays_pictures_are_converted_quickly_and_standing_ones_anew(stage, preview, qtbot):
    want = Want(7, AFTER)
    stage.session.transport.play()
    preview.ask("test", [want])
    qtbot.waitUntil(lambda: preview.find(want) is not None)
    assert preview.find(want).care is Care.QUICK
    stage.session.transport.pause()
    qtbot.waitUntil(lambda: preview.find(want).care is Care.CAREFUL)


def test_a_gap_is_black(stage, preview, qtbot):
    stage.do(LiftRange(Range(10, 20), new_id()))
    qtbot.waitUntil(lambda: preview.scene is not None and preview.scene.project is stage.project)
    assert shown(qtbot, preview, Want(15, AFTER)).image.pixelColor(100, 100).lightness() < 5


def test_a_film_that_is_gone_costs_a_message(stage, preview, qtbot, small_film, tmp_path):
    gone = tmp_path / "gone.mp4"
    document = stage.session.document
    (source_id,) = document.films
    document._films = {source_id: replace(document.films[source_id], path=gone)}
    with qtbot.waitSignal(preview.scene_changed):
        document.films_changed.emit()
    want = Want(5, AFTER)
    with qtbot.waitSignal(preview.failed) as told:
        preview.ask("test", [want])
    assert told.args[0] == want
    assert "gone.mp4" in preview.failure(want)


def test_without_any_film_it_says_why_there_is_nothing_to_see(stage, preview, qtbot):
    stage.session.document._films = {}
    stage.session.document.films_changed.emit()
    qtbot.waitUntil(lambda: preview.why_not != "")
    assert "at hand" in preview.why_not


def test_a_patch_that_follows_is_followed_in_the_background_and_then_shows(stage, preview, qtbot):
    following = stage.session.following
    patch = red_patch(stage, Range(10, 16), Motion(Follow.PLANAR))
    stage.do(AddPatch(patch))
    qtbot.waitUntil(lambda: following.followed(patch.id) is not None, timeout=30_000)
    followed = following.followed(patch.id)
    assert followed.window == Range(10, 16)
    assert len(followed.confidence) == len(followed.frames)
    assert [job.title for job in stage.session.jobs.shown] == ["Follow “Patch”"]
    assert shown(qtbot, preview, Want(10, AFTER)).image.pixelColor(120, 70).red() > 200


def test_what_a_view_has_worked_out_comes_with_its_name(stage, preview, qtbot):
    with qtbot.waitSignal(preview.worked, check_params_cb=lambda view, _: view == "count") as told:
        preview.work_out("count", lambda scene: scene.timeline.frame_count)
    assert told.args == ["count", 50]


def test_closing_the_project_lets_go_of_its_films(stage, preview, qtbot):
    shown(qtbot, preview, Want(3, AFTER))
    stage.session.document.close()
    assert preview.scene is None
    assert preview.find(Want(3, AFTER)) is None
