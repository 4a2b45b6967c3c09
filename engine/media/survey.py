"""What stands in a film file, packet by packet, read with FFmpeg and with nothing that a writer here uses.

For comparing two files; nothing is decoded.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.stream import AttachmentStream, Stream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream as AvVideoStream
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.media.bitstream import av1, mpeg2
from engine.media.bitstream.nal import Framing, split
from engine.media.containers import Family, family
from engine.media.demux import is_still
from engine.media.film_file import FilmFile, framing_of
from engine.media.in_band import header_syntax

NO_TIME = int(np.iinfo(np.int64).min)
"""Stands in PacketRows where the file gives no timestamp."""

_REPORT_EVERY = 2048
_H264_CARRIED = frozenset({1, 2, 3, 4, 5, 19, 20})  # slices: H.264 table 7-1
_HEVC_LAST_SLICE = 31  # VCL NAL unit types: H.265 table 7-1
_BLA_N_LP, _CRA = 18, 21


class Reading(Enum):
    """What of a packet counts as its content."""

    BYTES = "every byte"
    """For two files of the same format."""
    SLICES = "the coded pictures and sound alone"
    """For two formats that frame packets differently: start codes, lengths, delimiters, parameter sets and ADTS headers
    do not count."""


@dataclass(frozen=True, slots=True, eq=False)
class PacketRows:
    """One track's packets in file order, one row each.

    Attributes:
        time_base: seconds per tick.
        pts, dts: int64 ticks, NO_TIME where the file gives none.
        duration: int64 ticks, 0 where unknown.
        size: int64 bytes.
        key: bool, marked as a place to start. hidden: bool, decoded but not shown (an edit list).
        digest: uint64 of the packet's content; equal for equal content, good within one process.
        essence: uint64 of the coded pictures in a key packet alone, whichever parameter sets and sequence headers stand
            beside them, whether an HEVC entry is called CRA or BLA and an MPEG-2 group is marked closed; 0 for other
            packets.
    """

    time_base: Fraction
    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    duration: NDArray[np.int64]
    size: NDArray[np.int64]
    key: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    digest: NDArray[np.uint64]
    essence: NDArray[np.uint64]

    def __len__(self) -> int:
        return int(self.pts.size)


@dataclass(frozen=True, slots=True)
class TrackFacts:
    """What a file says about one track.

    Attributes:
        described: the facts that a copy must keep, by name, as text.
        rows: its packets.
    """

    stream: int
    kind: str
    codec: str
    still: bool
    described: Mapping[str, str]
    tags: Mapping[str, str]
    rows: PacketRows


@dataclass(frozen=True, slots=True)
class Survey:
    """A whole file.

    Attributes:
        edited: the stream index of the film's picture.
        duration_s: seconds, 0 where unknown.
        chapters: (start, end, title), seconds.
    """

    path: Path
    container: str
    edited: int
    duration_s: Fraction
    tags: Mapping[str, str]
    chapters: tuple[tuple[Fraction, Fraction, str], ...]
    tracks: tuple[TrackFacts, ...]

    @property
    def video(self) -> TrackFacts:
        """Return the edited track."""
        return self.tracks[self.edited]


def reading_for(source: FilmFile, out: FilmFile) -> Reading:
    """Return what of a packet can be compared between two files."""
    forms = [(film.family, framing_of(film.container.streams[film.edited])) for film in (source, out)]
    return Reading.BYTES if forms[0] == forms[1] else Reading.SLICES


def survey(film: FilmFile, reading: Reading, progress: Progress, cancel: CancelToken) -> Survey:
    """Read every packet of every track once, from start to end.

    Raises:
        DamagedMedia: the file cannot be read to its end.
        Cancelled: on request.
    """
    size = max(1, film.path.stat().st_size)
    container = film.container
    streams = list(container.streams)
    contents = {s.index: _content(s, container.format.name, reading) for s in streams}
    essence = essence_of(streams[film.edited])
    trims: dict[int, str] = {}
    # Seven numbers a packet, packed: two hours of film and sound are half a million packets.
    found = [array("q") for _ in streams]
    for n, packet in enumerate(container.demux()):
        if n % _REPORT_EVERY == 0:
            cancel.check()
            progress.report("Checking every packet", (packet.pos or 0) / size)
        if not packet.size and packet.pts is None and packet.dts is None:
            continue
        stream, pts, dts, key = packet.stream_index, packet.pts, packet.dts, packet.is_keyframe
        data = bytes(packet)
        if stream not in trims:
            trims[stream] = bytes(packet.get_sidedata("skip_samples")).hex()
        content = contents[stream]
        found[stream].extend(
            (
                NO_TIME if pts is None else pts,
                NO_TIME if dts is None else dts,
                packet.duration or 0,
                packet.size,
                key | packet.is_discard << 1,
                hash(data if content is None else content(data)),
                hash(essence(data)) if key and stream == film.edited else 0,
            )
        )
    return described(film, {s.index: _rows(s, found[s.index]) for s in streams}, trims)


def described(film: FilmFile, rows: Mapping[int, PacketRows], trims: Mapping[int, str]) -> Survey:
    """Return a survey from each stream's packets and the trim that its first packet carries."""
    container = film.container
    return Survey(
        path=film.path,
        container=container.format.name,
        edited=film.edited,
        duration_s=Fraction(container.duration or 0, 1_000_000),
        tags=dict(container.metadata),
        chapters=tuple(
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"].get("title", ""))
            for c in container.chapters()
            if c["time_base"]
        ),
        tracks=tuple(_track(s, trims.get(s.index, ""), rows[s.index]) for s in container.streams),
    )


