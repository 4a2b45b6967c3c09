"""A track of timed text for an MP4 or MOV: 3GPP timed text (3GPP TS 26.245), which players know as tx3g or mov_text."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from engine.media.mp4.boxes import box_bytes

_TIMESCALE = 1000
_IDENTITY = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_AREA_SHARE = 0.15
"""Height of the area for the text, at the picture's lower edge, as a share of the picture's."""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A text from start_ms up to stop_ms, lines separated by a line feed, no tags."""

    start_ms: int
    stop_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class TextTrack:
    """A track of timed text.

    Attributes:
        texts: in order, without overlaps.
        language: ISO 639-2 code of three letters, "und" where unknown.
        shown: whether players show it unasked.
    """

    texts: tuple[TimedText, ...]
    title: str = ""
    language: str = "und"
    shown: bool = True


TextSamples = list[tuple[bytes, int]]
"""The bytes and the duration of each sample."""


def text_samples(track: TextTrack, duration_ms: int) -> TextSamples:
    """Return the samples of a track, empty ones where no text shows; texts end with the film."""
    result: TextSamples = []
    at = 0
    for text in track.texts:
        start, stop = max(text.start_ms, at), min(text.stop_ms, duration_ms)
        if stop <= start:
            continue
        if start > at:
            result.append((b"\0\0", start - at))
        data = text.text.encode()[:0xFFFF].decode(errors="ignore").encode()
        result.append((struct.pack(">H", len(data)) + data, stop - start))
        at = stop
    if duration_ms > at:
        result.append((b"\0\0", duration_ms - at))
    return result


def text_trak(
    track: TextTrack, samples: TextSamples, at: int, track_id: int, movie_scale: int, size_px: tuple[int, int]
) -> bytes:
    """Return the box of a track.

    Args:
        track: the texts.
        samples: theirs.
        at: where the first one stands in the file; the others follow.
        track_id: of the new track.
        movie_scale: the movie's ticks in a second.
        size_px: width and height of the picture as displayed.
    """
    duration = sum(time for _, time in samples)
    width, height = size_px
    area = round(height * _AREA_SHARE)
    matrix = (*_IDENTITY[:7], (height - area) << 16, _IDENTITY[8])
    # Version 1: 64-bit times (ISO/IEC 14496-12, 8.3.2); texts are alternatives of one another: group 3.
    flags = 0x01000003 if track.shown else 0x01000002
    header = struct.pack(">IQQIIQ", flags, 0, 0, track_id, 0, duration * movie_scale // _TIMESCALE)
    header += struct.pack(">QhhhH9III", 0, 0, 3, 0, 0, *matrix, width << 16, area << 16)
    media_header = struct.pack(">IQQIQHH", 0x01000000, 0, 0, _TIMESCALE, duration, _language(track.language), 0)
    handler = struct.pack(">II4s12x", 0, 0, b"sbtl") + (track.title or "Captions").encode() + b"\0"
    reference = box_bytes(b"dref", struct.pack(">II", 0, 1) + box_bytes(b"url ", struct.pack(">I", 1)))
    media_info = (
        box_bytes(b"nmhd", bytes(4))
        + box_bytes(b"dinf", reference)
        + box_bytes(b"stbl", _table(samples, at, width, area))
    )
    media = box_bytes(b"mdhd", media_header) + box_bytes(b"hdlr", handler) + box_bytes(b"minf", media_info)
    title = box_bytes(b"udta", box_bytes(b"name", track.title.encode())) if track.title else b""
    return box_bytes(b"trak", box_bytes(b"tkhd", header) + box_bytes(b"mdia", media) + title)


def _table(samples: TextSamples, at: int, width: int, area: int) -> bytes:
    """Return the boxes of a sample table: all samples in one chunk."""
    font = box_bytes(b"ftab", struct.pack(">HHB", 1, 1, 4) + b"Sans")
    style = struct.pack(">HHHBB4B", 0, 0, 1, 0, max(8, min(255, round(area * 0.33))), 255, 255, 255, 255)
    # Lines centred, at the area's lower edge (3GPP TS 26.245, 5.16).
    entry = bytes(6) + struct.pack(">HIbb4B4h", 1, 0, 1, -1, 0, 0, 0, 0, 0, 0, min(area, 32767), min(width, 32767))
    description = box_bytes(b"stsd", struct.pack(">II", 0, 1) + box_bytes(b"tx3g", entry + style + font))
    runs: list[list[int]] = []
    for _, time in samples:
        if runs and runs[-1][1] == time:
            runs[-1][0] += 1
        else:
            runs.append([1, time])
    times = struct.pack(">II", 0, len(runs)) + b"".join(struct.pack(">II", *run) for run in runs)
    sizes = struct.pack(">III", 0, 0, len(samples)) + b"".join(struct.pack(">I", len(data)) for data, _ in samples)
    return (
        description
        + box_bytes(b"stts", times)
        + box_bytes(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1))
        + box_bytes(b"stsz", sizes)
        + box_bytes(b"co64", struct.pack(">IIQ", 0, 1, at))
    )


def _language(code: str) -> int:
    """Return three letters as 15 bits (ISO/IEC 14496-12, 8.4.2.3)."""
    letters = code if len(code) == 3 and code.isascii() and code.isalpha() else "und"
    first, second, third = (ord(letter) - 0x60 for letter in letters.lower())
    return first << 10 | second << 5 | third
