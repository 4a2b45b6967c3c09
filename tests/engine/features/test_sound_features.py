"""Loudness, pitch, speech, pauses, syllables and beats of sounds that are made of numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from engine.features.beats import beats
from engine.features.energy import syllables
from engine.features.loudness import CONTEXT, integrated, momentary, weighted_powers
from engine.features.measures_blob import sound_bytes, sound_from_bytes
from engine.features.speech import Basis, Pause, PauseSettings, music_share, speech_of_sound, speech_of_words
from tests.measured import measured_sound
from tests.voices import RATE, music, pink, talk, utterance, with_noise


def tone(level_db, seconds=5, hz=1000.0, channels=2):
    t = np.arange(48_000 * seconds) / 48_000
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * t)
    return np.concatenate([np.zeros((channels, CONTEXT)), np.repeat(wave[None], channels, 0)], axis=1).astype(
        np.float32
    )


@pytest.mark.parametrize("level_db", [-23.0, -33.0])
def test_a_stereo_tone_is_as_loud_as_ebu_tech_3341_says(level_db):
    powers = weighted_powers(tone(level_db), ("FL", "FR"))
    assert integrated(powers) == pytest.approx(level_db, abs=0.1)
    assert momentary(powers)[10:] == pytest.approx(level_db, abs=0.1)


def test_the_low_frequency_channel_is_not_heard_and_surround_counts_more():
    powers = {
        channels: integrated(weighted_powers(tone(-23.0, channels=len(channels)), channels))
        for channels in (("FC",), ("LFE",), ("SL",))
    }
    assert powers[("LFE",)] is None
    assert powers[("SL",)] - powers[("FC",)] == pytest.approx(1.5, abs=0.02)


def test_the_gate_leaves_silence_out_of_the_integrated_loudness():
    loud = weighted_powers(tone(-23.0), ("FL", "FR"))
    assert integrated(np.concatenate([loud, np.zeros(200, np.float32)])) == pytest.approx(-23.0, abs=0.2)


@pytest.mark.parametrize("hz", [82.0, 120.0, 220.0, 410.0])
def test_the_pitch_of_a_voice_is_found(hz):
    rng = np.random.default_rng(1)
    sound = 0.3 * utterance(rng, 12, pitch_hz=hz, variance=0.0)
    pitch = measured_sound(sound).pitch_hz
    assert (pitch > 0).mean() > 0.4
    assert np.median(pitch[pitch > 0]) == pytest.approx(hz, rel=0.04)


def hits(found, truth):
    return sum(
        any(abs(pause.start_s - start) <= 0.15 and abs(pause.stop_s - stop) <= 0.15 for pause in found)
        for start, stop in truth
    )


@pytest.mark.parametrize(("ratio_db", "least"), [(None, 0.97), (20, 0.95), (10, 0.9)])
def test_pauses_are_found_in_a_quiet_room_and_beside_a_road(ratio_db, least):
    right = wrong = 0
    for seed in range(3):
        sound, truth = talk(seed)
        speech = speech_of_sound(measured_sound(sound if ratio_db is None else with_noise(sound, ratio_db, seed)))
        assert speech.basis is Basis.SOUND
        found = hits(speech.pauses, truth)
        right += 2 * found
        wrong += len(truth) + len(speech.pauses) - 2 * found
    assert right / (right + wrong) >= least


def test_a_pause_is_where_the_sound_is_in_the_source():
    sound, truth = talk(1)
    speech = speech_of_sound(measured_sound(sound, start_s=Fraction(7, 2)))
    assert hits(speech.pauses, [(start + 3.5, stop + 3.5) for start, stop in truth]) == len(truth)


def test_over_music_words_are_asked_for_instead_of_guessing():
    sound, _ = talk(2)
    measures = measured_sound(sound + music(sound.size / RATE, 2)[: sound.size])
    speech = speech_of_sound(measures)
    assert (speech.basis, speech.pauses) == (Basis.NOTHING, ())
    assert "words" in speech.note
    assert music_share(measured_sound(sound)) < 0.2


@pytest.mark.parametrize(
    ("sound", "note"), [(np.zeros(RATE * 5), "nobody speaks"), (0.01 * pink(RATE * 8), "nobody speaks")]
)
def test_silence_and_noise_hold_no_speech(sound, note):
    speech = speech_of_sound(measured_sound(sound))
    assert (speech.basis, speech.pauses, speech.note) == (Basis.NOTHING, (), note)
    assert speech_of_sound(None).note == "there is no sound"


def test_words_take_the_place_of_what_the_sound_tells():
    speech = speech_of_words(((1.0, 1.4), (1.5, 2.0), (3.0, 3.5)), 0.0, 5.0)
    assert speech.basis is Basis.WORDS
    assert [(round(p.start_s, 2), round(p.stop_s, 2)) for p in speech.pauses] == [(0, 1), (2, 3), (3.5, 5)]
    assert speech_of_words((), 0.0, 5.0).basis is Basis.NOTHING


def test_the_shortest_pause_is_a_setting():
    speech = speech_of_words(((0.0, 1.0), (1.4, 2.0)), 0.0, 2.0, PauseSettings(shortest_s=0.5))
    assert speech.pauses == ()
    assert speech_of_words(((0.0, 1.0), (1.4, 2.0)), 0.0, 2.0).pauses == (
        Pause(pytest.approx(1.0), pytest.approx(1.4)),
    )


def test_the_density_of_speech_follows_it():
    words = tuple((0.25 * n, 0.25 * n + 0.25) for n in range(40))
    density = speech_of_words(words, 0.0, 20.0).density(0.1, 2.0)
    assert density[50] == pytest.approx(1.0)
    assert density[100] == pytest.approx(0.5, abs=0.06)
    assert density[150] == 0


@pytest.mark.parametrize("rate", [3.0, 4.5, 6.0])
def test_syllables_are_counted(rate):
    sound = 0.3 * utterance(np.random.default_rng(3), 40, rate=rate)
    assert len(syllables(measured_sound(sound))) == pytest.approx(40, abs=5)


@pytest.mark.parametrize("bpm", [84.0, 120.0, 150.0])
def test_beats_fall_on_the_drum(bpm):
    found = beats(measured_sound(music(20, 1, bpm)))
    assert found.tempo_bpm == pytest.approx(bpm, rel=0.01)
    off = [abs((time * bpm / 60 + 0.5) % 1 - 0.5) * 60 / bpm for time in found.times_s]
    assert max(off) < 0.05
    assert len(found.times_s) == pytest.approx(20 * bpm / 60, abs=3)


def test_talk_and_noise_have_no_beat():
    assert beats(measured_sound(talk(4)[0])).times_s == ()
    assert beats(measured_sound(pink(RATE * 20))).times_s == ()
    assert beats(None).times_s == ()


def test_measures_come_back_from_bytes_and_damage_is_a_miss():
    sound, _ = talk(0, phrases=2)
    measures = measured_sound(sound, start_s=Fraction(1, 3))
    data = sound_bytes(measures)
    back = sound_from_bytes(data)
    assert (back.start_s, back.channels) == (measures.start_s, measures.channels)
    assert (back.voted == measures.voted).all()
    assert (back.bands == measures.bands).all()
    assert back.voice_db == pytest.approx(measures.voice_db, abs=0.05)
    assert sound_from_bytes(data[:-40]) is None
    assert sound_from_bytes(b"") is None
