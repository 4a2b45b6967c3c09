"""Lists of phrases, and where they stand in what is said. The lists are JSON files that a person may edit.

A phrase is words; `*` inside or at the end of a word stands for any letters, a `*` alone for one to three words.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from engine.errors import UsageError

_PUNCTUATION = re.compile(r"[^\w'*-]+|(?<!\w)['-]+|['-]+(?!\w)")


@dataclass(frozen=True, slots=True)
class PhraseHit:
    """A phrase found: the numbers of its first word, and of the one behind its last."""

    phrase: str
    start: int
    stop: int


class PhraseList:
    """Phrases, made ready to be found. Upper and lower case, punctuation and the form of apostrophes do not matter."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._by_word: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        self._by_letters: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
        for phrase in phrases:
            tokens = [token for word in phrase.split() if (token := word if word == "*" else normalised(word))]
            if not tokens or tokens[0].startswith("*"):
                raise UsageError(f"the phrase {phrase!r} begins with no word; a list's phrases begin with letters")
            # Looked up by the first word or its letters, so that long lists cost nothing where none of theirs is said.
            if "*" in tokens[0]:
                known = self._by_letters.setdefault(tokens[0][:2].replace("*", ""), [])
            else:
                known = self._by_word.setdefault(tokens[0], [])
            known.append((phrase, _pattern(tokens)))

    def hits(self, words: Sequence[str]) -> tuple[PhraseHit, ...]:
        """Return every place of every phrase, in order; the longest first where several begin at one word."""
        tokens = [normalised(word) or "\x00" for word in words]
        text = " ".join(tokens) + " "
        starts, at = [], 0
        for token in tokens:
            starts.append(at)
            at += len(token) + 1
        number_at = {start: number for number, start in enumerate([*starts, at])}
        found = []
        for number, token in enumerate(tokens):
            letters = (self._by_letters.get(token[:count], ()) for count in (1, 2)) if self._by_letters else ()
            for phrase, pattern in chain(self._by_word.get(token, ()), *letters):
                match = pattern.match(text, starts[number])
                if match is not None:
                    found.append(PhraseHit(phrase, number, number_at[match.end()]))
        return tuple(sorted(found, key=lambda hit: (hit.start, -hit.stop)))


def _pattern(tokens: Sequence[str]) -> re.Pattern[str]:
    parts = [
        r"(?:[^ ]+ ){1,3}" if token == "*" else re.escape(token).replace(r"\*", r"[^ ]*") + " " for token in tokens
    ]
    return re.compile("".join(parts))


def normalised(word: str) -> str:
    """Return a word without case and punctuation, apostrophes straight; several words stay apart by hyphens."""
    folded = unicodedata.normalize("NFC", word).casefold().replace("\u2019", "'").replace("\u2018", "'")
    return _PUNCTUATION.sub("", folded)


@dataclass(frozen=True, slots=True, eq=False)
class CallPhrases:
    """The phrases of calls to action in one language.

    Attributes:
        strong: a call by themselves. weak: only with others near by or at the end. never: what only looks like one.
        asks: verbs of the trade ("subscribe"); openers: any other verb that may ask for something ("try"). They count
            where they open a sentence or a part of one; lead: words that may stand before them there; requests: what
            makes a wish of the verbs behind it ("you can"); bound: what before a verb makes it tell ("they").
        reported: what makes a sentence one that somebody in the film says to another ("he shouted").
        support: what is asked about ("our website"); hints: what speaks for a call a little ("today").
    """

    strong: PhraseList
    weak: PhraseList
    never: PhraseList
    asks: PhraseList
    openers: PhraseList
    lead: PhraseList
    requests: PhraseList
    bound: PhraseList
    reported: PhraseList
    support: PhraseList
    hints: PhraseList


_LISTS = ("strong", "weak", "not", "asks", "openers", "lead", "requests", "bound", "reported", "support", "hints")


def call_phrases(path: Path | None = None) -> Mapping[str, CallPhrases]:
    """Return the phrases of calls to action by language code, from a file or the list that comes along.

    Raises:
        UsageError: the file is no such list.
    """
    data = _read("phrases.json", path)
    result = {}
    for language, lists in data.items():
        if not isinstance(lists, dict) or not set(lists) <= set(_LISTS):
            raise UsageError(f"the phrases of {language!r} may have the lists {', '.join(_LISTS)}, and no others")
        result[language] = CallPhrases(*(PhraseList(_texts(language, lists.get(key, []))) for key in _LISTS))
    return result


def filler_phrases(path: Path | None = None) -> Mapping[str, PhraseList]:
    """Return filler words and phrases by language code, from a file or the list that comes along.

    Raises:
        UsageError: the file is no such list.
    """
    data = _read("fillers.json", path)
    return {language: PhraseList(_texts(language, phrases)) for language, phrases in data.items()}


_ISO_639_2 = {
    "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es", "ita": "it", "por": "pt", "nld": "nl",
    "dut": "nl",
}  # fmt: skip


def language_code(language: str) -> str:
    """Return a language's two letters (ISO 639-1) for "eng", "en-US", "EN"; what is not known stays as it is."""
    code = language.replace("_", "-").split("-")[0].casefold()
    return _ISO_639_2.get(code, code)


def _read(name: str, path: Path | None) -> dict[str, Any]:
    try:
        text = (files("resources") / "features" / name).read_text("utf-8") if path is None else path.read_text("utf-8")
        data = json.loads(text)
    except OSError as error:
        raise UsageError(f"the list {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"the list {path} is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise UsageError(f'the list {path} has no languages; it begins with an object such as {{"en": ...}}')
    return data


def _texts(language: str, phrases: object) -> list[str]:
    if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
        raise UsageError(f"the phrases of {language!r} are no list of texts")
    return phrases
