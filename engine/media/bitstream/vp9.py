"""VP9 packets: superframes and the uncompressed header (VP9 Bitstream & Decoding Process Specification, v0.6)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.model.frame_index import UnitKind

_SYNC_CODE = 0x498342
_RGB = 7


@dataclass(frozen=True, slots=True)
class Format:
    """What a key frame fixes for the frames after it (7.2.2): equal on both sides of a splice.

    Attributes:
        colour_space: as coded (Table in 7.2.2); 2 is BT.709.
        subsampling: halvings of the chroma planes across and down; (1, 1) is 4:2:0.
    """

    profile: int
    bit_depth: int
    colour_space: int
    full_range: bool
    subsampling: tuple[int, int]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FrameHead:
    """The start of an uncompressed header (6.2)."""

    key: bool
    shown: bool
    shows_existing: bool
    format: Format | None


def facts(packet: bytes) -> UnitFacts:
    """Say what the packet holds; a packet may bundle a hidden frame and the frame that is shown (Annex B)."""
    shown = False
    kind = UnitKind.OTHER
    for number, frame in enumerate(frames(packet)):
        try:
            head = frame_head(frame)
        except DamagedMedia:
            return UNKNOWN
        shown = shown or head.shown
        if number == 0 and head.key:
            kind = UnitKind.IDR
    return UnitFacts(kind, shown=shown)


def frames(packet: bytes) -> list[bytes]:
    """Return the frames of a packet, as its superframe index says (Annex B.3); one frame where it has no index."""
    if not packet or packet[-1] & 0xE0 != 0xC0:
        return [packet]
    marker = packet[-1]
    count, size = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = len(packet) - 2 - count * size
    if index < 0 or packet[index] != marker:
        return [packet]
    result = []
    at = 0
    for number in range(count):
        entry = index + 1 + number * size
        length = int.from_bytes(packet[entry : entry + size], "little")
        if length == 0 or at + length > index:
            return [packet]
        result.append(packet[at : at + length])
        at += length
    return result


def frame_head(frame: bytes) -> FrameHead:
    """Read the start of a frame's uncompressed header.

    Raises:
        DamagedMedia: it ends early or is none.
    """
    reader = BitReader(frame[:32])
    if reader.bits(2) != 2:
        raise DamagedMedia("no VP9 frame: its marker is missing")
    profile = reader.bits(1) | reader.bits(1) << 1
    if profile == 3:
        reader.skip(1)
    if reader.flag():
        return FrameHead(key=False, shown=True, shows_existing=True, format=None)
    key, shown = not reader.flag(), reader.flag()
    reader.skip(1)
    if not key:
        return FrameHead(key=False, shown=shown, shows_existing=False, format=None)
    if reader.bits(24) != _SYNC_CODE:
        raise DamagedMedia("no VP9 key frame: its sync code is missing")
    bit_depth = (12 if reader.flag() else 10) if profile >= 2 else 8
    colour_space = reader.bits(3)
    subsampling = (1, 1)
    if colour_space == _RGB:
        full_range, subsampling = True, (0, 0)
        reader.skip(profile & 1)
    else:
        full_range = reader.flag()
        if profile & 1:
            subsampling = (reader.bits(1), reader.bits(1))
            reader.skip(1)
    width, height = reader.bits(16) + 1, reader.bits(16) + 1
    return FrameHead(
        True, shown, False, Format(profile, bit_depth, colour_space, full_range, subsampling, width, height)
    )
