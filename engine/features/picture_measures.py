"""Measure pictures one after the other: what changed since the last one, how it moved, whether it holds lettering."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np

from engine.features.lettering import lettering_share
from engine.features.measures import (
    PICTURE_ROWS,
    SIGNATURE_CHROMA,
    SIGNATURE_LUMA,
    SIGNATURE_SIZE,
    Float32,
    PictureMeasures,
    UInt8,
)
from engine.media.analysis import halved

_MOST_LINES = 100
_CHROMA_LINES = 50
_STILL = 0.25
"""Pictures that differ less than this (mean, of 255) are the same: nothing moved, nothing is new."""
_FLAT_VARIANCE = 16.0
"""Variances below this are noise, not structure."""
_GRID = 5
_TEXTURED = 12.0
"""Gradient (of 255, by Sobel) from which on a place has something to follow."""
_HISTOGRAM_BINS = (16, 8, 8)


class Picture(Protocol):
    """A small picture: luma uint8 [h, w], and Cb and Cr (or nothing for gray film), smaller or as large."""

    @property
    def luma(self) -> UInt8:
        """Return the luma."""

    @property
    def chroma(self) -> tuple[UInt8, ...]:
        """Return Cb and Cr."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is kept of a picture to compare the next one with it.

    Attributes:
        luma: uint8 [h, w], halved until it has at most _MOST_LINES.
        histogram: float32 [bins], sums to 1 for each component.
        signature: uint8 [SIGNATURE_SIZE], as in PictureMeasures.
    """

    luma: UInt8
    histogram: Float32
    signature: UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A run of frames, measured by itself: the first row knows nothing of the frame before it.

    Attributes:
        first, last: looks at its ends, to compare it with its neighbours.
    """

    rows: PictureMeasures
    first: Look
    last: Look


