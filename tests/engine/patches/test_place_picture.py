"""A picture stands where the region is, upright, in the film's own colours."""

from fractions import Fraction

import numpy as np
import pytest

from engine.errors import UnsupportedMedia
from engine.model.media import Colour, VideoStream
from engine.model.picture import Picture, PictureColour
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.region import Box, Ellipse, Lasso, Polygon
from engine.patches.colour import codes_to_film, film_to_codes, picture_to_film
from engine.patches.matte import rasterise, region_matte
from engine.patches.pictures import Fit, place

BOX = Box(0.25, 0.25, 0.75, 0.75)


def stream(pix_fmt="yuv420p", width=128, height=96, **facts):
    colour = facts.pop("colour", Colour())
    return VideoStream(
        0, 1, "h264", "avc1", "High", 40, pix_fmt, 8, width, height, Fraction(1), 0,
        facts.pop("field_order", "progressive"), Fraction(1, 90000), Fraction(25), 0, 0, 0, colour, b"",
    )  # fmt: skip


def grey_frame(fmt, width, height):
    return tuple(
        np.full(fmt.plane_size(width, height, plane)[::-1], fmt.max_value // 2 + 1, fmt.dtype)
        for plane in range(fmt.plane_count)
    )


def flag():
    """Red on the left, green on the right, a white top left corner."""
    rgba = np.full((32, 48, 4), 255, np.uint8)
    rgba[:, :24, :3] = (255, 0, 0)
    rgba[:, 24:, :3] = (0, 255, 0)
    rgba[:8, :8, :3] = 255
    return Picture(rgba)


def shown(planes, fmt, rotation):
    full = [
        np.repeat(np.repeat(p, 1 << fmt.shift_of(i)[1], 0), 1 << fmt.shift_of(i)[0], 1) for i, p in enumerate(planes)
    ]
    rgb = codes_to_film(tuple(plane.astype(np.float32) for plane in full), fmt)
    return np.rot90(rgb, k=-(rotation // 90))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "yuv444p12le", "yuvj420p", "gbrp"])
def test_a_picture_stands_upright_after_the_player_turned_the_frame(rotation, pix_fmt):
    width, height = (192, 128) if rotation in (0, 180) else (128, 192)
    fmt = PixelFormat.of(stream(pix_fmt, width, height))
    matte = region_matte(BOX, width, height, rotation)
    result = shown(
        place(grey_frame(fmt, width, height), fmt, matte, flag(), rotation=rotation, fit=Fit.STRETCH), fmt, rotation
    )
    np.testing.assert_allclose(result[64, 60], (1, 0, 0), atol=0.03)
    np.testing.assert_allclose(result[64, 130], (0, 1, 0), atol=0.03)
    np.testing.assert_allclose(result[36, 52], (1, 1, 1), atol=0.03)
    np.testing.assert_allclose(result[10, 10], (0.5, 0.5, 0.5), atol=0.05)


def test_contain_keeps_the_proportions_and_cover_fills_the_box():
    fmt = PixelFormat.of(stream("yuv444p", 200, 200))
    matte = region_matte(BOX, 200, 200, 0)
    contained = shown(place(grey_frame(fmt, 200, 200), fmt, matte, flag(), rotation=0, fit=Fit.CONTAIN), fmt, 0)
    np.testing.assert_allclose(contained[55, 100], (0.5, 0.5, 0.5), atol=0.05)
    np.testing.assert_allclose(contained[100, 55], (1, 0, 0), atol=0.03)
    covered = shown(place(grey_frame(fmt, 200, 200), fmt, matte, flag(), rotation=0, fit=Fit.COVER), fmt, 0)
    np.testing.assert_allclose(covered[80, 52], (1, 0, 0), atol=0.03)
    wide = shown(
        place(grey_frame(fmt, 200, 200), fmt, matte, flag(), rotation=0, fit=Fit.CONTAIN, sar=Fraction(3, 2)), fmt, 0
    )
    np.testing.assert_allclose(wide[55, 90], (1, 0, 0), atol=0.03)


def test_a_pictures_own_alpha_counts_and_its_hidden_colour_does_not_bleed():
    fmt = PixelFormat.of(stream("yuv420p", 128, 128))
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[..., 1] = 255
    rgba[16:47, 16:47] = (255, 0, 0, 255)
    before = grey_frame(fmt, 128, 128)
    after = place(before, fmt, region_matte(BOX, 128, 128, 0), Picture(rgba), rotation=0, fit=Fit.STRETCH)
    np.testing.assert_array_equal(after[0][:44], before[0][:44])
    cb, cr = after[1].astype(int), after[2].astype(int)
    # Red has more Cr than grey everywhere; green under the transparent part would have less.
    assert cr.min() >= 128
    assert cr.max() == 240
    assert cb.max() <= 128


def test_hdr_puts_sdr_white_at_the_reference_white():
    white = np.ones((1, 1, 3), np.float32)
    pq = PixelFormat.of(stream("yuv420p10le", colour=Colour(False, 9, 16, 9)))
    hlg = PixelFormat.of(stream("yuv420p10le", colour=Colour(False, 9, 18, 9)))
    # BT.2408, table 1: 203 cd/m2 is 58 % PQ and 75 % HLG.
    assert picture_to_film(white, PictureColour.SRGB, pq)[0, 0, 0] == pytest.approx(0.58, abs=0.005)
    assert picture_to_film(white, PictureColour.SRGB, hlg)[0, 0, 0] == pytest.approx(0.75, abs=0.005)
    codes = film_to_codes(picture_to_film(white, PictureColour.SRGB, pq), pq)
    assert codes[0][0, 0] == pytest.approx(64 + 876 * 0.58, abs=4)
    assert codes[1][0, 0] == pytest.approx(512, abs=0.5)


def test_a_wide_gamut_holds_a_narrow_one():
    red = np.array([[[1, 0, 0]]], np.float32)
    wide = picture_to_film(red, PictureColour.SRGB, PixelFormat.of(stream(colour=Colour(False, 9, 14, 9))))[0, 0]
    # BT.2087: 709 red in 2020 is 0.627, 0.069, 0.016 in linear light.
    np.testing.assert_allclose(wide**2.4, (0.6274, 0.0691, 0.0164), atol=2e-3)
    p3 = picture_to_film(red, PictureColour.DISPLAY_P3, PixelFormat.of(stream()))[0, 0]
    np.testing.assert_allclose(p3, (1, 0, 0), atol=0.01)


@pytest.mark.parametrize("matrix", [1, 4, 5, 6, 7, 9])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("depth", [8, 10, 12])
def test_colours_go_to_codes_and_back(matrix, full, depth):
    fmt = PixelFormat("x", Family.YUV, (0, 0), False, depth, full, matrix, 1, 1, 0, Scan.PROGRESSIVE)
    rgb = np.random.default_rng(1).random((5, 7, 3)).astype(np.float32)
    codes = film_to_codes(rgb, fmt)
    assert all(code.min() >= 0 and code.max() <= fmt.max_value for code in codes)
    np.testing.assert_allclose(codes_to_film(codes, fmt), rgb, atol=1e-5)


def test_a_matrix_that_is_none_is_refused_for_colours():
    fmt = PixelFormat.of(stream(colour=Colour(False, 9, 16, 14)))
    with pytest.raises(UnsupportedMedia, match="14"):
        film_to_codes(np.zeros((2, 2, 3), np.float32), fmt)


@pytest.mark.parametrize(
    ("pix_fmt", "depth", "shift", "planes", "full"),
    [
        ("yuv420p", 8, (1, 1), 3, False),
        ("yuvj422p", 8, (1, 0), 3, True),
        ("yuv422p10le", 10, (1, 0), 3, False),
        ("yuva444p12le", 12, (0, 0), 4, False),
        ("gray10le", 10, (0, 0), 1, False),
        ("gbrp", 8, (0, 0), 3, True),
        ("yuv411p", 8, (2, 0), 3, False),
    ],
)
def test_a_format_is_read_from_its_name(pix_fmt, depth, shift, planes, full):
    fmt = PixelFormat.of(stream(pix_fmt))
    assert (fmt.bit_depth, fmt.chroma_shift, fmt.plane_count, fmt.full_range) == (depth, shift, planes, full)


def test_packed_formats_are_refused():
    with pytest.raises(UnsupportedMedia, match="rgb24"):
        PixelFormat.of(stream("rgb24"))


def test_the_matrix_of_a_silent_stream_goes_by_its_size():
    assert PixelFormat.of(stream(width=640, height=480)).matrix == 6
    assert PixelFormat.of(stream(width=1280, height=720)).matrix == 1
    assert PixelFormat.of(stream(field_order="tt")).scan is Scan.INTERLACED


def test_each_kind_of_region_has_its_shape():
    area = {
        region: region_matte(region, 200, 100, 0).full().sum() / (100 * 50)
        for region in (
            BOX,
            Ellipse(0.25, 0.25, 0.75, 0.75),
            Polygon(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75))),
            Lasso(((0.25, 0.25), (0.75, 0.25), (0.25, 0.75))),
        )
    }
    assert list(area.values()) == pytest.approx([1, np.pi / 4, 0.5, 0.5], rel=0.01)
    star = tuple((0.5 + 0.4 * np.sin(4 * np.pi * k / 5), 0.5 - 0.4 * np.cos(4 * np.pi * k / 5)) for k in range(5))
    assert region_matte(Lasso(star), 200, 200, 0).full()[100, 100] == 1
    assert region_matte(Polygon(star), 200, 200, 0).full()[100, 100] == 0
    assert rasterise(star, 200, 200, 0).full()[100, 100] == 1
