"""What is heard of a project: levels, places and fades of every voice, ducking under speech, loudness."""

from __future__ import annotations

import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.control import CancelToken
from engine.media.loudness import Loudness, measured_loudness
from engine.media.sound_probe import probe_sound
from engine.model.project import Project
from engine.model.sound import (
    AtTime,
    AudioItem,
    AudioTrack,
    ClipSound,
    Ducking,
    GainPoint,
    Mix,
    SoundRole,
    TrackSettings,
    WithClip,
)
from engine.model.sound_runs import sound_is_mixed
from engine.model.source import EvenTimes, PictureFacts, SoundFacts, Source
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from engine.render.audio import Mixer, mixed_loudness, normalising_gain, timeline_sound
from engine.render.sound_source import SoundSource

RATE = 48000
FPS = 25
SECOND = RATE


def tone(seconds: float, frequency: float = 440.0, level: float = 0.25) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def written(path: Path, samples: np.ndarray) -> SoundSource:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return SoundSource(path, probe_sound(path).audio)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> dict[str, SoundSource]:
    """Return speech that is there in seconds 2 to 4 only, and ten seconds of music."""
    folder = tmp_path_factory.mktemp("sounds")
    speech = np.concatenate([np.zeros(2 * SECOND), tone(2, 600), np.zeros(6 * SECOND)]).astype(np.float32)
    return {"film": written(folder / "speech.wav", speech), "music": written(folder / "music.wav", tone(10, 220))}


def project_of(*items: AudioItem, settings: TrackSettings | None = None, **changes) -> Project:
    facts = (SoundFacts(0, "pcm_s16le", 1, RATE),)
    picture = PictureFacts(64, 48, Fraction(FPS), EvenTimes(Fraction(1, FPS), 0, 1, 10 * FPS))
    film = Source("film", "film", picture, facts, Fraction(10))
    music = Source("music", "music", None, facts, Fraction(10))
    project = replace(Project.of_source("p", film), sources=(film, music))
    tracks = (AudioTrack("track", settings or TrackSettings("Music"), items),) if items else ()
    return replace(project, tracks=tracks, **changes)


def item(**changes) -> AudioItem:
    return replace(AudioItem("item", "music", AtTime(Fraction(1)), Fraction(0), Fraction(5)), **changes)


def mixed(project: Project, sounds, start: float = 0.0, seconds: float = 10.0) -> np.ndarray:
    return timeline_sound(project, sounds, round(start * RATE), round(seconds * RATE))


def level(samples: np.ndarray) -> float:
    """Return the level of a sine in dB relative to the music's."""
    return 20 * np.log10(max(1e-9, float(np.sqrt((samples**2).mean())) / (0.25 / np.sqrt(2))))


QUIET = Mix(original=TrackSettings("Original", SoundRole.SPEECH, muted=True))


