"""AV1 packets: what frame they hold, and the sequence header that they may need in front.

Clauses are those of the AV1 Bitstream & Decoding Process Specification. Sequence headers and av1C: av1_sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.model.frame_index import UnitKind

# 6.2.2
OBU_SEQUENCE, OBU_DELIMITER, OBU_FRAME_HEADER, OBU_FRAME = 1, 2, 3, 6
_KEY_FRAME = 0


@dataclass(frozen=True, slots=True)
class Obu:
    """One open bitstream unit; data is the whole of it, payload what follows its header and size."""

    kind: int
    data: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class FrameHead:
    """The start of a frame header (5.9.2)."""

    key: bool
    shown: bool
    shows_existing: bool


def obus(data: bytes) -> Iterator[Obu]:
    """Yield the OBUs of a temporal unit (5.3); one that is cut off is yielded as far as it goes, and ends the walk."""
    at = 0
    while at < len(data):
        begin = at
        head = data[at]
        at += 2 if head & 4 else 1
        if head & 0x80 or at > len(data):
            return
        if head & 2:
            size, at = _leb128(data, at)
            if size is None:
                return
        else:
            size = len(data) - at
        yield Obu(head >> 3 & 15, data[begin : at + size], data[at : at + size])
        at += size


def frame_head(obu: Obu) -> FrameHead:
    """Read the start of the header of a frame or frame header OBU of a video (not of a reduced still picture).

    Raises:
        DamagedMedia: it is empty.
    """
    reader = BitReader(obu.payload[:1])
    if reader.flag():
        return FrameHead(key=False, shown=True, shows_existing=True)
    return FrameHead(key=reader.bits(2) == _KEY_FRAME, shown=reader.flag(), shows_existing=False)


def facts(packet: bytes) -> UnitFacts:
    """Say what the packet, a temporal unit, holds.

    Only a key frame that is shown at once is an entry: one that a later unit shows has pictures in between that need
    what came before (7.6.3).
    """
    shown, kind, first = False, UnitKind.OTHER, True
    for obu in obus(packet):
        if obu.kind in (OBU_FRAME, OBU_FRAME_HEADER):
            try:
                head = frame_head(obu)
            except DamagedMedia:
                return UNKNOWN
            shown = shown or head.shown
            if first and head.key and head.shown:
                kind = UnitKind.IDR
            first = False
    return UNKNOWN if first else UnitFacts(kind, shown=shown)


def sequence_header(data: bytes) -> bytes | None:
    """Return the first sequence header OBU of a temporal unit or of an av1C's configOBUs, None where there is none."""
    return next((obu.data for obu in obus(data) if obu.kind == OBU_SEQUENCE), None)


def with_sequence_header(packet: bytes, header: bytes) -> bytes:
    """Return the temporal unit with the sequence header in it, unless it has one.

    An entry may lean on the sequence header of the av1C; behind pictures of another sequence it needs its own (7.5).
    """
    if sequence_header(packet) is not None:
        return packet
    first = next(obus(packet), None)
    at = len(first.data) if first is not None and first.kind == OBU_DELIMITER else 0
    return packet[:at] + header + packet[at:]


def without_sequence_header(packet: bytes) -> bytes:
    """Return the temporal unit without its sequence header, if it has one."""
    return b"".join(obu.data for obu in obus(packet) if obu.kind != OBU_SEQUENCE)


def without_delimiters(packet: bytes) -> bytes:
    """Return the temporal unit as MP4 and Matroska hold it: without temporal delimiters (AV1 in ISOBMFF 2.4)."""
    return b"".join(obu.data for obu in obus(packet) if obu.kind != OBU_DELIMITER)


def _leb128(data: bytes, at: int) -> tuple[int | None, int]:
    # 4.10.5: at most eight bytes.
    value = 0
    for number in range(8):
        if at >= len(data):
            return None, at
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * number
        if not byte & 0x80:
            return value, at
    return None, at
