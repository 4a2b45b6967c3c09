"""The HDR metadata of a stream in the words of the encoders.

FFmpeg gives it as the bytes of its own structures: AVMasteringDisplayMetadata (libavutil/mastering_display_metadata.h;
rationals, primaries in the order red, green, blue) and AVContentLightMetadata.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

from engine.model.media import VideoStream

_MASTERING = struct.Struct("=20i2i")
_LIGHT = struct.Struct("=2I")

# SMPTE ST 2086 as H.264 D.2.29 and H.265 D.3.28 code it: chromaticities in 1/50000, luminances in 1/10000 cd/m2.
_CHROMA_UNIT = 50_000
_LUMINANCE_UNIT = 10_000


@dataclass(frozen=True, slots=True)
class MasteringDisplay:
    """The display a film was graded on: CIE 1931 chromaticities of red, green, blue and white, luminance in cd/m2."""

    primaries: tuple[tuple[Fraction, Fraction], ...]
    white: tuple[Fraction, Fraction]
    darkest: Fraction
    brightest: Fraction


def mastering_display(video: VideoStream) -> MasteringDisplay | None:
    """Read the stream's mastering display, None where it has none or only half of one."""
    data = video.mastering_display
    if data is None or len(data) < _MASTERING.size:
        return None
    *numbers, has_primaries, has_luminance = _MASTERING.unpack_from(data)
    if not has_primaries or not has_luminance or 0 in numbers[1::2]:
        return None
    values = [Fraction(top, bottom) for top, bottom in zip(numbers[0::2], numbers[1::2], strict=True)]
    pairs = tuple(zip(values[0:8:2], values[1:8:2], strict=True))
    return MasteringDisplay(pairs[:3], pairs[3], values[8], values[9])


def content_light(video: VideoStream) -> tuple[int, int] | None:
    """Read the stream's MaxCLL and MaxFALL in cd/m2, None where it has none."""
    data = video.content_light
    if data is None or len(data) < _LIGHT.size:
        return None
    brightest, average = _LIGHT.unpack_from(data)
    return brightest, average


def coded_display(display: MasteringDisplay) -> str:
    """Return it as x264 and x265 read it: G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min) in the units of the SEI message."""
    red, green, blue = (tuple(round(part * _CHROMA_UNIT) for part in pair) for pair in display.primaries)
    white = tuple(round(part * _CHROMA_UNIT) for part in display.white)
    bright, dark = (round(value * _LUMINANCE_UNIT) for value in (display.brightest, display.darkest))
    return _named(green, blue, red, white, (bright, dark))


def plain_display(display: MasteringDisplay) -> str:
    """Return it as SVT-AV1 reads it: the same words with decimal numbers."""
    red, green, blue = (tuple(f"{float(part):.6f}" for part in pair) for pair in display.primaries)
    white = tuple(f"{float(part):.6f}" for part in display.white)
    light = tuple(f"{float(value):.6f}" for value in (display.brightest, display.darkest))
    return _named(green, blue, red, white, light)


def _named(*pairs: tuple[object, ...]) -> str:
    return "".join(f"{name}({x},{y})" for name, (x, y) in zip(("G", "B", "R", "WP", "L"), pairs, strict=True))
