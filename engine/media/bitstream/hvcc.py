"""The HEVC decoder configuration record (hvcC, ISO/IEC 14496-15 8.3.3.1): read, write, merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.errors import DamagedMedia, UnsupportedMedia
from engine.media.bitstream import nal
from engine.media.bitstream.hevc_sets import Sps, parse_sps
from engine.media.bitstream.nal import Framing, framing_of_length_size

NAL_VPS, NAL_SPS, NAL_PPS = 32, 33, 34

_HEAD_BYTES = 22
_TIER = 0x20
# min_spatial_segmentation_idc 0 and parallelismType 0: no promise; the reserved bits are ones.
_ANY_SEGMENTATION = b"\xf0\x00\xfc"


@dataclass(frozen=True, slots=True)
class NalArray:
    """The parameter sets or SEI of one NAL unit type.

    Attributes:
        complete: all sets of the type are here and none in the packets (required by sample entry hvc1).
    """

    nal_type: int
    complete: bool
    units: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HvcC:
    """An hvcC record.

    Attributes:
        head: its first 22 bytes: profile, tier, level, chroma format, bit depths, temporal layers, length size.
    """

    head: bytes
    arrays: tuple[NalArray, ...]

    def units(self, nal_type: int) -> tuple[bytes, ...]:
        """Return the NAL units of one type."""
        return tuple(unit for array in self.arrays if array.nal_type == nal_type for unit in array.units)


def is_hvcc(extradata: bytes) -> bool:
    """Tell whether extradata is an hvcC and not parameter sets behind start codes.

    Early files have version 0, so the version alone does not tell.
    """
    return len(extradata) > _HEAD_BYTES and (extradata[0] != 0 or extradata[1] != 0 or extradata[2] > 1)


def framing(extradata: bytes) -> Framing:
    """Return how the stream's packets hold their NAL units.

    Raises:
        DamagedMedia: the hvcC's length size is not allowed.
    """
    if not is_hvcc(extradata):
        return Framing.START_CODES
    return framing_of_length_size((extradata[21] & 3) + 1)


def parse_hvcc(extradata: bytes) -> HvcC:
    """Read an hvcC.

    Raises:
        DamagedMedia: not an hvcC, or it ends early.
    """
    if not is_hvcc(extradata):
        raise DamagedMedia(f"no hvcC: {len(extradata)} bytes that start with {extradata[:4].hex(' ')}")
    arrays = []
    at = _HEAD_BYTES + 1
    for _ in range(extradata[_HEAD_BYTES]):
        if at + 3 > len(extradata):
            raise DamagedMedia(f"an hvcC of {len(extradata)} bytes ends within its arrays")
        kind, count = extradata[at], int.from_bytes(extradata[at + 1 : at + 3], "big")
        at += 3
        units = []
        for _ in range(count):
            length = int.from_bytes(extradata[at : at + 2], "big")
            at += 2
            if length == 0 or at + length > len(extradata):
                raise DamagedMedia(f"an hvcC of {len(extradata)} bytes holds a unit of {length} at byte {at}")
            units.append(extradata[at : at + length])
            at += length
        arrays.append(NalArray(kind & 63, kind & 0x80 != 0, tuple(units)))
    return HvcC(extradata[:_HEAD_BYTES], tuple(arrays))


def serialised(record: HvcC) -> bytes:
    """Return the bytes of an hvcC.

    Raises:
        UnsupportedMedia: a unit is longer than 65535 bytes.
    """
    parts = [record.head, bytes((len(record.arrays),))]
    for array in record.arrays:
        parts.append(bytes((0x80 * array.complete | array.nal_type,)))
        parts.append(len(array.units).to_bytes(2, "big"))
        parts.append(nal.join(array.units, Framing.LENGTH_2))
    return b"".join(parts)


def hvcc_from_annexb(sets: bytes, framing: Framing = Framing.LENGTH_4) -> bytes:
    """Return an hvcC, as sample entry hvc1 wants it, for parameter sets behind start codes, as encoders give them.

    Raises:
        DamagedMedia: one of the three kinds is missing, or the SPS cannot be read.
        ValueError: start codes are no framing for an hvcC.
    """
    if framing is Framing.START_CODES:
        raise ValueError("an hvcC is for length-prefixed packets")
    units = nal.split(sets, Framing.START_CODES)
    arrays = tuple(
        NalArray(kind, True, tuple(dict.fromkeys(unit for unit in units if unit[0] >> 1 & 63 == kind)))
        for kind in (NAL_VPS, NAL_SPS, NAL_PPS)
    )
    for array in arrays:
        if not array.units:
            raise DamagedMedia(f"an hvcC needs a parameter set of NAL unit type {array.nal_type}")
    sps = parse_sps(arrays[1].units[0])
    head = (
        b"\x01"
        + sps.profile_bytes
        + bytes((sps.level,))
        + _ANY_SEGMENTATION
        + bytes((0xFC | sps.chroma_format, 0xF8 | sps.luma_depth - 8, 0xF8 | sps.chroma_depth - 8, 0, 0))
        + bytes((sps.temporal_layers << 3 | sps.temporal_nesting << 2 | int(framing) - 1,))
    )
    return serialised(HvcC(head, arrays))


def merge_hvcc(extradata: bytes, added: Sequence[bytes]) -> bytes:
    """Return the hvcC with parameter sets added; those that it holds already are not repeated.

    Ids are not looked at: the caller has chosen free ones. What the record says of all sets is widened: the highest
    tier and level, the flags that all share, no promise about parallel decoding.

    Raises:
        DamagedMedia: the hvcC or an added SPS cannot be read.
        UnsupportedMedia: an added SPS differs in chroma format or bit depth, which one record cannot say.
    """
    record = parse_hvcc(extradata)
    head = record.head
    arrays = list(record.arrays)
    for unit in dict.fromkeys(added):
        kind = unit[0] >> 1 & 63
        if unit in record.units(kind):
            continue
        if kind == NAL_SPS:
            head = _widened(head, parse_sps(unit))
        at = next((number for number, array in enumerate(arrays) if array.nal_type == kind), None)
        if at is None:
            arrays.append(NalArray(kind, False, (unit,)))
        else:
            arrays[at] = replace(arrays[at], units=(*arrays[at].units, unit))
    return serialised(HvcC(head, tuple(arrays)))


def units_of(extradata: bytes) -> list[bytes]:
    """Return the NAL units of a stream's extradata, hvcC or Annex B or empty.

    Raises:
        DamagedMedia: it cannot be read.
    """
    if not extradata:
        return []
    if is_hvcc(extradata):
        return [unit for array in parse_hvcc(extradata).arrays for unit in array.units]
    return nal.split(extradata, Framing.START_CODES)


def _widened(head: bytes, sps: Sps) -> bytes:
    ours = (sps.chroma_format, sps.luma_depth, sps.chroma_depth)
    theirs = (head[16] & 3, 8 + (head[17] & 7), 8 + (head[18] & 7))
    if ours != theirs:
        raise UnsupportedMedia(f"chroma format and bit depths {ours} cannot share a stream with the source's {theirs}")
    space_tier_profile = head[1] | sps.profile_bytes[0] & _TIER
    flags = bytes(a & b for a, b in zip(head[2:12], sps.profile_bytes[1:], strict=True))
    level = max(head[12], sps.level)
    layers = max(head[21] >> 3 & 7, sps.temporal_layers)
    nesting_and_rest = head[21] & 0xC3 | layers << 3 | head[21] & sps.temporal_nesting << 2
    return (
        head[:1]
        + bytes((space_tier_profile,))
        + flags
        + bytes((level,))
        + _ANY_SEGMENTATION
        + head[16:21]
        + bytes((nesting_and_rest,))
    )
