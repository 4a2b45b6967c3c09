"""Where jobs are kept: a small protocol that a project file fulfils, and a file of its own that fulfils it too."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from providers.codec import digest
from providers.database import Database, Durability
from providers.errors import StoreDamaged
from providers.job_codec import job_as_json, job_from_json
from providers.jobs import Job

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (job TEXT PRIMARY KEY, created REAL NOT NULL, record TEXT NOT NULL,
    digest TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, data BLOB NOT NULL)
"""


class JobStore(Protocol):
    """Texts and blobs that survive anything; one process at a time works on them."""

    def save(self, job: str, record: str, blobs: Mapping[str, bytes]) -> None:
        """Store a job's text and the blobs that it names, all or nothing, on the disk when this returns."""
        ...

    def load(self, job: str) -> str | None:
        """Return a job's text."""
        ...

    def jobs(self) -> tuple[str, ...]:
        """Return the ids of all jobs, the oldest first."""
        ...

    def blob(self, name: str) -> bytes:
        """Return a blob.

        Raises:
            StoreDamaged: it is not there, or not as it was stored.
        """
        ...


class Jobs:
    """Jobs as values over a store of texts."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def save(self, job: Job, blobs: Mapping[str, bytes] | None = None) -> None:
        """Store the job; it is on the disk when this returns."""
        self._store.save(job.job, json.dumps(job_as_json(job), ensure_ascii=False), blobs or {})

    def load(self, job: str) -> Job:
        """Return a job.

        Raises:
            StoreDamaged: there is none, or it cannot be read.
        """
        text = self._store.load(job)
        if text is None:
            raise StoreDamaged(f"there is no job {job!r}")
        try:
            record = json.loads(text)
        except ValueError as error:
            raise StoreDamaged(f"job {job!r} cannot be read ({error})") from error
        return job_from_json(record)

    def all(self) -> tuple[Job, ...]:
        """Return all jobs, the oldest first."""
        return tuple(self.load(job) for job in self._store.jobs())

    def blob(self, name: str) -> bytes:
        """Return a blob."""
        return self._store.blob(name)


class SqliteJobStore:
    """A store in a file of its own, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            StoreDamaged: it cannot be used, or another process holds it.
        """
        self._path = path
        self._lock = _only_process(path)
        self._database = Database(path, _SCHEMA, Durability.POWER_CUT)

    def save(self, job: str, record: str, blobs: Mapping[str, bytes]) -> None:
        """Store a job's text and the blobs that it names."""
        created = json.loads(record)["created_at"]
        with self._database.transaction() as connection:
            connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", list(blobs.items()))
            connection.execute(
                "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?)", (job, created, record, digest(record.encode()))
            )

    def load(self, job: str) -> str | None:
        """Return a job's text."""
        rows = self._database.rows("SELECT record, digest FROM jobs WHERE job = ?", (job,))
        if not rows:
            return None
        record: str = rows[0][0]
        if digest(record.encode()) != rows[0][1]:
            raise StoreDamaged(f"job {job!r} in {self._path} is damaged")
        return record

    def jobs(self) -> tuple[str, ...]:
        """Return the ids of all jobs, the oldest first."""
        return tuple(job for (job,) in self._database.rows("SELECT job FROM jobs ORDER BY created, job"))

    def blob(self, name: str) -> bytes:
        """Return a blob."""
        rows = self._database.rows("SELECT data FROM blobs WHERE name = ?", (name,))
        if not rows or digest(rows[0][0]) != name:
            raise StoreDamaged(f"a picture or sound of a job in {self._path} is missing or damaged")
        data: bytes = rows[0][0]
        return data

    def close(self) -> None:
        """Close the file and let others in."""
        self._database.close()
        self._lock.close()


def _only_process(path: Path) -> sqlite3.Connection:
    """Hold a lock beside the file: two processes that work on the same jobs could pay twice.

    SQLite's own lock on an empty database: it works on every platform and ends with the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        path.with_name(path.name + ".lock"), timeout=0.5, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        return connection
    except sqlite3.Error as error:
        connection.close()
        raise StoreDamaged(f"the jobs in {path} are in use by another process; close it first") from error
