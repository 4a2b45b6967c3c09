"""Memory for pictures on the screen, apart from everything else's and used over and over.

Pictures are large, live long and go in another order than they came. In the C library's heap they leave holes that
nothing else fits into, a hundred megabytes after some minutes; asked anew from the system, each page of each picture
costs a fault.
"""

from __future__ import annotations

import mmap
import weakref
from collections import deque
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

_SPARE = 4
"""Unused pieces that are kept: as many as threads and views are about to need."""


class PictureMemory:
    """Gives out arrays, and takes each one's memory back once nobody has it any more; thread-safe."""

    def __init__(self) -> None:
        # No lock, since the interface thread gives back: each step on a deque is whole.
        self._spare: deque[mmap.mmap] = deque()

    def new(self, height: int, width: int) -> NDArray[np.uint8]:
        """Return a picture to be filled, uint8 [height, width, 4], with whatever is in it."""
        size = height * width * 4
        piece = self._taken(size)
        root = np.frombuffer(piece, np.uint8, size)
        # Every view of it, Qt's too, keeps this array alive.
        weakref.finalize(root, self._give_back, piece).atexit = False
        return root.reshape(height, width, 4)

    def clear(self) -> None:
        """Give what is not used back to the system."""
        self._spare.clear()

    def _taken(self, size: int) -> mmap.mmap:
        with suppress(IndexError):
            for _ in range(len(self._spare)):
                piece = self._spare.popleft()
                if len(piece) == size:
                    return piece
                self._spare.append(piece)
        return mmap.mmap(-1, size)

    def _give_back(self, piece: mmap.mmap) -> None:
        # Not closed but let go of: the array that had it is still about to.
        self._spare.append(piece)
        if len(self._spare) > _SPARE:
            with suppress(IndexError):
                self._spare.popleft()
