"""A film played in stretches, as a player does it: seek to an entry, then forward.

Plain FFmpeg, the decoder kept open over the seeks: what it remembers from one place must not spoil another.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream as AvVideoStream
from xxhash import xxh3_128

from engine.errors import DamagedMedia
from engine.media.containers import Family
from engine.media.demux import video_stream
from engine.media.fidelity import planes
from engine.media.film_file import FilmFile

# How far before an entry to look for it, in seconds, until it is found; at last from the start of the file.
_STEPS_BACK_S = (0, 1, 5, 20)

# Two films are played side by side, in short stretches: more threads are hardly filled before a stretch ends.
_THREADS = min(4, max(2, (os.cpu_count() or 2) - 1))


@dataclass(frozen=True, slots=True)
class Entry:
    """A packet at which to begin: its times in ticks and its bytes, as read from the start of the file.

    Set down in the middle of a program stream, a demuxer may give the end of a picture with the time of the next one:
    the size tells them apart.
    """

    pts: int
    dts: int
    size: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded frame; pts in ticks. `corrupt`: the decoder says that parts of it are missing."""

    pts: int
    corrupt: bool
    picture: VideoFrame

    def digest(self) -> int:
        """Return a hash of its pixels: XXH3, 128 bits, in a thirtieth of the time of SHA-256; nobody forges it here."""
        digest = xxh3_128()
        for plane in planes(self.picture):
            digest.update(np.ascontiguousarray(plane).data)
        return digest.intdigest()


@dataclass(frozen=True, slots=True)
class Seen:
    """A frame that was decoded and let go; as Shown, with the hash of its pixels."""

    pts: int
    corrupt: bool
    pixels: int

    def digest(self) -> int:
        """Return the hash of its pixels."""
        return self.pixels


@dataclass(frozen=True, slots=True)
class Broken:
    """The decoder refused a packet; the reason is FFmpeg's."""

    reason: str


class Replay:
    """Plays the picture of an open film. The file's other tracks are not read any more.

    Args:
        film: played by nothing else.
        threads: of its decoder; each holds a frame.
    """

    def __init__(self, film: FilmFile, threads: int = _THREADS) -> None:
        self._path = film.path
        self._container = film.container
        self._stream = video_stream(film.container, film.edited)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        # Their demuxers find the next packet from any byte, and their seek by time may miss the first ones.
        self._starts_at_any_byte = film.family in (Family.TRANSPORT, Family.PROGRAM)

    def stretch(
        self, entry: Entry, stop_pts: int, leave_out: Callable[[int, bytes], bool] | None = None
    ) -> Iterator[Shown | Broken]:
        """Yield the frames from an entry up to `stop_pts` (left out), in the order the decoder gives them.

        Frames with an earlier time than the entry's are left out: nobody sees them after a seek. After a Broken it goes
        on, as a player does.

        Args:
            entry: where to begin.
            stop_pts: ticks.
            leave_out: says of a packet, by its number from the entry on and its bytes, that the decoder is not to see
                it.

        Raises:
            DamagedMedia: the entry is not found in the file.
        """
        packets: Iterator[Packet[AvVideoStream]] = self._from(entry)
        if leave_out is not None:
            packets = (packet for n, packet in enumerate(packets) if not (packet.size and leave_out(n, bytes(packet))))
        for shown in self._decoded(_before(stop_pts, packets)):
            if isinstance(shown, Broken):
                yield shown
            elif shown.pts >= stop_pts:
                return
            elif shown.pts >= entry.pts:
                yield shown

    def counted(self, first: int, stop: int) -> Iterator[Shown | Broken]:
        """Yield the frames of the packets [first, stop), counted from the start of the file.

        For files whose clock runs back somewhere: no time leads to one place in them.

        Raises:
            DamagedMedia: the file fails.
        """
        self._to_start()
        packets = (packet for packet in self._container.demux(self._stream) if packet.size)
        yield from self._decoded(chain(islice(packets, first, stop), (None,)))

    def _decoded(self, packets: Iterable[Packet[AvVideoStream] | None]) -> Iterator[Shown | Broken]:
        for packet in packets:
            try:
                frames = self._stream.decode(packet)
            except EOFError:
                return
            except Exception as error:  # whatever a decoder raises, a player goes on with the next packet
                yield Broken(str(error))
                continue
            for frame in frames:
                if frame.pts is not None:
                    yield Shown(frame.pts, frame.is_corrupt, frame)

    def _from(self, entry: Entry) -> Iterator[Packet[AvVideoStream]]:
        """Yield the packets from the entry on, and the empty one that makes the decoder give what it holds back."""
        for step_s in (*_STEPS_BACK_S, None):
            self._seek(entry, step_s)
            packets = self._container.demux(self._stream)
            for packet in packets:
                if packet.pts == entry.pts and packet.size == entry.size:
                    yield packet
                    yield from packets
                    return
                passed = packet.is_keyframe and packet.pts is not None and packet.pts > entry.pts
                if passed and step_s is not None:
                    break
        raise DamagedMedia(f"{self._path}: the picture at {entry.pts} is not found by seeking")

    def _seek(self, entry: Entry, step_s: int | None) -> None:
        base = self._stream.time_base
        if step_s is None or base is None:
            self._to_start()
            return
        try:
            self._container.seek(min(entry.pts, entry.dts) - int(step_s / base), stream=self._stream)
        except Exception:
            # Some demuxers refuse a time before their first index entry.
            self._to_start()

    def _to_start(self) -> None:
        if self._starts_at_any_byte:
            self._container.seek(0, stream=self._stream, unsupported_byte_offset=True)
        else:
            self._container.seek(min(self._stream.start_time or 0, 0), stream=self._stream, any_frame=True)


def _before(stop_pts: int, packets: Iterable[Packet[AvVideoStream] | None]) -> Iterator[Packet[AvVideoStream] | None]:
    """Yield the packets that are decoded before `stop_pts`, and None, which has the decoder give what it holds back.

    No picture is shown before it is decoded: what follows shows later.
    """
    for packet in packets:
        if packet is not None and packet.dts is not None and packet.dts >= stop_pts:
            yield None
            return
        yield packet
