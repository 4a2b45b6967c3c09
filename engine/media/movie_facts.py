"""What an MP4 or QuickTime file says about itself that FFmpeg's Python binding does not hand over.

Reads the `moov` box only (ISO/IEC 14496-12); sample tables are engine.media.mp4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from engine.errors import DamagedMedia

# A moov box needs about 4 MB per hour; what claims more is not a film's.
_MOOV_LIMIT = 1 << 30
_VISUAL_ENTRY = 78
"""Bytes of a VisualSampleEntry before its boxes (12.1.3.2)."""


@dataclass(frozen=True, slots=True)
class MovieFacts:
    """Facts of a movie box.

    Attributes:
        duration_s: seconds of the longest track as presented (8.2.2), 0 where the movie box does not say.
        fragmented: samples lie in movie fragments (8.8).
        encrypted_tracks: the ids of tracks under Common Encryption (ISO/IEC 23001-7: an `encv` entry or a `sinf` box).
        dolby_vision: the configuration record (`dvcC`, `dvvC`, `dvwC`) of each track that has one, by track id.
    """

    duration_s: Fraction = Fraction(0)
    fragmented: bool = False
    encrypted_tracks: frozenset[int] = frozenset()
    dolby_vision: dict[int, bytes] = field(default_factory=dict)


def read_movie_facts(path: Path) -> MovieFacts:
    """Read the facts of an MP4 or QuickTime file.

    Raises:
        DamagedMedia: the movie box is not all there, or its boxes overlap.
    """
    moov, fragments = _movie_box(path)
    try:
        return _facts(moov, fragments)
    except (struct.error, IndexError) as error:
        raise DamagedMedia(f"{path}: its movie box is damaged ({error}); try another copy") from error


def _movie_box(path: Path) -> tuple[bytes, bool]:
    """Return the payload of the moov box (empty where there is none) and whether a moof box follows."""
    moov, fragments = b"", False
    with path.open("rb") as file:
        end = file.seek(0, 2)
        at = 0
        while at + 8 <= end and not fragments:
            file.seek(at)
            head = file.read(16)
            size, kind = struct.unpack_from(">I4s", head)
            header = 8
            if size == 1 and len(head) == 16:
                size, header = struct.unpack_from(">Q", head, 8)[0], 16
            elif size == 0:
                size = end - at
            if size < header:
                break
            if kind == b"moov":
                if at + size > end or size > _MOOV_LIMIT:
                    raise DamagedMedia(
                        f"{path} is cut off: its index needs bytes {at} to {at + size}, the file ends at {end}; "
                        "copy it again"
                    )
                file.seek(at + header)
                moov = file.read(size - header)
            fragments = fragments or kind == b"moof"
            at += size
    return moov, fragments


def _facts(moov: bytes, fragments: bool) -> MovieFacts:
    encrypted: set[int] = set()
    dolby_vision: dict[int, bytes] = {}
    duration_s = Fraction(0)
    for kind, payload in boxes(moov):
        fragments = fragments or kind == b"mvex"
        if kind == b"mvhd":
            duration_s = _duration_s(payload)
        if kind != b"trak":
            continue
        track = _track_id(payload)
        for entry_kind, entry in _sample_entries(payload):
            inner = dict(boxes(entry[_VISUAL_ENTRY:])) if len(entry) > _VISUAL_ENTRY else {}
            if entry_kind in (b"encv", b"enca") or b"sinf" in inner:
                encrypted.add(track)
            for name in (b"dvcC", b"dvvC", b"dvwC"):
                if name in inner:
                    dolby_vision[track] = inner[name]
    return MovieFacts(duration_s, fragments, frozenset(encrypted), dolby_vision)


def _duration_s(header: bytes) -> Fraction:
    # Version 1 has 64-bit times; a duration of all ones is unknown (8.2.2.3).
    scale, ticks = (
        struct.unpack_from(">IQ", header, 20) if header[:1] == b"\x01" else struct.unpack_from(">II", header, 12)
    )
    return Fraction(ticks, scale) if scale and ticks not in (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF) else Fraction(0)


def _track_id(trak: bytes) -> int:
    header = dict(boxes(trak)).get(b"tkhd", b"")
    # Version 1 has 64-bit times before the id (8.3.2).
    return int(struct.unpack_from(">I", header, 20 if header[:1] == b"\x01" else 12)[0]) if header else 0


def _sample_entries(trak: bytes) -> Iterator[tuple[bytes, bytes]]:
    payload = trak
    for name in (b"mdia", b"minf", b"stbl", b"stsd"):
        payload = dict(boxes(payload)).get(name, b"")
    # A version and flags and the count of entries stand first (8.5.2).
    return boxes(payload[8:])


def boxes(payload: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and payload of each box in a payload; what is too short to be a box ends the walk."""
    at = 0
    while at + 8 <= len(payload):
        size, kind = struct.unpack_from(">I4s", payload, at)
        header = 8
        if size == 1 and at + 16 <= len(payload):
            size, header = struct.unpack_from(">Q", payload, at + 8)[0], 16
        elif size == 0:
            size = len(payload) - at
        if size < header or at + size > len(payload):
            return
        yield kind, payload[at + header : at + size]
        at += size
