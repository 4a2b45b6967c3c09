"""What each local tool does to a region, in every kind of film, and what it refuses."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.patch import Follow, WhenLost
from engine.model.picture import Picture as StillPicture
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.region import Box, Ellipse
from engine.model.time import Range
from engine.model.tool import (
    Blur,
    Clone,
    Fill,
    FitStep,
    Grade,
    Inpaint,
    Lettering,
    MovingPicture,
    Picture,
    Pixelate,
    Remove,
    Rgb,
)
from engine.motion.frame import MotionFrame
from engine.patches.clone import Tone, clone
from engine.patches.colour import codes_to_film, film_to_codes
from engine.patches.crop import crop_around, film_crop, shown_crop, shown_mask
from engine.patches.edge import Stroke, refined
from engine.patches.fields import FieldOrder, as_progressive, field_picture, with_field
from engine.patches.fit import fit
from engine.patches.grade import grade
from engine.patches.inpaint import inpaint, plan_inpainting
from engine.patches.lettering import lettering
from engine.patches.matte import Matte, region_matte
from engine.patches.patch import FilmFacts, motion_frame, prepared
from engine.patches.propagate import Anchor, propagate, stay
from engine.patches.remove import plan_removal, remove
from tests.moving_textures import texture

WIDTH, HEIGHT = 320, 240


def film(shift=(1, 1), depth=8, scan=Scan.PROGRESSIVE, family=Family.YUV, transfer=1, matrix=1):
    return PixelFormat("x", family, shift, False, depth, False, matrix, transfer, 1 if matrix == 1 else 9, 0, scan)


def picture_of(seed=4):
    """A coloured picture, float32 [H, W, 3] in 0..1."""
    return np.stack([texture(seed + k, 400)[:HEIGHT, :WIDTH] / 255 for k in range(3)], axis=-1).astype(np.float32)


def planes_of(rgb, fmt):
    from engine.patches.blend import to_chroma_sites

    codes = film_to_codes(rgb, fmt)
    if fmt.family is Family.YUV and fmt.chroma_shift != (0, 0):
        codes = (codes[0], *(to_chroma_sites(code, fmt) for code in codes[1:]))
    return tuple(np.clip(np.rint(code), 0, fmt.max_value).astype(fmt.dtype) for code in codes)


def rgb_of(planes, fmt):
    full = [cv2.resize(p.astype(np.float32), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR) for p in planes]
    return codes_to_film(tuple(full), fmt)


BOX = Box(0.4, 0.4, 0.6, 0.6)


@pytest.mark.parametrize("depth", [8, 10])
def test_grade_changes_what_it_says(depth):
    fmt = film((0, 0), depth)
    rgb = 0.2 + 0.4 * picture_of()
    planes = planes_of(rgb, fmt)
    matte = region_matte(BOX, WIDTH, HEIGHT, 0)
    inside = (slice(100, 140), slice(135, 185))

    def graded(change):
        return rgb_of(grade(planes, fmt, matte, change=change), fmt)[inside]

    before = rgb_of(planes, fmt)[inside]
    np.testing.assert_allclose(graded(Grade()), before, atol=0.006)
    np.testing.assert_allclose(graded(Grade(exposure=1)), before * 2 ** (1 / 2.4), atol=0.012)
    grey = graded(Grade(saturation=0))
    assert np.abs(np.diff(grey, axis=-1)).max() < 0.02
    assert graded(Grade(contrast=1.5)).std() > 1.4 * before.std()
    warm = graded(Grade(temperature=1)) - before
    assert warm[..., 0].mean() > 0.02
    assert warm[..., 2].mean() < -0.02
    turned = graded(Grade(hue_deg=180))
    kr = np.array([0.2126, 0.7152, 0.0722])
    np.testing.assert_allclose(turned @ kr, before @ kr, atol=0.02)
    np.testing.assert_allclose(
        (turned - (turned @ kr)[..., None]).mean(), -(before - (before @ kr)[..., None]).mean(), atol=0.03
    )


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([(0, 0), (1, 0), (1, 1)]),
    st.sampled_from([8, 10, 12]),
    st.sampled_from([1, 16, 18]),
    st.builds(
        Grade,
        exposure=st.floats(-2, 2),
        contrast=st.floats(0, 2),
        saturation=st.floats(0, 2),
        temperature=st.floats(-1, 1),
        hue_deg=st.floats(-180, 180),
    ),
)
def test_grade_leaves_the_rest_alone(shift, depth, transfer, change):
    fmt = film(shift, depth, transfer=transfer, matrix=1 if transfer == 1 else 9)
    planes = planes_of(picture_of(), fmt)
    result = grade(planes, fmt, region_matte(BOX, WIDTH, HEIGHT, 0), change=change)
    np.testing.assert_array_equal(result[0][:95], planes[0][:95])
    np.testing.assert_array_equal(result[1][: 95 >> shift[1]], planes[1][: 95 >> shift[1]])


def test_grade_works_on_gray_and_on_rgb_film():
    gray = film((0, 0), family=Family.GRAY)
    planes = (np.full((HEIGHT, WIDTH), 100, np.uint8),)
    matte = region_matte(BOX, WIDTH, HEIGHT, 0)
    assert grade(planes, gray, matte, change=Grade(exposure=1))[0][120, 160] == round(16 + 84 * 2 ** (1 / 2.4))
    gbr = PixelFormat("gbrp", Family.GBR, (0, 0), False, 8, True, 0, 1, 1, 0, Scan.PROGRESSIVE)
    rgb = picture_of()
    result = grade(planes_of(rgb, gbr), gbr, matte, change=Grade(saturation=0))
    assert len({int(plane[120, 160]) for plane in result}) == 1


def test_a_thin_scratch_is_inpainted():
    fmt = film()
    rgb = cv2.GaussianBlur(picture_of(), (0, 0), 6)
    planes = planes_of(rgb, fmt)
    damaged = tuple(plane.copy() for plane in planes)
    damaged[0][118:122, 60:260] = 250
    matte = region_matte(Box(60 / WIDTH, 116 / HEIGHT, 260 / WIDTH, 124 / HEIGHT), WIDTH, HEIGHT, 0)
    mended = inpaint(damaged, fmt, matte, radius_px=4, plan=plan_inpainting(damaged, fmt, matte))
    assert np.abs(mended[0].astype(int) - planes[0])[116:124, 60:260].mean() < 4
    np.testing.assert_array_equal(mended[0][:110], damaged[0][:110])


def test_inpainting_keeps_the_fields_apart():
    fmt = film(scan=Scan.INTERLACED)
    lines = np.where(np.arange(HEIGHT)[:, None] % 2 == 0, 60, 180).astype(np.uint8)
    planes = (
        np.ascontiguousarray(np.broadcast_to(lines, (HEIGHT, WIDTH))),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
        np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8),
    )
    matte = region_matte(BOX, WIDTH, HEIGHT, 0)
    result = inpaint(planes, fmt, matte, radius_px=3, plan=plan_inpainting(planes, fmt, matte))
    # Fields that were mixed would meet at 120.
    assert np.abs(result[0].astype(int) - planes[0]).max() <= 2


def test_clone_copies_and_heal_takes_the_tone_from_around():
    fmt = film((0, 0))
    rgb = 0.3 + 0.2 * picture_of()
    rgb[:, :150] += 0.25
    planes = planes_of(rgb, fmt)
    matte = region_matte(Box(0.6, 0.4, 0.7, 0.55), WIDTH, HEIGHT, 0)
    copied = clone(planes, fmt, matte, planes, shift_px=(-110, 0), tone=Tone.OWN)
    np.testing.assert_array_equal(copied[0][100:130, 194:222], planes[0][100:130, 84:112])
    healed = clone(planes, fmt, matte, planes, shift_px=(-110, 0), tone=Tone.SURROUNDINGS)
    around = planes[0][80:150, 235:260].mean()
    assert abs(healed[0][100:130, 194:222].mean() - around) < 8
    assert abs(copied[0][100:130, 194:222].mean() - around) > 30
    texture_copied, texture_healed = (
        np.diff(item[0][100:130, 196:220].astype(int), axis=1).std() for item in (copied, healed)
    )
    assert texture_healed == pytest.approx(texture_copied, rel=0.25)


def test_cloning_from_another_frame_lines_it_up_first():
    wide = np.stack([texture(k, 500) for k in (1, 2, 3)], axis=-1).astype(np.float32) / 255
    fmt = film((0, 0))
    here, there = (planes_of(np.ascontiguousarray(wide[50 : 50 + HEIGHT, x : x + WIDTH]), fmt) for x in (60, 63))
    broken = tuple(plane.copy() for plane in here)
    broken[0][100:130, 150:190] = 16
    frames = MotionFrame(broken[0]), MotionFrame(there[0])
    matte = region_matte(Box(145 / WIDTH, 95 / HEIGHT, 195 / WIDTH, 135 / HEIGHT), WIDTH, HEIGHT, 0)
    mended = clone(broken, fmt, matte, there, shift_px=(0, 0), tone=Tone.OWN, frames=frames)
    assert np.abs(mended[0].astype(int) - here[0])[95:135, 145:195].mean() < 3


def test_cloning_from_outside_the_picture_is_refused():
    fmt = film()
    planes = planes_of(picture_of(), fmt)
    with pytest.raises(EditRefused, match="outside the picture"):
        clone(planes, fmt, region_matte(BOX, WIDTH, HEIGHT, 0), planes, shift_px=(900, 0), tone=Tone.OWN)


@pytest.mark.parametrize(
    "text", ["A", "Größe 12 €", "Привет\nмир", "a very long line of text that must be made smaller"]
)
def test_text_stands_in_the_middle_and_inside(text):
    picture = lettering(text, 300, 120, colour=Rgb(250, 200, 10), size=0.5, font="")
    alpha = picture.rgba[..., 3]
    assert picture.rgba[60, 150, :3].tolist() == [250, 200, 10]
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    assert len(columns) > 8
    assert abs((columns[0] + columns[-1]) / 2 - 150) < 12
    assert abs((rows[0] + rows[-1]) / 2 - 60) < 16
    assert columns[0] > 0
    assert columns[-1] < 299


@pytest.mark.parametrize(
    ("text", "size", "message"),
    [("  \n ", (300, 100), "no text"), ("A", (2, 2), "2 x 2"), ("x" * 4000, (60, 20), "does not fit")],
)
def test_text_that_cannot_be_set_is_refused(text, size, message):
    with pytest.raises(EditRefused, match=message):
        lettering(text, *size, colour=Rgb(0, 0, 0), size=0.6, font="")


def test_a_font_that_is_none_is_refused(tmp_path):
    path = tmp_path / "no.ttf"
    path.write_bytes(b"not a font")
    with pytest.raises(EditRefused, match=r"no\.ttf"):
        lettering("A", 100, 50, colour=Rgb(0, 0, 0), size=0.6, font=str(path))


def round_object():
    rgb = (60 + 0.4 * np.stack([texture(5)[:HEIGHT, :WIDTH]] * 3, axis=-1)).astype(np.uint8)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    inside = np.hypot(x - 160, y - 120) < 40
    rgb[inside] = (200, 60, 40)
    return rgb, inside


def test_a_loose_outline_is_drawn_in_to_the_objects_edge():
    rgb, inside = round_object()
    loose = region_matte(Ellipse(95 / WIDTH, 60 / HEIGHT, 225 / WIDTH, 180 / HEIGHT), WIDTH, HEIGHT, 0)
    found = refined(rgb, loose).full() > 0.5
    union = (found | inside).sum()
    assert (found & inside).sum() / union > 0.95
    assert (loose.full() > 0.5).sum() / inside.sum() > 2


def test_strokes_keep_and_drop():
    rgb, inside = round_object()
    rgb[100:140, 200:215] = (40, 60, 200)
    loose = region_matte(Ellipse(95 / WIDTH, 60 / HEIGHT, 235 / WIDTH, 180 / HEIGHT), WIDTH, HEIGHT, 0)
    kept = refined(rgb, loose, keep=(Stroke(((207.0, 105.0), (207.0, 135.0)), 5),)).full() > 0.5
    assert kept[105:135, 203:212].mean() > 0.9
    dropped = refined(rgb, loose, drop=(Stroke(((207.0, 105.0), (207.0, 135.0)), 6),)).full() > 0.5
    assert dropped[105:135, 203:212].mean() < 0.1
    assert (dropped & inside).sum() / inside.sum() > 0.9


def test_refining_an_even_picture_ends_in_a_matte_or_a_refusal():
    flat = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    matte = region_matte(BOX, WIDTH, HEIGHT, 0)
    try:
        found = refined(flat, matte)
    except EditRefused as refusal:
        found = None
        refused = str(refusal)
    assert refused.endswith(("in it", "keep")) if found is None else found.alpha.max() <= 1


@pytest.mark.parametrize("order", FieldOrder)
@pytest.mark.parametrize("height", [16, 17])
def test_a_fields_picture_keeps_its_own_lines_and_only_they_go_back(order, height):
    rng = np.random.default_rng(1)
    planes = (
        rng.integers(0, 255, (height, 20)).astype(np.uint8),
        rng.integers(0, 255, (-(-height // 2), 10)).astype(np.uint8),
    )
    for moment in (0, 1):
        parity = order.value ^ moment
        picture = field_picture(planes, order, moment)
        for before, after in zip(planes, picture, strict=True):
            np.testing.assert_array_equal(before[parity::2], after[parity::2])
        woven = with_field(planes, tuple(np.zeros_like(p) for p in picture), order, moment)
        for before, after in zip(planes, woven, strict=True):
            assert not after[parity::2].any()
            np.testing.assert_array_equal(before[1 - parity :: 2], after[1 - parity :: 2])


def test_a_fields_chroma_lies_where_progressive_chroma_does():
    fmt = film(scan=Scan.INTERLACED)
    y = np.arange(32, dtype=np.float32)[:, None] * np.ones((1, 16), np.float32)
    from engine.patches.blend import to_chroma_sites

    for moment in (0, 1):
        # A ramp stays a ramp: field by field down-sampled, then filled, it is the frame's own.
        chroma = to_chroma_sites(y, fmt)
        (filled,) = field_picture((np.rint(chroma * 4).astype(np.uint8),), FieldOrder.TOP_FIRST, moment)
        progressive = to_chroma_sites(y, as_progressive(fmt))
        np.testing.assert_allclose(filled[3:-3] / 4, progressive[3:-3], atol=0.26)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_crop_is_shown_upright_and_comes_back_where_it_was(rotation):
    fmt = film()
    rgb = picture_of()
    planes = planes_of(rgb, fmt)
    matte = region_matte(Box(0.3, 0.35, 0.5, 0.6), WIDTH, HEIGHT, rotation, feather_px=4)
    crop = crop_around(matte, rotation, (1.0, 16 / 9))
    shown = shown_crop(planes, fmt, crop, rotation)
    mask = shown_mask(matte, crop, rotation)
    assert shown.shape[:2] == mask.shape
    ratio = shown.shape[1] / shown.shape[0]
    assert min(abs(ratio - 1), abs(ratio - 16 / 9)) < 0.05
    whole = np.rot90(rgb, k=-(rotation // 90))
    assert (mask > 0).sum() > 500
    rgba = np.dstack([shown, np.full(mask.shape, 255, np.uint8)])
    same, report = fit(planes, fmt, matte, StillPicture(rgba), crop, rotation=rotation, steps=tuple(FitStep))
    assert report.doubts == ()
    assert report.shift_px < 0.1
    assert np.abs(same[0].astype(int) - planes[0]).max() <= 3
    assert whole.shape[0] == (WIDTH if rotation in (90, 270) else HEIGHT)


def edited_picture(planes, fmt, crop, *, move=(0.0, 0.0), tint=(1.0, 1.0, 1.0), size=None):
    """What comes back for a crop: a disc painted in, everything moved and tinted."""
    part = np.clip(film_crop(planes, fmt, crop), 0, 1)
    y, x = np.mgrid[0 : part.shape[0], 0 : part.shape[1]]
    disc = np.hypot(x - part.shape[1] / 2, y - part.shape[0] / 2) < 15
    part[disc] = (0.8, 0.2, 0.1)
    shift = np.array([[1, 0, move[0]], [0, 1, move[1]]], float)
    part = cv2.warpAffine(part, shift, part.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    part = np.clip(part * np.float32(tint), 0, 1)
    if size:
        part = cv2.resize(part, size, interpolation=cv2.INTER_CUBIC)
    rgba = np.full((*part.shape[:2], 4), 255, np.uint8)
    rgba[..., :3] = np.clip(np.rint(part * 255), 0, 255)
    return StillPicture(rgba)


@pytest.mark.parametrize("fmt", [film((0, 0)), film((1, 1), 10, transfer=18, matrix=9)], ids=["8 bit", "10 bit HLG"])
def test_a_shifted_tinted_picture_of_another_size_is_fitted(fmt):
    planes = planes_of(0.2 + 0.5 * picture_of(), fmt)
    matte = region_matte(Ellipse(0.43, 0.4, 0.57, 0.6), WIDTH, HEIGHT, 0, feather_px=4)
    crop = crop_around(matte, 0, context=1.6)
    # What an untouched edit gives is the goal; what comes back is moved, tinted and of another size.
    picture = edited_picture(planes, fmt, crop)
    shown = shown_crop(planes, fmt, crop, 0)
    assert shown.shape[:2] == (crop.height, crop.width)
    if fmt.transfer == 18:
        # An SDR picture of HDR film: made from what a person sees of it.
        rgba = np.dstack([shown, np.full(shown.shape[:2], 255, np.uint8)])
        picture = StillPicture(rgba)
    goal, _ = fit(planes, fmt, matte, picture, crop, rotation=0, steps=())
    moved = picture.rgba[..., :3].astype(np.float32) / 255 * np.float32((1.06, 0.98, 0.93))
    moved = cv2.warpAffine(
        moved,
        np.array([[1, 0, 1.6], [0, 1, -1.1]]),
        moved.shape[1::-1],
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    moved = cv2.resize(moved, (crop.width * 2, crop.height * 2), interpolation=cv2.INTER_CUBIC)
    back = np.full((*moved.shape[:2], 4), 255, np.uint8)
    back[..., :3] = np.clip(np.rint(moved * 255), 0, 255)
    fitted, report = fit(planes, fmt, matte, StillPicture(back), crop, rotation=0, steps=tuple(FitStep))
    bare, _ = fit(planes, fmt, matte, StillPicture(back), crop, rotation=0, steps=())
    scale = 1 << (fmt.bit_depth - 8)
    inside = matte.full() > 0.5
    off, unfitted = (np.abs(item[0].astype(int) - goal[0])[inside].mean() / scale for item in (fitted, bare))
    assert report.doubts == ()
    assert report.shift_px == pytest.approx(np.hypot(1.6, 1.1), abs=0.4)
    assert report.after_rmse < 0.5 * report.before_rmse
    assert off < 0.35 * unfitted
    assert off < 2.5


def test_a_picture_of_something_else_is_put_in_with_doubts():
    fmt = film((0, 0))
    planes = planes_of(picture_of(4), fmt)
    matte = region_matte(Ellipse(0.4, 0.4, 0.6, 0.6), WIDTH, HEIGHT, 0)
    crop = crop_around(matte, 0, context=1.2)
    other = edited_picture(planes_of(picture_of(40), fmt), fmt, crop)
    _, report = fit(planes, fmt, matte, other, crop, rotation=0, steps=tuple(FitStep))
    assert "does not match its surroundings" in report.doubts[0]


def test_a_far_shift_is_a_doubt_and_is_not_undone():
    fmt = film((0, 0))
    planes = planes_of(picture_of(), fmt)
    matte = region_matte(Ellipse(0.42, 0.4, 0.58, 0.6), WIDTH, HEIGHT, 0)
    crop = crop_around(matte, 0, context=1.6)
    moved = edited_picture(planes, fmt, crop, move=(7, 0))
    _, report = fit(planes, fmt, matte, moved, crop, rotation=0, steps=tuple(FitStep))
    assert "shifted by 7 px" in report.doubts[0]


def test_a_crop_without_a_ring_is_a_doubt():
    fmt = film((0, 0))
    planes = planes_of(picture_of(), fmt)
    matte = region_matte(Box(0.3, 0.3, 0.7, 0.7), WIDTH, HEIGHT, 0)
    crop = crop_around(matte, 0, context=0.0)
    _, report = fit(planes, fmt, matte, edited_picture(planes, fmt, crop), crop, rotation=0, steps=tuple(FitStep))
    assert "too little picture around" in report.doubts[0]


class Passing:
    """A disc passes over a background that stands, or pans; gray film."""

    def __init__(self, pan=0.0):
        self.pan = pan
        self.wide = texture(11, 900)
        self.fmt = film((0, 0), family=Family.GRAY)
        self.disc = texture(12)
        self.kept = {}

    def bare(self, t):
        shift = np.array([[1, 0, -60 - self.pan * t], [0, 1, -80]])
        return cv2.warpAffine(self.wide, shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)

    def inside(self, t):
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        return np.hypot(x - (70 + 9 * t), y - 120) < 26

    def planes(self, t):
        if t not in self.kept:
            self.kept[t] = self.drawn(t)
        return self.kept[t]

    def drawn(self, t):
        frame = self.bare(t)
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        disc = cv2.remap(self.disc, (x - 9 * t).astype(np.float32), y, cv2.INTER_LINEAR)
        frame = np.where(self.inside(t), disc, frame)
        noise = np.random.default_rng(t).normal(0, 1, frame.shape)
        return (np.clip(np.rint(frame + noise), 0, 255).astype(np.uint8),)

    def read(self, t):
        return MotionFrame(self.planes(t)[0])


@pytest.mark.parametrize(("pan", "least"), [(0.0, 36), (3.3, 33)])
def test_what_is_removed_gives_way_to_the_background_of_other_frames(pan, least):
    scene = Passing(pan)
    anchor = 9
    alpha = np.asarray(cv2.dilate(scene.inside(anchor).astype(np.float32), np.ones((3, 3))), np.float32)
    matte = Matte.of_full(alpha)
    drawn = Anchor(anchor, alpha, matte.bounds)
    journey = propagate(
        scene.read, (drawn,), Range(0, 19), Follow.HYBRID, (), (WIDTH, HEIGHT), Progress(), CancelToken()
    )
    removal, unknown = plan_removal(
        scene.read, scene.planes, scene.fmt, matte, journey, None, Progress(), CancelToken()
    )
    assert unknown == 0
    assert removal.camera.still == (pan == 0)
    for t in (4, 9, 14):
        before = scene.planes(t)
        filled = remove(removal, t, before, scene.read, scene.planes)
        hole = scene.inside(t)
        apart = filled.planes[0].astype(float) - scene.bare(t)
        assert 10 * np.log10(255**2 / np.square(apart[hole]).mean()) > least
        far = cv2.dilate(hole.astype(np.uint8), np.ones((25, 25))) == 0
        np.testing.assert_array_equal(filled.planes[0][far], before[0][far])


@pytest.mark.parametrize("pan", [0.0, 3.3])
def test_a_region_that_stays_is_filled_from_frames_on_which_the_thing_is_gone(pan):
    scene = Passing(pan)
    anchor, there = 9, Range(0, 21)
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[86:154, 80:226] = 1
    matte = Matte.of_full(alpha)
    journey = stay(Anchor(anchor, alpha, matte.bounds), Range(0, 27))
    arguments = scene.read, scene.planes, scene.fmt, matte, journey
    removal, unknown = plan_removal(*arguments, there, Progress(), CancelToken())
    assert unknown < 0.05
    for t in (6, 9, 12):
        filled = remove(removal, t, scene.planes(t), scene.read, scene.planes)
        apart = filled.planes[0].astype(float) - scene.bare(t)
        assert 10 * np.log10(255**2 / np.square(apart[scene.inside(t)]).mean()) > 32


def test_a_thing_that_stands_in_the_scene_goes_though_the_camera_moves_past_the_drawn_region():
    scene, anchor, pan = Passing(3.3), 9, 3.3
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]

    def left(t):
        return 150 - pan * (t - anchor)

    def thing(t):
        return (x >= left(t)) & (x < left(t) + 50) & (y >= 90) & (y < 150)

    def planes(t):
        shift = np.array([[1, 0, left(t)], [0, 1, 40]])
        tower = cv2.warpAffine(scene.disc, shift, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
        return (np.where(thing(t), tower, scene.bare(t)).astype(np.uint8),)

    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[86:154, 146:204] = 1
    matte = Matte.of_full(alpha)
    journey = stay(Anchor(anchor, alpha, matte.bounds), Range(0, 19))
    facts = FilmFacts(scene.fmt, 0, Fraction(1), None)
    patch = prepared(
        facts, Remove(), matte, journey, Follow.STATIC, WhenLost.COVER, planes, None, None, Range(0, 19), Progress(),
        CancelToken(),
    )  # fmt: skip
    assert "follows" in patch.doubts[0]
    assert "invented" in patch.doubts[1]
    for t in (2, 9, 16):
        before, (after,) = planes(t)[0].astype(float), patch.on(t, planes(t))
        assert abs(np.corrcoef(before[thing(t)], after[thing(t)])[0, 1]) < 0.6
        far = cv2.dilate(thing(t).astype(np.uint8), np.ones((31, 31))) == 0
        np.testing.assert_array_equal(after[far], before[far])


def test_a_thing_that_is_there_on_every_frame_is_not_copied_back():
    scene = Passing()
    alpha = scene.inside(9).astype(np.float32)
    matte = Matte.of_full(alpha)
    journey = stay(Anchor(9, alpha, matte.bounds), Range(0, 19))
    burned = np.where(scene.inside(9), scene.disc[:HEIGHT, :WIDTH], 0)

    def planes(t):
        return (np.where(scene.inside(9), burned, scene.bare(t)).astype(np.uint8),)

    read = lambda t: MotionFrame(planes(t)[0])  # noqa: E731
    removal, unknown = plan_removal(read, planes, scene.fmt, matte, journey, Range(6, 12), Progress(), CancelToken())
    assert removal.clear == frozenset()
    assert unknown > 0.95


def test_what_no_frame_shows_is_counted():
    scene = Passing()
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    alpha = (np.hypot(x - 160, y - 120) < 25).astype(np.float32)
    matte = Matte.of_full(alpha)
    journey = stay(Anchor(2, alpha, matte.bounds), Range(0, 5))
    still = (scene.planes(0)[0],)
    removal, unknown = plan_removal(
        lambda _: MotionFrame(still[0]), lambda _: still, scene.fmt, matte, journey, None, Progress(), CancelToken()
    )
    assert unknown > 0.95
    assert removal.plate is not None


FACTS = FilmFacts(film(), 0, Fraction(1), None)


def pan_film(t, fmt=None):
    wide = np.stack([texture(k, 500) for k in (1, 2, 3)], axis=-1).astype(np.float32) / 255
    return planes_of(np.ascontiguousarray(wide[60 : 60 + HEIGHT, 50 + 3 * t : 50 + 3 * t + WIDTH]), fmt or film())


STICKER = StillPicture(np.full((20, 30, 4), (255, 0, 0, 255), np.uint8))
TOOLS = {
    "blur": (Blur(8), None),
    "pixelate": (Pixelate(12), None),
    "fill": (Fill(Rgb(200, 30, 30)), None),
    "grade": (Grade(exposure=1), None),
    "inpaint": (Inpaint(4), None),
    "clone": (Clone(dx=0.2), None),
    "heal": (Clone(dx=0.2, heal=True), None),
    "clone from another frame": (Clone(frames=2), None),
    "text": (Lettering("Hello"), None),
    "picture": (Picture("1"), STICKER),
    "remove": (Remove(), None),
}


@pytest.fixture(scope="module")
def panned():
    frames = [pan_film(t) for t in range(7)]
    matte = region_matte(Ellipse(0.4, 0.4, 0.6, 0.62), WIDTH, HEIGHT, 0, feather_px=3)
    fmt = film()
    journey = propagate(
        lambda t: motion_frame(frames[t], fmt),
        (Anchor(3, matte.full(), matte.bounds),),
        Range(0, 7),
        Follow.HYBRID,
        (),
        (WIDTH, HEIGHT),
        Progress(),
        CancelToken(),
    )
    return frames, matte, journey


@pytest.mark.parametrize("name", TOOLS)
def test_every_tool_follows_and_touches_nothing_else(panned, name):
    frames, matte, journey = panned
    tool, picture = TOOLS[name]
    when_lost = WhenLost.COVER if name in ("blur", "pixelate") else WhenLost.FADE
    patch = prepared(
        FACTS,
        tool,
        matte,
        journey,
        Follow.HYBRID,
        when_lost,
        lambda t: frames[t],
        picture,
        None,
        None,
        Progress(),
        CancelToken(),
    )
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    for t in (0, 3, 6):
        result = patch.on(t, frames[t])
        # The film moves to the left by three pixels a frame.
        centre = 160 - 3 * (t - 3)
        outside = np.hypot((x - centre) / 32, (y - 122.4) / 26.4) > 1.55
        np.testing.assert_array_equal(result[0][outside], frames[t][0][outside])
        if name != "clone from another frame":
            changed = np.abs(result[0].astype(int) - frames[t][0]) > 3
            assert changed.sum() > 30
            assert abs(np.nonzero(changed)[1].mean() - centre) < 9
    assert patch.on(0, frames[0])[0].dtype == np.uint8


def test_a_tool_that_cannot_be_carried_is_refused(panned):
    frames, matte, journey = panned
    for tool, message in ((MovingPicture("1"), "MovingPicture"), (Picture("1"), "missing")):
        with pytest.raises(EditRefused, match=message):
            prepared(
                FACTS,
                tool,
                matte,
                journey,
                Follow.HYBRID,
                WhenLost.FADE,
                lambda t: frames[t],
                None,
                None,
                None,
                Progress(),
                CancelToken(),
            )


def test_an_interlaced_film_is_followed_field_by_field():
    order = FieldOrder.TOP_FIRST
    fmt = film(scan=Scan.INTERLACED)
    facts = FilmFacts(fmt, 0, Fraction(1), order)
    moments = [pan_film(t, as_progressive(fmt)) for t in range(8)]

    def frame(n):
        woven = tuple(plane.copy() for plane in moments[2 * n])
        for target, later in zip(woven, moments[2 * n + 1], strict=True):
            target[1::2] = later[1::2]
        return woven

    def read_planes(k):
        return facts.picture(frame(k // 2), k % 2)

    matte = region_matte(Ellipse(0.4, 0.4, 0.6, 0.62), WIDTH, HEIGHT, 0)
    journey = propagate(
        lambda k: motion_frame(read_planes(k), facts.picture_format),
        (Anchor(2, matte.full(), matte.bounds),),
        Range(0, 8),
        Follow.HYBRID,
        (),
        (WIDTH, HEIGHT),
        Progress(),
        CancelToken(),
    )
    # Three pixels per field, so the two fields of a frame lie three pixels apart.
    shift = [journey.surface.chart.corners_of(place.homography)[0] for place in journey.places]
    np.testing.assert_allclose(np.diff(shift), -3, atol=0.25)
    patch = prepared(
        facts,
        Fill(Rgb(255, 255, 255)),
        matte,
        journey,
        Follow.PLANAR,
        WhenLost.FADE,
        read_planes,
        None,
        None,
        None,
        Progress(),
        CancelToken(),
    )
    luma = patch.on(3, frame(3))[0]
    centres = [np.nonzero(luma[parity::2] > 230)[1].mean() for parity in (0, 1)]
    assert centres[0] - centres[1] == pytest.approx(3, abs=0.6)
