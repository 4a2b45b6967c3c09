"""Gives memory that is no longer used back to the system.

glibc keeps what its threads freed for later use, each thread's apart: with a few threads that make pictures this comes
to two hundred megabytes which nothing here needs. So large planes get memory of their own, which goes back at once, and
the rest is given back when a project closes, a job ends, or many pictures have been made and all is quiet. While it
plays it is kept: a picture of 1080p with three layers takes 6,000 new pages, whose faults are half of its processor
time. Other C libraries do so by themselves.
"""

from __future__ import annotations

import ctypes
import sys

from PySide6.QtCore import QObject, QTimer, Slot

from app.session.document import Document
from app.session.jobs import Jobs
from app.session.preview import Preview
from app.session.transport import Transport
from engine.control import CancelToken, Progress

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""As in glibc's malloc.h."""
_LARGE_BYTES = 512 << 10
"""Less than the colour of a decoded frame in 1080p, so that no plane leaves a hole in the heap when it goes."""
_TRIMMED_BYTES = 128 << 10
"""Glibc's own: so much free memory at the end of a heap goes back."""
_LARGE_PLAYING_BYTES = 32 << 20
"""The most that glibc allows."""
_KEPT_PLAYING_BYTES = 64 << 20
"""As large as a thread's heap can be, so that none is given back."""
_AFTER_MS = 500
"""By then the threads that read from the films have let go of them."""
_REST_MS = 1000
_MANY_PICTURES = 12


class FreedMemory(QObject):
    """Waits for the end of large work, and then tidies up in the background."""

    def __init__(
        self, document: Document, transport: Transport, preview: Preview, jobs: Jobs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._transport = transport
        self._preview = preview
        self._pictures = 0
        self._library = _glibc()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AFTER_MS)
        self._soon.timeout.connect(self._give_back)
        self._rest = QTimer(self)
        self._rest.setInterval(_REST_MS)
        self._rest.timeout.connect(self._look)
        if self._library is not None:
            self._set_limits()
            transport.playing_changed.connect(self._set_limits)
            document.closed.connect(self._wait)
            jobs.ended.connect(self._wait)
            preview.arrived.connect(self._count)
            self._rest.start()

    def shut_down(self) -> None:
        """Tidy up no more; the application is closing."""
        self._soon.stop()
        self._rest.stop()

    @Slot()
    def _set_limits(self) -> None:
        library, playing = self._library, self._transport.is_playing
        assert library is not None
        # Said once, it also keeps glibc from raising the limit to what was last freed.
        library.mallopt(M_MMAP_THRESHOLD, _LARGE_PLAYING_BYTES if playing else _LARGE_BYTES)
        library.mallopt(M_TRIM_THRESHOLD, _KEPT_PLAYING_BYTES if playing else _TRIMMED_BYTES)

    @Slot(object)
    def _count(self, _picture: object) -> None:
        self._pictures += 1

    @Slot()
    def _look(self) -> None:
        """Tidy up between two bursts of work, not in the midst of one."""
        if self._pictures >= _MANY_PICTURES and not self._transport.is_playing and self._preview.is_idle:
            self._wait()

    @Slot()
    def _wait(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _give_back(self) -> None:
        library = self._library
        assert library is not None
        self._pictures = 0

        def work(_progress: Progress, _cancel: CancelToken) -> None:
            library.malloc_trim(ctypes.c_size_t(0))

        self._jobs.start_quietly("Give memory back", work)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library where it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
