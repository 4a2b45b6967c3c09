"""Keyframes of a value as the inspector changes them. Values only."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.keyframes import Curve, Ease, Keyframe, Value, value_at

EASES = (
    (Ease.LINEAR, "Even"),
    (Ease.IN, "Slow at the beginning"),
    (Ease.OUT, "Slow at the end"),
    (Ease.IN_OUT, "Slow at both ends"),
    (Ease.HOLD, "Hold, then jump"),
)


def has_key(value: Value, at: int) -> bool:
    """Tell whether a value has a keyframe on a frame."""
    return isinstance(value, Curve) and any(key.at == at for key in value.keys)


def with_number(value: Value, at: int, number: float) -> Value:
    """Return a value changed on a frame: an animated one gets a keyframe there, another changes as a whole."""
    return with_key(value, at, number) if isinstance(value, Curve) else number


def with_key(value: Value, at: int, number: float | None = None) -> Curve:
    """Return a value with a keyframe on a frame; number: what it is there, None to keep it."""
    number = value_at(value, at) if number is None else number
    if not isinstance(value, Curve):
        return Curve((Keyframe(at, number),))
    former = [key for key in value.keys if key.at <= at]
    ease = former[-1].ease if former else Ease.LINEAR
    others = [key for key in value.keys if key.at != at]
    return Curve(tuple(sorted((*others, Keyframe(at, number, ease)), key=lambda key: key.at)))


def without_key(value: Value, at: int) -> Value:
    """Return a value without its keyframe on a frame; with its last one it stands still."""
    if not isinstance(value, Curve):
        return value
    rest = tuple(key for key in value.keys if key.at != at)
    return Curve(rest) if rest else value_at(value, at)


def with_ease(value: Value, at: int, ease: Ease) -> Value:
    """Return a value that goes on in another way from its last keyframe up to a frame."""
    if not isinstance(value, Curve):
        return value
    former = [number for number, key in enumerate(value.keys) if key.at <= at]
    number = former[-1] if former else 0
    key = value.keys[number]
    return Curve((*value.keys[:number], Keyframe(key.at, key.value, ease), *value.keys[number + 1 :]))


def ease_at(value: Value, at: int) -> Ease | None:
    """Return how a value goes on from its last keyframe up to a frame, None where it has none or a curve of its own."""
    if not isinstance(value, Curve):
        return None
    former = [key for key in value.keys if key.at <= at] or [value.keys[0]]
    ease = former[-1].ease
    return ease if isinstance(ease, Ease) else None


def next_key(values: Iterable[Value], at: int) -> int | None:
    """Return the first frame behind `at` on which any of the values has a keyframe."""
    later = [key.at for value in values if isinstance(value, Curve) for key in value.keys if key.at > at]
    return min(later, default=None)


def former_key(values: Iterable[Value], at: int) -> int | None:
    """Return the last frame before `at` on which any of the values has a keyframe."""
    earlier = [key.at for value in values if isinstance(value, Curve) for key in value.keys if key.at < at]
    return max(earlier, default=None)
