"""Bringing a project file of an earlier format to the present one, with a copy of the old file beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from engine.store.connection import transaction
from engine.store.new_file import copy_database
from engine.store.schema import VERSION

Step = Callable[[sqlite3.Connection], None]

STEPS: Mapping[int, Step] = {}
"""What turns a file of each earlier version into the next one's; inside a transaction."""


def migrate(connection: sqlite3.Connection, path: Path, version: int) -> Path:
    """Bring an open file from `version` to the present one, and return the copy that was made before.

    Each step is one transaction together with its version mark, so a crash leaves a file of one version or the next.
    """
    copy = path.with_name(f"{path.stem}.before-format-{VERSION}{path.suffix}")
    if not copy.exists():
        copy_database(connection, copy)
    for step in range(version, VERSION):
        with transaction(connection):
            STEPS[step](connection)
            connection.execute(f"PRAGMA user_version = {step + 1}")
    return copy
