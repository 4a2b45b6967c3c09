"""Dissolves: runs of frames that are a mixture of the shot before and the shot after, ever more of the second.

Over a dissolve the picture goes straight from one signature to the other, while fine detail, which the two shots do not
share, fades as the square of each one's share. A moving camera's picture goes round a bend and keeps its detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.features.measures import SIGNATURE_LUMA, Bool, Float32, Int64, PictureMeasures
from engine.model.time import Range

_LENGTHS_S = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
_LEAST_DISTANCE = 9.0
"""Root mean square difference of the signatures (of 255) that two shots have at least."""
_MOST_ALIKE = 0.7
_MOST_BEND = 0.36
_MOST_SHARP = 0.5
_FAR = 0.3
_BEND_TRAVELLING, _SHARP_TRAVELLING = 0.25, 0.2
"""Where the camera turned by more than _FAR, the picture is another one anyway: a mixture has to be clearer."""
_SHARES = (0.25, 0.5, 0.75)
_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Mix:
    """A dissolve: its mixed frames, and how clear it is (1 is on the threshold)."""

    frames: Range
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    start: Int64
    length: int
    score: Float32


def mixes(picture: PictureMeasures, rate: float, factor: float, blocked: Bool) -> tuple[Mix, ...]:
    """Return the dissolves of a film, in order.

    Args:
        picture: of the whole source.
        rate: frames per second.
        factor: multiplies what is asked of a dissolve.
        blocked: bool [n], frames that are no part of one: plain ones, fades, and the first after a hard cut.
    """
    lengths = sorted({max(5, round(seconds * rate)) for seconds in _LENGTHS_S})
    passed = np.concatenate([[0], np.cumsum(blocked)])
    scans = [scan for length in lengths for scan in _scanned(picture, length, factor, passed)]
    if not scans:
        return ()
    starts = np.concatenate([scan.start for scan in scans])
    spans = np.concatenate([np.full(scan.start.size, scan.length) for scan in scans])
    scores = np.concatenate([scan.score for scan in scans])
    taken: list[tuple[Range, float]] = []
    free = np.ones(picture.count + 1, np.bool_)
    for at in np.argsort(-scores).tolist():
        frames = Range(int(starts[at]), int(starts[at] + spans[at]) + 1)
        if free[frames.start : frames.stop].all():
            free[frames.start : frames.stop] = False
            taken.append((frames, float(scores[at])))
    return tuple(Mix(_mixed(picture, frames), score) for frames, score in sorted(taken))


def _scanned(picture: PictureMeasures, length: int, factor: float, passed: Int64) -> list[_Scan]:
    """Return every start at which a run of `length` frames looks like a dissolve."""
    found: list[_Scan] = []
    if picture.count <= length:
        return found
    free = np.flatnonzero(passed[length + 1 :] == passed[1 : passed.size - length])
    # A long run looks much the same a little later.
    free = free[free % max(1, length // 12) == 0]
    for first in range(0, free.size, _CHUNK):
        starts = _unlike_ends(picture, free[first : first + _CHUNK], length, factor)
        score = _scores(picture, starts, length, factor)
        good = score >= 1
        if good.any():
            found.append(_Scan(starts[good], length, score[good]))
    return found


def _unlike_ends(picture: PictureMeasures, starts: Int64, length: int, factor: float) -> Int64:
    """Return the starts of runs whose ends differ as two shots do; most of a film is none of them."""
    size = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1]
    one = picture.signature[starts, :size].astype(np.float32)
    other = picture.signature[starts + length, :size].astype(np.float32)
    return starts[1 - _alike(one, other) >= (1 - _MOST_ALIKE) * factor]


def _scores(picture: PictureMeasures, starts: Int64, length: int, factor: float) -> Float32:
    signatures = picture.signature
    one = signatures[starts].astype(np.float32)
    other = signatures[starts + length].astype(np.float32)
    step = other - one
    squared = (step * step).sum(axis=1)
    distance = np.sqrt(squared / step.shape[1])
    size = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1]
    unlike = 1 - _alike(one[:, :size], other[:, :size])
    fine_one, fine_other = (_fine(picture, starts + by) for by in (0, length))
    score = np.minimum(distance / (_LEAST_DISTANCE * factor), unlike / ((1 - _MOST_ALIKE) * factor))
    travelled = _travel(picture, starts, length) > _FAR
    for share in _SHARES:
        at = starts + round(share * length)
        middle = signatures[at].astype(np.float32) - one
        along = (middle * step).sum(axis=1) / np.maximum(squared, 1)
        off = middle - along[:, None] * step
        bend = np.sqrt((off * off).sum(axis=1) / np.maximum(squared, 1))
        # How much detail there should be, if the detail of the two shots has nothing in common.
        due = (1 - along) ** 2 * fine_one + along**2 * fine_other
        kept = (1 - along) * fine_one + along * fine_other
        # 0 for a mixture, 1 for a picture that is as sharp as the shots are.
        sharp = (_fine(picture, at) - due) / np.maximum(kept - due, 4.0)
        score = np.where(np.abs(along - share) > 0.2, 0, score)
        score = np.minimum(score, np.where(travelled, _BEND_TRAVELLING, _MOST_BEND) / np.maximum(bend * factor, 0.05))
        score = np.minimum(score, 1 + (np.where(travelled, _SHARP_TRAVELLING, _MOST_SHARP) - sharp))
    return np.asarray(score * np.sqrt(np.minimum(distance, 60) / 20) * (score >= 1), np.float32)


def _travel(picture: PictureMeasures, starts: Int64, length: int) -> Float32:
    """Return how far the camera turned over each run, as a share of the picture's long side."""
    x, y = (np.concatenate([[0.0], np.cumsum(row, dtype=np.float64)]) for row in (picture.pan_x, picture.pan_y))
    first, last = starts + 1, starts + length + 1
    return np.asarray(np.hypot(x[last] - x[first], y[last] - y[first]), np.float32)


