"""What a still picture's header says, read from its bytes alone, before any decoder sees it.

Nothing is decoded here; engine.media.picture does that once the size is known to be sane.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace
from enum import Enum

from engine.errors import PictureError
from engine.model.picture import PictureColour


class PictureCodec(Enum):
    """A still picture format; the value is FFmpeg's decoder."""

    PNG = "png"
    JPEG = "mjpeg"
    WEBP = "webp"
    TIFF = "tiff"


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """The facts that decide how a picture is decoded.

    Attributes:
        width, height: in pixels, as stored (before orientation).
        orientation: the Exif tag, 1 to 8; 1 is upright.
        premultiplied: whether the colour is stored multiplied by its alpha (TIFF ExtraSamples 1).
    """

    codec: PictureCodec
    width: int
    height: int
    orientation: int = 1
    colour: PictureColour = PictureColour.SRGB
    premultiplied: bool = False


_ORIENTATION = 274
_EXTRA_SAMPLES = 338
_ICC_PROFILE = 34675
_ICC_LIMIT = 16 << 20

# Green primary, x and z of the D50-adapted colorant relative to its Y (ICC.1, 9.2.30): enough to tell the three apart.
_GREEN_COLORANTS = {
    PictureColour.SRGB: (0.3851, 0.7169, 0.0971),
    PictureColour.DISPLAY_P3: (0.2920, 0.6922, 0.0419),
    PictureColour.ADOBE_RGB: (0.2053, 0.6257, 0.0609),
}


def read_picture_header(data: bytes, name: str) -> PictureHeader:
    """Return what the first bytes of a PNG, JPEG, WebP or TIFF say.

    Args:
        data: the file's bytes.
        name: how messages call it.

    Raises:
        PictureError: another format, or a header that is cut short or contradicts itself.
    """
    try:
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            header = _png(data)
        elif data[:2] == b"\xff\xd8":
            header = _jpeg(data)
        elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            header = _webp(data)
        elif data[:4] in (b"II*\0", b"MM\0*"):
            header = _tiff(data)
        else:
            raise PictureError(f"{name} is no PNG, JPEG, WebP or TIFF picture; save it as one of these")
    except (struct.error, IndexError, ValueError, zlib.error) as damage:
        raise PictureError(f"{name} has a damaged header ({damage}); save the picture again") from None
    if header.width < 1 or header.height < 1:
        raise PictureError(f"{name} has a damaged header (size {header.width}x{header.height}); save the picture again")
    return header


def _png(data: bytes) -> PictureHeader:
    """Walk the chunks up to the image data (W3C PNG, 5.3)."""
    width, height = struct.unpack_from(">4x4xII", data, 8)
    header = PictureHeader(PictureCodec.PNG, width, height)
    at = 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind == b"iCCP":
            packed = body[body.index(b"\0") + 2 :]
            header = replace(header, colour=_icc_colour(zlib.decompressobj().decompress(packed, _ICC_LIMIT)))
        elif kind == b"cICP" and body[:2] == b"\x0c\x0d":
            header = replace(header, colour=PictureColour.DISPLAY_P3)
        elif kind == b"eXIf":
            header = replace(header, orientation=_exif_orientation(body))
        elif kind == b"IEND":
            break
        at += 12 + size
    return header


def _jpeg(data: bytes) -> PictureHeader:
    """Walk the marker segments up to the scan (ITU-T T.81, B.1.1)."""
    size: tuple[int, int] | None = None
    orientation, profile = 1, b""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError(f"no marker at byte {at}")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        length = struct.unpack_from(">H", data, at + 2)[0]
        body = data[at + 4 : at + 2 + length]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if size is not None:
                raise ValueError("two frame headers")
            height, width = struct.unpack_from(">xHH", body)
            size = width, height
        elif marker == 0xE1 and body[:6] == b"Exif\0\0":
            orientation = _exif_orientation(body[6:])
        elif marker == 0xE2 and body[:12] == b"ICC_PROFILE\0":
            profile += body[14:]
        elif marker == 0xDA:
            break
        at += 2 + length
    if size is None:
        raise ValueError("no frame header")
    colour = _icc_colour(profile) if profile else PictureColour.SRGB
    return PictureHeader(PictureCodec.JPEG, *size, orientation, colour)


