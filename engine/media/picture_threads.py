"""Keep OpenCV to the calling thread while many threads of ours are at work.

Its pool wakes for every call and spins between them: with a thread per run of frames that costs a third more processor
time and gains nothing. The setting is the whole process's, so it is counted and put back by the last one out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_lock = threading.Lock()
_before: list[int] = []


@contextmanager
def opencv_in_the_calling_thread() -> Iterator[None]:
    """Let OpenCV use no threads of its own inside the `with`; its former number comes back when the last one ends."""
    with _lock:
        _before.append(_before[0] if _before else cv2.getNumThreads())
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _lock:
            former = _before.pop()
            if not _before:
                cv2.setNumThreads(former)
