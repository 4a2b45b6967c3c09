"""Films made of bare tables: their samples are a few meaningless bytes, so a demuxer can read them in no time."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
import pytest

from engine.media.coded import CodedUnit, Splice
from engine.media.mp4.movie import Movie
from engine.media.mp4.samples import SampleReader

MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *(value & 0xFFFFFFFF for value in values))


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full_box(kind: bytes, version: int, *parts: bytes) -> bytes:
    return box(kind, u32(version << 24), *parts)


def rows(*columns: Sequence[int]) -> bytes:
    return np.stack([np.asarray(column, np.int64) for column in columns], axis=1).astype(">u4").tobytes()


def video_entry(kind: bytes = b"zzzz", *inside: bytes) -> bytes:
    """Return a visual sample entry; no decoder and no parser of FFmpeg knows 'zzzz', so nothing changes its packets."""
    fields = bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", 64, 64) + u32(0x480000, 0x480000, 0) + b"\0\1"
    return box(kind, fields + bytes(32) + b"\0\x18\xff\xff", *inside)


def sound_entry(kind: bytes = b"alaw") -> bytes:
    return box(kind, bytes(6) + b"\0\1" + bytes(8) + struct.pack(">HHHH", 1, 16, 0, 0) + u32(8000 << 16))


@dataclass
class TrackPlan:
    """A track; every list has one item per sample, `edits` are (duration, media time), `keys` are numbers from 1."""

    handler: bytes = b"vide"
    entry: bytes = field(default_factory=video_entry)
    timescale: int = 600
    durations: Sequence[int] = ()
    offsets: Sequence[int] | None = None
    keys: Sequence[int] | None = None
    sizes: Sequence[int] = ()
    edits: Sequence[tuple[int, int]] = ()
    samples_per_chunk: int = 1
    extra_tables: bytes = b""
    wide_offsets: bool = False


@dataclass
class FilmPlan:
    """A film: `front` puts the header before the media data."""

    tracks: Sequence[TrackPlan]
    timescale: int = 600
    front: bool = False
    extra: bytes = b""

    def write(self, path: Path, fill: bytes | None = None) -> Path:
        """Write the film; its media data is `fill`, or zeros (not stored where the file system knows holes)."""
        start = b"".join([box(b"ftyp", b"isom", u32(0), b"isom")])
        total = sum(int(np.sum(track.sizes)) for track in self.tracks)
        header = 16 if total + 8 > 0xFFFFFFFF else 8
        size_of_moov = len(self._moov([0] * len(self.tracks)))
        at = len(start) + header + (size_of_moov if self.front else 0)
        starts = []
        for track in self.tracks:
            starts.append(at)
            at += int(np.sum(track.sizes))
        moov = self._moov(starts)
        mdat = struct.pack(">I4sQ", 1, b"mdat", total + 16) if header == 16 else u32(total + 8) + b"mdat"
        with path.open("wb") as file:
            file.write(start + (moov if self.front else b"") + mdat)
            if fill is not None:
                file.write(fill)
            else:
                file.truncate(file.tell() + total)
                file.seek(0, 2)
            file.write(b"" if self.front else moov)
        return path

    def _moov(self, starts: Sequence[int]) -> bytes:
        traks = [self._trak(i + 1, track, at) for i, (track, at) in enumerate(zip(self.tracks, starts, strict=True))]
        duration = max((int(np.sum(t.durations)) * self.timescale // t.timescale for t in self.tracks), default=0)
        mvhd = full_box(
            b"mvhd", 0, u32(0, 0, self.timescale, duration, 0x10000, 0x1000000), bytes(8), MATRIX, bytes(24), u32(9)
        )
        return box(b"moov", mvhd, *traks, self.extra)

    def _trak(self, number: int, track: TrackPlan, start: int) -> bytes:
        count = len(track.durations)
        ones = np.ones(count, np.int64)
        chunk_sizes = np.add.reduceat(track.sizes, np.arange(0, count, track.samples_per_chunk)) if count else []
        chunks = start + np.concatenate([[0], np.cumsum(chunk_sizes)[:-1]]) if count else np.zeros(0, np.int64)
        runs = [(1, track.samples_per_chunk)] if count else []
        left_over = count % track.samples_per_chunk
        if left_over:
            runs = [*runs, (len(chunks), left_over)] if len(chunks) > 1 else [(1, left_over)]
        dtype = ">u8" if track.wide_offsets else ">u4"
        tables = [
            full_box(b"stsd", 0, u32(1), track.entry),
            full_box(b"stts", 0, u32(count), rows(ones, track.durations)),
            full_box(b"stsc", 0, u32(len(runs)), b"".join(u32(*run, 1) for run in runs)),
            full_box(b"stsz", 0, u32(0, count), np.asarray(track.sizes).astype(">u4").tobytes()),
            full_box(b"co64" if track.wide_offsets else b"stco", 0, u32(len(chunks)), chunks.astype(dtype).tobytes()),
            track.extra_tables,
        ]
        if track.offsets is not None:
            version = 1 if any(offset < 0 for offset in track.offsets) else 0
            tables.append(full_box(b"ctts", version, u32(count), rows(ones, track.offsets)))
        if track.keys is not None:
            tables.append(full_box(b"stss", 0, u32(len(track.keys)), u32(*track.keys)))
        duration = int(np.sum(track.durations))
        edits = b"".join(u32(length, time, 0x10000) for length, time in track.edits)
        return box(
            b"trak",
            full_box(b"tkhd", 0, u32(0, 0, number, 0, duration), bytes(16), MATRIX, u32(64 << 16, 64 << 16)),
            box(b"edts", full_box(b"elst", 0, u32(len(track.edits)), edits)) if track.edits else b"",
            box(
                b"mdia",
                full_box(b"mdhd", 0, u32(0, 0, track.timescale, duration), b"\x15\xc7\0\0"),
                full_box(b"hdlr", 0, u32(0), track.handler, bytes(12), b"\0"),
                box(
                    b"minf",
                    full_box(b"vmhd", 0, bytes(8)) if track.handler == b"vide" else full_box(b"smhd", 0, bytes(4)),
                    box(b"dinf", full_box(b"dref", 0, u32(1), box(b"url ", u32(1)))),
                    box(b"stbl", *tables),
                ),
            ),
        )


@dataclass(frozen=True)
class Packet:
    """What a demuxer says of a packet."""

    pts: int | None
    dts: int | None
    duration: int
    size: int
    position: int
    sync: bool
    hidden: bool


def demuxed(path: Path) -> dict[int, list[Packet]]:
    """Return the packets of each track of a file, as FFmpeg's demuxer gives them."""
    found: dict[int, list[Packet]] = {}
    with av.open(str(path)) as container:
        for stream in container.streams:
            found[stream.id] = []
        for packet in container.demux():
            if packet.dts is None and packet.size == 0:
                continue
            found[packet.stream.id].append(
                Packet(
                    packet.pts,
                    packet.dts,
                    packet.duration or 0,
                    packet.size,
                    packet.pos if packet.pos is not None else -1,
                    packet.is_keyframe,
                    packet.is_discard,
                )
            )
    return found


