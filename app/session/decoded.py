"""Source frames for the viewer: decoded once for all its threads, forwards where it can be, given up when unwanted."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

import numpy as np

from engine.errors import Cancelled, MissingMedia
from engine.media.decode import FrameReader
from engine.media.pixels import Frame
from engine.model.gop import EntryMap
from engine.model.media import VideoStream
from engine.model.source import FrameTimes
from engine.render.film import Film

_LANES = 2
"""Decoders per film: one follows a patch while the other plays or seeks. Each takes 60 MB of an hour in 1080p."""
_WORTH_GOING_ON = 12
"""Frames that are rather decoded than jumped over."""
_KEPT_BEFORE = 6
"""Frames just before one that are decoded on the way back: the next that will be wanted."""


class DecodedFrames:
    """The frames of some films, those of a moment ago at hand; thread-safe.

    Args:
        films: by source id.
        times: by source id.
        most_bytes: of frames that are kept.
        threads: of each decoder.
    """

    def __init__(
        self,
        films: Mapping[str, Film],
        times: Mapping[str, FrameTimes],
        *,
        most_bytes: int = 24 << 20,
        threads: int = 2,
    ) -> None:
        self._films = dict(films)
        self._times = dict(times)
        self._threads = threads
        self._shelf = _Shelf(most_bytes)
        self._lanes: dict[str, list[_Lane]] = {}
        self._free = threading.Condition()
        self._caller = threading.local()

    def wanted_while(self, wanted: Callable[[], bool]) -> None:
        """Say until when the calling thread wants the frames that it asks for next."""
        self._caller.wanted = wanted

    def video(self, source_id: str) -> VideoStream:
        """Return what is known of a source's picture.

        Raises:
            MissingMedia: the source is not at hand.
        """
        return self._film(source_id).info.video

    def times(self, source_id: str) -> FrameTimes:
        """Return when its frames show."""
        self._film(source_id)
        return self._times[source_id]

    def frame(self, source_id: str, number: int) -> Frame:
        """Return one of its frames; beyond an end, the last one there.

        Raises:
            MissingMedia, DamagedMedia, SourceChanged: it cannot be read.
            Cancelled: nobody wants it any more.
        """
        film = self._film(source_id)
        number = min(max(number, 0), film.index.frame_count - 1)
        while True:
            found = self._shelf.find(source_id, number)
            if found is not None:
                return found
            lane = self._taken(source_id, film, number)
            if lane is None:
                continue
            try:
                return self._decoded(source_id, lane, number)
            finally:
                with self._free:
                    lane.is_busy = False
                    self._free.notify_all()

    def close(self) -> None:
        """Close all files; no thread may be reading."""
        for lanes in self._lanes.values():
            for lane in lanes:
                lane.reader.close()
        self._lanes.clear()

    def _film(self, source_id: str) -> Film:
        try:
            return self._films[source_id]
        except KeyError:
            raise MissingMedia(f"the source {source_id} of this project is not at hand; find its file") from None

    def _taken(self, source_id: str, film: Film, number: int) -> _Lane | None:
        """Take the lane that has least to do; None after waiting for one that is about to pass the frame."""
        with self._free:
            lanes = self._lanes.setdefault(source_id, [])
            if not lanes:
                lanes.append(self._opened(film))
            cost = {id(lane): lane.cost(number) for lane in lanes}
            best = min(lanes, key=lambda lane: cost[id(lane)])
            idle = [lane for lane in lanes if not lane.is_busy]
            if best.is_busy and best.target <= number and cost[id(best)] <= _WORTH_GOING_ON:
                self._free.wait(0.5)
                self._check()
                return None
            if not idle and len(lanes) < _LANES:
                lanes.append(self._opened(film))
                idle = [lanes[-1]]
            if not idle:
                self._free.wait(0.5)
                self._check()
                return None
            if len(lanes) < _LANES and cost[id(best)] > _WORTH_GOING_ON and best.at > number and best.at >= 0:
                # Going back: the one that goes forwards stays where it is.
                lanes.append(self._opened(film))
                idle.append(lanes[-1])
            lane = min(idle, key=lambda lane: lane.cost(number))
            lane.is_busy, lane.target = True, number
            return lane

    def _opened(self, film: Film) -> _Lane:
        return _Lane(FrameReader(film.path, film.info, film.index, threads=self._threads), film)

    def _decoded(self, source_id: str, lane: _Lane, number: int) -> Frame:
        first = lane.first_for(number)
        jumps = first != lane.at + 1 or lane.at < 0
        if jumps or number - first > _WORTH_GOING_ON:
            first = max(first, number - _KEPT_BEFORE) if self._goes_back(source_id, number) else number
            lane.at = -1
            frame = lane.reader.frame_directly(first, self._check)
        else:
            self._check()
            frame = lane.reader.frame(first)
        self._keep(source_id, lane, first, frame)
        for each in range(first + 1, number + 1):
            self._check()
            frame = lane.reader.frame(each)
            self._keep(source_id, lane, each, frame)
        return frame

    def _keep(self, source_id: str, lane: _Lane, number: int, frame: Frame) -> None:
        lane.at = number
        self._shelf.put(source_id, number, frame)

    def _goes_back(self, source_id: str, number: int) -> bool:
        """Tell whether a frame is one of those just before what was decoded last."""
        with self._free:
            places = [place for lane in self._lanes[source_id] for place in (lane.at, lane.target)]
        return any(0 < place - number <= _WORTH_GOING_ON for place in places)

    def _check(self) -> None:
        wanted = getattr(self._caller, "wanted", None)
        if wanted is not None and not wanted():
            raise Cancelled


class _Lane:
    """One decoder and where it stands."""

    def __init__(self, reader: FrameReader, film: Film) -> None:
        self.reader = reader
        self.at = -1
        self.target = -1
        self.is_busy = False
        self._index = film.index
        self._entries = EntryMap.of(film.index)
        self._pts = film.index.frame_pts

    def cost(self, number: int) -> int:
        """Return how many frames have to be decoded to reach one."""
        return number - self.first_for(number) + 1

    def first_for(self, number: int) -> int:
        """Return the frame with which decoding towards another one begins."""
        entry = self._entry(number)
        goes_on = 0 <= self.at < number and (self.at >= entry or number - self.at <= _WORTH_GOING_ON)
        return self.at + 1 if goes_on else entry

    def _entry(self, number: int) -> int:
        unit = int(self._index.order[number])
        start = next(self._entries.starts(unit), 0)
        frame = int(np.searchsorted(self._pts, self._index.pts[start]))
        # Frames on the way are only worth having where decoding may begin with the first of them.
        if frame >= number or not self._entries.is_exact(start, int(self._index.order[frame])):
            return number
        return frame


class _Shelf:
    """The frames decoded last, by source and number."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._frames: OrderedDict[tuple[str, int], tuple[Frame, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, source_id: str, number: int) -> Frame | None:
        with self._lock:
            found = self._frames.get((source_id, number))
            if found is None:
                return None
            self._frames.move_to_end((source_id, number))
            return found[0]

    def put(self, source_id: str, number: int, frame: Frame) -> None:
        # From its format, since asking each plane costs as much as decoding a small frame.
        size = frame.width * frame.height * frame.format.padded_bits_per_pixel // 8
        with self._lock:
            old = self._frames.pop((source_id, number), None)
            if old is not None:
                self._bytes -= old[1]
            self._frames[source_id, number] = frame, size
            self._bytes += size
            while self._bytes > self._most_bytes and len(self._frames) > 1:
                _, (_, gone) = self._frames.popitem(last=False)
                self._bytes -= gone
