"""Where a shot ends and another begins: hard cuts, dissolves and fades, decided from stored measures.

A hard cut is a picture that the one before does not explain, however it is moved; a flash is one too, but after it the
former picture comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.features.dissolves import mixes
from engine.features.measures import SIGNATURE_LUMA, Bool, Float32, PictureMeasures, UInt8
from engine.model.time import Range, subtracted

_CALM = 0.13
"""In a quiet shot a picture is new from this score on; `unexplained` of ordinary frames is below a tenth of it."""
_RESTLESS = 2.2
"""How much of its neighbours' mean is added to that in a restless one."""
_NEIGHBOURS = 8
_FLASH_S = 0.35
"""A picture that comes back within this time was never gone."""
_FLASH_LIGHT = 25.0
_WHITE = 225.0
_SAME_COLOUR = 4.0
_PAN_FRAMES = 4
_PANNING = 0.008
_SHARP = 0.4
"""A picture of which this much is new is a cut even where pictures change all the time."""
_ALONE = 2.0
_SHORTEST_S = 0.2
_COLOUR_ALONE = 0.3
"""Histograms that differ this much are two pictures, also where neither has structure (cards of one colour)."""
_FLAT = 7.0
"""Standard deviation of the luma (of 255) below which a picture is plain."""
_LEAST_RAMP = 4
_WORST_RAMP = 0.08
_LEVEL = 6
"""Frames behind a ramp that tell its height."""
_LONGEST_RAMP_S = 4.0


