"""What is said, word by word, in a source's own time: from a transcript, or from captions that stand on the source."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

from engine.model.captions import Caption
from engine.model.place import AtSource
from engine.model.project import Project

_TIMED = re.compile(r"<(?:(\d+):)?(\d\d):(\d\d)\.(\d{3})>")
_TAG = re.compile(r"<[^<>]*>")


class Origin(Enum):
    """Where the words come from."""

    TRANSCRIPT = "transcript"
    CAPTIONS = "captions"


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it is said; milliseconds of the source.

    Attributes:
        exact: False where only its caption's time is known, and the word's own is by its share of the letters.
    """

    text: str
    start_ms: int
    stop_ms: int
    speaker: str = ""
    exact: bool = True


@dataclass(frozen=True, slots=True)
class SpokenText:
    """The words of a source, in order of time."""

    source_id: str
    words: tuple[Word, ...]
    origin: Origin
    language: str = ""

    @property
    def times_s(self) -> tuple[tuple[float, float], ...]:
        """Return start and stop of each word in seconds of the source."""
        return tuple((word.start_ms / 1000, word.stop_ms / 1000) for word in self.words)

    @property
    def text(self) -> str:
        """Return all words, joined by spaces."""
        return " ".join(word.text for word in self.words)

    def word_at(self, time_ms: float) -> int | None:
        """Return the word that is said at a time, or the last one before it; None before the first."""
        at = bisect_right([word.start_ms for word in self.words], time_ms) - 1
        return None if at < 0 else at

    def words_within(self, start_ms: float, stop_ms: float) -> range:
        """Return the numbers of the words whose middles lie within a time."""
        middles = [(word.start_ms + word.stop_ms) / 2 for word in self.words]
        return range(bisect_right(middles, start_ms - 1e-9), bisect_right(middles, stop_ms - 1e-9))


def spoken_from_note(note: Mapping[str, Any], source_id: str) -> SpokenText | None:
    """Return the words of a kept transcript, None where it has none.

    Args:
        note: its language, and its words with text, kind, start_ms, end_ms and speaker.
        source_id: whose it is.
    """
    words = tuple(
        Word(str(item["text"]).strip(), int(item["start_ms"]), int(item["end_ms"]), str(item.get("speaker") or ""))
        for item in note.get("words", ())
        if item.get("kind", "word") == "word" and str(item["text"]).strip() and item["end_ms"] > item["start_ms"]
    )
    ordered = tuple(sorted(words, key=lambda word: (word.start_ms, word.stop_ms)))
    return SpokenText(source_id, ordered, Origin.TRANSCRIPT, str(note.get("language") or "")) if words else None


def spoken_from_captions(project: Project, source_id: str) -> SpokenText | None:
    """Return the words of the captions that stand on a source, None where there are none.

    WebVTT may carry the times of words inside a cue; else each word gets the share of the caption's time that its
    letters have of the caption's.
    """
    words: list[Word] = []
    for layer in project.layers:
        for item in layer.items:
            if isinstance(item, Caption) and isinstance(item.place, AtSource) and item.place.source_id == source_id:
                words += _words_of(item.text, item.place, item.speaker)
    if not words:
        return None
    ordered = sorted(words, key=lambda word: (word.start_ms, word.stop_ms))
    # Two layers of captions may say the same twice, in two languages even: the first at any time counts.
    single = [ordered[0]]
    for word in ordered[1:]:
        if word.start_ms >= single[-1].stop_ms - 1:
            single.append(word)
    return SpokenText(source_id, tuple(single), Origin.CAPTIONS)


def _words_of(text: str, place: AtSource, speaker: str) -> list[Word]:
    start_ms, stop_ms = round(place.start_s * 1000), round(place.stop_s * 1000)
    if _TIMED.search(text):
        return _timed_words(text, start_ms, stop_ms, speaker)
    return _spread(_TAG.sub(" ", text).split(), start_ms, stop_ms, speaker)


def _timed_words(text: str, start_ms: int, stop_ms: int, speaker: str) -> list[Word]:
    """Return the words of a cue with time stamps between them (WebVTT, "cue timestamp"), which count from the film."""
    marks = [(0, start_ms), *((match.end(), _stamp_ms(match)) for match in _TIMED.finditer(text))]
    # A file's stamps are of the timeline that it was made for; the cue's own start tells how far that is off.
    inside = [(at, ms) for at, ms in marks if start_ms <= ms < stop_ms]
    if len(inside) < len(marks):
        return _spread(_TAG.sub(" ", text).split(), start_ms, stop_ms, speaker)
    words: list[Word] = []
    for number, (at, ms) in enumerate(inside):
        end = inside[number + 1][0] if number + 1 < len(inside) else len(text)
        until = inside[number + 1][1] if number + 1 < len(inside) else stop_ms
        part = _TAG.sub(" ", text[at:end]).split()
        exact = len(part) == 1
        words += [Word(word.text, word.start_ms, word.stop_ms, speaker, exact) for word in _spread(part, ms, until, "")]
    return words


def _stamp_ms(match: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = match.groups()
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(fraction)


def _spread(texts: Sequence[str], start_ms: int, stop_ms: int, speaker: str) -> list[Word]:
    letters = [len(text) + 1 for text in texts]
    total, passed = sum(letters), 0
    words = []
    for text, length in zip(texts, letters, strict=True):
        first = start_ms + Fraction((stop_ms - start_ms) * passed, total)
        passed += length
        last = start_ms + Fraction((stop_ms - start_ms) * passed, total)
        if round(last) > round(first):
            words.append(Word(text, round(first), round(last), speaker, exact=False))
    return words
