"""Work on a film by its words: search them, cut them out, make captions of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from app.workflows.features import texts_of
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.features.removal import removal_edit, word_removals
from engine.features.search import SearchHit, search, word_frames
from engine.features.spoken import SpokenText
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddLayer, Compound
from engine.model.ids import new_id
from engine.model.layers import Layer, LayerKind, LayerSettings
from engine.model.place import AtSource
from engine.model.project import Project
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.store.connection import Access
from engine.store.project_file import ProjectFile

LONGEST_CAPTION = 42
LONGEST_CAPTION_MS = 5000
_PAUSE_MS = 700


@dataclass(frozen=True, slots=True)
class ShownWord:
    """A word and where the timeline shows it.

    Attributes:
        number: in its source's words. frames: of the timeline, the first time it shows; None where it is cut out.
    """

    source_id: str
    number: int
    text: str
    frames: Range | None
    speaker: str = ""


def read_texts(path: Path) -> tuple[Project, Mapping[str, SpokenText]]:
    """Return a project and what is said in its sources.

    Raises:
        ProjectError: it cannot be read. UsageError: it has no words.
    """
    with ProjectFile.open(path, Access.READ) as file:
        texts = texts_of(file)
        if not texts:
            raise UsageError(f"{path} has no words; make them with deltacut transcribe, or import captions")
        return file.project, texts


def shown_words(project: Project, texts: Mapping[str, SpokenText]) -> tuple[ShownWord, ...]:
    """Return all words, source by source in order of time, with where the timeline shows them."""
    timeline = TimelineMap(project)
    words = []
    for text in texts.values():
        for number, word in enumerate(text.words):
            shown = word_frames(timeline, text, range(number, number + 1))
            words.append(ShownWord(text.source_id, number, word.text, shown[0] if shown else None, word.speaker))
    return tuple(words)


def word_under_playhead(project: Project, texts: Mapping[str, SpokenText], frame: int) -> tuple[str, int] | None:
    """Return source id and number of the word that is said at a timeline frame, or last was; None for none."""
    shown = TimelineMap(project).source_at(frame)
    text = None if shown is None else texts.get(shown.source_id)
    if shown is None or text is None:
        return None
    number = text.word_at(float(project.picture(shown.source_id).times.time_of(shown.frame)) * 1000)
    return None if number is None else (shown.source_id, number)


def search_project(path: Path, query: str, _progress: Progress, _cancel: CancelToken) -> tuple[SearchHit, ...]:
    """Return where words stand in the transcripts, captions and markers of a project, in order of the timeline.

    Raises:
        ProjectError: it cannot be read. UsageError: the query holds no word.
    """
    with ProjectFile.open(path, Access.READ) as file:
        return search(file.project, tuple(texts_of(file).values()), query)


def words_cut(project: Project, text: SpokenText, chosen: range) -> Compound:
    """Return the edit that takes words out, wherever the timeline shows them; what follows moves up.

    Raises:
        EditRefused: there are no such words, or the timeline does not show them.
    """
    said = " ".join(word.text for word in text.words[chosen.start : chosen.stop])
    title = f"Cut “{said[:40]}{'…' if len(said) > 40 else ''}”"
    return removal_edit(project, word_removals(project, text, chosen), title)


def words_captioned(project: Project, text: SpokenText, chosen: range, layer: str = "Words") -> Compound:
    """Return the edit that makes captions of words, on a layer of this name; a new one where there is none.

    The captions stand on the source's time, so they stay with their words through cuts.

    Raises:
        UsageError: there are no such words.
    """
    words = text.words[chosen.start : chosen.stop]
    if not words:
        raise UsageError(f"there are the words 0:{len(text.words)}; {chosen.start}:{chosen.stop} holds none of them")
    groups = [[words[0]]]
    for word in words[1:]:
        line = groups[-1]
        length = sum(len(known.text) + 1 for known in line) + len(word.text)
        apart = word.start_ms - line[-1].stop_ms >= _PAUSE_MS or word.speaker != line[-1].speaker
        if apart or length > LONGEST_CAPTION or word.stop_ms - line[0].start_ms > LONGEST_CAPTION_MS:
            groups.append([word])
        else:
            line.append(word)
    items = tuple(
        Caption(
            new_id(),
            AtSource(text.source_id, Fraction(line[0].start_ms, 1000), Fraction(line[-1].stop_ms, 1000)),
            " ".join(word.text for word in line),
            speaker=line[0].speaker,
        )
        for line in groups
    )
    found = _caption_layer(project, layer)
    if found is not None:
        return Compound("Caption words", (AddItems(found.id, items),))
    added = new_id()
    settings = LayerSettings(layer)
    return Compound("Caption words", (AddLayer(added, LayerKind.CAPTIONS, settings), AddItems(added, items)))


def cut_words(path: Path, chosen: range, source_id: str | None, _progress: Progress, cancel: CancelToken) -> str:
    """Take words out of a project, as one step to undo; return the step's title.

    Raises:
        UsageError: there are no such words, or it is not said whose. ProjectError, StorageError: as for other edits.
    """
    project, texts = read_texts(path)
    edit = words_cut(project, _text_of(project, texts, source_id), chosen)
    return _committed(path, project, edit, cancel)


def caption_words(
    path: Path, chosen: range, source_id: str | None, layer: str, _progress: Progress, cancel: CancelToken
) -> str:
    """Make captions of words in a project, as one step to undo; return the step's title.

    Raises:
        UsageError: there are no such words, or it is not said whose. ProjectError, StorageError: as for other edits.
    """
    project, texts = read_texts(path)
    edit = words_captioned(project, _text_of(project, texts, source_id), chosen, layer)
    return _committed(path, project, edit, cancel)


def _committed(path: Path, project: Project, edit: Compound, cancel: CancelToken) -> str:
    cancel.check()
    with ProjectFile.open(path) as file:
        if file.project != project:
            raise UsageError(f"{path} was changed meanwhile; try again")
        file.commit(edit)
    return edit.title


def _text_of(project: Project, texts: Mapping[str, SpokenText], source_id: str | None) -> SpokenText:
    if source_id is None and len(texts) == 1:
        return next(iter(texts.values()))
    if source_id is None or source_id not in texts:
        names = ", ".join(f"{known} ({project.source(known).name})" for known in texts)
        raise UsageError(f"say whose words: --source with one of {names}")
    return texts[source_id]


def _caption_layer(project: Project, name: str) -> Layer | None:
    layers = (layer for layer in project.layers if layer.kind is LayerKind.CAPTIONS)
    return next((layer for layer in layers if layer.settings.name == name), None)
