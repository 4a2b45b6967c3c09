"""Values that are made once, however many threads ask for them; the least recently used go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """At most `most` values by key; thread-safe. Whoever asks for one that is being made waits for it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._making: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()

    def find(self, key: Key) -> Value | None:
        """Return the value of a key, None where there is none yet."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made now where there is none; what fails is tried again by the next."""
        value = self.find(key)
        if value is not None:
            return value
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            value = self.find(key)
            if value is None:
                value = make()
                self._keep(key, value)
            return value

    def _keep(self, key: Key, value: Value) -> None:
        with self._lock:
            self._values[key] = value
            self._making.pop(key, None)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
