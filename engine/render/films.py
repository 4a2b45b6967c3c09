"""Frames of the sources that a recipe names, decoded when asked for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from threading import Lock, Thread, current_thread
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from engine.errors import MissingMedia
from engine.media.decode import FrameReader
from engine.media.pixels import Frame
from engine.model.media import VideoStream
from engine.model.recipe import BlackBase, RecipeRun
from engine.model.source import FrameTimes, frame_times
from engine.render.film import Film

_OPEN_READERS = 12


class Films(Protocol):
    """The sources of a timeline; thread-safe."""

    def video(self, source_id: str) -> VideoStream:
        """Return what is known of a source's picture."""

    def times(self, source_id: str) -> FrameTimes:
        """Return when its frames show."""

    def frame(self, source_id: str, number: int) -> Frame:
        """Return one of its frames."""


def films_of(film: Film, runs: Sequence[RecipeRun]) -> FilmReaders:
    """Return the one film of a project that has no other, under the name that its recipes give it."""
    names = {run.recipe.base.source_id for run in runs if not isinstance(run.recipe.base, BlackBase)}
    index = film.index
    starts = index.frame_pts
    end = int(starts[-1]) + max(1, int(index.duration[index.order[-1]]))
    times = frame_times(np.append(starts, end), index.time_base)
    return FilmReaders(dict.fromkeys(names, film), dict.fromkeys(names, times))


class FilmReaders:
    """Films read from their files, each thread with its own readers: going on is much cheaper than seeking.

    Args:
        films: by source id.
        times: by source id.
        threads: of each decoder.
    """

    def __init__(self, films: Mapping[str, Film], times: Mapping[str, FrameTimes], *, threads: int = 2) -> None:
        self._films = dict(films)
        self._times = dict(times)
        self._threads = threads
        self._readers: OrderedDict[tuple[Thread, str], FrameReader] = OrderedDict()
        self._lock = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all files; no thread may be reading."""
        with self._lock:
            for reader in self._readers.values():
                reader.close()
            self._readers.clear()

    def release(self) -> None:
        """Close the calling thread's files."""
        with self._lock:
            mine = [key for key in self._readers if key[0] is current_thread()]
            readers = [self._readers.pop(key) for key in mine]
        for reader in readers:
            reader.close()

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
        """
        film = self._film(source_id)
        number = min(max(number, 0), film.index.frame_count - 1)
        return self._reader(source_id, film).frame(number)

    def _film(self, source_id: str) -> Film:
        try:
            return self._films[source_id]
        except KeyError:
            raise MissingMedia(
                f"the source {source_id} is not open: put a clip of it on the storyline, or relink it if it is gone"
            ) from None

    def _reader(self, source_id: str, film: Film) -> FrameReader:
        me = current_thread()
        with self._lock:
            # What a thread that has ended left behind stands where its successor goes on.
            own = [key for key in self._readers if key[0] is me or not key[0].is_alive()]
            at_hand = next((key for key in reversed(own) if key[1] == source_id), None)
            if at_hand is None:
                reader = FrameReader(film.path, film.info, film.index, threads=self._threads)
            else:
                reader = self._readers.pop(at_hand)
                own.remove(at_hand)
            self._readers[me, source_id] = reader
            # Only one's own may be closed: another thread may be reading from its.
            old = self._readers.pop(own[0]) if len(own) >= _OPEN_READERS else None
        if old is not None:
            old.close()
        return reader
