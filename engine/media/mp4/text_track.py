"""Add a track of timed text to an MP4 or MOV: its samples and a new movie box go behind the file, all else stays.

The track is 3GPP timed text (3GPP TS 26.245), which players know as tx3g or mov_text.
"""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.media.mp4.boxes import Box, Malformed, box_bytes, children, scan

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


def add_text_tracks(
    source: Path, target: Path, tracks: Sequence[TextTrack], size_px: tuple[int, int], duration_ms: int
) -> None:
    """Write `target`: the source's bytes, then the tracks' samples and a movie box that names them.

    Args:
        source: an MP4 or MOV that is not fragmented; not modified.
        target: written anew.
        tracks: what to add.
        size_px: width and height of the picture as displayed.
        duration_ms: of the film; texts end with it.

    Raises:
        Malformed: the file has no movie box, or one that contradicts itself.
        OSError: the disk.
    """
    shutil.copyfile(source, target)
    with target.open("r+b") as file:
        size = source.stat().st_size
        top = scan(file, size)
        movies = [box for box in top.boxes if box.kind == b"moov"]
        if len(movies) != 1 or any(box.kind == b"moof" for box in top.boxes) or top.truncated:
            raise Malformed("the file is fragmented or has no movie box")
        (movie,) = movies
        file.seek(movie.start)
        old = file.read(movie.size)
        file.seek(0, os.SEEK_END)
        if top.boxes[-1].open_ended:
            raise Malformed("the last box has no size of its own")
        samples = [_samples(track, duration_ms) for track in tracks]
        at = file.tell() + 8
        file.write(box_bytes(b"mdat", b"".join(data for part in samples for data, _ in part)))
        file.write(_movie(old, tracks, samples, at, size_px))
        # The old movie box becomes free space: readers take the first one they meet.
        file.seek(movie.start + 4)
        file.write(b"free")


_Samples = list[tuple[bytes, int]]
"""The bytes and the duration of each sample."""


def _samples(track: TextTrack, duration_ms: int) -> _Samples:
    result: _Samples = []
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


def _movie(
    old: bytes, tracks: Sequence[TextTrack], samples: Sequence[_Samples], at: int, size_px: tuple[int, int]
) -> bytes:
    whole = Box(b"moov", 0, 8 if struct.unpack_from(">I", old)[0] != 1 else 16, len(old))
    parts: list[bytes] = []
    added: list[bytes] = []
    for child in children(old, whole):
        data = old[child.start : child.stop]
        if child.kind == b"mvhd":
            scale = struct.unpack_from(">I", data, child.header + (20 if data[child.header] == 1 else 12))[0]
            (next_id,) = struct.unpack_from(">I", data, len(data) - 4)
            # An id at its limit means that the ids in use are to be searched (ISO/IEC 14496-12, 8.2.2.3).
            if next_id + len(tracks) >= 0xFFFFFFFF:
                raise Malformed("the file has no track id left")
            for number, (track, part) in enumerate(zip(tracks, samples, strict=True)):
                added.append(_track(track, part, at, next_id + number, scale, size_px))
                at += sum(len(sample) for sample, _ in part)
            data = data[:-4] + struct.pack(">I", next_id + len(tracks))
        parts.append(data)
    if not added:
        raise Malformed("the movie box has no header")
    last = max((n for n, part in enumerate(parts) if part[4:8] == b"trak"), default=len(parts) - 1)
    return box_bytes(b"moov", b"".join([*parts[: last + 1], *added, *parts[last + 1 :]]))


def _track(
    track: TextTrack, samples: _Samples, at: int, track_id: int, movie_scale: int, size_px: tuple[int, int]
) -> bytes:
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


def _table(samples: _Samples, at: int, width: int, area: int) -> bytes:
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
