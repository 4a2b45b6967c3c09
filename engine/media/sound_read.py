"""The samples of films' sound, read in order or from anywhere, at the rate and in the channels that are asked for.

Positions count samples at the reader's rate from second 0 of the source's own time. Nothing is mixed here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream as AvAudioStream
from av.container import InputContainer

from engine.errors import DamagedMedia
from engine.media.demux import opened, translated
from engine.media.samples import PACKED, Samples, samples_of

# Enough for the overlap of transform codecs and the bit reservoir of MP3 to fill before the first sample that counts.
_WARM_UP_S = Fraction(1, 4)

_GO_ON_S = Fraction(1)
"""So far ahead, decoding what lies between costs less than a seek."""

_WAVERS = Fraction(3, 10)
"""By so much of a frame the times of a coarse clock may be off: recorders have been seen to waver by a quarter."""

_OPEN_READERS = 24
_Decoded = tuple[int, AudioFrame]


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where a source's sound frames begin: second `start_s` and every `step_s` from there; step 0: anywhere."""

    start_s: Fraction
    step_s: Fraction

    def snapped(self, time_s: Fraction) -> Fraction:
        """Return the exact time of a frame whose time may be rounded to milliseconds, or waver by a few."""
        if not self.step_s:
            return time_s
        exact = self.start_s + round((time_s - self.start_s) / self.step_s) * self.step_s
        return exact if abs(exact - time_s) <= self.step_s * _WAVERS else time_s


class SoundReader:
    """One sound stream, kept open; for one thread at a time.

    Args:
        path: the film. stream: the sound stream's index in the file.
        rate: samples per second of what is read. layout: its channels, in FFmpeg's words.
    """

    def __init__(self, path: Path, stream: int, rate: int, layout: str) -> None:
        self._path = path
        self._number = stream
        self._rate = rate
        self._layout = layout
        self._channels = channel_count(layout)
        self._stack = ExitStack()
        self._container: InputContainer | None = None
        self._grid: FrameGrid | None = None
        self._blocks: Iterator[tuple[int, Samples]] = iter(())
        self._held: tuple[int, Samples] | None = None
        self._next: int | None = None
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        self._blocks, self._held, self._next, self._container = iter(()), None, None, None
        self._stack.close()

    @property
    def ended(self) -> bool:
        """Return whether the last read reached the end of the stream."""
        return self._ended

    def read(self, start: int, count: int) -> Samples:
        """Return float32 [channels, count], the samples from `start` on; silence where the source has none.

        Raises:
            MissingMedia, DamagedMedia: the sound cannot be read.
        """
        result: Samples = np.zeros((self._channels, count), np.float32)
        with translated(self._path):
            if self._next is None or not 0 <= start - self._next <= self._rate * _GO_ON_S:
                self._seek(start)
            stop = start + count
            while True:
                block = self._held if self._held is not None else next(self._blocks, None)
                self._held = block
                self._ended = block is None
                if block is None or block[0] >= stop:
                    break
                at, samples = block
                first, last = max(start, at), min(stop, at + samples.shape[1])
                if first < last:
                    result[:, first - start : last - start] = samples[:, first - at : last - at]
                if at + samples.shape[1] > stop:
                    break
                self._held = None
            self._next = stop
        return result

    def _seek(self, start: int) -> None:
        first = self._container is None
        stream = self._opened()
        base = stream.time_base or Fraction(1, self._rate)
        wanted = Fraction(start, self._rate) - _WARM_UP_S
        if wanted > (stream.start_time or 0) * base:
            try:
                self._container_open.seek(int(wanted / base), stream=stream)
                stream.codec_context.flush_buffers()
            except av.error.FFmpegError:
                # Browsers' recordings have no index to seek by: they are read from their beginning.
                self.close()
                stream = self._opened()
        elif not first:
            self.close()
            stream = self._opened()
        self._blocks, self._held = self._converted(stream, base), None

    def _opened(self) -> AvAudioStream:
        if self._container is None:
            self._container = self._stack.enter_context(opened(self._path))
            self._grid = self._grid or frame_grid(self._path, self._number)
        return _sound_stream(self._path, self._container, self._number)

    @property
    def _container_open(self) -> InputContainer:
        assert self._container is not None
        return self._container

    def _converted(self, stream: AvAudioStream, base: Fraction) -> Iterator[tuple[int, Samples]]:
        """Yield (position, samples), in order and without overlaps; where times overlap, what comes later counts."""
        last: tuple[int, Samples] | None = None
        for position, block in self._resampled(stream, base):
            if last is not None:
                yield last[0], last[1][:, : max(0, position - last[0])]
            last = position, block
        if last is not None:
            yield last

    def _resampled(self, stream: AvAudioStream, base: Fraction) -> Iterator[tuple[int, Samples]]:
        own_rate = stream.codec_context.sample_rate
        # FFmpeg takes 3 dB off one channel that becomes two; players give both the whole of it.
        doubled = self._layout == "stereo" and stream.codec_context.channels == 1
        layout = "mono" if doubled else self._layout
        resampler = AudioResampler(format=PACKED, layout=layout, rate=self._rate)
        expected = at = 0
        known = False
        for position, frame in self._placed(stream, base, own_rate):
            if not known or position != expected:
                at, known = round(Fraction(position * self._rate, own_rate)), True
            expected = position + frame.samples
            frame.pts = None
            for block in _converted(resampler, frame):
                yield at, np.repeat(block, 2, axis=0) if doubled else block
                at += block.shape[1]
        for block in _converted(resampler, None) if known else ():
            yield at, np.repeat(block, 2, axis=0) if doubled else block
            at += block.shape[1]

    def _placed(self, stream: AvAudioStream, base: Fraction, own_rate: int) -> Iterator[_Decoded]:
        """Yield each frame with its position in samples of the stream's own rate.

        Samples are counted, since times may be rounded or waver. A frame starts a new count where its time is far off,
        or where it and the next one are off by the same, as behind a packet that the container cut short.
        """
        coarse = base * own_rate
        slack = 0 if coarse.denominator == 1 and coarse == 1 else int(coarse) + 2
        if (1 / base) % own_rate == 0:
            slack = 0
        far = own_rate // 50
        counted: int | None = None
        pending: _Decoded | None = None
        for found, frame in chain(self._frames(stream, base, own_rate), [(None, None)]):
            if pending is not None:
                position, waiting = pending
                off = 0 if counted is None else position - counted
                ahead = off if found is None else found - position - waiting.samples + off
                sure = abs(off) > slack and coarse <= 2 and ahead == off
                start = position if counted is None or abs(off) > far or sure else counted
                counted = start + waiting.samples
                yield start, waiting
            if found is not None and frame is not None:
                pending = found, frame

    def _frames(self, stream: AvAudioStream, base: Fraction, own_rate: int) -> Iterator[_Decoded]:
        grid = self._grid or FrameGrid(Fraction(0), Fraction(0))
        for packet in self._container_open.demux(stream):
            try:
                frames = stream.codec_context.decode(packet)
            except av.error.InvalidDataError:
                continue  # a player goes on with the next packet
            for frame in frames:
                if frame.pts is not None:
                    # Of a frame that a decoder shortens at its beginning, the end lies in the grid.
                    length_s = Fraction(frame.samples, own_rate)
                    yield round((grid.snapped(frame.pts * base + length_s) - length_s) * own_rate), frame