class PictureMeter:
    """Measures the pictures of a run. One thread at a time."""

    def __init__(self, text_every: int) -> None:
        """Make a meter that looks for lettering in every `text_every`th picture."""
        self._text_every = text_every
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)

    def measured(self, pictures: Iterable[tuple[int, Picture]], count: int) -> Measured | None:
        """Measure (number in the run, picture) pairs, in order; None where there are none."""
        rows = np.zeros((count, len(PICTURE_ROWS) - 1), np.float32)
        signatures = np.zeros((count, SIGNATURE_SIZE), np.uint8)
        first: Look | None = None
        last: Look | None = None
        filled = 0
        text = 0.0
        for number, picture in pictures:
            look = look_at(picture)
            if number // self._text_every != (filled - 1) // self._text_every or first is None:
                text = lettering_share(picture.luma)
            if first is None:
                first = look
                signatures[:number] = look.signature
            else:
                # What did not decode repeats what came before it, as a player does.
                rows[filled:number], signatures[filled:number] = _unchanged(rows[filled - 1]), signatures[filled - 1]
            mean, deviation = cv2.meanStdDev(look.luma)
            step = _NOTHING if last is None else self.step(last, look)
            rows[number] = (mean.item(), deviation.item(), *step, text)
            if last is None:
                rows[:number] = _unchanged(rows[number])
            signatures[number] = look.signature
            filled, last = number + 1, look
        if first is None or last is None:
            return None
        rows[filled:], signatures[filled:] = _unchanged(rows[filled - 1]), signatures[filled - 1]
        values = {name: np.ascontiguousarray(rows[:, at]) for at, name in enumerate(PICTURE_ROWS[:-1])}
        return Measured(PictureMeasures(**values, signature=signatures), first, last)

    def step(self, before: Look, after: Look) -> tuple[float, float, float, float, float, float, float]:
        """Return change, unexplained, colour, pan_x, pan_y, zoom and local from one look to the next."""
        if before.luma.shape != after.luma.shape:
            return 255.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0
        change = float(cv2.norm(before.luma, after.luma, cv2.NORM_L1)) / after.luma.size
        colour = float(np.abs(before.histogram - after.histogram).sum()) / (2 * len(_HISTOGRAM_BINS))
        if change < _STILL:
            return change, 0.0, colour, 0.0, 0.0, 0.0, 0.0
        # From the new picture back to the old one, so that the old one can be looked up at every new pixel.
        start = np.zeros((*after.luma.shape, 2), np.float32)
        flow = np.asarray(self._flow.calc(after.luma, before.luma, start), np.float32)
        x, y = _places(after.luma.shape)
        place = x + flow[..., 0], y + flow[..., 1]
        warped = cv2.remap(before.luma, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        unexplained = 1.0 - max(likeness(np.asarray(warped, np.uint8), after.luma), likeness(before.luma, after.luma))
        pan_x, pan_y, zoom, local = _whole_motion(-flow, after.luma)
        return change, max(0.0, unexplained), colour, pan_x, pan_y, zoom, local


_NOTHING = (0.0,) * 7


@lru_cache(maxsize=8)
def _places(shape: tuple[int, int]) -> tuple[Float32, Float32]:
    """Return every pixel's own place, x and y, float32 [h, w]; the same arrays for the same size: not to be changed."""
    y, x = np.indices(shape, np.float32)
    x.flags.writeable = y.flags.writeable = False
    return x, y


def _unchanged(row: Float32) -> Float32:
    """Return the row of a picture that is the one before it."""
    same = row.copy()
    same[2:9] = 0
    return same


def look_at(picture: Picture) -> Look:
    """Return what is kept of a picture."""
    luma = halved(picture.luma, _MOST_LINES)
    chroma = [halved(plane, _CHROMA_LINES) for plane in picture.chroma]
    histograms = []
    for part, bins in zip((luma, *chroma), _HISTOGRAM_BINS, strict=False):
        counts = cv2.calcHist([part], [0], None, [4 * bins], [0, 256]).ravel() / part.size
        # Neighbouring bins share, so that a slight shift of brightness is a slight difference.
        histograms.append(np.convolve(counts, (0.25, 0.5, 0.25), "same").reshape(bins, 4).sum(axis=1))
    return Look(luma, np.concatenate(histograms).astype(np.float32), _signature(luma, chroma))


def likeness(one: UInt8, other: UInt8) -> float:
    """Return how alike the structure of two pictures is, -1 to 1, whatever their brightness and contrast.

    The structure term of SSIM (Wang et al. 2004, formula 10), over the whole picture.
    """
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = float(a.mean()), float(b.mean())
    variance_a = float(np.vdot(a, a)) / a.size - mean_a * mean_a
    variance_b = float(np.vdot(b, b)) / b.size - mean_b * mean_b
    covariance = float(np.vdot(a, b)) / a.size - mean_a * mean_b
    variances = (max(0.0, variance_a) + _FLAT_VARIANCE) * (max(0.0, variance_b) + _FLAT_VARIANCE)
    return float((covariance + _FLAT_VARIANCE) / np.sqrt(variances))


def _whole_motion(flow: Float32, luma: UInt8) -> tuple[float, float, float, float]:
    """Return how the whole picture moved and grew, and how much moves beside that; shares of the long side.

    A shift and a growth about the middle are fitted to the flow where there is texture, thrice, each time with less
    trust in what moves on its own.
    """
    height, width = luma.shape
    along_x, along_y = cv2.spatialGradient(luma)
    texture = np.abs(along_x[::_GRID, ::_GRID]) + np.abs(along_y[::_GRID, ::_GRID]) > _TEXTURED
    if texture.sum() < 12:
        return 0.0, 0.0, 0.0, 0.0
    y, x = np.mgrid[0:height:_GRID, 0:width:_GRID]
    x, y = x[texture] - width / 2, y[texture] - height / 2
    u, v = (flow[::_GRID, ::_GRID, axis][texture].astype(np.float64) for axis in (0, 1))
    # All sums of the fit at once: a number of points this small costs less than a call.
    terms = np.stack((np.ones_like(x), x, y, u, v, x * x + y * y, x * u + y * v))
    weight = terms[0]
    for _ in range(3):
        total, sum_x, sum_y, sum_u, sum_v, sum_squares, sum_products = (terms @ weight).tolist()
        mean_x, mean_y, mean_u, mean_v = sum_x / total, sum_y / total, sum_u / total, sum_v / total
        far = sum_squares - sum_x * mean_x - sum_y * mean_y
        zoom = (sum_products - sum_x * mean_u - sum_y * mean_v) / max(far, 1e-6)
        shift_x, shift_y = mean_u - zoom * mean_x, mean_v - zoom * mean_y
        beside = np.hypot(u - shift_x - zoom * x, v - shift_y - zoom * y)
        usual = float(np.partition(beside, beside.size // 2)[beside.size // 2])
        weight = 1.0 / (1.0 + (beside / max(0.25, usual)) ** 2)
    long_side = max(height, width)
    return (
        shift_x / long_side,
        shift_y / long_side,
        zoom,
        float(beside.mean()) / long_side,
    )


def _signature(luma: UInt8, chroma: list[UInt8]) -> UInt8:
    signature = np.full(SIGNATURE_SIZE, 128, np.uint8)
    at = 0
    for plane, (rows, columns) in zip((luma, *chroma), (SIGNATURE_LUMA, *[SIGNATURE_CHROMA] * 2), strict=False):
        small = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA)
        signature[at : at + small.size] = small.ravel()
        at += small.size
    return signature
