"""The journal of edits in the project file: append-only rows, each with its digest, chained to the one before.

Undo and redo are rows too, so the history survives closing, and a branch that was left by undoing stays in the file.
Reads and writes rows only; what an edit means is engine.model.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from engine.errors import ProjectDamaged
from engine.store.schema import WAY_OUT, row_digest

GENESIS = bytes(16)


class RowKind(Enum):
    """What a journal row records."""

    EDIT = "edit"
    """payload: the edit's JSON."""
    UNDO = "undo"
    """payload: the number of steps."""
    REDO = "redo"
    """payload: the number of steps."""


@dataclass(frozen=True, slots=True)
class Row:
    """A journal row; at_ms: milliseconds since 1970 (UTC)."""

    seq: int
    kind: RowKind
    payload: str
    at_ms: int
    digest: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The journal's last row: how many rows there are, and the chain's value there."""

    seq: int = 0
    chain: bytes = GENESIS


def next_row(head: Head, kind: RowKind, payload: str, at_ms: int) -> Row:
    """Return the row that continues a journal."""
    seq = head.seq + 1
    digest = row_digest(seq, kind.value, payload, at_ms)
    return Row(seq, kind, payload, at_ms, digest, _chained(head.chain, digest))


def _chained(chain: bytes, digest: bytes) -> bytes:
    return hashlib.blake2b(chain + digest, digest_size=16, person=b"dcut-chain").digest()


def append(connection: sqlite3.Connection, row: Row) -> None:
    """Write a row and the new head, in the open transaction."""
    connection.execute(
        "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)",
        (row.seq, row.kind.value, row.payload, row.at_ms, row.digest, row.chain),
    )
    write_head(connection, Head(row.seq, row.chain))


def write_head(connection: sqlite3.Connection, head: Head) -> None:
    """Write the head, in the open transaction: without it, a journal that lost its last rows would look whole."""
    value = f"{head.seq} {head.chain.hex()}"
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('head', ?, ?)", (value, row_digest("head", value)))


def read_head(connection: sqlite3.Connection, path: Path) -> Head:
    """Return the journal's head.

    Raises:
        ProjectDamaged: it fails its digest.
    """
    found = connection.execute("SELECT value, digest FROM meta WHERE key = 'head'").fetchone()
    sound = found is not None and isinstance(found[0], str) and found[1] == row_digest("head", found[0])
    match = re.fullmatch(r"(\d{1,18}) ([0-9a-f]{32})", found[0], re.ASCII) if sound else None
    if match is None:
        raise ProjectDamaged(f"{path} is damaged (its journal's head); {WAY_OUT}")
    return Head(int(match[1]), bytes.fromhex(match[2]))


def read_rows(connection: sqlite3.Connection, path: Path) -> list[Row]:
    """Return all rows, checked one by one and against the head.

    Raises:
        ProjectDamaged: a row is missing, out of place or changed.
    """
    rows, trouble = read_sound_rows(connection)
    head = read_head(connection, path)
    if trouble is None and (len(rows) != head.seq or (rows and rows[-1].chain != head.chain)):
        trouble = f"{head.seq - len(rows)} edits are missing at its end"
    if trouble is not None:
        raise ProjectDamaged(f"{path} is damaged (journal: {trouble}); {WAY_OUT}")
    return rows


def read_sound_rows(connection: sqlite3.Connection) -> tuple[list[Row], str | None]:
    """Return the rows up to the first bad one, and what is wrong with that one (None: nothing)."""
    rows: list[Row] = []
    head = Head()
    for columns in connection.execute("SELECT seq, kind, payload, at_ms, digest, chain FROM journal ORDER BY seq"):
        seq, kind, payload, at_ms, digest, chain = columns
        if seq != head.seq + 1:
            return rows, f"row {head.seq + 1} is missing"
        if kind not in _KINDS or not isinstance(payload, str) or not isinstance(at_ms, int):
            return rows, f"row {seq} is no journal row"
        row = next_row(head, _KINDS[kind], payload, at_ms)
        if (row.digest, row.chain) != (digest, chain):
            return rows, f"row {seq} fails its digest"
        rows.append(row)
        head = Head(row.seq, row.chain)
    return rows, None


_KINDS = {kind.value: kind for kind in RowKind}


@dataclass(slots=True)
class Trail:
    """Which edits stand (`done`, by row number, oldest first) and which were undone (`undone`, next to redo last)."""

    done: list[int]
    undone: list[int]

    @classmethod
    def of(cls, rows: list[Row]) -> Trail:
        """Return the trail that a journal leaves."""
        trail = cls([], [])
        for row in rows:
            trail.follow(row)
        return trail

    def follow(self, row: Row) -> None:
        """Go on by one row.

        Raises:
            ProjectDamaged: it undoes or redoes more than there is.
        """
        if row.kind is RowKind.EDIT:
            self.done.append(row.seq)
            self.undone.clear()
            return
        source, target = (self.done, self.undone) if row.kind is RowKind.UNDO else (self.undone, self.done)
        steps = int(row.payload) if re.fullmatch(r"\d{1,9}", row.payload, re.ASCII) else 0
        if not 0 < steps <= len(source):
            raise ProjectDamaged(f"the journal's row {row.seq} would {row.kind.value} {row.payload[:20]} steps")
        for _ in range(steps):
            target.append(source.pop())
