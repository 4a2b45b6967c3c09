"""Two MP4 or QuickTime files surveyed by their sample tables, and their samples compared where they lie.

Reads each byte of media once, in large pieces, and hashes nothing: ten times cheaper than demuxing. The tables are read
here anew, and what FFmpeg makes of them is held against them; where the two do not agree, demuxing has to decide.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from av.stream import Stream
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.errors import InputError
from engine.media.containers import Family
from engine.media.film_file import FilmFile
from engine.media.mp4.edits import Packets
from engine.media.mp4.movie import Movie, Track, read_movie
from engine.media.survey import PacketRows, Survey, described, essence_of
from engine.model.frame_index import Int64

_PIECE = 1 << 20
_PART = 1 << 25
_THREADS = 3
_UINT64 = (1 << 64) - 1
_COMPARED_WITH_FFMPEG = 4096
"""Entries of each track's index that are held against FFmpeg's; of longer ones every n-th one."""


Same = list[NDArray[np.bool_]]
"""For each track, which packets of the export hold the very bytes of the source's with the same time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """A track of both files: its packets, and the rows of those with the same time, in the order of time."""

    time_base: Fraction
    source: Packets
    out: Packets
    source_at: Int64
    out_at: Int64


@dataclass(frozen=True, slots=True, eq=False)
class PairedMovies:
    """Two open films whose tables belong together track by track; made by `paired_movies`."""

    source: FilmFile
    out: FilmFile
    pairs: Sequence[_Pair]

    @property
    def edited_count(self) -> int:
        """Return the number of packets of the film's picture."""
        return self.pairs[self.source.edited].source.count

    def expected(self, changed: NDArray[np.bool_]) -> Same:
        """Return what `compared` will find if nothing differs but the pictures that were to change.

        Args:
            changed: for every packet of the source's picture.
        """
        found = []
        for n, pair in enumerate(self.pairs):
            same = np.zeros(pair.out.count, np.bool_)
            same[pair.out_at] = pair.source.size[pair.source_at] == pair.out.size[pair.out_at]
            if n == self.source.edited:
                same[pair.out_at[changed[pair.source_at]]] = False
            found.append(same)
        return found

    def compared(self, inherited_bytes: int, progress: Progress, cancel: CancelToken) -> Same:
        """Compare the bytes of all packets where they lie.

        Args:
            inherited_bytes: the first bytes of the export that an earlier check covered and that were not written
                since.
            progress: reports the share of bytes compared.
            cancel: looked at between pieces.

        Raises:
            Cancelled: on request.
        """
        with self.source.path.open("rb", buffering=0) as source, self.out.path.open("rb", buffering=0) as out:
            return _same(source.fileno(), out.fileno(), self.pairs, inherited_bytes, progress, cancel)

    def surveys(self, same: Same) -> tuple[Survey, Survey]:
        """Return both surveys, with numbers for digests that are equal where `same` says so."""
        rows = [_rows(pair, is_same) for pair, is_same in zip(self.pairs, same, strict=True)]
        source, out = self.source, self.out
        theirs, ours = rows[source.edited]
        pair = self.pairs[source.edited]
        new_keys = pair.source.sync[pair.source_at] & pair.out.sync[pair.out_at] & ~same[source.edited][pair.out_at]
        essence = [essence_of(film.container.streams[film.edited]) for film in (source, out)]
        with source.path.open("rb", buffering=0) as source_file, out.path.open("rb", buffering=0) as out_file:
            for its, our in zip(pair.source_at[new_keys].tolist(), pair.out_at[new_keys].tolist(), strict=True):
                theirs.essence[its] = _essence(source_file.fileno(), pair.source, its, essence[0])
                ours.essence[our] = _essence(out_file.fileno(), pair.out, our, essence[1])
        return (
            described(source, {n: its for n, (its, _) in enumerate(rows)}, {}),
            described(out, {n: our for n, (_, our) in enumerate(rows)}, {}),
        )


def paired_movies(source: FilmFile, theirs: Movie, out: FilmFile, ours: Movie | None) -> PairedMovies | None:
    """Pair the tracks of two films stream by stream; None where their tables do not tell all.

    Args:
        source: the source.
        theirs: its tables, of `tables_of`.
        out: the export.
        ours: its tables, of `tables_of`.
    """
    if ours is None or not source.family is out.family is Family.ISO:
        return None
    if theirs.fragmented or ours.fragmented or source.edited != out.edited:
        return None
    if len(source.container.streams) != len(out.container.streams):
        return None
    pairs = []
    for stream, copy in zip(source.container.streams, out.container.streams, strict=True):
        try:
            track, copied = theirs.track(stream.id), ours.track(copy.id)
        except KeyError:
            return None
        if not (_tells_all(track) and _tells_all(copied)):
            return None
        if track.edits != copied.edits or track.timescale != copied.timescale:
            return None
        if track.packets.count != copied.packets.count:
            return None
        at, copied_at = (np.argsort(t.packets.pts, kind="stable").astype(np.int64) for t in (track, copied))
        pairs.append(_Pair(Fraction(1, track.timescale), track.packets, copied.packets, at, copied_at))
    return PairedMovies(source, out, pairs)


def agrees(film: FilmFile, movie: Movie | None) -> bool:
    """Tell whether FFmpeg makes the same packets of a film's tables; the film is not read, and played by nobody."""
    if movie is None or film.family is not Family.ISO or movie.fragmented:
        return False
    for stream in film.container.streams:
        try:
            track = movie.track(stream.id)
        except KeyError:
            return False
        if not _agrees(track.packets, stream):
            return False
    return True


