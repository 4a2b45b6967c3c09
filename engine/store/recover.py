"""What is still readable of a damaged project file, brought into a new one; the damaged file is never written to."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from engine.errors import EditRefused, ProjectDamaged, ProjectError
from engine.model.edits import edit_from_json
from engine.model.project import Project
from engine.store import places, takes
from engine.store.connection import OPENING_LIMIT_S, guard, time_limit, translated
from engine.store.journal import Row, RowKind, Trail, read_head
from engine.store.places import Place
from engine.store.project_file import ProjectFile
from engine.store.schema import TABLES, read_version, row_digest
from engine.store.snapshots import read_snapshot
from engine.store.takes import StoredTake

GAP_LIMIT = 100_000
"""Journal rows that may be missing; a row number further on is damage itself."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a damaged file still says.

    Attributes:
        project: the last state that can be put together.
        losses: what could not be read, in words; empty if nothing is missing.
    """

    project: Project
    places: tuple[Place, ...]
    records: tuple[tuple[str, str, str], ...]
    take_ids: tuple[str, ...]
    losses: tuple[str, ...]


def recover(path: Path, into: Path) -> Recovered:
    """Read a damaged project file and write what is readable into a new one.

    Raises:
        ProjectDamaged: not even one state of the project is readable. UsageError: `into` exists already.
    """
    with _opened(path) as connection:
        found = _read(connection, path)
        with ProjectFile.create(into, found.project) as file:
            for place in found.places:
                file.keep_place(place)
            for kind, id, payload in found.records:
                file.put_record(kind, id, payload)
            for id in found.take_ids:
                take = takes.read_take(connection, id, path)
                file.add_take(take.data, take.media_type, take.details)
    return found


def read_what_is_readable(path: Path) -> Recovered:
    """Return what a damaged project file still says.

    Raises:
        ProjectDamaged: not even one state of the project is readable.
    """
    with _opened(path) as connection:
        return _read(connection, path)


class _opened:
    """A connection that neither writes to the file nor trusts anything in it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        if not self._path.is_file():
            raise ProjectError(f"there is no project at {self._path}")
        # immutable: not even an interrupted transaction is rolled back here.
        self._connection = sqlite3.connect(
            f"file:{quote(str(self._path.absolute()))}?mode=ro&immutable=1", uri=True, isolation_level=None
        )
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _read(connection: sqlite3.Connection, path: Path) -> Recovered:
    with translated(path):
        guard(connection)
        connection.execute("PRAGMA query_only = ON")
        with time_limit(connection, OPENING_LIMIT_S):
            read_version(connection, path)
            losses: list[str] = []
            reader = _Reader(connection, losses)
            project = _project(reader, path)
            return Recovered(
                project,
                tuple(_places(reader)),
                tuple(_records(reader)),
                tuple(take.id for take in _takes(reader, path)),
                tuple(dict.fromkeys(losses)),
            )


class _Reader:
    """Rows of a damaged file, as far as they can be had; what cannot is noted in `losses`."""

    def __init__(self, connection: sqlite3.Connection, losses: list[str]) -> None:
        self.connection = connection
        self.losses = losses
        self.tables = self._sound_tables()
        losses += [f"the table {name} cannot be read" for name in TABLES if name not in self.tables]

    def _sound_tables(self) -> set[str]:
        """Return which tables stand in the schema as ours, so that no view or other table is read in their place."""
        found = set()
        self.connection.text_factory = bytes  # Other entries may hold no valid text.
        with suppress(sqlite3.Error):
            for entry in self.connection.execute("SELECT type, name, sql FROM sqlite_schema"):
                found |= {t for t, sql in TABLES.items() if entry == (b"table", t.encode(), sql.encode())}
        self.connection.text_factory = str
        return found

    def keys(self, table: str, column: str) -> list[Any]:
        """Return what can be read of a column, from both ends: damage in the middle hides neither."""
        found: dict[Any, None] = {}
        if table not in self.tables:
            return []
        for direction in ("ASC", "DESC"):
            try:
                for (key,) in self.connection.execute(f"SELECT {column} FROM {table} ORDER BY {column} {direction}"):
                    found[key] = None
                break
            except (sqlite3.Error, UnicodeError):
                self.losses.append(f"a part of the table {table} is damaged")
        return list(found)

    def row(self, query: str, key: object) -> tuple[Any, ...] | None:
        """Return the row of a key, None if it cannot be read."""
        try:
            found: tuple[Any, ...] | None = self.connection.execute(query, (key,)).fetchone()
        except (sqlite3.Error, UnicodeError):
            return None
        return found


