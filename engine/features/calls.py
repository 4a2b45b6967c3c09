"""Windows with a call to action: what is said, where in the film, and what shows on the screen, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.features.asking import Sentences
from engine.features.phrases import CallPhrases, PhraseHit, language_code
from engine.features.spoken import Word

THRESHOLD = 0.6
_STRONG, _WEAK = 0.7, 0.2
_END_S, _END_SHARE = 60.0, 0.15
_AT_END, _LETTERED, _CARD = 0.15, 0.1, 0.35
_CARD_ALONE = 0.6
_APART_MS = 4000
_LANGUAGES_TRIED = 2000
"""Words that are looked at to find out a text's language."""


@dataclass(frozen=True, slots=True)
class CallWindow:
    """A time in which a viewer is asked to do something; seconds of the source.

    Attributes:
        score: 0 to 1; THRESHOLD is enough. phrases: what was said. text: the words around them.
        reasons: what spoke for it, in words for a person.
    """

    start_s: float
    stop_s: float
    score: float
    phrases: tuple[str, ...]
    text: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScreenFacts:
    """What shows on the screen, in seconds of the source.

    Attributes:
        start_s, stop_s: of the source. cards: still cards at its end. lettered: times with lettering.
    """

    start_s: float
    stop_s: float
    cards: tuple[tuple[float, float], ...] = ()
    lettered: tuple[tuple[float, float], ...] = ()


def call_windows(
    words: Sequence[Word], language: str, phrases: Mapping[str, CallPhrases], screen: ScreenFacts
) -> tuple[CallWindow, ...]:
    """Return the windows of a source, in order.

    Args:
        words: what is said.
        language: its code ("en", "eng", "en-US"), "" to find out by the phrases themselves.
        phrases: by language code.
        screen: what shows.
    """
    chosen = phrases.get(language_code(language)) or _likeliest(words, phrases)
    spoken = [] if chosen is None else _spoken_windows(words, chosen, screen)
    said = [(window.start_s, window.stop_s) for window in spoken]
    silent = [
        CallWindow(start_s, stop_s, _CARD_ALONE, (), "", ("a still card at the end",))
        for start_s, stop_s in screen.cards
        if not any(a < stop_s and start_s < b for a, b in said)
    ]
    return tuple(sorted((*spoken, *silent), key=lambda window: window.start_s))


def _likeliest(words: Sequence[Word], phrases: Mapping[str, CallPhrases]) -> CallPhrases | None:
    texts = [word.text for word in words[-_LANGUAGES_TRIED:]]
    counts = {
        language: 3 * len(lists.strong.hits(texts)) + len(lists.weak.hits(texts)) for language, lists in phrases.items()
    }
    best = max(counts, key=lambda language: counts[language], default=None)
    return None if best is None or counts[best] == 0 else phrases[best]


@dataclass(frozen=True, slots=True)
class _Evidence:
    hit: PhraseHit
    weight: float


def _spoken_windows(words: Sequence[Word], phrases: CallPhrases, screen: ScreenFacts) -> list[CallWindow]:
    texts = [word.text for word in words]
    sentences = Sentences(words, phrases)
    never = frozenset(number for hit in phrases.never.hits(texts) for number in range(hit.start, hit.stop))
    said = [
        *(_Evidence(hit, _STRONG) for hit in phrases.strong.hits(texts) if not sentences.tells(hit)),
        *(_Evidence(hit, _WEAK) for hit in phrases.weak.hits(texts)),
    ]
    said = [item for item in said if never.isdisjoint(range(item.hit.start, item.hit.stop))]
    said += [_Evidence(item.hit, item.weight) for item in sentences.asking(never)]
    evidence: list[_Evidence] = []
    covered: set[int] = set()
    # Where one stands in the other, the stronger one is counted.
    for item in sorted(said, key=lambda item: -item.weight):
        numbers = range(item.hit.start, item.hit.stop)
        if covered.isdisjoint(numbers):
            covered.update(numbers)
            evidence.append(item)
    evidence.sort(key=lambda item: item.hit.start)
    groups: list[list[_Evidence]] = []
    for item in evidence:
        last = groups[-1][-1].hit.stop - 1 if groups else 0
        if groups and words[item.hit.start].start_ms - words[last].stop_ms <= _APART_MS:
            groups[-1].append(item)
        else:
            groups.append([item])
    windows = [_window(words, group, screen) for group in groups]
    return [window for window in windows if window.score >= THRESHOLD]


def _window(words: Sequence[Word], group: list[_Evidence], screen: ScreenFacts) -> CallWindow:
    first, last = group[0].hit.start, max(item.hit.stop for item in group)
    start_s, stop_s = words[first].start_ms / 1000, words[last - 1].stop_ms / 1000
    score = min(1.0, sum(item.weight for item in group))
    reasons = [f"“{item.hit.phrase}”" for item in group]
    near_s = min(_END_S, _END_SHARE * (screen.stop_s - screen.start_s))
    if stop_s >= screen.stop_s - near_s:
        score += _AT_END
        reasons.append("near the end")
    if any(a < stop_s and start_s < b for a, b in screen.cards):
        score += _CARD
        reasons.append("over a still card")
    elif any(a < stop_s and start_s < b for a, b in screen.lettered):
        score += _LETTERED
        reasons.append("with lettering on the screen")
    text = " ".join(word.text for word in words[max(0, first - 3) : last + 3])
    named = tuple(dict.fromkeys(item.hit.phrase for item in group))
    return CallWindow(start_s, stop_s, min(1.0, score), named, text, tuple(reasons))
