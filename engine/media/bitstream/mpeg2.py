"""MPEG-1 and MPEG-2 video packets.

Clauses are those of ISO/IEC 13818-2; MPEG-1 (ISO/IEC 11172-2) has the same start codes without the extensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.facts import UNKNOWN, Structure, UnitFacts
from engine.model.frame_index import UnitKind

_START_CODE = b"\x00\x00\x01"
# Table 6-1
_PICTURE, _FIRST_SLICE, _LAST_SLICE = 0x00, 0x01, 0xAF
_USER_DATA, _SEQUENCE, _EXTENSION, _GROUP = 0xB2, 0xB3, 0xB5, 0xB8
# Table 6-2
_SEQUENCE_EXTENSION, _QUANT_MATRIX_EXTENSION, _PICTURE_CODING_EXTENSION = 1, 3, 8
_INTRA_PICTURE = 1
# Table 6-14
_STRUCTURES = {1: Structure.TOP_FIELD, 2: Structure.BOTTOM_FIELD}


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence header and its extension (6.2.2.1, 6.2.2.3).

    Attributes:
        aspect, rate: aspect_ratio_information and frame_rate_code, as coded (Tables 6-3 and 6-4).
        bit_rate: in units of 400 bit/s. vbv_size: in units of 16384 bits.
        intra_matrix, inter_matrix: the 64 weights in zigzag order, None where the standard's own apply.
        profile_level: profile_and_level_indication, None in MPEG-1.
        chroma_format: 1 4:2:0, 2 4:2:2, 3 4:4:4.
    """

    width: int
    height: int
    aspect: int
    rate: int
    bit_rate: int
    vbv_size: int
    intra_matrix: bytes | None
    inter_matrix: bytes | None
    profile_level: int | None
    progressive: bool
    chroma_format: int
    low_delay: bool


@dataclass(frozen=True, slots=True)
class Group:
    """The flags of a group of pictures header (6.2.2.6)."""

    closed: bool
    broken_link: bool


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long and in which order the fields of a frame are shown (6.3.10)."""

    top_field_first: bool
    repeat_first_field: bool
    progressive: bool


def facts(packet: bytes) -> UnitFacts:
    """Say what the packet, or its first bytes up to its first slice, holds.

    An I picture is IDR in a group that is marked closed, else OPEN_I: pictures behind it in display order never need
    what came before it (6.1.1.11: P and B pictures refer to the last two I or P pictures only).
    """
    closed = False
    picture: tuple[int, int] | None = None
    structure = Structure.FRAME
    for start, code in _starts(packet):
        if code == _GROUP:
            closed = len(packet) > start + 3 and packet[start + 3] & 0x40 != 0
        elif code == _PICTURE:
            if picture is not None:
                # The packet holds both fields of a frame.
                structure = Structure.FRAME
                break
            if len(packet) < start + 2:
                return UNKNOWN
            head = int.from_bytes(packet[start : start + 2], "big")
            picture = (head >> 6, head >> 3 & 7)
        elif code == _EXTENSION and picture is not None and len(packet) > start + 2:
            if packet[start] >> 4 == _PICTURE_CODING_EXTENSION:
                structure = _STRUCTURES.get(packet[start + 2] & 3, Structure.FRAME)
        elif _FIRST_SLICE <= code <= _LAST_SLICE and structure is Structure.FRAME:
            break
    if picture is None:
        return UNKNOWN
    number, coding_type = picture
    kind = UnitKind.OTHER
    if coding_type == _INTRA_PICTURE:
        kind = UnitKind.IDR if closed else UnitKind.OPEN_I
    return UnitFacts(kind, structure=structure, number=number)


def unit_kind(packet: bytes) -> UnitKind:
    """Return IDR, OPEN_I or OTHER."""
    return facts(packet).kind


def group(packet: bytes) -> Group | None:
    """Return the flags of the packet's group of pictures header, None where it has none."""
    for start, code in _headers(packet):
        if code == _GROUP and len(packet) > start + 3:
            return Group(packet[start + 3] & 0x40 != 0, packet[start + 3] & 0x20 != 0)
    return None


def sequence_bytes(packet: bytes) -> bytes | None:
    """Return the sequence header and its extensions as they stand in a packet or extradata, None if there is none."""
    begin: int | None = None
    for start, code in _headers(packet):
        if code == _SEQUENCE and begin is None:
            begin = start - 4
        elif code in (_GROUP, _PICTURE) and begin is not None:
            return packet[begin : start - 4]
    return None if begin is None else packet[begin:]


