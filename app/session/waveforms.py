"""The outlines of the sources' sound, measured once in the background and kept in the project's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Document
from app.session.jobs import Job, Jobs
from app.workflows.caches import project_cache
from app.workflows.sound_sources import known_sound
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.index.waveform import BASE_SAMPLES, FACTOR, Waveform, load_or_measure
from engine.model.media import AudioStream
from engine.store.project_file import ProjectFile

_QUEUED = 32
_FULL_SCALE = 32767.0


@dataclass(frozen=True, slots=True)
class _Sound:
    path: Path
    stream: AudioStream
    identity: str


class Waveforms(QObject):
    """The outlines that are there; asking for one that is not has it measured, one source after the other.

    Signals:
        arrived(str): the outline of this source.
    """

    arrived = Signal(str)

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._found: dict[tuple[str, int], Waveform | None] = {}
        self._queue: list[tuple[str, int]] = []
        self._running: Job | None = None
        document.opened.connect(self._reset)
        document.closed.connect(self._reset)
        document.films_changed.connect(self._forget_failures)

    def waveform(self, source_id: str, stream: int = 0) -> Waveform | None:
        """Return the outline of a source's sound stream (0 is its first), None while it is not there."""
        key = source_id, stream
        if key not in self._found and key not in self._queue and len(self._queue) < _QUEUED:
            self._queue.append(key)
            self._next()
        return self._found.get(key)

    def _next(self) -> None:
        if self._running is not None or not self._queue or not self._document.is_open:
            return
        source_id, stream = key = self._queue[0]
        document = self._document
        film, file, project_id = document.films.get(source_id), document.file, document.project.id

        def work(progress: Progress, cancel: CancelToken) -> tuple[tuple[str, int], Waveform | None]:
            with project_cache(project_id) as cache:
                if film is not None:
                    streams = film.info.audio
                    if stream >= len(streams):
                        return key, None
                    sound = _Sound(film.path, streams[stream], film.identity)
                else:
                    sound = _sound_alone(file, source_id, stream, cache_of=project_id)
                return key, load_or_measure(sound.path, sound.stream, sound.identity, cache, progress, cancel)

        self._running = self._jobs.start_quietly("Draw the sound", work).then(self._measured, self._failed)

    def _measured(self, found: tuple[tuple[str, int], Waveform | None]) -> None:
        key, waveform = found
        self._running = None
        if key in self._queue:
            self._queue.remove(key)
            self._found[key] = waveform
            self.arrived.emit(key[0])
        self._next()

    def _failed(self, _error: DeltacutError) -> None:
        # The sound is drawn as a flat line; playing it tells the person what is wrong with it.
        self._running = None
        if self._queue:
            self._found[self._queue.pop(0)] = None
        self._next()

    @Slot()
    def _forget_failures(self) -> None:
        self._found = {key: waveform for key, waveform in self._found.items() if waveform is not None}

    @Slot()
    def _reset(self) -> None:
        self._queue, self._found = [], {}
        if self._running is not None:
            self._running.cancel()
            self._running = None


def _sound_alone(file: ProjectFile, source_id: str, stream: int, cache_of: str) -> _Sound:
    media = file.media(source_id)
    with project_cache(cache_of) as cache:
        info = known_sound(media, source_id, cache)
    return _Sound(media, info.audio[stream], file.place(source_id).content_hash or source_id)


def columns(waveform: Waveform, starts_s: NDArray[np.float64], part_s: float) -> NDArray[np.float32]:
    """Return float32 [2, n], -1 to 1: the least and greatest sample of the sound from each of n times on.

    Args:
        waveform: the outline.
        starts_s: float64 [n], seconds of the source. Outside the sound the result is 0.
        part_s: for how long; the level is the coarsest whose stretches are no longer.
    """
    result = np.zeros((2, starts_s.size), np.float32)
    level, stretch_s = 0, BASE_SAMPLES / waveform.rate
    while level + 1 < len(waveform.levels) and stretch_s * FACTOR <= part_s:
        level, stretch_s = level + 1, stretch_s * FACTOR
    table = waveform.levels[level]
    at_s = (starts_s - float(waveform.start_s)) / stretch_s
    firsts = np.floor(at_s).astype(np.int64)
    inside = np.flatnonzero((firsts >= 0) & (firsts < table.shape[1]))
    if not inside.size:
        return result
    firsts = firsts[inside]
    lasts = np.ceil(at_s[inside] + part_s / stretch_s).astype(np.int64) - 1
    lasts = np.clip(lasts, firsts, table.shape[1] - 1)
    # About FACTOR stretches make a part at most; on the coarsest level, far out, some are passed over.
    longest = int((lasts - firsts).max())
    step = max(1, longest // (2 * FACTOR))
    low, high = table[0, firsts], table[1, firsts]
    for further in range(step, longest + step, step):
        at = np.minimum(firsts + further, lasts)
        low, high = np.minimum(low, table[0, at]), np.maximum(high, table[1, at])
    result[0, inside] = low / _FULL_SCALE
    result[1, inside] = high / _FULL_SCALE
    return result
