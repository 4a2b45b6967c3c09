"""A picture for the window is the picture for the screen, in the order of bytes that is painted fastest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from av.video.frame import VideoFrame

from engine.media.hdr_picture import HLG
from engine.media.pixels import Care, frame_from_planes, planes, to_rgb, to_screen


def gradient(pixel_format: str = "yuv420p", width: int = 64, height: int = 48) -> VideoFrame:
    frame = VideoFrame(width, height, pixel_format)
    values = []
    for number, plane in enumerate(planes(frame)):
        rows, columns = np.mgrid[0 : plane.shape[0], 0 : plane.shape[1]]
        values.append((40 + 2 * (rows + columns * (number + 1)) % 150).astype(plane.dtype))
    return frame_from_planes(frame, values)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [None, (32, 24)])
def test_bytes_are_blue_green_red_of_the_picture_as_displayed(rotation, size):
    frame = gradient()
    shown = to_screen(frame, size, rotation)
    wanted = to_rgb(frame, size, rotation)
    assert shown.shape == (*wanted.shape[:2], 4)
    assert shown.flags.c_contiguous
    assert np.abs(shown[..., 2::-1].astype(int) - wanted.astype(int)).max() <= 1


def test_quick_conversion_has_nearly_the_same_colours():
    frame = gradient()
    quick, careful = to_screen(frame, care=Care.QUICK), to_screen(frame)
    assert np.abs(quick[..., :3].astype(int) - careful[..., :3].astype(int)).mean() < 4


def test_hdr_is_mapped_as_for_any_screen():
    frame = gradient("yuv420p10le")
    frame.color_trc = HLG
    np.testing.assert_array_equal(to_screen(frame)[..., 2::-1], to_rgb(frame))


def test_several_threads_may_show_one_frame():
    frame = gradient(width=640, height=480)
    sizes = [(640, 480), (320, 240), (160, 120), (200, 150)] * 8
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(lambda size: to_screen(frame, size), sizes))
    for size, picture in zip(sizes, shown, strict=True):
        np.testing.assert_array_equal(picture, to_screen(frame, size))
