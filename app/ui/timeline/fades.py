"""The fades of a sound: each is held by a knob at the end of its line, in the upper corners of the chosen item."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from app.ui.timeline.layout import Grip, Rect
from engine.model.sound import AudioItem

KNOB_PX = 3.5
"""Half the width of a knob."""
_REACH_PX = 6.0
_HIGHEST_PX = 10.0
_LEAST_PX = 40.0
"""A narrower item has no room for two knobs and its edges."""
_STEPS_PER_S = 100


def knobs(sound: AudioItem, rect: Rect) -> tuple[tuple[Grip, float], ...]:
    """Return the knobs of a sound and where they stand from left to right, in points; none where there is no room."""
    if rect.width < _LEAST_PX:
        return ()
    per_s = rect.width / float(sound.duration_s)
    left, right = rect.left + KNOB_PX + 1, rect.left + rect.width - KNOB_PX - 1
    fade_in = rect.left + float(sound.fade_in_s) * per_s
    fade_out = rect.left + rect.width - float(sound.fade_out_s) * per_s
    return (Grip.FADE_IN, min(max(fade_in, left), right)), (Grip.FADE_OUT, min(max(fade_out, left), right))


def knob_at(sound: AudioItem, rect: Rect, x: float, y: float) -> Grip | None:
    """Return the knob under a point: the upper half of the item at most, so that its edges can be caught below."""
    if not 0 <= y - rect.top < min(_HIGHEST_PX, rect.height / 2):
        return None
    near = [(abs(x - at), grip) for grip, at in knobs(sound, rect) if abs(x - at) <= _REACH_PX]
    return min(near, key=lambda one: one[0])[1] if near else None


def faded(sound: AudioItem, grip: Grip, by_s: float) -> AudioItem:
    """Return a sound with one of its fades longer by some seconds, as long as both fit into it."""
    is_in = grip is Grip.FADE_IN
    now, other = (sound.fade_in_s, sound.fade_out_s) if is_in else (sound.fade_out_s, sound.fade_in_s)
    wanted = Fraction(round((float(now) + by_s) * _STEPS_PER_S), _STEPS_PER_S)
    length = min(max(wanted, Fraction(0)), sound.duration_s - other)
    return replace(sound, fade_in_s=length) if is_in else replace(sound, fade_out_s=length)
