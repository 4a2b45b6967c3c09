"""VP8 packets (RFC 6386)."""

from __future__ import annotations

from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.model.frame_index import UnitKind

_KEY_START_CODE = b"\x9d\x01\x2a"


def facts(packet: bytes) -> UnitFacts:
    """Say what the packet, or its first bytes, holds: the frame tag of section 9.1."""
    if len(packet) < 3:
        return UNKNOWN
    shown = packet[0] & 0x10 != 0
    if packet[0] & 1:
        return UnitFacts(UnitKind.OTHER, shown=shown)
    if packet[3:6] != _KEY_START_CODE:
        return UNKNOWN
    return UnitFacts(UnitKind.IDR, shown=shown)