def parse_sequence(data: bytes) -> Sequence:
    """Read the sequence header, and its extension if any, out of a packet or extradata.

    Raises:
        DamagedMedia: there is none, or it ends early.
    """
    begin = next((start for start, code in _headers(data) if code == _SEQUENCE), None)
    if begin is None:
        raise DamagedMedia(f"no MPEG sequence header in {len(data)} bytes")
    reader = BitReader(data[begin : begin + 140])
    width, height, aspect, rate = reader.bits(12), reader.bits(12), reader.bits(4), reader.bits(4)
    bit_rate = reader.bits(18)
    reader.skip(1)
    vbv_size = reader.bits(10)
    reader.skip(1)
    intra_matrix, inter_matrix = (
        bytes(reader.bits(8) for _ in range(64)) if reader.flag() else None for _ in ("intra", "inter")
    )
    profile_level, progressive, chroma_format, low_delay = None, True, 1, False
    for start, code in _headers(data[begin:]):
        if code == _EXTENSION and data[begin + start] >> 4 == _SEQUENCE_EXTENSION:
            extension = BitReader(data[begin + start : begin + start + 6])
            extension.skip(4)
            profile_level, progressive, chroma_format = extension.bits(8), extension.flag(), extension.bits(2)
            width |= extension.bits(2) << 12
            height |= extension.bits(2) << 12
            bit_rate |= extension.bits(12) << 18
            extension.skip(1)
            vbv_size |= extension.bits(8) << 10
            low_delay = extension.flag()
            break
    return Sequence(
        width,
        height,
        aspect,
        rate,
        bit_rate,
        vbv_size,
        intra_matrix,
        inter_matrix,
        profile_level,
        progressive,
        chroma_format,
        low_delay,
    )


def has_matrix_extension(packet: bytes) -> bool:
    """Tell whether a picture of the packet loads quantiser matrices of its own.

    They stay in force until the next sequence header (6.3.11), so pictures behind a splice may rely on them.
    """
    return any(
        code == _EXTENSION and start < len(packet) and packet[start] >> 4 == _QUANT_MATRIX_EXTENSION
        for start, code in _headers(packet)
    )


def without_matrices(header: bytes) -> bytes:
    """Return a sequence header and its extensions with the standard's own quantiser matrices.

    Args:
        header: as sequence_bytes gives it.
    """
    # A header without matrices ends with its 64th bit; each one adds 64 bytes, the second one's flag stands before it.
    begin = header.index(_START_CODE) + 4
    stop = header.find(_START_CODE, begin)
    stop = len(header) if stop < 0 else stop
    return header[: begin + 7] + bytes((header[begin + 7] & 0xFC,)) + header[stop:]


def cadence(packet: bytes) -> Cadence | None:
    """Read the flags of the packet's first picture coding extension, None where it has none (MPEG-1)."""
    at = _picture_coding(packet)
    if at is None:
        return None
    return Cadence(packet[at + 3] & 0x80 != 0, packet[at + 3] & 0x02 != 0, packet[at + 4] & 0x80 != 0)


def with_cadence(packet: bytes, source: bytes) -> bytes:
    """Return a progressive picture with the field order and the repeated field of the source's progressive picture."""
    own, its, at = cadence(packet), cadence(source), _picture_coding(packet)
    if own is None or its is None or at is None or not (own.progressive and its.progressive):
        return packet
    flags = packet[at + 3] & ~0x82 | its.top_field_first << 7 | its.repeat_first_field << 1
    return packet[: at + 3] + bytes((flags,)) + packet[at + 4 :]


def picture_user_data(packet: bytes) -> bytes:
    """Return the user data behind the picture's headers, each with its start code; maybe nothing."""
    found = []
    in_picture = False
    for start, code in _headers(packet):
        in_picture = in_picture or code == _PICTURE
        if in_picture and code == _USER_DATA:
            stop = packet.find(_START_CODE, start)
            found.append(packet[start - 4 : len(packet) if stop < 0 else stop])
    return b"".join(found)


def with_user_data(packet: bytes, user_data: bytes) -> bytes:
    """Return the packet with user data behind the headers of its picture, unless it has some there already."""
    slices = next((start for start, code in _starts(packet) if _FIRST_SLICE <= code <= _LAST_SLICE), None)
    if not user_data or slices is None or picture_user_data(packet):
        return packet
    return packet[: slices - 4] + user_data + packet[slices - 4 :]


def with_closed_group(packet: bytes) -> bytes:
    """Return the packet with its group marked closed and unbroken, which is true once its leading pictures are gone."""
    return _with_group(packet, Group(closed=True, broken_link=False))


def with_broken_link(packet: bytes) -> bytes:
    """Return the packet with its group marked open and broken: what its leading pictures need is not there."""
    return _with_group(packet, Group(closed=False, broken_link=True))


def _with_group(packet: bytes, flags: Group) -> bytes:
    for start, code in _headers(packet):
        if code == _GROUP and len(packet) > start + 3:
            changed = packet[start + 3] & ~0x60 | flags.closed << 6 | flags.broken_link << 5
            return packet[: start + 3] + bytes((changed,)) + packet[start + 4 :]
    return packet


def _picture_coding(packet: bytes) -> int | None:
    """Return where the payload of the first picture coding extension begins (6.2.3.1)."""
    for start, code in _headers(packet):
        if code == _EXTENSION and len(packet) > start + 4 and packet[start] >> 4 == _PICTURE_CODING_EXTENSION:
            return start
    return None


def _starts(packet: bytes) -> Iterator[tuple[int, int]]:
    """Yield (position behind the start code, its value)."""
    at = packet.find(_START_CODE)
    while 0 <= at < len(packet) - 3:
        yield at + 4, packet[at + 3]
        at = packet.find(_START_CODE, at + 3)


def _headers(packet: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start codes before the first slice."""
    for start, code in _starts(packet):
        if _FIRST_SLICE <= code <= _LAST_SLICE:
            return
        yield start, code
