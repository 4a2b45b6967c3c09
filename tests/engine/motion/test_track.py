"""How far off a followed region may be, what it says of itself, and what stops it."""

import threading

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled, EditRefused
from engine.model.time import Range
from engine.motion.chain import Bending, Ending
from engine.motion.frame import MotionFrame, eight_bits
from engine.motion.place import Place, Surface
from engine.motion.shot import is_cut
from engine.motion.track import Found, track
from tests.moving_textures import HEIGHT, WIDTH, Board, similarity, texture


def followed(board, frames, anchor=0, bending=Bending.SURFACE, **options):
    alpha, _ = board.region(anchor)
    return track(board.read, anchor, alpha, frames, bending, Progress(), CancelToken(), **options)


def errors(board, item, anchor=0):
    surface = Surface(item.chart, item.grid)
    return np.array(
        [
            board.error_px(surface, Place(item.homographies[k], item.coefficients[k]), frame, anchor)
            for k, frame in enumerate(item.frames)
        ]
    )


def turning(t):
    return similarity(160 + 25 * np.sin(t / 6), 120 + 12 * np.sin(t / 5), 0.2 * np.sin(t / 7), 1 + 0.12 * np.sin(t / 8))


def test_a_plane_is_followed_to_a_fraction_of_a_pixel_without_drift():
    board = Board(turning)
    item = followed(board, Range(0, 25))
    off = errors(board, item)
    assert off.max() < 0.1
    assert off[-5:].mean() < off[1:6].mean() + 0.03
    assert not item.coefficients.any()
    assert (item.found == Found.SEEN).all()


def test_both_directions_are_followed_from_the_middle():
    board = Board(turning)
    item = followed(board, Range(0, 17), anchor=8)
    assert errors(board, item, anchor=8).max() < 0.1
    np.testing.assert_array_equal(item.homographies[8], np.eye(3))


def test_fast_motion_is_caught():
    board = Board(lambda t: similarity(100 + 14 * t, 120 + 8 * np.sin(t)))
    assert errors(board, followed(board, Range(0, 9))).max() < 0.15


def test_a_surface_that_bends_is_followed_and_a_plane_model_is_not_enough():
    def bend(u, v, t):
        k = 5 * np.sin(t / 4)
        return k * np.sin(v / 14), 0.5 * k * np.sin(u / 17)

    board = Board(lambda t: similarity(160 + t, 120), bend=bend)
    bent = errors(board, followed(board, Range(0, 14)))
    flat = errors(board, followed(board, Range(0, 14), bending=Bending.PLANE))
    assert bent.max() < 0.5
    assert flat.max() > 3 * bent.max()


def test_light_does_not_matter():
    board = Board(turning, light=lambda x, y, t: (1 + 0.35 * np.sin(t / 3)) * (1 - 0.4 * (x > 150 + t)))
    assert errors(board, followed(board, Range(0, 14))).max() < 0.3


def test_low_texture_is_enough():
    board = Board(turning, contrast=0.12)
    assert errors(board, followed(board, Range(0, 12))).max() < 0.5


def passing(t):
    """Something wide slides over the board and away again."""
    return (-200.0 + 20 * t, -60.0 + 20 * t)


def test_something_passing_in_front_is_not_followed_and_the_gap_is_filled():
    board = Board(lambda t: similarity(160 + 8 * np.sin(t / 5), 120 + 4 * np.sin(t / 6)), occluder=passing)
    item = followed(board, Range(0, 22))
    off = errors(board, item)
    assert off.max() < 1.0
    assert item.support[11:14].min() < 0.2
    assert (item.found[-4:] == Found.SEEN).all()
    assert item.sigma_px[item.found != Found.SEEN].min(initial=9) > item.sigma_px[item.found == Found.SEEN].min()


def test_what_leaves_for_good_is_called_lost():
    board = Board(lambda t: similarity(160, 120), gone=range(6, 20))
    item = followed(board, Range(0, 14))
    assert (item.found[:6] == Found.SEEN).all()
    assert (item.found[6:] == Found.LOST).all()


def test_what_comes_back_elsewhere_is_found_again():
    board = Board(lambda t: similarity(120 if t < 5 else 170, 110 if t < 5 else 130), gone=range(5, 10))
    item = followed(board, Range(0, 16))
    assert (item.found[5:10] != Found.SEEN).all()
    assert (item.found[12:] == Found.SEEN).all()
    assert errors(board, item)[12:].max() < 0.2


