"""From a region through a service to a patch that moves and the export, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.model.edits import PickTake
from engine.model.tool import MovingPicture
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.app.services.wall import ANCHOR, FRAMES, HEIGHT, REGION, WIDTH, pictures


def the_patch(path: Path):
    with ProjectFile.open(path, Access.READ) as file:
        (patch,) = file.project.patches
        return patch


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


def test_a_window_that_ends_at_its_anchor_has_no_motion_to_film(project, run, world):
    arguments = ("--prompt", "a red door", "--window", "4:1", "--motion", "kling", "--yes")
    status, _, err = run("generate", project, *REGION, *arguments)
    assert status == 2
    assert "no motion to film" in err
    assert world.kling.charges == []
