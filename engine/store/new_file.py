"""Making a file that is whole or not there: written beside its place, made durable, then given its name."""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import NoSpace, StorageError, UsageError


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, and put the file in its place when the block ends well; never over another file.

    Raises:
        UsageError: something is there already. StorageError, NoSpace: it cannot be written; nothing stays.
    """
    if os.path.lexists(path):
        raise _exists(path)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        yield draft
        _put_in_place(draft, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise NoSpace(f"there is no space left to write {path}; free some and try again") from error
        raise StorageError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def copy_database(connection: sqlite3.Connection, path: Path) -> None:
    """Write a compact, consistent copy of an open database; nothing may be there yet.

    Raises:
        UsageError, StorageError, NoSpace: as `new_file`.
    """
    with new_file(path) as draft:
        connection.execute("VACUUM INTO ?", (str(draft),))
        _sync(draft)


def _put_in_place(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError:  # A file system without hard links.
        if os.path.lexists(path):
            raise _exists(path) from None
        os.replace(draft, path)
    if os.name == "posix":
        _sync(path.absolute().parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists already; choose another name, or open it")
