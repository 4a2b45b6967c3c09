"""The sample tables of an edited track, written anew; whatever still holds is kept byte for byte.

Timing is not touched: `stts`, the edit list and all durations stay; which sample is shown when may change (`ctts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.media.mp4 import tables
from engine.media.mp4.boxes import Box, Parts, box_bytes, box_parts, children
from engine.media.mp4.entries import SampleEntry, descriptor_spans
from engine.media.mp4.tables import Bool, Int64, Runs, Samples

FIXED = {
    b"subs": "describes parts of its samples",
    b"csgp": "has compact sample groups",
    b"saiz": "has auxiliary data for its samples",
    b"saio": "has auxiliary data for its samples",
    b"padb": "has padding bits for its samples",
}
"""Boxes of an edited track that would have to be rewritten and are not understood, with what a message says of them."""


@dataclass(frozen=True, slots=True, eq=False)
class EditedSamples:
    """The rows of an edited track, in decode order. All arrays have one length.

    Attributes:
        position: int64, byte offset in the new file.
        size: int64, bytes.
        offset: int64, composition offset in ticks.
        sync: bool, a decoder may start here.
        replaced: bool, the sample is not the source's.
    """

    position: Int64
    size: Int64
    offset: Int64
    sync: Bool
    replaced: Bool


def with_children(buffer: bytes, parent: Box, changes: Mapping[Box, Parts], *added: bytes) -> Parts:
    """Return a container box with some children replaced (no pieces drop one) and more put at its end."""
    view = memoryview(buffer)
    parts: list[bytes | memoryview] = []
    at = parent.body
    for child in sorted(changes, key=lambda box: box.start):
        parts += [view[at : child.start], *changes[child]]
        at = child.stop
    return box_parts(parent.kind, *parts, view[at : parent.stop], *added)


def edited_tables(moov: bytes, stbl: Box, source: Samples, edited: EditedSamples, stsd: Parts | None) -> Parts:
    """Return `stbl` for the edited rows.

    Args:
        moov: the source's movie box.
        stbl: the track's sample tables in it.
        source: the rows that these tables describe.
        edited: the rows to describe, as many.
        stsd: the sample descriptions to put in, None to keep the source's.
    """
    changes: dict[Box, Parts] = {}
    boxes = list(children(moov, stbl))
    kinds = {box.kind for box in boxes}
    new_offsets = bool((edited.offset != source.offset).any())
    replaced = np.flatnonzero(edited.replaced)
    for box in boxes:
        body = moov[box.body : box.stop]
        match box.kind:
            case b"stsd" if stsd is not None:
                changes[box] = stsd
            case b"stsz" | b"stz2":
                changes[box] = (_sizes(edited.size),)
            case b"stsc":
                changes[box] = (_chunk_runs(source, edited),)
            case b"stco" | b"co64":
                changes[box] = (chunk_offsets(box.kind, edited.position[_chunk_starts(source, edited)]),)
            case b"ctts" if new_offsets:
                changes[box] = (_offsets(body[:4], edited.offset),)
            case b"stss":
                changes[box] = (_sync_numbers(body, edited),)
            case b"stps":
                changes[box] = (_without_replaced(b"stps", body, edited.replaced),)
            case b"sdtp":
                changes[box] = (_dependencies(body, replaced, edited.sync),)
            case b"stdp":
                changes[box] = (_zeroed_16_bit(b"stdp", body, replaced),)
            case b"stsh":
                changes[box] = (_shadow_sync(body, edited.replaced),)
            case b"sbgp":
                changes[box] = (_groups(body, edited.replaced),)
            case b"cslg" if new_offsets:
                changes[box] = (_composition_shift(body, edited.offset[replaced]),)
            case _:
                pass
    added = b""
    if new_offsets and b"ctts" not in kinds:
        added += _offsets(b"\1\0\0\0" if int(edited.offset.min()) < 0 else bytes(4), edited.offset)
    if b"stss" not in kinds and not bool(edited.sync.all()):
        added += box_bytes(b"stss", _counted(bytes(4), np.flatnonzero(edited.sync) + 1, ">u4"))
    return with_children(moov, stbl, changes, added)


def chunk_offsets(kind: bytes, positions: Int64) -> bytes:
    """Return `stco`, or `co64` where the positions need it or the source had it."""
    wide = kind == b"co64" or (positions.size > 0 and int(positions.max()) > 0xFFFFFFFF)
    return box_bytes(b"co64" if wide else b"stco", _counted(bytes(4), positions, ">u8" if wide else ">u4"))


def with_extradata(moov: bytes, stsd: Box, entry: SampleEntry, extradata: bytes) -> Parts:
    """Return `stsd` with the decoder's configuration of its only entry replaced.

    Raises:
        ValueError: the entry has no configuration box.
    """
    box = entry.configuration
    if box is None:
        raise ValueError(f"sample entry {entry.kind!r} has no decoder configuration")
    body = extradata
    if box.kind == b"esds":
        body = _esds(moov[box.body : box.stop], extradata)
    inner = with_children(moov, entry.box, {box: box_parts(box.kind, body)})
    return with_children(moov, stsd, {entry.box: inner})


def _sizes(size: Int64) -> bytes:
    return box_bytes(b"stsz", bytes(8) + size.size.to_bytes(4, "big") + size.astype(">u4").tobytes())


def _chunk_starts(source: Samples, edited: EditedSamples) -> Int64:
    """Return the rows that begin a chunk: the source's chunks, cut where the bytes stop following each other.

    New samples are in chunks no longer than the source's longest, since some players read a chunk at a time.
    """
    if not edited.size.size:
        return np.zeros(0, np.int64)
    starts = np.ones(edited.size.size, np.bool_)
    starts[1:] = edited.position[1:] != edited.position[:-1] + edited.size[:-1]
    starts[1:] |= (np.diff(source.chunk) != 0) & ~edited.replaced[1:]
    starts[1:] |= edited.replaced[1:] != edited.replaced[:-1]
    longest = int(np.bincount(source.chunk).max())
    rows = np.arange(edited.size.size)
    into_run = rows - np.maximum.accumulate(np.where(starts, rows, 0))
    return np.flatnonzero(starts | (edited.replaced & (into_run % longest == 0)))


def _chunk_runs(source: Samples, edited: EditedSamples) -> bytes:
    starts = _chunk_starts(source, edited)
    held = np.diff(starts, append=edited.size.size)
    first = np.flatnonzero(np.diff(held, prepend=-1))
    return box_bytes(b"stsc", _table(bytes(4), first + 1, held[first], np.ones(first.size, np.int64)))


def _offsets(version_and_flags: bytes, offset: Int64) -> bytes:
    runs = run_lengths(offset)
    return box_bytes(b"ctts", _table(version_and_flags, runs.count, runs.value & 0xFFFFFFFF))


def _sync_numbers(body: bytes, edited: EditedSamples) -> bytes:
    """Return `stss` for the new samples; sync samples that the source names elsewhere ('rap ', `stps`) stay there."""
    listed = tables.numbers(b"stss", body)
    # A table that begins with 0 counts from 0; it is written counting from 1.
    rows = listed - (0 if listed.size and listed[0] == 0 else 1)
    sync = edited.sync & edited.replaced
    kept = rows[(rows >= 0) & (rows < sync.size)]
    sync[kept[~edited.replaced[kept]]] = True
    return box_bytes(b"stss", _counted(body[:4], np.flatnonzero(sync) + 1, ">u4"))


def _without_replaced(kind: bytes, body: bytes, replaced: Bool) -> bytes:
    """Return a list of sample numbers without those of the replaced ones."""
    listed = tables.numbers(kind, body)
    listed = listed[(listed > 0) & (listed <= replaced.size)]
    return box_bytes(kind, _counted(body[:4], listed[~replaced[listed - 1]], ">u4"))


def _dependencies(body: bytes, replaced: Int64, sync: Bool) -> bytes:
    """Return `sdtp` (ISO/IEC 14496-12, 8.6.4): of new samples only that a sync sample depends on no other is known."""
    flags = bytearray(body)
    for row in replaced.tolist():
        if 4 + row < len(flags):
            flags[4 + row] = 0x20 if sync[row] else 0
    return box_bytes(b"sdtp", bytes(flags))


def _zeroed_16_bit(kind: bytes, body: bytes, replaced: Int64) -> bytes:
    values = np.frombuffer(body, ">u2", (len(body) - 4) // 2, 4).copy()
    values[replaced[replaced < values.size]] = 0
    return box_bytes(kind, body[:4] + values.tobytes())


def _shadow_sync(body: bytes, replaced: Bool) -> bytes:
    """Return `stsh` (ISO/IEC 14496-12, 8.6.3) without the pairs that name a replaced sample."""
    count = min(int.from_bytes(body[4:8], "big"), (len(body) - 8) // 8)
    pairs = np.frombuffer(body, ">u4", count * 2, 8).reshape(-1, 2).astype(np.int64)
    inside = ((pairs > 0) & (pairs <= replaced.size)).all(axis=1)
    pairs = pairs[inside]
    pairs = pairs[~replaced[pairs - 1].any(axis=1)] if pairs.size else pairs
    return box_bytes(b"stsh", _table(body[:4], pairs[:, 0], pairs[:, 1]))


def _groups(body: bytes, replaced: Bool) -> bytes:
    """Return `sbgp` (ISO/IEC 14496-12, 8.9.2) with the new samples in no group."""
    group = tables.group_runs(body).spread(replaced.size)
    group = np.where(replaced[: group.size], 0, group)
    runs = run_lengths(group)
    fields = 12 if body[:1] == b"\1" else 8
    return box_bytes(b"sbgp", body[:fields] + _entries(runs.count, runs.value))


def _composition_shift(body: bytes, offsets: Int64) -> bytes:
    """Return `cslg` (ISO/IEC 14496-12, 8.6.1.4) with its bounds widened to the new offsets."""
    width = 8 if body[:1] == b"\1" else 4
    fields = np.frombuffer(body, f">i{width}", (len(body) - 4) // width, 4).copy()
    if fields.size >= 3 and offsets.size:
        fields[1] = min(int(fields[1]), int(offsets.min()))
        fields[2] = max(int(fields[2]), int(offsets.max()))
    return box_bytes(b"cslg", body[:4] + fields.tobytes())


def _esds(esds: bytes, info: bytes) -> bytes:
    """Return an `esds` payload with another DecoderSpecificInfo; every descriptor around it gets its new length."""
    spans = descriptor_spans(esds)
    if spans is None:
        raise ValueError("box 'esds' has no DecoderSpecificInfo")
    stream, config, old = spans
    in_config = esds[config.payload : old.start] + _descriptor(0x05, info) + esds[old.stop : config.stop]
    in_stream = esds[stream.payload : config.start] + _descriptor(0x04, in_config) + esds[config.stop : stream.stop]
    return esds[: stream.start] + _descriptor(0x03, in_stream) + esds[stream.stop :]


def _descriptor(tag: int, payload: bytes) -> bytes:
    septets = [len(payload) >> shift & 0x7F for shift in (21, 14, 7, 0)]
    return bytes([tag, 0x80 | septets[0], 0x80 | septets[1], 0x80 | septets[2], septets[3]]) + payload


def run_lengths(values: Int64) -> Runs:
    """Return values as runs."""
    first = np.flatnonzero(np.diff(values, prepend=values[:1] - 1)) if values.size else np.zeros(0, np.int64)
    return Runs(np.diff(first, append=values.size), values[first])


def _counted(version_and_flags: bytes, values: Int64, dtype: str) -> bytes:
    return version_and_flags + values.size.to_bytes(4, "big") + values.astype(dtype).tobytes()


def _table(version_and_flags: bytes, *columns: Int64) -> bytes:
    return version_and_flags + _entries(*columns)


def _entries(*columns: Int64) -> bytes:
    return columns[0].size.to_bytes(4, "big") + np.stack(columns, axis=1).astype(">u4").tobytes()
