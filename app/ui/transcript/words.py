"""The words of a transcript as one text: which characters are which word."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.workflows.transcript import ShownWord

_PAUSE_FRAMES_S = 1.2
"""A silence this long begins a new paragraph."""


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word and its characters [start, stop) in the text."""

    start: int
    stop: int
    word: ShownWord


@dataclass(frozen=True, slots=True)
class WordText:
    """A text made of words, in order."""

    text: str
    words: tuple[WrittenWord, ...]

    @classmethod
    def of(cls, words: Sequence[ShownWord], rate: float) -> WordText:
        """Return the text of words; another source, another speaker or a long silence begins a new paragraph.

        Args:
            words: in order.
            rate: timeline frames per second.
        """
        parts: list[str] = []
        written: list[WrittenWord] = []
        length = 0
        last: ShownWord | None = None
        for word in words:
            gap = ""
            if last is not None:
                gap = "\n" if _begins_anew(last, word, rate) else " "
            if word.speaker and (last is None or last.speaker != word.speaker):
                gap += f"{word.speaker}: "
            parts += [gap, word.text]
            start = length + len(gap)
            length = start + len(word.text)
            written.append(WrittenWord(start, length, word))
            last = word
        return cls("".join(parts), tuple(written))

    def at(self, position: int) -> WrittenWord | None:
        """Return the word that holds or precedes a character, None before the first."""
        index = bisect_right(self.words, position, key=lambda word: word.start) - 1
        return self.words[index] if index >= 0 else None

    def between(self, start: int, stop: int) -> tuple[WrittenWord, ...]:
        """Return the words that have a character in [start, stop)."""
        return tuple(word for word in self.words if word.start < stop and word.stop > start)


def _begins_anew(last: ShownWord, word: ShownWord, rate: float) -> bool:
    if word.source_id != last.source_id or word.speaker != last.speaker:
        return True
    if last.frames is None or word.frames is None:
        return False
    return (word.frames.start - last.frames.stop) / rate > _PAUSE_FRAMES_S