def tables_of(path: Path, view: Callable[[], BinaryIO] | None = None) -> Movie | None:
    """Return the sample tables of a file, or None where it has none that can be read."""
    try:
        return read_movie(path, view=view)
    except InputError:
        return None


def _tells_all(track: Track) -> bool:
    return not (track.demux_reason or (np.diff(track.packets.dts) < 0).any())


def _agrees(packets: Packets, stream: Stream) -> bool:
    entries = stream.index_entries
    if len(entries) != packets.count:
        return False
    for row in range(0, packets.count, 1 + packets.count // _COMPARED_WITH_FFMPEG):
        entry = entries[row]
        if (entry.pos, entry.size, entry.timestamp) != (packets.position[row], packets.size[row], packets.dts[row]):
            return False
    return True


def _same(
    source_file: int,
    out_file: int,
    pairs: Sequence[_Pair],
    inherited_bytes: int,
    progress: Progress,
    cancel: CancelToken,
) -> Same:
    source = np.concatenate([pair.source.position[pair.source_at] for pair in pairs])
    out = np.concatenate([pair.out.position[pair.out_at] for pair in pairs])
    size = np.concatenate([pair.source.size[pair.source_at] for pair in pairs])
    same = size == np.concatenate([pair.out.size[pair.out_at] for pair in pairs])
    rows = np.flatnonzero(same & (size > 0))
    rows = rows[np.argsort(source[rows], kind="stable")]
    stop = source[rows] + size[rows]
    # Samples that lie one behind the other in both files are read as one.
    breaks = (source[rows][1:] != stop[:-1]) | (out[rows][1:] != (out[rows] + size[rows])[:-1])
    starts = np.r_[0, np.flatnonzero(breaks) + 1, rows.size] if rows.size else np.zeros(1, np.int64)
    total, done = max(1, int(size[rows].sum())), 0
    runs = [rows[first:last] for first, last in itertools.pairwise(starts.tolist())]
    parts = [
        (run, at, min(_PART, length - at))
        for run in runs
        if int(out[run[0]]) + (length := int(size[run].sum())) > inherited_bytes
        for at in range(0, length, _PART)
    ]

    def differing(part: tuple[Int64, int, int]) -> tuple[Int64, int, list[tuple[int, int]]]:
        run, at, length = part
        return (
            run,
            length,
            list(_differing(source_file, out_file, int(source[run[0]]) + at, int(out[run[0]]) + at, length, cancel)),
        )

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="compare") as pool:
        for run, length, found in pool.map(differing, parts):
            for lo, hi in found:
                touched = (source[run] < hi) & (source[run] + size[run] > lo)
                same[run[touched]] = False
            done += length
            progress.report("Comparing every packet", done / total)
    result, at = [], 0
    for pair in pairs:
        by_row = np.zeros(pair.out.count, np.bool_)
        by_row[pair.out_at] = same[at : at + pair.out_at.size]
        result.append(by_row)
        at += pair.out_at.size
    return result


def _differing(
    source_file: int, out_file: int, source: int, out: int, length: int, cancel: CancelToken
) -> Iterator[tuple[int, int]]:
    """Yield [start, stop) in the source of the bytes that differ, run by run."""
    # The buffers stay in the processor's cache: no page is touched that was not before.
    theirs, ours = bytearray(min(_PIECE, length)), bytearray(min(_PIECE, length))
    for at in range(0, length, _PIECE):
        cancel.check()
        count = min(_PIECE, length - at)
        del theirs[count:], ours[count:]
        if os.preadv(source_file, [theirs], source + at) != count or os.preadv(out_file, [ours], out + at) != count:
            yield source + at, source + at + count
            continue
        if theirs == ours:
            continue
        wrong = np.flatnonzero(np.frombuffer(theirs, np.uint8) != np.frombuffer(ours, np.uint8))
        for run in np.split(wrong, np.flatnonzero(np.diff(wrong) > 1) + 1):
            yield source + at + int(run[0]), source + at + int(run[-1]) + 1


def _rows(pair: _Pair, same: NDArray[np.bool_]) -> tuple[PacketRows, PacketRows]:
    """Return the packets of a track in both files; equal numbers stand for equal bytes."""
    theirs = np.arange(pair.source.count, dtype=np.uint64)
    ours = np.arange(pair.out.count, dtype=np.uint64) + np.uint64(1 << 63)
    of_pair = np.zeros(pair.out.count, np.int64)
    of_pair[pair.out_at] = pair.source_at
    ours[same] = theirs[of_pair[same]]
    return _table(pair, pair.source, theirs), _table(pair, pair.out, ours)


def _table(pair: _Pair, packets: Packets, digest: NDArray[np.uint64]) -> PacketRows:
    return PacketRows(
        time_base=pair.time_base,
        pts=packets.pts,
        dts=packets.dts,
        duration=packets.duration,
        size=packets.size,
        key=packets.sync,
        hidden=packets.hidden,
        digest=digest,
        essence=np.zeros(packets.count, np.uint64),
    )


def _essence(file: int, packets: Packets, row: int, essence: Callable[[bytes], bytes]) -> int:
    data = os.pread(file, int(packets.size[row]), int(packets.position[row]))
    return hash(essence(data)) & _UINT64
