"""What the writers have in common that copy a file and exchange pictures inside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotPatchable:
    """Why a file cannot be changed in place; its packets may still be written anew."""

    reason: str
