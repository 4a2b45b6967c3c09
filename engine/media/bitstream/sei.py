"""Supplemental enhancement information of H.264 (7.3.2.3) and HEVC (7.3.5): messages and encoders' notes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.media.bitstream.bits import BitReader
from engine.media.bitstream.nal import escaped, unescaped

# H.264 D.1.1, H.265 D.2.1: user_data_registered_itu_t_t35, user_data_unregistered, recovery_point (H.264).
REGISTERED, UNREGISTERED, RECOVERY_POINT = 4, 5, 6

_UUID_BYTES = 16
# Where the notes of the two encoders begin; both put their settings behind "options:".
_NOTE = re.compile(rb"(x264|x265)\b([^\x00]*?)options: ([^\x00]*)", re.DOTALL)
# "x264 - core 164 r3095 ...", "x265 (build 199) - 3.5 ..."
_BUILD = re.compile(rb"(?:core |build )(\d+)")


def messages(unit: bytes, header_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Yield (payload type, payload) of each message of an SEI NAL unit; one that is cut off ends the walk.

    Args:
        unit: the NAL unit.
        header_bytes: the length of its NAL header: 1 in H.264, 2 in HEVC.
    """
    rbsp = unescaped(unit)
    end = len(rbsp)
    at = header_bytes
    # What is left for the trailing bits is one byte, 0x80.
    while at + 2 < end:
        kind = size = 0
        while at < end and rbsp[at] == 0xFF:
            kind += 255
            at += 1
        if at >= end:
            return
        kind += rbsp[at]
        at += 1
        while at < end and rbsp[at] == 0xFF:
            size += 255
            at += 1
        if at >= end:
            return
        size += rbsp[at]
        at += 1
        if at + size > end:
            return
        yield kind, rbsp[at : at + size]
        at += size


def message_unit(header: bytes, kind: int, payload: bytes) -> bytes:
    """Return an SEI NAL unit with one message.

    Args:
        header: the NAL header.
        kind: the payload type.
        payload: the message.
    """
    numbers = b"".join(b"\xff" * (number // 255) + bytes((number % 255,)) for number in (kind, len(payload)))
    return escaped(header + numbers + payload + b"\x80")


def recovery_frames(payload: bytes) -> int:
    """Return recovery_frame_cnt of an H.264 recovery point message (D.1.8): 0 means right from this picture on.

    Raises:
        DamagedMedia: the message is empty.
    """
    return BitReader(payload).ue()


def encoder_settings(units: Iterable[bytes], header_bytes: int) -> dict[str, str]:
    """Return the settings that x264 or x265 wrote into an unregistered user data message; empty where there are none.

    The encoder's own name stands under "encoder" (x264, x265), its build number under "build". A switch without value
    ("weightp", "no-wpp") maps to "1" or "0" under its bare name.

    Args:
        units: SEI NAL units.
        header_bytes: the length of a NAL header: 1 in H.264, 2 in HEVC.
    """
    for unit in units:
        for kind, payload in messages(unit, header_bytes):
            if kind == UNREGISTERED and (note := _NOTE.match(payload, _UUID_BYTES)):
                build = _BUILD.search(note[2])
                about = {"encoder": note[1].decode("ascii")}
                if build is not None:
                    about["build"] = build[1].decode("ascii")
                return about | _options(note[3].decode("ascii", "replace"))
    return {}


def is_note(kind: int, payload: bytes) -> bool:
    """Tell whether a message is x264's or x265's note about its settings."""
    return kind == UNREGISTERED and _NOTE.match(payload, _UUID_BYTES) is not None


def _options(text: str) -> dict[str, str]:
    options = {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals:
            options[name] = value
        elif name.startswith("no-"):
            options[name[3:]] = "0"
        else:
            options[name] = "1"
    return options
