"""What was found in the open project's films (cuts, speech, pauses, energy, calls to action), and what is said in them.

Measuring is a job that the person starts, once per film; everything after it is quick, and follows the project.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs, JobState
from app.workflows.features import ProjectFeatures, analyse_films, decide, emotions_of, texts_of
from app.workflows.speech_detector import chosen_detector
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, ProjectError
from engine.features.analyse import Analysis
from engine.features.phrases import call_phrases
from engine.features.spoken import SpokenText
from engine.features.timeline_features import Curve, FeatureKind, TimelineEvent, timeline_curve, timeline_events
from engine.model.project import Project

LANES = {
    "cuts": "Cuts",
    "speech": "Speech",
    "pauses": "Pauses",
    "energy": "Energy",
    "emotion": "Emotion",
    "calls": "Calls to action",
}
"""The lanes that there are, by key, from the top."""

_KINDS = (FeatureKind.CUTS, FeatureKind.PAUSES, FeatureKind.ENERGY, FeatureKind.EMOTION, FeatureKind.CALLS)
_STEP_S = 0.1
_SETTLE_MS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """A lane of features.

    Attributes:
        events: in order of the timeline. curve: 0 to 1, a value per step_s seconds of the timeline; empty for none.
        by: who says so, where it is no measure of ours.
    """

    key: str
    events: tuple[TimelineEvent, ...] = ()
    curve: tuple[float, ...] = ()
    step_s: float = _STEP_S
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Told:
    project: Project
    lanes: Mapping[str, Lane]
    texts: Mapping[str, SpokenText]
    features: ProjectFeatures | None


class Features(QObject):
    """What is known of the project's films.

    Signals:
        changed: other lanes, or words. running_changed: films are being measured, or no longer.
    """

    changed = Signal()
    running_changed = Signal()

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._analyses: Mapping[str, Analysis] = {}
        self._given_up: frozenset[str] = frozenset()
        self._told: _Told | None = None
        self._job: Job | None = None
        self._telling: Job | None = None
        self._again = False
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SETTLE_MS)
        self._soon.timeout.connect(self._tell)
        document.opened.connect(self._forget)
        document.closed.connect(self._forget)
        document.changed.connect(self._follow)
        jobs.ended.connect(self._job_ended)

    @property
    def lanes(self) -> Mapping[str, Lane]:
        """Return the lanes by key; none before the films are measured."""
        return self._told.lanes if self._told is not None else {}

    @property
    def texts(self) -> Mapping[str, SpokenText]:
        """Return what is said, by source id."""
        return self._told.texts if self._told is not None else {}

    @property
    def found(self) -> ProjectFeatures | None:
        """Return the features, for markers and lists; None before the films are measured."""
        return self._told.features if self._told is not None else None

    @property
    def is_measured(self) -> bool:
        """Whether every film at hand was measured."""
        films = self._document.films
        return bool(films) and films.keys() <= self._analyses.keys()

    @property
    def is_running(self) -> bool:
        """Whether films are being measured."""
        return self._job is not None

    def measure(self) -> None:
        """Measure the films, where that was not done, and was not stopped or failed."""
        missing = self._document.films.keys() - self._analyses.keys() - self._given_up
        if self.is_running or not missing or not self._document.is_open:
            return
        films = {id: film for id, film in self._document.films.items() if id in missing}
        cache = self._document.cache

        def work(progress: Progress, cancel: CancelToken) -> Mapping[str, Analysis]:
            return analyse_films(films, cache, chosen_detector(), progress, cancel)

        self._job = self._jobs.start("Find cuts, speech and pauses", JobKind.ANALYSE, work)
        self._job.then(self._measured)
        self.running_changed.emit()

    def try_again(self) -> None:
        """Measure also the films of which measuring was stopped, or failed."""
        self._given_up = frozenset()
        self.measure()

    def measure_anew(self) -> None:
        """Measure with another detector of speech what was measured; only what that one hears is added."""
        if not self._analyses and not self.is_running:
            return
        if self._job is not None:
            self._job.cancel()
        self._analyses, self._job = {}, None
        self.try_again()

    def _measured(self, analyses: Mapping[str, Analysis]) -> None:
        self._analyses = {**self._analyses, **analyses}
        self._job = None
        self.running_changed.emit()
        self._tell()

    @Slot(object)
    def _job_ended(self, job: Job) -> None:
        if job is self._job and job.state is not JobState.DONE:
            self._job = None
            self._given_up |= self._document.films.keys()
            self.running_changed.emit()
        elif job.kind is JobKind.TRANSCRIBE:
            self._soon.start()

    @Slot()
    def _forget(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._analyses, self._told, self._job, self._given_up = {}, None, None, frozenset()
        self.changed.emit()
        if self._document.is_open:
            self._soon.start()

    @Slot(object)
    def _follow(self, _change: object) -> None:
        self._soon.start()

    @Slot()
    def _tell(self) -> None:
        """Decide anew what there is, in the background; of several wishes only the last counts."""
        if not self._document.is_open:
            return
        if self._telling is not None:
            self._again = True
            return
        project, file = self._document.project, self._document.file
        analyses = {id: one for id, one in self._analyses.items() if any(id == source.id for source in project.sources)}

        def work(_progress: Progress, _cancel: CancelToken) -> _Told:
            try:
                texts, labels = texts_of(file), emotions_of(file)
            except ProjectError:
                texts, labels = {}, {}
            if not analyses:
                return _Told(project, {}, texts, None)
            found = decide(project, analyses, texts, call_phrases(), emotions=labels)
            return _Told(project, _lanes(project, found), texts, found)

        self._telling = self._jobs.start_quietly("Read the features", work).then(self._show, self._failed)

    def _show(self, told: _Told) -> None:
        self._telling = None
        if self._document.is_open and told.project.id == self._document.project.id:
            self._told = told
            self.changed.emit()
        if self._again:
            self._again = False
            self._tell()

    def _failed(self, _error: DeltacutError) -> None:
        self._telling = None


def _lanes(project: Project, found: ProjectFeatures) -> dict[str, Lane]:
    events = timeline_events(project, found.films, _KINDS)
    by_kind = {kind: tuple(event for event in events if event.kind is kind) for kind in _KINDS}
    return {
        "cuts": Lane("cuts", by_kind[FeatureKind.CUTS]),
        "speech": Lane("speech", (), _curve(project, found, Curve.SPEECH)),
        "pauses": Lane("pauses", by_kind[FeatureKind.PAUSES]),
        "energy": Lane("energy", by_kind[FeatureKind.ENERGY], _curve(project, found, Curve.ENERGY)),
        "emotion": Lane("emotion", by_kind[FeatureKind.EMOTION], by=_models(found)),
        "calls": Lane("calls", by_kind[FeatureKind.CALLS]),
    }


def _models(found: ProjectFeatures) -> str:
    return ", ".join(sorted({film.emotions.model for film in found.films.values() if film.emotions is not None}))


def _curve(project: Project, found: ProjectFeatures, curve: Curve) -> tuple[float, ...]:
    """Return a curve in 0 to 1; z-scores from -2 to 3 fill the lane, what is unknown is 0."""
    values = timeline_curve(project, found.films, curve, step_s=_STEP_S).values
    shown = values if curve is Curve.SPEECH else (values + 2) / 5
    return tuple(np.clip(np.nan_to_num(shown, nan=0.0), 0, 1).tolist())
