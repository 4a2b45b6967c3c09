"""First contact with a stranger's file, in a child process with limits and a watchdog.

A decoder that crashes, hangs or eats memory costs one error message, not the session. It guards against accidents, not
against an attacker who takes over the child. What goes in and out is pickled: functions of modules, values, errors.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar, cast

from engine.control import CancelToken, Progress, ProgressState
from engine.errors import DamagedMedia

R = TypeVar("R")

MEMORY_LIMIT_BYTES = 3 << 30
"""What a child may take beyond what it starts with; 8K frames of a deep codec need half of it."""

_POLL_S = 0.05
_REPORT_EVERY_S = 0.05


def run_guarded(function: Callable[..., R], path: Path, *args: object, timeout_s: float) -> R:
    """Return `function(path, *args)`, run in a child process.

    Args:
        function: of a module.
        path: the file it is about.
        args: picklable values.
        timeout_s: how long it may take.

    Raises:
        DamagedMedia: it crashed, took too long or too much memory.
        Exception: what it raised.
    """
    return cast(R, _result(path, _Call(function, (path, *args)), timeout_s, Progress(), CancelToken()))


def run_guarded_task(
    function: Callable[..., R], path: Path, *args: object, stall_s: float, progress: Progress, cancel: CancelToken
) -> R:
    """Return `function(path, *args, progress, cancel)`, run in a child process that reports its progress.

    Args:
        function: of a module; takes a Progress and a CancelToken as its last two arguments.
        path: the file it is about.
        args: picklable values.
        stall_s: how long it may take from one report to the next.
        progress: gets the child's reports.
        cancel: ends the child at once.

    Raises:
        Cancelled: on request.
        DamagedMedia: it crashed, hung or took too much memory.
        Exception: what it raised.
    """
    return cast(R, _result(path, _Task(function, (path, *args)), stall_s, progress, cancel))


@dataclass(frozen=True, slots=True)
class _Call:
    """Work that only has a result."""

    function: Callable[..., object]
    args: tuple[object, ...]

    def run(self, sender: Connection) -> object:
        return self.function(*self.args)


@dataclass(frozen=True, slots=True)
class _Task:
    """Work that tells how far it is."""

    function: Callable[..., object]
    args: tuple[object, ...]

    def run(self, sender: Connection) -> object:
        last = 0.0

        def report(state: ProgressState) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last > _REPORT_EVERY_S:
                last = now
                sender.send(_Report(state.label, state.fraction))

        return self.function(*self.args, Progress(report), CancelToken())


@dataclass(frozen=True, slots=True)
class _Report:
    label: str
    fraction: float


@dataclass(frozen=True, slots=True)
class _Returned:
    value: object


@dataclass(frozen=True, slots=True)
class _Raised:
    error: BaseException


def _result(path: Path, job: _Call | _Task, silence_s: float, progress: Progress, cancel: CancelToken) -> object:
    context = multiprocessing.get_context("fork") if _may_fork() else multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(sender, job), daemon=True)
    with receiver:
        child.start()
        sender.close()  # the child's end alone keeps the pipe open, so its death ends it
        try:
            answer = _answer(path, receiver, silence_s, progress, cancel)
        finally:
            child.kill()
            child.join()
    match answer:
        case _Returned(value):
            return value
        case _Raised(MemoryError() as error):
            limit = MEMORY_LIMIT_BYTES >> 30
            raise DamagedMedia(
                f"{path} needs over {limit} GB of memory to read; it is damaged or not a film"
            ) from error
        case _Raised(error):
            raise error
        case None:
            how = _end_of(child.exitcode)
            raise DamagedMedia(f"{path} makes the decoder crash ({how}); it is damaged: try another copy")


def _answer(
    path: Path, receiver: Connection, silence_s: float, progress: Progress, cancel: CancelToken
) -> _Returned | _Raised | None:
    """Return what the child says at its end; None where it ends without a word."""
    deadline = time.monotonic() + silence_s
    while True:
        cancel.check()
        if not receiver.poll(_POLL_S):
            if time.monotonic() > deadline:
                raise DamagedMedia(
                    f"{path} makes the decoder hang (over {silence_s:g} s); it is damaged: try another copy"
                )
            continue
        try:
            message = receiver.recv()
        except (EOFError, OSError):
            return None
        if not isinstance(message, _Report):
            return message if isinstance(message, _Returned | _Raised) else None
        deadline = time.monotonic() + silence_s
        progress.report(message.label, message.fraction)


def _may_fork() -> bool:
    """Tell whether a fork is safe: another thread might hold a lock that the child would wait for without end.

    A fork takes milliseconds, a fresh interpreter half a second.
    """
    alone = threading.active_count() == 1 and "PySide6.QtCore" not in sys.modules
    return sys.platform == "linux" and alone


def _child(sender: Connection, job: _Call | _Task) -> None:
    faulthandler.disable()  # a crash is told by the parent, once
    _limit_resources()
    # Ctrl-C goes to the whole group; the parent decides what it means and ends the child.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer: _Returned | _Raised
    try:
        answer = _Returned(job.run(sender))
    except BaseException as error:
        answer = _Raised(error)
    try:
        sender.send(answer)
    except Exception as error:  # what cannot be pickled is told in words
        sender.send(_Raised(RuntimeError(f"{answer!r} cannot be handed over ({error})")))


def _limit_resources() -> None:
    """Limit memory, and forbid core dumps and writing files, where the platform can."""
    if sys.platform == "win32":
        return
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)]
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits.append((resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY_LIMIT_BYTES))
    for kind, value in limits:
        with contextlib.suppress(OSError, ValueError):
            _, hard = resource.getrlimit(kind)
            within = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (within, hard))


def _end_of(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exitcode).name
    return f"exit code {exitcode}"
