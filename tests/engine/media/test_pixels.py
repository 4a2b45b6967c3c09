"""Planes come out of a frame and go back into one exactly; pictures for the screen have the right colours."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from engine.errors import UnsupportedMedia
from engine.media.hdr_picture import HLG, PQ, to_srgb
from engine.media.pixels import frame_from_planes, is_interlaced, planes, to_rgb
from tests.corpus.small_clips import Recipe, make

SHAPES = {
    "yuv420p": [(10, 18), (5, 9), (5, 9)],
    "yuvj420p": [(10, 18), (5, 9), (5, 9)],
    "yuv422p10le": [(10, 18), (10, 9), (10, 9)],
    "yuv444p12le": [(10, 18)] * 3,
    "yuv420p10be": [(10, 18), (5, 9), (5, 9)],
    "yuva420p": [(10, 18), (5, 9), (5, 9), (10, 18)],
    "yuva444p10le": [(10, 18)] * 4,
    "gray": [(10, 18)],
    "gray10le": [(10, 18)],
    "nv12": [(10, 18), (5, 9, 2)],
    "p010le": [(10, 18), (5, 9, 2)],
    "gbrp": [(10, 18)] * 3,
    "gbrap12le": [(10, 18)] * 4,
    "rgb24": [(10, 18, 3)],
    "bgra": [(10, 18, 4)],
    "rgb48le": [(10, 18, 3)],
}


def noise(frame: VideoFrame) -> list[np.ndarray]:
    random = np.random.default_rng(5)
    return [random.integers(0, 255, plane.shape).astype(plane.dtype) for plane in planes(frame)]


def solid(pixel_format: str, *values: int, height: int = 48) -> VideoFrame:
    frame = VideoFrame(64, height, pixel_format)
    filled = [np.full_like(plane, value) for plane, value in zip(planes(frame), values, strict=True)]
    return frame_from_planes(frame, filled)


@pytest.mark.parametrize("pixel_format", SHAPES)
def test_planes_go_into_a_frame_and_come_out_of_it_unchanged(pixel_format):
    frame = VideoFrame(18, 10, pixel_format)
    values = noise(frame)
    assert [value.shape for value in values] == SHAPES[pixel_format]
    filled = frame_from_planes(frame, values)
    for value, plane in zip(values, planes(filled), strict=True):
        np.testing.assert_array_equal(plane, value, strict=True)


def test_planes_are_those_that_ffmpeg_shows():
    frame = VideoFrame(18, 10, "rgb24")
    filled = frame_from_planes(frame, noise(frame))
    np.testing.assert_array_equal(planes(filled)[0], filled.to_ndarray())


def test_the_template_is_left_alone(tmp_path):
    with av.open(str(make(tmp_path / "a.mkv", Recipe(frames=3)))) as film:
        frame = next(film.decode(video=0))
    before = [plane.copy() for plane in planes(frame)]
    frame_from_planes(frame, noise(frame))
    for plane, copy in zip(planes(frame), before, strict=True):
        np.testing.assert_array_equal(plane, copy)


def test_a_new_frame_has_all_properties_of_its_template(tmp_path):
    recipe = Recipe(
        frames=3,
        options={"x264-params": "tff=1:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=pc:sar=16/11"},
    )
    with av.open(str(make(tmp_path / "a.mkv", recipe))) as film:
        template = list(film.decode(video=0))[1]
    frame = frame_from_planes(template, planes(template))
    for name in ("pts", "dts", "duration", "time_base", "key_frame", "pict_type", "interlaced_frame"):
        assert getattr(frame, name) == getattr(template, name), name
    for name in ("color_range", "color_primaries", "color_trc", "colorspace"):
        assert getattr(frame, name) == getattr(template, name), name
    assert [(d.type, bytes(d)) for d in frame.side_data] == [(d.type, bytes(d)) for d in template.side_data]
    assert is_interlaced(frame)


def test_planes_that_do_not_fit_are_refused():
    frame = VideoFrame(18, 10, "yuv420p")
    luma, cb, cr = noise(frame)
    for wrong in ([luma, cb], [luma, luma, cr], [luma, cb, cr.astype(np.uint16)]):
        with pytest.raises(ValueError, match=r"plane"):
            frame_from_planes(frame, wrong)


def test_planes_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        planes(VideoFrame(18, 10, "yuv420p"))[0][...] = 0


@pytest.mark.parametrize("pixel_format", ["pal8", "monow", "rgb565le"])
def test_formats_without_whole_bytes_per_component_are_unsupported(pixel_format):
    with pytest.raises(UnsupportedMedia, match=pixel_format):
        planes(VideoFrame(16, 8, pixel_format))


# Y, Cb, Cr of pure red: BT.601 and BT.709, limited range, and BT.601 in full range.
@pytest.mark.parametrize(
    ("pixel_format", "codes", "height"),
    [("yuv420p", (81, 90, 240), 48), ("yuv420p", (63, 102, 240), 720), ("yuvj420p", (76, 85, 255), 48)],
)
def test_a_picture_is_shown_with_the_matrix_and_range_that_players_take(pixel_format, codes, height):
    colour = to_rgb(solid(pixel_format, *codes, height=height)).reshape(-1, 3).mean(axis=0)
    assert np.abs(colour - (255, 0, 0)).max() <= 3


def test_a_picture_is_scaled_and_turned_clockwise():
    frame = VideoFrame(64, 48, "rgb24")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32] = 255  # top left
    frame = frame_from_planes(frame, [pixels])
    turned = to_rgb(frame, (32, 24), rotation=90)
    assert turned.shape == (32, 24, 3)
    assert turned[4, 20].min() == 255  # top right
    assert turned[4, 4].max() == turned[28, 20].max() == 0


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_an_hdr_picture_stays_in_order_and_reaches_black_and_white(transfer):
    ramp = np.repeat(np.linspace(0, 65535, 200).astype(np.uint16)[None, :, None], 3, axis=2)
    shown = to_srgb(ramp, transfer)[0].astype(int)
    assert (np.diff(shown, axis=0) >= 0).all()
    assert shown[0].tolist() == [0, 0, 0]
    assert shown[-1].tolist() == [255, 255, 255]


def test_reference_white_in_hdr_is_bright_but_leaves_room_for_highlights():
    pq_of_203_nits = round(0.5807 * 65535)  # ITU-R BT.2408
    white = to_srgb(np.full((1, 1, 3), pq_of_203_nits, np.uint16), PQ)[0, 0]
    assert 200 < white.min() <= white.max() < 250


def test_a_frame_without_times_can_be_filled_too():
    frame = VideoFrame(18, 10, "gray")
    frame.time_base = Fraction(1, 25)
    assert frame_from_planes(frame, noise(frame)).pts is None
