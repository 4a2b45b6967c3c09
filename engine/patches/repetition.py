"""How a picture repeats itself: the few shifts by which most of its parts find others that look like them.

He and Sun, "Statistics of patch offsets for image completion" (2012): these shifts continue it, lines included.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.motion.frame import Float32

Mask = NDArray[np.bool_]
Shifts = NDArray[np.intp]

_PATCH_PX = 8
_DIMENSIONS = 24
_QUERIES = 2500
_AT_ONCE = 256
_NEAREST_SHARE = 1 / 15
"""Of the picture's longer side: what is nearer looks alike because it is the same place."""
_PEAK_SIGMA, _PEAK_APART = 1.4, 9
_SAMPLES = 4000
_MOST_APART = 40
"""Levels by which two pixels differ at most: beyond it they are simply not the same."""


class Repetition:
    """The most frequent shifts between parts that look alike, and which parts those were.

    Attributes:
        shifts: int [K, 2], (x, y) from a part to the one like it, in pixels of the picture that was looked at.
    """

    def __init__(self, picture: Float32, known: Mask, count: int) -> None:
        """Look at a picture.

        Args:
            picture: float32 [H, W, C], 0 to 255.
            known: where it counts.
            count: how many shifts are wanted at most.
        """
        self._known = known
        self._x, self._y, self._to_x, self._to_y = _alike(picture, known)
        self.shifts = _peaks(self._to_x - self._x, self._to_y - self._y, known.shape, count)

    def refined(self, large: Float32, known: Mask) -> Shifts:
        """Return the shifts in whole pixels of the same picture at a larger size, int [k, 2]; without those that fail.

        Args:
            large: float32 [H, W], its luma.
            known: where it counts.
        """
        height, width = self._known.shape
        scale = np.array([large.shape[1] / width, large.shape[0] / height])
        reach = int(np.ceil(scale.max()))
        span = np.arange(-reach, reach + 1) if reach > 1 else np.zeros(1, int)
        found = []
        for shift in self.shifts:
            rows, columns = self._footprint(shift, large.shape)
            start = np.rint(shift * scale).astype(int)
            best, least = None, np.inf
            for dy in start[1] + span:
                for dx in start[0] + span:
                    error = _apart(large, known, rows, columns, dx, dy)
                    if error < least:
                        best, least = (dx, dy), error
            if best is not None and best != (0, 0):
                found.append(best)
        return np.array(list(dict.fromkeys(found)), np.intp).reshape(-1, 2)

    def _footprint(self, shift: NDArray[np.intp], shape: tuple[int, ...]) -> tuple[Shifts, Shifts]:
        """Return rows and columns of a larger picture's pixels in the parts for which a shift holds."""
        dx, dy = self._to_x - self._x, self._to_y - self._y
        there = np.maximum(np.abs(dx - shift[0]), np.abs(dy - shift[1])) <= 1
        back = np.maximum(np.abs(dx + shift[0]), np.abs(dy + shift[1])) <= 1
        mask = np.zeros(self._known.shape, np.uint8)
        mask[self._y[there], self._x[there]] = 1
        mask[self._to_y[back], self._to_x[back]] = 1
        mask = np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)), np.uint8) * self._known
        grown = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
        rows, columns = np.nonzero(grown)
        step = max(1, len(rows) // _SAMPLES)
        return rows[::step], columns[::step]


def _alike(picture: Float32, known: Mask) -> tuple[Shifts, Shifts, Shifts, Shifts]:
    """Return (x, y) of parts and (x, y) of what looks most like each, elsewhere; exact, by comparing with all."""
    height, width = known.shape
    vectors, rows, columns = _described(picture, known)
    if not len(rows):
        none = np.zeros(0, np.intp)
        return none, none, none, none
    asked = (np.arange(min(len(rows), _QUERIES)) * max(1.0, len(rows) / _QUERIES)).astype(int)
    index = np.full((height, width), -1)
    index[rows, columns] = np.arange(len(rows))
    near = max(4, int(np.ceil(_NEAREST_SHARE * max(height, width))))
    length = np.square(vectors).sum(axis=1)
    found = np.zeros(len(asked), np.intp)
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        apart = length[None] - 2 * (vectors[some] @ vectors.T)
        for row, part in enumerate(some):
            y, x = rows[part], columns[part]
            here = index[max(0, y - near + 1) : y + near, max(0, x - near + 1) : x + near]
            apart[row, here[here >= 0]] = np.inf
        found[start : start + _AT_ONCE] = apart.argmin(axis=1)
    return columns[asked], rows[asked], columns[found], rows[found]


def _described(picture: Float32, known: Mask) -> tuple[Float32, Shifts, Shifts]:
    """Return what tells the picture's parts from each other, float32 [n, d], and their rows and columns."""
    before, after = _PATCH_PX // 2, _PATCH_PX // 2 - 1
    whole = cv2.erode(known.astype(np.uint8), np.ones((_PATCH_PX, _PATCH_PX), np.uint8), borderValue=0) > 0
    rows, columns = np.nonzero(whole)
    if not len(rows):
        return np.zeros((0, 1), np.float32), rows, columns
    bordered = cv2.copyMakeBorder(picture, before, after, before, after, cv2.BORDER_REFLECT)
    parts = np.lib.stride_tricks.sliding_window_view(np.atleast_3d(bordered), (_PATCH_PX, _PATCH_PX), axis=(0, 1))
    vectors = np.asarray(parts[rows, columns].reshape(len(rows), -1), np.float32)
    vectors = vectors - vectors.mean(axis=0)
    some = vectors[:: max(1, len(vectors) // _SAMPLES)]
    _, axes = np.linalg.eigh(some.T @ some)
    return np.asarray(vectors @ axes[:, -_DIMENSIONS:], np.float32), rows, columns


def _peaks(dx: Shifts, dy: Shifts, shape: tuple[int, ...], count: int) -> Shifts:
    height, width = shape
    votes = np.zeros((2 * height + 1, 2 * width + 1), np.float32)
    for sign in (1, -1):
        np.add.at(votes, (height + sign * dy, width + sign * dx), np.float32(1))
    votes = np.asarray(cv2.GaussianBlur(votes, (0, 0), _PEAK_SIGMA), np.float32)
    highest = cv2.dilate(votes, np.ones((_PEAK_APART, _PEAK_APART), np.uint8))
    rows, columns = np.nonzero((votes == highest) & (votes > 0.05))
    order = np.argsort(-votes[rows, columns], kind="stable")[:count]
    return np.stack([columns[order] - width, rows[order] - height], axis=1)


def _apart(large: Float32, known: Mask, rows: Shifts, columns: Shifts, dx: int, dy: int) -> float:
    height, width = known.shape
    y, x = rows + dy, columns + dx
    inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
    y, x, own = y[inside], x[inside], large[rows[inside], columns[inside]]
    counts = known[y, x]
    if counts.sum() < 20:
        return np.inf
    return float(np.minimum(np.abs(own - large[y, x])[counts], _MOST_APART).mean())
