"""A patch along its journey: hidden, lit, faded, covered, corrected by hand; and the law outside its matte."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.patch import Follow, Nudge, WhenLost
from engine.model.pixel_format import Family, PixelFormat, Scan
from engine.model.time import Range
from engine.motion.track import Found
from engine.patches.carry import Content
from engine.patches.matte import Matte
from engine.patches.moving import matte_on, shown, widened
from engine.patches.propagate import Anchor, propagate, stay
from tests.moving_textures import HEIGHT, LASSO, WIDTH, Board, similarity

GRAY = PixelFormat("gray", Family.GRAY, (0, 0), False, 8, False, 1, 1, 1, 0, Scan.PROGRESSIVE)
SIZE = (WIDTH, HEIGHT)


def gentle(t):
    return similarity(150 + 4 * t, 120 + 6 * np.sin(t / 4), 0.1 * np.sin(t / 5))


def journey_of(board, frames, *, anchors=(0,), follow=Follow.HYBRID, nudges=(), former=(), bounds=None):
    drawn = tuple(
        Anchor(frame, board.region(frame)[0], (bounds or {}).get(frame) or board.region(frame)[1]) for frame in anchors
    )
    return propagate(board.read, drawn, frames, follow, nudges, SIZE, Progress(), CancelToken(), former)


def content_of(board, journey):
    alpha, _ = board.region(journey.anchor)
    plain, edited = board.levels(journey.anchor), board.levels(journey.anchor, edited=True)
    return Content(GRAY, (plain,), (edited,), Matte.of_full(alpha), journey.surface, journey.exposure.noise)


def psnr(a, b, inside):
    return 10 * np.log10(255**2 / np.square(a[inside].astype(float) - b[inside]).mean())


def near(board, t, radius=LASSO):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    u, v = board.board_map(t, x, y)
    return np.hypot(u, v) < radius


@pytest.mark.parametrize(
    ("what", "least"),
    [
        ({}, 37),
        ({"light": lambda x, y, t: 1 + 0.4 * np.sin(t / 3)}, 35),
        ({"occluder": lambda t: (20 + 12 * t, 90 + 12 * t)}, 31),
        ({"bend": lambda u, v, t: (4 * np.sin(t / 4) * np.sin(v / 14), 0 * u)}, 34),
    ],
    ids=["plane", "light", "something in front", "bending"],
)
def test_the_edit_moves_as_if_it_had_been_filmed(what, least):
    board = Board(gentle, **what)
    journey = journey_of(board, Range(0, 11))
    content = content_of(board, journey)
    scores = []
    for t in range(1, 11):
        (result,) = shown(content, journey, Follow.HYBRID, t, (board.levels(t),))
        scores.append(psnr(result, board.levels(t, edited=True), near(board, t)))
    assert np.mean(scores) > least
    assert psnr(board.levels(5), board.levels(5, edited=True), near(board, 5)) < 24


def test_outside_the_carried_matte_nothing_changes():
    board = Board(gentle, occluder=lambda t: (20 + 12 * t, 90 + 12 * t))
    journey = journey_of(board, Range(0, 8))
    content = content_of(board, journey)
    for t in range(8):
        before = board.levels(t)
        (after,) = shown(content, journey, Follow.HYBRID, t, (before,))
        outside = ~near(board, t, LASSO + 2.5)
        np.testing.assert_array_equal(before[outside], after[outside])
        assert (before != after).any()


def test_hybrid_beats_planar_where_something_passes_in_front():
    board = Board(gentle, occluder=lambda t: (20 + 12 * t, 90 + 12 * t))
    scores = {}
    for follow in (Follow.PLANAR, Follow.HYBRID):
        journey = journey_of(board, Range(0, 9), follow=follow)
        content = content_of(board, journey)
        scores[follow] = np.mean(
            [
                psnr(
                    shown(content, journey, follow, t, (board.levels(t),))[0],
                    board.levels(t, edited=True),
                    near(board, t),
                )
                for t in range(4, 9)
            ]
        )
    assert scores[Follow.HYBRID] > scores[Follow.PLANAR] + 6


def test_static_stays():
    board = Board(gentle)
    journey = journey_of(board, Range(0, 5), follow=Follow.STATIC)
    assert all((place.homography == np.eye(3)).all() for place in journey.places)


def test_a_patch_fades_out_where_it_is_lost_and_says_so():
    board = Board(lambda t: similarity(160, 120), gone=range(6, 30))
    journey = journey_of(board, Range(0, 16))
    assert (journey.opacity[7:] == 0).all()
    assert np.all(np.diff(journey.opacity[:8]) <= 0)
    assert 0 < journey.opacity[4] < 1
    assert journey.confidence[10] == 0
    assert journey.lost == (Range(6, 16),)
    assert journey.suggestion in range(6, 16)
    before = board.levels(10)
    assert shown(content_of(board, journey), journey, Follow.HYBRID, 10, (before,))[0] is before


def test_no_anchor_is_suggested_where_all_is_well():
    board = Board(gentle)
    journey = journey_of(board, Range(0, 6))
    assert journey.suggestion is None
    assert journey.confidence.min() > 0.8
    assert journey.lost == ()


def test_covering_never_covers_less_than_the_region():
    board = Board(lambda t: similarity(110 + 9 * t, 120), occluder=lambda t: (150, 190))
    journey = journey_of(board, Range(0, 9))
    matte = Matte.of_full(board.region()[0])
    for t in range(9):
        cover = matte_on(matte, journey, WhenLost.COVER, t).full()
        assert cover[near(board, t, LASSO - 1)].min() > 0.99


def test_covering_grows_and_stays_where_the_region_is_lost():
    board = Board(lambda t: similarity(160, 120), gone=range(5, 30))
    journey = journey_of(board, Range(0, 14))
    matte = Matte.of_full(board.region()[0])
    areas = [matte_on(matte, journey, WhenLost.COVER, t).full().sum() for t in range(5, 14)]
    assert areas[0] > matte.alpha.sum()
    assert areas == sorted(areas)
    assert matte_on(matte, journey, WhenLost.FADE, 12) is None


def test_a_nudge_wins_on_its_frame_and_leads_there_and_on():
    board = Board(gentle)
    plain = journey_of(board, Range(0, 9))
    nudged = journey_of(board, Range(0, 9), nudges=(Nudge(4, dx=10 / WIDTH, dy=-6 / HEIGHT, scale=1.2, turn_deg=5),))

    def centre(journey, t):
        return journey.surface.chart.corners_of(journey.places[t].homography).reshape(4, 2).mean(axis=0)

    np.testing.assert_allclose(centre(nudged, 4) - centre(plain, 4), (10, -6), atol=1e-6)
    np.testing.assert_allclose(centre(nudged, 2) - centre(plain, 2), (5, -3), atol=1e-6)
    np.testing.assert_allclose(centre(nudged, 0), centre(plain, 0), atol=1e-9)
    np.testing.assert_allclose(centre(nudged, 8) - centre(plain, 8), (10, -6), atol=1e-6)
    assert nudged.confidence[4] == 1

    def area(journey, t):
        x, y = journey.surface.chart.corners_of(journey.places[t].homography).reshape(4, 2).T
        return 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))

    assert area(nudged, 4) / area(plain, 4) == pytest.approx(1.44, rel=1e-6)


def test_a_nudge_brings_back_what_was_lost():
    board = Board(lambda t: similarity(160, 120), gone=range(6, 30))
    journey = journey_of(board, Range(0, 12), nudges=(Nudge(9, dx=0.1),))
    assert journey.found[9] == Found.SEEN
    assert journey.opacity[9] == 1


def test_a_second_anchor_is_a_hard_constraint_and_mends_a_loss():
    # It vanishes, comes back far away with another look: only the second anchor knows.
    board = Board(lambda t: similarity(90 if t < 6 else 220, 120), gone=range(5, 9))
    journey = journey_of(board, Range(0, 14), anchors=(0, 11))
    off = [board.error_px(journey.surface, journey.places[t], t) for t in (0, 3, 9, 11, 13)]
    assert max(off) < 0.5
    assert journey.found[11] == Found.SEEN


def test_a_roughly_drawn_second_anchor_snaps_to_the_first_ones_picture():
    board = Board(gentle)
    left, top, right, bottom = board.region(8)[1]
    journey = journey_of(board, Range(0, 10), anchors=(0, 8), bounds={8: (left + 3, top - 2, right + 2, bottom - 3)})
    assert board.error_px(journey.surface, journey.places[8], 8) < 0.3


def test_a_longer_journey_uses_the_shorter_ones_work():
    board = Board(gentle)
    short = journey_of(board, Range(0, 6))
    longer = journey_of(board, Range(0, 9), former=short.tracks)
    afresh = journey_of(board, Range(0, 9))
    for one, other in zip(longer.places, afresh.places, strict=True):
        np.testing.assert_allclose(one.homography, other.homography, atol=1e-9)


@pytest.mark.parametrize(
    ("anchors", "follow", "message"),
    [((), Follow.HYBRID, "needs an anchor"), ((9,), Follow.HYBRID, "9"), ((0,), Follow.PROVIDER, "provider")],
)
def test_what_cannot_be_followed_is_refused(anchors, follow, message):
    board = Board(gentle)
    with pytest.raises(EditRefused, match=message):
        journey_of(board, Range(0, 5), anchors=anchors, follow=follow)


@given(st.integers(1, 40), st.integers(4, 30), st.floats(0, 4))
@settings(max_examples=20, deadline=None)
def test_a_wide_cover_covers_all_within_its_reach(reach, half, softness):
    alpha = np.zeros((140, 150), np.float32)
    alpha[70 - half : 70 + half, 75 - half : 75 + half] = 1
    if softness > 0.3:
        alpha = cv2.GaussianBlur(alpha, (0, 0), softness)
        alpha[alpha < 1e-3] = 0
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    assert (widened(alpha, reach) >= cv2.dilate(alpha, kernel) - 1e-6).all()


def test_an_even_region_goes_in_a_straight_line_between_its_anchors():
    board = Board(lambda t: similarity(100 + 5 * t, 120), contrast=0.0, noise=0.3)
    board.back[:] = board.front
    journey = journey_of(board, Range(0, 9), anchors=(0, 8))
    assert journey.even
    centres = [
        journey.surface.chart.corners_of(place.homography).reshape(4, 2).mean(axis=0) for place in journey.places
    ]
    np.testing.assert_allclose(np.diff([x for x, _ in centres]), 5.0, atol=0.2)
    assert journey_of(board, Range(0, 9)).places[8].homography[0, 2] == 0


def test_a_frame_that_was_not_followed_is_refused():
    board = Board(gentle)
    journey = stay(Anchor(0, *board.region()), Range(0, 3))
    with pytest.raises(EditRefused, match="0:3"):
        journey.beside(7)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(*[st.floats(-0.3, 0.3)] * 2, *[st.floats(-0.15, 0.15)] * 4, *[st.floats(-0.05, 0.05)] * 2),
    st.sampled_from([WhenLost.FADE, WhenLost.COVER]),
)
def test_any_place_gives_a_matte_inside_the_frame_or_none(parameters, when_lost):
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[100:140, 140:190] = 1
    matte = Matte.of_full(alpha)
    journey = stay(Anchor(0, alpha, matte.bounds), Range(0, 1))
    chart = journey.surface.chart
    place = type(journey.places[0])(chart.motion(np.array(parameters) * 5), journey.places[0].coefficients)
    object.__setattr__(journey, "places", (place,))
    moved = matte_on(matte, journey, when_lost, 0)
    if moved is not None:
        assert moved.full().shape == alpha.shape
        assert moved.alpha.min() >= 0
        assert moved.alpha.max() <= 1 + 1e-6
