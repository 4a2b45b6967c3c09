"""Bits of a byte string, most significant first, with the Exp-Golomb codes of H.264 and HEVC.

Knows nothing of emulation prevention: give it an RBSP (see nal.unescaped).
"""

from __future__ import annotations

from engine.errors import DamagedMedia

# ITU-T H.264 9.1 and H.265 9.2: no syntax element of either needs more than 32 leading zeros.
_MOST_ZEROS = 32


class BitReader:
    """Read bits from the start of a byte string; reading past the end raises DamagedMedia."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._end = len(data) * 8

    @property
    def position(self) -> int:
        """Return the number of bits read so far."""
        return self._at

    @property
    def remaining(self) -> int:
        """Return the number of bits not read yet."""
        return self._end - self._at

    def bits(self, count: int) -> int:
        """Read an unsigned number of `count` bits; u(n) in both standards."""
        end = self._at + count
        if end > self._end:
            raise DamagedMedia(f"coded data ends early: {count} bits wanted at bit {self._at} of {self._end}")
        last = (end + 7) >> 3
        value = int.from_bytes(self._data[self._at >> 3 : last], "big") >> (last * 8 - end)
        self._at = end
        return value & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        """Pass over `count` bits."""
        if self._at + count > self._end:
            raise DamagedMedia(f"coded data ends early: {count} bits to skip at bit {self._at} of {self._end}")
        self._at += count

    def ue(self) -> int:
        """Read an unsigned Exp-Golomb code (H.264 9.1, H.265 9.2)."""
        first = self._at >> 3
        if self._at < self._end and self._data[first] >> (7 - (self._at & 7)) & 1:
            # By far the most common code, and worth its own way: three in each slice header.
            self._at += 1
            return 0
        window = self._data[first : first + 6]
        width = len(window) * 8 - (self._at & 7)
        value = int.from_bytes(window, "big") & ((1 << width) - 1) if width > 0 else 0
        zeros = width - value.bit_length()
        if value == 0 or zeros > _MOST_ZEROS:
            raise DamagedMedia(f"no Exp-Golomb code at bit {self._at} of {self._end}")
        self.skip(zeros)
        return self.bits(zeros + 1) - 1

    def se(self) -> int:
        """Read a signed Exp-Golomb code (H.264 9.1.1, H.265 9.2.2)."""
        code = self.ue()
        return (code + 1) // 2 if code & 1 else -(code // 2)

    def rbsp_bits(self) -> int:
        """Return the number of unread bits before the stop bit (H.264 and H.265 7.3.2.11); negative behind it.

        Raises:
            DamagedMedia: there is no stop bit.
        """
        content = self._data.rstrip(b"\x00")
        if not content:
            raise DamagedMedia("a unit without a stop bit")
        return len(content) * 8 - (content[-1] & -content[-1]).bit_length() - self._at


class BitWriter:
    """Collect bits into a byte string."""

    __slots__ = ("_count", "_value")

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    @property
    def position(self) -> int:
        """Return the number of bits written so far."""
        return self._count

    def bits(self, value: int, count: int) -> None:
        """Write `value` as an unsigned number of `count` bits.

        Raises:
            ValueError: the value does not fit.
        """
        if not 0 <= value < 1 << count:
            raise ValueError(f"{value} does not fit in {count} bits")
        self._value = self._value << count | value
        self._count += count

    def ue(self, value: int) -> None:
        """Write an unsigned Exp-Golomb code."""
        if value < 0:
            raise ValueError(f"an unsigned code cannot hold {value}")
        length = (value + 1).bit_length()
        self.bits(value + 1, 2 * length - 1)

    def se(self, value: int) -> None:
        """Write a signed Exp-Golomb code."""
        self.ue(2 * value - 1 if value > 0 else -2 * value)

    def copy(self, reader: BitReader, count: int) -> None:
        """Move `count` bits from a reader."""
        self.bits(reader.bits(count), count)

    def aligned(self) -> bytes:
        """Return the bytes, the last one filled up with zeros."""
        padding = -self._count % 8
        return (self._value << padding).to_bytes((self._count + padding) // 8, "big")


def completed(writer: BitWriter, reader: BitReader) -> bytes:
    """Return the RBSP that goes on with what the reader has left: its bits, a stop bit, zeros to the byte.

    Raises:
        DamagedMedia: the reader's RBSP has ended already.
    """
    left = reader.rbsp_bits()
    if left < 0:
        raise DamagedMedia("a parameter set ends within its ids")
    writer.copy(reader, left)
    writer.bits(1, 1)
    return writer.aligned()


def ue_length(value: int) -> int:
    """Return the number of bits of an unsigned Exp-Golomb code."""
    return 2 * (value + 1).bit_length() - 1