def contents(file: Path | BinaryIO) -> dict[int, list[tuple]]:
    """Return (pts, dts, duration, sync, hidden, bytes) of the packets of each track, wherever in the file they are."""
    found: dict[int, list[tuple]] = {}
    with av.open(str(file) if isinstance(file, Path) else file) as container:
        for stream in container.streams:
            found[stream.id] = []
        for packet in container.demux():
            if packet.dts is None and packet.size == 0:
                continue
            row = (packet.pts, packet.dts, packet.duration, packet.is_keyframe, packet.is_discard, bytes(packet))
            found[packet.stream.id].append(row)
    return found


def same_units(movie: Movie, track_id: int, start: int, stop: int) -> Splice:
    """Return a splice that puts in again what is there."""
    packets = movie.track(track_id).packets
    units = []
    with SampleReader(movie.path) as reader:
        for i in range(start, stop):
            data = reader.read(int(packets.position[i]), int(packets.size[i]))
            units.append(_unit(movie, track_id, i, data, bool(packets.sync[i])))
    return Splice(start, stop, tuple(units))


def new_units(movie: Movie, track_id: int, start: int, stop: int, letter: bytes, size: int = 700) -> Splice:
    """Return a splice of units that consist of one letter; the first is a key."""
    return Splice(
        start, stop, tuple(_unit(movie, track_id, i, letter * (size + i), i == start) for i in range(start, stop))
    )


def _unit(movie: Movie, track_id: int, i: int, data: bytes, key: bool) -> CodedUnit:
    packets = movie.track(track_id).packets
    return CodedUnit(data, int(packets.pts[i]), int(packets.dts[i]), int(packets.duration[i]), key)


@dataclass(frozen=True)
class Toolbox:
    """The parts of a film, for the tests of this folder."""

    box: Callable[..., bytes] = box
    full_box: Callable[..., bytes] = full_box
    u32: Callable[..., bytes] = u32
    video_entry: Callable[..., bytes] = video_entry
    sound_entry: Callable[..., bytes] = sound_entry
    track: type[TrackPlan] = TrackPlan
    film: type[FilmPlan] = FilmPlan
    packet: type[Packet] = Packet
    demuxed: Callable[[Path], dict[int, list[Packet]]] = demuxed
    contents: Callable[[Path | BinaryIO], dict[int, list[tuple]]] = contents
    same_units: Callable[..., Splice] = same_units
    new_units: Callable[..., Splice] = new_units


@pytest.fixture(scope="session")
def make() -> Toolbox:
    """Return what films are made of."""
    return Toolbox()
