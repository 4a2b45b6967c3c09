"""A source: what the model must know of a media file without ever opening it.

Where the file lies is not here: a film does not change when its media moves (engine.store keeps the places).
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.errors import EditRefused
from engine.model.frame_index import FrameIndex
from engine.model.media import Colour, MediaInfo

FRAME_LIMIT = 1 << 31

UNSPECIFIED = Colour()
"""A file that says nothing about its colours."""


@dataclass(frozen=True, slots=True)
class EvenTimes:
    """Frame times at a constant rate: frame n starts at (start + n * step) ticks.

    Attributes:
        time_base: seconds per tick. count: number of frames.
    """

    time_base: Fraction
    start: int
    step: int
    count: int

    def __post_init__(self) -> None:
        if self.time_base <= 0 or self.step <= 0 or not 0 <= self.count <= FRAME_LIMIT:
            raise EditRefused(f"impossible frame times: {self.time_base = !s}, {self.step = }, {self.count = }")

    def time_of(self, frame: int) -> Fraction:
        """Return the start of a frame in seconds; of `count`, the end of the last one."""
        return (self.start + frame * self.step) * self.time_base

    def between(self, first: int, stop: int) -> Fraction:
        """Return how long the frames from `first` up to `stop` show, in seconds."""
        return (stop - first) * self.step * self.time_base

    def frame_at(self, time_s: Fraction) -> int:
        """Return the frame shown at a time, the first or last one outside the film."""
        # Whole numbers throughout: a Fraction costs ten times as much, and thousands of items ask.
        over, under = _ticks_of(time_s, self.time_base)
        return min(max(0, (over - self.start * under) // (under * self.step)), max(0, self.count - 1))

    def first_from(self, time_s: Fraction) -> int:
        """Return the first frame that begins at or after a time, `count` if none does."""
        over, under = _ticks_of(time_s, self.time_base)
        return min(max(0, -((self.start * under - over) // (under * self.step))), self.count)


@dataclass(frozen=True, slots=True)
class ListedTimes:
    """Frame times one by one, for a variable rate.

    Attributes:
        packed: zlib of int64 little-endian differences: the first frame's start, then each frame's duration; ticks.
    """

    time_base: Fraction
    count: int
    packed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.time_base <= 0 or not 0 < self.count <= FRAME_LIMIT:
            raise EditRefused(f"impossible frame times: {self.time_base = !s}, {self.count = }")
        _ticks(self.packed, self.count)

    @classmethod
    def of(cls, ticks: NDArray[np.int64], time_base: Fraction) -> ListedTimes:
        """Return the value for int64 `ticks` [count + 1]: the start of each frame, and the end of the last one."""
        steps = np.diff(ticks, prepend=np.int64(0)).astype("<i8")
        return cls(time_base, len(ticks) - 1, zlib.compress(steps.tobytes(), 6))

    @property
    def ticks(self) -> NDArray[np.int64]:
        """Return int64 [count + 1], read-only: the start of each frame, and the end of the last one."""
        return _ticks(self.packed, self.count)

    def time_of(self, frame: int) -> Fraction:
        """Return the start of a frame in seconds; of `count`, the end of the last one."""
        return int(self.ticks[frame]) * self.time_base

    def between(self, first: int, stop: int) -> Fraction:
        """Return how long the frames from `first` up to `stop` show, in seconds."""
        return int(self.ticks[stop] - self.ticks[first]) * self.time_base

    def frame_at(self, time_s: Fraction) -> int:
        """Return the frame shown at a time, the first or last one outside the film."""
        over, under = _ticks_of(time_s, self.time_base)
        return max(0, bisect_right(self.ticks, over // under, hi=self.count) - 1)

    def first_from(self, time_s: Fraction) -> int:
        """Return the first frame that begins at or after a time, `count` if none does."""
        over, under = _ticks_of(time_s, self.time_base)
        return bisect_left(self.ticks, -(-over // under), hi=self.count)


FrameTimes = EvenTimes | ListedTimes


def _ticks_of(time_s: Fraction, time_base: Fraction) -> tuple[int, int]:
    """Return a time in ticks, as a numerator and a positive denominator."""
    over, under = time_s.as_integer_ratio()
    ticks, per = time_base.as_integer_ratio()
    return over * per, under * ticks


@lru_cache(maxsize=64)
def _ticks(packed: bytes, count: int) -> NDArray[np.int64]:
    """Unpack frame times; kept, since every look at a variable-rate source needs them.

    Raises:
        EditRefused: the bytes are not `count` increasing frame times.
    """
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, (count + 1) * 8 + 1)
    except zlib.error as error:
        raise EditRefused(f"the source's frame times cannot be unpacked: {error}") from error
    if len(data) != (count + 1) * 8:
        raise EditRefused(f"the source lists {len(data) // 8 - 1} frame times for {count} frames")
    steps = np.frombuffer(data, dtype="<i8").astype(np.int64)
    if (steps[1:] <= 0).any() or np.abs(steps).astype(np.float64).sum() > 2.0**62:
        raise EditRefused("the source's frame times do not increase")
    ticks = np.cumsum(steps)
    ticks.flags.writeable = False
    return ticks


def frame_times(ticks: NDArray[np.int64], time_base: Fraction) -> FrameTimes:
    """Return the frame times in their smallest form.

    Args:
        ticks: int64 [count + 1], increasing: the start of each frame, and the end of the last one.
        time_base: seconds per tick.
    """
    steps = np.diff(ticks)
    if steps.size and (steps == steps[0]).all():
        return EvenTimes(time_base, int(ticks[0]), int(steps[0]), int(steps.size))
    return ListedTimes.of(ticks, time_base)


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """A sound stream of a source; times in seconds of the source."""

    stream: int
    codec: str
    channels: int
    sample_rate: int
    start_s: Fraction = Fraction(0)
    duration_s: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """The picture of a source.

    Attributes:
        width, height: pixels as displayed, rotation applied, sample aspect ratio not. rate: average frames per second.
    """

    width: int
    height: int
    rate: Fraction
    times: FrameTimes
    sar: Fraction = Fraction(1)
    rotation: int = 0
    pix_fmt: str = "yuv420p"
    bit_depth: int = 8
    codec: str = ""
    colour: Colour = UNSPECIFIED

    def __post_init__(self) -> None:
        if not (0 < self.width <= 65536 and 0 < self.height <= 65536):
            raise EditRefused(f"a picture of {self.width}x{self.height} pixels cannot be edited")
        if not (self.rate > 0 and self.sar > 0):
            raise EditRefused(f"impossible picture: {self.rate = !s} frames/s, {self.sar = !s}")

    @property
    def frame_count(self) -> int:
        """Return the number of frames."""
        return self.times.count


@dataclass(frozen=True, slots=True)
class Source:
    """A media file of the project; its id stands for one content for ever (another content is another source)."""

    id: str
    name: str
    picture: PictureFacts | None = None
    sound: tuple[SoundFacts, ...] = ()
    duration_s: Fraction = Fraction(0)

    @property
    def frame_count(self) -> int:
        """Return the number of frames, 0 for a source without picture."""
        return 0 if self.picture is None else self.picture.frame_count


def source_from_media(id: str, name: str, info: MediaInfo, index: FrameIndex) -> Source:
    """Return the source that probing (`info`) and indexing (`index`) found."""
    video = info.video
    starts = index.frame_pts
    end = int(starts[-1]) + max(1, int(index.duration[index.order[-1]])) if starts.size else 0
    width, height = video.display_size
    return Source(
        id,
        name,
        PictureFacts(
            width,
            height,
            video.rate,
            frame_times(np.append(starts, end), index.time_base)
            if starts.size
            else EvenTimes(index.time_base, 0, 1, 0),
            video.sar,
            video.rotation,
            video.pix_fmt,
            video.bit_depth,
            video.codec,
            video.colour,
        ),
        tuple(SoundFacts(a.stream, a.codec, a.channels, a.sample_rate, a.start_pts * a.time_base) for a in info.audio),
        info.duration_s,
    )
