"""Markers: named places, on the timeline or on a source's frames."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.model.place import Place


class MarkerKind(Enum):
    """What a marker is for."""

    PLAIN = "plain"
    CHAPTER = "chapter"
    """It becomes a chapter of the exported film."""
    CALL_TO_ACTION = "cta"


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker; a place of one frame is a point."""

    id: str
    place: Place
    kind: MarkerKind = MarkerKind.PLAIN
    name: str = ""
    note: str = ""
