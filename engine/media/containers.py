"""Which FFmpeg muxer writes a file, and the options under which it keeps a stream's timestamps and identity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum
from fractions import Fraction
from pathlib import Path

from engine.model.media import MediaInfo

_BY_SUFFIX = {
    ".mkv": "matroska",
    ".mka": "matroska",
    ".webm": "webm",
    ".ts": "mpegts",
    ".mts": "mpegts",
    ".m2t": "mpegts",
    ".m2ts": "mpegts",
    ".mpg": "vob",
    ".mpeg": "vob",
    ".vob": "vob",
    ".mod": "vob",
    ".flv": "flv",
    ".f4v": "flv",
    ".wmv": "asf",
    ".asf": "asf",
    ".avi": "avi",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".mov": "mov",
    ".qt": "mov",
    ".3gp": "3gp",
    ".3g2": "3g2",
    ".mxf": "mxf",
    ".nut": "nut",
    ".ogv": "ogg",
}

_BY_DEMUXER = {
    "matroska": "matroska",
    "mpegts": "mpegts",
    "mpeg": "vob",
    "flv": "flv",
    "live_flv": "flv",
    "asf": "asf",
    "avi": "avi",
    "mov": "mp4",
    "mxf": "mxf",
    "nut": "nut",
    "ogg": "ogg",
}


class Family(Enum):
    """Containers that name codecs, keep timestamps and hold extradata in the same way."""

    MATROSKA = "matroska"
    TRANSPORT = "mpegts"
    PROGRAM = "mpeg"
    FLASH = "flv"
    ASF = "asf"
    AVI = "avi"
    ISO = "mov"
    MXF = "mxf"
    OTHER = "other"


_FAMILY = {
    "matroska": Family.MATROSKA,
    "webm": Family.MATROSKA,
    "mpegts": Family.TRANSPORT,
    "mpeg": Family.PROGRAM,
    "vob": Family.PROGRAM,
    "flv": Family.FLASH,
    "live_flv": Family.FLASH,
    "asf": Family.ASF,
    "avi": Family.AVI,
    "mov": Family.ISO,
    "mp4": Family.ISO,
    "3gp": Family.ISO,
    "3g2": Family.ISO,
    "mxf": Family.MXF,
}


def family(name: str) -> Family:
    """Return the family of a muxer or of a demuxer (whose name may be a list, as in "mov,mp4,m4a,3gp,3g2,mj2")."""
    return _FAMILY.get(name.split(",")[0], Family.OTHER)


def patience(container: str) -> dict[str, str]:
    """Return the demuxer's options under which it finds every track of a format.

    A program stream announces nothing (ISO/IEC 13818-1 2.5.3.3): a track exists once its first packet was seen.
    """
    if family(container) is Family.PROGRAM:
        return {"probesize": "67108864", "analyzeduration": "60000000"}
    return {}


def muxer_for(target: Path, info: MediaInfo) -> str:
    """Return the muxer for a target file: by its suffix, else the one of the source's own format.

    Raises:
        KeyError: neither the suffix nor the source's format has a muxer here.
    """
    name = _BY_SUFFIX.get(target.suffix.lower()) or _BY_DEMUXER[info.container.split(",")[0]]
    # MPEG-1 system streams have packs of another syntax (ISO/IEC 11172-1 2.4.3.2).
    return "mpeg" if name == "vob" and info.video.codec == "mpeg1video" else name


def muxer_options(
    muxer: str,
    info: MediaInfo,
    time_bases: Sequence[Fraction],
    video_time_bases: Sequence[Fraction],
    *,
    packet_bytes: int,
    edit_list: bool,
) -> dict[str, str]:
    """Return the options under which a muxer changes no timestamp.

    Args:
        muxer: FFmpeg's name of it.
        info: the source.
        time_bases: those of all tracks.
        video_time_bases: those of the tracks that are video, covers left out.
        packet_bytes: of a transport stream packet of the source, 188 or 192.
        edit_list: whether the source's timestamps went through an edit list (the first decode time lies before 0).
    """
    options = {"avoid_negative_ts": "disabled"}
    match family(muxer):
        case Family.TRANSPORT:
            options |= {"mpegts_copyts": "1", "mpegts_m2ts_mode": "1" if packet_bytes == 192 else "0"}
        case Family.ISO:
            # An edit list counts in the movie's timescale; at the default of 1000 a start is off by half a millisecond.
            timescale = math.lcm(*(base.denominator for base in time_bases))
            if timescale < 1 << 31:
                options["movie_timescale"] = str(timescale)
            flags = []
            if info.fragmented and family(info.container) is Family.ISO:
                flags = ["frag_keyframe", "delay_moov", "default_base_moof"]
                options["use_editlist"] = "1" if edit_list else "0"
            if any("." in key for key, _ in info.metadata):
                # Reverse-domain keys (com.apple.quicktime.make) live in the mdta handler only.
                flags.append("use_metadata_tags")
            if flags:
                options["movflags"] = "+".join(flags)
            ticks = math.lcm(*(base.denominator for base in video_time_bases))
            if ticks < 1 << 31:
                options["video_track_timescale"] = str(ticks)
        case _:
            pass
    return options


def transport_packet_bytes(head: bytes) -> int:
    """Return the size of a transport stream's packets from the file's first bytes (at least 1 KiB).

    188 bytes (ISO/IEC 13818-1 2.4.3.2), or 192 where each carries a 4-byte arrival time in front (Blu-ray, AVCHD).
    """
    for size, offset in ((188, 0), (192, 4)):
        if len(head) > offset + 4 * size and all(head[offset + i * size] == 0x47 for i in range(5)):
            return size
    return 188
