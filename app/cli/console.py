"""How a command talks to a person: progress on stderr, one result on stdout, an exit status.

Decides nothing about the work itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

from engine.control import CancelToken, Progress, ProgressState
from engine.errors import Cancelled, DeltacutError


class Console:
    """The terminal of one command run: where progress goes, and the token that Ctrl-C cancels."""

    def __init__(self, *, json_output: bool) -> None:
        self.json_output = json_output
        self.cancel = CancelToken()
        self.progress = Progress(_TerminalBar() if sys.stderr.isatty() else None)

    def result(self, value: Mapping[str, object], text: str) -> None:
        """Print the result: `value` as one JSON object, or `text` for a person."""
        self.finish()
        print(json.dumps(value, ensure_ascii=False, allow_nan=False) if self.json_output else text, flush=True)

    def say(self, text: str) -> None:
        """Tell a person something beside the result."""
        self.finish()
        print(text, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Clear the progress line."""
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class _TerminalBar:
    """Draws the state as one line, at most ten times a second."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, state: ProgressState) -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1 and state.fraction < 1.0:
            return
        self._drawn = now
        left = "" if state.remaining_s is None else f", {remaining(state.remaining_s)} left"
        line = f"{state.fraction:4.0%} {state.label}{left}"
        width = max(20, _columns() - 1)
        sys.stderr.write("\r\x1b[K" + line[:width])
        sys.stderr.flush()


def remaining(seconds: float) -> str:
    """Return a duration as a person says it: "8 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def run(command: Callable[[Console], int], *, json_output: bool) -> int:
    """Run a command; its errors become one message on stderr and an exit status."""
    console = Console(json_output=json_output)
    with _interruptible(console.cancel):
        try:
            return command(console)
        except Cancelled:
            console.say("Stopped. Nothing was changed.")
            return Cancelled.exit_status
        except DeltacutError as error:
            console.say(f"deltacut: {error}")
            return error.exit_status
        except BrokenPipeError:
            # The reader of stdout went away; keep the interpreter from complaining once more at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1


@contextmanager
def _interruptible(cancel: CancelToken) -> Iterator[None]:
    """Let the first Ctrl-C (or termination request) cancel cleanly, and a second one end at once."""

    def stop(number: int, _frame: FrameType | None) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except OSError:
        return 80
