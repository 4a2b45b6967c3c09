"""Where an item stands: on the timeline, or on the frames of a source, which it then follows wherever they show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.time import Range


class Ripple(Enum):
    """What an item on the timeline does when frames are put in or taken out before it."""

    FOLLOW = "follow"
    """It keeps its distance to what stood under it."""
    FIXED = "fixed"
    """It stays at its time."""


@dataclass(frozen=True, slots=True)
class OnTimeline:
    """Frames of the timeline."""

    frames: Range
    ripple: Ripple = Ripple.FOLLOW

    def __post_init__(self) -> None:
        _check(self.frames)


@dataclass(frozen=True, slots=True)
class OnSource:
    """Frames of a source."""

    source_id: str
    frames: Range

    def __post_init__(self) -> None:
        _check(self.frames)


Place = OnTimeline | OnSource


@dataclass(frozen=True, slots=True)
class AtTimeline:
    """A time on the timeline, from start_s to stop_s seconds."""

    start_s: Fraction
    stop_s: Fraction
    ripple: Ripple = Ripple.FOLLOW

    def __post_init__(self) -> None:
        _check_times(self.start_s, self.stop_s)


@dataclass(frozen=True, slots=True)
class AtSource:
    """A time of a source, from start_s to stop_s seconds of it."""

    source_id: str
    start_s: Fraction
    stop_s: Fraction

    def __post_init__(self) -> None:
        _check_times(self.start_s, self.stop_s)


TimePlace = AtTimeline | AtSource


def _check(frames: Range) -> None:
    if not frames:
        raise EditRefused(f"an item cannot stand on no frame: {frames.start}:{frames.stop}")
    if frames.start < 0:
        raise EditRefused(f"an item cannot begin before the film: {frames.start}:{frames.stop}")


def _check_times(start_s: Fraction, stop_s: Fraction) -> None:
    if stop_s <= start_s:
        raise EditRefused(f"an item cannot end before it begins: {float(start_s):g} s to {float(stop_s):g} s")
