"""From where a picture may be decoded, and which pictures lead an entry; drawn in decode order."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine.model.frame_index import FrameIndex, UnitKind
from engine.model.gop import EntryMap, irregular_share, is_open_gop, keyframes, leading_units, longest_gop

KINDS = {
    "I": UnitKind.IDR,
    "C": UnitKind.CRA,
    "O": UnitKind.OPEN_I,
    "R": UnitKind.RECOVERY,
    "i": UnitKind.INTRA,
    ".": UnitKind.OTHER,
}


def film(kinds: str, ranks: list[int] | None = None, step: int = 10) -> FrameIndex:
    """Return an index of one letter per unit, shown at the given ranks."""
    count = len(kinds)
    rank = np.array(range(count) if ranks is None else ranks, np.int64)
    pts = rank * step
    numbers = np.arange(count, dtype=np.int64)
    order = np.argsort(pts, kind="stable")
    return FrameIndex(
        codec="test",
        time_base=Fraction(1, 1000),
        pts=pts,
        dts=np.minimum.accumulate(pts[::-1])[::-1],
        duration=np.full(count, step),
        size=numbers,
        position=numbers,
        kind=np.array([KINDS[letter] for letter in kinds], np.uint8),
        presented=np.ones(count, np.bool_),
        first_packet=numbers,
        packet_count=np.ones(count, np.int64),
        order=order,
        frame_of=rank,
        exact_timestamps=True,
    )


LEADING = [0, 1, 4, 2, 3, 5, 8, 6, 7, 9]
"""Units 3, 4 lead unit 2; units 7, 8 lead unit 6."""

CASES = {
    "a clean entry gives all behind it": ("I...I.....", None, 7, [4, 0]),
    "and nothing before it": ("I...I.....", None, 3, [0]),
    "a CRA gives what is shown after it": ("I.C...C...", LEADING, 5, [2, 0]),
    "but not its leading pictures": ("I.C...C...", LEADING, 7, [2, 0]),
    "an open GOP's I picture neither": ("O.O...O...", LEADING, 4, [0]),
    "an intra picture is no entry": ("I...i.....", None, 7, [0]),
    "a recovery point gives what comes after the next one": ("I..R..R..R", None, 8, [3, 0]),
    "not what comes right behind it": ("I..R......", None, 5, [0]),
    "the first unit is always a start": ("..........", None, 7, [0]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_picture_is_exact_from(name):
    kinds, ranks, unit, starts = CASES[name]
    assert list(EntryMap.of(film(kinds, ranks)).starts(unit)) == starts


def test_leading_pictures_are_coded_behind_an_entry_and_shown_before_it():
    index = film("I.C...C...", LEADING)
    assert leading_units(index, 2).tolist() == [3, 4]
    assert leading_units(index, 6).tolist() == [7, 8]
    assert leading_units(index, 0).size == 0


def test_a_gop_is_open_when_leading_pictures_may_need_the_former():
    assert is_open_gop(film("I.C...C...", LEADING))
    assert not is_open_gop(film("I.I...I...", LEADING))
    assert not is_open_gop(film("I.C...C..."))


def test_the_longest_gop_may_be_the_last():
    index = film("I..I......")
    assert keyframes(index).tolist() == [0, 3]
    assert longest_gop(index) == 7


def test_a_gap_is_irregular_beyond_two_percent_and_one_tick():
    assert irregular_share(film("I....")) == 0
    one_off = film("I....", [0, 1, 2, 3, 5], step=100)
    assert irregular_share(one_off) == 0.25
    within_a_tick = film("I....", [0, 33, 67, 100, 133], step=1)
    assert irregular_share(within_a_tick) == 0
