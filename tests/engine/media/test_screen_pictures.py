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


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj422p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(63, 47), (48, 36), (32, 24), (31, 24), (16, 12), (96, 72)])
def test_a_quick_picture_of_any_size_is_nearly_the_careful_one(pixel_format, rotation, size):
    rows, columns = np.mgrid[0:48, 0:64]
    grey = frame_from_planes(
        gradient(pixel_format),
        [
            np.asarray(40 + rows + columns if number == 0 else np.full(plane.shape, 128), plane.dtype)
            * (4 if plane.dtype.itemsize == 2 else 1)
            for number, plane in enumerate(planes(gradient(pixel_format)))
        ],
    )
    quick, careful = (to_screen(grey, size, rotation, care) for care in (Care.QUICK, Care.CAREFUL))
    assert quick.shape == careful.shape
    assert (quick[..., 3] == 255).all()
    assert np.abs(quick.astype(int) - careful.astype(int)).max() <= 3


def test_a_quick_picture_skips_no_pixel():
    frame = gradient()
    columns = np.arange(64) + np.zeros((48, 1), np.int64)
    lines = frame_from_planes(
        frame, [(235 * (columns % 2)).astype(np.uint8), *(np.full((24, 32), 128, np.uint8) for _ in range(2))]
    )
    for size in ((32, 24), (16, 12), (8, 6)):
        shown = to_screen(lines, size, care=Care.QUICK)[1:-1, 1:-1, 0]
        assert np.ptp(shown.astype(int)) <= 12, size
        assert 100 < shown.mean() < 150


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
