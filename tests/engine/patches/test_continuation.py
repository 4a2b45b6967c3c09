"""What continues a picture into a hole that nothing else shows."""

from fractions import Fraction
from itertools import product

import cv2
import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.model.patch import Follow, WhenLost
from engine.model.pixel_format import CENTRED, Family, PixelFormat, Scan
from engine.model.time import Range
from engine.model.tool import Inpaint
from engine.motion.frame import MotionFrame
from engine.patches.blend import blend, windows
from engine.patches.complete import Invention, completed
from engine.patches.continuation import continued_picture
from engine.patches.inpaint import inpaint, plan_inpainting
from engine.patches.labelling import labelled
from engine.patches.matte import Matte
from engine.patches.patch import FilmFacts, prepared
from engine.patches.propagate import Anchor, stay
from engine.patches.repetition import Repetition
from engine.patches.seams import joined
from engine.patches.shift_map import shift_map
from engine.patches.surroundings import with_ring
from tests.moving_textures import texture

HEIGHT, WIDTH = 144, 208


def form(depth=8):
    return PixelFormat("test", Family.YUV, (1, 1), False, depth, False, 1, 1, 1, CENTRED[0], Scan.PROGRESSIVE)


def wall(tile=(32, 40)):
    """Return a wall of equal windows with some grain, uint8 planes of 4:2:0."""
    part = texture(3)[: tile[0], : tile[1]]
    luma = np.tile(part, (HEIGHT // tile[0] + 1, WIDTH // tile[1] + 1))[:HEIGHT, :WIDTH]
    luma = np.clip(luma + np.random.default_rng(1).normal(0, 1.5, luma.shape), 0, 255).astype(np.uint8)
    colour = [cv2.resize(255 - luma, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA) // 4 + 96] * 2
    return luma, colour[0], colour[1]


def hole(y, x, radius):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return (np.hypot(rows - y, columns - x) < radius).astype(np.float32)


def put_over(planes, alpha, value):
    small = alpha[::2, ::2] > 0
    return tuple(
        np.where(alpha > 0 if plane.shape == alpha.shape else small, value, plane).astype(plane.dtype)
        for plane in planes
    )


def away(one, other, inside):
    return float(np.abs(one.astype(float) - other)[inside].mean())


@pytest.mark.parametrize(
    ("y", "x"),
    [(72, 104), (70, 10), (9, 110), (130, 200)],
    ids=["inside", "at the left", "at the top", "in the corner"],
)
def test_a_wall_of_windows_goes_on_with_its_windows(y, x):
    planes, alpha = wall(), hole(y, x, 18)
    broken = put_over(planes, alpha, 255)
    matte = Matte.of_full(alpha)
    mended = inpaint(broken, form(), matte, radius_px=4, plan=plan_inpainting(broken, form(), matte))
    inside = alpha > 0
    assert away(mended[0], planes[0], inside) < 4
    # A sample of colour that is shared with what is around the hole stays as it is.
    within = cv2.erode(alpha, np.ones((5, 5), np.uint8))[::2, ::2] > 0
    assert away(mended[1], planes[1], within) < 3
    # Filled from its rim alone it is a smear.
    assert away(inpaint(broken, form(), matte, radius_px=4, plan=None)[0], planes[0], inside) > 15
    np.testing.assert_array_equal(mended[0][~inside], broken[0][~inside])


def test_ten_bits_are_continued_as_eight_are():
    planes, alpha = wall(), hole(72, 104, 18)
    deep = tuple(plane.astype(np.uint16) * 4 for plane in planes)
    broken = put_over(deep, alpha, 1000)
    matte = Matte.of_full(alpha)
    mended = inpaint(broken, form(10), matte, radius_px=4, plan=plan_inpainting(broken, form(10), matte))
    assert away(mended[0] / 4, planes[0], alpha > 0) < 4


def test_one_plan_serves_every_frame_and_follows_its_light():
    planes, alpha = wall(), hole(72, 104, 18)
    matte = Matte.of_full(alpha)
    plan = plan_inpainting(put_over(planes, alpha, 255), form(), matte)
    darker = tuple(plane // 2 for plane in planes)
    mended = inpaint(put_over(darker, alpha, 0), form(), matte, radius_px=4, plan=plan)
    assert away(mended[0], darker[0], alpha > 0) < 4


def test_a_standing_fill_is_planned_once_and_holds_on_every_frame():
    planes, alpha = wall(), hole(72, 104, 18)
    matte = Matte.of_full(alpha)
    frames = [put_over(tuple((plane * light).astype(np.uint8) for plane in planes), alpha, 255) for light in (1, 0.6)]
    journey = stay(Anchor(0, alpha, matte.bounds), Range(0, 2))
    patch = prepared(
        FilmFacts(form(), 0, Fraction(1), None), Inpaint(4), matte, journey, Follow.STATIC, WhenLost.FADE,
        lambda number: frames[number], None, None, None, Progress(), CancelToken(),
    )  # fmt: skip
    assert patch.filling is not None
    assert away(patch.on(0, frames[0])[0], planes[0], alpha > 0) < 4
    assert away(patch.on(1, frames[1])[0], planes[0] * 0.6, alpha > 0) < 4


def test_the_same_frame_is_continued_the_same_way_each_time():
    frame, inside = MotionFrame(texture(5)[:HEIGHT, :WIDTH]), hole(72, 104, 18) > 0
    one, other = (shift_map(frame, inside, inside, CancelToken()) for _ in range(2))
    assert one is not None
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.shifts, other.shifts)


def test_nothing_is_taken_from_what_is_barred_or_missing_or_outside():
    inside, barred = hole(72, 104, 18) > 0, np.zeros((HEIGHT, WIDTH), bool)
    barred[:, 130:] = True
    plan = shift_map(MotionFrame(*wall()[:1]), inside, barred, CancelToken())
    assert plan is not None
    rows, columns = np.nonzero(plan.labels >= 0)
    assert len(rows) == inside.sum()
    shifts = plan.shifts[plan.labels[rows, columns]]
    y, x = rows + plan.y + shifts[:, 1], columns + plan.x + shifts[:, 0]
    assert min(y.min(), x.min()) >= 0
    assert (y < HEIGHT).all()
    assert (x < WIDTH).all()
    assert not (inside | barred)[y, x].any()


def test_a_picture_with_nothing_left_to_take_is_not_continued():
    inside = hole(72, 104, 18) > 0
    assert shift_map(MotionFrame(wall()[0]), inside, ~inside, CancelToken()) is None


def test_what_is_narrow_is_closed_from_its_rim():
    planes = wall()
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[70:76, 40:170] = 1
    assert plan_inpainting(planes, form(), Matte.of_full(alpha)) is None


def test_an_edge_goes_on_straight_through_a_hole():
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grain = np.random.default_rng(2).normal(0, 2, (HEIGHT, WIDTH))
    luma = np.clip(np.where(y > 40 + 0.4 * x, 60, 180) + grain, 0, 255).astype(np.uint8)
    planes = luma, np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8), np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    alpha = hole(80, 104, 18)
    broken, matte = put_over(planes, alpha, 255), Matte.of_full(alpha)
    mended = inpaint(broken, form(), matte, radius_px=4, plan=plan_inpainting(broken, form(), matte))
    wrong = (np.abs(mended[0].astype(int) - luma) > 40) & (alpha > 0)
    assert wrong.sum() < 0.05 * (alpha > 0).sum()


def test_what_was_gathered_stays_and_the_rest_goes_on_from_it():
    planes, alpha = wall(), hole(72, 104, 30)
    broken = put_over(planes, alpha, 255)
    area = with_ring(Matte.of_full(alpha))
    unknown = (area.alpha > 0).astype(np.float32)
    unknown[:, : area.alpha.shape[1] // 2] = 0
    values = windows(planes, form(), area)
    patch = completed(form(), broken, area, values, unknown, Invention.BY_LIKENESS, CancelToken())
    mended = blend(broken, form(), area, patch)
    known = (alpha > 0) & (np.arange(WIDTH) < 100)
    assert away(mended[0], planes[0], known) < 1
    assert away(mended[0], planes[0], alpha > 0) < 4


def test_continuing_stops_on_request():
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        plan_inpainting(wall(), form(), Matte.of_full(hole(72, 104, 18)), cancel)


def test_a_picture_without_hole_or_without_rest_stays_as_it_is():
    rgb = np.stack([wall()[0]] * 3, axis=2)
    for mask in (np.zeros(rgb.shape[:2], bool), np.ones(rgb.shape[:2], bool)):
        np.testing.assert_array_equal(continued_picture(rgb, mask, 5.0), rgb)


def test_a_picture_repeats_itself_by_its_tiles():
    shifts = Repetition(wall()[0].astype(np.float32)[..., None], np.ones((HEIGHT, WIDTH), bool), 12).shifts
    assert len(shifts) == 12
    assert all(min(x % 40, -x % 40) <= 1 and min(y % 32, -y % 32) <= 1 for x, y in shifts[:6])


def test_labels_are_the_best_there_are():
    rng = np.random.default_rng(4)
    # On a chain the messages find the exact minimum.
    nodes = np.ones((1, 6), bool)
    own = rng.random((6, 3)).astype(np.float32)
    between = rng.random((6, 3, 3)).astype(np.float32)
    between = (between + between.transpose(0, 2, 1)) / 2

    def cost(labels):
        meets = zip(labels, labels[1:], range(5), strict=False)
        return own[range(6), labels].sum() + sum(between[k, a, b] + between[k + 1, a, b] for a, b, k in meets)

    best = min(product(range(3), repeat=6), key=cost)
    assert tuple(labelled(nodes, own, between, CancelToken())) == best


def test_pieces_of_different_light_meet_without_a_seam():
    ramp = np.tile(np.linspace(50, 150, 60, dtype=np.float32), (40, 1))
    missing = np.zeros((40, 60), bool)
    missing[8:32, 10:50] = True
    pieces = np.stack([ramp + 25, ramp - 40])
    chosen = np.tile((np.arange(60) >= 30).astype(np.intp), (40, 1))
    assert np.abs(joined(ramp * ~missing, missing, pieces, chosen) - ramp).max() < 1
    # At the frame's border there is nothing to meet.
    missing[:] = False
    missing[:, 45:] = True
    assert np.abs(joined(ramp * ~missing, missing, pieces, chosen) - ramp).max() < 1
