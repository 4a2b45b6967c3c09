"""Find words in everything that is written or said in a project: transcripts, captions, markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from engine.errors import UsageError
from engine.features.phrases import normalised
from engine.features.spoken import Origin, SpokenText
from engine.model.captions import Caption
from engine.model.layers import Item
from engine.model.markers import Marker
from engine.model.placement import caption_times, timeline_ranges
from engine.model.project import Project
from engine.model.time import Range
from engine.model.timeline import TimelineMap


class Found(Enum):
    """What the words were found in."""

    TRANSCRIPT = "transcript"
    CAPTION = "caption"
    MARKER = "marker"


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A place of the timeline at which the words stand.

    Attributes:
        frames: of the timeline. text: what stands there. item_id: the caption's or marker's, "" for a transcript.
    """

    found: Found
    frames: Range
    text: str
    item_id: str = ""


def search(project: Project, texts: Sequence[SpokenText], query: str) -> tuple[SearchHit, ...]:
    """Return every place where the words of a query stand side by side, in order of the timeline.

    The last word may be begun only, as while it is typed. Case and punctuation do not matter.

    Raises:
        UsageError: the query holds no word.
    """
    wanted = [token for word in query.split() if (token := normalised(word))]
    if not wanted:
        raise UsageError("there is no word to search for")
    timeline = TimelineMap(project)
    hits: list[SearchHit] = []
    for text in texts:
        if text.origin is Origin.TRANSCRIPT:
            hits += _in_words(timeline, text, wanted)
    for layer in project.layers:
        for item in layer.items:
            if isinstance(item, Caption) and _starts(item.text.split(), wanted):
                hits += [SearchHit(Found.CAPTION, frames, item.text, item.id) for frames in _shown(item, timeline)]
    for marker in project.markers:
        words = f"{marker.name} {marker.note}"
        if _starts(words.split(), wanted):
            hits += [SearchHit(Found.MARKER, frames, words.strip(), marker.id) for frames in _shown(marker, timeline)]
    return tuple(sorted(hits, key=lambda hit: (hit.frames, hit.found.value)))


def _shown(item: Item | Marker, timeline: TimelineMap) -> tuple[Range, ...]:
    if isinstance(item, Caption) and not caption_times(item.place, timeline):
        return ()
    return timeline_ranges(item, timeline)


def _in_words(timeline: TimelineMap, text: SpokenText, wanted: Sequence[str]) -> list[SearchHit]:
    words = text.words
    hits = []
    for start in _starts([word.text for word in words], wanted):
        stop = start + len(wanted)
        said = " ".join(word.text for word in words[max(0, start - 3) : stop + 3])
        shown = word_frames(timeline, text, range(start, stop))
        hits += [SearchHit(Found.TRANSCRIPT, frames, said) for frames in shown]
    return hits


def word_frames(timeline: TimelineMap, text: SpokenText, chosen: range) -> tuple[Range, ...]:
    """Return the timeline frames during which some words are said, in order; none where they are cut out."""
    times = timeline.times(text.source_id)
    if times is None or not chosen:
        return ()
    start_s = Fraction(text.words[chosen.start].start_ms, 1000)
    stop_s = Fraction(text.words[chosen.stop - 1].stop_ms, 1000)
    first = times.frame_at(start_s)
    return timeline.showing(text.source_id, Range(first, max(first + 1, times.first_from(stop_s))))


def _starts(texts: Sequence[str], wanted: Sequence[str]) -> list[int]:
    tokens = [normalised(text) for text in texts]
    count = len(wanted)
    return [
        at
        for at in range(len(tokens) - count + 1)
        if tokens[at : at + count - 1] == wanted[:-1] and tokens[at + count - 1].startswith(wanted[-1])
    ]
