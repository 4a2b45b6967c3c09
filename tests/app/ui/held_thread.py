"""Watches the interface thread event by event: what each computes, and whether it touches files or decoders.

For a process of its own, since the application object has to be ours. Computing time is judged, not the clock's: a busy
machine takes the processor away, which is no fault of an event. What would wait for a disk or a decoder is found by
looking at the calls themselves, however quick they were this time.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

FORBIDDEN = ("sqlite3.connect", "subprocess.Popen", "socket.connect", "time.sleep", "shutil.copyfile")
"""Audit events that wait for something, wherever they point."""


@dataclass(slots=True)
class Held:
    """One event: its computing time and the clock's, without what event loops inside it ran, in ms."""

    cpu_ms: float
    wall_ms: float
    what: str
    where: str
    step: str


@dataclass
class Watch:
    """What was seen.

    Attributes:
        files: only opening files below these folders counts as waiting; our own resources are small and at hand.
        step: what the story is at. is_on: whether it looks.
        cpu_ms: the computing time of every event, by step. events: those over a millisecond.
        calls: what waited: where, in which step, by what stack.
        yardsticks_ms: what the same piece of work took between the steps.
    """

    files: tuple[Path, ...]
    step: str = ""
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    events: list[Held] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    yardsticks_ms: list[float] = field(default_factory=list)
    is_on: bool = False


YARDSTICK_MS = 10.5
"""What `yardstick_ms` gives on the machine for which the limit is meant: a core of 2.6 GHz that nobody shares."""


def yardstick_ms() -> float:
    """Return the computing time of a fixed piece of work: what a processor gives changes with who else has it."""
    began, total = time.thread_time(), 0
    for number in range(200_000):
        total += number * number % 7
    return 1000 * (time.thread_time() - began)


class WatchedApplication(QApplication):
    """Times every event that is not part of another one."""

    def __init__(self, watch: Watch) -> None:
        super().__init__([])
        self._watch = watch
        self._depth = 0

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if self._depth or not self._watch.is_on or threading.current_thread() is not threading.main_thread():
            return super().notify(receiver, event)
        what, where = event.type().name, f"{type(receiver).__name__} {receiver.objectName()}".strip()
        self._depth += 1
        wall, cpu = time.perf_counter(), time.thread_time()
        try:
            return super().notify(receiver, event)
        finally:
            cpu, wall = 1000 * (time.thread_time() - cpu), 1000 * (time.perf_counter() - wall)
            self._depth -= 1
            self._watch.cpu_ms.setdefault(self._watch.step, []).append(cpu)
            if cpu > 1.0:
                self._watch.events.append(Held(cpu, wall, what, where, self._watch.step))


def watch_calls(watch: Watch) -> None:
    """Note every call in the main thread that may wait; for the rest of the process."""
    main = threading.get_ident()

    def note(what: str) -> None:
        stack = "".join(traceback.format_stack(sys._getframe(2))[-6:])
        watch.calls.append((what, watch.step, stack))

    def audit(event: str, given: tuple[Any, ...]) -> None:
        if not watch.is_on or threading.get_ident() != main:
            return
        if event in FORBIDDEN:
            note(event)
        elif event == "open" and isinstance(given[0], str):
            path = Path(given[0]).absolute()
            if any(path.is_relative_to(folder) for folder in watch.files):
                note(f"open {path.name}")

    sys.addaudithook(audit)

    class Connection(sqlite3.Connection):
        def execute(self, *given: Any) -> sqlite3.Cursor:
            if watch.is_on and threading.get_ident() == main:
                note(f"sqlite3 {str(given[0])[:60]}")
            return super().execute(*given)

        def commit(self) -> None:
            if watch.is_on and threading.get_ident() == main:
                note("sqlite3 commit")
            super().commit()

    connect = sqlite3.connect

    def connected(*given: Any, **more: Any) -> sqlite3.Connection:
        return connect(*given, **{"factory": Connection, **more})

    sqlite3.connect = connected


def guard(watch: Watch, owner: type, name: str) -> None:
    """Note every call of a method in the main thread."""
    main, method = threading.get_ident(), getattr(owner, name)

    def guarded(*given: Any, **more: Any) -> Any:
        if watch.is_on and threading.get_ident() == main:
            watch.calls.append((f"{owner.__name__}.{name}", watch.step, "".join(traceback.format_stack()[-6:])))
        return method(*given, **more)

    setattr(owner, name, guarded)


def wait(app: QApplication, done: Callable[[], bool], most_s: float = 120.0) -> None:
    """Run the event loop until something is so; outside of any event, so that it is nobody's time."""
    began = time.monotonic()
    while not done():
        if time.monotonic() - began > most_s:
            raise TimeoutError(f"not within {most_s} s")
        app.processEvents()
        time.sleep(0.002)
