"""Where a patch reaches: windows, cuts, further anchors, regions of nothing and of nearly everything."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.moving_films import ANCHOR, disc, pose, write_film
from tests.moving_textures import HEIGHT, WIDTH, Board


def test_a_window_ends_with_the_film_and_says_so(project, run):
    where = ("--ellipse", disc(2), "--anchor", 2, "--window", "30:3")
    status, facts, _ = run("patch", project, *where, "--tool", "blur", "--follow", "planar")
    assert (status, facts["frames"]) == (0, [0, 6])
    assert any("leaves the film" in note for note in facts["notes"])


def test_a_window_ends_at_a_cut_and_says_so(tmp_path, run):
    board = Board(pose)
    other = 255 - np.ascontiguousarray(board.levels(0)[::-1]) // 2
    other = cv2.GaussianBlur(other, (0, 0), 9) // 3
    film = write_film(tmp_path / "cut.mp4", [*(board.levels(t) for t in range(10)), *[other] * 10])
    path = tmp_path / "cut.dcut"
    assert run("new", path, film)[0] == 0
    where = ("--ellipse", disc(6), "--anchor", 6, "--window", "3:9")
    status, facts, _ = run("patch", path, *where, "--tool", "fill", "--follow", "hybrid")
    assert status == 0
    assert facts["followed"]["frames"] == [3, 10]
    assert facts["followed"]["cut_after"]
    assert any("cut at frame 10" in note for note in facts["notes"])
    _, compared, _ = run("compare", path, "--frame", 12, "-o", tmp_path / "after")
    assert compared["pixels_in_the_matte"] == 0


def test_further_anchors_and_corrections_by_hand_are_kept(project, run, tmp_path):
    white = ("--tool", "fill", "--colour", "#ffffff", "--follow", "planar")
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "4:4")
    also = ("--also", f"{ANCHOR + 4}:{disc(ANCHOR + 4)}", "--nudge", f"{ANCHOR + 2}:0.05,0")
    assert run("patch", project, *where, *white, *also)[0] == 0
    centres = {}
    for number in (ANCHOR, ANCHOR + 2, ANCHOR + 4):
        _, facts, _ = run("compare", project, "--frame", number, "-o", tmp_path / str(number))
        after, before = (cv2.imread(facts["files"][name], 0).astype(int) for name in ("after", "before"))
        centres[number] = np.nonzero(after - before > 20)[1].mean() - pose(number)[0, 2]
    assert abs(centres[ANCHOR]) < 2
    assert centres[ANCHOR + 2] == pytest.approx(0.05 * WIDTH, abs=2)


@pytest.mark.parametrize("kind", ["black", "even"])
def test_a_region_without_any_texture_stays_where_it_is(kind, tmp_path, run):
    picture = np.full((HEIGHT, WIDTH), 16 if kind == "black" else 140, np.uint8)
    film = write_film(tmp_path / "flat.mp4", [picture] * 8)
    path = tmp_path / "flat.dcut"
    assert run("new", path, film)[0] == 0
    where = ("--roi", "0.4,0.4,0.6,0.6", "--anchor", 2, "--window", "2:5")
    status, facts, _ = run("patch", path, *where, "--tool", "fill", "--colour", "#ffffff", "--follow", "hybrid")
    assert status == 0
    assert facts["followed"]["lost"] == []
    assert any("stays where it was drawn" in note for note in facts["notes"])
    _, facts, _ = run("compare", path, "--frame", 6, "-o", tmp_path / "flat")
    rows, columns = np.nonzero(cv2.imread(facts["files"]["after"], 0) > 220)
    assert abs(columns.mean() - WIDTH / 2) < 2
    assert abs(rows.mean() - HEIGHT / 2) < 2


def test_a_region_of_most_of_the_picture_is_done_and_told(project, run):
    where = ("--roi", "0.05,0.05,0.95,0.95", "--anchor", 3, "--window", "1:1")
    status, facts, _ = run("patch", project, *where, "--tool", "grade", "--exposure", "0.3", "--follow", "planar")
    assert status == 0
    assert any("81%" in note for note in facts["notes"])
