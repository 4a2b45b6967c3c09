"""SQLite files of the providers, opened one way: private, checked, one writer at a time, usable from any thread."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any

from providers.errors import StoreDamaged, StoreUnwritable

APPLICATION_ID = 0x44_43_75_74  # "DCut"
_BUSY_TIMEOUT_S = 20.0


class Durability(Enum):
    """What a commit survives: a power cut, or the end of the process only."""

    POWER_CUT = "EXTRA"
    CRASH = "NORMAL"


class Database:
    """A connection that threads share; `transaction` takes the write lock at once, so two processes cannot deadlock."""

    def __init__(self, path: Path, schema: str, durability: Durability) -> None:
        """Open or create the file.

        Args:
            path: The file; its folder is created.
            schema: `CREATE TABLE IF NOT EXISTS` statements.
            durability: What a commit survives.

        Raises:
            StoreDamaged: it is no database, another application's, or of a later version.
        """
        self.path = path
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            self._connection = _connected(path, schema, durability)
        except sqlite3.Error as error:
            raise StoreDamaged(f"{path} cannot be opened ({error}); move it away to start with an empty one") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block in one write transaction: all of it, or on any exception nothing.

        Raises:
            StoreUnwritable: the disk is full, or another process holds the file.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.commit()
            except BaseException as error:
                with suppress(sqlite3.Error):
                    self._connection.rollback()
                if not isinstance(error, sqlite3.Error):
                    raise
                failure = str(error)
            else:
                return
        raise StoreUnwritable(f"{self.path} cannot be written ({failure}); make room on the disk and try again")

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Raises:
            StoreDamaged: the file does not read.
        """
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"{self.path} cannot be read ({error})") from error

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _connected(path: Path, schema: str, durability: Durability) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    try:
        # A rollback journal, not WAL: a copy of the one file is then always whole.
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(f"PRAGMA synchronous={durability.value}")
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA mmap_size=0")
        # In one transaction: another process may be making the file right now.
        connection.execute("BEGIN")
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        connection.execute("COMMIT")
        if application not in (0, APPLICATION_ID) or (application == 0 and tables):
            raise sqlite3.DatabaseError("another application's file")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        if connection.execute("SELECT 1 FROM sqlite_master WHERE type NOT IN ('table', 'index')").fetchone():
            raise sqlite3.DatabaseError("triggers or views that do not belong there")
        connection.execute("BEGIN IMMEDIATE")
        for statement in schema.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection
