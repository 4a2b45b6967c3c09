"""Sentences that ask for something: a verb in the place of a command, and what is asked about in the same sentence.

No word decides by itself. A command alone is a recipe or a direction ("take the second road"), a thing of the trade
alone is a report ("the tickets were gone"); together they are a call ("book your tickets on our website").
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from engine.features.phrases import CallPhrases, PhraseHit
from engine.features.spoken import Word

_THING, _FURTHER_THING, _HINT = 0.35, 0.1, 0.15
_MOST_HINTS = 2
_SHORT, _SHORT_GAIN = 3, 0.2
"""A command of the trade that is a sentence of so few words ("Subscribe now!") needs little more."""
_LEAST = 0.55
"""What counts less is no sign at all: recipes are full of commands, and they must not add up to a call."""
_SENTENCE_MS = 450
_ADDRESS = re.compile(
    r"^\W*(?:https?://|www\.|@\w|#[^\W\d])|\w\.(?:com|org|net|info|io|tv|app|de|fr|es|it|pt|br|nl|uk|eu)\b",
    re.IGNORECASE,
)
"""The address of a site, a name or a tag in a network."""
_DIGITS = re.compile(r"\W*\+?[\d\-/.()]*\d\W*")
_TELEPHONE = 5
"""So many digits, in one word or in words behind each other, are a telephone number and not a price or a year."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Words that ask for something, and how much that counts."""

    hit: PhraseHit
    weight: float


@dataclass(frozen=True, slots=True)
class _Verb:
    """A verb that may ask, with its weight as a command and where the sentence only wishes for it."""

    hit: PhraseHit
    commanded: float
    wished: float
    alone: float = 0.0


class Sentences:
    """What is said, parted at stops and pauses, with the verbs that ask and what they ask about."""

    def __init__(self, words: Sequence[Word], phrases: CallPhrases) -> None:
        texts = [word.text for word in words]
        self._words = words
        asks, openers = phrases.asks.hits(texts), phrases.openers.hits(texts)
        verbs = [_Verb(hit, 0.4, 0.35, _SHORT_GAIN) for hit in asks] + [_Verb(hit, 0.3, 0.2) for hit in openers]
        self._verbs = sorted(verbs, key=lambda verb: verb.hit.start)
        self._verb_starts = {verb.hit.start for verb in self._verbs}
        addresses = (PhraseHit(text, n, n + 1) for n, text in enumerate(texts) if _ADDRESS.search(text))
        self._things = sorted((*phrases.support.hits(texts), *addresses, *_telephone_numbers(texts)), key=_start)
        self._hints = phrases.hints.hits(texts)
        self._reported = phrases.reported.hits(texts)
        self._wishes = phrases.requests.hits(texts)
        self._told_behind = {hit.stop for hit in phrases.bound.hits(texts)}
        self._lead: dict[int, int] = {}
        for hit in phrases.lead.hits(texts):
            self._lead[hit.stop] = min(hit.start, self._lead.get(hit.stop, hit.start))

    def tells(self, hit: PhraseHit) -> bool:
        """Tell whether a phrase that begins with a verb tells of who does it ("they call us"), and asks nobody."""
        first = hit.start
        return first in self._verb_starts and first in self._told_behind and not self._commands(first)

    def asking(self, never: frozenset[int]) -> list[Asking]:
        """Return for each sentence what asks most clearly in it, if anything does.

        Args:
            never: numbers of words that only look like a call.
        """
        edges = [0, *(number + 1 for number in range(len(self._words)) if self._ends(number))]
        verbs, at = self._verbs, 0
        found = []
        for start, stop in pairwise(edges):
            first = at
            while at < len(verbs) and verbs[at].hit.start < stop:
                at += 1
            found.append(self._clearest(verbs[first:at], start, stop, never))
        return [asking for asking in found if asking is not None and asking.weight >= _LEAST]

    def _clearest(self, verbs: Sequence[_Verb], start: int, stop: int, never: frozenset[int]) -> Asking | None:
        """Return what asks most clearly between two words; what somebody is told in the film asks no viewer."""
        if _within(self._reported, start, stop):
            return None
        wished_from = min((hit.stop for hit in _within(self._wishes, start, stop)), default=stop)
        best: Asking | None = None
        for verb in verbs:
            hit = verb.hit
            if hit.stop > stop or never.intersection(range(hit.start, hit.stop)):
                continue
            if self._commands(hit.start):
                weight = verb.commanded + (verb.alone if stop - start <= _SHORT else 0.0)
            elif hit.start >= wished_from and hit.start not in self._told_behind:
                weight = verb.wished
            else:
                continue
            things = _apart(_within(self._things, start, stop), [hit])
            hints = _apart(_within(self._hints, start, stop), [hit, *things])
            weight += _HINT * min(_MOST_HINTS, len(hints))
            if things:
                weight += _THING + _FURTHER_THING * (len(things) - 1)
            if best is None or weight > best.weight:
                marks = [hit, *things]
                whole = PhraseHit(hit.phrase, min(mark.start for mark in marks), max(mark.stop for mark in marks))
                best = Asking(whole, weight)
        return best

    def _commands(self, number: int) -> bool:
        """Tell whether a verb stands where a command does: first in its part of a sentence, or behind a lead there."""
        while number in self._lead and not self._opens(number):
            number = self._lead[number]
        return self._opens(number)

    def _opens(self, number: int) -> bool:
        """Tell whether a word begins a sentence or a part of one: after a stop, a comma or a pause."""
        return number == 0 or self._words[number - 1].text[-1:] in ",;:–—" or self._ends(number - 1)

    def _ends(self, number: int) -> bool:
        """Tell whether a sentence ends with a word."""
        words = self._words
        if number + 1 == len(words) or words[number].text.rstrip("\"')»”")[-1:] in (".", "!", "?", "…"):
            return True
        return words[number + 1].start_ms - words[number].stop_ms >= _SENTENCE_MS


def _telephone_numbers(texts: Sequence[str]) -> list[PhraseHit]:
    found, start, digits = [], 0, 0
    for number, text in enumerate((*texts, "")):
        if _DIGITS.fullmatch(text):
            start = number if digits == 0 else start
            digits += sum(letter.isdigit() for letter in text)
            continue
        if digits >= _TELEPHONE:
            found.append(PhraseHit(" ".join(texts[start:number]), start, number))
        digits = 0
    return found


def _start(hit: PhraseHit) -> int:
    return hit.start


def _within(hits: Sequence[PhraseHit], start: int, stop: int) -> list[PhraseHit]:
    """Return those of some hits, in order of their starts, that lie between two words."""
    first, last = bisect_left(hits, start, key=_start), bisect_left(hits, stop, key=_start)
    return [hit for hit in hits[first:last] if hit.stop <= stop]


def _apart(hits: Iterable[PhraseHit], taken: Iterable[PhraseHit]) -> list[PhraseHit]:
    """Return the hits that share no word with what is taken, nor with one another; the earliest and longest first."""
    used = {number for hit in taken for number in range(hit.start, hit.stop)}
    found = []
    for hit in sorted(hits, key=lambda item: (item.start, -item.stop)):
        numbers = set(range(hit.start, hit.stop))
        if not numbers & used:
            used |= numbers
            found.append(hit)
    return found
