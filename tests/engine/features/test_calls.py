"""Calls to action on labelled scripts, the lists of phrases, and what shows on the screen."""

from __future__ import annotations

import json

import pytest

from engine.errors import UsageError
from engine.features.calls import THRESHOLD, ScreenFacts, call_windows
from engine.features.phrases import PhraseList, call_phrases, filler_phrases, normalised
from engine.features.spoken import Word
from tests.call_scripts import CALLS, judged, more_scripts, scripts, unseen_scripts

PHRASES = call_phrases()


def figures(films, language=None):
    totals = [0] * 4
    for film in films:
        screen = ScreenFacts(0.0, film.duration_s)
        found = call_windows(film.words, film.language if language is None else language, PHRASES, screen)
        totals = [a + b for a, b in zip(totals, judged(found, film.calls), strict=True)]
    found, calls, right, windows = totals
    return found / calls, right / windows


@pytest.mark.parametrize("language", list(CALLS))
def test_calls_are_found_in_every_language(language):
    recall, precision = figures([film for film in scripts(range(8)) if film.language == language])
    assert recall >= 0.9
    assert precision >= 0.9


def test_the_language_is_found_out_where_nobody_says_it():
    recall, precision = figures(scripts(range(4)), language="")
    assert recall >= 0.9
    assert precision >= 0.9


def test_what_the_list_was_not_made_for_is_found_less_often_but_nothing_false():
    recall, precision = figures(more_scripts())
    assert (recall, precision) == (pytest.approx(1.0, abs=0.1), pytest.approx(1.0, abs=0.1))
    recall, precision = figures(unseen_scripts())
    assert recall >= 0.6
    assert precision >= 0.9


def said(text, start_ms=0):
    return tuple(Word(word, start_ms + 400 * n, start_ms + 400 * n + 350) for n, word in enumerate(text.split()))


def test_a_weak_phrase_counts_over_a_card_only():
    words = said("Thanks for watching the channel.", start_ms=20_000)
    bare = ScreenFacts(0.0, 600.0)
    card = ScreenFacts(0.0, 600.0, cards=((19.0, 25.0),))
    assert call_windows(words, "en", PHRASES, bare) == ()
    (window,) = call_windows(words, "en", PHRASES, card)
    assert window.score >= THRESHOLD
    assert "over a still card" in window.reasons
    assert window.start_s == 20.0


def test_a_card_without_a_word_is_a_window_of_its_own():
    (window,) = call_windows((), "", PHRASES, ScreenFacts(0.0, 60.0, cards=((50.0, 60.0),)))
    assert (window.start_s, window.stop_s, window.phrases) == (50.0, 60.0, ())


def test_calls_near_each_other_are_one_window():
    words = (*said("Please subscribe now."), *said("Leave a comment below.", 3000), *said("Hit the bell.", 60_000))
    windows = call_windows(words, "en", PHRASES, ScreenFacts(0.0, 600.0))
    assert len(windows) == 2
    assert windows[0].stop_s < 6
    assert windows[1].start_s >= 60


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("don't miss", "And DON\u2019T, miss it", True),
        ("subscrib* to", "Subscribing to us", True),
        ("try * free", "try it all for free", True),
        ("try * free", "try it one two three four free", False),
        ("link", "linked", False),
        ("follow us", "follow, us!", True),
    ],
)
def test_phrases_are_found_whatever_their_case_and_punctuation(phrase, text, found):
    assert bool(PhraseList([phrase]).hits(text.split())) == found


def test_words_are_compared_without_case_and_punctuation():
    assert normalised("“Straße!”") == normalised("STRASSE")
    assert normalised("(dot-com),") == "dot-com"
    assert normalised("—") == ""


def test_a_list_of_ones_own_is_read_and_a_wrong_one_refused(tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"en": {"strong": ["feed the ducks"]}}), "utf-8")
    lists = call_phrases(own)
    assert len(call_windows(said("Now feed the ducks."), "en", lists, ScreenFacts(0.0, 90.0))) == 1
    for text in ("[]", "{", '{"en": {"loud": []}}', '{"en": {"strong": "x"}}', '{"en": {"strong": ["* x"]}}'):
        own.write_text(text, "utf-8")
        with pytest.raises(UsageError):
            call_phrases(own)
    with pytest.raises(UsageError, match="cannot be read"):
        filler_phrases(tmp_path / "none.json")
