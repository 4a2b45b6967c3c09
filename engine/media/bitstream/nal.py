"""NAL units and the two ways packets hold them: behind start codes, or behind their length.

Which of the two a packet uses is known from the stream's extradata only. `00 00 01` at its start is no test: it is also
the length of a unit of 256 to 511 bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from engine.errors import DamagedMedia, UnsupportedMedia

_START_CODE = b"\x00\x00\x01"
_LONG_START_CODE = b"\x00\x00\x00\x01"
_TO_ESCAPE = re.compile(rb"\x00\x00(?=[\x00-\x03])")


class Framing(IntEnum):
    """How a packet separates its NAL units; the value is the number of bytes of a length, 0 for start codes.

    Start codes: H.264 and H.265 Annex B. Lengths: ISO/IEC 14496-15 5.3.3.1 (three bytes are not allowed).
    """

    START_CODES = 0
    LENGTH_1 = 1
    LENGTH_2 = 2
    LENGTH_4 = 4


def framing_of_length_size(size: int) -> Framing:
    """Return the framing with lengths of `size` bytes.

    Raises:
        DamagedMedia: not 1, 2 or 4.
    """
    if size not in (1, 2, 4):
        raise DamagedMedia(f"the length of a NAL unit takes 1, 2 or 4 bytes, not {size}")
    return Framing(size)


def spans(packet: bytes, framing: Framing) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of each NAL unit in the packet, header byte included.

    Lenient: a unit that reaches beyond the packet is cut at its end, so the first bytes of a packet will do where only
    headers are wanted. Empty units are left out.
    """
    end = len(packet)
    if framing is Framing.START_CODES:
        start = packet.find(_START_CODE)
        while start >= 0:
            start += 3
            following = packet.find(_START_CODE, start)
            stop = end if following < 0 else following
            # Annex B: zero bytes before a start code belong to no unit, and no unit ends in one.
            while stop > start and packet[stop - 1] == 0:
                stop -= 1
            if stop > start:
                yield start, stop
            start = following
        return
    size = int(framing)
    at = 0
    while at + size < end:
        length = int.from_bytes(packet[at : at + size], "big")
        at += size
        if length:
            yield at, min(at + length, end)
        at += length


def starts(packet: bytes, framing: Framing) -> Iterator[int]:
    """Yield where each NAL unit starts, one by one: cheaper than `spans` where only the first units matter."""
    if framing is Framing.START_CODES:
        end = len(packet)
        start = packet.find(_START_CODE)
        while 0 <= start < end - 3:
            yield start + 3
            start = packet.find(_START_CODE, start + 3)
    else:
        for start, _ in spans(packet, framing):
            yield start


def unit_at(packet: bytes, start: int, framing: Framing) -> bytes:
    """Return the NAL unit that starts at a position which `starts` gave, cut at the packet's end."""
    if framing is Framing.START_CODES:
        stop = packet.find(_START_CODE, start)
        return (packet[start:] if stop < 0 else packet[start:stop]).rstrip(b"\x00")
    size = int(framing)
    return packet[start : start + int.from_bytes(packet[start - size : start], "big")]


def split(packet: bytes, framing: Framing) -> list[bytes]:
    """Return the NAL units of a whole packet.

    Raises:
        DamagedMedia: a length reaches beyond the packet, or a packet with start codes holds none.
    """
    if framing is Framing.START_CODES:
        if packet and _START_CODE not in packet:
            raise DamagedMedia(f"no start code in a packet of {len(packet)} bytes")
        return [packet[start:stop] for start, stop in spans(packet, framing)]
    units = []
    size = int(framing)
    at = 0
    while at < len(packet):
        length = int.from_bytes(packet[at : at + size], "big")
        at += size
        if at + length > len(packet):
            raise DamagedMedia(f"a NAL unit of {length} bytes at byte {at} reaches beyond its packet of {len(packet)}")
        if length:
            units.append(packet[at : at + length])
        at += length
    return units


def join(units: Iterable[bytes], framing: Framing) -> bytes:
    """Return a packet that holds the NAL units, with start codes of four bytes or with lengths.

    Raises:
        UnsupportedMedia: a unit is too long for the stream's length field.
    """
    if framing is Framing.START_CODES:
        return b"".join(_LONG_START_CODE + unit for unit in units)
    size = int(framing)
    parts = []
    for unit in units:
        if len(unit) >> (8 * size):
            raise UnsupportedMedia(f"a NAL unit of {len(unit)} bytes does not fit this stream's {size}-byte lengths")
        parts += [len(unit).to_bytes(size, "big"), unit]
    return b"".join(parts)


def reframed(packet: bytes, source: Framing, target: Framing) -> bytes:
    """Return the packet in another framing."""
    return join(split(packet, source), target)


def escaped(rbsp: bytes) -> bytes:
    """Insert emulation prevention bytes (H.264 and H.265 7.4.1)."""
    result = _TO_ESCAPE.sub(b"\x00\x00\x03", rbsp)
    # A unit must not end in zeros; only trailing cabac_zero_words can make it.
    return result + b"\x03" if result.endswith(b"\x00\x00") else result


def unescaped(unit: bytes) -> bytes:
    """Remove emulation prevention bytes; the unit's header is kept."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")
