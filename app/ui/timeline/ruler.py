"""The ticks of the ruler, laid out in timecode frames.

At 29.97 drop-frame the timecode 00:01:00;00 does not exist; the tick of that second stands at 00:01:00;02.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from app.ui.words import timecode

LABEL_PX = 108
"""Labels stand at least so far apart."""
TICK_PX = 8
_BLOCK = 16

_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 18000, 36000)


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick at the beginning of a frame; label: its timecode, empty for a small tick."""

    frame: int
    label: str = ""


def ticks(first: int, stop: int, rate: Fraction, frames_per_px: float) -> list[Tick]:
    """Return the ticks of the timeline frames [first, stop), in order; labels begin at or before `first`."""
    steps = _steps(_counting(rate)[0])
    large = next((step for step in steps if step / frames_per_px >= LABEL_PX), steps[-1])
    small = next((step for step in steps if large % step == 0 and step / frames_per_px >= TICK_PX), large)
    block = _number(max(0, first), rate) // large // _BLOCK
    from_number = _number(max(0, first), rate) // large * large
    found: list[Tick] = []
    while True:
        for number, tick in _block(block, large, small, rate):
            if tick.frame >= stop and number >= from_number:
                return found
            if number >= from_number and (not found or found[-1].frame < tick.frame):
                found.append(tick)
        block += 1


@lru_cache(maxsize=64)
def _block(block: int, large: int, small: int, rate: Fraction) -> tuple[tuple[int, Tick], ...]:
    """Return the ticks of so many large steps with their numbers: while a view moves they are the same."""
    numbers = range(block * _BLOCK * large, (block + 1) * _BLOCK * large, small)
    frames = [frame_of_number(number, rate) for number in numbers]
    return tuple(
        (number, Tick(frame, "" if number % large else timecode(frame, rate)))
        for number, frame in zip(numbers, frames, strict=True)
    )


@lru_cache(maxsize=8)
def _steps(base: int) -> list[int]:
    """Return the distances that ticks may have, in timecode frames: parts of a second, then whole seconds."""
    return [step for step in range(1, base) if base % step == 0] + [base * seconds for seconds in _SECONDS]


@lru_cache(maxsize=8)
def _counting(rate: Fraction) -> tuple[int, int]:
    """Return a rate's nominal frames a second, and how many numbers drop-frame skips in a minute."""
    return max(1, round(rate)), _dropped(rate)


def _dropped(rate: Fraction) -> int:
    """Return how many numbers drop-frame skips in a minute, 0 where it is not used (SMPTE ST 12-1, 5.2.2)."""
    base = max(1, round(rate))
    return 2 * base // 30 if rate != base and base % 30 == 0 else 0


def _number(frame: int, rate: Fraction) -> int:
    """Return a frame's timecode as a count of nominal frames."""
    base, each = _counting(rate)
    if not each:
        return frame
    per_minute = 60 * base - each
    tens, rest = divmod(frame, 10 * per_minute + each)
    minutes = 0 if rest < 60 * base else 1 + (rest - 60 * base) // per_minute
    return frame + each * (9 * tens + minutes)


def frame_of_number(number: int, rate: Fraction) -> int:
    """Return the frame whose timecode counts `number` nominal frames, or the next one where that is skipped."""
    base, each = _counting(rate)
    if not each:
        return number
    minutes, within = divmod(number, 60 * base)
    if minutes % 10 and within < each:
        number += each - within
    return number - each * (minutes - minutes // 10)
