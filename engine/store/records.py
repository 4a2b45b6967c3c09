"""Notes in the project file that are no part of the film: jobs of providers, what was spent."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.errors import ProjectDamaged
from engine.store.schema import row_digest


def write_record(connection: sqlite3.Connection, kind: str, id: str, payload: str) -> None:
    """Keep a note, in the open transaction."""
    connection.execute(
        "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)",
        (kind, id, payload, row_digest("record", kind, id, payload)),
    )


def delete_record(connection: sqlite3.Connection, kind: str, id: str) -> None:
    """Forget a note, in the open transaction."""
    connection.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, id))


def read_records(connection: sqlite3.Connection, kind: str, path: Path) -> dict[str, str]:
    """Return the notes of a sort, by id.

    Raises:
        ProjectDamaged: one fails its digest.
    """
    found = {}
    for id, payload, digest in connection.execute(
        "SELECT id, payload, digest FROM records WHERE kind = ? ORDER BY id", (kind,)
    ):
        if not (isinstance(id, str) and isinstance(payload, str)) or digest != row_digest("record", kind, id, payload):
            raise ProjectDamaged(f"{path} is damaged (a note of the sort {kind!r})")
        found[id] = payload
    return found