def test_a_cut_ends_it_and_is_named():
    board = Board(turning)
    dark = MotionFrame((texture(9, 500)[:HEIGHT, :WIDTH] * 0.25).astype(np.uint8))
    alpha, _ = board.region()

    def read(t):
        return board.read(t) if t < 6 else dark

    item = track(read, 0, alpha, Range(0, 12), Bending.PLANE, Progress(), CancelToken())
    assert item.frames == Range(0, 6)
    assert item.after is Ending.CUT
    assert item.before is Ending.WINDOW


def test_fast_panning_is_no_cut():
    wide = texture(3, 900).astype(np.uint8)
    before, after = (MotionFrame(np.ascontiguousarray(wide[100:340, k : k + 320])) for k in (100, 140))
    assert not is_cut(before, after)


def test_a_longer_window_goes_on_where_the_shorter_one_stopped():
    board = Board(turning)
    short = followed(board, Range(0, 8))
    seen = []
    lock = threading.Lock()
    original = board.read

    def counting(t):
        with lock:
            seen.append(t)
        return original(t)

    board.read = counting
    longer = followed(board, Range(0, 14), shorter=short)
    # The anchor, the last frame that was followed, and the new ones.
    assert set(seen) == {0, *range(7, 14)}
    whole = followed(board, Range(0, 14))
    np.testing.assert_allclose(longer.homographies, whole.homographies, atol=1e-9)


def test_it_stops_when_asked():
    board = Board(turning)
    cancel = CancelToken()
    alpha, _ = board.region()

    def read(t):
        if t == 4:
            cancel.cancel()
        return board.read(t)

    with pytest.raises(Cancelled):
        track(read, 0, alpha, Range(0, 30), Bending.PLANE, Progress(), cancel)


def test_progress_comes_to_its_end():
    board = Board(turning)
    states = []
    alpha, _ = board.region()
    track(board.read, 0, alpha, Range(0, 6), Bending.PLANE, Progress(states.append), CancelToken())
    assert states[-1].fraction == pytest.approx(0.85)
    fractions = [state.fraction for state in states]
    assert fractions == sorted(fractions)


@pytest.mark.parametrize("level", [0, 16, 128, 255])
def test_a_region_without_any_texture_is_lost_or_at_rest_but_never_raises(level):
    flat = MotionFrame(np.full((HEIGHT, WIDTH), level, np.uint8))
    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[80:160, 100:200] = 1
    item = track(lambda _: flat, 0, alpha, Range(0, 5), Bending.SURFACE, Progress(), CancelToken())
    assert np.isfinite(item.homographies).all()
    moved = item.chart.corners_of(item.homographies[-1]) - item.chart.corners_of(np.eye(3))
    assert np.abs(moved).max() < 1


def test_a_region_larger_than_half_the_frame_is_followed():
    wide = texture(5, 700)

    def read(t):
        return MotionFrame(
            np.ascontiguousarray(wide[100 + 2 * t : 340 + 2 * t, 120 + 3 * t : 440 + 3 * t].astype(np.uint8))
        )

    alpha = np.zeros((HEIGHT, WIDTH), np.float32)
    alpha[10:230, 10:310] = 1
    item = track(read, 0, alpha, Range(0, 8), Bending.PLANE, Progress(), CancelToken())
    np.testing.assert_allclose(item.homographies[-1][:2, 2], (-21, -14), atol=0.1)


@pytest.mark.parametrize(
    ("anchor", "alpha", "message"),
    [
        (30, np.ones((HEIGHT, WIDTH), np.float32), "30"),
        (0, np.zeros((HEIGHT, WIDTH), np.float32), "no pixel"),
        (0, np.ones((10, 10), np.float32), "10x10"),
    ],
)
def test_what_cannot_be_followed_is_refused(anchor, alpha, message):
    board = Board(turning)
    with pytest.raises(EditRefused, match=message):
        track(board.read, anchor, alpha, Range(0, 5), Bending.PLANE, Progress(), CancelToken())


def test_ten_bits_are_rounded_to_eight():
    assert eight_bits(np.array([[0, 2, 1021, 1023, 512]], np.uint16), 10).tolist() == [[0, 1, 255, 255, 128]]
