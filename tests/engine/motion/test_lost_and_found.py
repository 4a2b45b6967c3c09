"""What counts as found, what a lost region does, what is a cut, and what is in front."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.model.time import Range
from engine.motion.appearance import compare
from engine.motion.chain import Bending, is_even, needed_support
from engine.motion.chart import Chart
from engine.motion.frame import MotionFrame
from engine.motion.increment import corners_of_texture
from engine.motion.shot import is_cut, shot_around
from engine.motion.track import Found, track
from tests.moving_textures import HEIGHT, WIDTH, Board, similarity, texture


def test_the_worse_the_match_the_more_of_the_region_must_match():
    shares = [needed_support(value) for value in (1.0, 0.95, 0.9, 0.8, 0.7, 0.6)]
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] > 0.9


def followed(board, frames, bending=Bending.PLANE):
    alpha, _ = board.region(0)
    return track(board.read, 0, alpha, frames, bending, Progress(), CancelToken())


def test_what_turns_into_something_else_is_lost():
    class Turning(Board):
        """The board's picture gives way to another one, as the far side of a thing that turns."""

        def levels(self, t, *, edited=False):
            share = np.clip((t - 3) / 8, 0, 1)
            kept, self.front = self.front, self.front + (self.edit - self.front) * share
            try:
                return super().levels(t, edited=edited)
            finally:
                self.front = kept

    item = followed(Turning(lambda t: similarity(160 + t, 120, 0.02 * t)), Range(0, 18), Bending.SURFACE)
    assert (item.found[:5] == Found.SEEN).all()
    assert (item.found[13:] == Found.LOST).all()


def test_a_lost_region_keeps_its_shape_and_comes_to_rest():
    board = Board(lambda t: similarity(100 + 4 * t, 120, 0.04 * t, 1 + 0.03 * t), gone=range(8, 60))
    item = followed(board, Range(0, 30))
    assert (item.found[10:] == Found.LOST).all()
    corners = np.array([item.chart.corners_of(h).reshape(4, 2) for h in item.homographies])
    areas = [abs(cv2.contourArea(c.astype(np.float32))) for c in corners]
    assert max(areas[8:]) < 2 * areas[7]
    assert min(areas[8:]) > 0.5 * areas[7]
    centres = corners.mean(axis=1)
    assert np.linalg.norm(centres[-1] - centres[-2]) < 1.0
    assert centres[-1][0] > centres[7][0] + 8


