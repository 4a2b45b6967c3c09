"""Results by what they were made from: the same request is free the second time, offline too.

The exact key holds everything that decides a result: the source's hash, the frame's index, the patch's hash (pictures,
mask, prompt), the provider, its model and parameters, and the variant. Results that agree in source, frame and patch
are kin: made by another provider, good enough where nothing else is to be had.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from providers.codec import canonical, digest, pack_generation, pack_task, unpack_generation
from providers.contract import Generation, Quote, Task
from providers.database import Database, Durability
from providers.errors import StoreDamaged, StoreUnwritable

DEFAULT_LIMIT_BYTES = 2 << 30

_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    exact TEXT PRIMARY KEY, kin TEXT NOT NULL, record TEXT NOT NULL, used REAL NOT NULL, size INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS results_by_kin ON results (kin, used);
CREATE TABLE IF NOT EXISTS blobs (exact TEXT NOT NULL, name TEXT NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (exact, name))
"""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where in a film a request comes from; `source` is the file's hash."""

    source: str
    frame: int


@dataclass(frozen=True, slots=True)
class CacheKey:
    """The two names of a result, as hashes."""

    exact: str
    kin: str


class ResultCache(Protocol):
    """Results by their keys."""

    def get(self, key: CacheKey) -> Generation | None:
        """Return the result of exactly this request."""
        ...

    def kin(self, key: CacheKey) -> Generation | None:
        """Return the latest result of this patch by whatever provider."""
        ...

    def put(self, key: CacheKey, generation: Generation) -> None:
        """Keep a result."""
        ...


def cache_key(provenance: Provenance, task: Task, quote: Quote, variant: int) -> CacheKey:
    """Return the keys of the result that a provider would make of a task."""
    patch = digest(canonical(pack_task(task).record).encode())
    kin = {"source": provenance.source, "frame": provenance.frame, "patch": patch}
    exact = {
        **kin,
        "provider": quote.provider,
        "model": quote.model,
        "parameters": dict(quote.parameters),
        "variant": variant,
    }
    return CacheKey(digest(canonical(exact).encode()), digest(canonical(kin).encode()))


class SqliteResultCache:
    """Results in a file of its own; one that is damaged is begun anew, since it only saves money that was spent."""

    def __init__(
        self, path: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._clock = clock
        try:
            self._database = Database(path, _SCHEMA, Durability.CRASH)
        except StoreDamaged:
            path.unlink()
            self._database = Database(path, _SCHEMA, Durability.CRASH)

    def get(self, key: CacheKey) -> Generation | None:
        """Return the result of exactly this request."""
        return self._read("SELECT exact, record FROM results WHERE exact = ?", key.exact)

    def kin(self, key: CacheKey) -> Generation | None:
        """Return the latest result of this patch by whatever provider."""
        return self._read("SELECT exact, record FROM results WHERE kin = ? ORDER BY used DESC, rowid DESC", key.kin)

    def put(self, key: CacheKey, generation: Generation) -> None:
        """Keep a result; the least recently used ones make room. On a full disk it is not kept."""
        with suppress(StoreUnwritable):
            self._put(key, generation)

    def _put(self, key: CacheKey, generation: Generation) -> None:
        packed = pack_generation(generation)
        record = json.dumps(packed.record)
        size = len(record) + sum(len(data) for data in packed.blobs.values())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM blobs WHERE exact = ?", (key.exact,))
            connection.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)",
                (key.exact, key.kin, record, self._clock(), size),
            )
            connection.executemany(
                "INSERT INTO blobs VALUES (?, ?, ?)", [(key.exact, name, data) for name, data in packed.blobs.items()]
            )
            (total,) = connection.execute("SELECT sum(size) FROM results").fetchone()
            for exact, used_bytes in connection.execute(
                "SELECT exact, size FROM results ORDER BY used, rowid"
            ).fetchall():
                if total <= self._limit_bytes or exact == key.exact:
                    break
                connection.execute("DELETE FROM results WHERE exact = ?", (exact,))
                connection.execute("DELETE FROM blobs WHERE exact = ?", (exact,))
                total -= used_bytes

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _read(self, query: str, key: str) -> Generation | None:
        try:
            rows = self._database.rows(query + " LIMIT 1", (key,))
            if not rows:
                return None
            exact, record = rows[0]
            generation = unpack_generation(json.loads(record), lambda name: self._blob(exact, name))
        except (StoreDamaged, ValueError):
            return None
        with suppress(StoreUnwritable), self._database.transaction() as connection:
            connection.execute("UPDATE results SET used = ? WHERE exact = ?", (self._clock(), exact))
        return generation

    def _blob(self, exact: str, name: str) -> bytes:
        rows = self._database.rows("SELECT data FROM blobs WHERE exact = ? AND name = ?", (exact, name))
        if not rows or digest(rows[0][0]) != name:
            raise StoreDamaged(f"a cached result in {self._path} is damaged")
        data: bytes = rows[0][0]
        return data
