"""Measure a source once: runs of its pictures beside each other, its sound beside them; each kept when it is done.

What was measured stays in the cache under the source's identity, so another source, or the rest of one that was
stopped halfway, is all that is measured anew.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia, MediaError
from engine.features.measures import (
    NO_PICTURE,
    STEP_ROWS,
    Float32,
    Measures,
    PictureMeasures,
    SoundMeasures,
    joined_rows,
    unchanged_rows,
)
from engine.features.measures_blob import (
    picture_bytes,
    picture_from_bytes,
    scores_bytes,
    scores_from_bytes,
    sound_bytes,
    sound_from_bytes,
)
from engine.features.picture_measures import Measured, PictureMeter
from engine.features.sound_measures import measure_sound, score_speech
from engine.features.speech_scores import SpeechDetector, require, scores_version
from engine.media.ahead import ahead
from engine.media.analysis import SmallPicture, SmallPictures, spans
from engine.media.picture_threads import opencv_in_the_calling_thread
from engine.model.frame_index import FrameIndex
from engine.model.media import AudioStream, MediaInfo
from engine.model.time import Range

MEASURES_VERSION = 1
"""Raised whenever the same source would be measured otherwise, or its measures stored otherwise."""

_PICTURES_KIND = "feature-pictures"
_SOUND_KIND = "feature-sound"
_SCORES_KIND = "feature-speech"
_LEAST_SPAN, _MOST_LEAST_SPAN = 32, 256
_SPANS = 8
"""So many runs at least, where the film can be entered often enough: each is decoded by one thread, which costs a third
less than several threads on one run."""
_REPORT_EVERY = 32
_WAITING = 16
"""Small pictures between the thread that decodes and the one that measures."""


class MeasureCache(Protocol):
    """Where measures are kept; may forget anything at any time, and never raises."""

    def get(self, kind: str, key: str) -> bytes | None:
        """Return a value, or None."""

    def put(self, kind: str, key: str, data: bytes) -> None:
        """Keep a value."""


@dataclass(frozen=True, slots=True)
class AnalysedFilm:
    """A source to be measured.

    Attributes:
        identity: changes whenever the file does.
    """

    path: Path
    info: MediaInfo
    index: FrameIndex
    identity: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was measured, and what could not be: each trouble in words for a person."""

    measures: Measures
    troubles: tuple[str, ...] = ()


def analyse(
    film: AnalysedFilm,
    cache: MeasureCache,
    progress: Progress,
    cancel: CancelToken,
    detector: SpeechDetector = SpeechDetector.CLASSIC,
) -> Analysis:
    """Return a source's measures, from the cache or by decoding what is not there yet.

    Sound that cannot be decoded is told as a trouble; the pictures' measures are still good.

    Args:
        film: what is measured.
        cache: where measures are kept.
        progress: told how far it is.
        cancel: stops it.
        detector: of speech; only its scores are added where everything else was measured without it.

    Raises:
        MissingMedia, DamagedMedia, SourceChanged: its pictures cannot be read.
        UsageError: the detector is not installed.
        Cancelled: on request; what was measured so far is kept.
    """
    with opencv_in_the_calling_thread():
        require(detector)
        return _Work(film, cache, progress, cancel, detector).run()


class _Stop(CancelToken):
    """Stops the workers when the person stops the whole, or when one of them fails."""

    def __init__(self, whole: CancelToken) -> None:
        super().__init__()
        self._whole = whole

    def check(self) -> None:
        self._whole.check()
        super().check()


