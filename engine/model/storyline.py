"""The main storyline: clips and gaps one after the other, and which source frame each of their frames shows.

The timeline counts output frames 0..N-1. A clip in *native* timing gives one output frame per source frame, so a
variable rate survives exactly; a *conformed* clip gives frames at the canvas rate, each the source frame that shows at
the middle of the output frame's interval (nearest frame; exact fractions, so no drift over hours).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.geometry import AS_IT_IS, Geometry
from engine.model.keyframes import check_value
from engine.model.sound import ClipSound
from engine.model.source import FrameTimes
from engine.model.time import Range

HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Native:
    """One output frame per source frame of `source_range`."""

    source_range: Range

    def __post_init__(self) -> None:
        if not self.source_range or self.source_range.start < 0:
            raise EditRefused(f"a clip cannot show the frames {self.source_range.start}:{self.source_range.stop}")

    def __len__(self) -> int:
        return len(self.source_range)


@dataclass(frozen=True, slots=True)
class Conformed:
    """`frames` output frames at the canvas rate, from `start_s` seconds of the source."""

    start_s: Fraction
    frames: int

    def __post_init__(self) -> None:
        if self.frames <= 0:
            raise EditRefused(f"a clip cannot be {self.frames} frames long")

    def __len__(self) -> int:
        return self.frames


Timing = Native | Conformed


@dataclass(frozen=True, slots=True)
class Clip:
    """A part of a source on the storyline.

    Attributes:
        geometry: how its picture lies on the canvas; keyframes count from the clip's first frame.
        gain_db: of its sound.
    """

    id: str
    source_id: str
    timing: Timing
    name: str = ""
    geometry: Geometry = AS_IT_IS
    sound: ClipSound = ClipSound.LINKED
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        check_value("gain", self.gain_db, -120, 60)

    def __len__(self) -> int:
        return len(self.timing)


@dataclass(frozen=True, slots=True)
class Gap:
    """Black and silence at the canvas rate, `frames` long."""

    id: str
    frames: int

    def __post_init__(self) -> None:
        if self.frames <= 0:
            raise EditRefused(f"a gap cannot be {self.frames} frames long")

    def __len__(self) -> int:
        return self.frames


StoryItem = Clip | Gap


def source_frame(timing: Timing, at: int, times: FrameTimes, rate: Fraction) -> int:
    """Return the source frame that output frame `at` of a clip (0 is its first) shows; rate: the canvas's."""
    match timing:
        case Native(source_range):
            return source_range.start + at
        case Conformed(start_s, _):
            return times.frame_at(start_s + Fraction((2 * at + 1) * rate.denominator, 2 * rate.numerator))


def source_span(timing: Timing, times: FrameTimes, rate: Fraction) -> Range:
    """Return the source frames from the first to the last that a clip shows."""
    match timing:
        case Native(source_range):
            return source_range
        case Conformed(_, frames):
            return Range(source_frame(timing, 0, times, rate), source_frame(timing, frames - 1, times, rate) + 1)


def frames_showing(timing: Timing, source_range: Range, times: FrameTimes, rate: Fraction) -> Range:
    """Return the output frames of a clip (0 is its first) that show a frame of `source_range`; possibly empty."""
    match timing:
        case Native(shown):
            common = shown.intersection(source_range)
            return common.shifted(-shown.start) if common else Range(0, 0)
        case Conformed():
            first = _first_showing(timing, source_range.start, times, rate)
            return Range(first, max(first, _first_showing(timing, source_range.stop, times, rate)))


def _first_showing(timing: Conformed, frame: int, times: FrameTimes, rate: Fraction) -> int:
    """Return the first output frame that shows `frame` or a later one (the clip's length if none does)."""
    if frame <= 0:
        return 0
    if frame >= times.count:
        return timing.frames
    # The middle of output frame k lies at or after the frame's start: start_s + (k + 1/2) / rate >= time.
    at = math.ceil((times.time_of(frame) - timing.start_s) * rate - HALF)
    return min(max(0, at), timing.frames)


def source_time(timing: Timing, at: int, times: FrameTimes, rate: Fraction) -> Fraction:
    """Return the second of the source at which output frame `at` of a clip begins (its end for the clip's length)."""
    match timing:
        case Native(source_range):
            return times.time_of(source_range.start + at)
        case Conformed(start_s, _):
            return start_s + at / rate


def part(timing: Timing, frames: Range, rate: Fraction) -> Timing:
    """Return the timing of the output frames `frames` of a clip alone."""
    match timing:
        case Native(source_range):
            return Native(Range(source_range.start + frames.start, source_range.start + frames.stop))
        case Conformed(start_s, _):
            return Conformed(start_s + frames.start / rate, len(frames))
