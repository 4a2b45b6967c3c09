"""The remux writer: a film's packets written anew, with the re-encoded units in place of the changed ones.

Copies packets; never decodes, never moves a timestamp. Renaming and verifying the result is engine.render.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from engine.control import CancelToken, Progress
from engine.media.bitstream.nal import Framing
from engine.media.coded import CodedUnit, Splice
from engine.media.containers import Family, family, muxer_for, muxer_options, patience, transport_packet_bytes
from engine.media.demux import is_still, opened, reading_options
from engine.media.feeds import Anew, Feed, Spliced, time_of
from engine.media.file_times import in_file_times
from engine.media.in_band import header_syntax
from engine.media.in_place import NotPatchable
from engine.media.matroska.patch import patch_matroska
from engine.media.tracks import (
    CannotHold,
    DroppedTrack,
    EditedVideo,
    copy_tracks,
    is_storage_error,
    storage_errors,
    words,
)
from engine.media.transport_stream import patch_transport_stream
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

_REPORT_EVERY = 512


class Way(Enum):
    """How a film was written."""

    IN_PLACE = "the file was copied, and only the packets of the edited pictures exchanged"
    ANEW = "all packets were put into a new file"


@dataclass(frozen=True, slots=True)
class RemuxReport:
    """What was written.

    Attributes:
        way: how.
        units_replaced: units of the edited stream that came from splices.
        headers_restored: source units that got the source's own parameter sets in front, because a splice before them
            brought others and they had none.
        dropped: tracks that the target's format cannot hold.
    """

    way: Way
    units_replaced: int
    headers_restored: int
    dropped: tuple[DroppedTrack, ...]


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A picture encoded anew from start to end.

    Attributes:
        codec: FFmpeg's name of it.
        extradata: of its packets; b"" where they carry all in band.
        time_base: seconds per tick of the units' times.
        pix_fmt: of the coded pictures.
        units: in decode order.
    """

    codec: str
    extradata: bytes
    time_base: Fraction
    pix_fmt: str
    units: Iterable[CodedUnit]


@dataclass(frozen=True, slots=True)
class CannotRemux:
    """The film cannot be written this way, and why."""

    reason: str


def remux(
    source: Path,
    info: MediaInfo,
    index: FrameIndex,
    splices: Sequence[Splice],
    extradata: bytes,
    target: Path,
    *,
    container: str | None = None,
    progress: Progress,
    cancel: CancelToken,
) -> RemuxReport | CannotRemux:
    """Write `target` from the source's packets, the splices' units in place of the units they replace.

    Args:
        source: the film; not modified.
        info: of the source.
        index: of the source's edited stream.
        splices: runs of coded units, in order, that do not overlap.
        extradata: of the edited stream, good for the source's units and for the splices'.
        target: written anew; on an error it is closed and left to the caller to remove.
        container: FFmpeg's name of the muxer; None chooses by the target's suffix, else the source's own.
        progress: gets the share of the source's bytes.
        cancel: looked at between packets.

    Returns:
        what was written, or why the target's format cannot take this film without a change to its timing.

    Raises:
        Cancelled: the person stopped it.
        DamagedMedia: the source cannot be read to its end.
        NoSpace, StorageError: the target cannot be written.
    """
    try:
        muxer = container or muxer_for(target, info)
    except KeyError:
        return CannotRemux(f"nothing here writes {info.container}")
    splices = in_file_times(source, info, index, splices, cancel)
    if _may_patch(source, info, muxer):
        with storage_errors(target):
            refusal = _patched(source, info, index, splices, extradata, target, progress, cancel)
        if refusal is None:
            return RemuxReport(Way.IN_PLACE, sum(len(splice.units) for splice in splices), 0, ())
    obstacle = _obstacle(info, index, muxer)
    if obstacle is not None:
        return CannotRemux(obstacle)
    job = _Job(
        source=source,
        info=info,
        target=target,
        muxer=muxer,
        # Packet by packet as in the index, an MP4's edit list left alone.
        reading=reading_options(info.container) | patience(info.container),
        starts_before_zero=bool(index.unit_count and index.dts[0] < 0),
        video=EditedVideo(info.video.stream, info.video.codec, extradata),
        feed=lambda track: Spliced(info, index, splices, track),
    )
    return _run(job, set(), progress, cancel)