class _Work:
    def __init__(
        self,
        film: AnalysedFilm,
        cache: MeasureCache,
        progress: Progress,
        cancel: CancelToken,
        detector: SpeechDetector,
    ) -> None:
        self._film = film
        self._cache = cache
        self._progress = progress
        self._stop = _Stop(cancel)
        self._detector = detector
        self._text_every = max(1, round(film.info.video.rate))
        self._lock = threading.Lock()
        self._frames_done = 0

    def run(self) -> Analysis:
        film = self._film
        runs = spans(film.index, _least_span(film.index.frame_count))
        found = {frames: self._kept(frames) for frames in runs}
        missing = [frames for frames in runs if found[frames] is None]
        self._frames_done = film.index.frame_count - sum(len(frames) for frames in missing)
        cores = os.cpu_count() or 1
        workers = max(1, min(cores, len(missing)))
        # Few runs (one long GOP, a short film): the decoder's own threads make up for it.
        threads = max(1, cores // workers)
        troubles: list[str] = []
        with ThreadPoolExecutor(workers + 1) as pool:
            sound_work = pool.submit(self._sound)
            queue = iter(missing)
            jobs = [pool.submit(self._worker, queue, threads) for _ in range(workers if missing else 0)]
            try:
                for job in jobs:
                    found.update(job.result())
                sound = sound_work.result()
            except BaseException as error:
                self._stop.cancel()
                if not isinstance(error, MediaError) or any(job.done() and job.exception() is error for job in jobs):
                    raise
                sound = None
                troubles.append(f"its sound cannot be measured: {error}")
        picture = _joined(film, [found[frames] for frames in runs], runs, PictureMeter(self._text_every))
        self._progress.report(self._label, 1.0)
        return Analysis(Measures(picture, sound), tuple(troubles))

    @property
    def _label(self) -> str:
        return f"Measuring {self._film.path.name}"

    def _key(self, frames: Range) -> str:
        place = f"{self._film.info.video.stream}:{frames.start}:{frames.stop}"
        return f"{self._film.identity}:{place}:{self._text_every}:{MEASURES_VERSION}"

    def _kept(self, frames: Range) -> Measured | None:
        data = self._cache.get(_PICTURES_KIND, self._key(frames))
        return None if data is None else picture_from_bytes(data, len(frames))

    def _next(self, queue: Iterator[Range]) -> Range | None:
        with self._lock:
            return next(queue, None)

    def _worker(self, queue: Iterator[Range], threads: int) -> dict[Range, Measured | None]:
        """Measure run after run until none is left."""
        film = self._film
        done: dict[Range, Measured | None] = {}
        meter = PictureMeter(self._text_every)
        with SmallPictures(film.path, film.info, film.index, threads=threads) as reader:
            while (frames := self._next(queue)) is not None:
                # Where the decoder has threads of its own, measuring must not hold it up.
                decoded = reader.pictures(frames, self._stop)
                with ahead(decoded, _WAITING, "decode") if threads > 1 else nullcontext(decoded) as pictures:
                    measured = meter.measured((self._counted(frames, item) for item in pictures), len(frames))
                if measured is not None:
                    self._cache.put(_PICTURES_KIND, self._key(frames), picture_bytes(measured))
                done[frames] = measured
        return done

    def _counted(self, frames: Range, picture: SmallPicture) -> tuple[int, SmallPicture]:
        with self._lock:
            self._frames_done += 1
            done = self._frames_done
        if done % _REPORT_EVERY == 0:
            self._progress.report(self._label, done / max(1, self._film.index.frame_count))
        return picture.frame - frames.start, picture

    def _sound(self) -> SoundMeasures | None:
        if not self._film.info.audio:
            return None
        stream = self._film.info.audio[0]
        key = f"{self._film.identity}:{stream.stream}:{MEASURES_VERSION}"
        data = self._cache.get(_SOUND_KIND, key)
        sound = None if data is None else sound_from_bytes(data)
        if sound is None:
            sound = measure_sound(self._film.path, stream, self._detector, self._stop)
            if sound is None:
                return None
            self._cache.put(_SOUND_KIND, key, sound_bytes(sound))
            if sound.speech_scores is not None:
                self._cache.put(_SCORES_KIND, _scores_key(key), scores_bytes(sound.speech_scores))
        elif self._detector is SpeechDetector.NEURAL:
            sound = replace(sound, speech_scores=self._scores(stream, _scores_key(key)))
        return sound

    def _scores(self, stream: AudioStream, key: str) -> Float32:
        data = self._cache.get(_SCORES_KIND, key)
        scores = None if data is None else scores_from_bytes(data)
        if scores is None:
            scores = score_speech(self._film.path, stream, self._stop)
            self._cache.put(_SCORES_KIND, key, scores_bytes(scores))
        return scores


def _scores_key(sound_key: str) -> str:
    return f"{sound_key}:{scores_version()}"


def _least_span(frame_count: int) -> int:
    """Return how many frames a run has at least; the same on every machine, since runs are what is kept."""
    return max(_LEAST_SPAN, min(_MOST_LEAST_SPAN, frame_count // _SPANS))


def _joined(
    film: AnalysedFilm, parts: list[Measured | None], runs: tuple[Range, ...], meter: PictureMeter
) -> PictureMeasures:
    """Put the runs together, and compare each one's first picture with the last one of the run before."""
    rows: list[PictureMeasures] = []
    before: Measured | None = None
    for frames, part in zip(runs, parts, strict=True):
        if part is None:
            # Nothing decodes here: a player goes on showing what it showed last.
            rows.append(unchanged_rows(rows[-1] if rows else NO_PICTURE, len(frames)))
            continue
        head = part.rows
        if before is not None:
            step = dict(zip(STEP_ROWS, meter.step(before.last, part.first), strict=True))
            changed: dict[str, Any] = {name: _with_first(getattr(head, name), value) for name, value in step.items()}
            head = replace(head, **changed)
        rows.append(head)
        before = part
    if before is None:
        raise DamagedMedia(f"{film.path}: none of its pictures decodes; try another copy")
    return joined_rows(rows)


def _with_first(values: Float32, value: float) -> Float32:
    changed = values.copy()
    changed[0] = value
    return changed
