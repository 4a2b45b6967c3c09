"""Reading the size of an encoded picture from its header, and snapping a size to one that a service takes.

Nothing is decoded here: a picture of 30000 x 30000 pixels costs as much as one of 3 x 3.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC): ITU-T T.81, table B.1.
_JPEG_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_STANDALONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """The type and size of an encoded picture."""

    mime: str
    width_px: int
    height_px: int


def picture_info(data: bytes) -> PictureInfo | str:
    """Return what the header says, or a word for what the data is instead of a picture."""
    info = _png(data) or _jpeg(data) or _webp(data)
    if info is not None and info.width_px > 0 and info.height_px > 0:
        return info
    if not data:
        return "nothing"
    if data.lstrip()[:1] == b"<":
        return "markup"
    return "something else"


def nearest_ratio(width_px: int, height_px: int, ratios: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the ratio that is closest to the size, by the factor that one side would have to grow."""

    def stretch(ratio: tuple[int, int]) -> float:
        factor = (width_px * ratio[1]) / (height_px * ratio[0])
        return max(factor, 1 / factor)

    return min(ratios, key=stretch)


def _png(data: bytes) -> PictureInfo | None:
    # PNG (ISO/IEC 15948), 11.2.2: IHDR is the first chunk; width and height are its first eight bytes.
    if len(data) < 24 or not data.startswith(PNG_SIGNATURE) or data[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", data[16:24])
    return PictureInfo("image/png", width, height)


def _jpeg(data: bytes) -> PictureInfo | None:
    if not data.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_STANDALONE_MARKERS:
            at += 2
        elif marker in _JPEG_FRAME_MARKERS:
            if at + 9 > len(data):
                return None
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return PictureInfo("image/jpeg", width, height)
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _webp(data: bytes) -> PictureInfo | None:
    # RFC 9649, 2.5 to 2.7: lossy ("VP8 "), lossless ("VP8L") and extended ("VP8X") files.
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", data[26:30])
        return PictureInfo("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L" and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return PictureInfo("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        return PictureInfo(
            "image/webp", int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        )
    return None


def is_complete(data: bytes) -> bool:
    """Return whether a picture has its end: a transfer that was cut off has a header, but no end."""
    if data.startswith(PNG_SIGNATURE):
        return b"IEND" in data[-16:]
    if data.startswith(b"\xff\xd8"):
        return b"\xff\xd9" in data[-32:]
    return data[:4] == b"RIFF" and len(data) >= int.from_bytes(data[4:8], "little") + 8
