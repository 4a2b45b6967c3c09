"""The H.264 decoder configuration record (avcC, ISO/IEC 14496-15 5.3.3.1): read, write, merge.

The record is FFmpeg's extradata of streams with length-prefixed packets; other streams' extradata are the bare
parameter sets behind start codes, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import nal
from engine.media.bitstream.h264_sets import parse_sps
from engine.media.bitstream.nal import Framing, framing_of_length_size

NAL_SPS = 7
NAL_PPS = 8

# 5.3.3.1.2: the profiles whose record ends with chroma format, bit depths and SPS extensions.
_PROFILES_WITH_TAIL = frozenset({100, 110, 122, 144, 244, 44})
_MOST_SPS = 31
_MOST_PPS = 255


@dataclass(frozen=True, slots=True)
class AvcC:
    """An avcC record.

    Attributes:
        profile, compatibility, level: as in the SPS.
        tail: the bytes after the picture parameter sets, as found: High profiles' chroma format, bit depths and SPS
            extensions.
    """

    profile: int
    compatibility: int
    level: int
    framing: Framing
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes = b""


def is_avcc(extradata: bytes) -> bool:
    """Tell whether extradata is an avcC; Annex B starts with a zero byte, an avcC with its version, 1."""
    return len(extradata) >= 7 and extradata[0] == 1


def framing(extradata: bytes) -> Framing:
    """Return how the stream's packets hold their NAL units.

    Raises:
        DamagedMedia: the avcC's length size is not allowed.
    """
    if not is_avcc(extradata):
        return Framing.START_CODES
    return framing_of_length_size((extradata[4] & 3) + 1)


def parse_avcc(extradata: bytes) -> AvcC:
    """Read an avcC.

    Raises:
        DamagedMedia: not an avcC, or it ends early.
    """
    if not is_avcc(extradata):
        raise DamagedMedia(f"no avcC: {len(extradata)} bytes that start with {extradata[:4].hex(' ')}")
    sps, at = _units(extradata, 6, extradata[5] & 31)
    if at >= len(extradata):
        raise DamagedMedia("an avcC ends before its picture parameter sets")
    pps, at = _units(extradata, at + 1, extradata[at])
    return AvcC(extradata[1], extradata[2], extradata[3], framing(extradata), sps, pps, extradata[at:])


def serialised(record: AvcC) -> bytes:
    """Return the bytes of an avcC.

    Raises:
        UnsupportedMedia: more parameter sets than a record can hold.
    """
    if len(record.sps) > _MOST_SPS or len(record.pps) > _MOST_PPS:
        raise UnsupportedMedia(
            f"an avcC holds {_MOST_SPS} sequence and {_MOST_PPS} picture parameter sets, not {len(record.sps)} and "
            f"{len(record.pps)}"
        )
    head = bytes(
        (1, record.profile, record.compatibility, record.level, 0xFC | int(record.framing) - 1, 0xE0 | len(record.sps))
    )
    sps = nal.join(record.sps, Framing.LENGTH_2)
    pps = nal.join(record.pps, Framing.LENGTH_2)
    return head + sps + bytes((len(record.pps),)) + pps + record.tail


def make_avcc(sps: Sequence[bytes], pps: Sequence[bytes], framing: Framing = Framing.LENGTH_4) -> bytes:
    """Return an avcC for the parameter sets; its profile and level are those of the first SPS.

    Raises:
        DamagedMedia: no SPS, or one that cannot be read.
        ValueError: start codes are no framing for an avcC.
    """
    if framing is Framing.START_CODES:
        raise ValueError("an avcC is for length-prefixed packets")
    if not sps:
        raise DamagedMedia("an avcC needs a sequence parameter set")
    first = parse_sps(sps[0])
    tail = b""
    if first.profile in _PROFILES_WITH_TAIL:
        tail = bytes((0xFC | first.chroma_format, 0xF8 | first.luma_depth - 8, 0xF8 | first.chroma_depth - 8, 0))
    record = AvcC(first.profile, first.constraints, first.level, framing, tuple(sps), tuple(pps), tail)
    return serialised(record)


def avcc_from_annexb(sets: bytes, framing: Framing = Framing.LENGTH_4) -> bytes:
    """Return an avcC for parameter sets that stand behind start codes, as encoders give them.

    Raises:
        DamagedMedia: no sequence parameter set among them.
    """
    sps, pps = sets_in(nal.split(sets, Framing.START_CODES))
    return make_avcc(sps, pps, framing)


def merge_avcc(extradata: bytes, sps: Iterable[bytes], pps: Iterable[bytes]) -> bytes:
    """Return the avcC with parameter sets added; those that it holds already are not repeated.

    Ids are not looked at: the caller has chosen free ones. The level becomes the highest, the compatibility flags those
    that all sets share; the High profiles' tail stays as it was found.

    Raises:
        DamagedMedia: the avcC or an added SPS cannot be read.
        UnsupportedMedia: an added SPS differs in chroma format or bit depth, which one record cannot say.
    """
    record = parse_avcc(extradata)
    compatibility, level = record.compatibility, record.level
    described = [parse_sps(unit) for unit in record.sps[:1]]
    new_sps = tuple(unit for unit in dict.fromkeys(sps) if unit not in record.sps)
    for unit in new_sps:
        added = parse_sps(unit)
        for present in described:
            ours = (added.chroma_format, added.luma_depth, added.chroma_depth)
            theirs = (present.chroma_format, present.luma_depth, present.chroma_depth)
            if ours != theirs:
                raise UnsupportedMedia(
                    f"chroma format and bit depths {ours} cannot share a stream with the source's {theirs}"
                )
        compatibility &= added.constraints
        level = max(level, added.level)
    new_pps = tuple(unit for unit in dict.fromkeys(pps) if unit not in record.pps)
    return serialised(
        replace(record, compatibility=compatibility, level=level, sps=record.sps + new_sps, pps=record.pps + new_pps)
    )


def sets_of(extradata: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the sequence and the picture parameter sets of a stream's extradata, avcC or Annex B or empty.

    Raises:
        DamagedMedia: it cannot be read.
    """
    if not extradata:
        return (), ()
    if is_avcc(extradata):
        record = parse_avcc(extradata)
        return record.sps, record.pps
    return sets_in(nal.split(extradata, Framing.START_CODES))


def sets_in(units: Iterable[bytes]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the sequence and the picture parameter sets among NAL units, in their order, repeats left out."""
    sps: dict[bytes, None] = {}
    pps: dict[bytes, None] = {}
    for unit in units:
        if unit[0] & 31 == NAL_SPS:
            sps[unit] = None
        elif unit[0] & 31 == NAL_PPS:
            pps[unit] = None
    return tuple(sps), tuple(pps)


def _units(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    units = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        at += 2
        if length == 0 or at + length > len(data):
            raise DamagedMedia(f"an avcC of {len(data)} bytes holds a parameter set of {length} at byte {at}")
        units.append(data[at : at + length])
        at += length
    return tuple(units), at
