"""A patch whose take is a film: its frame stands on the source frame that it was made for, where it is opaque."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.media.pixels import planes
from engine.model.layers import Blend
from engine.model.ops import PatchOp
from engine.model.patch import Follow, Motion
from engine.model.picture import Picture
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import MovingPicture, film_frame
from engine.render.base import still_of
from engine.render.patch_op import PatchRenderer, needs_others
from tests.engine.render.compose_scene import HEIGHT, WIDTH, noise, stream

BOX = Box(0.25, 0.25, 0.75, 0.75)
FIRST, COUNT = 12, 3


def pictures(name: str) -> Picture:
    """Return red of a brightness that tells the frame, opaque on its left half; nothing beyond the film's end."""
    content, _, number = name.partition("#")
    assert content == "film"
    rgba = np.zeros((48, 80, 4), np.uint8)
    if int(number) < COUNT:
        rgba[:, :40] = (120 + 40 * int(number), 0, 0, 255)
    return Picture(rgba)


def op(**fields) -> PatchOp:
    film = MovingPicture("film", BOX, FIRST)
    made = PatchOp(BOX, FIRST, 4.0, -4.0, None, Motion(Follow.PROVIDER), Range(FIRST, FIRST + 9), film)
    return replace(made, **fields)


@pytest.fixture
def still():
    video = stream()
    return still_of(noise(video, 1), video)


def drawn(still, made, number):
    return PatchRenderer(pictures, None).draw(made, "a", number, still)


def test_a_film_needs_nobody_to_follow_it():
    assert not needs_others(op())


def test_each_frame_stands_on_its_source_frame_where_it_is_opaque(still):
    before = planes(still.frame)
    means = []
    for number in range(FIRST, FIRST + COUNT):
        after = drawn(still, op(), number)
        means.append(float(after[2][HEIGHT // 4, WIDTH * 3 // 16]))
        changed = np.argwhere(after[0] != before[0])
        assert changed[:, 1].min() >= WIDTH // 4
        assert changed[:, 1].max() < WIDTH // 2
        assert changed[:, 0].min() >= HEIGHT // 4
        assert changed[:, 0].max() < HEIGHT * 3 // 4
    assert means == sorted(means)
    assert means[-1] - means[0] > 15


@pytest.mark.parametrize("number", [0, FIRST - 1, FIRST + COUNT, FIRST + 8])
def test_beyond_its_ends_the_source_shows(still, number):
    assert all(np.array_equal(a, b) for a, b in zip(drawn(still, op(), number), planes(still.frame), strict=True))


def test_half_opacity_shows_half_of_it(still):
    before, full, half = planes(still.frame), drawn(still, op(), FIRST), drawn(still, op(opacity=0.5), FIRST)
    where = np.s_[30:60, 45:75]
    change = (half[0][where].astype(int) - before[0][where]) * 2 - (full[0][where].astype(int) - before[0][where])
    assert np.abs(change).max() <= 2


def test_a_blend_mode_meets_what_lies_below(still):
    before, after = planes(still.frame), drawn(still, op(blend=Blend.DARKEN), FIRST)
    inside = np.s_[30:60, 45:75]
    assert (after[0][inside] <= before[0][inside].astype(int) + 2).all()
    assert np.array_equal(after[0][:, : WIDTH // 4], before[0][:, : WIDTH // 4])


def test_its_matte_is_where_the_film_is_opaque(still):
    renderer = PatchRenderer(pictures, None)
    alpha = renderer.matte(op(), "a", FIRST, still).full()
    assert alpha[HEIGHT // 2, WIDTH * 3 // 8] == pytest.approx(1)
    assert alpha[HEIGHT // 2, WIDTH * 5 // 8] == 0
    assert renderer.matte(op(), "a", FIRST - 1, still) is None


def test_without_a_first_frame_of_its_own_it_begins_with_the_window(still):
    other = op(tool=MovingPicture("film", BOX), window=Range(20, 29))
    assert np.array_equal(drawn(still, other, 21)[2], drawn(still, op(), FIRST + 1)[2])


def test_a_films_frames_have_names_of_their_own():
    assert film_frame("film", 3) == "film#3"
