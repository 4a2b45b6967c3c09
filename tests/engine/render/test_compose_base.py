"""What lies under the operations: sources placed on the canvas, gaps, subjects and patches on placed clips."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine.errors import UsageError
from engine.media.pixels import planes, to_rgb
from engine.model.geometry import AS_IT_IS, Crop, Fit, Geometry
from engine.model.keyframes import Curve, Keyframe
from engine.model.layers import Blend
from engine.model.ops import CaptionOp, Depth, OverlayOp, PatchOp, SubjectOp
from engine.model.overlay import Flat
from engine.model.patch import IN_PLACE
from engine.model.picture import Picture
from engine.model.recipe import BlackBase, ConformedBase, Placement, SourceBase
from engine.model.region import Box, Ellipse
from engine.model.subject import DrawnMatte, FilmMatte, StillMattes
from engine.model.text_style import TextStyle
from engine.model.tool import WHITE, Blur, Fill, Rgb
from tests.engine.render.compose_scene import HEIGHT, WIDTH, Reel, changed, composer, even, noise, stream

GREEN = OverlayOp(Flat(Rgb(0, 160, 0)), AS_IT_IS, 1.0, depth=Depth.BEHIND_SUBJECT)


def on_canvas(geometry: Geometry) -> Placement:
    return Placement(geometry, WIDTH, HEIGHT, Fraction(1))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gbrp"])
def test_a_source_of_the_canvas_s_size_is_placed_without_a_change(pix_fmt):
    video = stream(pix_fmt)
    frame = noise(video, 1)
    result = composer(Reel({"a": (video, [frame])}), [], placement=on_canvas(AS_IT_IS)).compose(0)
    assert not any(mask.any() for mask in changed(frame, result))


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p10le", "gray"])
def test_a_smaller_source_stands_pixel_for_pixel_in_the_middle_of_black(pix_fmt):
    canvas, video = stream(), stream(pix_fmt, 80, 48)
    frame = noise(video, 1)
    reel = Reel({"a": (canvas, []), "b": (video, [frame])})
    result = composer(reel, [], SourceBase("b", 0), on_canvas(Geometry(Fit.CROP))).compose(0)
    assert (result.width, result.height, result.format.name) == (WIDTH, HEIGHT, "yuv420p")
    luma = planes(result)[0]
    inside = luma[24:72, 40:120].astype(int)
    scale = 4 if "10" in pix_fmt else 1
    assert np.abs(inside - planes(frame)[0] / scale).max() <= 1
    if pix_fmt == "yuv420p":
        # The first column's samples lie partly on the black beside: chroma is sited left.
        assert np.array_equal(planes(result)[1][12:36, 21:60], planes(frame)[1][:, 1:])
    outside = luma.copy()
    outside[24:72, 40:120] = 16
    assert (outside == 16).all()


@pytest.mark.parametrize(("fit", "bars"), [(Fit.FIT, True), (Fit.FILL, False), (Fit.STRETCH, False), (Fit.CROP, True)])
def test_a_source_of_another_shape_is_fitted(fit, bars):
    canvas, video = stream(), stream("yuv420p", 64, 64)
    reel = Reel({"a": (canvas, []), "b": (video, [even(video, 180, 100, 140)])})
    result = composer(reel, [], SourceBase("b", 0), on_canvas(Geometry(fit))).compose(0)
    luma = planes(result)[0]
    assert luma[HEIGHT // 2, WIDTH // 2] == 180
    assert planes(result)[1][HEIGHT // 4, WIDTH // 4] == 100
    assert bool((luma[HEIGHT // 2, :10] == 16).all()) is bars


def test_a_source_of_another_format_in_the_same_size_comes_in_the_canvas_s_format():
    video = stream("yuv420p10le")
    reel = Reel({"a": (stream(), []), "b": (video, [even(video, 400, 480, 560)])})
    result = composer(reel, [], SourceBase("b", 0)).compose(0)
    assert result.format.name == "yuv420p"
    assert [int(plane[9, 9]) for plane in planes(result)] == [100, 120, 140]


def test_a_turned_source_comes_upright():
    upright, turned = stream("gbrp", WIDTH, HEIGHT), stream("gbrp", HEIGHT, WIDTH, rotation=90)
    frame = noise(turned, 5)
    reel = Reel({"a": (upright, []), "b": (turned, [frame])})
    result = composer(reel, [], SourceBase("b", 0)).compose(0)
    assert np.array_equal(to_rgb(result), to_rgb(frame, rotation=90))


def test_the_crop_of_a_clip_is_black_and_its_move_follows_keyframes():
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 150)])})
    cut = composer(reel, [], placement=on_canvas(Geometry(crop=Crop(right=0.5)))).compose(0)
    assert np.unique(planes(cut)[0][:, :80]).tolist() == [150]
    assert np.unique(planes(cut)[0][:, 80:]).tolist() == [16]
    sliding = Geometry(x=Curve((Keyframe(0, 0.5), Keyframe(10, 1.5))))
    result = composer(reel, [], placement=on_canvas(sliding)).compose(5)
    assert np.flatnonzero((planes(result)[0] == 150).all(axis=0))[0] == WIDTH // 2


def test_a_gap_is_black_and_carries_captions():
    reel = Reel({"a": (stream(), [])})
    black = composer(reel, [], BlackBase(), on_canvas(AS_IT_IS)).compose(0)
    assert [np.unique(plane).tolist() for plane in planes(black)] == [[16], [128], [128]]
    captioned = composer(reel, [CaptionOp("Hallo", TextStyle(size=0.3))], BlackBase(), on_canvas(AS_IT_IS)).compose(0)
    assert planes(captioned)[0].max() > 200


def test_a_source_of_another_rate_shows_its_nearest_frame():
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 20 + number) for number in range(40)])})
    made = composer(reel, [], ConformedBase("a", Fraction(0), Fraction(50)))
    assert [int(planes(made.compose(n))[0][0, 0]) for n in range(5)] == [20, 20, 21, 21, 22]


def test_a_frame_that_the_timeline_lacks_is_refused():
    with pytest.raises(UsageError, match="no frame 50"):
        composer(Reel({"a": (stream(), [noise(stream(), 1)])}), []).compose(50)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p10le", "gbrp"])
def test_the_subject_stays_as_it_was_and_the_rest_is_replaced(pix_fmt):
    video = stream(pix_fmt)
    frame = noise(video, 1)
    subject = SubjectOp(DrawnMatte(Box(0.25, 0.25, 0.75, 0.75), 0), 0, None, 0.0, False)
    result = composer(Reel({"a": (video, [frame])}), [GREEN, subject]).compose(0)
    plain = composer(Reel({"a": (video, [frame])}), [GREEN]).compose(0)
    for mask, differs in zip(changed(frame, result), changed(plain, result), strict=True):
        height, width = mask.shape
        inside = slice(height // 4 + 2, 3 * height // 4 - 2), slice(width // 4 + 2, 3 * width // 4 - 2)
        assert not mask[inside].any()
        assert not differs[: height // 4 - 2].any()
        assert not differs[:, : width // 4 - 2].any()


def test_an_inverted_matte_marks_the_background():
    video = stream("gray")
    frame = noise(video, 1)
    subject = SubjectOp(DrawnMatte(Ellipse(0.25, 0.25, 0.75, 0.75), 0), 0, None, 0.0, True)
    result = composer(Reel({"a": (video, [frame])}), [GREEN, subject]).compose(0)
    mask = changed(frame, result)[0]
    assert mask[HEIGHT // 2, WIDTH // 2]
    assert not mask[:20].any()


def halves(content: str) -> Picture:
    rgba = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
    rgba[:, : WIDTH // 2, :3] = 255 if content == "left" else 0
    rgba[:, WIDTH // 2 :, :3] = 0 if content == "left" else 255
    return Picture(rgba)


def test_matte_pictures_go_on_frame_by_frame_and_the_last_one_stays():
    video = stream("gray")
    frame = noise(video, 1)
    subject = SubjectOp(StillMattes(("left", "right")), 3, None, 0.0, False)
    made = composer(Reel({"a": (video, [frame])}), [GREEN, subject], SourceBase("a", 3), pictures=halves)
    for number, kept in ((0, slice(0, 78)), (1, slice(82, WIDTH)), (9, slice(82, WIDTH))):
        mask = changed(frame, made.compose(number))[0]
        assert not mask[:, kept].any()
        assert mask.any()


def test_a_film_is_a_matte_by_its_alpha_or_its_brightness():
    video, bright, clear = stream("gray"), stream("gray"), stream("yuva420p")
    frame = noise(video, 1)
    reel = Reel(
        {
            "a": (video, [frame]),
            "bright": (bright, [even(bright, 16), even(bright, 235)]),
            "clear": (clear, [even(clear, 16, 128, 128, 0), even(clear, 16, 128, 128, 255)]),
        }
    )
    for source_id in ("bright", "clear"):
        subject = SubjectOp(FilmMatte(source_id), 0, None, 0.0, False)
        made = composer(reel, [GREEN, subject])
        assert changed(frame, made.compose(0))[0].mean() > 0.9
        assert not changed(frame, made.compose(1))[0].any()


def patch(tool, **changes) -> PatchOp:
    return PatchOp(Box(0.25, 0.25, 0.5, 0.5), 0, 0.0, 0.0, None, IN_PLACE, None, tool, **changes)


def test_a_patch_moves_with_its_placed_clip():
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 100)])})
    small = on_canvas(Geometry(x=0.75, y=0.75, scale=0.5))
    luma = planes(composer(reel, [patch(Fill(WHITE))], placement=small).compose(0))[0]
    rows, columns = np.nonzero(luma == 235)
    assert (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1) == (100, 120, 60, 72)


def test_a_patch_above_an_overlay_works_on_what_is_there():
    video = stream("gray")
    frame = noise(video, 1)
    reel = Reel({"a": (video, [frame])})
    cover = OverlayOp(Flat(WHITE), AS_IT_IS, 1.0)
    above = composer(reel, [cover, patch(Blur(4))]).compose(0)
    assert np.unique(planes(above)[0]).tolist() == [235]


def test_a_patch_takes_a_blend_mode_and_an_opacity():
    video = stream("gbrp")
    reel = Reel({"a": (video, [even(video, 100, 100, 100)])})
    grey = Fill(Rgb(128, 128, 128))
    values = [
        int(planes(composer(reel, [patch(grey, opacity=opacity, blend=mode)]).compose(0))[0][36, 60])
        for mode, opacity in ((Blend.NORMAL, 1.0), (Blend.MULTIPLY, 1.0), (Blend.MULTIPLY, 0.5))
    ]
    assert values == [128, 50, 75]


def test_a_refined_matte_stands_in_the_bounds_of_its_region():
    video = stream("gray")
    reel = Reel({"a": (video, [even(video, 100)])})
    op = PatchOp(Box(0.25, 0.25, 0.75, 0.75), 0, 0.0, 0.0, "left", IN_PLACE, None, Fill(WHITE))
    luma = planes(composer(reel, [op], pictures=halves).compose(0))[0]
    rows, columns = np.nonzero(luma == 235)
    assert abs(int(columns.min()) - 40) <= 1
    assert abs(int(columns.max()) + 1 - 80) <= 1
    assert (rows.min(), rows.max() + 1) == (24, 72)
