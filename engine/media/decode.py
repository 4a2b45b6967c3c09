"""Exact frames of a film: decoded from the nearest place that gives right pictures, and checked against the index.

A seek is believed only after the packets that came out were found in the index; else the film is read from further
back, at last from its start. Nothing is converted or cached here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideoStream

from engine.errors import DamagedMedia, UnsupportedMedia, UsageError
from engine.media.demux import translated
from engine.media.packet_source import Lost, NumberedPackets, PacketSource
from engine.model.frame_index import FrameIndex, Int64
from engine.model.gop import EntryMap
from engine.model.media import MediaInfo

# A run that is this near an entry goes on decoding instead of seeking to it.
_WORTH_A_SEEK_UNITS = 12

# In these a picture that says that no other depends on it is believed. HEVC's says so for its own temporal layer only,
# and a field that says so may be paired with one that does not.
_SAYS_WHAT_NOTHING_NEEDS = frozenset({"h264", "mpeg1video", "mpeg2video"})


class FrameReader:
    """Any frame of a film, bit for bit what decoding it from its first packet gives.

    For one thread at a time. Memory is bounded by what the decoder holds back for reordering.

    Args:
        path: the film.
        info: what probing it gave.
        index: its frame index.
        threads: of the decoder; each may hold a frame.
    """

    def __init__(self, path: Path, info: MediaInfo, index: FrameIndex, *, threads: int = 2) -> None:
        self._path = path
        self._info = info
        self._index = index
        self._threads = threads
        self._source = PacketSource(path, info, index)
        self._entries = EntryMap.of(index)
        self._unit_at_rank = np.argsort(index.pts, kind="stable")
        self._run: _Run | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a reader that is used again opens it anew."""
        self._run = None
        self._source.close()

    def frame(self, number: int) -> VideoFrame:
        """Return one shown frame.

        Raises:
            UsageError: there is no such frame.
            MissingMedia, DamagedMedia, SourceChanged: as `frames`.
        """
        return next(self.frames(number, number + 1))

    def frame_directly(self, number: int, check: Callable[[], None]) -> VideoFrame:
        """Return one shown frame, sooner than `frame` does from afar: what nothing needs on the way is not decoded.

        The frames just before it have to be decoded again if they are wanted afterwards.

        Args:
            number: the frame.
            check: called before each packet; what it raises ends the way.

        Raises:
            UsageError: there is no such frame.
            MissingMedia, DamagedMedia, SourceChanged: as `frames`.
        """
        video = self._info.video
        is_sure = video.codec in _SAYS_WHAT_NOTHING_NEEDS and video.field_order == "progressive"
        way = _Way(check, _LeftOut.WHAT_NOTHING_NEEDS if is_sure else _LeftOut.NOTHING)
        return next(self._frames(number, number + 1, way))

    def frames(self, start: int, stop: int) -> Iterator[VideoFrame]:
        """Yield the shown frames [start, stop) in order, with the index's pts, duration and time base.

        Raises:
            UsageError: the range leaves the film.
            MissingMedia: the file is gone.
            DamagedMedia: a frame does not decode, or FFmpeg fails on the file.
            SourceChanged: the file is no longer the one the index was made from.
            UnsupportedMedia: a frame is not of the size and the format of the film's first ones.
        """
        return self._frames(start, stop, _WHOLE)

    def _frames(self, start: int, stop: int, way: _Way) -> Iterator[VideoFrame]:
        count = self._index.frame_count
        if not 0 <= start <= stop <= count:
            raise UsageError(f"{self._path} has the frames 0:{count}; {start}:{stop} leaves them")
        for number, unit in enumerate(self._index.order[start:stop].tolist(), start):
            frame = self._picture(unit, way)
            if frame is None:
                raise DamagedMedia(
                    f"{self._path}: frame {number} does not decode, also when read from the film's start; "
                    "it is damaged there: leave this frame out or use another copy"
                )
            self._check_form(number, frame)
            yield frame

    def pictures(self, start: int, stop: int) -> Iterator[VideoFrame | None]:
        """Yield the pictures of the display ranks [start, stop), hidden units included.

        A rank is a unit's place in the order of all units' pts. None stands for a picture that no decoder gives, such
        as the leading pictures of a recording that was cut at an open GOP.

        Raises:
            UsageError, MissingMedia, DamagedMedia, SourceChanged: as `frames`.
        """
        count = self._index.unit_count
        if not 0 <= start <= stop <= count:
            raise UsageError(f"{self._path} has the pictures 0:{count}; {start}:{stop} leaves them")
        for unit in self._unit_at_rank[start:stop].tolist():
            yield self._picture(unit, _WHOLE)

    def _check_form(self, number: int, frame: VideoFrame) -> None:
        """Refuse a frame of another form: a recorder may change its settings without beginning a new file."""
        video = self._info.video
        found, form = (frame.width, frame.height, frame.format.name), (video.width, video.height, video.pix_fmt)
        if found != form:
            was, now = (f"{width}x{height} {pix_fmt}" for width, height, pix_fmt in (form, found))
            raise UnsupportedMedia(
                f"{self._path}: the picture changes from {was} to {now} by frame {number}; change frames before that, "
                "or convert the film to one size first"
            )

    def _picture(self, unit: int, way: _Way) -> VideoFrame | None:
        starts = self._entries.starts(unit)
        nearest = next(starts)
        run = self._run
        if run is not None and run.leads_to(unit, self._entries) and nearest <= run.fed + _WORTH_A_SEEK_UNITS:
            frame = self._taken(run, unit, way)
            if frame is not None:
                return frame
        if way.leaves_out is not _LeftOut.NOTHING:
            run = self._started(nearest)
            frame = None if run is None else self._taken(run, unit, way)
            if frame is not None:
                return frame
            way = replace(way, leaves_out=_LeftOut.NOTHING)
        # One entry further back is worth a try; behind that only the start of the film is sure to help.
        for start in dict.fromkeys((nearest, next(starts, 0), 0)):
            run = self._started(start)
            if run is None:
                break
            frame = self._taken(run, unit, way)
            if frame is not None:
                return frame
            if start == 0:
                return None
        run = self._from_start()
        return self._taken(run, unit, way)

    def _taken(self, run: _Run, unit: int, way: _Way) -> VideoFrame | None:
        self._run = run
        try:
            return run.advance_to(unit, way)
        except Lost:
            self._run = None
            self._source.distrust()
            return None

    def _started(self, unit: int) -> _Run | None:
        """Return a run from a unit, or None where seeking does not lead there."""
        if unit == 0:
            return self._from_start()
        found = self._source.from_unit(unit)
        return None if found is None else self._new_run(unit, *found)

    def _from_start(self) -> _Run:
        return self._new_run(0, *self._source.from_start())

    def _new_run(self, start: int, stream: AvVideoStream, packets: NumberedPackets) -> _Run:
        codec = stream.codec_context
        if not codec.is_open:
            codec.thread_type = "AUTO"
            codec.thread_count = self._threads
        return _Run(self._path, self._index, self._unit_at_rank, start, stream, packets)


