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
from engine.store.journal import Row, RowKind, Trail
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
            connection.text_factory = bytes
            tables = _sound_tables(connection)
            connection.text_factory = str
            losses = [f"the table {name} cannot be read" for name in TABLES if name not in tables]
            project = _project(connection, path, losses)
            return Recovered(
                project,
                tuple(_places(connection, losses)),
                tuple(_records(connection, losses)),
                tuple(take.id for take in _takes(connection, path, losses)),
                tuple(losses),
            )


def _sound_tables(connection: sqlite3.Connection) -> set[str]:
    """Return which tables stand in the schema as ours, so that no view or other table is read in their place."""
    found = set()
    with suppress(sqlite3.Error):
        for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema"):
            for table, statement in TABLES.items():
                if (kind, name, sql) == (b"table", table.encode(), statement.encode()):
                    found.add(table)
    return found


def _project(connection: sqlite3.Connection, path: Path, losses: list[str]) -> Project:
    rows = {row.seq: row for row in _rows(connection, losses)}
    trail = Trail([], [])
    missing = 0
    for seq in range(1, max(rows, default=0) + 1):
        try:
            # What is missing was most likely an edit; taken for one, later undos count right.
            trail.follow(rows.get(seq) or Row(seq, RowKind.EDIT, "", 0, b"", b""))
        except ProjectDamaged:
            losses.append(f"the journal's row {seq} does not fit what is left before it")
        missing += seq not in rows
    if missing:
        losses.append(f"{missing} of {max(rows)} steps of the history cannot be read")
    start, project = _newest_snapshot(connection, path, trail.done)
    for seq in trail.done[start:]:
        try:
            project = edit_from_json(rows[seq].payload).apply(project)
        except KeyError:
            continue
        except EditRefused as error:
            losses.append(f"step {seq} of the history no longer applies: {error}")
    return project


def _newest_snapshot(connection: sqlite3.Connection, path: Path, done: list[int]) -> tuple[int, Project]:
    for start in range(len(done), -1, -1):
        with suppress(ProjectDamaged, sqlite3.Error):
            return start, read_snapshot(connection, done[start - 1] if start else 0)
    raise ProjectDamaged(f"nothing of {path} is readable: no state of the project can be put together")


def _rows(connection: sqlite3.Connection, losses: list[str]) -> Iterator[Row]:
    kinds = {kind.value: kind for kind in RowKind}
    for seq in _keys(connection, "journal", "seq", losses):
        if not isinstance(seq, int) or not 0 < seq < GAP_LIMIT:
            continue
        row = _one(connection, "SELECT kind, payload, at_ms, digest, chain FROM journal WHERE seq = ?", (seq,))
        if row is not None:
            kind, payload, at_ms, digest, chain = row
            if kind in kinds and isinstance(payload, str) and digest == row_digest(seq, kind, payload, at_ms):
                yield Row(seq, kinds[kind], payload, at_ms, digest, chain)


def _places(connection: sqlite3.Connection, losses: list[str]) -> Iterator[Place]:
    for key in _keys(connection, "places", "source_id", losses):
        row = _one(connection, "SELECT * FROM places WHERE source_id = ?", (key,))
        place = None if row is None else places.place_from_row(list(row))
        if place is None:
            losses.append("the place of a source cannot be read; relink it")
        else:
            yield place


def _records(connection: sqlite3.Connection, losses: list[str]) -> Iterator[tuple[str, str, str]]:
    for rowid in _keys(connection, "records", "rowid", losses):
        row = _one(connection, "SELECT kind, id, payload, digest FROM records WHERE rowid = ?", (rowid,))
        if (
            row is not None
            and all(isinstance(part, str) for part in row[:3])
            and row[3] == row_digest("record", *row[:3])
        ):
            yield row[0], row[1], row[2]
        else:
            losses.append("a note (of a job or of what was spent) cannot be read")


def _takes(connection: sqlite3.Connection, path: Path, losses: list[str]) -> Iterator[StoredTake]:
    for key in _keys(connection, "takes", "id", losses):
        try:
            yield takes.read_take(connection, key, path)
        except (ProjectDamaged, sqlite3.Error, UnicodeError):
            losses.append(f"the take {str(key)[:40]} cannot be read")


def _keys(connection: sqlite3.Connection, table: str, column: str, losses: list[str]) -> list[Any]:
    """Return what can be read of a column, from both ends: damage in the middle hides neither."""
    found: dict[Any, None] = {}
    for direction in ("ASC", "DESC"):
        try:
            for (key,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY {column} {direction}"):
                found[key] = None
            break
        except (sqlite3.Error, UnicodeError):
            losses.append(f"a part of the table {table} is damaged")
    return list(found)


def _one(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    try:
        row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
    except (sqlite3.Error, UnicodeError):
        return None
    return row
