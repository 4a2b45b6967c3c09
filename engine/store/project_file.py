"""The project file (.dcut): one SQLite file in which no acknowledged edit is ever lost.

Every commit is durable when it returns; that is the autosave, and there is no other saving.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.errors import EditRefused, NoSpace, ProjectBusy, ProjectDamaged, ProjectError
from engine.model.edits import Edit, edit_from_json, edit_to_json
from engine.model.project import Project
from engine.store import places, records, takes
from engine.store.connection import OPENING_LIMIT_S, Access, connect, time_limit, transaction, translated
from engine.store.journal import Head, Row, RowKind, Trail, append, next_row, read_head, read_rows, write_head
from engine.store.lock import WriterLock
from engine.store.migrations import migrate
from engine.store.new_file import copy_database, new_file
from engine.store.places import Place
from engine.store.reserve import Reserve
from engine.store.schema import TABLES, VERSION, check_structure, create_tables, read_version
from engine.store.snapshots import EVERY, read_snapshot, snapshot_numbers, write_snapshot
from engine.store.takes import StoredTake

REMEMBERED = 256
"""Former values kept in memory for undoing; older ones are rebuilt from a snapshot."""


@dataclass(frozen=True, slots=True)
class Step:
    """An edit in the history; at_ms: milliseconds since 1970 (UTC)."""

    title: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class History:
    """The steps that stand, oldest first, and those that were undone, next to redo first."""

    done: tuple[Step, ...]
    undone: tuple[Step, ...]


class ProjectFile:
    """An open project file.

    Made by `create` and `open`. Any thread may call; calls are served one by one. At most one writer exists per file.
    """

    def __init__(self, path: Path, access: Access, connection: sqlite3.Connection, lock: WriterLock | None) -> None:
        self.path = path
        self.access = access
        self._connection = connection
        self._lock = lock
        self._reserve = Reserve(path)
        self._guard = threading.RLock()
        self._rows: list[Row] = []
        self._trail = Trail([], [])
        self._head = Head()
        self._values: dict[int, Project] = {}
        self._steps: dict[int, Step] = {}
        self._places: dict[str, Place] = {}
        self._space_is_low = False
        self._watchers: list[Callable[[], None]] = []

    # --- opening and closing ---------------------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, project: Project, media: Mapping[str, Path] | None = None) -> ProjectFile:
        """Make a new project file and open it for writing.

        Args:
            path: where; nothing may be there.
            project: its first value.
            media: where the sources' files are, by source id.

        Raises:
            UsageError: something is there already. StorageError, NoSpace: it cannot be written.
        """
        with translated(path), new_file(path) as draft:
            _write_new(draft, path, project, media or {})
        return cls.open(path)

    @classmethod
    def open(cls, path: Path, access: Access = Access.WRITE) -> ProjectFile:
        """Open a project file.

        Raises:
            ProjectDamaged: it fails its digests or its structure. ProjectTooNew: a later version wrote it.
            ProjectBusy: it is open for writing elsewhere. ProjectError: it is not there.
            StorageError: it cannot be read or written.
        """
        if not path.is_file():
            raise ProjectError(f"there is no project at {path}")
        lock = WriterLock(path) if access is Access.WRITE else None
        connection = None
        try:
            with translated(path):
                connection = connect(path, access)
                with time_limit(connection, OPENING_LIMIT_S):
                    version = read_version(connection, path)
                    if version < VERSION:
                        if access is Access.READ:
                            raise ProjectError(
                                f"{path} is of an earlier format; open it for writing once to bring it up"
                            )
                        migrate(connection, path, version)
                    check_structure(connection, path, TABLES)
                    file = cls(path, access, connection, lock)
                    file._load()
        except BaseException:
            if connection is not None:
                connection.close()
            if lock is not None:
                lock.release()
            raise
        return file

    def _load(self) -> None:
        self._rows = read_rows(self._connection, self.path)
        self._head = read_head(self._connection, self.path)
        self._trail = Trail.of(self._rows)
        self._places = places.read_places(self._connection, self.path)
        self._value_at(self._position)
        if self.access is Access.WRITE:
            takes.drop_unfinished(self._connection)
            self._reserve.hold()

    def close(self) -> None:
        """Close the file; whatever was committed is in it already. Closing again does nothing."""
        with self._guard:
            self._connection.close()
            if self._lock is not None:
                self._reserve.give_back()
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- the project ------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """Return the project as it stands."""
        with self._guard:
            return self._value_at(self._position)

    @property
    def history(self) -> History:
        """Return the steps that can be undone and redone."""
        with self._guard:
            return History(
                tuple(self._step(seq) for seq in self._trail.done),
                tuple(self._step(seq) for seq in reversed(self._trail.undone)),
            )

    @property
    def space_is_low(self) -> bool:
        """Whether the last edit was saved only by giving up the reserve: the person should free some space."""
        return self._space_is_low

    def watch(self, watcher: Callable[[], None]) -> None:
        """Have a function called after each commit, undo and redo, in the thread that made it; it must be quick."""
        self._watchers.append(watcher)

    def commit(self, edit: Edit) -> Project:
        """Apply an edit and save it; when this returns, no crash or power cut can lose it.

        Raises:
            EditRefused: the project does not allow it. NoSpace, StorageError: it was not saved, and not applied.
            ProjectBusy: another program changed the file meanwhile.
        """
        with self._guard:
            after = edit.apply(self.project)
            self._append(RowKind.EDIT, edit_to_json(edit), after)
            return after

    def undo(self, steps: int = 1) -> Project:
        """Go back by some steps, and save that.

        Raises:
            EditRefused: there are not so many.
        """
        with self._guard:
            return self._move(RowKind.UNDO, steps, len(self._trail.done))

    def redo(self, steps: int = 1) -> Project:
        """Go on again by some undone steps, and save that.

        Raises:
            EditRefused: there are not so many.
        """
        with self._guard:
            return self._move(RowKind.REDO, steps, len(self._trail.undone))

    def _move(self, kind: RowKind, steps: int, possible: int) -> Project:
        if steps < 1:
            raise EditRefused(f"cannot {kind.value} {steps} steps: 1 is the least")
        if steps > possible:
            there = f"only {possible} of the {steps} steps are there" if possible else "there is nothing"
            raise EditRefused(f"{there} to {kind.value}")
        trail = Trail(list(self._trail.done), list(self._trail.undone))
        trail.follow(next_row(self._head, kind, str(steps), 0))
        after = self._value_of(trail.done)
        self._append(kind, str(steps), after)
        return after

    def _append(self, kind: RowKind, payload: str, after: Project) -> None:
        row = next_row(self._head, kind, payload, time.time_ns() // 1_000_000)

        def write() -> None:
            self._check_head()
            append(self._connection, row)

        self._write(write)
        self._rows.append(row)
        self._head = Head(row.seq, row.chain)
        self._trail.follow(row)
        self._remember(self._position, after)
        if row.seq % EVERY == 0:
            self._keep_snapshot(after)
        for watcher in self._watchers:
            watcher()

    def _keep_snapshot(self, project: Project) -> None:
        try:
            with transaction(self._connection):
                write_snapshot(self._connection, self._position, project)
        except sqlite3.Error:
            pass  # The journal holds everything; a snapshot only makes opening quicker.

    def _check_head(self) -> None:
        # The lock should make this impossible; where a network folder has none, this is what guards the file.
        if read_head(self._connection, self.path) != self._head:
            raise ProjectBusy(f"{self.path} was changed by another program since it was opened; open it again")

    def _write(self, action: Callable[[], None]) -> None:
        """Run a transaction; on a full disk once more with the reserve's space."""
        if self.access is Access.READ:
            raise ProjectError(f"{self.path} was opened for reading only")
        try:
            self._transact(action)
        except NoSpace:
            if not self._reserve.give_back():
                raise
            self._transact(action)
            self._space_is_low = True
        else:
            self._reserve.hold()
            self._space_is_low = False

    def _transact(self, action: Callable[[], None]) -> None:
        with translated(self.path), transaction(self._connection):
            action()

    # --- values of the past -----------------------------------------------------------------------------------------

    @property
    def _position(self) -> int:
        return self._trail.done[-1] if self._trail.done else 0

    def _value_at(self, position: int) -> Project:
        found = self._values.get(position)
        return self._value_of(self._trail.done) if found is None else found

    def _value_of(self, done: list[int]) -> Project:
        """Return the project after the edits `done`, from memory or by replaying them on the nearest snapshot."""
        position = done[-1] if done else 0
        if position in self._values:
            return self._values[position]
        with translated(self.path):
            kept = set(snapshot_numbers(self._connection)) | self._values.keys()
            first = next((i for i in range(len(done), 0, -1) if done[i - 1] in kept), 0)
            seq = done[first - 1] if first else 0
            value = self._values[seq] if seq in self._values else read_snapshot(self._connection, seq)
        for seq in done[first:]:
            value = self._replay(self._rows[seq - 1], value)
            self._remember(seq, value)
        self._remember(position, value)
        return value

    def _replay(self, row: Row, before: Project) -> Project:
        try:
            return edit_from_json(row.payload).apply(before)
        except EditRefused as error:
            raise ProjectDamaged(
                f"{self.path} is damaged (the edit in row {row.seq} does not apply: {error})"
            ) from error

    def _remember(self, position: int, value: Project) -> None:
        self._values.pop(position, None)
        self._values[position] = value
        while len(self._values) > REMEMBERED:
            del self._values[next(iter(self._values))]

    def _step(self, seq: int) -> Step:
        if seq not in self._steps:
            row = self._rows[seq - 1]
            self._steps[seq] = Step(edit_from_json(row.payload).title, row.at_ms)
        return self._steps[seq]

    # --- takes ------------------------------------------------------------------------------------------------------

    def add_take(self, data: bytes, media_type: str, details: Mapping[str, str] | None = None) -> str:
        """Keep bytes (a picture, a film) in the project and return their id; the same bytes have the same id.

        Raises:
            NoSpace, StorageError: they could not be kept; nothing of them stays.
        """
        if self.access is Access.READ:
            raise ProjectError(f"{self.path} was opened for reading only")
        with self._guard, translated(self.path):
            try:
                return takes.write_take(self._connection, data, media_type, details or {})
            except sqlite3.Error:
                self._reserve.give_back()
                with suppress(sqlite3.Error):
                    takes.drop_unfinished(self._connection)
                raise

    def take(self, id: str) -> StoredTake:
        """Return kept bytes.

        Raises:
            ProjectDamaged: they are not there, or not what was kept.
        """
        with self._guard, translated(self.path):
            return takes.read_take(self._connection, id, self.path)

    @property
    def take_ids(self) -> frozenset[str]:
        """Return the ids of all kept takes."""
        with self._guard, translated(self.path):
            return takes.take_ids(self._connection)

    # --- records ----------------------------------------------------------------------------------------------------

    def put_record(self, kind: str, id: str, payload: str) -> None:
        """Keep a note that is no part of the film (a provider's job, what was spent); durable when this returns.

        Args:
            kind: what sort of note; each sort has its own ids.
            id: its name; a note of that name is replaced.
            payload: its text, usually JSON.
        """
        with self._guard:
            self._write(lambda: records.write_record(self._connection, kind, id, payload))

    def drop_record(self, kind: str, id: str) -> None:
        """Forget a note."""
        with self._guard:
            self._write(lambda: records.delete_record(self._connection, kind, id))

    def records(self, kind: str) -> dict[str, str]:
        """Return the notes of a sort, by id.

        Raises:
            ProjectDamaged: one fails its digest.
        """
        with self._guard, translated(self.path):
            return records.read_records(self._connection, kind, self.path)

    # --- copies -----------------------------------------------------------------------------------------------------

    def copy_to(self, path: Path) -> None:
        """Write a compact copy of the file, with its whole history; nothing may be there yet.

        Raises:
            UsageError: something is there already. StorageError, NoSpace: it cannot be written; nothing stays.
        """
        with self._guard, translated(path):
            copy_database(self._connection, path)

    # --- media ------------------------------------------------------------------------------------------------------

    def place_media(self, source_id: str, media: Path, content_hash: str = "") -> Place:
        """Note where a source's file is; no edit, for the film is the same wherever its media lies.

        Raises:
            MissingMedia, MediaError: there is no such file.
        """
        place = places.place_of(source_id, media, self.path, content_hash)
        with self._guard:
            self._save_place(place)
        return place

    def note_content_hash(self, source_id: str, content_hash: str) -> None:
        """Note the digest of a source's content, once it is known; it makes relinking certain."""
        with self._guard:
            self._save_place(replace(self.place(source_id), content_hash=content_hash))

    def place(self, source_id: str) -> Place:
        """Return where a source's file was last seen.

        Raises:
            ProjectError: that was never noted.
        """
        with self._guard:
            if source_id not in self._places:
                raise ProjectError(f"{self.path} does not say where the file of source {source_id} is; relink it")
            return self._places[source_id]

    def media(self, source_id: str) -> Path:
        """Return where a source's file is now, checked; a copy beside a moved project is found too.

        Raises:
            MissingMedia: it is nowhere. SourceChanged: it is another file. ProjectError: its place was never noted.
        """
        place = self.place(source_id)
        path, found = places.find(place, self.path)
        if found != place and self.access is Access.WRITE:
            with self._guard:
                self._save_place(found)
        return path

    def keep_place(self, place: Place) -> None:
        """Note a place as it was noted elsewhere, whether a file is there now or not."""
        with self._guard:
            self._save_place(place)

    def _save_place(self, place: Place) -> None:
        self._write(lambda: places.write_place(self._connection, place))
        self._places[place.source_id] = place


def _write_new(draft: Path, path: Path, project: Project, media: Mapping[str, Path]) -> None:
    found = [places.place_of(source_id, file, path) for source_id, file in media.items()]
    with draft.open("xb"):
        pass
    connection = connect(draft, Access.WRITE)
    try:
        with transaction(connection):
            create_tables(connection)
            write_head(connection, Head())
            write_snapshot(connection, 0, project)
            for place in found:
                places.write_place(connection, place)
    finally:
        connection.close()
