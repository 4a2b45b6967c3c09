"""The pictures of a film, small and in order, for measuring: decoded once, made smaller at once, numbered as frames.

Nothing is measured here. Unlike engine.media.decode it does not promise the last bit: the loop filter is left out where
no other picture refers to the result, and a picture that does not decode is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import cv2
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideoStream
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import SourceChanged
from engine.media.demux import translated
from engine.media.packet_source import Lost, NumberedPackets, PacketSource
from engine.media.pixels import planes
from engine.model.distinct import distinct
from engine.model.frame_index import FrameIndex
from engine.model.gop import EntryMap
from engine.model.media import MediaInfo
from engine.model.time import Range

MOST_LINES = 360
"""A small picture has at most so many lines."""

_OPTIONS = {"skip_loop_filter": "noref"}
_PLANAR = ("yuv", "gray", "nv")


@dataclass(frozen=True, slots=True, eq=False)
class SmallPicture:
    """A frame made smaller, not rotated for display, its fields woven.

    Attributes:
        frame: its number in the film.
        luma: uint8 [h, w], in the film's own range; the frame halved until it has at most MOST_LINES lines.
        chroma: (Cb, Cr), uint8, each plane halved until it has at most half of MOST_LINES; empty for gray film.
    """

    frame: int
    luma: NDArray[np.uint8]
    chroma: tuple[NDArray[np.uint8], ...] = ()


class SmallPictures:
    """A film's frames for measuring. One thread at a time; several readers of one film may run beside each other.

    Args:
        path: the film.
        info: what probing it gave.
        index: its frame index.
        threads: of the decoder.
    """

    def __init__(self, path: Path, info: MediaInfo, index: FrameIndex, *, threads: int = 1) -> None:
        self._path = path
        self._index = index
        self._threads = threads
        self._source = PacketSource(path, info, index)
        self._entries = EntryMap.of(index)
        self._unit_at_rank = np.argsort(index.pts, kind="stable")
        self._sorted_pts = index.pts[self._unit_at_rank]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def pictures(self, frames: Range, cancel: CancelToken) -> Iterator[SmallPicture]:
        """Yield those of `frames` that decode, in order; the first ones may be missing where no entry leads to them.

        Raises:
            MissingMedia, DamagedMedia, SourceChanged: the file cannot be read.
            Cancelled: on request.
        """
        if not frames:
            return
        last = frames.start - 1
        try:
            for picture in self._run(frames, self._source.from_unit(self._entry(frames.start)), cancel):
                last = picture.frame
                yield picture
        except Lost:
            # A seek that looked right was not: from here on this film is read from its start.
            self._source.distrust()
            yield from self._run(Range(last + 1, frames.stop), None, cancel)

    def _entry(self, frame: int) -> int:
        unit = int(self._index.order[frame])
        return int(self._entries.units[np.searchsorted(self._entries.units, unit, side="right") - 1])

    def _run(
        self, frames: Range, found: tuple[AvVideoStream, NumberedPackets] | None, cancel: CancelToken
    ) -> Iterator[SmallPicture]:
        stream, packets = found or self._from_start(frames.start)
        codec = stream.codec_context
        if not codec.is_open:
            codec.thread_type = "AUTO"
            codec.thread_count = self._threads
            codec.options = dict(_OPTIONS)
        last = frames.start - 1
        for frame, picture in self._decoded(stream, packets, cancel):
            if frame >= frames.stop:
                return
            if frame > last:
                last = frame
                yield small(frame, picture)
                if frame == frames.stop - 1:
                    return

    def _from_start(self, frame: int) -> tuple[AvVideoStream, NumberedPackets]:
        stream, packets = self._source.from_start()
        entry = self._entry(frame)
        return stream, ((unit, packet) for unit, packet in packets if unit >= entry)

    def _decoded(
        self, stream: AvVideoStream, packets: NumberedPackets, cancel: CancelToken
    ) -> Iterator[tuple[int, VideoFrame]]:
        index = self._index
        for unit, packet in packets:
            cancel.check()
            packet.pts = int(index.pts[unit])
            packet.dts = None
            yield from self._numbered(self._given(stream, packet))
        yield from self._numbered(self._given(stream, None))

    def _given(self, stream: AvVideoStream, packet: Packet[AvVideoStream] | None) -> list[VideoFrame]:
        with translated(self._path):
            try:
                return stream.codec_context.decode(packet)
            except (av.error.InvalidDataError, EOFError):
                return []  # a player shows nothing for such a packet and goes on

    def _numbered(self, pictures: list[VideoFrame]) -> Iterator[tuple[int, VideoFrame]]:
        for picture in pictures:
            if picture.pts is None:
                continue
            rank = int(np.searchsorted(self._sorted_pts, picture.pts))
            if rank == self._sorted_pts.size or self._sorted_pts[rank] != picture.pts:
                raise SourceChanged(
                    f"{self._path} gives a picture at {picture.pts} that it did not hold; open it again"
                )
            frame = int(self._index.frame_of[self._unit_at_rank[rank]])
            if frame >= 0:
                yield frame, picture


def small(frame: int, picture: VideoFrame) -> SmallPicture:
    """Return a decoded picture made smaller, in eight bits; whatever has no planes of luma is converted first."""
    if not picture.format.name.startswith(_PLANAR) or picture.format.is_bit_stream or len(picture.planes) == 1:
        gray = picture.format.name.startswith("gray") and not picture.format.is_bit_stream
        picture = picture if gray else picture.reformat(format="yuv420p")
    bits = max(component.bits for component in picture.format.components)
    luma, *rest = planes(picture)
    if len(rest) == 1 and rest[0].ndim == 3:  # NV12 and its like keep both in one plane
        rest = [rest[0][..., 0], rest[0][..., 1]]
    return SmallPicture(
        frame, _own(luma, MOST_LINES, bits), tuple(_own(plane, MOST_LINES // 2, bits) for plane in rest[:2])
    )


def _own(plane: NDArray[Any], most_lines: int, bits: int) -> NDArray[np.uint8]:
    """Return a plane halved, in eight bits and in memory of its own: a view would keep the decoder's frame alive."""
    if plane.dtype.byteorder == ">":
        plane = plane.astype(np.uint16)
    result = halved(plane, most_lines)
    if result.dtype != np.uint8:
        return np.asarray(result >> (bits - 8), np.uint8)
    return np.asarray(result.copy() if result is plane else result, np.uint8)


def halved(plane: NDArray[Any], most_lines: int) -> NDArray[Any]:
    """Return a plane [h, w] of integers halved in both directions until it has at most so many lines.

    Halving time after time is several times as fast as going there at once: OpenCV has a way of its own for it.
    """
    while plane.shape[0] > most_lines and plane.shape[1] > 1:
        height, width = plane.shape
        even = plane[: height & ~1 or 1, : width & ~1]
        plane = cv2.resize(even, (width // 2, max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return plane


def spans(index: FrameIndex, least: int) -> tuple[Range, ...]:
    """Return runs of frames that cover the film, each beginning where a decoder may start, `least` frames or longer."""
    starts = distinct(index.frame_of[EntryMap.of(index).units])
    edges = [0]
    for frame in starts[starts > 0].tolist():
        if frame - edges[-1] >= least and index.frame_count - frame >= least // 2:
            edges.append(frame)
    return tuple(Range(start, stop) for start, stop in zip(edges, [*edges[1:], index.frame_count], strict=True))
