"""What the tracker sees of a frame: eight bits of luma and, smaller, of colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MotionFrame:
    """A decoded frame, not rotated for display.

    Attributes:
        luma: uint8 [H, W].
        chroma: (Cb, Cr), uint8 [h, w] each, at the film's own subsampling; empty for gray film.
    """

    luma: UInt8
    chroma: tuple[UInt8, ...] = ()

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.luma.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.luma.shape[0])


FrameReader = Callable[[int], MotionFrame]
"""Returns the frame of a number; called from two threads at once when both directions are tracked."""


def eight_bits(plane: NDArray[Any], bit_depth: int) -> UInt8:
    """Return a plane of any depth as uint8, rounded."""
    if bit_depth == 8:
        return np.asarray(plane, np.uint8)
    shift = bit_depth - 8
    return np.asarray(np.minimum((plane + (1 << (shift - 1))) >> shift, 255), np.uint8)