class TransitionKind(Enum):
    """How one shot follows another."""

    CUT = "cut"
    DISSOLVE = "dissolve"
    FADE_OUT = "fade out"
    FADE_IN = "fade in"


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of shots.

    Attributes:
        frames: source frames; of a cut the first frame of the new shot alone, else those that are a mixture.
        score: how far beyond the threshold it is; 1 is on it.
    """

    kind: TransitionKind
    frames: Range
    score: float


@dataclass(frozen=True, slots=True)
class CutSettings:
    """How easily a change is taken for one of shots.

    Attributes:
        sensitivity: 0 to 1; 0.5 as tuned, more finds more.
    """

    sensitivity: float = 0.5

    @property
    def factor(self) -> float:
        """Return by what thresholds are multiplied."""
        return float(4.0 ** (0.5 - min(1.0, max(0.0, self.sensitivity))))


def transitions(picture: PictureMeasures, rate: float, settings: CutSettings = CutSettings()) -> tuple[Transition, ...]:
    """Return all changes of shots, in order.

    Args:
        picture: of the whole source.
        rate: its frames per second.
        settings: how easily.
    """
    faded = _fades(picture, rate)
    sharp = _hard_cuts(picture, rate, settings.factor, [item.frames for item in faded])
    blocked = picture.contrast < _FLAT
    for item in faded:
        blocked[item.frames.start : item.frames.stop] = True
    for item in sharp:
        blocked[item.frames.start] |= picture.unexplained[item.frames.start] >= _SHARP
    mixed = [
        Transition(TransitionKind.DISSOLVE, mix.frames, mix.score)
        for mix in mixes(picture, rate, settings.factor, blocked)
    ]
    # Within a mixture only a cut as sharp as cuts are is one; the rest is the mixture's own unrest.
    inside = np.zeros(picture.count, np.bool_)
    for mix in mixed:
        inside[mix.frames.start : mix.frames.stop] = True
    cuts = [item for item in sharp if not inside[item.frames.start]]
    return tuple(sorted([*faded, *mixed, *cuts], key=lambda item: item.frames))


def cut_scores(picture: PictureMeasures) -> Float32:
    """Return for every frame how far it is beyond the threshold of a hard cut: 1 is on it; flashes are still in."""
    unexplained = np.minimum(picture.unexplained, 1.0)
    threshold = _CALM + _RESTLESS * _neighbours_mean(unexplained)
    colour = picture.colour / (_COLOUR_ALONE + 2 * _neighbours_mean(picture.colour))
    # New colours support a new structure; alone they need to be many.
    scores = np.maximum(unexplained / threshold * (1 + 0.3 * np.minimum(colour, 1)), colour)
    scores[:1] = 0
    return np.asarray(scores, np.float32)


def shots(changes: tuple[Transition, ...], count: int) -> tuple[Range, ...]:
    """Return the runs of frames between the changes; frames that are a mixture or part of a fade are in none."""
    edges = [change.frames.start for change in changes if change.kind is TransitionKind.CUT]
    whole = subtracted(Range(0, count), (change.frames for change in changes if change.kind is not TransitionKind.CUT))
    found = []
    for run in whole:
        inside = [edge for edge in edges if run.start < edge < run.stop]
        found += [Range(a, b) for a, b in zip([run.start, *inside], [*inside, run.stop], strict=True)]
    return tuple(found)


def _neighbours_mean(values: Float32) -> Float32:
    """Return the mean of the values beside each one, without it and without the highest of them (a cut near by)."""
    padded = np.pad(values, _NEIGHBOURS, mode="reflect" if values.size > _NEIGHBOURS else "edge")
    windows = sliding_window_view(padded, 2 * _NEIGHBOURS + 1).copy()
    windows[:, _NEIGHBOURS] = np.nan
    total, highest = np.nansum(windows, axis=1), np.nanmax(windows, axis=1)
    return np.asarray((total - highest) / (2 * _NEIGHBOURS - 1), np.float32)


def _hard_cuts(picture: PictureMeasures, rate: float, factor: float, gradual: list[Range]) -> list[Transition]:
    scores = cut_scores(picture) / factor
    within = np.zeros(picture.count, np.bool_)
    ends = set()
    for frames in gradual:
        within[frames.start : frames.stop] = True
        ends |= {frames.start, frames.stop}
    plain = picture.contrast < _FLAT
    both_plain = plain & np.roll(plain, 1) & (picture.change < 25)
    strong = np.flatnonzero((scores >= 1) & ~both_plain)
    reach = max(2, round(_FLASH_S * rate))
    found = [
        at
        for at in strong.tolist()
        if at not in ends
        and (picture.unexplained[at] >= _SHARP or (not within[at] and _stands_out(picture.change, at)))
        and not _comes_back(picture, at, reach)
    ]
    apart = max(1, round(_SHORTEST_S * rate))
    kept: list[int] = []
    for at in found:
        if kept and at - kept[-1] < apart:
            if scores[at] > scores[kept[-1]]:
                kept[-1] = at
        else:
            kept.append(at)
    return [Transition(TransitionKind.CUT, Range(at, at + 1), float(scores[at])) for at in kept]


def _stands_out(change: Float32, at: int) -> bool:
    """Tell whether the picture changes at one frame alone; where something begins to move, it goes on changing."""
    beside = np.concatenate([change[max(1, at - 1) : at], change[at + 1 : at + 2]])
    return bool(change[at] > _ALONE * beside.max(initial=0.0))


def _comes_back(picture: PictureMeasures, at: int, reach: int) -> bool:
    """Tell whether a picture from before frame `at` shows again soon after: then what lies between was a flash."""
    size = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1]
    before = _normalised(picture.signature[max(0, at - reach) : at, :size])
    after = _normalised(picture.signature[at : at + reach, :size])
    alike = before @ after.T
    direct = float(alike[-1, 0])
    distance = np.arange(before.shape[0], 0, -1)[:, None] + np.arange(after.shape[0])[None]
    alike[(distance > reach) | (distance == 1)] = -1
    best = float(alike.max(initial=-1))
    if best > 0.8 and best > direct + 0.6 * (1 - direct):
        return True
    # While the camera turns fast the picture that comes back has moved on. It is then as much like the one before the
    # light as pictures so far apart usually are.
    if max(picture.luma[at - 1], picture.luma[at]) > _WHITE and _same_light(picture, at, reach):
        return True
    bright = abs(float(picture.luma[at]) - float(picture.luma[at - 1])) > _FLASH_LIGHT
    if not bright or best < direct + 0.25:
        return False
    apart = int(distance[alike == best].min())
    usual = [float((side[:-apart] * side[apart:]).sum(axis=1).max()) for side in (before, after) if len(side) > apart]
    return bool(usual) and best > 0.75 * max(usual) and max(usual) > 0.4


def _same_light(picture: PictureMeasures, at: int, reach: int) -> bool:
    """Tell whether a white-out ends in the brightness and colours that it began with."""
    count = picture.count
    first = at if picture.luma[at] > _WHITE else at - 1
    while first > max(0, at - reach) and picture.luma[first - 1] > _WHITE:
        first -= 1
    lit = next((n for n in range(at, min(count, at + reach)) if picture.luma[n] <= _WHITE), count)
    if picture.luma[first] <= _WHITE or first == 0 or lit >= count:
        return False
    if _same_pan(picture, first, lit):
        return True
    size = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1]
    means = picture.signature[:, size:].reshape(count, 2, -1)
    for back in range(lit, min(count, lit + reach)):
        colours = np.abs(means[back].mean(axis=1) - means[first - 1].mean(axis=1)).max()
        if colours < _SAME_COLOUR and abs(picture.luma[back] - picture.luma[first - 1]) < _FLASH_LIGHT / 2:
            return True
    return False


def _same_pan(picture: PictureMeasures, first: int, lit: int) -> bool:
    """Tell whether the camera turns after a white-out just as it did before."""
    sides = [
        np.array([np.median(row[max(0, start) : start + _PAN_FRAMES]) for row in (picture.pan_x, picture.pan_y)])
        for start in (first - _PAN_FRAMES, lit + 1)
        if start + _PAN_FRAMES <= picture.count
    ]
    if len(sides) < 2:
        return False
    speed = max(float(np.hypot(*side)) for side in sides)
    return speed > _PANNING and float(np.hypot(*(sides[1] - sides[0]))) < 0.25 * speed


def _normalised(signatures: UInt8) -> Float32:
    values = signatures.astype(np.float32)
    values -= values.mean(axis=1, keepdims=True)
    return np.asarray(values / np.sqrt((values**2).sum(axis=1, keepdims=True) + 16.0 * values.shape[1]), np.float32)


# --- fades -----------------------------------------------------------------------------------------------------------


def _fades(picture: PictureMeasures, rate: float) -> list[Transition]:
    contrast = picture.contrast
    longest = round(_LONGEST_RAMP_S * rate)
    found = []
    reach = max(2, round(_FLASH_S * rate))
    for run in _runs(contrast < _FLAT):
        if len(run) < reach and run.start > 0 and _comes_back(picture, run.start, reach):
            continue
        ramp = _ramp(contrast[max(0, run.start - longest) : run.start][::-1])
        if ramp >= _LEAST_RAMP:
            found.append(Transition(TransitionKind.FADE_OUT, Range(run.start - ramp, run.start), 1.0 + ramp / rate))
        ramp = _ramp(contrast[run.stop : run.stop + longest])
        if ramp >= _LEAST_RAMP:
            found.append(Transition(TransitionKind.FADE_IN, Range(run.stop, run.stop + ramp), 1.0 + ramp / rate))
    return found


def _ramp(contrast: Float32) -> int:
    """Return over how many values, from a plain picture on, the contrast rises in a straight line; 0 where it jumps."""
    lengths = np.arange(_LEAST_RAMP, contrast.size - _LEVEL)
    if not lengths.size:
        return 0
    sums = np.concatenate([[0.0], np.cumsum(contrast, dtype=np.float64)])
    tops = (sums[lengths + _LEVEL] - sums[lengths]) / _LEVEL
    at = np.arange(contrast.size)
    line = tops[:, None] * np.minimum(1.0, (at + 1) / lengths[:, None])
    counted = at < lengths[:, None] + _LEAST_RAMP
    off = (np.abs(contrast - line) * counted).sum(axis=1) / counted.sum(axis=1) / np.maximum(tops, 1e-6)
    off[tops < 2 * _FLAT] = np.inf
    best = int(np.argmin(off))
    return int(lengths[best]) if off[best] < _WORST_RAMP else 0


def _runs(mask: Bool) -> list[Range]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [Range(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
