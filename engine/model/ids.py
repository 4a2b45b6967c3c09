"""Names of things inside a project: short, random, unique without a counter to keep."""

from __future__ import annotations

import secrets


def new_id() -> str:
    """Return a fresh id (64 random bits, 16 lower-case hex digits).

    Made by whoever builds an edit, never by `apply`: an edit applied twice gives the same project.
    """
    return secrets.token_hex(8)
