"""Small pictures of the films' frames, for the timeline and the media bin; kept in the project's cache.

One thread decodes what shows at the moment, keyframes first. Whatever scrolled away before its turn is dropped.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from threading import Condition

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QThread, Signal, Slot
from PySide6.QtGui import QImage

from app.session.document import Document
from app.session.jobs import STACK_BYTES
from app.workflows.caches import project_cache
from engine.errors import DeltacutError
from engine.media.pixels import to_rgb
from engine.model.gop import keyframes
from engine.model.media import VideoStream
from engine.model.source import FrameTimes
from engine.render.film import Film
from engine.render.films import FilmReaders
from engine.store.cache import Cache

HEIGHT = 84
"""Lines of a thumbnail where no screen needs more."""
_TALLEST = 252
"""Enough for three times the pixels of a usual screen."""
_STEP = 42
"""Heights are multiples of this, so that not each little change of a row has all made anew."""
_KIND = "thumbnail"
_KEPT_BYTES = 48 << 20
"""Of pictures: 1,000 of a usual screen's, 420 of one with twice the pixels."""
_QUEUED = 400
_NEAR = 3
"""A frame so close behind a keyframe looks like it."""

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Films:
    """What the thread works on until another project opens."""

    project_id: str
    films: Mapping[str, Film]
    times: Mapping[str, FrameTimes]


class _Decoder(QThread):
    """Decodes the wanted frames one after the other."""

    made = Signal(int, str, int, object)

    def __init__(self) -> None:
        super().__init__()
        self.setStackSize(STACK_BYTES)
        self._condition = Condition()
        self._films = _Films("", {}, {})
        self._round = 0
        self._wanted: list[Key] = []
        self._lines = HEIGHT
        self._ends = False

    def work_on(self, films: _Films, round: int) -> None:
        with self._condition:
            self._films, self._round, self._wanted = films, round, []
            self._condition.notify()

    def want(self, keys: Sequence[Key], lines: int) -> None:
        with self._condition:
            self._wanted, self._lines = list(keys[:_QUEUED]), lines
            self._condition.notify()

    def end(self) -> None:
        with self._condition:
            self._ends = True
            self._condition.notify()
        self.wait()

    def run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._ends or self._wanted)
                if self._ends:
                    return
                films, round = self._films, self._round
            with ExitStack() as stack:
                cache = stack.enter_context(project_cache(films.project_id))
                readers = stack.enter_context(FilmReaders(films.films, films.times, threads=1))
                self._serve(films, round, cache, readers)

    def _serve(self, films: _Films, round: int, cache: Cache, readers: FilmReaders) -> None:
        """Make pictures until another project opens, or nothing was wanted for a while: no file stays open idly."""
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._ends or self._wanted or self._round != round, timeout=2.0)
                if self._ends or self._round != round or not self._wanted:
                    return
                (source_id, frame), lines = self._wanted.pop(0), self._lines
            film = films.films.get(source_id)
            if film is None:
                continue
            with suppress(DeltacutError):  # a frame that does not decode has no thumbnail
                self.made.emit(round, source_id, frame, _made(film, source_id, frame, lines, cache, readers))


def _made(film: Film, source_id: str, frame: int, lines: int, cache: Cache, readers: FilmReaders) -> NDArray[np.uint8]:
    """Return a thumbnail, uint8 [lines, w, 4]: blue, green, red and nothing."""
    key = f"{film.identity}:{frame}:{lines}"
    kept = cache.get(_KIND, key)
    picture = cv2.imdecode(np.frombuffer(kept, np.uint8), cv2.IMREAD_COLOR) if kept else None
    if picture is None:
        video = film.info.video
        rgb = to_rgb(readers.frame(source_id, frame), thumbnail_size(video, lines), video.rotation)
        picture = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 88])
        cache.put(_KIND, key, data.tobytes())
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA), np.uint8)