def remux_with_new_video(
    source: Path,
    info: MediaInfo,
    video: NewVideo,
    target: Path,
    *,
    container: str | None = None,
    progress: Progress,
    cancel: CancelToken,
) -> RemuxReport | CannotRemux:
    """Write `target` from the source's other tracks and a picture that was encoded anew from start to end.

    Args:
        source: the film; not modified.
        info: of the source.
        video: the new picture. Its units are taken one by one as they are needed.
        target: written anew; on an error it is closed and left to the caller to remove.
        container: FFmpeg's name of the muxer; None chooses by the target's suffix, else the source's own.
        progress: gets the share of the source's bytes.
        cancel: looked at between packets.

    Returns:
        what was written, or why the target's format cannot take it.

    Raises:
        Cancelled: the person stopped it.
        DamagedMedia: the source cannot be read to its end.
        NoSpace, StorageError: the target cannot be written.
    """
    try:
        muxer = container or muxer_for(target, info)
    except KeyError:
        return CannotRemux(f"nothing here writes {info.container}")
    units = iter(video.units)
    first = next(units, None)
    if first is None:
        return CannotRemux("there is no picture to write")
    job = _Job(
        source=source,
        info=info,
        target=target,
        muxer=muxer,
        reading=patience(info.container),
        starts_before_zero=first.dts < 0,
        video=EditedVideo(info.video.stream, video.codec, _extradata(video, first), video.time_base, video.pix_fmt),
        feed=lambda track: Anew(itertools.chain([first], units), video.time_base, track),
    )
    if family(muxer) is Family.ASF and video.codec in ("h264", "hevc"):
        # Read back with FFmpeg 8, every picture came a frame late, and by other times after a seek.
        return CannotRemux(
            f"{muxer} keeps one time a packet, which does not tell when {video.codec} pictures are shown"
        )
    # The units come once: which tracks do not fit is found out first, without them.
    trial = replace(job, file=_Nowhere(), feed=lambda track: Anew(iter(()), video.time_base, track))
    refused: set[int] = set()
    outcome = _run(trial, refused, progress.part(0.0, 0.02), cancel)
    return outcome if isinstance(outcome, CannotRemux) else _run(job, refused, progress.part(0.02, 1.0), cancel)


def _may_patch(source: Path, info: MediaInfo, muxer: str) -> bool:
    """Tell whether the source's own file can become the target."""
    if family(muxer) is not family(info.container):
        return False
    if muxer == "webm":
        # Not everything that Matroska may hold is WebM; the DocType stands in the first bytes (RFC 8794 11.2.6).
        with source.open("rb") as file:
            return b"webm" in file.read(64)
    return family(muxer) in (Family.TRANSPORT, Family.MATROSKA)


def _patched(
    source: Path,
    info: MediaInfo,
    index: FrameIndex,
    splices: Sequence[Splice],
    extradata: bytes,
    target: Path,
    progress: Progress,
    cancel: CancelToken,
) -> NotPatchable | None:
    if family(info.container) is Family.TRANSPORT:
        return patch_transport_stream(source, info, index, splices, target, _packet_bytes(source), progress, cancel)
    return patch_matroska(source, info, index, splices, extradata, target, progress, cancel)


def _extradata(video: NewVideo, first: CodedUnit) -> bytes:
    """Return the new picture's extradata: its own, or the headers that its first unit carries."""
    syntax = header_syntax(video.codec, Framing.START_CODES)
    return video.extradata or (b"".join(syntax.headers(first.data)) if syntax is not None else b"")


def _obstacle(info: MediaInfo, index: FrameIndex, muxer: str) -> str | None:
    """Return what is known beforehand to make a remux wrong."""
    if not index.exact_timestamps and family(muxer) is not family(info.container):
        return f"the film has no timestamps of its own, which {muxer} needs"
    if family(info.container) is not Family.ISO:
        # Pictures that are never shown are there because the film begins in the middle of things. They stay.
        return None
    hidden = np.flatnonzero(~index.presented)
    if hidden.size and family(muxer) is not Family.ISO:
        return f"the film hides {hidden.size} pictures by an edit list, which {muxer} cannot"
    if hidden.size and index.frame_count and bool((index.pts[hidden] > index.frame_pts[0]).any()):
        return "the film's edit list hides pictures behind its first frame"
    return None


@dataclass(frozen=True, slots=True)
class _Job:
    """A remux, its container chosen.

    Attributes:
        reading: the demuxer's options.
        starts_before_zero: the first decode time is negative.
        feed: given the target's track, the packets of the edited track.
        file: what is written to; None for the target.
    """

    source: Path
    info: MediaInfo
    target: Path
    muxer: str
    reading: Mapping[str, str]
    starts_before_zero: bool
    video: EditedVideo
    feed: Callable[[Stream], Feed]
    file: _Nowhere | None = None


