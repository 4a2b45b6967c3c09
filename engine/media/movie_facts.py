"""What an MP4 or QuickTime file says about itself that FFmpeg's Python binding does not hand over.

Lenient: what makes no sense is left out. The sample tables are engine.media.mp4.movie.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from engine.errors import DamagedMedia
from engine.media.mp4.boxes import Box, Malformed, TopLevel, boxes_between, scan

# A header needs about 4 MB per hour; what claims more is not a film's.
_MOOV_LIMIT_BYTES = 256 << 20
_VISUAL_FIELDS = 78
"""Bytes between the header of a visual sample entry and its boxes (ISO/IEC 14496-12, 12.1.3)."""

_PROTECTED = frozenset({b"encv", b"drmi"})
_DOLBY_VISION = frozenset({b"dvcC", b"dvvC", b"dvwC"})


@dataclass(frozen=True, slots=True)
class MovieFacts:
    """Facts of a movie box (ISO/IEC 14496-12).

    Attributes:
        duration_s: seconds of the longest track as presented (8.2.2), 0 where it does not say.
        fragmented: samples lie in movie fragments (8.8).
        encrypted_tracks: ids of tracks under Common Encryption (ISO/IEC 23001-7) or FairPlay.
        dolby_vision: the configuration record of each track that has one, by track id.
    """

    duration_s: Fraction = Fraction(0)
    fragmented: bool = False
    encrypted_tracks: frozenset[int] = frozenset()
    dolby_vision: dict[int, bytes] = field(default_factory=dict)


def read_movie_facts(path: Path) -> MovieFacts:
    """Read the facts of an MP4 or QuickTime file.

    Raises:
        DamagedMedia: the file ends inside its movie box.
    """
    with path.open("rb") as file:
        layout = scan(file, file.seek(0, 2))
        moov = next((box for box in layout.boxes if box.kind == b"moov"), None)
        if moov is None or moov.size > _MOOV_LIMIT_BYTES:
            return MovieFacts()
        if layout.truncated and moov is layout.boxes[-1]:
            raise DamagedMedia(
                f"{path} is cut off: its header claims the bytes {moov.start} to {moov.stop} and the file ends at "
                f"{layout.tail}; copy it again"
            )
        file.seek(moov.start)
        data = file.read(moov.size)
    return _facts(data, Box(b"moov", 0, moov.header, len(data)), layout)


def _facts(moov: bytes, root: Box, layout: TopLevel) -> MovieFacts:
    duration_s = Fraction(0)
    encrypted: set[int] = set()
    dolby_vision: dict[int, bytes] = {}
    for part in _inside(moov, root):
        if part.kind == b"mvhd":
            duration_s = _duration_s(moov[part.body : part.stop])
        elif part.kind == b"trak":
            track = _track_id(moov, part)
            for entry in _sample_entries(moov, part):
                # Boxes stand behind the fields of the entry, which a sound entry has fewer of: its are not looked for.
                inner = list(_inside(moov, Box(entry.kind, entry.start, entry.header + _VISUAL_FIELDS, entry.stop)))
                if entry.kind in _PROTECTED or any(box.kind == b"sinf" for box in inner):
                    encrypted.add(track)
                for box in inner:
                    if box.kind in _DOLBY_VISION:
                        dolby_vision[track] = moov[box.body : box.stop]
    fragmented = any(box.kind == b"moof" for box in layout.boxes)
    return MovieFacts(duration_s, fragmented, frozenset(encrypted), dolby_vision)


def _duration_s(header: bytes) -> Fraction:
    """Read `mvhd` (8.2.2): version 1 has 64-bit times; a duration of all ones is unknown."""
    wide = header[:1] == b"\x01"
    if len(header) < (32 if wide else 20):
        return Fraction(0)
    scale, ticks = struct.unpack_from(">IQ", header, 20) if wide else struct.unpack_from(">II", header, 12)
    unknown = ticks == (1 << 64 if wide else 1 << 32) - 1
    return Fraction(ticks, scale) if scale and not unknown else Fraction(0)


def _track_id(moov: bytes, trak: Box) -> int:
    """Read the id in `tkhd` (8.3.2), 0 where there is none."""
    header = next((moov[box.body : box.stop] for box in _inside(moov, trak) if box.kind == b"tkhd"), b"")
    at = 20 if header[:1] == b"\x01" else 12
    return int.from_bytes(header[at : at + 4], "big")


def _sample_entries(moov: bytes, trak: Box) -> Iterator[Box]:
    found: Box | None = trak
    for kind in (b"mdia", b"minf", b"stbl", b"stsd"):
        found = next((box for box in _inside(moov, found) if box.kind == kind), None) if found else None
    if found:
        # A version, flags and the count of entries stand first (8.5.2).
        yield from _inside(moov, Box(found.kind, found.start, found.header + 8, found.stop))


def _inside(moov: bytes, parent: Box) -> Iterator[Box]:
    try:
        yield from boxes_between(moov, parent.body, parent.stop)
    except Malformed:
        return
