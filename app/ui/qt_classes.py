"""Makes the classes of PySide ahead of their first use, a few at a time.

PySide makes a class when it is first named. When an object of a class that it does not know meets Python, such as
Qt's cache of pixmaps with its timer, half a minute after the start, it looks for it by making all that are left: 80 ms
in one go, in the interface thread, wherever that is just then. Nothing of this is said to whoever uses the classes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6 import QtCore, QtGui, QtSvg, QtWidgets
from PySide6.QtCore import QObject, QTimer, Slot

_SLICE_S = 0.003
_PAUSE_MS = 2


class QtClasses(QObject):
    """Makes them from the event loop, so that no event waits for long; `begin` starts it, and it ends by itself."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._left = each_class()
        self._timer = QTimer(self)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._go_on)

    @property
    def is_done(self) -> bool:
        """Whether all are made, or it was stopped or not begun."""
        return not self._timer.isActive()

    def begin(self) -> None:
        """Begin."""
        self._timer.start()

    def stop(self) -> None:
        """Leave the others until they are needed."""
        self._timer.stop()

    @Slot()
    def _go_on(self) -> None:
        until = time.perf_counter() + _SLICE_S
        for _ in self._left:
            if time.perf_counter() >= until:
                return
        self._timer.stop()


def each_class() -> Iterator[str]:
    """Make one class after the other, and return their names."""
    for module in (QtCore, QtGui, QtWidgets, QtSvg):
        for name in dir(module):
            getattr(module, name)
            yield f"{module.__name__}.{name}"
