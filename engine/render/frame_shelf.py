"""Source frames that were read a moment ago: a tracker goes backwards, and a removal comes back to the same frames.

Going backwards costs a decoder everything from the keyframe on, so a few frames more are kept at a time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from engine.media.pixels import Frame, planes
from engine.patches.blend import Planes
from engine.render.films import Films

_BEHIND = 16
"""Frames that are decoded at a time where reading goes backwards."""


class FrameShelf:
    """Planes of source frames, at most about `most_bytes` of them; thread-safe.

    Args:
        films: where they are read.
        most_bytes: that are kept.
    """

    def __init__(self, films: Films, most_bytes: int) -> None:
        self._films = films
        self._most_bytes = most_bytes
        self._frames: OrderedDict[tuple[str, int], Frame] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def planes(self, source_id: str, number: int) -> Planes:
        """Return the planes of a source's frame; read-only.

        Raises:
            MissingMedia, DamagedMedia, SourceChanged: it cannot be read.
        """
        frame = self._found(source_id, number)
        if frame is None:
            first = max(0, number - _BEHIND + 1) if self._goes_backwards(source_id, number) else number
            for each in range(first, number + 1):
                frame = self._films.frame(source_id, each)
                self._keep(source_id, each, frame)
        assert frame is not None
        return planes(frame)

    def _found(self, source_id: str, number: int) -> Frame | None:
        with self._lock:
            frame = self._frames.get((source_id, number))
            if frame is not None:
                self._frames.move_to_end((source_id, number))
            return frame

    def _goes_backwards(self, source_id: str, number: int) -> bool:
        with self._lock:
            return (source_id, number + 1) in self._frames and (source_id, number - 1) not in self._frames

    def _keep(self, source_id: str, number: int, frame: Frame) -> None:
        with self._lock:
            if (source_id, number) not in self._frames:
                self._frames[source_id, number] = frame
                self._bytes += _size(frame)
            while self._bytes > self._most_bytes and len(self._frames) > 1:
                _, old = self._frames.popitem(last=False)
                self._bytes -= _size(old)


def _size(frame: Frame) -> int:
    return sum(plane.nbytes for plane in planes(frame))
