"""The sample tables of one track: how the boxes inside `stbl` become one row per sample.

Nothing here knows about edit lists or files. Declared counts are believed only as far as the box has bytes for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.media.mp4.boxes import Malformed, quoted

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

MAX_EQUAL_SAMPLES = 1 << 23
"""Samples of a track whose samples all have one size: such a table needs no bytes per sample, so it needs a limit."""

CLIPPED_DELTA = 0xFFFFFFFF - 480_000
"""Longer sample durations are negative numbers that some writers stored (FFmpeg's max_stts_delta)."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Every sample of a track as it is stored, in decode order, before any edit list. All arrays have one length.

    Attributes:
        dts: int64, decode time in ticks of the media timescale, the first is 0.
        duration: int64, ticks.
        offset: int64, composition time minus decode time in ticks, signed.
        size: int64, bytes.
        position: int64, byte offset in the file.
        chunk: int64, number of the chunk it lies in, from 0.
        sync: bool, a decoder may start here.
        has_offsets: the track has composition offsets at all.
        dts_shift: ticks that FFmpeg takes off every dts since some composition offsets are negative.
        lists_more: the chunks hold more samples than there are sizes; FFmpeg then ignores the edit list.
    """

    dts: Int64
    duration: Int64
    offset: Int64
    size: Int64
    position: Int64
    chunk: Int64
    sync: Bool
    has_offsets: bool
    dts_shift: int
    lists_more: bool

    @property
    def count(self) -> int:
        """Return the number of samples."""
        return int(self.dts.size)


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """A run-length table: `value` applies to `count` samples. Both int64 of one length."""

    count: Int64
    value: Int64

    def spread(self, length: int) -> Int64:
        """Return one value per sample, at most `length` of them."""
        ends = np.minimum(np.cumsum(self.count), length)
        return np.repeat(self.value, np.diff(ends, prepend=0))


@dataclass(frozen=True, slots=True, eq=False)
class SampleSizes:
    """`stsz` or `stz2`: one size for all (`each` is empty) or one for each."""

    equal: int
    count: int
    each: Int64


@dataclass(frozen=True, slots=True, eq=False)
class ChunkRuns:
    """`stsc`: from chunk `first` (from 1) on, each chunk holds `samples` samples of sample entry `entry` (from 1)."""

    first: Int64
    samples: Int64
    entry: Int64

    def per_chunk(self, chunks: int) -> Int64:
        """Return the number of samples of each chunk."""
        return np.repeat(self.samples, self._chunks_of_runs(chunks))

    def entries(self, chunks: int) -> Int64:
        """Return the sample entry of each chunk."""
        return np.repeat(self.entry, self._chunks_of_runs(chunks))

    def _chunks_of_runs(self, chunks: int) -> Int64:
        # The first run holds from the first chunk on, whatever number it gives.
        starts = np.concatenate([np.zeros(1, np.int64), self.first[1:] - 1])
        return np.diff(starts, append=chunks)


def sample_durations(body: bytes) -> Runs:
    """Read `stts` (ISO/IEC 14496-12, 8.6.1.2)."""
    table = _table(body, b"stts", 2)
    runs = Runs(table[:, 0], table[:, 1])
    return _negative_durations_evened(runs) if bool((runs.value > CLIPPED_DELTA).any()) else runs


def composition_offsets(body: bytes) -> Runs:
    """Read `ctts` (ISO/IEC 14496-12, 8.6.1.3); signed in both versions, as QuickTime writes version 0."""
    table = _table(body, b"ctts", 2)
    offsets = table[:, 1].astype(np.uint32).view(np.int32).astype(np.int64)
    counts = table[:, 0].astype(np.uint32).view(np.int32).astype(np.int64)
    return Runs(np.maximum(counts, 0), offsets)


def dts_shift(offsets: Runs) -> int:
    """Return by how many ticks FFmpeg lowers every dts so that no pts lies before it.

    It looks at every run but the last two, which often are junk.
    """
    counted = offsets.value[:-2][offsets.count[:-2] > 0]
    return max(0, -int(counted.min())) if counted.size else 0


def sample_sizes(kind: bytes, body: bytes) -> SampleSizes:
    """Read `stsz` or `stz2` (ISO/IEC 14496-12, 8.7.3)."""
    if len(body) < 12:
        raise Malformed(f"box {quoted(kind)} has only {len(body)} bytes")
    field, count = (int(x) for x in np.frombuffer(body, ">u4", 2, 4))
    bits = 32
    if kind == b"stsz":
        if field:
            return SampleSizes(field, count, np.zeros(0, np.int64))
    else:
        bits = field & 0xFF
        if bits not in (4, 8, 16):
            raise Malformed(f"box 'stz2' has fields of {bits} bits")
    room = (len(body) - 12) * 8 // bits
    if count > room:
        raise Malformed(f"box {quoted(kind)} declares {count} samples and has room for {room}")
    if bits == 4:
        octets = np.frombuffer(body, np.uint8, (count + 1) // 2, 12)
        each = np.stack([octets >> 4, octets & 15], axis=1).reshape(-1)[:count].astype(np.int64)
    else:
        each = np.frombuffer(body, f">u{bits // 8}", count, 12).astype(np.int64)
    return SampleSizes(0, count, each)


def chunk_runs(body: bytes, chunks: int) -> ChunkRuns:
    """Read `stsc` (ISO/IEC 14496-12, 8.7.4).

    Args:
        body: the payload of the box.
        chunks: the number of chunks that `stco` or `co64` lists.
    """
    table = _table(body, b"stsc", 3)
    if len(table) > 1 and table[-1, 1] == 0:
        table = table[:-1]
    first, samples, entry = table[:, 0], table[:, 1], table[:, 2]
    if not chunks:
        return ChunkRuns(first[:0], samples[:0], entry[:0])
    if not len(table):
        raise Malformed(f"box 'stsc' is empty where the track has {chunks} chunks")
    if bool((np.diff(first) <= 0).any()):
        raise Malformed("box 'stsc' does not list its chunks in order")
    if first[-1] > chunks:
        raise Malformed(f"box 'stsc' begins a run at chunk {first[-1]} where the track has {chunks}")
    return ChunkRuns(first, samples, entry)


def chunk_offsets(kind: bytes, body: bytes) -> Int64:
    """Read `stco` or `co64` (ISO/IEC 14496-12, 8.7.5)."""
    width = 4 if kind == b"stco" else 8
    count = _count(body, kind, width)
    offsets = np.frombuffer(body, f">u{width}", count, 8)
    if width == 8 and bool((offsets > 0x7FFFFFFFFFFFFFFF).any()):
        raise Malformed(f"box 'co64' has a chunk at {offsets.max()}")
    return offsets.astype(np.int64)


def numbers(kind: bytes, body: bytes) -> Int64:
    """Read a list of sample numbers, counted from 1: `stss`, `stps`."""
    return _table(body, kind, 1)[:, 0]


def group_runs(body: bytes) -> Runs:
    """Read `sbgp` (ISO/IEC 14496-12, 8.9.2): runs of samples and the index of the group description, 0 for none."""
    skip = 12 if body[:1] == b"\1" else 8
    if len(body) < skip + 4:
        raise Malformed(f"box 'sbgp' has only {len(body)} bytes")
    count = int.from_bytes(body[skip : skip + 4], "big")
    if count * 8 > len(body) - skip - 4:
        raise Malformed(f"box 'sbgp' declares {count} entries and has room for {(len(body) - skip - 4) // 8}")
    table = np.frombuffer(body, ">u4", count * 2, skip + 4).reshape(-1, 2).astype(np.int64)
    return Runs(table[:, 0], table[:, 1])


def samples(stbl: Mapping[bytes, bytes], rap_groups: Runs | None, file_size: int) -> Samples:
    """Return the rows of a track.

    Args:
        stbl: the payloads of the boxes inside `stbl` by kind.
        rap_groups: the `sbgp` of grouping type 'rap ', if there is one.
        file_size: bytes of the file, a bound for tables that need no bytes per sample.

    Raises:
        Malformed: a box that is needed is missing, or they contradict each other.
    """
    chunk_position = chunks(stbl)
    runs = chunk_runs(_needed(stbl, b"stsc"), chunk_position.size)
    sizes_kind = b"stz2" if b"stz2" in stbl and b"stsz" not in stbl else b"stsz"
    sizes = sample_sizes(sizes_kind, _needed(stbl, sizes_kind))
    per_chunk = runs.per_chunk(chunk_position.size)
    listed = int(per_chunk.sum())
    count = min(listed, sizes.count)
    if sizes.equal and (count > MAX_EQUAL_SAMPLES or count * sizes.equal > file_size):
        raise Malformed(f"box {quoted(sizes_kind)} declares {count} samples of {sizes.equal} bytes each")
    size = np.full(count, sizes.equal, np.int64) if sizes.equal else sizes.each[:count]
    chunk, position = _positions(chunk_position, per_chunk, size)

    offset_runs = composition_offsets(stbl[b"ctts"]) if b"ctts" in stbl else None
    shift = dts_shift(offset_runs) if offset_runs is not None else 0
    if offset_runs is not None and _implausible(offset_runs):
        offset_runs = None
    has_offsets = offset_runs is not None and offset_runs.count.size > 0
    duration = _durations(sample_durations(_needed(stbl, b"stts")), offset_runs, count)
    offset = np.zeros(count, np.int64)
    if offset_runs is not None:
        spread = offset_runs.spread(count)
        offset[: spread.size] = spread
    return Samples(
        dts=np.cumsum(duration) - duration,
        duration=duration,
        offset=offset,
        size=size,
        position=position,
        chunk=chunk,
        sync=_sync(stbl, rap_groups, count),
        has_offsets=has_offsets,
        dts_shift=shift,
        lists_more=listed > sizes.count,
    )


def chunks(stbl: Mapping[bytes, bytes]) -> Int64:
    """Return the byte offset of each chunk of a track.

    Raises:
        Malformed: the box is missing or damaged.
    """
    kind = b"co64" if b"co64" in stbl else b"stco"
    return chunk_offsets(kind, _needed(stbl, kind))


def no_samples() -> Samples:
    """Return the rows of an empty track."""
    none = np.zeros(0, np.int64)
    return Samples(none, none, none, none, none, none, np.zeros(0, np.bool_), False, 0, False)


def _positions(chunk_position: Int64, per_chunk: Int64, size: Int64) -> tuple[Int64, Int64]:
    """Return the chunk and the byte offset of each sample; samples of a chunk follow each other without gaps."""
    last = np.minimum(np.cumsum(per_chunk), size.size)
    held = np.diff(last, prepend=0)
    chunk = np.repeat(np.arange(chunk_position.size), held)
    before = np.cumsum(size) - size
    return chunk, chunk_position[chunk] + before - before[(last - held)[chunk]]


def _durations(runs: Runs, offsets: Runs | None, count: int) -> Int64:
    """Return a duration per sample where `stts` may cover too few.

    FFmpeg merges `stts` and `ctts` into one table as long as the longer of them: what `stts` does not cover lasts 0
    ticks, and what neither covers lasts as long as the table's last row.
    """
    duration = runs.spread(count)
    if duration.size == count:
        return duration
    covered = max(duration.size, min(count, int(offsets.count.sum())) if offsets is not None else 0)
    padded = np.zeros(count, np.int64)
    padded[: duration.size] = duration
    if covered:
        padded[covered:] = padded[covered - 1]
    return padded


def _sync(stbl: Mapping[bytes, bytes], rap_groups: Runs | None, count: int) -> Bool:
    """Return which samples are sync samples: `stss`, QuickTime's partial ones in `stps`, and 'rap ' groups."""
    full = numbers(b"stss", stbl[b"stss"]) if b"stss" in stbl else None
    partial = numbers(b"stps", stbl[b"stps"]) if b"stps" in stbl else np.zeros(0, np.int64)
    if full is None:
        return np.ones(count, np.bool_)
    sync = np.zeros(count, np.bool_)
    # Some writers count from 0: a table that begins with 0 does.
    base = 1 if (full.size and full[0] > 0) or (partial.size and partial[0] > 0) else 0
    for listed in (full, partial):
        ordered = _increasing_prefix(listed) - base
        sync[ordered[(ordered >= 0) & (ordered < count)]] = True
    grouped = rap_groups.spread(count) > 0 if rap_groups is not None else np.zeros(0, np.bool_)
    sync[: grouped.size] |= grouped
    if not full.size and not partial.size and rap_groups is None and count:
        sync[0] = True
    return sync


def _increasing_prefix(values: Int64) -> Int64:
    """Return the values up to the first that is not larger than the one before."""
    breaks = np.flatnonzero(np.diff(values) <= 0)
    return values[: breaks[0] + 1] if breaks.size else values


def _implausible(offsets: Runs) -> bool:
    """Tell whether FFmpeg throws the composition offsets away: one of them is beyond 2^28 ticks."""
    return bool((np.abs(offsets.value[:-2])[offsets.count[:-2] > 0] > 1 << 28).any())


def _negative_durations_evened(runs: Runs) -> Runs:
    """Take a negative duration, stored as a huge one, off those that follow, as FFmpeg does."""
    values = runs.value.copy()
    true_dts = shown_dts = 0
    for i, (count, value) in enumerate(zip(runs.count.tolist(), runs.value.tolist(), strict=True)):
        if value > CLIPPED_DELTA:
            values[i] = 1
            true_dts += (value - (1 << 32)) * count
        else:
            true_dts += value * count
        shown_dts += int(values[i]) * count
        if shown_dts > true_dts:
            drift = (shown_dts - true_dts) // max(count, 1)
            less = drift if values[i] > drift else int(values[i]) - 1
            shown_dts -= less * count
            values[i] -= less
    return Runs(runs.count, values)


def _needed(stbl: Mapping[bytes, bytes], kind: bytes) -> bytes:
    body = stbl.get(kind)
    if body is None:
        raise Malformed(f"box {quoted(kind)} is missing")
    return body


def _table(body: bytes, kind: bytes, columns: int) -> Int64:
    """Read a counted table of 32-bit fields behind a version, flags and a count."""
    count = _count(body, kind, columns * 4)
    return np.frombuffer(body, ">u4", count * columns, 8).reshape(-1, columns).astype(np.int64)


def _count(body: bytes, kind: bytes, width: int) -> int:
    if len(body) < 8:
        raise Malformed(f"box {quoted(kind)} has only {len(body)} bytes")
    count = int.from_bytes(body[4:8], "big")
    room = (len(body) - 8) // width
    if count > room:
        raise Malformed(f"box {quoted(kind)} declares {count} entries and has room for {room}")
    return count
