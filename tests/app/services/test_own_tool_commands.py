"""Local tools, own workflows, references, caps and collectors, from the command line."""

from __future__ import annotations

import io
import json
from fractions import Fraction

import av
import numpy as np
import pytest

from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.app.services.wall import ANCHOR, HEIGHT, REGION, WIDTH, pictures


def test_local_tools_work_with_no_key_and_no_network(project, run, monkeypatch, clip, tmp_path):
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    command = ("generate", project, *REGION, "--prompt", "fill #c83430", "--provider", "local")
    status, job, err = run(*command)
    assert (status, job["state"], job["spent_usd"]) == (0, "published", "0"), err
    assert run("export", project, "-o", tmp_path / "out.mp4")[1]["verified"]
    inside = pictures(tmp_path / "out.mp4")[ANCHOR][HEIGHT // 2, WIDTH * 48 // 100]
    assert np.abs(inside - (0xC8, 0x34, 0x30)).max() < 25
    assert run("ledger")[1]["totals"] == []


@pytest.mark.parametrize("prompt", ["remove it", "blur", "pixelate"])
def test_each_local_tool_changes_the_region_and_nothing_else(project, run, prompt, clip, tmp_path):
    status, _, err = run("generate", project, *REGION, "--prompt", prompt, "--provider", "local")
    assert status == 0, err
    run("export", project, "-o", tmp_path / "out.mp4")
    before, after = pictures(clip)[ANCHOR], pictures(tmp_path / "out.mp4")[ANCHOR]
    difference = np.abs(before - after).mean(axis=2)
    assert difference[80:110, 130:170].mean() > 4
    assert difference[:50].mean() < 3


def test_what_local_tools_cannot_draw_is_refused_and_never_replaced_by_something_else(project, run):
    status, job, err = run("generate", project, *REGION, "--prompt", "a red mug", "--provider", "local")
    assert status != 0
    assert job["failure"]["kind"] == "RequestRejected"
    assert "remove, blur, pixelate" in err
    with ProjectFile.open(project, Access.READ) as file:
        assert not list(file.project.patches)


def test_a_workflow_of_ones_own_says_whom_to_ask_and_who_looks(project, run, tmp_path):
    nodes = [
        {"id": "crop", "kind": "extract"},
        {"id": "edit", "kind": "edit", "after": ["crop"], "providers": ["local"]},
        {"id": "fit", "kind": "composite", "after": ["edit"]},
        {"id": "look", "kind": "qa", "after": ["fit"], "approval": "person"},
        {"id": "publish", "kind": "publish", "after": ["look"]},
    ]
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"name": "own", "version": 1, "title": "Own", "nodes": nodes}))
    status, job, err = run("generate", project, *REGION, "--prompt", "blur", "--workflow", own)
    assert (status, job["state"]) == (0, "qa_ready"), err
    assert set(job["nodes"]) == {"crop", "edit", "fit", "look"}
    del nodes[2]
    nodes[2]["after"] = ["edit"]
    own.write_text(json.dumps({"name": "own", "version": 1, "title": "Own", "nodes": nodes}))
    status, _, err = run("generate", project, *REGION, "--prompt", "blur", "--workflow", own)
    assert status == 2
    assert "composite" in err


def test_reference_pictures_go_along_and_are_shown_before(project, run, world, clip, tmp_path):
    names = []
    for number in range(2):
        names += ["--reference", tmp_path / f"ref{number}.png"]
        picture = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 40 * number, np.uint8), format="rgb24")
        encoder = av.CodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 32, 32, "rgb24", Fraction(1)
        names[-1].write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)]))
    status, _, err = run("generate", project, *REGION, "--prompt", "a red door", *names, "--yes")
    assert status == 0, err
    assert err.count("reference: image/png") == 2


@pytest.mark.parametrize("content", [b"", b"no picture", b"GIF89a" + bytes(40)])
def test_a_reference_that_is_no_picture_is_refused_before_anything_is_sent(project, run, world, tmp_path, content):
    (tmp_path / "ref.png").write_bytes(content)
    arguments = ("--prompt", "a door", "--reference", tmp_path / "ref.png", "--yes")
    assert run("generate", project, *REGION, *arguments)[0] == 3
    assert world.received == []


def test_a_cap_stops_before_anything_is_spent(project, run, world):
    assert run("ledger")[1]["caps"] == {"project_usd": None, "month_usd": None}
    assert run("ledger", "--cap-project", "0.05")[1]["caps"] == {"project_usd": "0.05", "month_usd": None}
    status, job, _ = run("generate", project, *REGION, "--prompt", "a red door", "--yes")
    assert status != 0
    assert job["state"] in ("needs_approval", "failed")
    assert world.gemini.charges == []
    for odd in ("-1", "nan", "much"):
        assert run("ledger", "--cap-month", odd)[0] == 2
    assert run("ledger", "--cap-project", "none")[1]["caps"]["project_usd"] is None
    assert run("generate", project, *REGION, "--prompt", "a red door", "--yes")[0] == 0


def test_traces_go_to_a_collector_once_somebody_agreed_to_what_is_shown(project, run, httpserver, monkeypatch):
    httpserver.expect_request("/v1/traces", method="POST").respond_with_json({})
    run("generate", project, *REGION, "--prompt", "blur", "--provider", "local")
    url = httpserver.url_for("/v1/traces")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    status, _, err = run("trace", "export", "--otlp", url)
    assert status == 2
    assert "resourceSpans" in err
    assert httpserver.log == []
    monkeypatch.setenv("DELTACUT_OFFLINE", "1")
    assert run("trace", "export", "--otlp", url, "--yes")[0] != 0
    assert httpserver.log == []
    monkeypatch.delenv("DELTACUT_OFFLINE")
    status, facts, _ = run("trace", "export", "--otlp", url, "--yes")
    assert status == 0
    assert facts["sent"] > 3
    (request, _), *_ = httpserver.log
    assert "blur" not in request.get_data(as_text=True)
    assert run("trace", "export", "--otlp", url)[1]["sent"] == 0


def test_a_collector_in_the_clear_elsewhere_is_refused(run, project):
    run("generate", project, *REGION, "--prompt", "blur", "--provider", "local")
    status, _, err = run("trace", "export", "--otlp", "http://collector.example/v1/traces", "--yes")
    assert status != 0
    assert "https" in err
