"""What could be taken out of a film of people who talk: pauses, filler words, chosen words. Lists first, edits then.

A list is for the project as it is; an edit made of it takes the frames out from the last to the first, as one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from engine.errors import EditRefused
from engine.features.phrases import PhraseList, language_code
from engine.features.speech import Speech
from engine.features.spoken import SpokenText, Word
from engine.model.edits import Compound, ExtractRange
from engine.model.project import Project
from engine.model.sound import ClipSound
from engine.model.storyline import Clip
from engine.model.time import Range, merged
from engine.model.timeline import TimelineMap


class RemovalKind(Enum):
    """Why frames could go."""

    PAUSE = "pause"
    FILLER = "filler"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Removal:
    """Frames that could be taken out.

    Attributes:
        frames: of the timeline. saved_s: how much shorter the film gets.
        text: what is said there, "" for a pause.
    """

    kind: RemovalKind
    frames: Range
    saved_s: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class PauseRemoval:
    """Which pauses go.

    Attributes:
        at_least_s: shorter pauses stay as they are.
        keep_s: stays at either side of the cut, so that words keep their breath.
    """

    at_least_s: float = 0.5
    keep_s: float = 0.12

    def __post_init__(self) -> None:
        if self.at_least_s < 0.1 or self.keep_s < 0 or 2 * self.keep_s >= self.at_least_s:
            raise EditRefused(
                f"pauses of {self.at_least_s:g} s with {self.keep_s:g} s kept at either side leave nothing to remove"
            )


def pause_removals(
    project: Project, speech: Mapping[str, Speech], settings: PauseRemoval = PauseRemoval()
) -> tuple[Removal, ...]:
    """Return the pauses that could go, in order of the timeline.

    Args:
        project: whose storyline shows the sources.
        speech: when somebody speaks, by source id.
        settings: which.
    """
    timeline = TimelineMap(project)
    keep = Fraction(settings.keep_s).limit_denominator(1000)
    found: list[Removal] = []
    for source_id, spoken in speech.items():
        for pause in spoken.pauses:
            if pause.duration_s >= settings.at_least_s - 1e-6:
                start_s, stop_s = (Fraction(value).limit_denominator(1000) for value in (pause.start_s, pause.stop_s))
                found += _removals(timeline, RemovalKind.PAUSE, source_id, start_s + keep, stop_s - keep, "")
    return _apart(found)


def filler_removals(
    project: Project, texts: Sequence[SpokenText], fillers: Mapping[str, PhraseList]
) -> tuple[Removal, ...]:
    """Return the filler words that could go, in order of the timeline.

    Where a text's language is not known or has no list, the English one is taken.
    """
    timeline = TimelineMap(project)
    found: list[Removal] = []
    for text in texts:
        phrases = fillers.get(language_code(text.language)) or fillers.get("en")
        if phrases is None:
            continue
        for hit in phrases.hits([word.text for word in text.words]):
            found += _of_words(timeline, text, range(hit.start, hit.stop), RemovalKind.FILLER)
    return _apart(found)


def word_removals(project: Project, text: SpokenText, chosen: range) -> tuple[Removal, ...]:
    """Return the frames of some words, wherever the timeline shows them; the silence between two words is shared.

    Raises:
        EditRefused: there are no such words.
    """
    if not chosen or not 0 <= chosen.start < chosen.stop <= len(text.words):
        raise EditRefused(
            f"there are the words 0:{len(text.words)}; {chosen.start}:{chosen.stop} are none of them, or no word at all"
        )
    return tuple(_of_words(TimelineMap(project), text, chosen, RemovalKind.WORDS))


def _of_words(timeline: TimelineMap, text: SpokenText, chosen: range, kind: RemovalKind) -> list[Removal]:
    start_ms, stop_ms = _bounds_ms(text.words, chosen)
    said = " ".join(word.text for word in text.words[chosen.start : chosen.stop])
    return _removals(timeline, kind, text.source_id, Fraction(start_ms, 1000), Fraction(stop_ms, 1000), said)


_ROOM_MS = 80
"""So much of the silence beside a word goes with it at most."""


def _bounds_ms(words: Sequence[Word], chosen: range) -> tuple[int, int]:
    first, last = words[chosen.start], words[chosen.stop - 1]
    start_ms, stop_ms = first.start_ms - _ROOM_MS, last.stop_ms + _ROOM_MS
    if chosen.start:
        before = words[chosen.start - 1].stop_ms
        start_ms = max(start_ms, min((before + first.start_ms) // 2, first.start_ms))
    if chosen.stop < len(words):
        after = words[chosen.stop].start_ms
        stop_ms = min(stop_ms, max((last.stop_ms + after) // 2, last.stop_ms))
    return max(0, start_ms), stop_ms


def removal_edit(project: Project, accepted: Sequence[Removal], title: str) -> Compound:
    """Return the edit that takes the accepted frames out; what follows moves up. One step to undo.

    Raises:
        EditRefused: nothing is accepted, or nothing would be left.
    """
    ranges = merged(removal.frames for removal in accepted)
    if not ranges:
        raise EditRefused("nothing is chosen to be taken out")
    if sum(len(frames) for frames in ranges) >= project.frame_count:
        raise EditRefused("this would take out the whole film; choose less")
    return Compound(title, tuple(ExtractRange(frames) for frames in reversed(ranges)))


def _removals(
    timeline: TimelineMap, kind: RemovalKind, source_id: str, start_s: Fraction, stop_s: Fraction, text: str
) -> list[Removal]:
    """Return the timeline frames that lie wholly within a time of a source, where its own sound is heard."""
    times = timeline.times(source_id)
    if times is None or stop_s <= start_s:
        return []
    first = times.first_from(start_s)
    stop = times.count if stop_s >= times.time_of(times.count) else times.frame_at(stop_s)
    if stop <= first:
        return []
    found = []
    for frames in timeline.showing(source_id, Range(first, stop)):
        for span in timeline.spans_within(frames):
            part = frames.intersection(span.timeline_range)
            heard = isinstance(span.item, Clip) and span.item.sound is ClipSound.LINKED
            if part and heard:
                saved = float(timeline.time_of(part.stop) - timeline.time_of(part.start))
                found.append(Removal(kind, part, saved, text))
    return found


def _apart(removals: Sequence[Removal]) -> tuple[Removal, ...]:
    """Return the removals in order, those that overlap an earlier one left out."""
    kept: list[Removal] = []
    for removal in sorted(removals, key=lambda item: (item.frames, -len(item.frames))):
        if not kept or not removal.frames.overlaps(kept[-1].frames):
            kept.append(removal)
    return tuple(kept)
