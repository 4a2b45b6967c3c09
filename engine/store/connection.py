"""Opening SQLite so that a file can neither be lost by us nor harm us, and turning its errors into ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from urllib.parse import quote

from engine.errors import NoSpace, ProjectBusy, ProjectDamaged, ProjectError, StorageError
from engine.store.schema import WAY_OUT

BUSY_TIMEOUT_S = 5.0
OPENING_LIMIT_S = 60.0
VALUE_LIMIT = 64 << 20
"""Bytes of the largest value; a file that claims a larger one is not ours (takes are kept in chunks)."""


class Access(Enum):
    """What a file is opened for."""

    WRITE = "write"
    READ = "read"


def connect(path: Path, access: Access) -> sqlite3.Connection:
    """Open an existing file with every guard on, before its schema is read.

    The rollback journal (not WAL) keeps the project in one file at every moment; synchronous=EXTRA also makes the
    journal's removal durable, so that an acknowledged edit survives a power cut.

    Raises:
        sqlite3.Error: call it inside `translated`.
    """
    # Readers too may have to roll back what a crash left; SQLite itself falls back where the file is write-protected.
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        guard(connection)
        if access is Access.WRITE:
            if connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0] != "delete":
                raise sqlite3.OperationalError("its journal mode cannot be set")
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("PRAGMA fullfsync = ON")
        else:
            connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def guard(connection: sqlite3.Connection) -> None:
    """Take from a fresh connection whatever a crafted file could use."""
    limits = {
        sqlite3.SQLITE_LIMIT_LENGTH: VALUE_LIMIT,
        sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
        sqlite3.SQLITE_LIMIT_COLUMN: 100,
        sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
        sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 10,
        sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
        sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 8,
        sqlite3.SQLITE_LIMIT_ATTACHED: 1,
        sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    }
    for limit, value in limits.items():
        connection.setlimit(limit, value)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA temp_store = MEMORY")


@contextmanager
def time_limit(connection: sqlite3.Connection, seconds: float) -> Iterator[None]:
    """Stop whatever a crafted file makes SQLite do after some seconds."""
    end = time.monotonic() + seconds
    connection.set_progress_handler(lambda: 1 if time.monotonic() > end else 0, 10_000)
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction that is a writer's from its beginning."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite may have rolled back by itself (a full disk does that).
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors on a project file into ours."""
    try:
        yield
    except sqlite3.Error as error:
        raise _ours(error, path) from error
    except (UnicodeError, OverflowError) as error:
        raise ProjectDamaged(f"{path} holds text or numbers that no project holds: {error}") from error


def _ours(error: sqlite3.Error, path: Path) -> StorageError | ProjectError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = -1 if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return NoSpace(f"there is no space left to write {path}; nothing was lost, free some space and try again")
    if code in _WRITE_FAILURES:
        return NoSpace(
            f"{path} could not be written: the disk or a size limit refuses ({error}); nothing was lost, free some"
            " space and try again"
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return ProjectBusy(f"{path} is being written by another program; try again when it is done")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StorageError(
            f"{path} cannot be opened for this ({error}); look at the rights of the file and its folder"
        )
    if primary == sqlite3.SQLITE_IOERR and code not in _READ_FAILURES:
        return StorageError(f"the disk failed while {path} was used: {error}")
    if primary == sqlite3.SQLITE_INTERRUPT:
        return ProjectDamaged(f"{path} takes too long to be checked; it is damaged or was made to do harm")
    return ProjectDamaged(f"{path} is damaged or no project ({error}); {WAY_OUT}")


_WRITE_FAILURES = {
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
}
_READ_FAILURES = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
