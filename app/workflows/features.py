"""Find what is worth finding in films: cuts, speech and pauses, energy, beats, calls to action; and mark it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from app.workflows.caches import films_cache
from app.workflows.emotion_steps import RECORD as EMOTIONS
from app.workflows.first_look import look_at
from app.workflows.import_media import open_project
from app.workflows.speech_detector import SpeechChoice, chosen_detector
from app.workflows.transcribe_steps import RECORD
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.features.analyse import AnalysedFilm, Analysis, MeasureCache, analyse
from engine.features.emotion import EmotionLabels, labels_from_note
from engine.features.film_features import USUAL, FeatureSettings, FilmFeatures, features_of
from engine.features.phrases import CallPhrases, call_phrases
from engine.features.speech_scores import SpeechDetector
from engine.features.spoken import SpokenText, spoken_from_captions, spoken_from_note
from engine.features.timeline_features import FeatureKind, event_markers
from engine.model.edits import AddMarkers, Compound, RemoveMarkers
from engine.model.ids import new_id
from engine.model.project import Project
from engine.model.source import Source, source_from_media
from engine.render.film import Film
from engine.store.connection import Access
from engine.store.identity import quick_identity
from engine.store.project_file import ProjectFile

PROJECT_SUFFIX = ".dcut"
_NO_LABELS: Mapping[str, EmotionLabels] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FeatureRequest:
    """How features are found.

    Attributes:
        settings: what a person can turn.
        phrases: a file with phrases of calls to action; None for the list that comes along.
        speech: which detector of speech; None for the one in the settings.
    """

    settings: FeatureSettings = USUAL
    phrases: Path | None = None
    speech: SpeechChoice | None = None


@dataclass(frozen=True, slots=True)
class ProjectFeatures:
    """The features of a project's films, by source id, and the project that they belong to."""

    project: Project
    films: Mapping[str, FilmFeatures]


def analyse_films(
    films: Mapping[str, Film], cache: MeasureCache, detector: SpeechDetector, progress: Progress, cancel: CancelToken
) -> Mapping[str, Analysis]:
    """Measure films, by source id, or take from the cache what was measured before.

    Raises:
        UsageError: the detector of speech is not installed.
        MissingMedia, DamagedMedia, SourceChanged: a film cannot be read.
        Cancelled: on request; what was measured so far is kept.
    """
    frames = [film.index.frame_count for film in films.values()]
    total, done, found = max(1, sum(frames)), 0, {}
    for (source_id, film), count in zip(films.items(), frames, strict=True):
        part = progress.part(done / total, (done + count) / total)
        analysed = AnalysedFilm(film.path, film.info, film.index, film.identity)
        found[source_id] = analyse(analysed, cache, part, cancel, detector)
        done += count
    return found


def decide(
    project: Project,
    analyses: Mapping[str, Analysis],
    texts: Mapping[str, SpokenText],
    phrases: Mapping[str, CallPhrases],
    settings: FeatureSettings = USUAL,
    emotions: Mapping[str, EmotionLabels] = _NO_LABELS,
) -> ProjectFeatures:
    """Return the features of a project's measured films; quick, and nothing is decoded."""
    films = {
        source_id: features_of(
            analysis,
            project.picture(source_id).times,
            texts.get(source_id),
            phrases,
            settings,
            emotions.get(source_id),
        )
        for source_id, analysis in analyses.items()
    }
    return ProjectFeatures(project, films)


def texts_of(file: ProjectFile) -> Mapping[str, SpokenText]:
    """Return what is said in a project's sources: from their transcripts, else from captions that stand on them."""
    project = file.project
    notes = dict(file.records(RECORD))
    texts = {}
    for source in project.sources:
        note = notes.get(source.id)
        text = None if note is None else spoken_from_note(json.loads(note), source.id)
        text = text or spoken_from_captions(project, source.id)
        if text is not None:
            texts[source.id] = text
    return texts


def emotions_of(file: ProjectFile) -> Mapping[str, EmotionLabels]:
    """Return what models labelled in a project's sources."""
    found = {id: labels_from_note(json.loads(note)) for id, note in file.records(EMOTIONS).items()}
    return {id: labels for id, labels in found.items() if labels is not None}


def project_features(path: Path, request: FeatureRequest, progress: Progress, cancel: CancelToken) -> ProjectFeatures:
    """Return the features of the films that a project shows.

    Raises:
        ProjectError, MediaError: the project or a film cannot be used. UsageError: the phrases cannot be read, or
            the detector of speech is not installed.
        Cancelled: on request; what was measured so far is kept.
    """
    phrases, detector = call_phrases(request.phrases), chosen_detector(request.speech)
    opened = open_project(path, Access.READ, progress.part(0.0, 0.1), cancel)
    try:
        analyses = analyse_films(opened.films, opened.cache, detector, progress.part(0.1, 1.0), cancel)
        file = opened.file
        return decide(file.project, analyses, texts_of(file), phrases, request.settings, emotions_of(file))
    finally:
        opened.close()


def film_features(path: Path, request: FeatureRequest, progress: Progress, cancel: CancelToken) -> ProjectFeatures:
    """Return the features of a film that is in no project, as those of a project of this film alone.

    Raises:
        MediaError: the film cannot be used. UsageError: the phrases cannot be read, or
            the detector of speech is not installed.
        Cancelled: on request; what was measured so far is kept.
    """
    phrases, detector = call_phrases(request.phrases), chosen_detector(request.speech)
    info, index = look_at(path, progress.part(0.0, 0.1), cancel)
    identity = quick_identity(path)
    key = f"{path.absolute()}:{identity.size}:{identity.mtime_ns}"
    source: Source = source_from_media("film", path.name, info, index)
    with films_cache() as cache:
        film = Film(path, info, index, key)
        analyses = analyse_films({source.id: film}, cache, detector, progress.part(0.1, 1.0), cancel)
    return decide(Project.of_source("film", source), analyses, {}, phrases, request.settings)


def marker_edit(features: ProjectFeatures, kinds: Iterable[FeatureKind]) -> Compound:
    """Return the edit that sets markers for features, on the sources' frames; those set before by it are replaced.

    Raises:
        UsageError: there is nothing to mark.
    """
    kinds = tuple(kinds)
    markers = event_markers(features.films, kinds, lambda: f"{_MARKED}{new_id()}")
    if not markers:
        raise UsageError(f"there is nothing to mark: no {', no '.join(kind.value for kind in kinds)}")
    names = {kind.value for kind in kinds}
    former = tuple(
        marker.id
        for marker in features.project.markers
        if marker.id.startswith(_MARKED) and marker.note.split(",")[0] in names
    )
    title = f"Mark {len(markers)} " + " and ".join(kind.value for kind in kinds)
    removal = (RemoveMarkers(former),) if former else ()
    return Compound(title, (*removal, AddMarkers(markers)))


_MARKED = "feature-"
"""What the ids of such markers begin with, so that they can be told from those that a person set."""


def mark_features(
    path: Path, features: ProjectFeatures, kinds: Iterable[FeatureKind], _progress: Progress, cancel: CancelToken
) -> int:
    """Set markers for features in a project, as one step to undo; return how many.

    Raises:
        UsageError: there is nothing to mark. ProjectError, StorageError: the project cannot be written.
    """
    edit = marker_edit(features, kinds)
    cancel.check()
    with ProjectFile.open(path) as file:
        file.commit(edit)
    return sum(len(part.markers) for part in edit.edits if isinstance(part, AddMarkers))