def image_of(bgra: NDArray[np.uint8]) -> QImage:
    """Return uint8 [h, w, 4] as an image of its own memory, in the layout that is painted fastest.

    For the main thread: there alone Qt's Python objects are made and found.
    """
    rows = np.ascontiguousarray(bgra)
    height, width, _ = rows.shape
    return QImage(rows.data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


def thumbnail_size(video: VideoStream, lines: int = HEIGHT) -> tuple[int, int]:
    """Return width and height, in pixels before the rotation, of a thumbnail of so many lines as displayed."""
    width, height = video.width * float(video.sar), float(video.height)
    if video.rotation in (90, 270):
        return lines, max(2, round(lines * height / width))
    return max(2, round(lines * width / height)), lines


class Thumbnails(QObject):
    """The pictures that are there, and the wish for more.

    Signals:
        arrived(str): a picture of this source.
    """

    arrived = Signal(str)

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._pictures: OrderedDict[Key, QImage] = OrderedDict()
        self._bytes = 0
        self._lines = HEIGHT
        self._wishes: dict[str, list[Key]] = {}
        self._keyframes: dict[str, list[int]] = {}
        self._round = 0
        self._asked: list[Key] = []
        self._decoder = _Decoder()
        self._decoder.made.connect(self._made)
        document.films_changed.connect(self._films_changed)
        document.closed.connect(self._films_changed)

    def picture(self, source_id: str, frame: int) -> QImage | None:
        """Return the picture of a frame, or that of the keyframe before it, None where neither is there yet."""
        found = self._pictures.get((source_id, frame))
        if found is not None:
            self._pictures.move_to_end((source_id, frame))
            return found
        return self._pictures.get((source_id, self._keyframe(source_id, frame)))

    def want(self, who: str, keys: Sequence[Key]) -> None:
        """Ask for the pictures that a view shows, the most urgent first; what it asked for before is forgotten."""
        missing: dict[Key, None] = {}
        exact: list[Key] = []
        for source_id, frame in keys:
            if self._is_there((source_id, frame)):
                continue
            first = self._keyframe(source_id, frame)
            if not self._is_there((source_id, first)):
                missing[(source_id, first)] = None
            if frame - first > _NEAR:
                exact.append((source_id, frame))
        self._wishes[who] = [*missing, *exact]
        self._ask()

    def show_lines(self, lines: int) -> None:
        """Make the pictures that are wanted from now on for a height in the screen's own pixels.

        Those that are there, and too coarse for it, show until finer ones take their place.
        """
        lines = min(max(-(-lines // _STEP) * _STEP, HEIGHT), _TALLEST)
        if lines != self._lines:
            self._lines, self._asked = lines, []

    def _is_there(self, key: Key) -> bool:
        found = self._pictures.get(key)
        return found is not None and found.height() >= self._lines

    def nearest(self, source_id: str, frame: int) -> int:
        """Return the frame to ask for: the keyframe where it stands just before."""
        first = self._keyframe(source_id, frame)
        return first if frame - first <= _NEAR else frame

    def shut_down(self) -> None:
        """End the thread."""
        self._decoder.end()

    def _ask(self) -> None:
        wanted = list(dict.fromkeys(key for wishes in self._wishes.values() for key in wishes))
        wanted = [key for key in wanted if key[0] in self._document.films and not self._is_there(key)]
        if wanted and wanted != self._asked:
            if not self._decoder.isRunning():
                self._decoder.start(QThread.Priority.LowPriority)
            self._decoder.want(wanted, self._lines)
        elif not wanted and self._asked:
            self._decoder.want([], self._lines)
        self._asked = wanted

    def _keyframe(self, source_id: str, frame: int) -> int:
        known = self._keyframes.get(source_id)
        if known is None:
            film = self._document.films.get(source_id)
            if film is None:
                return frame
            known = sorted(frame for frame in film.index.frame_of[keyframes(film.index)].tolist() if frame >= 0)
            self._keyframes[source_id] = known
        at = bisect_right(known, frame)
        return known[at - 1] if at else frame

    @Slot(int, str, int, object)
    def _made(self, round: int, source_id: str, frame: int, bgra: NDArray[np.uint8]) -> None:
        if round != self._round:
            return
        self._forget((source_id, frame))
        image = self._pictures[(source_id, frame)] = image_of(bgra)
        self._bytes += image.sizeInBytes()
        while self._bytes > _KEPT_BYTES and len(self._pictures) > 1:
            self._forget(next(iter(self._pictures)))
        if image.height() < self._lines:
            # Begun before the height changed.
            self._asked = []
            self._ask()
        self.arrived.emit(source_id)

    def _forget(self, key: Key) -> None:
        gone = self._pictures.pop(key, None)
        if gone is not None:
            self._bytes -= gone.sizeInBytes()

    @Slot()
    def _films_changed(self) -> None:
        document = self._document
        films = dict(document.films)
        self._round += 1
        self._wishes, self._asked, self._keyframes = {}, [], {}
        gone = [key for key in self._pictures if key[0] not in films]
        for key in gone:
            self._forget(key)
        times = {source.id: source.picture.times for source in document.project.sources if source.picture is not None}
        self._decoder.work_on(_Films(document.project.id, films, times), self._round)
