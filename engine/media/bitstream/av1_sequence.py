"""The AV1 sequence header (5.5) and the av1C box that repeats it (AV1 Codec ISO Media File Format Binding 2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream import av1
from engine.media.bitstream.bits import BitReader

_AV1C_HEAD_BYTES = 4
_AV1C_VERSION = 0x81
_UNSPECIFIED = (2, 2, 2)
# BT.709 primaries, sRGB transfer, identity matrix: always 4:4:4 and full range (5.5.2).
_SRGB = (1, 13, 0)
_CHOSEN_BY_FRAME = 2
# Levels above 3.3 have two tiers.
_HIGHEST_WITHOUT_TIER = 7


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence header, as far as both sides of a splice have to agree or an encoder imitates it.

    Attributes:
        level: seq_level_idx of the first operating point. tier: 0 main, 1 high.
        subsampling: halvings of the chroma planes across and down; (1, 1) is 4:2:0.
        colour: primaries, transfer and matrix as in ISO/IEC 23091-2.
        chroma_position: chroma_sample_position, 0 where unknown.
        width, height: the largest frame.
    """

    profile: int
    level: int
    tier: int
    bit_depth: int
    monochrome: bool
    subsampling: tuple[int, int]
    colour: tuple[int, int, int]
    full_range: bool
    chroma_position: int
    width: int
    height: int
    film_grain: bool


def same_format(one: Sequence, other: Sequence) -> bool:
    """Tell whether frames of both can stand in one track: what av1C says and the size of the frames is equal."""
    return (one.profile, one.bit_depth, one.monochrome, one.subsampling, one.width, one.height) == (
        other.profile, other.bit_depth, other.monochrome, other.subsampling, other.width, other.height
    )  # fmt: skip


def is_av1c(extradata: bytes) -> bool:
    """Tell whether extradata is an av1C and not bare OBUs."""
    return len(extradata) >= _AV1C_HEAD_BYTES and extradata[0] == _AV1C_VERSION


def config_obus(extradata: bytes) -> bytes:
    """Return the OBUs of a stream's extradata, av1C or bare."""
    return extradata[_AV1C_HEAD_BYTES:] if is_av1c(extradata) else extradata


def make_av1c(header: bytes) -> bytes:
    """Return an av1C for the sequence header OBU.

    Raises:
        DamagedMedia: the header cannot be read.
    """
    sequence = parse_sequence(header)
    format_byte = (
        sequence.tier << 7
        | (sequence.bit_depth > 8) << 6
        | (sequence.bit_depth == 12) << 5
        | sequence.monochrome << 4
        | sequence.subsampling[0] << 3
        | sequence.subsampling[1] << 2
        | sequence.chroma_position
    )
    return bytes((_AV1C_VERSION, sequence.profile << 5 | sequence.level, format_byte, 0)) + header


def parse_sequence(data: bytes) -> Sequence:
    """Read the first sequence header OBU in a temporal unit or in configOBUs.

    Raises:
        DamagedMedia: there is none, or it ends early.
    """
    obu = next((obu for obu in av1.obus(data) if obu.kind == av1.OBU_SEQUENCE), None)
    if obu is None:
        raise DamagedMedia(f"no AV1 sequence header in {len(data)} bytes")
    reader = BitReader(obu.payload)
    profile = reader.bits(3)
    reader.skip(1)
    reduced = reader.flag()
    level, tier = (reader.bits(5), 0) if reduced else _operating_points(reader)
    width_bits, height_bits = reader.bits(4) + 1, reader.bits(4) + 1
    width, height = reader.bits(width_bits) + 1, reader.bits(height_bits) + 1
    if not reduced and reader.flag():
        reader.skip(7)
    reader.skip(3)
    if not reduced:
        _skip_tools(reader)
    reader.skip(3)
    bit_depth = 8
    if reader.flag():
        bit_depth = 12 if profile == 2 and reader.flag() else 10
    monochrome = profile != 1 and reader.flag()
    colour = (reader.bits(8), reader.bits(8), reader.bits(8)) if reader.flag() else _UNSPECIFIED
    subsampling, full_range, position = _chroma(reader, profile, bit_depth, monochrome, colour)
    return Sequence(
        profile, level, tier, bit_depth, monochrome, subsampling, colour, full_range, position, width, height,
        film_grain=reader.flag(),
    )  # fmt: skip


def _operating_points(reader: BitReader) -> tuple[int, int]:
    delay_bits = 0
    if reader.flag():
        reader.skip(64)
        if reader.flag():
            _skip_uvlc(reader)
        if reader.flag():
            delay_bits = reader.bits(5) + 1
            reader.skip(42)
    has_display_delay = reader.flag()
    level = tier = 0
    for number in range(reader.bits(5) + 1):
        reader.skip(12)
        its_level = reader.bits(5)
        its_tier = reader.bits(1) if its_level > _HIGHEST_WITHOUT_TIER else 0
        if number == 0:
            level, tier = its_level, its_tier
        if delay_bits and reader.flag():
            reader.skip(2 * delay_bits + 1)
        if has_display_delay and reader.flag():
            reader.skip(4)
    return level, tier


def _skip_tools(reader: BitReader) -> None:
    reader.skip(4)
    order_hint = reader.flag()
    if order_hint:
        reader.skip(2)
    screen_content = _CHOSEN_BY_FRAME if reader.flag() else reader.bits(1)
    if screen_content and not reader.flag():
        reader.skip(1)
    if order_hint:
        reader.skip(3)


def _chroma(
    reader: BitReader, profile: int, bit_depth: int, monochrome: bool, colour: tuple[int, int, int]
) -> tuple[tuple[int, int], bool, int]:
    # 5.5.2
    if monochrome:
        return (1, 1), reader.flag(), 0
    subsampling, full_range, position = (0, 0), True, 0
    if colour != _SRGB:
        full_range = reader.flag()
        if profile == 0:
            subsampling = (1, 1)
        elif profile == 2:
            across = reader.bits(1) if bit_depth == 12 else 1
            subsampling = (across, reader.bits(1) if bit_depth == 12 and across else 0)
        if subsampling == (1, 1):
            position = reader.bits(2)
    reader.skip(1)
    return subsampling, full_range, position


def _skip_uvlc(reader: BitReader) -> None:
    # 4.10.3
    zeros = 0
    while not reader.flag():
        zeros += 1
    if zeros < 32:
        reader.skip(zeros)
