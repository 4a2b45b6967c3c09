"""What people call codecs that media files name in FFmpeg's words."""

from __future__ import annotations

import re

_NAMES = {
    "h264": "H.264",
    "hevc": "H.265",
    "av1": "AV1",
    "vp9": "VP9",
    "vp8": "VP8",
    "prores": "ProRes",
    "dnxhd": "DNxHD",
    "mpeg1video": "MPEG-1",
    "mpeg2video": "MPEG-2",
    "mpeg4": "MPEG-4",
    "mjpeg": "Motion JPEG",
    "ffv1": "FFV1",
    "aac": "AAC",
    "alac": "Apple Lossless",
    "mp2": "MPEG Layer II",
    "mp3": "MP3",
    "libmp3lame": "MP3",
    "opus": "Opus",
    "libopus": "Opus",
    "vorbis": "Vorbis",
    "flac": "FLAC",
    "wmav2": "Windows Media Audio",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
    "mov_text": "timed text",
    "subrip": "SubRip",
    "webvtt": "WebVTT",
    "tmcd": "timecode",
    "bin_data": "binary data",
}
_PCM = re.compile(r"pcm_(?P<kind>[suf])(?P<bits>\d+)")


def codec_name(codec: str) -> str:
    """Return a codec, or an encoder of it, as people write it: "H.264", "24-bit PCM"."""
    known = _NAMES.get(codec)
    if known is not None:
        return known
    pcm = _PCM.match(codec)
    if pcm is not None:
        float_ = " float" if pcm["kind"] == "f" else ""
        return f"{pcm['bits']}-bit{float_} PCM"
    if codec.startswith("pcm"):
        return "PCM"
    return codec.upper() or "unknown"
