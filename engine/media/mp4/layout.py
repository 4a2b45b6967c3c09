"""Where the source's bytes and the movie box stand in a new file.

Two layouts. *Front*: the source has its header before the media data, so the new one goes there too, and what follows
moves back. *End*: nothing moves; the new header comes last, and the old one is cut off or becomes a `free` box.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.media.mp4.boxes import Box
from engine.media.mp4.copying import Piece
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie
from engine.media.mp4.record import Slot
from engine.media.mp4.tables import Int64
from engine.media.mp4.unused import Span

BLOCK = 4096
"""What follows a front header moves by whole blocks, so that a file system can share it instead of copying."""

SECOND_SLOT_FROM = 16 << 20
"""From this size on, a file keeps room for a second header: smaller ones are copied faster than they are patched."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A plan of a new file up to where new samples begin.

    Attributes:
        pieces: what is copied, in order.
        overwrites: (offset in the new file, bytes) to write over what was copied: box headers.
        slots: places for the header among the copied bytes; empty where it goes to the end.
        base_stop: offset behind the copied bytes.
        moved_from: see Record; only of a layout that leaves nothing out.
        moved_by: as moved_from.
    """

    pieces: tuple[Piece, ...]
    overwrites: tuple[tuple[int, bytes], ...]
    slots: tuple[Slot, ...]
    base_stop: int
    moved_from: int
    moved_by: int

    def moved(self, positions: Int64) -> Int64:
        """Return where byte offsets of the source stand in the new file."""
        starts = np.asarray([piece.start for piece in self.pieces], np.int64)
        by = np.asarray([piece.target - piece.start for piece in self.pieces], np.int64)
        return positions + by[np.maximum(np.searchsorted(starts, positions, side="right") - 1, 0)]

    def moved_spans(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """Return where byte ranges of the source, none of them left out, stand in the new file."""
        starts = self.moved(np.asarray([start for start, _ in spans], np.int64)).tolist()
        return tuple((at, at + stop - start) for at, (start, stop) in zip(starts, spans, strict=True))


def wants_front(movie: Movie) -> bool:
    """Tell whether the header belongs before the media data.

    It stays there unless something else names bytes of the file by their offset: items of a `meta` box (`iloc`) and
    auxiliary sample data (`saio`). Those offsets would have to move too, so then nothing moves at all.
    """
    first = min((int(t.samples.position.min()) for t in movie.tracks if t.samples.count), default=0)
    fixed = b"iloc" in movie.moov or b"saio" in movie.moov or any(box.kind == b"meta" for box in movie.layout.boxes)
    return movie.moov_start < first and not fixed


def front(movie: Movie, header_bytes: int, left_out: Sequence[Span]) -> Layout | CannotPatch:
    """Plan a file whose header stands where the source's stands.

    Args:
        movie: the source.
        header_bytes: bytes of the new header.
        left_out: byte ranges of the source inside `mdat` boxes that nobody needs, in order.
    """
    old_stop = movie.moov_start + len(movie.moov)
    slots: tuple[Slot, ...] = (Slot(movie.moov_start, header_bytes),)
    if movie.size >= SECOND_SLOT_FROM and not left_out:
        size = roomy(header_bytes)
        whole = -(-(2 * size - len(movie.moov)) // BLOCK) * BLOCK + len(movie.moov)
        slots = (Slot(movie.moov_start, size), Slot(movie.moov_start + size, whole - size))
    moved_by = slots[-1].stop - old_stop
    pieces = [Piece(0, movie.moov_start, 0), Piece(old_stop, movie.layout.tail, slots[-1].stop)]
    return _finished(movie, pieces, slots, left_out, old_stop, moved_by)


def end(movie: Movie, left_out: Sequence[Span]) -> Layout | CannotPatch:
    """Plan a file whose header comes last; see `front`."""
    boxes = movie.layout.boxes
    last = len(boxes) > 1 and boxes[-1].kind == b"moov" and not movie.layout.truncated
    stop = boxes[-1].start if last else movie.layout.tail
    return _finished(movie, [Piece(0, stop, 0)], (), left_out, 0, 0)


def slot_at_end(movie: Movie, header_bytes: int, left_out: Sequence[Span]) -> int:
    """Return the size of the place for a header at the end."""
    return roomy(header_bytes) if movie.size >= SECOND_SLOT_FROM and not left_out else header_bytes


def roomy(header_bytes: int) -> int:
    """Return the size of a place for a header and its successors, which differ by a few changed seconds."""
    return (header_bytes + max(1 << 14, header_bytes // 16)) // 8 * 8 + 8


def _finished(
    movie: Movie, pieces: list[Piece], slots: tuple[Slot, ...], left_out: Sequence[Span], moved_from: int, moved_by: int
) -> Layout | CannotPatch:
    whole = Layout(tuple(piece for piece in pieces if piece.size), (), slots, 0, moved_from, moved_by)
    kept = _without(whole.pieces, left_out)
    layout = Layout(kept, (), slots, kept[-1].target + kept[-1].size if kept else 0, moved_from, moved_by)
    headers = [_header(movie, box, layout, left_out) for box in movie.layout.boxes if _is_copied(box, layout)]
    for header in headers:
        if isinstance(header, CannotPatch):
            return header
    overwrites = tuple(header for header in headers if header is not None and not isinstance(header, CannotPatch))
    return Layout(layout.pieces, overwrites, slots, layout.base_stop, moved_from, moved_by)


def _without(pieces: Sequence[Piece], left_out: Sequence[Span]) -> tuple[Piece, ...]:
    """Return the pieces cut around what is left out; what follows moves up."""
    kept: list[Piece] = []
    gone = 0
    for piece in pieces:
        at = piece.start
        for start, stop in left_out:
            if piece.start <= start and stop <= piece.stop:
                if start > at:
                    kept.append(Piece(at, start, at + piece.target - piece.start - gone))
                gone += stop - start
                at = stop
        if at < piece.stop:
            kept.append(Piece(at, piece.stop, at + piece.target - piece.start - gone))
    return tuple(kept)


def _is_copied(box: Box, layout: Layout) -> bool:
    return any(piece.start <= box.start < piece.stop for piece in layout.pieces)


def _header(movie: Movie, box: Box, layout: Layout, left_out: Sequence[Span]) -> tuple[int, bytes] | CannotPatch | None:
    """Return what has to be written over the header of a copied top-level box, None where it still holds."""
    at = int(layout.moved(np.asarray([box.start], np.int64))[0])
    if box.kind == b"moov":
        return at + 4, b"free"
    stop = min(box.stop, movie.layout.tail)
    size = stop - box.start - sum(b - a for a, b in left_out if box.start <= a and b <= stop)
    if size == box.size and not box.open_ended:
        return None
    if box.header == 16:
        return at + 8, struct.pack(">Q", size)
    if size <= 0xFFFFFFFF:
        return at, struct.pack(">I", size)
    before = next((b for b in movie.layout.boxes if b.stop == box.start and b.size == 8), None)
    if before is None or before.kind not in (b"wide", b"free", b"skip"):
        return CannotPatch(f"box {box.kind.decode('latin-1')!r} is too large for its header")
    # QuickTime leaves 8 bytes before `mdat` for the day it needs a 64-bit size.
    return at - 8, struct.pack(">I4sQ", 1, box.kind, size + 8)