def test_a_sound_stands_at_its_second_to_the_sample_and_ends_there(sounds):
    found = mixed(project_of(item(source_start_s=Fraction(3, 2)), mix=QUIET), sounds)
    assert found.shape == (10 * SECOND, 2)
    assert found.dtype == np.float32
    assert np.array_equal(found[:, 0], found[:, 1])
    heard = np.flatnonzero(found[:, 0])
    assert (heard[0], heard[-1]) == (SECOND + 1, 6 * SECOND - 1)
    expected = tone(10, 220)[3 * SECOND // 2 :][: 5 * SECOND]
    assert np.abs(found[SECOND : 6 * SECOND, 0] - expected).max() < 1e-4


def test_any_part_is_the_same_wherever_reading_begins(sounds):
    settings = TrackSettings("Music", ducking=Ducking())
    project = project_of(item(fade_in_s=Fraction(1), fade_out_s=Fraction(2)), settings=settings)
    with Mixer(project, sounds) as mixer:
        whole = mixer.read(0, 10 * SECOND)
        assert mixer.sample_count == 10 * SECOND
        for start, count in ((7 * SECOND, SECOND), (123_457, 5_001), (0, 3), (93_000, 60_000)):
            assert np.abs(mixer.read(start, count) - whole[:, start : start + count]).max() < 1e-6


def test_outside_the_film_there_is_silence(sounds):
    with Mixer(project_of(item()), sounds) as mixer:
        assert not mixer.read(-SECOND, SECOND).any()
        assert not mixer.read(10 * SECOND, 100).any()
        assert np.abs(mixer.read(2 * SECOND, 100)).any()


def test_gains_of_item_points_and_track_add_up(sounds):
    points = (GainPoint(Fraction(1), 0.0), GainPoint(Fraction(3), -20.0))
    project = project_of(item(gain_db=-6.0, points=points), settings=TrackSettings("Music", gain_db=-4.0), mix=QUIET)
    found = mixed(project, sounds)[:, 0]
    assert level(found[round(1.2 * SECOND) : round(1.9 * SECOND)]) == pytest.approx(-10, abs=0.1)
    # The straight line in dB is half way down in its middle.
    assert level(found[round(2.95 * SECOND) : round(3.05 * SECOND)]) == pytest.approx(-20, abs=0.3)
    assert level(found[round(4.5 * SECOND) : round(5.5 * SECOND)]) == pytest.approx(-30, abs=0.1)


def test_fades_have_half_the_power_half_way(sounds):
    project = project_of(item(fade_in_s=Fraction(2), fade_out_s=Fraction(2)), mix=QUIET)
    found = mixed(project, sounds)[:, 0]
    for middle in (2.0, 5.0):
        part = found[round((middle - 0.02) * SECOND) : round((middle + 0.02) * SECOND)]
        assert level(part) == pytest.approx(-3, abs=0.3)


def test_muted_and_solo_decide_what_is_heard(sounds):
    music = item()
    speech_only = mixed(project_of(), sounds)
    assert np.array_equal(mixed(project_of(replace(music, muted=True)), sounds), speech_only)
    assert np.array_equal(mixed(project_of(music, settings=TrackSettings("Music", muted=True)), sounds), speech_only)
    alone = mixed(project_of(music, settings=TrackSettings("Music", solo=True)), sounds)
    assert np.array_equal(alone, mixed(project_of(music, mix=QUIET), sounds))
    both = mixed(project_of(music), sounds)
    assert np.abs(both - (alone + speech_only)).max() < 1e-6


def test_music_goes_down_under_speech_and_up_again_behind_it(sounds):
    settings = TrackSettings("Music", ducking=Ducking(12.0, 200, 500))
    with_speech = mixed(project_of(item(duration_s=Fraction(8)), settings=settings), sounds)[:, 0]
    music = with_speech - mixed(project_of(), sounds)[:, 0]

    def at(second: float) -> float:
        return level(music[round((second - 0.02) * SECOND) : round((second + 0.02) * SECOND)])

    assert at(1.6) == pytest.approx(0, abs=0.2)
    assert -9 < at(1.9) < -3
    assert at(2.05) == pytest.approx(-12, abs=0.5)
    assert at(3.9) == pytest.approx(-12, abs=0.5)
    assert at(4.1) == pytest.approx(-12, abs=0.5)
    assert -9 < at(4.5) < -3
    assert at(5.0) == pytest.approx(0, abs=0.2)


def test_a_detached_sound_sounds_as_before(sounds):
    project = project_of()
    (clip,) = project.storyline
    detached = item(source_id="film", position=WithClip(clip.id), duration_s=Fraction(10))
    apart = replace(project_of(detached), storyline=(replace(clip, sound=ClipSound.DETACHED),))
    assert np.array_equal(mixed(apart, sounds), mixed(project, sounds))


def test_a_clip_that_was_cut_brings_its_sound_along(sounds):
    project = project_of()
    clips = (Clip("a", "film", Native(Range(50, 100))), Clip("b", "film", Native(Range(0, 50))))
    found = mixed(replace(project, storyline=clips), sounds, 0.0, 4.0)[:, 0]
    assert level(found[SECOND // 10 : 19 * SECOND // 10]) == pytest.approx(0, abs=0.1)
    assert not found[2 * SECOND :].any()


def test_a_source_that_is_not_at_hand_is_silent(sounds):
    assert np.array_equal(mixed(project_of(item()), {"film": sounds["film"]}), mixed(project_of(), sounds))


@pytest.mark.parametrize(
    ("change", "is_mixed"),
    [
        ({}, False),
        ({"mix": Mix(keep_original=True)}, False),
        ({"mix": Mix(loudness_lufs=-23.0)}, True),
        ({"mix": Mix(original=TrackSettings("Original", SoundRole.SPEECH, gain_db=-3.0))}, True),
        ({"mix": QUIET}, True),
    ],
)
def test_a_mix_that_changes_nothing_is_none(change, is_mixed):
    assert sound_is_mixed(project_of(**change)) is is_mixed
    assert sound_is_mixed(project_of(item(muted=True), **change)) is is_mixed
    assert sound_is_mixed(project_of(item(), **change))


def test_loudness_is_that_of_the_standards_reference_tone():
    # EBU Tech 3341, case 1: a 1 kHz sine at -23 dBFS in both channels reads -23 LUFS.
    sine = tone(20, 1000, 10 ** (-23 / 20))
    found = measured_loudness([np.stack([sine, sine])], RATE, "stereo", CancelToken())
    assert found.integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert found.range_lu == pytest.approx(0.0, abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(-23.0, abs=0.1)


def test_silence_has_no_loudness():
    found = measured_loudness([np.zeros((2, 3 * RATE), np.float32)], RATE, "stereo", CancelToken())
    assert (found.integrated_lufs, found.true_peak_dbtp) == (None, None)
    assert normalising_gain(found, -23.0) == 0.0


def test_normalising_reaches_its_target_unless_the_peaks_would_pass_the_limit(sounds):
    project = project_of(item(position=AtTime(Fraction(0)), duration_s=Fraction(10)), mix=QUIET)
    measured = mixed_loudness(project, sounds, CancelToken())
    with Mixer(project, sounds, gain_db=normalising_gain(measured, -30.0)) as mixer:
        reached = measured_loudness(mixer.blocks(CancelToken()), RATE, "stereo", CancelToken())
    assert reached.integrated_lufs == pytest.approx(-30.0, abs=0.1)
    assert normalising_gain(Loudness(-20.0, 3.0, -6.0), -10.0) == 5.0
