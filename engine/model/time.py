"""Ranges of frames and their arithmetic; integer ticks and exact fractions, no float."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True, init=False)
class Range:
    """A half-open run of integers [start, stop); the name of the variable says what is counted.

    Raises:
        ValueError: stop lies before start.
    """

    start: int
    stop: int

    def __init__(self, start: int, stop: int) -> None:
        if stop < start:
            raise ValueError(f"a range cannot end before it starts: {start}:{stop}")
        # Ranges are made by the ten thousand, and the constructor that a frozen dataclass gets takes twice the time.
        _set_start(self, start)
        _set_stop(self, stop)

    def __len__(self) -> int:
        return self.stop - self.start

    def __bool__(self) -> bool:
        return self.stop > self.start

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __contains__(self, value: int) -> bool:
        return self.start <= value < self.stop

    def overlaps(self, other: Range) -> bool:
        """Tell whether the two share a frame."""
        return self.start < other.stop and other.start < self.stop

    def covers(self, other: Range) -> bool:
        """Tell whether every frame of `other` is in this range."""
        return not other or (self.start <= other.start and other.stop <= self.stop)

    def intersection(self, other: Range) -> Self:
        """Return what the two share, possibly empty."""
        start = max(self.start, other.start)
        return type(self)(start, max(start, min(self.stop, other.stop)))

    def shifted(self, by: int) -> Self:
        """Return the range moved by `by` frames."""
        return type(self)(self.start + by, self.stop + by)


_set_start = Range.__dict__["start"].__set__
_set_stop = Range.__dict__["stop"].__set__


def merged(ranges: Iterable[Range], *, gap: int = 0) -> tuple[Range, ...]:
    """Return the ranges sorted, empty ones dropped, and joined where at most `gap` frames lie between."""
    result: list[Range] = []
    for item in sorted(r for r in ranges if r):
        if result and item.start <= result[-1].stop + gap:
            result[-1] = Range(result[-1].start, max(result[-1].stop, item.stop))
        else:
            result.append(item)
    return tuple(result)


def subtracted(whole: Range, holes: Iterable[Range]) -> tuple[Range, ...]:
    """Return the parts of `whole` that no range of `holes` covers, in order."""
    result: list[Range] = []
    at = whole.start
    for hole in merged(hole.intersection(whole) for hole in holes):
        if hole.start > at:
            result.append(Range(at, hole.start))
        at = max(at, hole.stop)
    if at < whole.stop:
        result.append(Range(at, whole.stop))
    return tuple(result)
