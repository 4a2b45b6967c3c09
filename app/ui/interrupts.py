"""Ctrl-C in the terminal that the window was started from: it closes as by its own button."""

from __future__ import annotations

import signal
import socket
from types import FrameType

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, Slot
from PySide6.QtWidgets import QWidget

_HEARD = (signal.SIGINT, signal.SIGTERM)
_AS_SHELLS_SAY = 128
"""A shell adds it to the signal's number for the status of a program that a signal ended."""


class Interrupts(QObject):
    """Closes a window when the process is told to end; `remove` gives signals their former way back.

    Ctrl-C asks, where jobs run, what the window's own button asks; a second one while it asks, and a request to
    terminate, end the event loop at once, so that whoever ran it can stop the jobs cleanly. For the main thread.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._told: list[int] = []
        self._asking = False
        # Python runs its handlers only between its own instructions, and the event loop executes none while it waits:
        # the byte that arrives here wakes it. A socket, since that is what Windows can wait for.
        self._ours, self._signals = socket.socketpair()
        for end in (self._ours, self._signals):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._wake)
        self._former = {number: signal.signal(number, self._note) for number in _HEARD}
        self._former_wakeup = signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)

    def remove(self) -> None:
        """Hear no more."""
        signal.set_wakeup_fd(self._former_wakeup)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        self._ours.close()
        self._signals.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        # It may interrupt anything: what there is to do is left to the event loop.
        self._told.append(number)

    @Slot()
    def _wake(self) -> None:
        try:
            self._ours.recv(64)
        except BlockingIOError:
            return
        told, self._told = self._told, []
        if not told:
            return
        if self._asking or signal.SIGTERM in told:
            QCoreApplication.exit(_AS_SHELLS_SAY + told[-1])
            return
        self._asking = True
        try:
            if self._window.close():
                QCoreApplication.exit(0)
        finally:
            self._asking = False