def _webp(data: bytes) -> PictureHeader:
    """Walk the RIFF chunks (RFC 9649, 2.3 to 2.7)."""
    width = height = 0
    orientation, colour = 1, PictureColour.SRGB
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + size]
        if kind == b"VP8X":
            width = 1 + int.from_bytes(body[4:7], "little")
            height = 1 + int.from_bytes(body[7:10], "little")
            if body[0] & 0x02:
                raise ValueError("an animation, not a still picture")
        elif kind == b"VP8 ":
            across, down = struct.unpack_from("<HH", body, 6)
            width, height = max(width, across & 0x3FFF), max(height, down & 0x3FFF)
        elif kind == b"VP8L":
            bits = struct.unpack_from("<I", body, 1)[0]
            width, height = max(width, 1 + (bits & 0x3FFF)), max(height, 1 + (bits >> 14 & 0x3FFF))
        elif kind == b"ICCP":
            colour = _icc_colour(body)
        elif kind == b"EXIF":
            orientation = _exif_orientation(body.removeprefix(b"Exif\0\0"))
        at += 8 + size + size % 2
    return PictureHeader(PictureCodec.WEBP, width, height, orientation, colour)


def _tiff(data: bytes) -> PictureHeader:
    tags = _tiff_tags(data)
    profile = tags.get(_ICC_PROFILE)
    return PictureHeader(
        PictureCodec.TIFF,
        int(tags[256]) if 256 in tags else 0,
        int(tags[257]) if 257 in tags else 0,
        _valid_orientation(tags.get(_ORIENTATION, 1)),
        _icc_colour(profile) if isinstance(profile, bytes) else PictureColour.SRGB,
        tags.get(_EXTRA_SAMPLES) == 1,
    )


def _exif_orientation(exif: bytes) -> int:
    """Return the orientation of an Exif block, upright where the block is damaged: it is a hint, not the picture."""
    try:
        return _valid_orientation(_tiff_tags(exif).get(_ORIENTATION, 1))
    except (struct.error, ValueError):
        return 1


def _valid_orientation(value: int | bytes) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _tiff_tags(data: bytes) -> dict[int, int | bytes]:
    """Return the first value of the numeric tags of the first directory, byte blocks whole (TIFF 6.0, section 2)."""
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, at)
    tags: dict[int, int | bytes] = {}
    for entry in range(count):
        tag, kind, number, value = struct.unpack_from(order + "HHII", data, at + 2 + 12 * entry)
        if kind == 3 and number:
            where = at + 2 + 12 * entry + 8 if number <= 2 else value
            tags[tag] = struct.unpack_from(order + "H", data, where)[0]
        elif kind == 4 and number == 1:
            tags[tag] = value
        elif kind in (1, 7) and number > 4:
            tags[tag] = data[value : value + min(number, _ICC_LIMIT)]
    return tags


def _icc_colour(profile: bytes) -> PictureColour:
    """Return the space whose green is nearest to the profile's; sRGB where it has none (gray, CMYK, look-up tables)."""
    if len(profile) < 132 or profile[16:20] != b"RGB ":
        return PictureColour.SRGB
    (count,) = struct.unpack_from(">I", profile, 128)
    for entry in range(min(count, 100)):
        signature, offset, _ = struct.unpack_from(">4sII", profile, 132 + 12 * entry)
        if signature == b"gXYZ":
            green = [value / 65536 for value in struct.unpack_from(">iii", profile, offset + 8)]
            return min(
                _GREEN_COLORANTS,
                key=lambda space: sum((a - b) ** 2 for a, b in zip(green, _GREEN_COLORANTS[space], strict=True)),
            )
    return PictureColour.SRGB
