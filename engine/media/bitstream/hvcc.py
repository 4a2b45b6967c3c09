"""The HEVC decoder configuration record (hvcC, ISO/IEC 14496-15 8.3.3.1): read, write, merge."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import DamagedMedia
from engine.media.bitstream import nal
from engine.media.bitstream.nal import Framing, framing_of_length_size

NAL_VPS, NAL_SPS, NAL_PPS = 32, 33, 34

_HEAD_BYTES = 22


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