def channel_count(layout: str) -> int:
    """Return how many channels a layout has, given in FFmpeg's words."""
    return int(av.AudioLayout(layout).nb_channels)


class SoundReaders:
    """Readers of several streams at one rate, kept open; for one thread at a time."""

    def __init__(self, rate: int, layout: str) -> None:
        self._rate = rate
        self._layout = layout
        self._readers: OrderedDict[Hashable, SoundReader] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()

    def reader(self, path: Path, stream: int, use: Hashable = None) -> SoundReader:
        """Return the reader of a stream; what reads it at several places gives each `use` its own."""
        key = path, stream, use
        found = self._readers.get(key)
        if found is None:
            found = self._readers[key] = SoundReader(path, stream, self._rate, self._layout)
        self._readers.move_to_end(key)
        if len(self._readers) > _OPEN_READERS:
            self._readers.popitem(last=False)[1].close()
        return found


def _converted(resampler: AudioResampler, frame: AudioFrame | None) -> list[Samples]:
    return [samples_of(converted) for converted in resampler.resample(frame)]


def _sound_stream(path: Path, container: InputContainer, number: int) -> AvAudioStream:
    stream = container.streams[number] if number < len(container.streams) else None
    if not isinstance(stream, AvAudioStream):
        raise DamagedMedia(f"{path}: its sound is not where it was; open the film again")
    return stream


def frame_grid(path: Path, number: int) -> FrameGrid:
    """Look at the first frames: where times are coarser than samples, the number of a frame tells its time."""
    with opened(path) as container:
        stream = _sound_stream(path, container, number)
        base, rate = stream.time_base or Fraction(1), stream.codec_context.sample_rate
        if not rate or base * rate <= 1:
            return FrameGrid(Fraction(0), Fraction(0))
        first: list[tuple[Fraction, int]] = []
        for frame in container.decode(stream):
            if frame.pts is not None:
                first.append((frame.pts * base, frame.samples))
            if len(first) == 4:
                break
        if len(first) < 4 or len({samples for _, samples in first[1:]}) != 1:
            return FrameGrid(Fraction(0), Fraction(0))
        # The first frame may be shortened by what a decoder skips; behind it they are all alike.
        return FrameGrid(first[0][0] + Fraction(first[0][1], rate), Fraction(first[1][1], rate))
