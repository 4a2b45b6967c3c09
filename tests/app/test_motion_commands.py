"""From a region through a service or a local tool to a moving patch and the export, from the command line."""

from __future__ import annotations

import base64
import io
import json
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from app.main import main
from engine.model.edits import PickTake
from engine.model.tool import MovingPicture
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.fakes.media import FAITHFUL
from tests.fakes.world import World
from tests.moving_textures import texture

_FOREIGN = ("GOOGLE_", "GEMINI_", "KLING_", "ELEVENLABS_", "VERTEX_", "KEY_VAULT_", "OTEL_", "DELTACUT_")
FRAMES, WIDTH, HEIGHT, ANCHOR = 16, 320, 192, 5
REGION = ("--frame", ANCHOR, "--lasso", "0.35,0.35 0.6,0.35 0.6,0.65 0.35,0.65")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.upper().endswith(("_API_KEY", "_PROXY")) or name.startswith(_FOREIGN):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KEY_VAULT_MASTER_KEY", base64.b64encode(bytes(range(32))).decode())


@pytest.fixture
def run(capsys):
    def command(*arguments: object) -> tuple[int, dict, str]:
        status = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else {}, err

    return command


@pytest.fixture
def world(monkeypatch):
    with World(drift=FAITHFUL, video_height=192) as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services
        assert services.mistakes == []


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """A textured wall that passes by, two pixels a frame."""
    path = tmp_path_factory.mktemp("clip") / "film.mp4"
    wall = np.dstack([texture(seed) for seed in (3, 3, 3)]).astype(np.uint8)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "14", "g": "8", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            part = np.ascontiguousarray(wall[60 : 60 + HEIGHT, 40 + 2 * number : 40 + 2 * number + WIDTH])
            out.mux(video.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        out.mux(video.encode(None))
    return path


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


def the_patch(path: Path):
    with ProjectFile.open(path, Access.READ) as file:
        (patch,) = file.project.patches
        return patch


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


def test_a_result_follows_the_picture_over_its_window(project, run, world, clip, tmp_path):
    arguments = ("--prompt", "a red door", "--window", "3:6", "--follow", "hybrid", "--yes")
    status, facts, err = run("generate", project, *REGION, *arguments)
    assert status == 0, err
    assert facts["followed"]["frames"] == [2, 12]
    assert the_patch(project).motion.follow.value == "hybrid"
    run("export", project, "-o", tmp_path / "out.mp4")
    before, after = pictures(clip), pictures(tmp_path / "out.mp4")

    def middle(number: int) -> float:
        changed = np.abs(before[number] - after[number]).mean(axis=2) > 25
        return float(np.argwhere(changed)[:, 1].mean())

    # The wall passes by at two pixels a frame, and the patch with it.
    assert middle(10) - middle(4) == pytest.approx(-12, abs=2.5)


@pytest.mark.parametrize("service", ["veo", "omni", "kling", "kling-legacy"])
def test_a_service_films_the_motion_and_the_film_is_a_take_beside_the_flow(
    project, run, world, clip, tmp_path, service
):
    arguments = ("--prompt", "a red door", "--window", "2:6", "--motion", service, "--yes")
    status, facts, err = run("generate", project, *REGION, *arguments)
    assert status == 0, err
    assert "first frame: image/png" in err
    assert "last frame: image/png" in err
    assert facts["motion"]["state"] == "published"
    patch = the_patch(project)
    flow, film = patch.takes
    assert patch.pick == flow.id
    assert isinstance(film.tool, MovingPicture)
    assert film.provenance.maker == service
    run("export", project, "-o", tmp_path / "flow.mp4")
    with ProjectFile.open(project) as file:
        file.commit(PickTake(patch.id, film.id))
    status, report, err = run("export", project, "-o", tmp_path / "film.mp4")
    assert status == 0, err
    assert report["verified"]
    before, by_flow, by_film = (pictures(path) for path in (clip, tmp_path / "flow.mp4", tmp_path / "film.mp4"))
    for number in range(FRAMES):
        inside = number in range(3, 12)
        changed = np.abs(before[number] - by_film[number]).mean(axis=2) > 25
        assert changed.any() == inside, f"frame {number}"
        if inside:
            # Beyond the matte not a pixel is the service's.
            rows, columns = np.nonzero(changed)
            assert rows.min() > 0.3 * HEIGHT
            assert rows.max() < 0.7 * HEIGHT
            assert columns.max() - columns.min() < 0.33 * WIDTH
    for end in (ANCHOR, 11):
        assert np.abs(by_flow[end] - by_film[end]).mean() < 1.5, f"the end at frame {end} is not pinned"


def test_a_patch_of_ones_own_is_filmed_and_the_same_film_is_free_the_second_time(project, run, world):
    patch = ("--anchor", ANCHOR, "--window", "1:5", "--roi", "0.35,0.35,0.6,0.65", "--tool", "fill")
    assert run("patch", project, *patch, "--colour", "#c83430", "--follow", "planar")[0] == 0
    for origin in ("provider", "cache"):
        status, job, err = run("motion", project, 1, "--provider", "kling", "--prompt", "a red board", "--yes")
        assert (status, job["nodes"]["motion"]["origin"]) == (0, origin), err
    assert len(world.kling.charges) == 1
    assert len(the_patch(project).takes) == 3
    assert run("motion", project, 2, "--provider", "kling", "--yes")[0] == 2


def test_no_key_is_found_in_anything_that_a_project_leaves_behind(project, run, world, tmp_path, httpserver):
    httpserver.expect_request("/v1/traces", method="POST").respond_with_json({})
    arguments = ("--prompt", "a red door", "--window", "1:4", "--motion", "kling", "--yes")
    shown = [run("generate", project, *REGION, *arguments)]
    shown.append(run("trace", "export", "--otlp", httpserver.url_for("/v1/traces"), "--yes"))
    shown.append(run("otio", "export", project, tmp_path / "film.otio"))
    shown.append(run("collect", project, tmp_path / "all"))
    shown.append(run("takes", project, "export", "-o", tmp_path / "takes"))
    assert [status for status, _, _ in shown] == [0] * 5, shown
    said = str(shown) + "".join(request.get_data(as_text=True) for request, _ in httpserver.log)
    for service in world.services.values():
        for secret in (service.key, getattr(service, "secret_key", service.key)):
            assert secret not in said
            found = [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
            assert found == []


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


def test_a_window_that_ends_at_its_anchor_has_no_motion_to_film(project, run, world):
    arguments = ("--prompt", "a red door", "--window", "4:1", "--motion", "kling", "--yes")
    status, _, err = run("generate", project, *REGION, *arguments)
    assert status == 2
    assert "no motion to film" in err
    assert world.kling.charges == []


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
