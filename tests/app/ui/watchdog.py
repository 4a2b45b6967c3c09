"""Watches the interface thread: how long each turn of its event loop keeps it busy."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, Qt, QTimer, Slot

BEAT_MS = 5


class Watchdog(QObject):
    """Beats in the interface thread and notes, from one beat to the next, what it computed meanwhile.

    Computing time is counted, not the clock's: a busy machine takes the processor away, which is no fault of an event.

    Attributes:
        busy_ms: computing time between beats. worst: the stack during the longest one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.busy_ms: list[float] = []
        self.worst = ""
        self._worst_ms = 0.0
        self._thread = threading.get_ident()
        self._last_cpu = time.thread_time()
        self._last_clock = time.monotonic()
        self._stack = ""
        self._ended = threading.Event()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._beat)
        self._sampler = threading.Thread(target=self._sample, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._last_cpu = time.thread_time()
        self._timer.start()
        self._sampler.start()

    def stop(self) -> None:
        """End."""
        self._beat()
        self._timer.stop()
        self._ended.set()
        self._sampler.join()

    @property
    def longest_ms(self) -> float:
        """Return the longest turn."""
        return max(self.busy_ms, default=0.0)

    def share_ms(self, share: float) -> float:
        """Return the turn that `share` of all do not exceed."""
        ordered = sorted(self.busy_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    @Slot()
    def _beat(self) -> None:
        cpu = time.thread_time()
        busy = (cpu - self._last_cpu) * 1000
        self._last_cpu, self._last_clock = cpu, time.monotonic()
        self.busy_ms.append(busy)
        if busy > self._worst_ms:
            self._worst_ms, self.worst = busy, self._stack
        self._stack = ""

    def _sample(self) -> None:
        while not self._ended.wait(0.01):
            if time.monotonic() - self._last_clock > 0.03:
                frame = sys._current_frames().get(self._thread)
                if frame is not None:
                    self._stack = "".join(traceback.format_stack(frame)[-12:])


@contextmanager
def watched() -> Iterator[Watchdog]:
    """Watch the interface thread for a block."""
    dog = Watchdog()
    dog.start()
    try:
        yield dog
    finally:
        dog.stop()
