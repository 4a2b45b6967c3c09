"""Music, the mix and loudness by the commands alone."""

from __future__ import annotations

import json
import wave

import av
import numpy as np
import pytest

from app.main import main
from tests.corpus.small_clips import Recipe, make

RATE = 48000


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(capsys):
    def command(*arguments: object, status: int = 0) -> dict:
        assert main([*map(str, arguments), "--json"]) == status
        text = capsys.readouterr()
        return json.loads(text.out) if status == 0 else {"error": text.out + text.err}

    return command


@pytest.fixture
def music(tmp_path):
    path = tmp_path / "music.wav"
    samples = 0.2 * np.sin(2 * np.pi * 500 * np.arange(4 * RATE) / RATE)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.repeat(np.rint(samples * 32767).astype("<i2"), 2).tobytes())
    return path


@pytest.fixture
def project(tmp_path, run):
    path = tmp_path / "film.dcut"
    run("new", path, make(tmp_path / "film.mp4", Recipe(frames=50, gop=10)))
    return path


def power_at(path, track, frequency):
    """Return the power of a frequency in a sound track, relative to all of it."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[track]
        resampler = av.AudioResampler("fltp", "mono", RATE)
        blocks = [b.to_ndarray()[0] for f in container.decode(stream) for b in resampler.resample(f)]
    sound = np.concatenate(blocks)[RATE // 4 : RATE * 3 // 2]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(sound.size))) ** 2
    at = round(frequency * sound.size / RATE)
    return float(spectrum[at - 4 : at + 5].sum() / spectrum.sum())


def pictures(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(video=0) if p.size]


def test_music_is_mixed_in_and_every_picture_packet_stays(project, music, tmp_path, run):
    added = run("sound", "add", project, music, "--gain", "-3", "--fade-in", "0.1", "--duck", "9")
    ((item,), settings) = added["tracks"][0]["items"], added["tracks"][0]["settings"]
    assert (item["gain_db"], settings["name"], settings["ducking"]["by_db"]) == (-3.0, "Music", 9.0)
    run("sound", "mix", project, "--keep-original")
    out = tmp_path / "out.mp4"
    report = run("export", project, "-o", out)
    assert report["verified"]
    assert pictures(out) == pictures(tmp_path / "film.mp4")
    assert any("a mix of the film's own and “Music”" in note for note in report["notes"])
    assert power_at(out, 0, 500) > 0.05 > 10 * power_at(out, 1, 500)


def test_a_track_that_alone_is_heard_is_no_mix_with_the_film(project, music, tmp_path, run):
    added = run("sound", "add", project, music)
    run("sound", "track", project, added["tracks"][0]["id"], "--solo")
    notes = run("export", project, "-o", tmp_path / "out.mp4")["notes"]
    assert "the sound is “Music” alone, encoded anew in AAC" in notes


def test_without_the_music_the_sound_is_the_films_own_again(project, music, tmp_path, run):
    added = run("sound", "add", project, music)
    run("sound", "remove", project, added["tracks"][0]["items"][0]["id"])
    report = run("export", project, "-o", tmp_path / "out.mp4")
    assert report["audio_identical"]


def test_adding_music_is_one_step_to_undo(project, music, run):
    run("sound", "add", project, music)
    state = run("undo", project)
    assert "tracks" not in state
    assert len(state["sources"]) == 1


def test_a_normalised_mix_has_the_loudness_that_was_asked_for(project, music, tmp_path, run):
    run("sound", "add", project, music)
    run("sound", "track", project, "original", "--mute")
    run("sound", "mix", project, "--loudness", "-27")
    run("export", project, "-o", tmp_path / "out.mp4")
    found = run("loudness", tmp_path / "out.mp4")
    assert found["integrated_lufs"] == pytest.approx(-27, abs=0.3)
    alone = run("loudness", music)["integrated_lufs"]
    assert run("loudness", project)["integrated_lufs"] == pytest.approx(alone, abs=0.1)


def test_tracks_are_changed_by_name_and_shown(project, music, run):
    run("sound", "add", project, music, "--track", "Theme", "--at", "0:01", "--for", "0.5")
    changed = run("sound", "track", project, "Theme", "--gain", "-6", "--solo", "--duck", "12")
    settings = changed["tracks"][0]["settings"]
    assert (settings["gain_db"], settings["solo"]) == (-6.0, True)
    assert "ducking" in settings
    off = run("sound", "track", project, "Theme", "--no-solo", "--duck", "0")["tracks"][0]["settings"]
    assert "solo" not in off
    assert "ducking" not in off
    assert run("sound", "list", project)["tracks"][0]["items"][0]["duration_s"] == "1/2"


def test_what_cannot_be_is_refused_in_words(project, music, tmp_path, run):
    assert "has no sound track 'Nothing'" in run("sound", "track", project, "Nothing", "--mute", status=2)["error"]
    assert "is 4.000 s long" in run("sound", "add", project, music, "--from", "9", status=2)["error"]
    silent = make(tmp_path / "silent.mp4", Recipe(frames=10, sounds=0))
    assert "holds no sound" in run("sound", "add", project, silent, status=3)["error"]
    assert "holds no sound" in run("loudness", silent, status=3)["error"]


def test_a_sound_file_is_taken_into_a_project_as_a_film_is(project, music, run):
    assert run("add", project, music)["frames"] == 0
    added = run("sound", "add", project, music)
    assert len(added["tracks"]) == 1
    assert run("show", project)["sources"][1]["name"] == "music.wav"
