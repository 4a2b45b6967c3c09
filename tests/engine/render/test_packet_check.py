"""Packets of an export and of its source are paired by time, also where a frame is made of several packets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from engine.media.survey import PacketRows, TrackFacts
from engine.model.time import Range
from engine.render.packet_check import DecodeTimes, Plan, match_video


def track(codec: str, times: list[int], content: str, keys: str) -> TrackFacts:
    """Return a track with a packet at each time; equal letters are equal packets, K marks keyframes."""
    count = len(times)
    rows = PacketRows(
        time_base=Fraction(1, 25),
        pts=np.array(times, np.int64),
        dts=np.array(times, np.int64),
        duration=np.ones(count, np.int64),
        size=np.full(count, 100, np.int64),
        key=np.array([mark == "K" for mark in keys], np.bool_),
        hidden=np.zeros(count, np.bool_),
        digest=np.array([ord(letter) for letter in content], np.uint64),
        essence=np.array(
            [ord(letter) if mark == "K" else 0 for letter, mark in zip(content, keys, strict=True)], np.uint64
        ),
    )
    return TrackFacts(0, "video", codec, False, {}, {}, rows)


# A hidden picture stands before the frames at 1 and 4.
SOURCE = track("vp8", [0, 1, 1, 2, 3, 4, 4, 5], "aBbcdEef", "K...K...")
EDITED = Plan(
    frame_pts=np.arange(6), packet_frame=np.array([0, 1, 1, 2, 3, 4, 4, 5]), has_own_times=True, frames=(Range(0, 3),)
)


def problems(source: TrackFacts, out: TrackFacts, plan: Plan | None) -> tuple[str, ...]:
    return match_video(source, out, plan, DecodeTimes.ALL, same_format=True).problems


@pytest.mark.parametrize("plan", [EDITED, None])
def test_a_re_encoded_frame_needs_no_hidden_picture(plan):
    out = track("vp8", [0, 1, 2, 3, 4, 4, 5], "xyzdEef", "K..K...")
    match = match_video(SOURCE, out, plan, DecodeTimes.ALL, same_format=True)
    assert match.problems == ()
    assert match.runs == (Range(0, 3),)


def test_a_hidden_picture_that_is_copied_must_be_there():
    out = track("vp8", [0, 1, 2, 3, 4, 5], "xyzdef", "K..K..")
    assert any("6 packets instead of 7" in problem for problem in problems(SOURCE, out, EDITED))


@pytest.mark.parametrize("plan", [EDITED, None])
def test_a_missing_frame_is_noticed(plan):
    out = track("vp8", [0, 2, 3, 4, 4, 5], "xzdEef", "K.K...")
    assert any("packets instead of" in problem for problem in problems(SOURCE, out, plan))


def test_a_picture_made_anew_for_a_film_without_times_may_begin_with_no_delay():
    source = track("mpeg4", [3, 5, 4, 6], "abcd", "K...")
    source.rows.dts[:] = [0, 1, 2, 3]
    plan = Plan(frame_pts=np.array([1, 2, 3, 4]), packet_frame=np.array([0, 2, 1, 3]), has_own_times=False,
                frames=(Range(0, 4),))  # fmt: skip
    on_time = track("mpeg4", [0, 1, 2, 3], "wxyz", "K...")
    late = track("mpeg4", [5, 6, 7, 8], "wxyz", "K...")
    assert problems(source, on_time, plan) == ()
    assert any("another time" in problem for problem in problems(source, late, plan))


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_what_an_edit_hides_at_the_start_may_be_left_out_before_a_new_keyframe(codec):
    source = hiding(track(codec, [-3, -2, -1, 0, 1, 2, 3], "abcdefg", "K.....K"), 3)
    out = hiding(track(codec, [-1, 0, 1, 2, 3], "wxyzg", "K...K"), 1)
    assert match_video(source, out, None, DecodeTimes.ALL, same_format=True).problems == ()
    short = hiding(track(codec, [-1, 0, 1, 3], "wxyg", "K..K"), 1)
    assert match_video(source, short, None, DecodeTimes.ALL, same_format=True).problems != ()


def hiding(whole: TrackFacts, count: int) -> TrackFacts:
    hidden = np.arange(len(whole.rows)) < count
    return replace(whole, rows=replace(whole.rows, hidden=hidden))
