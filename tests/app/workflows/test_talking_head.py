"""Words and what can be done with them: where they come from, cutting them and the silence out, finding them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.workflows.transcript import shown_words, word_under_playhead, words_captioned, words_cut
from engine.errors import EditRefused, UsageError
from engine.features.phrases import filler_phrases
from engine.features.removal import (
    PauseRemoval,
    Removal,
    RemovalKind,
    filler_removals,
    pause_removals,
    removal_edit,
    word_removals,
)
from engine.features.search import Found, search
from engine.features.speech import speech_of_words
from engine.features.spoken import Origin, SpokenText, Word, spoken_from_captions, spoken_from_note
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddMarkers, ChangeClip, ExtractRange, SplitClip
from engine.model.markers import Marker
from engine.model.place import AtSource, OnSource
from engine.model.placement import timeline_ranges
from engine.model.sound import ClipSound
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from tests.projects import one_source_project

# 30 frames a second, 10 s.
PROJECT = one_source_project(frames=300)
WORDS = (
    Word("So", 500, 700), Word("um,", 900, 1100), Word("we", 1300, 1400), Word("went", 1400, 1800),
    Word("home.", 1800, 2300), Word("You", 4000, 4200), Word("know,", 4200, 4500), Word("early.", 5000, 5600),
)  # fmt: skip
TEXT = SpokenText("s", WORDS, Origin.TRANSCRIPT, "en")
SPEECH = {"s": speech_of_words(TEXT.times_s, 0.0, 10.0)}


def test_pauses_go_but_leave_the_words_their_breath():
    removals = pause_removals(PROJECT, SPEECH, PauseRemoval(at_least_s=0.5, keep_s=0.1))
    assert [(r.frames.start, r.frames.stop) for r in removals] == [(3, 12), (72, 117), (138, 147), (171, 297)]
    shorter = removal_edit(PROJECT, removals[:2], "x").apply(PROJECT)
    assert shorter.frame_count == 300 - 9 - 45
    assert sum(r.saved_s for r in removals[:2]) == pytest.approx((9 + 45) / 30)


def test_settings_that_leave_nothing_are_refused():
    with pytest.raises(EditRefused, match="leave nothing"):
        PauseRemoval(at_least_s=0.3, keep_s=0.2)


def test_a_pause_whose_sound_is_muted_stays():
    (clip,) = PROJECT.storyline
    muted = ChangeClip(replace(clip, sound=ClipSound.MUTED)).apply(PROJECT)
    assert pause_removals(muted, SPEECH) == ()


def test_a_pause_across_a_cut_is_two_removals():
    split = SplitClip(90, "right").apply(PROJECT)
    assert len(pause_removals(split, SPEECH)) == len(pause_removals(PROJECT, SPEECH)) + 1


@given(st.lists(st.tuples(st.integers(0, 290), st.integers(1, 40)), min_size=1, max_size=8))
def test_taking_out_shortens_by_the_union_of_what_is_taken_and_keeps_the_rest_in_order(pieces):
    removals = [Removal(RemovalKind.WORDS, Range(start, min(300, start + length)), 0.0) for start, length in pieces]
    gone = {frame for removal in removals for frame in removal.frames}
    if len(gone) == 300:
        return
    after = removal_edit(PROJECT, removals, "x").apply(PROJECT)
    timeline = TimelineMap(after)
    shown = [timeline.source_at(frame).frame for frame in range(after.frame_count)]
    assert shown == [frame for frame in range(300) if frame not in gone]


def test_nothing_and_everything_are_refused():
    with pytest.raises(EditRefused, match="nothing is chosen"):
        removal_edit(PROJECT, (), "x")
    with pytest.raises(EditRefused, match="whole film"):
        removal_edit(PROJECT, [Removal(RemovalKind.PAUSE, Range(0, 300), 10.0)], "x")


def test_fillers_are_found_by_the_language_of_the_text():
    removals = filler_removals(PROJECT, (TEXT,), filler_phrases())
    assert [removal.text for removal in removals] == ["um,", "You know,"]
    german, spanish = (replace(TEXT, language=code) for code in ("ger", "spa"))
    assert filler_removals(PROJECT, (spanish,), filler_phrases()) == ()
    assert filler_removals(PROJECT, (german,), filler_phrases()) == ()


def test_a_cut_word_takes_half_of_the_silence_on_either_side():
    (removal,) = word_removals(PROJECT, TEXT, range(1, 2))
    start_s, stop_s = removal.frames.start / 30, removal.frames.stop / 30
    assert 0.8 <= start_s <= 0.9
    assert 1.1 <= stop_s <= 1.2
    with pytest.raises(EditRefused):
        word_removals(PROJECT, TEXT, range(7, 9))


def test_a_word_is_found_by_time_and_words_by_a_range():
    assert [TEXT.word_at(ms) for ms in (0, 500, 1000, 9999)] == [None, 0, 1, 7]
    assert TEXT.words_within(800, 2000) == range(1, 4)


def test_cut_words_are_no_longer_shown_and_the_others_move_along():
    after = words_cut(PROJECT, TEXT, range(2, 5)).apply(PROJECT)
    words = shown_words(after, {"s": TEXT})
    assert [word.frames is None for word in words] == [False, False, True, True, True, False, False, False]
    you = words[5]
    assert you.frames.start == 120 - (PROJECT.frame_count - after.frame_count)
    assert word_under_playhead(after, {"s": TEXT}, you.frames.start) == ("s", 5)
    assert word_under_playhead(after, {"s": TEXT}, 0) is None


def test_captions_of_words_stay_on_them_through_edits():
    project = words_captioned(PROJECT, TEXT, range(0, 8)).apply(PROJECT)
    (layer,) = [layer for layer in project.layers if layer.settings.name == "Words"]
    assert [item.text for item in layer.items] == ["So um, we went home.", "You know, early."]
    after = ExtractRange(Range(60, 90)).apply(project)
    before_at, after_at = (timeline_ranges(layer.items[1], TimelineMap(p))[0].start for p in (project, after))
    assert before_at - after_at == 30
    again = words_captioned(after, TEXT, range(0, 2)).apply(after)
    assert sum(layer.settings.name == "Words" for layer in again.layers) == 1


def test_words_come_from_the_note_of_a_transcript():
    note = {
        "language": "eng",
        "words": [
            {"text": "b", "start_ms": 500, "end_ms": 600, "kind": "word", "speaker": "x", "confidence": 0.9},
            {"text": " ", "start_ms": 400, "end_ms": 500, "kind": "spacing", "speaker": None, "confidence": None},
            {"text": "a", "start_ms": 100, "end_ms": 400, "kind": "word", "speaker": None, "confidence": None},
        ],
    }
    text = spoken_from_note(note, "s")
    assert [(word.text, word.start_ms, word.speaker) for word in text.words] == [("a", 100, ""), ("b", 500, "x")]
    assert text.language == "eng"
    assert spoken_from_note({"words": []}, "s") is None


def captioned(*captions):
    items = tuple(
        Caption(f"c{n}", AtSource("s", Fraction(start), Fraction(stop)), text)
        for n, (start, stop, text) in enumerate(captions)
    )
    return AddItems("captions", items).apply(PROJECT)


def test_words_of_captions_share_their_time_by_letters():
    text = spoken_from_captions(captioned((1, 2, "<i>two</i> words")), "s")
    assert [(word.text, word.start_ms, word.stop_ms) for word in text.words] == [
        ("two", 1000, 1400),
        ("words", 1400, 2000),
    ]
    assert not any(word.exact for word in text.words)
    assert spoken_from_captions(PROJECT, "s") is None


def test_times_inside_a_cue_are_those_of_its_words():
    text = spoken_from_captions(captioned((1, 3, "one <00:00:01.500>two <00:00:02.250>three")), "s")
    assert [(word.text, word.start_ms, word.stop_ms, word.exact) for word in text.words] == [
        ("one", 1000, 1500, True), ("two", 1500, 2250, True), ("three", 2250, 3000, True),
    ]  # fmt: skip
    # Of another film's timeline they are worth nothing.
    moved = spoken_from_captions(captioned((5, 6, "one <00:00:01.500>two")), "s")
    assert [word.exact for word in moved.words] == [False, False]


def test_the_search_finds_words_captions_and_markers_on_the_timeline():
    project = captioned((8, 9, "We went away"))
    project = AddMarkers((Marker("m", OnSource("s", Range(200, 210)), name="where we went"),)).apply(project)
    hits = search(project, (TEXT,), "we wen")
    assert [(hit.found, hit.frames.start) for hit in hits] == [
        (Found.TRANSCRIPT, 39), (Found.MARKER, 200), (Found.CAPTION, 240),
    ]  # fmt: skip
    after = ExtractRange(Range(0, 60)).apply(project)
    assert [hit.found for hit in search(after, (TEXT,), "we wen")] == [Found.MARKER, Found.CAPTION]
    with pytest.raises(UsageError):
        search(project, (), " . ")
