"""What rides along with a single frame inside its packet, and is lost when the frame is encoded anew.

H.264 and HEVC hold captions (CEA-608/708) and HDR10+ in messages registered by ITU-T T.35, what a camera notes of each
frame (AVCHD: date, time, exposure) in unregistered ones, Dolby Vision in a NAL unit behind the slices. MPEG-2 holds
captions and the active picture area in the user data of the picture, and beside it whether a film's frame is shown for
two fields or three.
"""

from __future__ import annotations

from engine.media.bitstream import h264, hevc, mpeg2, nal, sei
from engine.media.bitstream.nal import Framing

# Dolby Vision Streams within the ISO Base Media File Format, 2.2: the unspecified type 62 holds the RPU.
_DOLBY_VISION = 62
_FIRST_NON_VCL = 32

CODECS = frozenset({"h264", "hevc", "mpeg2video"})
"""Those whose packets carry something."""


def with_carried(codec: str, packet: bytes, source: bytes, framing: Framing) -> bytes:
    """Return the packet with what the source's packet of the same frame carries and it does not.

    Args:
        codec: FFmpeg's name; others than CODECS carry nothing.
        packet: the newly coded frame.
        source: the source's packet of that frame.
        framing: how both hold their NAL units.

    Raises:
        DamagedMedia: one of the packets cannot be read.
    """
    match codec:
        case "h264":
            return _with_h264(packet, source, framing)
        case "hevc":
            return _with_hevc(packet, source, framing)
        case "mpeg2video":
            return mpeg2.with_user_data(mpeg2.with_cadence(packet, source), mpeg2.picture_user_data(source))
    return packet


def _with_h264(packet: bytes, source: bytes, framing: Framing) -> bytes:
    own, theirs = nal.split(packet, framing), nal.split(source, framing)
    added = _added(_user_data(theirs, h264.NAL_SEI, 1), _user_data(own, h264.NAL_SEI, 1), bytes((h264.NAL_SEI,)))
    at = next((n for n, unit in enumerate(own) if unit[0] & 31 in h264.SLICES), len(own))
    return nal.join([*own[:at], *added, *own[at:]], framing) if added else packet


def _with_hevc(packet: bytes, source: bytes, framing: Framing) -> bytes:
    own, theirs = nal.split(packet, framing), nal.split(source, framing)
    kind = hevc.NAL_PREFIX_SEI << 1
    # A header of layer 0 and of the lowest temporal layer.
    added = _added(_user_data(theirs, kind, 2), _user_data(own, kind, 2), bytes((kind, 1)))
    behind = [unit for unit in theirs if hevc.nal_type(unit[0]) == _DOLBY_VISION and unit not in own]
    at = next((n for n, unit in enumerate(own) if hevc.nal_type(unit[0]) < _FIRST_NON_VCL), len(own))
    return nal.join([*own[:at], *added, *own[at:], *behind], framing) if added or behind else packet


def _user_data(units: list[bytes], header: int, header_bytes: int) -> list[tuple[int, bytes]]:
    """Return the user data messages of the SEI units, which are told by the first byte of their header."""
    return [
        (kind, payload)
        for unit in units
        if unit[0] == header
        for kind, payload in sei.messages(unit, header_bytes)
        if kind in (sei.REGISTERED, sei.UNREGISTERED) and not sei.is_note(kind, payload)
    ]


def _added(theirs: list[tuple[int, bytes]], own: list[tuple[int, bytes]], header: bytes) -> list[bytes]:
    return [sei.message_unit(header, *message) for message in theirs if message not in own]
