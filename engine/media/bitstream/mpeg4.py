"""MPEG-4 part 2 packets (ISO/IEC 14496-2), as coded by DivX, Xvid, FFmpeg and phones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.errors import DamagedMedia
from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.model.frame_index import UnitKind

_START_CODE = b"\x00\x00\x01"
# Table 6-3
_FIRST_LAYER, _LAST_LAYER = 0x20, 0x2F
_GROUP, _PLANE = 0xB3, 0xB6
_I, _P, _B, _SPRITE = range(4)
_EXTENDED_PAR = 15
_RECTANGULAR, _GREYSCALE = 0, 3
_STATIC, _GLOBAL_MOTION = 1, 2


@dataclass(frozen=True, slots=True)
class Layer:
    """A video object layer header (6.2.3).

    Attributes:
        ticks_per_second: vop_time_increment_resolution.
        low_delay: the stream says that it has no B pictures.
        width, height: 0 unless the shape is rectangular.
        sprite: 0 none, 1 static, 2 global motion.
        has_matrices: coefficients are quantised as in MPEG-1, not as in H.263.
        quarter_sample: motion is told in quarters of a sample.
        coding: what else pictures are read by: shape, overlapped motion, precision, quantiser matrices, partitions,
            scalability.
    """

    ticks_per_second: int
    low_delay: bool
    width: int
    height: int
    interlaced: bool
    sprite: int
    has_matrices: bool
    quarter_sample: bool
    coding: tuple[int | bytes | None, ...]

    @property
    def increment_bits(self) -> int:
        """Return the length of vop_time_increment."""
        return max(1, (self.ticks_per_second - 1).bit_length())


@dataclass(frozen=True, slots=True)
class _Plane:
    """A VOP: its coding type and whether anything is coded; None where the layer is not known."""

    coding_type: int
    coded: bool | None


def facts(packet: bytes, extradata: bytes) -> UnitFacts:
    """Say what the packet holds.

    An I picture is IDR in a closed group or in a stream without B pictures, else OPEN_I. A picture with nothing coded
    repeats the last one, and decoders give no frame for it; or, in a packed stream, it keeps the place of a B picture
    that came with the packet before, which decoders give then.
    """
    planes = list(_planes(packet, extradata))
    if not planes:
        return UNKNOWN
    coded = sum(plane.coded is not False for plane in planes)
    if planes[0].coding_type != _I:
        return UnitFacts(UnitKind.OTHER, shown=coded > 0, holds_next=coded > 1)
    layer = _layer(packet) or _layer(extradata)
    group = next((start for start, code in _headers(packet) if code == _GROUP), None)
    # A group's header: a time code of 18 bits, then closed_gov.
    closed = group is not None and len(packet) > group + 2 and packet[group + 2] & 0x20 != 0
    kind = UnitKind.IDR if closed or (layer is not None and layer.low_delay) else UnitKind.OPEN_I
    return UnitFacts(kind, shown=coded > 0, holds_next=coded > 1)


def unit_kind(packet: bytes, extradata: bytes) -> UnitKind:
    """Return IDR, OPEN_I or OTHER."""
    return facts(packet, extradata).kind


def is_packed(packet: bytes, extradata: bytes) -> bool:
    """Tell whether the packet holds two pictures: a "packed bitstream" of DivX, whose packets are not frames."""
    return facts(packet, extradata).holds_next


def parse_layer(data: bytes) -> Layer:
    """Read the video object layer header in a packet or extradata.

    Raises:
        DamagedMedia: there is none, or it ends early.
    """
    start = next((at for at, code in _headers(data) if _FIRST_LAYER <= code <= _LAST_LAYER), None)
    if start is None:
        raise DamagedMedia(f"no MPEG-4 video object layer in {len(data)} bytes")
    reader = BitReader(data[start : start + 256])
    reader.skip(9)
    version = 1
    if reader.flag():
        version = reader.bits(4)
        reader.skip(3)
    if reader.bits(4) == _EXTENDED_PAR:
        reader.skip(16)
    low_delay = False
    if reader.flag():
        reader.skip(2)
        low_delay = reader.flag()
        if reader.flag():
            reader.skip(79)
    shape = reader.bits(2)
    if shape == _GREYSCALE and version != 1:
        reader.skip(4)
    reader.skip(1)
    ticks = reader.bits(16)
    if ticks == 0:
        raise DamagedMedia("an MPEG-4 stream with a clock of 0 Hz")
    reader.skip(1)
    if reader.flag():
        reader.skip(max(1, (ticks - 1).bit_length()))
    width = height = 0
    if shape == _RECTANGULAR:
        reader.skip(1)
        width = reader.bits(13)
        reader.skip(1)
        height = reader.bits(13)
        reader.skip(1)
    interlaced, no_overlap = reader.flag(), reader.bits(1)
    sprite = reader.bits(1 if version == 1 else 2)
    if sprite:
        reader.skip(56 if sprite == _STATIC else 0)
        reader.skip(9 if sprite == _GLOBAL_MOTION else 10)
    if version != 1 and shape != _RECTANGULAR:
        reader.skip(1)
    precision = reader.bits(8) if reader.flag() else 0
    if shape == _GREYSCALE:
        reader.skip(3)
    has_matrices = reader.flag()
    matrices = (_matrix(reader), _matrix(reader)) if has_matrices else (None, None)
    quarter_sample = version != 1 and reader.flag()
    plain = reader.bits(1)
    rest = 0
    if plain:
        # Resync markers are codes that nothing else can be taken for: pictures without any read the same either way.
        reader.skip(1)
        partitioned = reader.flag()
        reversible = reader.bits(1) if partitioned else 0
        new_prediction = 0
        if version != 1 and reader.flag():
            new_prediction = 1
            reader.skip(3)
        reduced = reader.bits(1) if version != 1 else 0
        for flag in (partitioned, reversible, new_prediction, reduced, reader.bits(1)):
            rest = rest << 1 | flag
    coding = (shape, no_overlap, precision, *matrices, plain, rest)
    return Layer(ticks, low_delay, width, height, interlaced, sprite, has_matrices, quarter_sample, coding)


def can_share(source: Layer, own: Layer) -> bool:
    """Tell whether I and P pictures coded under `own` mean the same under `source`, so that they need no layer header.

    The pictures hold no resync markers.

    Sprites take no part: I and P pictures do not use them. Nor does low_delay, which tells a decoder to hold no picture
    back: a header that says so in the middle of a stream with B pictures costs a frame.
    """
    return replace(source, low_delay=own.low_delay, sprite=0) == replace(own, sprite=0) and not own.sprite


def _matrix(reader: BitReader) -> bytes | None:
    """Read a quantiser matrix: up to 64 weights, a zero ends it; None where the standard's own applies."""
    if not reader.flag():
        return None
    weights = bytearray()
    while len(weights) < 64 and (weight := reader.bits(8)):
        weights.append(weight)
    return bytes(weights)


