"""Timestamps that can be worked with: unique, never falling, decoding never after showing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.index.timestamps import NO_TIME, apart, decode_times, repaired

STEP, SECOND = 40, 1000


def ticks(*values: int | None) -> np.ndarray:
    return np.array([NO_TIME if value is None else value for value in values], np.int64)


def check_sound(times) -> None:
    assert np.unique(times.pts).size == times.pts.size
    assert (np.diff(times.dts) >= 0).all()
    assert (times.dts <= times.pts).all()


@given(
    st.lists(st.tuples(st.integers(-5000, 5000), st.none() | st.integers(-5000, 5000)), min_size=1, max_size=60),
    st.integers(1, 100),
)
def test_whatever_a_file_says_the_times_can_be_worked_with(pairs, step):
    times = repaired(ticks(*(pts for pts, _ in pairs)), ticks(*(dts for _, dts in pairs)), step, SECOND)
    check_sound(times)


@given(st.permutations(range(12)).map(lambda order: [40 * n for n in order]))
def test_sound_times_are_left_alone(pts):
    dts = [min(pts) - 500 + 40 * n for n in range(len(pts))]
    times = repaired(ticks(*pts), ticks(*dts), STEP, SECOND)
    assert times.exact
    assert times.pts.tolist() == pts
    assert times.dts.tolist() == dts


def test_equal_times_are_set_one_tick_apart_in_decode_order():
    times = repaired(ticks(0, 293, 293, 293, 294, 330), ticks(0, 293, 293, 293, 294, 330), STEP, SECOND)
    assert times.pts.tolist() == [0, 293, 294, 295, 296, 330]
    assert not times.exact


def test_a_clock_that_runs_back_goes_on_where_the_film_was():
    times = repaired(ticks(9000, 9080, 9040, 100, 180, 140), ticks(8960, 9000, 9040, 60, 100, 140), STEP, SECOND)
    assert times.pts.tolist() == [9000, 9080, 9040, 9120, 9200, 9160]
    check_sound(times)
    assert not times.exact


def test_after_a_clock_ran_back_its_jump_forward_is_taken_out_too():
    there_and_back = ticks(9000, 9040, 100, 140, 9160, 9200)
    times = repaired(there_and_back, there_and_back, STEP, SECOND)
    assert times.pts.tolist() == [9000, 9040, 9080, 9120, 9160, 9200]


def test_a_pause_in_a_clock_that_never_runs_back_is_kept():
    recorded = ticks(0, 40, 80, 90_000, 90_040)
    times = repaired(recorded, recorded, STEP, SECOND)
    assert times.exact
    assert times.pts.tolist() == recorded.tolist()


def test_missing_decode_times_continue_those_the_file_has():
    assert decode_times(ticks(80, 200, 120, 160), ticks(None, None, 80, 120), STEP).tolist() == [0, 40, 80, 120]


def test_decode_times_made_from_nothing_are_the_presentation_times_in_order_as_late_as_reordering_needs():
    assert decode_times(ticks(0, 120, 40, 80), ticks(None, None, None, None), STEP).tolist() == [-40, 0, 40, 80]


@given(st.lists(st.integers(-50, 50), max_size=40))
def test_times_set_apart_rise_and_are_never_lowered(values):
    raised = apart(ticks(*values))
    assert (np.diff(raised) > 0).all()
    assert (raised >= ticks(*values)).all()
