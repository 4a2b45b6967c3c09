"""Keep the memory of decoders and encoders small: few heaps, and what a finished one held goes back to the system.

glibc gives each thread a heap of its own, and keeps what is freed there for its next frames. Elsewhere nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""

_HEAPS = 2

_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of malloc.h."""

_LARGE_BYTES = 1 << 20

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


def return_large_blocks() -> None:
    """Have each picture that is freed go back to the system at once: 10 MB less for an export, in the same time.

    Else glibc keeps them for the next ones, which is what a program wants that shows pictures all day.
    """
    if _libc is not None and hasattr(_libc, "mallopt"):
        _libc.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)


share_heaps()
