"""Ask the person from a worker: the question shows in the main thread, the worker waits for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from engine.errors import Cancelled

Answer = TypeVar("Answer")


class MainThread(QObject):
    """Runs functions in the main thread for workers that wait for what they return."""

    _asked = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Guards the two below: a question stands here from before its event is sent until its answer is given, so that
        # closing lets go whoever waits for an event that the main thread will not come to.
        self._lock = threading.Lock()
        self._open: set[Future[Any]] = set()
        self._closed = False
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def call(self, question: Callable[[], Answer]) -> Answer:
        """Return what a function returns in the main thread.

        Raises:
            Cancelled: the application is closing.
        """
        if QThread.currentThread() is self.thread():
            return question()
        future: Future[Answer] = Future()
        with self._lock:
            if self._closed:
                raise Cancelled("stopped on request")
            self._open.add(future)
        self._asked.emit(question, future)
        try:
            return future.result()
        finally:
            with self._lock:
                self._open.discard(future)

    @property
    def is_waited_for(self) -> bool:
        """Whether a worker waits for an answer."""
        with self._lock:
            return bool(self._open)

    def close(self) -> None:
        """Let all workers that wait go, as cancelled; the main thread is about to wait for them."""
        with self._lock:
            self._closed = True
            waiting = list(self._open)
        for future in waiting:
            if not future.done():
                future.set_exception(Cancelled("stopped on request"))

    @Slot(object, object)
    def _answer(self, question: Callable[[], Any], future: Future[Any]) -> None:
        if future.done():  # closed meanwhile: nobody waits for the answer
            return
        try:
            answer = question()
        except BaseException as error:  # goes to the worker that asked
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(answer)
