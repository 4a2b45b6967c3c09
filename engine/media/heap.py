"""Give the memory of a finished decoder or encoder back to the system, so that the next one does not come on top."""

from __future__ import annotations

import ctypes
import gc
import sys


def give_back() -> None:
    """Return what was freed to the system, where the C library keeps it (glibc: malloc_trim(3)); a millisecond or two.

    The frames of a decoder lie in blocks that glibc, once the first of them was freed, no longer gives back by itself.
    """
    # PyAV's frames and their side data name each other: what holds megabytes waits for the collector.
    gc.collect(1)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