def _fine(picture: PictureMeasures, at: Int64) -> Float32:
    """Return the variance of the luma that the signature is too coarse to show."""
    size = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1]
    coarse = picture.signature[at, :size].astype(np.float32).var(axis=1)
    return np.asarray(np.maximum(picture.contrast[at] ** 2 - coarse, 1.0), np.float32)


def _alike(one: Float32, other: Float32) -> Float32:
    a = one - one.mean(axis=1, keepdims=True)
    b = other - other.mean(axis=1, keepdims=True)
    noise = 16.0 * a.shape[1]
    return np.asarray(
        (a * b).sum(axis=1) / np.sqrt(((a * a).sum(axis=1) + noise) * ((b * b).sum(axis=1) + noise)), np.float32
    )


def _mixed(picture: PictureMeasures, frames: Range) -> Range:
    """Return which frames around a find are mixed: between the signature well before it and the one well after."""
    reach = len(frames) // 2
    low, high = max(0, frames.start - reach), min(picture.count, frames.stop + reach)
    run = picture.signature[low:high].astype(np.float32)
    one, other = run[frames.start - low], run[frames.stop - 1 - low]
    step = other - one
    along = (run - one) @ step / max(1.0, float(step @ step))
    middle = (frames.start + frames.stop) // 2 - low
    # Straight through the middle, to where the line meets 0 and 1: the ends themselves are blurred by motion.
    inner = np.flatnonzero((along > 0.2) & (along < 0.8))
    inner = inner[np.abs(inner - middle) <= len(frames)]
    if inner.size < 3:
        return frames
    slope, offset = np.polyfit(inner, along[inner], 1)
    if slope <= 0:
        return frames
    start = np.clip(round(low - offset / slope), frames.start - reach, middle + low - 1)
    stop = np.clip(round(low + (1 - offset) / slope), middle + low + 1, frames.stop + reach)
    return Range(max(0, int(start)), min(picture.count, int(stop)))
