"""Run one stage of a pipeline ahead of the next, on a thread of its own, with a bound on what waits between them.

Knows nothing of films. The order of items, and so every result, is that of running the stages by turns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import Generic, TypeVar

T = TypeVar("T")


@contextmanager
def ahead(items: Iterable[T], most: int, name: str) -> Iterator[Iterator[T]]:
    """Give the items of an iterable that is run on a thread of its own.

    What the iterable raises is raised where its next item is asked for. At the end of the `with`, asked for or not, the
    thread has ended and has closed the iterable, where that is a generator.

    Args:
        items: used by that thread alone.
        most: how many items may wait to be taken.
        name: of the thread.
    """
    waiting = _Waiting[T](most)
    thread = Thread(target=_run, args=(items, waiting), name=name, daemon=True)
    thread.start()
    try:
        yield waiting.taken()
    finally:
        waiting.close()
        thread.join()


def _run(items: Iterable[T], waiting: _Waiting[T]) -> None:
    try:
        for item in items:
            if not waiting.put(item):
                break
        if isinstance(items, Generator):
            items.close()
    except BaseException as error:  # whatever it is, it belongs to who asks for the next item
        waiting.end(error)
    else:
        waiting.end(None)


class _Waiting(Generic[T]):
    """Items between two threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Add an item when there is room; tell whether anybody still wants it."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._items) < self._most or self._closed)
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def end(self, error: BaseException | None) -> None:
        """Say that no item follows, or why."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def close(self) -> None:
        """Say that no item is wanted any more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def taken(self) -> Iterator[T]:
        """Yield the items as they come."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
