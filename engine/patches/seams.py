"""Join pieces that were copied from different places, so that no seam is seen between them or around them.

Gradient-domain blending: Perez, Gangnet, Blake, "Poisson image editing" (2003).
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.motion.frame import Float32

_MOST_STEPS = 600
_GOOD_ENOUGH = 1e-6
_NEXT = (
    ((slice(None), slice(0, -1)), (slice(None), slice(1, None))),
    ((slice(0, -1), slice(None)), (slice(1, None), slice(None))),
)
"""Each pixel but the last of its line, and the one after it; across and down."""
_NEIGHBOURS = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32)


def joined(values: Float32, missing: NDArray[np.bool_], pieces: Iterable[Float32], chosen: NDArray[np.intp]) -> Float32:
    """Return values with the missing ones taken from pieces, levelled so that their gradients meet.

    Args:
        values: float32 [h, w].
        missing: [h, w].
        pieces: float32 [h, w] each, what each would put everywhere; one at a time, since there may be many large ones.
        chosen: [h, w], which piece it is where values are missing; valid everywhere.
    """
    if not missing.any():
        return values
    pasted = values.astype(np.float32)
    # What the piece of a pixel has at the next one, and what the piece of the next one has at the pixel; both ways.
    ahead = [np.zeros_like(pasted[here]) for here, _ in _NEXT]
    back = [np.zeros_like(pasted[here]) for here, _ in _NEXT]
    for number, piece in enumerate(pieces):
        its = chosen == number
        np.copyto(pasted, piece, where=its & missing)
        for axis, (here, there) in enumerate(_NEXT):
            np.copyto(ahead[axis], piece[there], where=its[here])
            np.copyto(back[axis], piece[here], where=its[there])
    excess = np.zeros_like(pasted)
    for axis, (here, there) in enumerate(_NEXT):
        # The step from one pixel to the next as either piece has it; where only one is missing, as that one has it.
        as_here, as_there = ahead[axis] - pasted[here], pasted[there] - back[axis]
        meet = missing[here] & missing[there]
        wanted = np.where(meet, (as_here + as_there) / 2, np.where(missing[here], as_here, as_there))
        over = np.where(missing[here] | missing[there], pasted[there] - pasted[here] - wanted, 0)
        excess[here] += over
        excess[there] -= over
    return np.where(missing, pasted + _level(excess, missing), values).astype(np.float32)


def _level(excess: Float32, missing: NDArray[np.bool_]) -> Float32:
    """Solve the Poisson equation inside what is missing by conjugate gradients: nought around, free at a border."""
    inside = missing.astype(np.float32)
    degree = np.full(inside.shape, 4, np.float32)
    for edge in (degree[0], degree[-1], degree[:, 0], degree[:, -1]):
        edge -= 1

    def applied(level: Float32) -> Float32:
        around = cv2.filter2D(level, -1, _NEIGHBOURS, borderType=cv2.BORDER_CONSTANT)
        return np.asarray((degree * level - around) * inside, np.float32)

    level = np.zeros_like(inside)
    rest = excess * inside
    way = rest.copy()
    error = first = float(np.square(rest).sum())
    for _ in range(_MOST_STEPS):
        if error <= _GOOD_ENOUGH * first or error == 0:
            break
        changed = applied(way)
        along = float((way * changed).sum())
        if along <= 0:
            break
        step = np.float32(error / along)
        level += step * way
        rest -= step * changed
        before, error = error, float(np.square(rest).sum())
        way = rest + np.float32(error / before) * way
    return level
