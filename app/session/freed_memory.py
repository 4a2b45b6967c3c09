"""Gives memory that is no longer used back to the system when a project closes or a job ends.

The C library keeps what its threads freed for later use, each thread's apart: after a few films that is a hundred
megabytes which nothing here needs (measured with glibc's mallinfo2 and malloc_trim).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

from app.session.document import Document
from app.session.jobs import Jobs
from engine.control import CancelToken, Progress

_AFTER_MS = 500
"""By then the threads that read from the films have let go of them."""


class FreedMemory(QObject):
    """Waits for the end of large work, and then tidies up in the background."""

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._give_back = _of_this_system()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AFTER_MS)
        self._soon.timeout.connect(self._start)
        document.closed.connect(self._wait)
        jobs.ended.connect(self._wait)

    @Slot()
    def _wait(self) -> None:
        if self._give_back is not None and not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _start(self) -> None:
        give_back = self._give_back
        assert give_back is not None

        def work(_progress: Progress, _cancel: CancelToken) -> None:
            give_back()

        self._jobs.start_quietly("Give memory back", work)


def _of_this_system() -> Callable[[], None] | None:
    """Return glibc's malloc_trim; None where the C library is another one, which gives memory back by itself."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except AttributeError:
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int

    def give_back() -> None:
        trim(0)

    return give_back
