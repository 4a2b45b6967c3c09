"""Chapters in an MP4 or MOV: a track of their names that the others refer to, and a list for players that know only it.

The track is QuickTime's (QuickTime File Format, "Chapter Lists" and "Text Media"); the list, `chpl`, is Nero's, which
has no public text: FFmpeg's reader and writer are what players go by.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from engine.media.mp4.boxes import Box, box_bytes, children

TIMESCALE = 1000
_LISTED = 255
_IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UTF_8 = box_bytes(b"encd", struct.pack(">I", 0x100))
"""Behind a name: it is UTF-8."""


@dataclass(frozen=True, slots=True)
class TimedChapter:
    """A chapter of the film from start_ms on; it lasts until the next, the last one up to stop_ms."""

    start_ms: int
    stop_ms: int
    title: str


def names(chapters: Sequence[TimedChapter]) -> list[bytes]:
    """Return the samples of a track of chapters."""
    titles = [chapter.title.encode()[:0xFFFF].decode(errors="ignore").encode() for chapter in chapters]
    return [struct.pack(">H", len(title)) + title + _UTF_8 for title in titles]


def chapter_trak(
    chapters: Sequence[TimedChapter], sizes: Sequence[int], at: int, track_id: int, movie_scale: int, end_ms: int
) -> bytes:
    """Return the box of a track of chapters.

    Args:
        chapters: in order, one at least; each begins before `end_ms`.
        sizes: the bytes of each sample.
        at: where the first one stands in the file; the others follow.
        track_id: of the new track.
        movie_scale: the movie's ticks in a second.
        end_ms: where the last one ends.
    """
    starts = [chapter.start_ms for chapter in chapters]
    durations = [stop - start for start, stop in zip(starts, [*starts[1:], end_ms], strict=True)]
    length = end_ms - starts[0]
    # The edit list ends the last chapter with the film. FFmpeg takes the length of the media for that end, as if the
    # track began with the film, so the last sample reaches further by what the track begins later.
    durations[-1] += starts[0]
    # In the film but not shown by itself (ISO/IEC 14496-12, 8.3.2).
    header = struct.pack(">IQQIIQ", 0x01000002, 0, 0, track_id, 0, end_ms * movie_scale // TIMESCALE)
    header += struct.pack(">QhhhH", 0, 0, 0, 0, 0) + _IDENTITY + bytes(8)
    edits = [(length * movie_scale // TIMESCALE, 0)]
    if starts[0] > 0:
        # An empty edit: nothing until the first chapter (ISO/IEC 14496-12, 8.6.6).
        edits.insert(0, (starts[0] * movie_scale // TIMESCALE, -1))
    listed = b"".join(struct.pack(">Qqi", *edit, 0x10000) for edit in edits)
    media_header = struct.pack(">IQQIQHH", 0x01000000, 0, 0, TIMESCALE, end_ms, _UNDETERMINED, 0)
    handler = struct.pack(">II4s12x", 0, 0, b"text") + b"Chapters\0"
    appearance = box_bytes(b"gmin", struct.pack(">IHHHHHH", 0, 0x40, 0x8000, 0x8000, 0x8000, 0, 0))
    media_info = (
        box_bytes(b"gmhd", appearance + box_bytes(b"text", _IDENTITY))
        + box_bytes(b"dinf", box_bytes(b"dref", struct.pack(">II", 0, 1) + box_bytes(b"url ", struct.pack(">I", 1))))
        + box_bytes(b"stbl", _table(durations, sizes, at))
    )
    media = box_bytes(b"mdhd", media_header) + box_bytes(b"hdlr", handler) + box_bytes(b"minf", media_info)
    return box_bytes(
        b"trak",
        box_bytes(b"tkhd", header)
        + box_bytes(b"edts", box_bytes(b"elst", struct.pack(">II", 0x01000000, len(edits)) + listed))
        + box_bytes(b"mdia", media),
    )


_UNDETERMINED = 0x55C4
"""The language "und" in 15 bits (ISO/IEC 14496-12, 8.4.2.3)."""


def _table(durations: Sequence[int], sizes: Sequence[int], at: int) -> bytes:
    """Return the boxes of the sample table: all samples in one chunk."""
    # Not shown, so nothing of how it would look matters: zeros, and a font without a name.
    description = bytes(6) + struct.pack(">HIi6x8x8xHH1x2x6xB", 1, 0, 0, 0, 0, 0)
    times = b"".join(struct.pack(">II", 1, duration) for duration in durations)
    return (
        box_bytes(b"stsd", struct.pack(">II", 0, 1) + box_bytes(b"text", description))
        + box_bytes(b"stts", struct.pack(">II", 0, len(durations)) + times)
        + box_bytes(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(sizes), 1))
        + box_bytes(b"stsz", struct.pack(">III", 0, 0, len(sizes)) + struct.pack(f">{len(sizes)}I", *sizes))
        + box_bytes(b"co64", struct.pack(">IIQ", 0, 1, at))
    )


def chapter_list(chapters: Sequence[TimedChapter]) -> bytes:
    """Return the box `chpl`: at most 255 chapters, in units of 100 ns, names of at most 255 bytes."""
    chapters = chapters[:_LISTED]
    body = struct.pack(">IIB", 0x01000000, 0, len(chapters))
    for chapter in chapters:
        title = chapter.title.encode()[:255].decode(errors="ignore").encode()
        body += struct.pack(">QB", chapter.start_ms * 10_000, len(title)) + title
    return box_bytes(b"chpl", body)


def handler(trak: bytes) -> bytes:
    """Return the handler of a track's media: vide, soun, text ...; b"" where it has none."""
    for media in children(trak, _whole(trak)):
        if media.kind == b"mdia":
            for box in children(trak, media):
                if box.kind == b"hdlr" and box.size >= box.header + 12:
                    return trak[box.body + 8 : box.body + 12]
    return b""


def track_id(trak: bytes) -> int:
    """Return the number of a track; 0 where it has none."""
    for box in children(trak, _whole(trak)):
        if box.kind == b"tkhd" and box.size >= box.header + 24:
            at = box.body + (20 if trak[box.body] == 1 else 12)
            return int(struct.unpack_from(">I", trak, at)[0])
    return 0


def chapters_of(trak: bytes) -> tuple[int, ...]:
    """Return the numbers of the tracks that a track names as its chapters."""
    return tuple(
        int(number)
        for reference in children(trak, _whole(trak))
        if reference.kind == b"tref"
        for box in children(trak, reference)
        if box.kind == b"chap"
        for number in struct.unpack_from(f">{(box.size - box.header) // 4}I", trak, box.body)
    )


def naming_chapters(trak: bytes, number: int) -> bytes:
    """Return a track that names another one as its chapters, beside those that it names already."""
    reference = box_bytes(b"chap", struct.pack(f">{1 + len(chapters_of(trak))}I", *chapters_of(trak), number))
    parts: list[bytes] = []
    for box in children(trak, _whole(trak)):
        data = trak[box.start : box.stop]
        if box.kind == b"tref":
            others = [trak[b.start : b.stop] for b in children(trak, box) if b.kind != b"chap"]
            data = box_bytes(b"tref", b"".join([*others, reference]))
            reference = b""
        parts.append(data)
    if reference:
        parts.insert(1, box_bytes(b"tref", reference))
    return box_bytes(b"trak", b"".join(parts))


def _whole(box: bytes) -> Box:
    return Box(box[4:8], 0, 8 if struct.unpack_from(">I", box)[0] != 1 else 16, len(box))