def _project(reader: _Reader, path: Path) -> Project:
    rows = {row.seq: row for row in _rows(reader)}
    losses = reader.losses
    trail = Trail([], [])
    missing = 0
    last = max((*rows, _last_step(reader, path)))
    for seq in range(1, last + 1):
        try:
            # What is missing was most likely an edit; taken for one, later undos count right.
            trail.follow(rows.get(seq) or Row(seq, RowKind.EDIT, "", 0, b"", b""))
        except ProjectDamaged:
            losses.append(f"the journal's row {seq} does not fit what is left before it")
        missing += seq not in rows
    if missing:
        losses.append(f"{missing} of {last} steps of the history cannot be read")
    start, project = _newest_snapshot(reader, path, trail.done)
    for seq in trail.done[start:]:
        if seq not in rows:
            continue
        try:
            project = edit_from_json(rows[seq].payload).apply(project)
        except EditRefused as error:
            losses.append(f"step {seq} of the history no longer applies: {error}")
    return project


def _last_step(reader: _Reader, path: Path) -> int:
    """Return how many rows the journal had, by its head, else by the numbers of its rows; 0 if unknown."""
    with suppress(ProjectDamaged, sqlite3.Error, UnicodeError):
        return min(read_head(reader.connection, path).seq, GAP_LIMIT)
    return max((n for n in reader.keys("journal", "seq") if isinstance(n, int) and 0 < n < GAP_LIMIT), default=0)


def _newest_snapshot(reader: _Reader, path: Path, done: list[int]) -> tuple[int, Project]:
    kept = set(reader.keys("snapshots", "seq"))
    for start in range(len(done), -1, -1):
        seq = done[start - 1] if start else 0
        if seq in kept:
            with suppress(ProjectDamaged, sqlite3.Error):
                return start, read_snapshot(reader.connection, seq)
    raise ProjectDamaged(f"nothing of {path} is readable: no state of the project can be put together")


def _rows(reader: _Reader) -> Iterator[Row]:
    kinds = {kind.value: kind for kind in RowKind}
    for seq in reader.keys("journal", "seq"):
        if not isinstance(seq, int) or not 0 < seq < GAP_LIMIT:
            continue
        row = reader.row("SELECT kind, payload, at_ms, digest, chain FROM journal WHERE seq = ?", seq)
        if row is not None:
            kind, payload, at_ms, digest, chain = row
            if kind in kinds and isinstance(payload, str) and digest == row_digest(seq, kind, payload, at_ms):
                yield Row(seq, kinds[kind], payload, at_ms, digest, chain)


def _places(reader: _Reader) -> Iterator[Place]:
    for key in reader.keys("places", "source_id"):
        row = reader.row("SELECT * FROM places WHERE source_id = ?", key)
        place = None if row is None else places.place_from_row(list(row))
        if place is None:
            reader.losses.append("the place of a source cannot be read; relink it")
        else:
            yield place


def _records(reader: _Reader) -> Iterator[tuple[str, str, str]]:
    for rowid in reader.keys("records", "rowid"):
        row = reader.row("SELECT kind, id, payload, digest FROM records WHERE rowid = ?", rowid)
        if row is not None and all(isinstance(c, str) for c in row[:3]) and row[3] == row_digest("record", *row[:3]):
            yield row[0], row[1], row[2]
        else:
            reader.losses.append("a note (of a job or of what was spent) cannot be read")


def _takes(reader: _Reader, path: Path) -> Iterator[StoredTake]:
    if "chunks" not in reader.tables:
        return
    for key in reader.keys("takes", "id"):
        try:
            yield takes.read_take(reader.connection, key, path)
        except (ProjectDamaged, sqlite3.Error, UnicodeError):
            reader.losses.append(f"the take {str(key)[:40]} cannot be read")
