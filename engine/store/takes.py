"""Takes in the project file: bytes kept losslessly under the digest of their content, never evicted.

A take is written in pieces, each its own short transaction; its row comes last, so a take is whole or not there.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ProjectDamaged
from engine.store.connection import transaction
from engine.store.schema import row_digest

CHUNK = 960 << 10
"""Bytes of a piece: transactions stay under about 1 MB."""


@dataclass(frozen=True, slots=True)
class StoredTake:
    """The bytes of a take, e.g. media_type "image/png", and what was noted with them."""

    id: str
    media_type: str
    data: bytes = field(repr=False)
    details: Mapping[str, str]


def take_id(data: bytes, media_type: str) -> str:
    """Return the id under which bytes are kept (BLAKE2b-160 of type and content, hex)."""
    digest = hashlib.blake2b(media_type.encode() + b"\0", digest_size=20, person=b"dcut-take")
    digest.update(data)
    return digest.hexdigest()


def write_take(connection: sqlite3.Connection, data: bytes, media_type: str, details: Mapping[str, str]) -> str:
    """Keep bytes and return their id; bytes that are already kept cost nothing."""
    id = take_id(data, media_type)
    if connection.execute("SELECT 1 FROM takes WHERE id = ?", (id,)).fetchone():
        return id
    pieces = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]
    for number, piece in enumerate(pieces):
        with transaction(connection):
            connection.execute(
                "INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)",
                (id, number, piece, row_digest("chunk", id, number, piece)),
            )
    columns = (id, media_type, len(data), len(pieces), json.dumps(dict(details), sort_keys=True, ensure_ascii=False))
    with transaction(connection):
        connection.execute("INSERT INTO takes VALUES (?, ?, ?, ?, ?, ?)", (*columns, row_digest("take", *columns)))
    return id


def read_take(connection: sqlite3.Connection, id: str, path: Path) -> StoredTake:
    """Return a kept take.

    Raises:
        ProjectDamaged: it is not there, or what is there is not what was kept.
    """
    row = connection.execute("SELECT * FROM takes WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise ProjectDamaged(f"{path} does not hold the take {id} that it refers to")
    *columns, digest = row
    if [type(c) for c in columns] != [str, str, int, int, str] or digest != row_digest("take", *columns):
        raise ProjectDamaged(f"{path} is damaged (the take {id})")
    _, media_type, size, count, details = columns
    pieces = [
        data
        for data, number, digest in connection.execute(
            "SELECT data, number, digest FROM chunks WHERE take_id = ? ORDER BY number", (id,)
        )
        if isinstance(data, bytes) and digest == row_digest("chunk", id, number, data)
    ]
    data = b"".join(pieces)
    if len(pieces) != count or len(data) != size or take_id(data, media_type) != id:
        raise ProjectDamaged(f"{path} is damaged (the picture of the take {id})")
    return StoredTake(id, media_type, data, _read_details(details, id, path))


def _read_details(text: str, id: str, path: Path) -> dict[str, str]:
    # A digest proves that nothing was damaged, not that a friend wrote it.
    try:
        details = json.loads(text)
    except (ValueError, RecursionError):
        details = None
    if not isinstance(details, dict) or not all(isinstance(value, str) for value in details.values()):
        raise ProjectDamaged(f"{path} is damaged (the notes of the take {id})")
    return details


def take_ids(connection: sqlite3.Connection) -> frozenset[str]:
    """Return the ids of all kept takes."""
    return frozenset(id for (id,) in connection.execute("SELECT id FROM takes"))


def drop_unfinished(connection: sqlite3.Connection) -> None:
    """Remove the pieces of takes that a crash left unfinished."""
    orphan = "take_id NOT IN (SELECT id FROM takes)"
    if connection.execute(f"SELECT 1 FROM chunks WHERE {orphan} LIMIT 1").fetchone():
        with transaction(connection):
            connection.execute(f"DELETE FROM chunks WHERE {orphan}")
