"""The providers' commands against services on loopback: keys that never show, an edit from the region to the export."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from app.main import main
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.corpus.small_clips import Recipe, make
from tests.fakes.at_hand import at_hand, without_own_keys
from tests.fakes.media import Drift

CANARY = "canary-5f0e8d2b7c914a36-key-Zq9X"
EDIT = ("--frame", "7", "--roi", "0.3,0.3,0.6,0.7", "--prompt", "a red door")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    without_own_keys(monkeypatch)
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))


@pytest.fixture
def world(monkeypatch):
    with at_hand(monkeypatch) as services:
        yield services


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    recipe = Recipe(frames=20, gop=10, width=320, height=192, options={"crf": "16"})
    return make(tmp_path_factory.mktemp("clip") / "film.mp4", recipe)


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def type_in(monkeypatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(line + "\n" for line in lines)))


def files_with(text: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


def test_a_key_is_set_listed_by_its_ending_and_removed_and_never_shown(run, tmp_path, monkeypatch):
    type_in(monkeypatch, CANARY)
    shown = [run("keys", "set", "elevenlabs")]
    shown.append(run("keys", "list"))
    (state,) = [key for key in shown[-1][1]["keys"] if key["provider"] == "elevenlabs"]
    assert (state["tail"], state["origin"]) == ("Zq9X", "vault")
    assert files_with(CANARY, tmp_path) == []
    shown.append(run("keys", "remove", "elevenlabs"))
    assert shown[-1][1] == {"removed": 1}
    (state,) = [key for key in run("keys", "list")[1]["keys"] if key["provider"] == "elevenlabs"]
    assert state["origin"] == ""
    assert [status for status, _, _ in shown] == [0, 0, 0]
    assert CANARY not in str(shown)


def test_the_list_for_a_person_says_what_a_key_ends_in(run, monkeypatch, capsys):
    type_in(monkeypatch, CANARY)
    run("keys", "set", "elevenlabs")
    assert main(["keys", "list"]) == 0
    out = capsys.readouterr().out
    assert "elevenlabs api-key: ends in Zq9X (from the vault)" in out
    assert "veo api-key: not set" in out
    assert CANARY not in out


def test_a_key_is_never_an_argument(run):
    assert run("keys", "set", "elevenlabs", CANARY)[0] == 2
    assert {key["tail"] for key in run("keys", "list")[1]["keys"]} == {""}


def test_the_vault_is_sealed_anew_under_another_master_key(run, monkeypatch):
    type_in(monkeypatch, CANARY)
    run("keys", "set", "elevenlabs")
    fresh = base64.b64encode(bytes(range(32, 64))).decode()
    monkeypatch.setenv("KEY_VAULT_NEXT_MASTER_KEY", fresh)
    assert run("keys", "rotate", "--to", "environment")[0] == 0
    states = {key["provider"]: key for key in run("keys", "list")[1]["keys"]}
    assert "not made with this master key" in states["elevenlabs"]["problem"]
    monkeypatch.setenv("KEY_VAULT_MASTER_KEY", fresh)
    states = {key["provider"]: key for key in run("keys", "list")[1]["keys"]}
    assert states["elevenlabs"]["tail"] == "Zq9X"


def test_keys_are_tested_at_their_service(run, world, monkeypatch):
    assert run("keys", "test", "gemini")[0] == 0
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    status, facts, err = run("keys", "test", "gemini")
    assert status == 3
    assert facts["checks"][0]["problem"]
    assert CANARY not in err + str(facts)


@pytest.mark.parametrize("name", ["edit", "emotion", "motion", "transcribe"])
def test_the_workflows_that_come_along_can_be_run(name, run):
    assert run("workflow", "check", name) == (0, {"valid": True, "name": name}, "")
    assert run("workflow", "show", name)[1]["nodes"]


def test_a_workflow_that_cannot_be_run_is_told_why(run, tmp_path):
    file = tmp_path / "odd.json"
    file.write_text('{"name": "odd", "version": 1, "nodes": [{"id": "a", "kind": "edit", "providers": ["nobody"]}]}')
    status, _, err = run("workflow", "check", file)
    assert status == 3
    assert "there is no provider 'nobody'" in err


def test_an_edit_goes_from_the_region_through_the_provider_into_the_export(project, clip, tmp_path, run, world):
    status, job, err = run("generate", project, *EDIT, "--frames", "6:9", "--yes")
    assert (status, job["state"]) == (0, "published"), err
    assert "picture: image/png" in err
    assert "mask: image/png" in err
    assert "a red door" in err
    assert len(world.gemini.charges) == 1
    out = tmp_path / "out.mp4"
    status, report, err = run("export", project, "-o", out)
    assert status == 0, err
    assert report["verified"]
    before, after = pictures(clip), pictures(out)
    inside, outside = np.s_[80:110, 120:170], np.s_[:40]
    for number in (6, 7, 8):
        difference = np.abs(before[number] - after[number])
        assert difference[inside].mean() > 10, f"frame {number} shows nothing of it"
        assert difference[outside].mean() < 3
    for number in (0, 15):
        assert np.abs(before[number] - after[number])[inside].mean() < 3
    _, ledger, _ = run("ledger")
    assert ledger["totals"][0]["requests"] == 1
    assert float(ledger["totals"][0]["actual_usd"]) == pytest.approx(float(world.gemini.charges[0].usd), abs=1e-6)
    _, trace, _ = run("trace", job["job"])
    assert "generate_content gemini-3-pro-image" in [span["name"] for span in trace["spans"]]
    assert world.gemini.key not in str(trace) + str(job) + err
    assert files_with(world.gemini.key, tmp_path) == []


def test_the_same_request_is_free_the_second_time_and_offline(project, run, world, monkeypatch):
    assert run("generate", project, *EDIT, "--yes")[0] == 0
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["nodes"]["edit"]["origin"]) == (0, "cache"), err
    assert len(world.gemini.charges) == 1


def test_nothing_is_sent_before_somebody_agreed(project, run, world, monkeypatch):
    type_in(monkeypatch)
    status, job, err = run("generate", project, *EDIT)
    assert (status, job["state"], job["question"]["reason"]) == (2, "needs_approval", "consent")
    assert world.received == []
    assert "jobs" in err
    status, job, err = run("jobs", project, "approve", job["job"])
    assert (status, job["state"]) == (0, "published"), err
    assert len(world.gemini.charges) == 1


def test_a_result_to_be_looked_at_waits_for_approval(project, run, world):
    status, job, _ = run("generate", project, *EDIT, "--yes", "--review")
    assert (status, job["state"]) == (0, "qa_ready")
    assert run("show", project)[1]["history"]["done"] == []
    assert [found["state"] for found in run("jobs", project, "list")[1]["jobs"]] == ["qa_ready"]
    assert run("jobs", project, "approve", job["job"])[1]["state"] == "published"
    assert run("show", project)[1]["history"]["done"] == ["Add patch “a red door”"]


def test_a_refusal_goes_to_nobody_else_and_costs_nothing(project, run, world):
    world.gemini.fail("submit", "IMAGE_SAFETY")
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["state"], job["question"]["reason"]) == (1, "needs_approval", "policy"), err
    assert job["spent_usd"] == "0"
    assert world.gemini.charges == []


def test_a_wrong_key_is_bad_input(project, run, world, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", CANARY)
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["question"]["reason"]) == (3, "key"), err
    assert CANARY not in err + str(job)


def test_a_limit_for_the_day_is_told_and_the_job_goes_on_later(project, run, world):
    world.gemini.fail("submit", *["rate_day"] * 4)
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["state"], job["question"]["reason"]) == (1, "needs_approval", "no room"), err
    assert job["retry_at"]


def test_offline_nothing_is_sent_and_it_is_said(project, run, world, monkeypatch):
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["state"]) == (1, "needs_approval"), err
    assert "offline switch" in err
    assert world.received == []


def test_a_cap_stops_before_anything_is_spent(project, run, world, tmp_path):
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "settings.json").write_text('{"caps": {"project_usd": "0.05"}}')
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["question"]["reason"]) == (1, "cap"), err
    assert world.received == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--frame", "99", *EDIT[2:], "--yes"), "99"),
        ((*EDIT, "--frames", "10:12", "--yes"), "anchor"),
        ((*EDIT, "--provider", "nobody", "--yes"), "nobody"),
        ((*EDIT[:-1], " ", "--yes"), "prompt"),
    ],
)
def test_a_request_that_does_not_fit_is_refused_before_anything_is_sent(arguments, said, project, run, world):
    status, _, err = run("generate", project, *arguments)
    assert status == 2
    assert said in err
    assert world.received == []


def test_a_job_is_cancelled_and_tried_again(project, run, world, monkeypatch):
    type_in(monkeypatch)
    _, job, _ = run("generate", project, *EDIT)
    assert run("jobs", project, "cancel", job["job"])[1]["state"] == "cancelled"
    status, job, err = run("jobs", project, "retry", job["job"], "--yes")
    assert (status, job["state"]) == (0, "published"), err
    assert run("jobs", project, "show", job["job"])[1]["state"] == "published"
    assert run("jobs", project, "cancel", job["job"])[0] == 2
    assert run("jobs", project, "show", "nobody")[0] == 2


def test_what_is_said_is_kept_with_its_times_and_becomes_captions(project, run, world):
    status, job, err = run("transcribe", project, "--captions", "--yes")
    assert (status, job["state"]) == (0, "published"), err
    assert "audio: audio/flac" in err
    with ProjectFile.open(project, Access.READ) as file:
        (note,) = (json.loads(text) for text in file.records("transcript").values())
        (source,) = file.project.sources
        layer = file.project.layers[-1]
    words = [word for word in note["words"] if word["kind"] == "word"]
    assert " ".join(word["text"] for word in words)
    assert all(0 <= word["start_ms"] < word["end_ms"] <= 1000 for word in words)
    assert [word["start_ms"] for word in words] == sorted(word["start_ms"] for word in words)
    assert " ".join(caption.text for caption in layer.items) == " ".join(word["text"] for word in words)
    assert all(caption.place.source_id == source.id for caption in layer.items)
    assert len(world.elevenlabs.charges) == 1
    assert run("undo", project)[0] == 0
    assert run("transcribe", project, "--yes")[1]["nodes"]["words"]["origin"] == "cache"
    assert len(world.elevenlabs.charges) == 1


def test_emotions_are_labelled_by_a_model_shown_as_its_word_and_free_the_second_time(project, run, world):
    assert run("features", project, "--only", "emotion")[1]["sources"][0]["emotion"] is None
    status, job, err = run("emotions", project, "--yes")
    assert (status, job["state"]) == (0, "published"), err
    assert "audio: audio/mpeg" in err
    assert "one of neutral, joyful" in err
    assert len(world.gemini_audio.charges) == 1
    status, facts, _ = run("features", project, "--only", "emotion")
    labelled = facts["sources"][0]["emotion"]
    assert labelled["model"] == "gemini-3.5-flash"
    stretches = labelled["stretches"]
    assert [stretch["emotion"] for stretch in stretches] == ["joyful", "neutral", "sad", "angry"]
    assert all(0 <= stretch["start_ms"] < stretch["stop_ms"] <= 1000 for stretch in stretches)
    labels = [event["label"] for event in facts["timeline"]]
    assert labels == [f"{name}, by gemini-3.5-flash" for name in ("Joyful", "Sad", "Angry")]
    assert run("features", project, "--only", "emotion", "--markers")[1]["markers"] == 3
    assert run("undo", project)[0] == 0
    assert run("emotions", project, "--yes")[1]["nodes"]["labels"]["origin"] == "cache"
    assert len(world.gemini_audio.charges) == 1


def test_labels_that_were_paid_for_come_from_here_when_nothing_may_be_sent(project, run, world, monkeypatch):
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    status, job, _ = run("emotions", project, "--yes")
    assert status != 0
    assert job["state"] != "published"
    assert world.received == []
    monkeypatch.delenv("DELTACUT_OFFLINE")
    assert run("emotions", project, "--yes")[1]["state"] == "published"
    world.received.clear()
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    status, job, err = run("emotions", project)
    assert (status, job["state"]) == (0, "published"), err
    assert world.received == []


def test_labels_that_are_not_what_was_asked_for_leave_no_word_in_the_project(project, run, world):
    world.gemini_audio.fail("submit", *["strange_label"] * 4)
    status, job, err = run("emotions", project, "--yes")
    world.gemini_audio.clear_faults()
    assert status != 0
    assert "hangry" in err + str(job)
    assert run("features", project, "--only", "emotion")[1]["sources"][0]["emotion"] is None


def test_a_key_from_the_vault_is_used_and_stays_there(project, run, world, tmp_path, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY")
    type_in(monkeypatch, world.gemini.key)
    assert run("keys", "set", "gemini")[0] == 0
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["state"]) == (0, "published"), err
    trace = run("trace", job["job"])
    assert world.gemini.key not in err + str(job) + str(trace)
    assert files_with(world.gemini.key, tmp_path) == []


def test_without_a_key_it_is_said_how_to_set_one(project, run, world, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY")
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["question"]["reason"]) == (2, "key")
    assert "deltacut keys set gemini" in err
    type_in(monkeypatch, world.gemini.key)
    run("keys", "set", "gemini")
    assert run("jobs", project, "approve", job["job"])[1]["state"] == "published"


def test_a_job_whose_program_was_killed_is_never_paid_twice_unasked(project, run, world):
    world.gemini.fail("submit", "slow=60")
    command = [sys.executable, "-m", "app.main", "generate", str(project), *EDIT, "--yes"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not world.gemini.charges and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
    (job,) = run("jobs", project, "list")[1]["jobs"]
    assert job["state"] == "processing"
    status, job, err = run("jobs", project, "retry", job["job"], "--yes")
    assert (status, job["question"]["reason"]) == (1, "uncertain charge"), err
    assert len(world.gemini.charges) == 1
    assert float(run("ledger")[1]["totals"][0]["uncertain_usd"]) > 0
    status, _, err = run("jobs", project, "approve", job["job"])
    assert status == 2
    assert "--choice" in err
    status, job, err = run("jobs", project, "approve", job["job"], "--choice", "try again")
    assert (status, job["state"]) == (0, "published"), err
    assert len(world.gemini.charges) == 2


def test_a_picture_that_does_not_fit_is_left_to_a_person(project, run, world):
    world.gemini.drift = Drift((28.0, 20.0))
    status, job, err = run("generate", project, *EDIT, "--yes")
    assert (status, job["question"]["reason"]) == (1, "quality"), err
    assert run("show", project)[1]["history"]["done"] == []
    assert run("jobs", project, "approve", job["job"])[1]["state"] == "published"
    assert len(world.gemini.charges) == 1
