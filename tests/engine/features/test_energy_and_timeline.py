"""Energy against the controls that films were made by; features where a timeline shows them; hours of measures."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest

from app.workflows.features import ProjectFeatures, marker_edit
from engine.errors import UsageError
from engine.features.analyse import Analysis
from engine.features.beats import Beats
from engine.features.calls import CallWindow
from engine.features.camera import CameraMotion, ShotMotion
from engine.features.cuts import Transition, TransitionKind, transitions
from engine.features.emotion import EmotionLabels, LabelledStretch, labels_from_note
from engine.features.energy import STEP_S, Energy, energy
from engine.features.film_features import FilmFeatures, features_of, frame_times, mean_rate
from engine.features.measures import PICTURE_ROWS, Measures, PictureMeasures, SoundMeasures
from engine.features.phrases import call_phrases
from engine.features.speech import speech_of_words
from engine.features.timeline_features import (
    Curve,
    FeatureKind,
    event_markers,
    frames_within,
    source_events,
    timeline_curve,
    timeline_events,
)
from engine.model.edits import ExtractRange
from engine.model.markers import MarkerKind
from engine.model.place import OnSource
from engine.model.source import EvenTimes
from engine.model.time import Range
from tests.measured import measured_film, measured_sound
from tests.projects import one_source_project, uneven_source
from tests.shots import Shot
from tests.voices import RATE, utterance

CONTROLS = np.array([3, 0, 5, 1, 4, 2]) / 5
EACH_S = 8


def rank_correlation(found, controls):
    one, other = (np.argsort(np.argsort(values)) for values in (found, controls))
    return np.corrcoef(one, other)[0, 1]


def means(energy_found, part):
    step = round(EACH_S / STEP_S)
    return [float(energy_found.scores[part][n * step : (n + 1) * step].mean()) for n in range(CONTROLS.size)]


@pytest.mark.parametrize("part", ["loudness", "pitch variance", "syllable rate"])
def test_energy_follows_how_a_voice_was_made(part):
    rng = np.random.default_rng(2)
    made = {
        "loudness": lambda c: 0.03 * 10**c * utterance(rng, 45),
        "pitch variance": lambda c: 0.3 * utterance(rng, 45, variance=0.02 + 0.2 * c),
        "syllable rate": lambda c: 0.3 * utterance(rng, 60, rate=2.5 + 3.5 * c),
    }[part]
    sound = np.concatenate([made(control)[: EACH_S * RATE] for control in CONTROLS])
    picture, _ = measured_film([{"shot": Shot(1, 160, 90), "frames": 2}], width=160, height=90)
    found = energy(picture, np.array([0.0, 1.0, sound.size / RATE]), measured_sound(sound), ())
    assert rank_correlation(means(found, part), CONTROLS) >= 0.9


def test_energy_follows_how_fast_the_picture_moves():
    plan = [{"shot": Shot(1, 160, 90, speed=(0.5 + 14 * c, 0.0)), "frames": EACH_S * 5} for c in CONTROLS]
    picture, _ = measured_film(plan, width=160, height=90)
    found = energy(picture, np.arange(picture.count + 1) / 5, None, transitions(picture, 5.0))
    assert rank_correlation(means(found, "motion"), CONTROLS) >= 0.9


def test_scores_are_against_the_films_own_mean_and_the_total_is_their_mean():
    sound = np.concatenate(
        [0.05 * utterance(np.random.default_rng(1), 20), 0.5 * utterance(np.random.default_rng(2), 20)]
    )
    picture, _ = measured_film([{"shot": Shot(1, 160, 90), "frames": 2}], width=160, height=90)
    found = energy(picture, np.array([0.0, 1.0, sound.size / RATE]), measured_sound(sound), ())
    assert found.scores["loudness"].mean() == pytest.approx(0, abs=1e-3)
    assert found.scores["loudness"].std() == pytest.approx(1, abs=1e-3)
    assert found.total == pytest.approx(np.mean(list(found.scores.values()), axis=0), abs=1e-5)
    # Nothing moves, so motion says nothing.
    assert not found.scores["motion"].any()


# --- on the timeline -------------------------------------------------------------------------------------------------

PROJECT = one_source_project(frames=300)
STEPS = np.arange(20, dtype=np.float32)
LABELS = EmotionLabels(
    "model-1",
    (
        LabelledStretch(1000, 2000, "neutral", 0.9),
        LabelledStretch(2000, 3000, "sad", 0.7),
        LabelledStretch(9990, 30000, "joyful", 0.4),
    ),
)
FILM = FilmFeatures(
    frame_times_s=np.arange(301) / 30,
    transitions=(
        Transition(TransitionKind.CUT, Range(100, 101), 2.0),
        Transition(TransitionKind.DISSOLVE, Range(200, 220), 1.5),
    ),
    shots=(ShotMotion(Range(0, 100), CameraMotion.PAN, 0.1, 0.0),),
    speech=speech_of_words(((0.0, 2.0), (4.0, 10.0)), 0.0, 10.0),
    energy=Energy(0.0, np.where(STEPS == 12, 3.0, 0.0).astype(np.float32), {"motion": STEPS}, {"motion": STEPS}),
    beats=Beats((1.0, 1.5), 120.0, 0.9),
    cards=(Range(280, 300),),
    calls=(CallWindow(9.0, 9.5, 0.9, ("subscribe now",), "please subscribe now", ("near the end",)),),
    loudness_lufs=-20.0,
    emotions=LABELS,
)  # fmt: skip
FILMS = {"s": FILM}


def test_events_are_where_the_timeline_shows_them():
    after = ExtractRange(Range(60, 90)).apply(PROJECT)
    events = timeline_events(after, FILMS, (FeatureKind.CUTS, FeatureKind.PAUSES))
    assert [(event.kind.value, event.frames.start, event.frames.stop) for event in events] == [
        ("pauses", 60, 90), ("cuts", 70, 71), ("cuts", 170, 190),
    ]  # fmt: skip
    gone = ExtractRange(Range(95, 105)).apply(PROJECT)
    assert [event.frames.start for event in timeline_events(gone, FILMS, (FeatureKind.CUTS,))] == [190]


def test_labels_of_emotions_name_the_model_and_a_damaged_note_is_none():
    (sad, _) = source_events(FILM, (FeatureKind.EMOTION,))
    assert (sad.label, sad.score) == ("Sad, by model-1", 0.7)
    entry = {"start_ms": 1, "end_ms": 2, "emotion": "sad", "confidence": 1}
    assert labels_from_note({"model": "m", "stretches": [entry]}) == EmotionLabels(
        "m", (LabelledStretch(1, 2, "sad", 1.0),)
    )
    assert labels_from_note({"stretches": [entry]}) is None
    assert labels_from_note({"model": "m", "stretches": [{**entry, "end_ms": None}]}) is None
    assert labels_from_note({"model": "m", "stretches": 7}) is None


def test_every_kind_has_its_events():
    found = {kind: [event.frames for event in source_events(FILM, (kind,))] for kind in FeatureKind}
    assert found == {
        FeatureKind.CUTS: [Range(100, 101), Range(200, 220)],
        FeatureKind.SHOTS: [Range(0, 100)],
        FeatureKind.PAUSES: [Range(60, 120)],
        FeatureKind.ENERGY: [Range(180, 181)],
        FeatureKind.EMOTION: [Range(60, 90), Range(299, 300)],
        FeatureKind.BEATS: [Range(30, 31), Range(45, 46)],
        FeatureKind.CALLS: [Range(270, 285)],
        FeatureKind.CARDS: [Range(280, 300)],
    }


def test_curves_follow_the_cuts_of_the_timeline():
    after = ExtractRange(Range(60, 120)).apply(PROJECT)
    whole = timeline_curve(PROJECT, FILMS, Curve.MOTION, 0.5).values
    cut = timeline_curve(after, FILMS, Curve.MOTION, 0.5).values
    assert whole.size == 20
    assert cut == pytest.approx(np.concatenate([whole[:4], whole[8:]]), abs=1e-3)
    assert timeline_curve(PROJECT, FILMS, Curve.SPEECH).values[25:30] == pytest.approx(0.0, abs=0.55)
    assert np.isnan(timeline_curve(PROJECT, FILMS, Curve.LOUDNESS).values).all()
    assert np.isnan(timeline_curve(PROJECT, {}, Curve.ENERGY).values).all()


def test_markers_stand_on_the_source_and_calls_are_of_their_own_kind():
    ids = iter("abcdefgh")
    markers = event_markers(FILMS, (FeatureKind.CALLS, FeatureKind.CUTS), lambda: next(ids))
    assert [marker.kind for marker in markers] == [MarkerKind.CALL_TO_ACTION, MarkerKind.PLAIN, MarkerKind.PLAIN]
    assert markers[0].place == OnSource("s", Range(270, 285))
    assert markers[0].name == "subscribe now"


def test_marking_twice_leaves_the_markers_once_and_those_of_others_alone():
    first = marker_edit(ProjectFeatures(PROJECT, FILMS), (FeatureKind.CUTS, FeatureKind.CALLS)).apply(PROJECT)
    again = marker_edit(ProjectFeatures(first, FILMS), (FeatureKind.CUTS,)).apply(first)
    assert len(first.markers) == len(again.markers) == 3
    with pytest.raises(UsageError, match="nothing to mark"):
        marker_edit(ProjectFeatures(PROJECT, {}), (FeatureKind.CUTS,))


def test_frames_of_a_time_are_those_that_show_during_it():
    assert frames_within(FILM, 1.0, 2.0) == Range(30, 60)
    assert frames_within(FILM, 1.01, 1.02) == Range(30, 31)
    assert not frames_within(FILM, 20.0, 30.0)


def test_times_of_even_and_of_listed_frames_are_the_same_thing():
    assert frame_times(EvenTimes(Fraction(1, 25), 10, 1, 4)).tolist() == pytest.approx([0.4, 0.44, 0.48, 0.52, 0.56])
    uneven = uneven_source(start=9).picture.times
    assert frame_times(uneven).tolist() == pytest.approx([float(uneven.time_of(n)) for n in range(uneven.count + 1)])
    assert mean_rate(np.array([0.0, 0.0])) == 25.0


def test_hours_are_decided_in_seconds():
    """Twenty minutes, so that the test is quick; the time grows with the length alone."""
    picture, _ = measured_film(
        [{"shot": Shot(n, 160, 90, walker=True), "frames": 60} for n in range(3)], width=160, height=90
    )
    count = 20 * 60 * 25
    rows = {
        name: np.resize(getattr(picture, name), (count, *getattr(picture, name).shape[1:])) for name in PICTURE_ROWS
    }
    sound = measured_sound(0.3 * utterance(np.random.default_rng(1), 30))
    hops = count * 4
    measures = SoundMeasures(
        Fraction(0), np.resize(sound.voice_db, hops), np.resize(sound.bands, (hops, sound.bands.shape[1])),
        np.resize(sound.voted, hops), np.resize(sound.flux, hops), np.resize(sound.pitch_hz, hops // 2),
        np.resize(sound.loudness, hops // 10), np.resize(sound.steady, hops // 10), 2,
    )  # fmt: skip
    begun = time.process_time()
    times = EvenTimes(Fraction(1, 25), 0, 1, count)
    found = features_of(Analysis(Measures(PictureMeasures(**rows), measures)), times, None, call_phrases())
    assert time.process_time() - begun < 10
    # Two cuts in each repetition; the first frame of one does not know the last frame of the one before.
    assert (
        len([item for item in found.transitions if item.kind is TransitionKind.CUT])
        == count // 180 * 2 + count % 180 // 61
    )
