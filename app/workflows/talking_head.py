"""Tighten a film of people who talk: list the pauses and filler words that could go, and take them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.workflows.features import FeatureRequest, ProjectFeatures, project_features, texts_of
from app.workflows.speech_detector import SpeechChoice
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.features.film_features import FeatureSettings
from engine.features.phrases import filler_phrases
from engine.features.removal import PauseRemoval, Removal, filler_removals, pause_removals, removal_edit
from engine.features.speech import PauseSettings
from engine.model.project import Project
from engine.store.connection import Access
from engine.store.project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class RemovalList:
    """What could go, for a person to choose from.

    Attributes:
        project: the list is for the project as it was then. notes: what a person should know.
    """

    project: Project
    removals: tuple[Removal, ...]
    notes: tuple[str, ...] = ()

    @property
    def saved_s(self) -> float:
        """Return how much shorter the film gets if all of it goes."""
        return sum(removal.saved_s for removal in self.removals)


def list_pauses(
    path: Path, settings: PauseRemoval, speech: SpeechChoice | None, progress: Progress, cancel: CancelToken
) -> RemovalList:
    """Return the pauses of a project that could go, as a detector of speech hears them (None: as the settings say).

    Raises:
        UsageError: the detector is not installed.
        ProjectError, MediaError: the project or a film cannot be used.
        Cancelled: on request.
    """
    pauses = PauseSettings(shortest_s=min(0.3, settings.at_least_s))
    request = FeatureRequest(FeatureSettings(pauses=pauses), speech=speech)
    return pauses_of(project_features(path, request, progress, cancel), settings)


def pauses_of(features: ProjectFeatures, settings: PauseRemoval) -> RemovalList:
    """Return the pauses that could go, from features that are at hand."""
    speech = {source_id: film.speech for source_id, film in features.films.items()}
    notes = tuple(
        f"{features.project.source(source_id).name}: {film.speech.note}"
        for source_id, film in features.films.items()
        if film.speech.note
    )
    return RemovalList(features.project, pause_removals(features.project, speech, settings), notes)


def list_fillers(path: Path, fillers: Path | None, _progress: Progress, cancel: CancelToken) -> RemovalList:
    """Return the filler words of a project that could go.

    Args:
        path: the project.
        fillers: a file with filler words; None for the list that comes along.
        cancel: looked at once the words are read.

    Raises:
        ProjectError: the project cannot be used. UsageError: the list of fillers cannot be read, or there are no words.
    """
    phrases = filler_phrases(fillers)
    with ProjectFile.open(path, Access.READ) as file:
        project, texts = file.project, texts_of(file)
    cancel.check()
    if not texts:
        raise UsageError(f"{path} has no words to look through; make them with deltacut transcribe, or import captions")
    guessed = sum(not word.exact for text in texts.values() for word in text.words)
    notes = ("the captions tell no times of words: where each is said is guessed",) if guessed else ()
    return RemovalList(project, filler_removals(project, tuple(texts.values()), phrases), notes)


def remove(
    path: Path, listed: RemovalList, chosen: Sequence[int] | None, title: str, _progress: Progress, cancel: CancelToken
) -> RemovalList:
    """Take listed frames out of a project, as one step to undo; return what was taken out.

    Args:
        path: the project.
        listed: what could go.
        chosen: numbers in the list, from 0; None for all.
        title: of the step.
        cancel: looked at before the project is changed.

    Raises:
        UsageError: a number is not in the list. EditRefused: nothing is chosen, or nothing would be left.
        ProjectError, StorageError: the project cannot be written, or is not the one the list was made for.
    """
    count = len(listed.removals)
    numbers = range(count) if chosen is None else chosen
    wrong = [number for number in numbers if not 0 <= number < count]
    if wrong:
        raise UsageError(f"there is no number {wrong[0]} in the list, which has 0 to {count - 1}")
    accepted = tuple(listed.removals[number] for number in numbers)
    edit = removal_edit(listed.project, accepted, title)
    cancel.check()
    with ProjectFile.open(path) as file:
        if file.project != listed.project:
            raise UsageError(f"{path} was changed since the list was made; make it again")
        file.commit(edit)
    return RemovalList(listed.project, accepted, listed.notes)
