"""Whole projects kept beside the journal, so that opening replays a few edits instead of all."""

from __future__ import annotations

import sqlite3
import zlib

from engine.errors import EditRefused, ProjectDamaged
from engine.model.edits import project_from_json, project_to_json
from engine.model.project import Project
from engine.store.schema import row_digest

EVERY = 100
"""A snapshot is written after this many journal rows."""

KEPT = 8
"""The newest snapshots that are kept, besides the first."""

UNPACKED_LIMIT = 512 << 20


def write_snapshot(connection: sqlite3.Connection, seq: int, project: Project) -> None:
    """Keep the project as it stands after journal row `seq`, and drop the oldest but the first; in a transaction."""
    payload = zlib.compress(project_to_json(project).encode(), 3)
    connection.execute(
        "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (seq, payload, row_digest("snapshot", seq, payload))
    )
    connection.execute(
        "DELETE FROM snapshots WHERE seq > 0 AND seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
        (KEPT,),
    )


def snapshot_numbers(connection: sqlite3.Connection) -> list[int]:
    """Return the journal rows after which a snapshot is kept, oldest first."""
    return [seq for (seq,) in connection.execute("SELECT seq FROM snapshots ORDER BY seq")]


def read_snapshot(connection: sqlite3.Connection, seq: int) -> Project:
    """Return the project that was kept after journal row `seq`.

    Raises:
        ProjectDamaged: there is none, or it fails its digest.
    """
    found = connection.execute("SELECT payload, digest FROM snapshots WHERE seq = ?", (seq,)).fetchone()
    if found is None or not isinstance(found[0], bytes) or found[1] != row_digest("snapshot", seq, found[0]):
        raise ProjectDamaged(f"the snapshot after row {seq} is missing or fails its digest")
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(found[0], UNPACKED_LIMIT).decode()
        return project_from_json(text)
    except (zlib.error, UnicodeDecodeError, EditRefused) as error:
        raise ProjectDamaged(f"the snapshot after row {seq} cannot be read: {error}") from error
