"""What a packet of any supported codec holds: the one question the frame index asks.

Cheap: only headers are read. Robust: bytes that make no sense are OTHER.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.media.bitstream import av1, h264, hevc, intra, mpeg2, mpeg4, vp8, vp9
from engine.media.bitstream.facts import UNKNOWN, Structure, UnitFacts, is_field_pair

__all__ = ["Structure", "UnitFacts", "classify", "is_field_pair", "is_known"]

_Reader = Callable[[bytes, bytes], UnitFacts]


def classify(codec: str, packet: bytes, extradata: bytes) -> UnitFacts:
    """Say what a packet holds, from its own bytes and the stream's extradata.

    Only what the packet itself says: that a picture is shown before the I picture it follows (a leading picture in MPEG
    or H.264) shows in the timestamps, so an OPEN_I without one may be taken for an IDR.

    Args:
        codec: FFmpeg's name of the codec; packets of a codec that is not known here are OTHER.
        packet: as FFmpeg's demuxers give it. For H.264, HEVC and MPEG-2 its first bytes will do, as long as they reach
            into the first slice.
        extradata: the stream's, as FFmpeg gives it.

    Raises:
        DamagedMedia: the extradata does not say how packets are framed.
    """
    reader = _READERS.get(codec)
    return reader(packet, extradata) if reader and packet else UNKNOWN


def is_known(codec: str) -> bool:
    """Tell whether packets of the codec can be classified."""
    return codec in _READERS


def _h264(packet: bytes, extradata: bytes) -> UnitFacts:
    framing, sps = h264.stream(extradata)
    return h264.facts(packet, framing, sps)


def _hevc(packet: bytes, extradata: bytes) -> UnitFacts:
    return hevc.facts(packet, hevc.framing(extradata))


_READERS: dict[str, _Reader] = {
    "h264": _h264,
    "hevc": _hevc,
    "mpeg1video": lambda packet, _: mpeg2.facts(packet),
    "mpeg2video": lambda packet, _: mpeg2.facts(packet),
    "mpeg4": mpeg4.facts,
    "vp8": lambda packet, _: vp8.facts(packet),
    "vp9": lambda packet, _: vp9.facts(packet),
    "av1": lambda packet, _: av1.facts(packet),
    "ffv1": lambda packet, _: intra.ffv1_facts(packet),
} | {codec: lambda packet, _: intra.facts(packet) for codec in intra.CODECS}
