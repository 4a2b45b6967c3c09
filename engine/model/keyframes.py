"""Values that may change over time: keyframes with ease curves."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum

from engine.errors import EditRefused


class Ease(Enum):
    """How a value goes from one keyframe to the next; with t from 0 to 1."""

    HOLD = "hold"
    """It jumps at the next one."""
    LINEAR = "linear"
    IN = "in"
    """Slow at the beginning: t^2."""
    OUT = "out"
    """Slow at the end: 1 - (1 - t)^2."""
    IN_OUT = "in-out"
    """Slow at both: 3 t^2 - 2 t^3."""


@dataclass(frozen=True, slots=True)
class Bezier:
    """The ease curve from (0, 0) to (1, 1) with two handles, as in CSS Easing Functions Level 1, section 2.2.

    Raises:
        EditRefused: a handle lies outside 0..1 in time.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (0 <= self.x1 <= 1 and 0 <= self.x2 <= 1 and -10 <= self.y1 <= 10 and -10 <= self.y2 <= 10):
            raise EditRefused(f"bad handles of an ease curve: {self.x1:g},{self.y1:g} and {self.x2:g},{self.y2:g}")


@dataclass(frozen=True, slots=True)
class Keyframe:
    """A value at a frame (0 is the item's first; it may lie before), and how it goes on from there."""

    at: int
    value: float
    ease: Ease | Bezier = Ease.LINEAR


@dataclass(frozen=True, slots=True)
class Curve:
    """Keyframes in order; before the first and after the last the value stands still.

    Raises:
        EditRefused: there is none, or two share a frame, or they are out of order.
    """

    keys: tuple[Keyframe, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise EditRefused("an animated value needs a keyframe")
        if any(a.at >= b.at for a, b in zip(self.keys, self.keys[1:], strict=False)):
            raise EditRefused("keyframes must be in order, one per frame")

    def shifted(self, by: int) -> Curve:
        """Return the curve with every keyframe `by` frames later."""
        return Curve(tuple(Keyframe(key.at + by, key.value, key.ease) for key in self.keys))


Value = float | Curve


def value_at(value: Value, at: int) -> float:
    """Return a value at a frame of its item (0 is the first)."""
    if not isinstance(value, Curve):
        return value
    keys = value.keys
    i = bisect_right(keys, at, key=lambda key: key.at) - 1
    if i < 0:
        return keys[0].value
    if i == len(keys) - 1:
        return keys[-1].value
    left, right = keys[i], keys[i + 1]
    t = (at - left.at) / (right.at - left.at)
    return left.value + (right.value - left.value) * _eased(left.ease, t)


def _eased(ease: Ease | Bezier, t: float) -> float:
    match ease:
        case Ease.HOLD:
            return 0.0
        case Ease.LINEAR:
            return t
        case Ease.IN:
            return t * t
        case Ease.OUT:
            return 1 - (1 - t) * (1 - t)
        case Ease.IN_OUT:
            return t * t * (3 - 2 * t)
        case Bezier():
            return _bezier(ease, t)


def _bezier(ease: Bezier, x: float) -> float:
    low, high = 0.0, 1.0
    # x grows with the parameter, since both handles lie within 0..1: halving finds it, 40 times to 1e-12.
    for _ in range(40):
        middle = (low + high) / 2
        if _cubic(ease.x1, ease.x2, middle) < x:
            low = middle
        else:
            high = middle
    return _cubic(ease.y1, ease.y2, low)


def _cubic(p1: float, p2: float, t: float) -> float:
    return 3 * (1 - t) * (1 - t) * t * p1 + 3 * (1 - t) * t * t * p2 + t * t * t


def shifted(value: Value, by: int) -> Value:
    """Return a value with its keyframes, if it has any, `by` frames later."""
    return value.shifted(by) if isinstance(value, Curve) else value


def check_value(name: str, value: Value, low: float, high: float) -> None:
    """Refuse a value that leaves its bounds at a keyframe.

    Raises:
        EditRefused: the message names the value.
    """
    for one in [key.value for key in value.keys] if isinstance(value, Curve) else [value]:
        if not (math.isfinite(one) and low <= one <= high):
            raise EditRefused(f"the {name} is {one:g}; it must be {low:g} to {high:g}")
