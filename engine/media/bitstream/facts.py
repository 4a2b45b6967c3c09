"""What one packet says about the coded frame in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.model.frame_index import UnitKind


class Structure(Enum):
    """What part of a frame a packet holds."""

    FRAME = "frame"
    """A whole frame, also one whose two fields are coded apart but stand in the same packet."""
    TOP_FIELD = "top field"
    BOTTOM_FIELD = "bottom field"


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What a packet says by itself, without its neighbours.

    Attributes:
        kind: what a decoder may do here, as far as the packet alone tells (see units.classify).
        leading: an HEVC leading picture (RASL or RADL). In other codecs only the order of timestamps tells.
        shown: the packet yields a frame on the screen; False for hidden reference frames and for placeholders.
        structure: a whole frame or one of its fields.
        number: what the two fields of a frame share (H.264 frame_num, MPEG-2 temporal_reference); None where unknown.
        holds_next: it holds another picture too, whose place the next packet only keeps (DivX's packed bitstream).
    """

    kind: UnitKind
    leading: bool = False
    shown: bool = True
    structure: Structure = Structure.FRAME
    number: int | None = None
    holds_next: bool = False


UNKNOWN = UnitFacts(UnitKind.OTHER)
"""What is said of bytes that make no sense."""


def is_field_pair(first: UnitFacts, second: UnitFacts) -> bool:
    """Tell whether the second packet completes the frame whose first field the one before it holds.

    Only the first field of a frame can be an IDR picture (H.264 7.4.1.2.4), so an IDR field always starts a new frame.
    """
    if Structure.FRAME in (first.structure, second.structure) or first.structure is second.structure:
        return False
    return second.kind is not UnitKind.IDR and first.number is not None and first.number == second.number