def _run(job: _Job, refused: set[int], progress: Progress, cancel: CancelToken) -> RemuxReport | CannotRemux:
    """Write the film; a track that turns out not to fit is left out in another attempt and noted in `refused`."""
    while True:
        outcome = _attempt(job, refused, progress, cancel)
        if isinstance(outcome, RemuxReport):
            return outcome
        if outcome.stream == job.info.video.stream or outcome.stream in refused:
            return CannotRemux(f"{job.muxer} cannot hold this film's video: {outcome.reason}")
        heard = any(sound.stream == outcome.stream for sound in job.info.audio)
        if heard and family(job.muxer) is family(job.info.container):
            # The film's own format holds it: it is this way of writing that does not.
            return CannotRemux(f"{job.muxer} cannot be written anew with this film's sound: {outcome.reason}")
        refused.add(outcome.stream)


def _attempt(job: _Job, refused: set[int], progress: Progress, cancel: CancelToken) -> RemuxReport | CannotHold:
    edited = job.info.video.stream
    size = max(1, job.source.stat().st_size)
    with opened(job.source, job.reading) as reader, storage_errors(job.target):
        writer = av.open(job.file or str(job.target), "w", format=job.muxer, container_options=_options(job, reader))
        try:
            tracks, dropped = copy_tracks(reader, writer, job.info, job.video, refused)
            feed = job.feed(tracks[edited])
            for n, packet in enumerate(_packets(reader)):
                if n % _REPORT_EVERY == 0:
                    cancel.check()
                    progress.report("Writing", (packet.pos or 0) / size)
                stream = packet.stream_index
                if stream == edited:
                    _mux(writer, feed.instead_of(packet), edited)
                elif stream in tracks:
                    _mux(writer, feed.until(time_of(packet)), edited)
                    packet.stream = tracks[stream]
                    _mux(writer, (packet,), stream)
            _mux(writer, feed.rest(), edited)
            _finish(writer, job)
        except CannotHold as refusal:
            _close_quietly(writer)
            return refusal
        except BaseException:
            _close_quietly(writer)
            raise
    progress.report("Writing", 1.0)
    return RemuxReport(Way.ANEW, feed.replaced, feed.restored, dropped)


class _Nowhere:
    """A file of which nothing is kept."""

    name = ""

    def __init__(self) -> None:
        self._at = 0
        self._end = 0

    def write(self, data: bytes) -> int:
        """Count the bytes."""
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move as a file would."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end}[whence]
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at


def _packets(reader: InputContainer) -> Iterator[Packet[Stream]]:
    """Yield every packet of every track in file order, but for the empty ones that only flush decoders."""
    for packet in reader.demux():
        if packet.size or packet.dts is not None or packet.pts is not None:
            yield packet


def _options(job: _Job, reader: InputContainer) -> dict[str, str]:
    time_bases = [stream.time_base for stream in reader.streams if stream.time_base]
    films = [stream for stream in reader.streams.video if not is_still(stream)]
    video = [job.video.time_base or stream.time_base for stream in films if stream.time_base]
    return muxer_options(
        job.muxer,
        job.info,
        time_bases,
        video,
        packet_bytes=_packet_bytes(job.source),
        edit_list=job.starts_before_zero,
    )


def _packet_bytes(source: Path) -> int:
    with source.open("rb") as file:
        return transport_packet_bytes(file.read(4096))


def _mux(writer: OutputContainer, packets: Iterable[Packet[Stream]], stream: int) -> None:
    """Hand packets of one stream to the muxer.

    Raises:
        CannotHold: the muxer refuses a packet.
        OSError: the disk; see storage_errors.
    """
    for packet in packets:
        try:
            writer.mux_one(packet)
        except Exception as error:
            if is_storage_error(error):
                raise
            raise CannotHold(stream, f"packet at {packet.pts}, decoded at {packet.dts}: {words(error)}") from error


def _finish(writer: OutputContainer, job: _Job) -> None:
    """Write what stands at the end of a file.

    Raises:
        CannotHold: the muxer refuses; a trial may have no pictures to write an end for, which tells nothing.
        OSError: the disk; see storage_errors.
    """
    try:
        writer.close()
    except Exception as error:
        if is_storage_error(error):
            raise
        if job.file is None:
            raise CannotHold(job.info.video.stream, f"its end cannot be written: {words(error)}") from error


def _close_quietly(writer: OutputContainer) -> None:
    # After a failed write the trailer fails too; the first error is the one to tell.
    with contextlib.suppress(Exception):
        writer.close()
