"""How long work tells how far it is, and how it is told to stop.

Nothing here starts threads or knows who listens.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.errors import Cancelled


@dataclass(frozen=True, slots=True)
class ProgressState:
    """A moment of a task: what it does, its share done (0 to 1) and the seconds it still needs, if known."""

    label: str
    fraction: float
    remaining_s: float | None


class Progress:
    """Report the progress of a task to a listener; a part of the task gets a part of the bar.

    Thread-safe: several workers may report on their own parts of the same task.
    """

    def __init__(self, listener: Callable[[ProgressState], None] | None = None) -> None:
        self._listener = listener
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def report(self, label: str, fraction: float) -> None:
        """Say that the task is at `fraction` (0 to 1) and doing `label`."""
        if self._listener is None:
            return
        fraction = min(1.0, max(0.0, fraction))
        elapsed = time.monotonic() - self._started
        remaining = elapsed * (1.0 - fraction) / fraction if fraction > 0.01 and elapsed > 0.5 else None
        with self._lock:
            self._listener(ProgressState(label, fraction, remaining))

    def part(self, start: float, stop: float) -> Progress:
        """Return a Progress whose 0 to 1 is this one's `start` to `stop`."""
        return _PartProgress(self, start, stop)

    def shares(self, *weights: float) -> tuple[Progress, ...]:
        """Return one Progress for each part of a task whose parts run at the same time; `weights` add up to 1."""
        done = _Shares(self, weights)
        return tuple(_ShareProgress(done, n) for n in range(len(weights)))


class _Shares:
    """What the parts of a task that run at the same time have done."""

    def __init__(self, whole: Progress, weights: Sequence[float]) -> None:
        self._whole = whole
        self._weights = weights
        self._done = [0.0] * len(weights)

    def report(self, n: int, label: str, fraction: float) -> None:
        self._done[n] = min(1.0, max(0.0, fraction))
        self._whole.report(label, sum(w * done for w, done in zip(self._weights, self._done, strict=True)))


class _ShareProgress(Progress):
    def __init__(self, shares: _Shares, n: int) -> None:
        super().__init__(None)
        self._shares = shares
        self._n = n

    def report(self, label: str, fraction: float) -> None:
        self._shares.report(self._n, label, fraction)


class _PartProgress(Progress):
    def __init__(self, whole: Progress, start: float, stop: float) -> None:
        super().__init__(None)
        self._whole = whole
        self._start = start
        self._stop = stop

    def report(self, label: str, fraction: float) -> None:
        fraction = min(1.0, max(0.0, fraction))
        self._whole.report(label, self._start + fraction * (self._stop - self._start))


class CancelToken:
    """A flag that long work looks at between its steps."""

    def __init__(self, parent: CancelToken | None = None) -> None:
        self._event = threading.Event()
        self._parent = parent

    def child(self) -> CancelToken:
        """Return a token for a part of the work, which is cancelled with all of it or alone."""
        return CancelToken(self)

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._event.is_set() or (self._parent is not None and self._parent.cancelled)

    def check(self) -> None:
        """Raise Cancelled if the work was asked to stop."""
        if self.cancelled:
            raise Cancelled("stopped on request")
