"""The packets of the edited stream from any place, each known by its unit in the frame index.

FFmpeg's seek is only a proposal: where it landed is found out by comparing packets with the index. Nothing is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream as AvVideoStream

from engine.errors import SourceChanged
from engine.media.demux import is_mov, media_packets, opened, reading_options, translated, video_stream
from engine.model.frame_index import FrameIndex
from engine.model.media import MediaInfo

# How far before the wanted unit a seek aims, attempt after attempt; then the file is read from its start. In a program
# stream a picture may begin in the middle of the pack that a seek finds, so units before it are needed.
_MARGINS_S = (0, 2, 10, 60)
_MARGINS_UNITS = (0, 4, 32)

# A demuxer set down in the middle of things gives a few packets that are in no index.
_STRAY_PACKETS = 64

# So many units that no seek leads to, and the file is only read from its start from then on.
_PATIENCE = 3

# These find their packets again from any byte, and their search by time is unreliable.
_BYTE_SEEKABLE = frozenset({"mpegts", "mpeg"})

# A string: PyAV's Packet takes a parameter in its stubs only.
NumberedPackets: TypeAlias = "Iterator[tuple[int, Packet[AvVideoStream]]]"


class _Seeking(Enum):
    BY_TIME = "the demuxer has or makes an index of times"
    BY_BYTE = "the demuxer can start at any byte"
    NONE = "the file is only read from its start"


@dataclass(frozen=True, slots=True)
class _OpenFilm:
    container: InputContainer
    stream: AvVideoStream


class Lost(Exception):
    """The packets after a seek are not those the index says."""


class PacketSource:
    """An open film whose packets are numbered as in its index. One thread at a time."""

    def __init__(self, path: Path, info: MediaInfo, index: FrameIndex) -> None:
        self._path = path
        self._info = info
        self._index = index
        self._exit = ExitStack()
        self._film: _OpenFilm | None = None
        self._ticks_ahead = 0
        self._failures = 0
        self._seeking = _seeking(info, index)
        positions, first, count = np.unique(index.position, return_index=True, return_counts=True)
        once = (count == 1) & (positions >= 0)
        self._positions = positions[once]
        self._unit_at = first[once]

    def close(self) -> None:
        """Close the file."""
        self._film = None
        self._exit.close()

    def from_start(self) -> tuple[AvVideoStream, NumberedPackets]:
        """Open the file anew; return its stream and every (unit, packet).

        The iterator raises SourceChanged where the file does not hold the packets of the index, and DamagedMedia where
        FFmpeg fails on it.

        Raises:
            MissingMedia, DamagedMedia: the file cannot be opened.
        """
        self.close()
        film = self._opened()
        return film.stream, self._believed(self._numbered(0, self._packets(film)))

    def from_unit(self, unit: int) -> tuple[AvVideoStream, NumberedPackets] | None:
        """Seek; return the stream and every (unit, packet) from `unit` on, or None where seeking does not lead there.

        The stream's decoder is flushed. The iterator raises Lost where later packets are not those of the index.

        Raises:
            MissingMedia, DamagedMedia: the file cannot be opened.
        """
        if self._seeking is _Seeking.NONE:
            return None
        film = self._film or (self._opened() if self._seeking is _Seeking.BY_BYTE else self._measured())
        if self._film is None:
            return None
        for margin in _MARGINS_S if self._seeking is _Seeking.BY_TIME else _MARGINS_UNITS:
            landed = self._land(film, unit, margin)
            if landed is not None:
                return film.stream, landed
        self._failures += 1
        if self._failures == _PATIENCE:
            self.distrust()
        return None

    def distrust(self) -> None:
        """Stop seeking in this file: what a seek gave turned out wrong."""
        self._seeking = _Seeking.NONE

    def _opened(self) -> _OpenFilm:
        self.close()
        container = self._exit.enter_context(opened(self._path, reading_options(self._info.container)))
        self._film = _OpenFilm(container, video_stream(container, self._info.video.stream))
        return self._film

    def _measured(self) -> _OpenFilm:
        """Open the film and find how many ticks its clock is ahead of the index, which may apply an edit list."""
        film = self._opened()
        for number, (unit, packet) in enumerate(self._believed(self._numbered(0, self._packets(film)))):
            if packet.dts is not None:
                self._ticks_ahead = packet.dts - int(self._index.dts[unit])
                return film
            if number >= _STRAY_PACKETS:
                break
        # A bare stream has no clock: no time leads anywhere in it.
        self.distrust()
        self.close()
        return film

    def _land(self, film: _OpenFilm, unit: int, margin: int) -> NumberedPackets | None:
        index = self._index
        try:
            if self._seeking is _Seeking.BY_BYTE:
                offset = int(index.position[max(0, unit - margin)])
                film.container.seek(offset, unsupported_byte_offset=True, stream=film.stream)
            else:
                ticks = int(index.dts[unit]) + self._ticks_ahead - int(margin / index.time_base)
                film.container.seek(ticks, stream=film.stream)
        except Exception:  # a demuxer that cannot seek there may raise anything: the next attempt is further back
            return None
        packets = self._packets(film)
        for packet in islice(packets, _STRAY_PACKETS):
            landed = self._recognised(packet)
            if landed is not None:
                if landed > unit:
                    return None
                return self._skipped(self._numbered(landed, chain([packet], packets)), unit)
        return None

    def _packets(self, film: _OpenFilm) -> Iterator[Packet[AvVideoStream]]:
        with translated(self._path):
            yield from media_packets(film.container, film.stream)

    def _recognised(self, packet: Packet[AvVideoStream]) -> int | None:
        """Return the unit that a packet is the first of, if its place and size in the file say so."""
        if packet.pos is None:
            return None
        at = int(np.searchsorted(self._positions, packet.pos))
        if at == self._positions.size or self._positions[at] != packet.pos:
            return None
        unit = int(self._unit_at[at])
        return unit if self._fits(unit, packet) else None

    def _fits(self, unit: int, packet: Packet[AvVideoStream]) -> bool:
        """Tell whether a packet may be the first one of a unit."""
        index = self._index
        alone = index.packet_count[unit] == 1
        if packet.size > index.size[unit] or (alone and packet.size != index.size[unit]):
            return False
        return index.position[unit] < 0 or packet.pos is None or packet.pos == index.position[unit]

    def _numbered(self, unit: int, packets: Iterator[Packet[AvVideoStream]]) -> NumberedPackets:
        """Number packets that begin with the first one of `unit`, as long as they fit the index."""
        index = self._index
        for number in range(unit, index.unit_count):
            for part in range(int(index.packet_count[number])):
                packet = next(packets, None)
                while part == 0 and packet is not None and self._is_left_out(packet):
                    packet = next(packets, None)
                if packet is None or (part == 0 and not self._fits(number, packet)):
                    raise Lost(f"packet {index.first_packet[number] + part} is another one")
                yield number, packet

    def _is_left_out(self, packet: Packet[AvVideoStream]) -> bool:
        """Tell whether an MP4's edit list leaves a sample out altogether, so that the index does not know it."""
        if not is_mov(self._info.container) or packet.pos is None or self._positions.size < self._index.unit_count:
            return False
        at = int(np.searchsorted(self._positions, packet.pos))
        return at == self._positions.size or bool(self._positions[at] != packet.pos)

    @staticmethod
    def _skipped(packets: NumberedPackets, unit: int) -> NumberedPackets:
        return ((number, packet) for number, packet in packets if number >= unit)

    def _believed(self, packets: NumberedPackets) -> NumberedPackets:
        try:
            yield from packets
        except Lost as error:
            raise SourceChanged(
                f"{self._path} does not hold the packets found when it was opened ({error}): it was changed or is "
                "damaged; open it again or use another copy"
            ) from error


def _seeking(info: MediaInfo, index: FrameIndex) -> _Seeking:
    if not (index.position >= 0).any():
        return _Seeking.NONE
    if info.container in _BYTE_SEEKABLE:
        return _Seeking.BY_BYTE
    return _Seeking.BY_TIME
