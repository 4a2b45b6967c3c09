"""The tables of a project file, its marks, and what is allowed to stand in its schema."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from engine.errors import ProjectDamaged, ProjectTooNew

APPLICATION_ID = int.from_bytes(b"DCUT", "big")
VERSION = 1

WAY_OUT = "recover what is readable into a new project (deltacut recover)"
"""What a person can do about a damaged file; ends the messages."""

TABLES = {
    "meta": "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL, digest BLOB NOT NULL)",
    "journal": (
        "CREATE TABLE journal (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL,"
        " at_ms INTEGER NOT NULL, digest BLOB NOT NULL, chain BLOB NOT NULL)"
    ),
    "snapshots": "CREATE TABLE snapshots (seq INTEGER PRIMARY KEY, payload BLOB NOT NULL, digest BLOB NOT NULL)",
    "takes": (
        "CREATE TABLE takes (id TEXT PRIMARY KEY, media_type TEXT NOT NULL, size INTEGER NOT NULL,"
        " chunks INTEGER NOT NULL, details TEXT NOT NULL, digest BLOB NOT NULL)"
    ),
    "chunks": (
        "CREATE TABLE chunks (take_id TEXT NOT NULL, number INTEGER NOT NULL, data BLOB NOT NULL,"
        " digest BLOB NOT NULL, PRIMARY KEY (take_id, number))"
    ),
    "places": (
        "CREATE TABLE places (source_id TEXT PRIMARY KEY, absolute TEXT NOT NULL, relative TEXT NOT NULL,"
        " size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content_hash TEXT NOT NULL, digest BLOB NOT NULL)"
    ),
    "records": (
        "CREATE TABLE records (kind TEXT NOT NULL, id TEXT NOT NULL, payload TEXT NOT NULL, digest BLOB NOT NULL,"
        " PRIMARY KEY (kind, id))"
    ),
}
"""Each table's statement, exactly as it stands in the file."""

LARGE_FILE = 256 << 20
"""Beyond this many bytes only the small tables are checked at opening; takes are checked as they are read."""


def row_digest(*columns: str | int | bytes) -> bytes:
    """Return the digest of a row (BLAKE2b-128 over its columns, each with its type and length)."""
    digest = hashlib.blake2b(digest_size=16, person=b"dcut-row")
    for column in columns:
        data = column if isinstance(column, bytes) else str(column).encode()
        digest.update(b"%c%d:" % (type(column).__name__.encode()[0], len(data)))
        digest.update(data)
    return digest.digest()


def create_tables(connection: sqlite3.Connection) -> None:
    """Write the marks and the tables into an empty file, in the open transaction."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
    for statement in TABLES.values():
        connection.execute(statement)


def read_version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a project file.

    Raises:
        ProjectDamaged: it is no project file. ProjectTooNew: it was written by a later version.
    """
    application_id = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application_id != APPLICATION_ID:
        raise ProjectDamaged(f"{path} is no Deltacut project (its mark is {application_id:#x})")
    if version > VERSION:
        raise ProjectTooNew(
            f"{path} was written by a later version of Deltacut (format {version}, this one reads up to {VERSION});"
            " update Deltacut to open it"
        )
    if version < 1:
        raise ProjectDamaged(f"{path} has the impossible format {version}")
    return int(version)


def check_structure(connection: sqlite3.Connection, path: Path, tables: dict[str, str]) -> None:
    """Refuse a schema that holds anything but our tables, and a file whose pages do not fit together.

    A stranger's file could hold triggers, or views that pose as tables: nothing of it may run.

    Raises:
        ProjectDamaged: something else stands in it, or it is damaged.
    """
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    for kind, name, table, sql in found:
        ours = kind == "table" and tables.get(name) == sql
        automatic = kind == "index" and sql is None and name == f"sqlite_autoindex_{table}_1" and table in tables
        if not (ours or automatic):
            raise ProjectDamaged(f"{path} holds something that no project holds: {kind} {str(name)[:60]!r}")
    missing = tables.keys() - {name for kind, name, _, _ in found if kind == "table"}
    if missing:
        raise ProjectDamaged(f"{path} lacks its table {min(missing)!r}; {WAY_OUT}")
    if connection.execute("PRAGMA encoding").fetchone()[0] != "UTF-8":
        raise ProjectDamaged(f"{path} is not in UTF-8, as every project is")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    size = pages * connection.execute("PRAGMA page_size").fetchone()[0]
    checks = ["PRAGMA quick_check(1)"]
    if size > LARGE_FILE:
        checks = [f"PRAGMA quick_check('{table}')" for table in tables if table != "chunks"]
    for check in checks:
        verdict = connection.execute(check).fetchone()[0]
        if verdict != "ok":
            said = " ".join(str(verdict).split())
            raise ProjectDamaged(f"{path} is damaged ({said[:120]}); {WAY_OUT}")
