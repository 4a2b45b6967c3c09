"""Bring what is still readable of a damaged project into a new one."""

from __future__ import annotations

from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.store.recover import Recovered, recover


def recover_project(path: Path, into: Path, _progress: Progress, cancel: CancelToken) -> Recovered:
    """Read a damaged project and make a new one of what it still says; the damaged file stays as it is.

    Raises:
        UsageError: there is a file at `into` already.
        ProjectError: there is no project at `path`, or not even one state of it is readable.
        StorageError: the new one cannot be written.
    """
    if into.exists():
        raise UsageError(f"{into} exists already; choose another name for the new project")
    cancel.check()
    return recover(path, into)