class _LeftOut(Enum):
    """What is not decoded on the way to a picture; the values are FFmpeg's names of what to discard."""

    NOTHING = "DEFAULT"
    WHAT_NOTHING_NEEDS = "NONREF"


@dataclass(frozen=True, slots=True)
class _Way:
    """How to come to a picture; `check` is called before each packet."""

    check: Callable[[], None]
    leaves_out: _LeftOut


_WHOLE = _Way(lambda: None, _LeftOut.NOTHING)


class _Run:
    """One decoder on its way through the film, from a start unit on."""

    def __init__(
        self,
        path: Path,
        index: FrameIndex,
        unit_at_rank: Int64,
        start: int,
        stream: AvVideoStream,
        packets: NumberedPackets,
    ) -> None:
        self._path = path
        self._index = index
        self._unit_at_rank = unit_at_rank
        self._sorted_pts = index.pts[unit_at_rank]
        self._stream = stream
        self._packets = packets
        self._waiting: deque[tuple[int, VideoFrame]] = deque()
        self._passed_pts: int | None = None
        self._left_out_to: int | None = None
        self._ended = False
        self._start = start
        self.fed = start - 1

    def leads_to(self, unit: int, entries: EntryMap) -> bool:
        """Tell whether going on gives the unit's picture, exactly."""
        pts = int(self._index.pts[unit])
        ahead = all(passed is None or passed < pts for passed in (self._passed_pts, self._left_out_to))
        return ahead and entries.is_exact(self._start, unit)

    def advance_to(self, unit: int, way: _Way) -> VideoFrame | None:
        """Decode up to the unit's picture; None where the decoder passes it by.

        Raises:
            Lost: the packets are not those of the index.
            DamagedMedia, SourceChanged: the file fails.
        """
        wanted = int(self._index.pts[unit])
        while True:
            while self._waiting:
                given, frame = self._waiting.popleft()
                self._passed_pts = int(self._index.pts[given])
                if given == unit:
                    return frame
                if self._passed_pts > wanted:
                    return None
            if self._ended:
                return None
            way.check()
            self._decode_next(wanted, way.leaves_out)

    def _decode_next(self, wanted: int, leaves_out: _LeftOut) -> None:
        unit, packet = next(self._packets, (None, None))
        if unit is None or packet is None:
            self._ended = True
            self._receive(None)
            return
        self.fed = unit
        pts = int(self._index.pts[unit])
        if pts >= wanted:
            leaves_out = _LeftOut.NOTHING
        elif leaves_out is not _LeftOut.NOTHING:
            self._left_out_to = max(pts, pts if self._left_out_to is None else self._left_out_to)
        self._stream.codec_context.skip_frame = leaves_out.value
        # The decoder carries a packet's pts to its picture. The index's own is unique, the file's may not be.
        packet.pts = pts
        packet.dts = None
        self._receive(packet)

    def _receive(self, packet: Packet[AvVideoStream] | None) -> None:
        with translated(self._path):
            try:
                frames = self._stream.codec_context.decode(packet)
            except (av.error.InvalidDataError, EOFError):
                return  # a player shows nothing for such a packet and goes on
        for frame in frames:
            unit = self._unit_of(frame)
            if unit is not None:
                frame.duration = int(self._index.duration[unit])
                self._waiting.append((unit, frame))

    def _unit_of(self, frame: VideoFrame) -> int | None:
        if frame.pts is None:
            return None
        rank = int(np.searchsorted(self._sorted_pts, frame.pts))
        if rank == self._sorted_pts.size or self._sorted_pts[rank] != frame.pts:
            return None
        return int(self._unit_at_rank[rank])
