"""Keep the memory of decoders and encoders small: few heaps, and what a finished one held goes back to the system.

glibc gives each thread a heap of its own, and keeps what is freed there for its next frames. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""

_HEAPS = 2

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of malloc.h."""

_LARGE_BYTES = 1 << 20
_MOST_BYTES = 32 << 20
"""The most that glibc allows (DEFAULT_MMAP_THRESHOLD_MAX on 64 bits)."""

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def give_back() -> None:
    """Return what was freed to the system (malloc_trim(3)); takes a millisecond or two."""
    # PyAV's frames and their side data name each other: what holds megabytes waits for the collector. Whoever keeps the
    # collector out of worker threads (a window's objects may go in the main one only) has it run where it may.
    if gc.isenabled():
        gc.collect(1)
    if _libc is not None and hasattr(_libc, "malloc_trim"):
        _libc.malloc_trim(0)


def share_heaps() -> None:
    """Let all threads share two heaps (mallopt(3)): 20 MB less for an export of 1080p, in the same time."""
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(_ARENA_MAX, _HEAPS)


class LargeBlocks:
    """What becomes of the memory of large pictures and tables when they are freed, in the whole process.

    As long as nothing is said, glibc decides. A program that works through a film once says `return_while_encoding`;
    one that shows pictures all day has a way of its own.
    """

    def __init__(self) -> None:
        self._returned = False

    def return_while_encoding(self) -> None:
        """Have each large block that is freed while frames are encoded go back to the system at once.

        10 MB less for an export, in the same time. At other times the pages are used again: the tables of two hours
        take twice as long in new ones.
        """
        self._returned = True

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Say that frames are encoded inside."""
        if not self._returned:
            yield
            return
        _set_mmap_threshold(_LARGE_BYTES)
        try:
            yield
        finally:
            _set_mmap_threshold(_MOST_BYTES)


def _set_mmap_threshold(size: int) -> None:
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, size)


large_blocks = LargeBlocks()

share_heaps()
