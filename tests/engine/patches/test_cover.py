"""What must stay hidden is covered wherever it may be: lost, back from elsewhere, whipped aside, leaving, growing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.model.patch import Follow, WhenLost
from engine.model.time import Range
from engine.patches.matte import Matte
from engine.patches.moving import matte_on
from engine.patches.propagate import Anchor, propagate
from tests.moving_textures import HEIGHT, LASSO, WIDTH, Board, similarity


class Exposed(Board):
    """The shutter is open for most of the time, so a moving board is smeared along its way."""

    _OPEN = 0.8
    _MOMENTS = 5

    def levels(self, t, *, edited=False):
        pose, pictures = self.pose, []
        for moment in np.linspace(-0.5, 0.5, self._MOMENTS):
            self.pose = lambda frame, at=t + moment * self._OPEN: pose(at)
            pictures.append(super().levels(t, edited=edited).astype(np.float32))
        self.pose = pose
        return np.rint(np.mean(pictures, axis=0)).astype(np.uint8)

    def moments(self, t):
        return t + np.linspace(-0.5, 0.5, self._MOMENTS) * self._OPEN


def at(x, y=120.0, angle=0.0, scale=1.0):
    return similarity(x, y, angle, scale)


SCENES = {
    "slides off to the left and comes in again from the right": (
        Board(lambda t: at(160 - 14 * t if t < 18 else 160 + 14 * (36 - t))),
        40,
    ),
    "leaves and returns on the same side": (Board(lambda t: at(160 + 12 * min(t, 40 - t))), 40),
    "is whipped aside, too blurred to be seen": (Exposed(lambda t: at(100 + 45 * float(np.clip(t - 5, 0, 3)))), 14),
    "goes behind something and comes out slower": (
        Board(lambda t: at(60 + 6 * min(t, 12) + 2.5 * max(0, t - 12)), occluder=lambda t: (110, 220)),
        44,
    ),
    "goes behind something and turns back": (
        Board(lambda t: at(60 + 6 * min(t, 28 - t)), occluder=lambda t: (120, 320)),
        28,
    ),
    "jumps about faster than anything can follow": (
        Board(lambda t: at(160 + 60 * np.sin(0.7 * t), 120 + 30 * np.sin(1.1 * t))),
        24,
    ),
    "shrinks to less than half": (Board(lambda t: at(160, scale=1 - 0.02 * min(t, 30))), 32),
    "grows and leaves": (Board(lambda t: at(160 + 8 * t, scale=1 + t / 25)), 20),
    "is in the dark for a while": (
        Board(lambda t: at(100 + 3 * t), light=lambda x, y, t: 0.12 if 8 <= t < 16 else 1),
        24,
    ),
}


@pytest.mark.parametrize("name", SCENES)
def test_it_is_covered_on_every_frame_where_it(name):
    board, count = SCENES[name]
    alpha, bounds = board.region()
    journey = propagate(
        board.read, (Anchor(0, alpha, bounds),), Range(0, count), Follow.HYBRID, (), (WIDTH, HEIGHT), Progress(),
        CancelToken(),
    )  # fmt: skip
    assert journey.frames == Range(0, count)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for t in range(1, count):
        visible = np.zeros(x.shape, bool)
        for moment in board.moments(t) if isinstance(board, Exposed) else (t,):
            visible |= np.hypot(*board.board_map(moment, x, y)) <= LASSO - 1
        if board.occluder is not None:
            left, right = board.occluder(t)
            visible &= (x < left) | (x > right)
        if visible.any():
            cover = matte_on(Matte.of_full(alpha), journey, WhenLost.COVER, t)
            assert cover is not None, t
            assert cover.full()[visible].min() > 0.98, t


def test_what_goes_its_own_way_in_a_region_drawn_wide_is_covered_and_told():
    # The region is drawn on what stands still; before it a strip was in it and walks out of it.
    board = Board(lambda t: at(120), occluder=lambda t: (105 + 5 * t, 140 + 5 * t))
    alpha, bounds = board.region()
    journey = propagate(
        board.read, (Anchor(0, alpha, bounds),), Range(0, 12), Follow.HYBRID, (), (WIDTH, HEIGHT), Progress(),
        CancelToken(),
    )  # fmt: skip
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    assert sum(map(len, journey.parted)) >= 8
    for t in range(12):
        walker = (x > 105 + 5 * t) & (x < 140 + 5 * t) & (np.hypot(x - 120 - 5 * t, y - 120) < LASSO - 1)
        cover = matte_on(Matte.of_full(alpha), journey, WhenLost.COVER, t)
        assert cover.full()[walker].min() > 0.98, t


@pytest.mark.parametrize("row", [3, 11])
def test_a_place_that_nobody_could_look_from_does_not_bare_it(row):
    board = Board(lambda t: at(100 + 4 * t))
    alpha, bounds = board.region()
    journey = propagate(
        board.read, (Anchor(0, alpha, bounds),), Range(0, 12), Follow.HYBRID, (), (WIDTH, HEIGHT), Progress(),
        CancelToken(),
    )  # fmt: skip
    places = list(journey.places)
    broken = places[row].homography.copy()
    broken[2] = (-0.02, 0.001, 2.6)
    places[row] = replace(places[row], homography=broken)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for t in (row - 1, row, row + 1):
        if t in journey.frames:
            cover = matte_on(Matte.of_full(alpha), replace(journey, places=tuple(places)), WhenLost.COVER, t)
            assert cover is not None
            assert cover.full()[np.hypot(*board.board_map(t, x, y)) <= LASSO - 1].min() > 0.98


def test_where_it_came_out_elsewhere_than_it_was_bound_for_it_is_called_lost():
    board = Exposed(lambda t: at(100 + 45 * float(np.clip(t - 5, 0, 3))))
    alpha, bounds = board.region()
    journey = propagate(
        board.read, (Anchor(0, alpha, bounds),), Range(0, 14), Follow.HYBRID, (), (WIDTH, HEIGHT), Progress(),
        CancelToken(),
    )  # fmt: skip
    assert any(6 in frames or 7 in frames for frames in journey.lost)
