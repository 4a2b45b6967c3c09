"""What an export changes in a track: the splices of a plan as rows of its sample tables, or why that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.media.coded import CodedUnit, Splice
from engine.media.mp4.boxes import Box, Parts, children
from engine.media.mp4.movie import Movie, Track
from engine.media.mp4.rewrite import FIXED, with_extradata
from engine.media.mp4.tables import Bool, Int64


@dataclass(frozen=True, slots=True)
class CannotPatch:
    """An outcome: the file has to be written in another way. `reason` completes "its tables cannot be patched: "."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class TrackEdit:
    """An edit of one track.

    Attributes:
        track: the track of the source.
        stbl: the box of its sample tables, in the source's movie box.
        path: the boxes from the track down to what holds `stbl`.
        rows: int64 [units], the sample each new unit replaces, increasing.
        units: the new units.
        offset: int64 [samples], composition offsets of all samples.
        sync: bool [samples].
        size: int64 [samples].
        replaced: bool [samples].
        stsd: new sample descriptions, None where the source's do.
    """

    track: Track
    stbl: Box
    path: tuple[Box, ...]
    rows: Int64
    units: tuple[CodedUnit, ...]
    offset: Int64
    sync: Bool
    size: Int64
    replaced: Bool
    stsd: Parts | None

    @property
    def new_bytes(self) -> int:
        """Return the bytes of all new units."""
        return sum(len(unit.data) for unit in self.units)


def track_edit(
    movie: Movie, track_id: int, splices: Sequence[Splice], extradata: bytes | None
) -> TrackEdit | CannotPatch:
    """Turn splices into rows.

    Args:
        movie: the source.
        track_id: the edited track.
        splices: in order, not overlapping; their indices count the track's packets.
        extradata: the decoder's configuration for old and new units, None to keep the source's.

    Raises:
        ValueError: the splices overlap, reach beyond the track, or hold another number of units than they replace.
    """
    if movie.fragmented:
        return CannotPatch("it is fragmented (box 'moof')")
    if movie.encrypted:
        return CannotPatch("it is encrypted")
    track = movie.track(track_id)
    if track.demux_reason:
        return CannotPatch(f"of track {track_id}: {track.demux_reason}")
    if len(track.entries) != 1:
        return CannotPatch(f"track {track_id} has {len(track.entries)} sample descriptions")
    path, stbl = _path_to_tables(movie.moov, track.trak)
    for box in children(movie.moov, stbl):
        if box.kind in FIXED:
            return CannotPatch(f"track {track_id} {FIXED[box.kind]} (box {box.kind.decode()!r})")
    stsd = _descriptions(movie, track, stbl, extradata)
    if isinstance(stsd, CannotPatch):
        return stsd

    indices, units = _units(splices, track.packets.count)
    rows = track.packets.sample[indices]
    samples = track.samples
    offset, sync, size = samples.offset.copy(), samples.sync.copy(), samples.size.copy()
    replaced = np.zeros(samples.count, np.bool_)
    offset[rows] += np.asarray([unit.pts for unit in units], np.int64) - track.packets.pts[indices]
    sync[rows] = [unit.key for unit in units]
    size[rows] = [len(unit.data) for unit in units]
    replaced[rows] = True
    if offset.size and not -(1 << 31) <= int(offset.min()) <= int(offset.max()) < 1 << 31:
        return CannotPatch(f"a composition offset would not fit 32 bits in track {track_id}")
    return TrackEdit(track, stbl, path, rows, units, offset, sync, size, replaced, stsd)


def _units(splices: Sequence[Splice], packets: int) -> tuple[Int64, tuple[CodedUnit, ...]]:
    """Return the packets that are replaced, and by what."""
    at = 0
    for splice in splices:
        if not at <= splice.start <= splice.stop <= packets or len(splice.units) != splice.stop - splice.start:
            raise ValueError(
                f"splice [{splice.start}, {splice.stop}) with {len(splice.units)} units does not fit behind {at} and "
                f"into {packets} packets"
            )
        at = splice.stop
    indices = np.concatenate([np.zeros(0, np.int64), *(np.arange(s.start, s.stop) for s in splices)])
    return indices, tuple(unit for splice in splices for unit in splice.units)


def _descriptions(movie: Movie, track: Track, stbl: Box, extradata: bytes | None) -> Parts | CannotPatch | None:
    (entry,) = track.entries
    if extradata is None or extradata == entry.extradata:
        return None
    if entry.configuration is None:
        return CannotPatch(f"sample description {entry.kind.decode('latin-1')!r} has no place for a configuration")
    if entry.configuration.kind == b"esds" and not entry.extradata:
        return CannotPatch("its sample description has no decoder configuration to replace")
    stsd = next(box for box in children(movie.moov, stbl) if box.kind == b"stsd")
    return with_extradata(movie.moov, stsd, entry, extradata)


def _path_to_tables(moov: bytes, trak: Box) -> tuple[tuple[Box, ...], Box]:
    path = [trak]
    for kind in (b"mdia", b"minf", b"stbl"):
        path.append(next(box for box in children(moov, path[-1]) if box.kind == kind))
    return tuple(path[:-1]), path[-1]
