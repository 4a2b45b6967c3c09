"""What stands in for a hole that no frame shows."""

import cv2
import numpy as np

from engine.motion.frame import MotionFrame
from engine.patches.elsewhere import place_like
from tests.moving_textures import texture


def hole_of(shape, top, left, size):
    hole = np.zeros(shape, np.uint8)
    hole[top : top + size, left : left + size] = 1
    return hole


def test_a_wall_of_windows_goes_on_with_another_window():
    tile = texture(3)[:48, :60]
    wall = np.tile(tile, (5, 6))
    hole = hole_of(wall.shape, 100, 140, 36)
    broken = np.where(hole > 0, 255, wall).astype(np.uint8)
    shift = place_like(MotionFrame(broken), hole, hole)
    assert shift is not None
    dx, dy = shift
    assert (dx % 60, dy % 48) == (0, 0)
    assert (dx, dy) != (0, 0)


def test_nothing_is_taken_from_what_is_to_go():
    tile = texture(3)[:48, :60]
    wall = np.tile(tile, (5, 6))
    hole = hole_of(wall.shape, 100, 140, 36)
    taken = np.ones_like(hole)
    assert place_like(MotionFrame(wall), hole, taken) is None
    taken[:, 190:] = 0
    shift = place_like(MotionFrame(wall), hole, taken)
    assert shift is not None
    assert 140 + shift[0] >= 190


def test_unlike_surroundings_stand_in_for_nothing():
    picture = np.ascontiguousarray(texture(5)[:240, :320])
    hole = hole_of(picture.shape, 90, 120, 60)
    assert place_like(MotionFrame(picture), hole, hole) is None


def test_a_place_is_found_to_the_pixel_in_a_large_frame():
    tile = cv2.resize(texture(3)[:48, :61], (244, 192), interpolation=cv2.INTER_CUBIC)
    wall = np.tile(tile, (5, 5))
    hole = hole_of(wall.shape, 400, 520, 150)
    shift = place_like(MotionFrame(wall), hole, hole)
    assert shift is not None
    assert (shift[0] % 244, shift[1] % 192) == (0, 0)
