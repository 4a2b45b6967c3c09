"""What a matte covers, and the law that nothing outside it changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import EditRefused
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.patches.blend import blend, plane_alphas, to_chroma_sites, windows
from engine.patches.matte import Matte, ellipse_outline, rasterise
from engine.patches.retouch import Surroundings, blur, fill_colour, fill_surroundings, pixelate

BOX = ((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))


def pixel_format(shift=(1, 1), depth=8, scan=Scan.PROGRESSIVE, family=Family.YUV, *, full=False, location=0):
    return PixelFormat("test", family, shift, False, depth, full, 1, 1, 1, location, scan)


def noise(fmt, width, height, seed=1):
    rng = np.random.default_rng(seed)
    return tuple(
        rng.integers(0, fmt.max_value + 1, fmt.plane_size(width, height, plane)[::-1]).astype(fmt.dtype)
        for plane in range(fmt.plane_count)
    )


def test_a_box_on_whole_pixels_covers_exactly_them():
    alpha = rasterise(BOX, 64, 32, 0).full()
    expected = np.zeros((32, 64), np.float32)
    expected[8:24, 16:48] = 1
    np.testing.assert_array_equal(alpha, expected)


def test_coverage_at_the_edge_is_the_covered_share():
    alpha = rasterise(((0.1, 0.25), (0.515, 0.25), (0.515, 0.75), (0.1, 0.75)), 100, 100, 0).full()
    assert alpha[50, 51] == pytest.approx(0.5, abs=1e-5)
    assert alpha[50, 50] == 1
    assert alpha[50, 52] == 0


def test_an_ellipse_has_the_area_of_an_ellipse():
    alpha = rasterise(ellipse_outline(0.2, 0.3, 0.8, 0.7), 400, 300, 0).full()
    assert alpha.sum() == pytest.approx(np.pi * 120 * 60, rel=2e-3)


def test_a_lasso_that_crosses_itself_covers_what_it_winds_around():
    twice_round = [*ellipse_outline(0.2, 0.2, 0.8, 0.8), *ellipse_outline(0.2, 0.2, 0.8, 0.8)]
    once = rasterise(ellipse_outline(0.2, 0.2, 0.8, 0.8), 100, 100, 0).full()
    np.testing.assert_allclose(rasterise(twice_round, 100, 100, 0).full(), once, atol=1e-6)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_region_is_where_it_was_drawn_after_the_player_turned_the_frame(rotation):
    width, height = (120, 80) if rotation in (0, 180) else (80, 120)
    triangle = ((0.1, 0.1), (0.4, 0.1), (0.1, 0.6))
    shown = np.rot90(rasterise(triangle, width, height, rotation).full(), k=-(rotation // 90))
    np.testing.assert_allclose(shown, rasterise(triangle, 120, 80, 0).full(), atol=0.13)
    assert shown.shape == (80, 120)


def test_softening_falls_to_exactly_zero_at_its_own_width():
    alpha = rasterise(BOX, 200, 200, 0, feather_px=10).full()
    assert alpha[100, 100:150].min() == 1
    assert (np.diff(alpha[100, 149:161]) < 0).all()
    assert not alpha[:, 160:].any()
    assert not alpha[:40].any()


@pytest.mark.parametrize(("grow", "area"), [(6, 112 * 112), (-6, 88 * 88)])
def test_growing_moves_the_edge(grow, area):
    alpha = rasterise(BOX, 200, 200, 0, grow_px=grow).full()
    assert alpha.sum() == pytest.approx(area, rel=0.01)


def test_a_region_half_off_the_picture_keeps_its_part_and_softens_as_if_it_went_on():
    alpha = rasterise(((-0.5, 0.25), (0.5, 0.25), (0.5, 0.75), (-0.5, 0.75)), 100, 100, 0, feather_px=8).full()
    assert alpha[50, 0] == 1
    assert alpha[20, 0] == pytest.approx(alpha[20, 30])


@pytest.mark.parametrize(
    ("outline", "options", "named"),
    [
        (((1.2, 0.1), (1.4, 0.1), (1.3, 0.4)), {}, "x 1.2..1.4"),
        (((0.1, 0.1), (0.5, 0.5)), {}, "3 points"),
        (((0.1, 0.1), (0.5, 0.5), (0.3, 0.3)), {}, "no area"),
        (((0.1, 0.1), (float("nan"), 0.5), (0.3, 0.3)), {}, "nan"),
        (BOX, {"grow_px": -500}, "-500"),
        (BOX, {"feather_px": -1}, "-1"),
        (((1e9, 0), (1e9, 1), (0, 0)), {}, "outside"),
    ],
)
def test_a_region_that_cannot_be_is_refused_with_its_value(outline, options, named):
    with pytest.raises(EditRefused, match=named):
        rasterise(outline, 200, 100, 0, **options)


formats = st.builds(
    pixel_format,
    shift=st.sampled_from([(0, 0), (1, 0), (1, 1), (2, 0), (0, 1), (2, 2)]),
    depth=st.sampled_from([8, 10, 12]),
    scan=st.sampled_from(Scan),
    family=st.sampled_from([Family.YUV, Family.YUV, Family.GRAY]),
    location=st.integers(0, 6),
)
points = st.tuples(st.floats(-0.3, 1.3), st.floats(-0.3, 1.3))
TOOLS = {
    "blur": lambda p, f, m: blur(p, f, m, radius_px=5),
    "pixelate": lambda p, f, m: pixelate(p, f, m, block_px=7),
    "fill": lambda p, f, m: fill_colour(p, f, m, rgb=(0.9, 0.2, 0.1)),
    "flat": lambda p, f, m: fill_surroundings(p, f, m, how=Surroundings.FLAT),
    "smooth": lambda p, f, m: fill_surroundings(p, f, m, how=Surroundings.SMOOTH),
}


@settings(max_examples=60, deadline=None)
@given(
    fmt=formats,
    size=st.tuples(st.integers(9, 90), st.integers(9, 90)),
    outline=st.lists(points, min_size=3, max_size=6),
    rotation=st.sampled_from([0, 90, 180, 270]),
    feather=st.sampled_from([0.0, 0.4, 3.0]),
    tool=st.sampled_from(sorted(TOOLS)),
)
def test_outside_the_matte_every_sample_stays(fmt, size, outline, rotation, feather, tool):
    width, height = size
    try:
        matte = rasterise(outline, width, height, rotation, feather_px=feather)
    except EditRefused:
        return
    before = noise(fmt, width, height)
    kept = tuple(plane.copy() for plane in before)
    try:
        after = TOOLS[tool](before, fmt, matte)
    except EditRefused:
        assert tool in ("flat", "smooth")
        return
    outside = matte.full() == 0
    for index, (old, new, copy) in enumerate(zip(before, after, kept, strict=True)):
        np.testing.assert_array_equal(old, copy)
        assert new.dtype == old.dtype
        assert new.max() <= fmt.max_value
        shift_x, shift_y = fmt.shift_of(index)
        rows, columns = np.arange(height) >> shift_y, np.arange(width) >> shift_x
        # Every luma pixel outside sees the chroma it saw before.
        same = (old == new)[rows][:, columns]
        assert same[outside].all()


def test_rounding_is_to_the_nearest():
    fmt = pixel_format((0, 0), family=Family.GRAY)
    plane = np.full((16, 16), 100, np.uint8)
    alpha = np.zeros((16, 16), np.float32)
    alpha[4:8, 4:8] = 0.5
    matte = Matte.of_full(alpha)
    patch = [np.full(matte.alpha.shape, 103, np.float32)]
    (result,) = blend((plane,), fmt, matte, patch)
    assert result[5, 5] == 102
    assert result[9, 9] == 100


@pytest.mark.parametrize("location", [0, 1, 2, 3, 5])
def test_chroma_takes_a_linear_ramp_at_its_own_site(location):
    fmt = pixel_format((1, 1), location=location)
    y, x = np.mgrid[0:16, 0:16].astype(np.float32)
    across, down = to_chroma_sites(x, fmt), to_chroma_sites(y, fmt)
    left = {0: 0, 1: 0, 2: 0.5, 3: 0, 5: 0}[location]
    top = {0: 0.5, 1: 0.5, 2: 0.5, 3: 0, 5: 1}[location]
    np.testing.assert_allclose(across[3, 1:-1], 2 * np.arange(1, 7) + left)
    np.testing.assert_allclose(down[1:-1, 3], 2 * np.arange(1, 7) + top)


def test_interlaced_chroma_is_made_of_its_own_fields_lines():
    fmt = pixel_format((1, 1), scan=Scan.INTERLACED)
    lines = np.where(np.arange(16)[:, None] % 2 == 0, 10.0, 200.0).astype(np.float32) * np.ones((1, 16), np.float32)
    chroma = to_chroma_sites(lines, fmt)
    assert (chroma[0::2] == 10).all()
    assert (chroma[1::2] == 200).all()


def test_blurring_an_interlaced_frame_does_not_mix_its_fields():
    fmt = pixel_format((1, 1), scan=Scan.INTERLACED)
    planes = tuple(
        np.where(np.arange(size[1])[:, None] % 2 == 0, 40, 200).astype(np.uint8) * np.ones((1, size[0]), np.uint8)
        for size in (fmt.plane_size(64, 64, plane) for plane in range(3))
    )
    matte = rasterise(BOX, 64, 64, 0)
    for tool in ("blur", "pixelate"):
        for before, after in zip(planes, TOOLS[tool](planes, fmt, matte), strict=True):
            np.testing.assert_array_equal(before, after)


def test_blur_and_pixelate_remove_the_detail():
    fmt = pixel_format()
    planes = noise(fmt, 128, 128)
    matte = rasterise(BOX, 128, 128, 0)
    for tool in (blur(planes, fmt, matte, radius_px=8), pixelate(planes, fmt, matte, block_px=16)):
        for index, plane in enumerate(tool):
            low, high = (40, 88) if index == 0 else (20, 44)
            assert plane[low:high, low:high].std() < planes[index][low:high, low:high].std() / 4


def test_pixelated_blocks_agree_between_luma_and_chroma():
    fmt = pixel_format()
    luma, cb, _ = pixelate(noise(fmt, 128, 128), fmt, rasterise(BOX, 128, 128, 0), block_px=16)
    luma_steps = np.flatnonzero(np.diff(luma[64, 34:94].astype(int))) + 34
    chroma_steps = np.flatnonzero(np.diff(cb[32, 17:47].astype(int))) + 17
    assert len(chroma_steps)
    assert all(np.abs(luma_steps - (2 * step + 1)).min() <= 1 for step in chroma_steps)


def test_a_smooth_fill_continues_a_gradient():
    fmt = pixel_format((0, 0), family=Family.GRAY)
    ramp = np.tile(np.linspace(40, 200, 128), (128, 1))
    plane = np.floor(ramp + 0.5).astype(np.uint8)
    matte = rasterise(BOX, 128, 128, 0)
    damaged = plane.copy()
    damaged[32:96, 32:96] = 255
    (filled,) = fill_surroundings((damaged,), fmt, matte, how=Surroundings.SMOOTH)
    assert np.abs(filled.astype(int) - plane).max() <= 6
    (flat,) = fill_surroundings((damaged,), fmt, matte, how=Surroundings.FLAT)
    assert abs(int(flat[64, 64]) - 120) <= 4


@pytest.mark.parametrize(
    ("depth", "full", "white"), [(8, False, 235), (10, False, 940), (8, True, 255), (12, True, 4095)]
)
def test_a_fill_knows_range_and_depth(depth, full, white):
    fmt = pixel_format(depth=depth, full=full)
    planes = noise(fmt, 64, 64)
    result = fill_colour(planes, fmt, rasterise(BOX, 64, 64, 0), rgb=(1, 1, 1))
    assert result[0][32, 32] == white
    assert result[1][16, 16] == 1 << (depth - 1)


def test_a_frame_of_another_size_is_refused():
    fmt = pixel_format()
    with pytest.raises(EditRefused, match="64x64"):
        fill_colour(noise(fmt, 32, 32), fmt, rasterise(BOX, 64, 64, 0), rgb=(1, 1, 1))


def test_windows_and_alphas_have_the_planes_sizes():
    fmt = pixel_format((1, 1))
    planes = noise(fmt, 101, 67)
    matte = rasterise(((0.7, 0.7), (1.2, 0.7), (1.2, 1.2)), 101, 67, 0, feather_px=3)
    for values, alpha in zip(windows(planes, fmt, matte), plane_alphas(fmt, matte), strict=True):
        assert values.shape == alpha.shape