def _rows(stream: Stream, numbers: array[int]) -> PacketRows:
    table = np.frombuffer(numbers, np.int64).reshape(-1, 7) if numbers else np.zeros((0, 7), np.int64)
    pts, dts, duration, size, marks, digest, essence = (np.ascontiguousarray(column) for column in table.T)
    return PacketRows(
        time_base=stream.time_base or Fraction(1),
        pts=pts,
        dts=dts,
        duration=duration,
        size=size,
        key=marks & 1 != 0,
        hidden=marks & 2 != 0,
        digest=digest.view(np.uint64),
        essence=essence.view(np.uint64),
    )


def _track(stream: Stream, trim: str, rows: PacketRows) -> TrackFacts:
    context = stream.codec_context
    described: dict[str, str] = {"disposition": str(int(stream.disposition))}
    if isinstance(stream, AvVideoStream) and isinstance(context, VideoCodecContext):
        described |= {
            "picture size": f"{context.width}x{context.height}",
            "pixel format": str(context.pix_fmt),
            "sample aspect ratio": str(stream.sample_aspect_ratio or Fraction(1)),
            "colour range": str(context.color_range),
            "colour primaries": str(context.color_primaries),
            "colour transfer": str(context.color_trc),
            "colour matrix": str(context.colorspace),
        }
    if stream.type == "audio" and context is not None:
        described |= {
            "sample rate": str(getattr(context, "sample_rate", "")),
            "channels": str(getattr(getattr(context, "layout", None), "name", "")),
            "samples to skip at the start": trim,
        }
    if isinstance(stream, AttachmentStream):
        described |= {"content": f"{len(stream.data)} bytes, {hash(stream.data):x}"}
    return TrackFacts(
        stream=stream.index,
        kind=stream.type,
        codec=context.name if context is not None else str(getattr(stream, "name", None)),
        still=isinstance(stream, AvVideoStream) and is_still(stream),
        described=described,
        tags=dict(stream.metadata),
        rows=rows,
    )


def _content(stream: Stream, container: str, reading: Reading) -> Callable[[bytes], bytes] | None:
    """Return what to keep of a track's packets, None for all of it."""
    if reading is Reading.BYTES or stream.codec_context is None:
        return None
    codec = stream.codec_context.name
    if codec in ("h264", "hevc"):
        return _slices(codec, framing_of(stream))
    if codec == "aac" and family(container) is Family.TRANSPORT:
        return _without_adts
    return None


def essence_of(stream: Stream) -> Callable[[bytes], bytes]:
    """Return what makes of a key packet its coded picture alone; see PacketRows.essence."""
    context = stream.codec_context
    # A decoder may be called otherwise (libdav1d).
    codec = context.codec.canonical_name if context is not None else ""
    if codec in ("h264", "hevc"):
        return _slices(codec, framing_of(stream))
    if codec == "av1":
        return av1.without_sequence_header
    syntax = header_syntax(codec, Framing.START_CODES)
    if syntax is None:
        return bytes
    if codec in ("mpeg1video", "mpeg2video"):
        # An open group is marked closed once its leading pictures are gone.
        return lambda packet: mpeg2.with_closed_group(syntax.without_headers(packet))
    return syntax.without_headers


def _slices(codec: str, framing: Framing) -> Callable[[bytes], bytes]:
    def h264(packet: bytes) -> bytes:
        return b"".join(unit for unit in split(packet, framing) if unit[0] & 0x1F in _H264_CARRIED)

    def hevc(packet: bytes) -> bytes:
        kept = []
        for unit in split(packet, framing):
            kind = (unit[0] >> 1) & 0x3F
            if kind <= _HEVC_LAST_SLICE:
                name = _CRA if kind == _BLA_N_LP else kind
                kept.append(bytes([unit[0] & 0x81 | name << 1]) + unit[1:])
        return b"".join(kept)

    return h264 if codec == "h264" else hevc


def _without_adts(packet: bytes) -> bytes:
    # ISO/IEC 13818-7 6.2: 12 bits of sync, protection_absent in the fourth nibble; 7 bytes, 9 with a checksum.
    if len(packet) < 7 or packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return packet
    return packet[7:] if packet[1] & 1 else packet[9:]
