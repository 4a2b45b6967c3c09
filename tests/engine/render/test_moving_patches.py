"""Patches that follow, drawn for preview and export alike: what they touch, what they remember, what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, UnsupportedMedia
from engine.media.pixels import new_frame, planes
from engine.model.layers import Blend
from engine.model.ops import PatchOp, SubjectOp
from engine.model.patch import Follow, Motion, Nudge, WhenLost
from engine.model.picture import Picture as StillPicture
from engine.model.pixel_format import PixelFormat
from engine.model.recipe import Recipe, RecipeRun, SourceBase
from engine.model.region import Ellipse
from engine.model.subject import DrawnMatte
from engine.model.time import Range
from engine.model.tool import (
    Blur,
    Clone,
    Fill,
    FitStep,
    Grade,
    Inpaint,
    Lettering,
    Picture,
    Pixelate,
    Remove,
    Rgb,
)
from engine.render.compose import Composer
from engine.render.moving import Late, Moving
from engine.render.patch_op import drawn_matte_op
from tests.engine.render.compose_scene import Reel, stream
from tests.moving_textures import HEIGHT, LASSO, WIDTH, Board, similarity

LENGTH = 12
ANCHOR = 5
WHOLE = Range(0, LENGTH)


def pose(t):
    return similarity(130 + 5 * t, 110 + 3 * t, 0.02 * t)


class Film(Reel):
    """A board that moves, in any pixel format; says how often its frames were asked for."""

    def __init__(self, pix_fmt="yuv420p", rotation=0, field_order="progressive", board=None, length=LENGTH):
        video = replace(stream(pix_fmt, WIDTH, HEIGHT, rotation), field_order=field_order)
        form = PixelFormat.of(video)
        board = board or Board(pose)
        self.board, self.asked = board, 0
        frames = []
        for t in range(length):
            luma = board.levels(t).astype(np.int64) << (form.bit_depth - 8)
            whole = [luma]
            for index in range(1, form.plane_count):
                across, down = form.plane_size(WIDTH, HEIGHT, index)
                step_x, step_y = form.shift_of(index)
                whole.append(luma[:: 1 << step_y, :: 1 << step_x][:down, :across] // 2 + (40 << (form.bit_depth - 8)))
            frames.append(new_frame(video, [plane.astype(form.dtype) for plane in whole]))
        super().__init__({"a": (video, frames)})

    def frame(self, source_id, number):
        self.asked += 1
        return super().frame(source_id, number)


class Store(dict):
    def get(self, kind, key):
        return super().get((kind, key))

    def put(self, kind, key, value):
        self[kind, key] = value


def region(t=ANCHOR, radius=LASSO):
    x, y = pose(t)[:2, 2]
    return Ellipse((x - radius) / WIDTH, (y - radius) / HEIGHT, (x + radius) / WIDTH, (y + radius) / HEIGHT)


def moving_op(tool, follow=Follow.HYBRID, window=WHOLE, when_lost=WhenLost.FADE, **fields):
    where = fields.pop("region", region())
    motion = fields.pop("motion", Motion(follow, when_lost))
    return PatchOp(where, ANCHOR, fields.pop("feather_px", 3.0), 0.0, None, motion, window, tool, **fields)


def checkers(content="picture"):
    y, x = np.mgrid[0:60, 0:60]
    rgba = np.full((60, 60, 4), 255, np.uint8)
    rgba[..., 0] = ((x // 10 + y // 10) % 2) * 255
    return StillPicture(rgba)


def scene(film, ops, cache=None, late=Late.WAIT):
    runs = (RecipeRun(Range(0, LENGTH), Recipe(SourceBase("a", 0), None, tuple(ops))),)
    moving = Moving(film, checkers, Store() if cache is None else cache, {"a": "content"}, late)
    return Composer(film.video("a"), runs, checkers, film, moving), moving, runs


TOOLS = {
    "blur": Blur(6),
    "pixelate": Pixelate(8),
    "fill": Fill(Rgb(255, 255, 255)),
    "grade": Grade(exposure=1.0, hue_deg=40),
    "remove": Remove(6),
    "inpaint": Inpaint(3),
    "clone": Clone(dx=0.3),
    "heal from another frame": Clone(frames=3, heal=True),
    "picture": Picture("picture", fit=()),
    "text": Lettering("ab"),
}


@pytest.mark.parametrize(
    ("name", "follow"),
    [*((name, Follow.HYBRID) for name in TOOLS), ("picture", Follow.PLANAR), *((n, Follow.STATIC) for n in TOOLS)],
)
def test_outside_its_matte_every_sample_is_the_sources(name, follow):
    film = Film()
    composer, _, _ = scene(film, [moving_op(TOOLS[name], follow)])
    for number in (0, ANCHOR, 8):
        before, after = planes(film.frame("a", number)), planes(composer.compose(number))
        outside = composer.touched(number) <= 0
        assert outside.any()
        np.testing.assert_array_equal(before[0][outside], after[0][outside])
        # A chroma sample is outside where all four pixels that share it are.
        shared = outside.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).all(axis=(1, 3))
        for plane in (1, 2):
            np.testing.assert_array_equal(before[plane][shared], after[plane][shared])
        assert (before[0] != after[0]).any()


@pytest.mark.parametrize("pix_fmt", ["yuv422p10le", "yuv444p", "gray", "gbrp"])
def test_every_format_and_turn_is_followed(pix_fmt):
    film = Film(pix_fmt, rotation=90 if pix_fmt == "yuv444p" else 0)
    where = region()
    if pix_fmt == "yuv444p":
        # What lies at (x, y) of the frame is shown at (1 - y, x), turned clockwise.
        where = Ellipse(1 - where.y1, where.x0, 1 - where.y0, where.x1)
    composer, _, _ = scene(film, [moving_op(Fill(Rgb(255, 255, 255)), region=where)])
    for number in (0, 9):
        before, after = planes(film.frame("a", number))[0], planes(composer.compose(number))[0]
        rows, columns = np.nonzero(np.abs(after.astype(int) - before) > 4)
        assert np.hypot(columns.mean() - pose(number)[0, 2], rows.mean() - pose(number)[1, 2]) < 2.5


def test_an_interlaced_film_is_followed_field_by_field():
    film = Film(field_order="tt")
    composer, moving, runs = scene(film, [moving_op(Fill(Rgb(255, 255, 255)))])
    frame = composer.compose(8)
    before, after = planes(film.frame("a", 8))[0], planes(frame)[0]
    assert (before != after).any()
    outside = composer.touched(8) <= 0
    np.testing.assert_array_equal(before[outside], after[outside])
    (op, source_id), *_ = [(run.recipe.ops[0], "a") for run in runs]
    followed = moving.follow(op, source_id, Progress(), CancelToken())
    assert followed.frames == Range(0, LENGTH)
    assert len(followed.confidence) == LENGTH


def test_what_was_followed_is_not_followed_again():
    film, cache = Film(), Store()
    composer, _, _ = scene(film, [moving_op(Blur(5))], cache)
    first = [planes(composer.compose(number)) for number in range(LENGTH)]
    film.asked = 0
    composer, moving, runs = scene(film, [moving_op(Blur(5))], cache)
    assert moving.missing(runs) == ()
    again = planes(composer.compose(8))
    # The frame itself and the anchor, nothing else.
    assert film.asked <= 2
    for one, other in zip(first[8], again, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "other",
    [{"tool": Fill(Rgb(9, 9, 9))}, {"feather_px": 9.0}, {"grow_px": 4.0}, {"opacity": 0.5}, {"blend": Blend.MULTIPLY}],
    ids=lambda change: next(iter(change)),
)
def test_another_look_does_not_track_again(other):
    film, cache = Film(), Store()
    op = moving_op(Blur(5))
    composer, _, _ = scene(film, [op], cache)
    composer.compose(0)
    tracks = [key for key in cache if key[0] in ("track", "journey")]
    composer, _, _ = scene(film, [replace(op, **other)], cache)
    film.asked = 0
    composer.compose(8)
    assert film.asked <= 2
    assert [key for key in cache if key[0] in ("track", "journey")] == tracks


def test_a_correction_by_hand_uses_the_track_that_is_there():
    film, cache = Film(), Store()
    scene(film, [moving_op(Blur(5))], cache)[0].compose(0)
    nudged = moving_op(Fill(Rgb(255, 255, 255)), motion=Motion(Follow.PLANAR, nudges=(Nudge(8, dx=0.1),)))
    plain = moving_op(Fill(Rgb(255, 255, 255)), Follow.PLANAR)
    centres = []
    for op in (plain, nudged):
        composer, _, _ = scene(film, [op], cache)
        changed = planes(composer.compose(8))[0] != planes(film.frame("a", 8))[0]
        centres.append(np.nonzero(changed)[1].mean())
    assert centres[1] - centres[0] == pytest.approx(0.1 * WIDTH, abs=1.5)


def test_a_longer_window_goes_on_where_the_shorter_one_stopped():
    film, cache = Film(), Store()
    scene(film, [moving_op(Blur(5), window=Range(3, 8))], cache)[0].compose(ANCHOR)
    film.asked = 0
    scene(film, [moving_op(Blur(5), window=Range(3, 10))], cache)[0].compose(ANCHOR)
    short = film.asked
    film.asked = 0
    scene(film, [moving_op(Blur(5), window=Range(3, 10))], Store())[0].compose(ANCHOR)
    assert short < film.asked


def test_a_viewer_shows_the_film_until_the_patch_is_followed():
    film = Film()
    composer, moving, runs = scene(film, [moving_op(Fill(Rgb(255, 255, 255)))], late=Late.LEAVE_OUT)
    before = planes(film.frame("a", 8))[0]
    np.testing.assert_array_equal(planes(composer.compose(8))[0], before)
    ((op, source_id),) = moving.missing(runs)
    moving.follow(op, source_id, Progress(), CancelToken())
    assert moving.missing(runs) == ()
    assert (planes(composer.compose(8))[0] != before).any()


def test_a_removal_is_drawn_once_and_then_copied():
    film, cache = Film(), Store()
    composer, moving, runs = scene(film, [moving_op(Remove(6))], cache)
    moving.prepare(runs, Progress(), CancelToken())
    first = planes(composer.compose(8))
    composer, moving, runs = scene(film, [moving_op(Remove(6), opacity=1.0)], cache, Late.LEAVE_OUT)
    film.asked = 0
    again = planes(composer.compose(8))
    assert film.asked == 1
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_following_stops_when_it_is_asked_to():
    film = Film()
    _, moving, runs = scene(film, [moving_op(Blur(5))])
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        moving.prepare(runs, Progress(), cancel)


def test_a_cut_ends_the_patch_and_is_told():
    board = Board(pose)

    class Cut(Board):
        def levels(self, t, *, edited=False):
            if t < 9:
                return super().levels(t, edited=edited)
            return np.ascontiguousarray(255 - super().levels(0)[::-1] // 2).astype(np.uint8) // 2

    film = Film(board=Cut(pose))
    assert film.board is not board
    composer, moving, runs = scene(film, [moving_op(Fill(Rgb(255, 255, 255)))])
    followed = moving.follow(runs[0].recipe.ops[0], "a", Progress(), CancelToken())
    assert followed.frames == Range(0, 9)
    assert followed.cuts == (False, True)
    assert any("cut at frame 9" in doubt for doubt in followed.doubts)
    np.testing.assert_array_equal(planes(composer.compose(10))[0], planes(film.frame("a", 10))[0])


@pytest.mark.parametrize("when_lost", WhenLost)
def test_where_it_is_lost_a_patch_fades_out_or_covers_more(when_lost):
    film = Film(board=Board(pose, gone=range(8, 30)))
    composer, moving, runs = scene(film, [moving_op(Fill(Rgb(255, 255, 255)), when_lost=when_lost)])
    followed = moving.follow(runs[0].recipe.ops[0], "a", Progress(), CancelToken())
    assert followed.lost == (Range(8, LENGTH),)
    assert followed.suggestion in range(8, LENGTH)
    assert any("8:12" in doubt for doubt in followed.doubts)
    seen, lost = (float((composer.touched(number) > 0.5).sum()) for number in (ANCHOR, 11))
    if when_lost is WhenLost.FADE:
        assert lost == 0
    else:
        assert lost > seen


def test_a_removal_leaves_the_frames_alone_on_which_the_thing_is_lost():
    film = Film(board=Board(pose, gone=range(8, 30)))
    composer, moving, runs = scene(film, [moving_op(Remove(4))])
    moving.prepare(runs, Progress(), CancelToken())
    for number, touched in ((ANCHOR, True), (11, False)):
        before, after = planes(film.frame("a", number))[0], planes(composer.compose(number))[0]
        assert bool((before != after).any()) is touched
        assert bool((composer.touched(number) > 0).any()) is touched


def test_opacity_and_blend_modes_are_those_of_its_layer():
    film = Film()
    solid = planes(scene(film, [moving_op(Fill(Rgb(255, 255, 255)))])[0].compose(8))[0].astype(int)
    half = planes(scene(film, [moving_op(Fill(Rgb(255, 255, 255)), opacity=0.5)])[0].compose(8))[0].astype(int)
    before = planes(film.frame("a", 8))[0].astype(int)
    np.testing.assert_allclose(half, (solid + before) / 2, atol=0.51)
    black = planes(scene(film, [moving_op(Fill(Rgb(0, 0, 0)), blend=Blend.MULTIPLY)])[0].compose(8))[0]
    assert black.min() < 24
    assert (black <= before + 1).all()


def test_a_subjects_drawn_region_follows():
    film = Film()
    subject = SubjectOp(DrawnMatte(region(), ANCHOR, Motion(Follow.PLANAR)), 0, Range(0, LENGTH), 2.0, False)
    _, moving, runs = scene(film, [subject])
    assert len(moving.missing(runs)) == 1
    for number in (0, 9):
        matte = moving.matte(drawn_matte_op(subject, subject.matte), "a", number, None)
        rows, columns = np.nonzero(matte.full() > 0.5)
        assert np.hypot(columns.mean() - pose(number)[0, 2], rows.mean() - pose(number)[1, 2]) < 2
    assert moving.missing(runs) == ()


def test_a_whole_frame_that_was_edited_elsewhere_is_fitted_back():
    film = Film("yuv444p")
    frame = planes(film.frame("a", ANCHOR))
    grey = np.clip((np.roll(frame[0], 2, axis=1).astype(float) - 16) / 219 * 255, 0, 255).astype(np.uint8)
    rgba = np.dstack([grey] * 3 + [np.full_like(grey, 255)])
    op = moving_op(Picture("whole", fit=tuple(FitStep)), feather_px=4.0)
    runs = (RecipeRun(Range(0, LENGTH), Recipe(SourceBase("a", 0), None, (op,))),)
    moving = Moving(film, lambda _: StillPicture(rgba), Store(), {})
    composer = Composer(film.video("a"), runs, lambda _: StillPicture(rgba), film, moving)
    # The edit is the film itself, two pixels off: fitted, hardly anything changes.
    difference = np.abs(planes(composer.compose(ANCHOR))[0].astype(int) - frame[0])
    assert difference.mean() < 0.3
    assert difference.max() < 40


def test_without_the_other_frames_such_a_patch_is_refused():
    film = Film()
    runs = (RecipeRun(Range(0, LENGTH), Recipe(SourceBase("a", 0), None, (moving_op(Blur(5)),))),)
    with pytest.raises(UnsupportedMedia, match="other frames"):
        Composer(film.video("a"), runs, checkers, film).compose(0)


def test_a_patch_over_another_sees_what_was_filmed():
    film = Film()
    below = moving_op(Fill(Rgb(0, 0, 0)), Follow.PLANAR, feather_px=0.0)
    above = moving_op(Picture("picture", fit=()), Follow.HYBRID, feather_px=0.0)
    alone = planes(scene(film, [above])[0].compose(8))[0].astype(int)
    both = planes(scene(film, [below, above])[0].compose(8))[0].astype(int)
    inside = scene(film, [above])[0].touched(8) > 0.99
    assert np.abs(alone - both)[inside].mean() < 1.0
