"""Ask the person from a worker: the question shows in the main thread, the worker waits for the answer."""

from __future__ import annotations

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
        self._open: list[Future[Any]] = []
        self._closed = False
        self._asked.connect(self._answer, Qt.ConnectionType.QueuedConnection)

    def call(self, question: Callable[[], Answer]) -> Answer:
        """Return what a function returns in the main thread.

        Raises:
            Cancelled: the application is closing.
        """
        if QThread.currentThread() is self.thread():
            return question()
        if self._closed:
            raise Cancelled("stopped on request")
        future: Future[Answer] = Future()
        self._asked.emit(question, future)
        return future.result()

    def close(self) -> None:
        """Let all workers that wait go, as cancelled; the main thread is about to wait for them."""
        self._closed = True
        for future in self._open:
            if not future.done():
                future.set_exception(Cancelled("stopped on request"))

    @Slot(object, object)
    def _answer(self, question: Callable[[], Any], future: Future[Any]) -> None:
        self._open.append(future)
        try:
            if self._closed:
                raise Cancelled("stopped on request")
            answer = question()
        except BaseException as error:  # goes to the worker that asked
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(answer)
        finally:
            self._open.remove(future)
