"""Codecs whose every frame stands alone, and FFV1, whose frames nearly do."""

from __future__ import annotations

from engine.media.bitstream.facts import UNKNOWN, UnitFacts
from engine.model.frame_index import UnitKind

# fmt: off
CODECS = frozenset((
    "aic", "asv1", "asv2", "avui", "ayuv", "bmp", "cfhd", "cllc", "dnxhd", "dpx", "dvvideo", "exr", "ffvhuff", "hap",
    "hq_hqa", "hqx", "huffyuv", "jpeg2000", "jpegls", "jpegxl", "lagarith", "ljpeg", "magicyuv", "mjpeg", "mjpegb",
    "png", "prores", "prores_raw", "qoi", "r10k", "r210", "rawvideo", "sheervideo", "speedhq", "targa", "tiff",
    "utvideo", "v210", "v308", "v408", "v410", "webp", "yuv4",
))
# fmt: on
"""FFmpeg's names of codecs without any reference between frames."""

_KEY = UnitFacts(UnitKind.IDR)
# RFC 9043 3.8.1: the range coder starts with its first two bytes against a range of 0xFF00, and the first symbol,
# keyframe, starts in state 128, which splits the range in half.
_FFV1_SPLIT = 0xFF00 - (0xFF00 * 128 >> 8)


def facts(packet: bytes) -> UnitFacts:
    """Say that the packet is a clean entry."""
    return _KEY if packet else UNKNOWN


def ffv1_facts(packet: bytes) -> UnitFacts:
    """Read the keyframe bit of an FFV1 frame (RFC 9043 4.4).

    Between keyframes only the adaptive states of the coder carry over, so a frame in between is no entry.
    """
    if len(packet) < 2:
        return UNKNOWN
    return _KEY if int.from_bytes(packet[:2], "big") >= _FFV1_SPLIT else UnitFacts(UnitKind.OTHER)
