"""The cache of one project: whatever can be made again, kept under the hash of what it was made from.

It may be deleted, damaged or unwritable at any moment: the answer is then a miss, never an error. There is no
invalidation: new inputs have a new key. Keys and values are the callers' business.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import threading
import time
from pathlib import Path
from typing import Self

_VERSION = 1
_TOUCH_AFTER_S = 60.0
"""An entry's time of use is only written when it is older than this, so that reading stays reading."""

_SHRINK_AT = 0.25
"""Free pages, as a share of the file, at which some are given back to the disk."""

_SCHEMA = """
CREATE TABLE entries (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, used REAL NOT NULL,
    digest BLOB NOT NULL, UNIQUE (kind, key));
CREATE INDEX by_use ON entries (used);
CREATE TABLE contents (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE total (bytes INTEGER NOT NULL);
INSERT INTO total VALUES (0);
"""


def cache_path(folder: Path, project_id: str) -> Path:
    """Return where a project's cache lies in the user's cache folder; whatever the id is, it stays in there."""
    plain = re.fullmatch(r"[0-9A-Za-z_-]{1,64}", project_id, re.ASCII) is not None
    name = project_id if plain else hashlib.blake2b(project_id.encode(errors="replace"), digest_size=16).hexdigest()
    return folder / f"{name}.sqlite"


class Cache:
    """Bytes by kind and key, at most `max_bytes` of them; the least recently used go first.

    Safe to use from several threads and processes at once, and across a fork.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._opened_as: tuple[int, int, int] | None = None

    def get(self, kind: str, key: str) -> bytes | None:
        """Return what was put, or None: never there, gone, or not readable."""
        with self._lock:
            try:
                return self._read(self._open(), kind, key)
            except (sqlite3.Error, OSError) as error:
                self._recover(error)
                return None

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep bytes; they may be gone at the next moment."""
        if len(data) > self._max_bytes:
            return
        with self._lock:
            for _ in range(2):
                try:
                    self._write(self._open(), kind, key, data)
                    return
                except (sqlite3.Error, OSError) as error:
                    if not self._recover(error):
                        return

    @property
    def size(self) -> int:
        """Return the bytes kept, 0 where that cannot be told."""
        with self._lock:
            try:
                return int(self._open().execute("SELECT bytes FROM total").fetchone()[0])
            except (sqlite3.Error, OSError, TypeError, ValueError):
                return 0

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self.close()
            self._delete()

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            connection, self._connection = self._connection, None
            # After a fork the parent's connection must be left alone: closing it would drop the parent's locks.
            if connection is not None and self._opened_as is not None and self._opened_as[0] == os.getpid():
                with contextlib.suppress(sqlite3.Error):
                    connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- inside the lock ----------------------------------------------------------------------------------------------

    def _read(self, connection: sqlite3.Connection, kind: str, key: str) -> bytes | None:
        row = connection.execute(
            "SELECT id, used, digest, data FROM entries JOIN contents USING (id) WHERE kind = ? AND key = ?",
            (kind, key),
        ).fetchone()
        if row is None:
            return None
        id, used, digest, data = row
        if not isinstance(data, bytes) or digest != _digest(kind, key, data):
            raise sqlite3.DatabaseError("an entry fails its digest")
        now = time.time()
        if not isinstance(used, float) or abs(now - used) > _TOUCH_AFTER_S:
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("UPDATE entries SET used = ? WHERE id = ?", (now, id))
        return data

    def _write(self, connection: sqlite3.Connection, kind: str, key: str, data: bytes) -> None:
        digest = _digest(kind, key, data)
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._drop(connection, "kind = ? AND key = ?", (kind, key))
            self._make_room(connection, len(data))
            cursor = connection.execute(
                "INSERT INTO entries (kind, key, size, used, digest) VALUES (?, ?, ?, ?, ?)",
                (kind, key, len(data), time.time(), digest),
            )
            connection.execute("INSERT INTO contents VALUES (?, ?)", (cursor.lastrowid, data))
            connection.execute("UPDATE total SET bytes = bytes + ?", (len(data),))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self._shrink(connection)

    def _make_room(self, connection: sqlite3.Connection, needed: int) -> None:
        while connection.execute("SELECT bytes FROM total").fetchone()[0] + needed > self._max_bytes:
            oldest = connection.execute("SELECT id FROM entries ORDER BY used LIMIT 16").fetchall()
            if not oldest:
                return
            for (id,) in oldest:
                self._drop(connection, "id = ?", (id,))
                if connection.execute("SELECT bytes FROM total").fetchone()[0] + needed <= self._max_bytes:
                    return

    def _drop(self, connection: sqlite3.Connection, where: str, values: tuple[object, ...]) -> None:
        row = connection.execute(f"SELECT id, size FROM entries WHERE {where}", values).fetchone()
        if row is None:
            return
        connection.execute("DELETE FROM contents WHERE id = ?", (row[0],))
        connection.execute("DELETE FROM entries WHERE id = ?", (row[0],))
        connection.execute("UPDATE total SET bytes = bytes - ?", (row[1],))

    def _shrink(self, connection: sqlite3.Connection) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free > 1024 and free > pages * _SHRINK_AT:
            # It frees one page a step, and `execute` takes a single step of a statement without rows.
            connection.executescript("PRAGMA incremental_vacuum(1024)")

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._opened_as == self._identity():
            return self._connection
        self.close()
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=5.0, isolation_level=None, check_same_thread=False)
        try:
            # A power cut may damage it: then it is made anew. What is spared is every wait for the disk.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA cache_size = -8000")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._opened_as = self._identity()
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] == _VERSION:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {_VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if version not in (0, _VERSION):
            raise sqlite3.DatabaseError(f"a cache of another version: {version}")

    def _identity(self) -> tuple[int, int, int] | None:
        """Return which file is open in which process, so that a deleted file and a fork are noticed."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return os.getpid(), status.st_dev, status.st_ino

    def _recover(self, error: sqlite3.Error | OSError) -> bool:
        """Close after trouble, and start anew where the file itself is bad; tell whether it is worth another try."""
        code = getattr(error, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        self.close()
        if isinstance(error, sqlite3.DatabaseError) and (primary is None or primary in _BAD_FILE):
            self._delete()
            return True
        return False

    def _delete(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                os.unlink(f"{self.path}{suffix}")


_BAD_FILE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
"""SQLITE_ERROR is a missing table or column: not our schema."""


def _digest(kind: str, key: str, data: bytes) -> bytes:
    digest = hashlib.blake2b(f"{kind}\0{key}\0".encode(), digest_size=16, person=b"dcut-cache")
    digest.update(data)
    return digest.digest()
