"""Python's cycle collector, kept in the main thread.

A collection runs in whatever thread allocates; one in a worker would destroy widgets and pixmaps there, which Qt allows
in the main thread only.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

_EVERY_MS = 500
_FULL_EVERY = 60
"""A full collection for so many small ones at least: it looks at everything that lives, and may take 70 ms."""
_LONGEST_PUT_OFF = 20
"""So many times a full collection is put off at most."""


class MainThreadCollector(QObject):
    """Collects from the event loop while it lives; `stop` gives Python's own way back.

    Args:
        in_motion: tells whether pictures play, which a full collection would hold up.
    """

    def __init__(self, in_motion: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._in_motion = in_motion
        self._was_on = gc.isenabled()
        self._turns = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._collect)
        self._timer.start()
        gc.disable()

    def stop(self) -> None:
        """Collect no more."""
        self._timer.stop()
        if self._was_on:
            gc.enable()

    @Slot()
    def _collect(self) -> None:
        self._turns += 1
        young, middle, _ = gc.get_count()
        first, second, _ = gc.get_threshold()
        due = self._turns // _FULL_EVERY
        if due and (due > _LONGEST_PUT_OFF or not self._in_motion()):
            self._turns = 0
            gc.collect()
        elif middle > second:
            gc.collect(1)
        elif young > first:
            gc.collect(0)