def header_bytes(packet: bytes) -> bytes:
    """Return what stands before the packet's first group or picture: object, layer and user data; maybe nothing."""
    for start, code in _starts(packet):
        if code in (_GROUP, _PLANE):
            return packet[: start - 4]
    return packet


@lru_cache(maxsize=8)
def _layer_of_extradata(data: bytes) -> Layer | None:
    try:
        return parse_layer(data)
    except DamagedMedia:
        return None


def _layer(data: bytes) -> Layer | None:
    return _layer_of_extradata(header_bytes(data))


def _planes(packet: bytes, extradata: bytes) -> Iterator[_Plane]:
    layer = _layer(packet) or _layer(extradata)
    for start, code in _starts(packet):
        if code == _PLANE and len(packet) > start:
            yield _plane(packet[start : start + 16], layer)


def _plane(data: bytes, layer: Layer | None) -> _Plane:
    reader = BitReader(data)
    coding_type = reader.bits(2)
    if layer is None:
        return _Plane(coding_type, None)
    try:
        while reader.flag():
            pass
        reader.skip(1 + layer.increment_bits + 1)
        return _Plane(coding_type, reader.flag())
    except DamagedMedia:
        return _Plane(coding_type, None)


def _starts(packet: bytes) -> Iterator[tuple[int, int]]:
    """Yield (position behind the start code, its value)."""
    at = packet.find(_START_CODE)
    while 0 <= at < len(packet) - 3:
        yield at + 4, packet[at + 3]
        at = packet.find(_START_CODE, at + 3)


def _headers(packet: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start codes before the first picture."""
    for start, code in _starts(packet):
        if code == _PLANE:
            return
        yield start, code
