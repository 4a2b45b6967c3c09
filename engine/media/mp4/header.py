"""The movie box of an edited file: the source's own, with the edited track's tables and every track's chunk offsets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import MediaError
from engine.media.mp4 import tables
from engine.media.mp4.boxes import Box, Parts, children
from engine.media.mp4.edit import CannotPatch, TrackEdit
from engine.media.mp4.movie import Movie, Track, parse_movie, root_box
from engine.media.mp4.record import Record, is_record
from engine.media.mp4.rewrite import EditedSamples, chunk_offsets, edited_tables, with_children
from engine.media.mp4.tables import Int64

Moved = Callable[[Int64], Int64]
"""Where byte offsets of the source stand in the new file."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How a demuxer's view of the edited track differs from the source's.

    Attributes:
        dts_moved: ticks by which all decode times move. FFmpeg shifts a track by its most negative composition offset;
            where that sample was replaced, the shift changes. Nothing that is shown moves.
        hidden_changed: packets before or behind the edit list's range that come or go, since FFmpeg begins and ends at
            sync samples.
    """

    dts_moved: int
    hidden_changed: int


def movie_header(source: Movie, edit: TrackEdit, position: Int64, moved: Moved) -> Parts:
    """Return the movie box without a record.

    Args:
        source: the file that was edited; a record that it brings is dropped.
        edit: what is edited.
        position: int64 [samples], where the edited track's samples stand in the new file.
        moved: for the samples of all other tracks.
    """
    moov = source.moov
    changes: dict[Box, Parts] = dict.fromkeys(_own_boxes(moov), ())
    for track in source.tracks:
        if track.trak == edit.track.trak:
            changes[track.trak] = _edited_track(moov, edit, position)
        elif not track.external:
            moved_track = _moved_track(moov, track, moved)
            if moved_track is not None:
                changes[track.trak] = moved_track
    return with_children(moov, root_box(moov), changes)


def bare_size(moov: bytes) -> int:
    """Return the bytes of a movie box without a record and its padding."""
    return len(moov) - sum(box.size for box in _own_boxes(moov))


def fits(header: Parts, record: Record | None, size: int) -> bool:
    """Tell whether a movie box with a record can be grown to exactly `size` bytes."""
    room = size - length(header) - (len(record.box()) if record is not None else 0)
    return room == 0 or room >= 8


def length(header: Parts) -> int:
    """Return the bytes of a movie box in pieces."""
    return sum(len(part) for part in header)


def finished(header: Parts, record: Record | None, size: int) -> bytes:
    """Return a movie box with its record, padded to `size` bytes, which it fits.

    The padding is a `free` box inside it, so that one box fills a place in the file whatever the tables need.
    """
    begin, body = size.to_bytes(4, "big") + b"moov", header[1:]
    blank = record.box() if record is not None else b""
    room = size - length(header) - len(blank)
    padding = room.to_bytes(4, "big") + b"free" + bytes(room - 8) if room else b""
    note = record.sealed_box((begin, *body, blank, padding)) if record is not None else b""
    return b"".join((begin, *body, note, padding))


def check(
    source: Movie, edit: TrackEdit, position: Int64, moved: Moved, moov: bytes, path: Path, size: int
) -> Timing | CannotPatch:
    """Read the new movie box back and compare it with what was meant.

    Args:
        source: as for movie_header.
        edit: as for movie_header.
        position: as for movie_header.
        moved: as for movie_header.
        moov: the new movie box.
        path: the new file, for messages.
        size: its bytes.
    """
    try:
        movie = parse_movie(path, size, source.layout, moov, 0, edit.track.track_id)
    except MediaError as error:
        return CannotPatch(f"the new tables do not read back ({error})")
    for old, new in zip(source.tracks, movie.tracks, strict=True):
        if old.trak == edit.track.trak:
            same = np.array_equal(new.samples.position, position)
        else:
            same = old.external or np.array_equal(new.chunks, moved(old.chunks))
        if not same:
            return CannotPatch(f"the new offsets of track {old.track_id} do not read back")
    return _timing(edit, movie.track(edit.track.track_id))


def _timing(edit: TrackEdit, track: Track) -> Timing | CannotPatch:
    old, new = edit.track.packets, track.packets
    samples = track.samples
    if not (np.array_equal(samples.size, edit.size) and np.array_equal(samples.offset, edit.offset)):
        return CannotPatch("the new sample sizes or times do not read back")
    if not np.array_equal(samples.sync[edit.rows], edit.sync[edit.rows]):
        return CannotPatch("the new sync samples do not read back")
    pts = old.pts.copy()
    pts[np.isin(old.sample, edit.rows)] = [unit.pts for unit in edit.units]
    # What the edit list hides it hides by its time, whichever sample holds it now.
    shown_before, shown_after = ~np.isin(pts, old.pts[old.hidden]), ~new.hidden
    if not np.array_equal(old.sample[shown_before], new.sample[shown_after]) or not np.array_equal(
        pts[shown_before], new.pts[shown_after]
    ):
        return CannotPatch("the new frames would be shown at other times")
    moves = new.dts[shown_after] - old.dts[shown_before]
    if (moves != moves[:1]).any():
        return CannotPatch("the new frames would be decoded at other times")
    hidden = np.zeros((2, samples.count), np.bool_)
    hidden[0, old.sample[~shown_before]] = True
    hidden[1, new.sample[new.hidden]] = True
    return Timing(int(moves[0]) if moves.size else 0, int((hidden[0] != hidden[1]).sum()))


def _own_boxes(moov: bytes) -> list[Box]:
    """Return the boxes that an earlier export put into its movie box: the record and the padding behind it."""
    boxes = list(children(moov, root_box(moov)))
    first = next((i for i, box in enumerate(boxes) if is_record(moov, box)), len(boxes))
    return [box for box in boxes[first:] if is_record(moov, box) or box.kind == b"free"]


def _edited_track(moov: bytes, edit: TrackEdit, position: Int64) -> Parts:
    edited = EditedSamples(position, edit.size, edit.offset, edit.sync, edit.replaced)
    return _upwards(moov, edit.path, edit.stbl, edited_tables(moov, edit.stbl, edit.track.samples, edited, edit.stsd))


def _moved_track(moov: bytes, track: Track, moved: Moved) -> Parts | None:
    """Return a track with its chunk offsets moved, None where nothing moves."""
    path: list[Box] = [track.trak]
    for kind in (b"mdia", b"minf", b"stbl"):
        inner = next((box for box in children(moov, path[-1]) if box.kind == kind), None)
        if inner is None:
            return None
        path.append(inner)
    changes: dict[Box, Parts] = {}
    for box in children(moov, path[-1]):
        if box.kind in (b"stco", b"co64"):
            old = tables.chunk_offsets(box.kind, moov[box.body : box.stop])
            new = moved(old)
            if not np.array_equal(old, new):
                changes[box] = (chunk_offsets(box.kind, new),)
    return _upwards(moov, tuple(path[:-1]), path[-1], with_children(moov, path[-1], changes)) if changes else None


def _upwards(moov: bytes, path: tuple[Box, ...], child: Box, changed: Parts) -> Parts:
    """Return the first box of a path, with the child of its last box changed."""
    for parent in reversed(path):
        changed = with_children(moov, parent, {child: changed})
        child = parent
    return changed