def test_points_along_a_straight_edge_are_not_followed():
    rng = np.random.default_rng(1)
    bars = np.where(np.arange(WIDTH) // 40 % 2, 200.0, 60.0)[None] + rng.normal(0, 0.4, (HEIGHT, WIDTH))
    frame = MotionFrame(np.clip(bars, 0, 255).astype(np.uint8))
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[60:180, 90:230] = 1
    chart = Chart(160.0, 120.0, 70.0, 70.0, 60.0)
    points = corners_of_texture(frame, alpha, chart)
    assert (np.abs((points[:, 0] + 0.5) % 40 - 20) < 17.5).all()
    assert len(corners_of_texture(MotionFrame(texture(1)[:HEIGHT, :WIDTH].astype(np.uint8)), alpha, chart)) > 40


def test_a_region_that_nothing_holds_along_an_edge_does_not_wander():
    rng = np.random.default_rng(2)

    def read(t):
        bars = np.where(np.arange(WIDTH) // 64 % 2, 190.0, 70.0)[None] + rng.normal(0, 0.6, (HEIGHT, WIDTH))
        return MotionFrame(np.clip(bars, 0, 255).astype(np.uint8))

    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[60:180, 90:230] = 1
    item = track(read, 0, alpha, Range(0, 10), Bending.SURFACE, Progress(), CancelToken())
    moved = [np.abs(item.chart.corners_of(h) - item.chart.corners_of(np.eye(3))).max() for h in item.homographies]
    assert max(moved) < 5


@pytest.mark.parametrize(("contrast", "even"), [(0.0, True), (0.15, False), (1.0, False)])
def test_a_region_of_nothing_but_grain_is_even(contrast, even):
    board = Board(lambda t: similarity(160, 120), contrast=contrast, noise=2.0)
    alpha, _ = board.region(0)
    assert is_even(board.read(0), alpha) is even


def shot(seed, **fields):
    return texture(seed, **fields)[:HEIGHT, :WIDTH].astype(np.uint8)


CHANGES = {
    "the same shot with noise": (lambda a: np.clip(a + np.random.default_rng(1).normal(0, 4, a.shape), 0, 255), False),
    "a flash": (lambda a: np.clip(a * 1.3 + 70, 0, 255), False),
    "a swept camera": (lambda a: np.roll(a, 140, axis=1), False),
    "another shot": (lambda a: shot(7) * 0.5 + 10, True),
    "black": (lambda a: np.full_like(a, 16), True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_cut_is_other_tones_in_other_places(name):
    change, cut = CHANGES[name]
    one = shot(3)
    other = np.asarray(change(one.astype(np.float32))).astype(np.uint8)
    assert is_cut(MotionFrame(one), MotionFrame(other)) is cut


def looked(hide, through=0.0, moved=None):
    """Return the visibility of a textured disc, part of which looks different.

    Its own picture may show through, or be what is seen there, moved by some rows and columns.
    """
    y, x = np.mgrid[0:160, 0:160].astype(np.float32)
    anchor = texture(4)[:160, :160].astype(np.float32) - 16
    other = texture(9)[:160, :160].astype(np.float32)[::-1] - 16
    inside = (np.hypot(x - 80, y - 80) < 60).astype(np.float32)
    hidden = hide(x, y)
    if moved is not None:
        other = np.roll(anchor, moved, axis=(0, 1))
    frame = np.where(hidden, 0.6 * other + through * anchor if through else other, anchor)
    found = compare((frame.astype(np.float32),), (anchor,), inside, 1.0, 1.0, (-16.0, 239.0))
    return found.visibility, hidden & (inside > 0)


def test_what_comes_from_outside_is_in_front():
    visibility, hidden = looked(lambda x, y: x < 70)
    assert visibility[hidden].mean() < 0.2


def test_what_differs_only_within_is_the_regions_own_change():
    visibility, hidden = looked(lambda x, y: np.hypot(x - 85, y - 78) < 18)
    assert hidden.any()
    assert visibility[hidden].min() > 0.9


def test_what_only_touches_the_rim_is_the_outline_and_not_in_front():
    visibility, hidden = looked(lambda x, y: (np.hypot(x - 80, y - 80) > 56) & (x > 80))
    assert hidden.any()
    assert visibility[hidden].mean() > 0.95


@pytest.mark.parametrize("moved", [(0, 9), (12, -8), (-6, 16)])
def test_what_the_region_itself_shows_elsewhere_has_moved_within_it(moved):
    visibility, hidden = looked(lambda x, y: x < 70, moved=moved)
    assert visibility[hidden].mean() > 0.9


def test_a_speck_at_the_border_is_noise():
    visibility, hidden = looked(lambda x, y: (x < 30) & (abs(y - 80) < 3))
    assert hidden.any()
    assert visibility[hidden].mean() > 0.95


def test_what_the_region_shows_through_is_a_reflection():
    visibility, hidden = looked(lambda x, y: x < 70, through=0.9)
    assert visibility[hidden].mean() > 0.9


def test_the_shot_around_a_frame_ends_at_its_cuts():
    shots = {frame: MotionFrame(shot(3 + frame // 6)) for frame in range(18)}
    dark = {
        frame: MotionFrame((item.luma * (0.5 if frame // 6 % 2 else 1.0)).astype(np.uint8))
        for frame, item in shots.items()
    }
    assert shot_around(dark.__getitem__, 8, Range(0, 18), CancelToken()) == (Range(6, 12), (True, True))
    assert shot_around(dark.__getitem__, 8, Range(7, 11), CancelToken()) == (Range(7, 11), (False, False))
