"""Overlays lie where their geometry says, in the frame's own planes, and touch nothing else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from engine.media.pixels import planes, to_rgb
from engine.model.geometry import AS_IT_IS, Crop, Fit, Geometry
from engine.model.keyframes import Curve, Keyframe
from engine.model.layers import Blend
from engine.model.media import Colour
from engine.model.ops import CaptionOp, OverlayOp, SourceClock, TimelineClock
from engine.model.overlay import Film, Flat, Shape, ShapeForm, Still, Title
from engine.model.picture import Picture
from engine.model.recipe import SourceBase
from engine.model.text_style import READABLE, TextStyle
from engine.model.tool import BLACK, WHITE, Rgb
from tests.engine.render.compose_scene import (
    HEIGHT,
    WIDTH,
    Reel,
    changed,
    composer,
    even,
    noise,
    square,
    stream,
)

FORMATS = ["yuv420p", "yuv422p10le", "yuv444p", "yuv420p10le", "gbrp", "gray", "yuva420p"]

FIRST = SourceBase("a", 0)

# Each is drawn in the left half of the picture, with room to the middle.
LEFT = Geometry(x=0.2, y=0.5, scale=0.4)
CONTENTS = {
    "picture": OverlayOp(Still("red"), LEFT, 1.0),
    "turned picture": OverlayOp(Still("red"), Geometry(x=0.2, y=0.5, scale=0.4, turn_deg=33), 0.7),
    "film": OverlayOp(Film("b"), Geometry(x=0.2, y=0.5, scale=0.3), 1.0, TimelineClock(), Fraction(25)),
    "title": OverlayOp(Title("Ab", TextStyle(size=0.3)), Geometry(x=0.2, y=0.5, scale=0.5), 1.0),
    "rectangle": OverlayOp(Shape(ShapeForm.RECTANGLE, 0.2, 0.4, Rgb(9, 90, 200)), Geometry(x=0.2, turn_deg=9), 1.0),
    "ellipse": OverlayOp(Shape(ShapeForm.ELLIPSE, 0.2, 0.4), Geometry(x=0.2), 1.0),
    "arrow": OverlayOp(Shape(ShapeForm.ARROW, 0.2, 0.4, stroke_width=0.03), Geometry(x=0.2), 1.0),
    "colour": OverlayOp(Flat(Rgb(200, 10, 60)), Geometry(x=0.2, scale=0.3), 1.0, blend=Blend.MULTIPLY),
    "lightened": OverlayOp(Still("red"), LEFT, 1.0, blend=Blend.SCREEN),
}


def pictures(content: str):
    return {"red": square(), "faint": square(128)}[content]


@pytest.mark.parametrize("pix_fmt", FORMATS)
@pytest.mark.parametrize("name", CONTENTS)
def test_an_overlay_changes_its_place_and_nothing_outside(name, pix_fmt):
    video = stream(pix_fmt)
    frame = noise(video, 1)
    reel = Reel({"a": (video, [frame]), "b": (stream(), [noise(stream(), 2)])})
    result = composer(reel, [CONTENTS[name]], pictures=pictures).compose(0)
    differing = changed(frame, result)
    assert any(mask[:, : mask.shape[1] // 2].any() for mask in differing)
    for mask in differing[:3]:
        assert not mask[:, mask.shape[1] // 2 :].any()
        assert not mask[: mask.shape[0] // 12].any()
    if pix_fmt == "yuva420p":
        assert not differing[3].any()


def test_a_bare_recipe_gives_the_source_frame_itself():
    frame = noise(stream(), 1)
    assert composer(Reel({"a": (stream(), [frame])}), []).compose(0) is frame
    assert composer(Reel({"a": (stream(), [frame])}), []).compose(3, frame) is frame


def test_a_colour_over_the_whole_canvas_has_its_exact_codes():
    """BT.709 red in narrow range is 63, 102, 240 (ITU-R BT.709)."""
    reel = Reel({"a": (stream(), [noise(stream(), 1)])})
    result = composer(reel, [OverlayOp(Flat(Rgb(255, 0, 0)), AS_IT_IS, 1.0)]).compose(0)
    for plane, code in zip(planes(result), (63, 102, 240), strict=True):
        assert (plane == code).all()


def test_half_an_opacity_lies_half_way():
    reel = Reel({"a": (stream(), [even(stream(), 16, 128, 128)])})
    op = OverlayOp(Flat(WHITE), AS_IT_IS, 0.5, layer_opacity=0.5)
    assert np.unique(planes(composer(reel, [op]).compose(0))[0]).tolist() == [16 + round(219 / 4)]


@pytest.mark.parametrize(
    ("mode", "neutral"),
    [
        (Blend.MULTIPLY, WHITE),
        (Blend.SCREEN, BLACK),
        (Blend.ADD, BLACK),
        (Blend.DARKEN, WHITE),
        (Blend.LIGHTEN, BLACK),
    ],
)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_the_neutral_colour_of_a_mode_changes_no_sample(mode, neutral, pix_fmt):
    video = stream(pix_fmt)
    frame = noise(video, 3)
    reel = Reel({"a": (video, [frame])})
    result = composer(reel, [OverlayOp(Flat(neutral), AS_IT_IS, 1.0, blend=mode)]).compose(0)
    assert not any(mask.any() for mask in changed(frame, result))


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Blend.MULTIPLY, 0.4 * 0.5),
        (Blend.SCREEN, 0.7),
        (Blend.OVERLAY, 2 * 0.4 * 0.5),
        (Blend.ADD, 0.9),
        (Blend.DARKEN, 0.4),
        (Blend.LIGHTEN, 0.5),
    ],
)
def test_a_mode_gives_the_value_of_its_formula(mode, expected):
    video = stream("gbrp")
    reel = Reel({"a": (video, [even(video, 102, 102, 102)])})  # 0.4
    grey = Flat(Rgb(128, 128, 128))
    result = composer(reel, [OverlayOp(grey, AS_IT_IS, 1.0, blend=mode)]).compose(0)
    assert abs(int(planes(result)[0][5, 5]) - expected * 255) <= 1


def test_a_crop_uncovers_without_moving_the_picture():
    frame = noise(stream(), 1)
    reel = Reel({"a": (stream(), [frame])})
    whole = composer(reel, [OverlayOp(Flat(BLACK), AS_IT_IS, 1.0)]).compose(0)
    cut = composer(reel, [OverlayOp(Flat(BLACK), Geometry(crop=Crop(left=0.25)), 1.0)]).compose(0)
    luma = planes(cut)[0]
    assert (luma[:, : WIDTH // 4] == planes(frame)[0][:, : WIDTH // 4]).all()
    assert (luma[:, WIDTH // 4 :] == planes(whole)[0][:, WIDTH // 4 :]).all()


@pytest.mark.parametrize("fit", [Fit.FIT, Fit.FILL, Fit.STRETCH, Fit.CROP])
def test_a_picture_is_fitted_onto_the_canvas(fit):
    reel = Reel({"a": (stream(), [even(stream(), 16, 128, 128)])})
    op = OverlayOp(Still("red"), Geometry(fit), 1.0)
    luma = planes(composer(reel, [op], pictures=pictures).compose(0))[0]
    columns = np.flatnonzero((luma > 30).any(axis=0))
    rows = np.flatnonzero((luma > 30).any(axis=1))
    size = {
        Fit.FIT: (HEIGHT, HEIGHT),
        Fit.FILL: (WIDTH, HEIGHT),
        Fit.STRETCH: (WIDTH, HEIGHT),
        Fit.CROP: (40, 40),
    }[fit]
    assert (columns.size, rows.size) == size
    assert columns[0] == (WIDTH - size[0]) // 2


def test_a_picture_in_its_own_size_on_whole_pixels_is_not_resampled():
    video = stream("gbrp")
    random = np.random.default_rng(4)
    rgba = np.full((40, 40, 4), 255, np.uint8)
    rgba[..., :3] = random.integers(0, 256, (40, 40, 3))
    reel = Reel({"a": (video, [noise(video, 1)])})
    result = composer(reel, [OverlayOp(Still("x"), Geometry(Fit.CROP), 1.0)], pictures=lambda _: Picture(rgba)).compose(
        0
    )
    green, blue, red = (plane[28:68, 60:100] for plane in planes(result))
    assert np.array_equal(np.stack([red, green, blue], axis=-1), rgba[..., :3])


def test_keyframes_count_from_where_the_item_begins():
    reel = Reel({"a": (stream(), [even(stream(), 16, 128, 128)])})
    moving = Geometry(x=Curve((Keyframe(0, 0.0), Keyframe(10, 1.0))), scale=0.2)

    def middle(clock, number: int, base=FIRST) -> float:
        op = OverlayOp(Flat(WHITE), moving, 1.0, clock)
        luma = planes(composer(reel, [op], base=base).compose(number))[0]
        columns = np.flatnonzero((luma > 100).any(axis=0))
        return (columns[0] + columns[-1] + 1) / 2 / WIDTH

    assert middle(TimelineClock(), 5) == pytest.approx(0.5, abs=0.01)
    assert middle(SourceClock(10), 5, SourceBase("a", 10)) == pytest.approx(0.5, abs=0.01)


def test_a_film_over_the_film_shows_the_frame_of_its_moment():
    video = stream()
    shades = [even(video, 40 + number, 128, 128) for number in range(20)]
    reel = Reel({"a": (video, [even(video, 16, 128, 128)]), "b": (video, shades)})
    op = OverlayOp(Film("b", Fraction(7, 25)), AS_IT_IS, 1.0, TimelineClock(), Fraction(25))
    luma = planes(composer(reel, [op]).compose(2))[0]
    assert np.unique(luma).tolist() == [40 + 7 + 2]


def test_a_turned_film_carries_overlays_upright():
    ops = [
        OverlayOp(Title("Ab", TextStyle(size=0.3)), Geometry(turn_deg=10), 1.0),
        OverlayOp(Shape(ShapeForm.ARROW, 0.3, 0.3, stroke_width=0.05), Geometry(x=0.3, y=0.2), 1.0),
        OverlayOp(Still("red"), Geometry(x=0.8, y=0.7, scale=0.3, crop=Crop(left=0.4)), 1.0),
    ]
    upright = stream("gbrp", HEIGHT, WIDTH)
    expected = to_rgb(
        composer(Reel({"a": (upright, [even(upright, 60, 60, 60)])}), ops, pictures=pictures).compose(0)
    ).astype(int)
    for rotation in (90, 270):
        video = stream("gbrp", WIDTH, HEIGHT, rotation)
        reel = Reel({"a": (video, [even(video, 60, 60, 60)])})
        shown = to_rgb(composer(reel, ops, pictures=pictures).compose(0), rotation=rotation).astype(int)
        assert np.abs(shown - expected).max() <= 3


def test_an_edge_between_pixels_is_soft():
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 16)])})
    turned = OverlayOp(Flat(WHITE), Geometry(scale=0.5, turn_deg=20), 1.0)
    values = np.unique(planes(composer(reel, [turned]).compose(0))[0])
    assert values.size > 50


def test_captions_stay_within_the_safe_area():
    video = stream("gray", 640, 360)
    frame = even(video, 128)
    for style in (READABLE, TextStyle(y=1.0), TextStyle(y=0.0), TextStyle(x=0.0), TextStyle(size=0.4)):
        text = "A line that is much too long to stand in one line of any film, so it is broken"
        result = composer(Reel({"a": (video, [frame])}), [CaptionOp(text, style)]).compose(0)
        rows, columns = np.nonzero(changed(frame, result)[0])
        outline = style.outline * 360 + 2
        assert rows.min() >= 0.05 * 360 - outline
        assert rows.max() <= 0.95 * 360 + outline
        assert columns.min() >= 0.05 * 640 - outline
        assert columns.max() <= 0.95 * 640 + outline


def test_a_caption_is_readable_on_white_and_on_black():
    video = stream("gray", 640, 360)
    for ground in (16, 235):
        reel = Reel({"a": (video, [even(video, ground)])})
        values = planes(composer(reel, [CaptionOp("Hallo", READABLE)]).compose(0))[0]
        text = values[300:335, 250:390]
        assert text.min() <= 30
        assert text.max() >= 220


def test_tags_are_drawn_and_not_written():
    video = stream("gray", 640, 360)
    reel = Reel({"a": (video, [even(video, 16)])})

    def drawn(text: str) -> np.ndarray:
        return planes(composer(reel, [CaptionOp(text, READABLE)]).compose(0))[0]

    plain = drawn("Hallo")
    assert np.array_equal(drawn("<v Anna>Hallo</v>"), plain)
    assert np.array_equal(drawn("{\\an8}Hallo"), plain)
    italic, bold = drawn("<i>Hallo</i>"), drawn("<b>Hallo</b>")
    assert not np.array_equal(italic, plain)
    assert bold.sum() > plain.sum()
    assert not np.array_equal(drawn("a <x> b"), drawn("a  b"))


def test_text_is_as_sharp_when_enlarged_as_when_written_large():
    video = stream("gray", 640, 360)
    reel = Reel({"a": (video, [even(video, 16)])})
    small = OverlayOp(Title("Aa", TextStyle(size=0.1, y=0.55, outline=0.002)), Geometry(scale=4.0), 1.0)
    large = OverlayOp(Title("Aa", TextStyle(size=0.4, y=0.7, outline=0.008)), AS_IT_IS, 1.0)
    one, other = (planes(composer(reel, [op]).compose(0))[0].astype(int) for op in (small, large))
    assert np.abs(one - other).mean() < 0.5


@pytest.mark.parametrize(("turn_deg", "bright"), [(90, (0.5, 0.25)), (180, (0.75, 0.5)), (-90, (0.5, 0.75))])
def test_a_turn_goes_clockwise(turn_deg, bright):
    """The left half of the picture is white; turned by a quarter clockwise it lies on top."""
    rgba = np.full((40, 40, 4), 255, np.uint8)
    rgba[:, 20:, :3] = 0
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 16)])})
    op = OverlayOp(Still("x"), Geometry(turn_deg=turn_deg), 1.0)
    rows, columns = np.nonzero(planes(composer(reel, [op], pictures=lambda _: Picture(rgba)).compose(0))[0] > 128)
    x, y = (columns.mean() + 0.5 - (WIDTH - HEIGHT) / 2) / HEIGHT, (rows.mean() + 0.5) / HEIGHT
    assert (x, y) == pytest.approx(bright, abs=0.01)


def test_white_in_an_hdr_film_is_its_reference_white():
    """203 cd/m2 are 58 % of the PQ signal (ITU-R BT.2408, table 1)."""
    video = replace(stream("yuv420p10le"), colour=Colour(False, 9, 16, 9, 1))
    reel = Reel({"a": (video, [even(video, 64, 512, 512)])})
    values = planes(composer(reel, [OverlayOp(Flat(WHITE), AS_IT_IS, 1.0)]).compose(0))
    assert values[0][0, 0] == pytest.approx(64 + 0.581 * 876, abs=2)
    assert (int(values[1][0, 0]), int(values[2][0, 0])) == pytest.approx((512, 512), abs=1)
