"""Patches that follow, their takes and comparisons from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.media.pixels import planes
from engine.model.edits import TrimClip, edit_to_json
from engine.model.edits.storyline import Edge
from engine.render import segment
from tests.moving_films import ANCHOR, FRAMES, disc, pose, runner, write_film
from tests.moving_textures import HEIGHT, LASSO, WIDTH, Board


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    board = Board(pose)
    return write_film(tmp_path_factory.mktemp("clip") / "film.mp4", (board.levels(t) for t in range(FRAMES)))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(capsys):
    return runner(capsys)


@pytest.fixture
def project(tmp_path, clip, run) -> Path:
    path = tmp_path / "film.dcut"
    assert run("new", path, clip)[0] == 0
    return path


def luma(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def test_a_patch_follows_into_the_exported_film(project, clip, run, tmp_path):
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "6:6")
    status, facts, _ = run("patch", project, *where, "--tool", "fill", "--colour", "#ffffff", "--follow", "hybrid")
    assert status == 0
    assert facts["frames"] == [8, 21]
    assert facts["followed"]["frames"] == [8, 21]
    assert facts["followed"]["lost"] == []
    assert min(facts["followed"]["confidence"]) > 0.8
    out = tmp_path / "out.mp4"
    status, report, _ = run("export", project, "-o", out)
    assert status == 0
    assert report["verified"]
    assert report["frames_copied"] > 0
    before, after = luma(clip), luma(out)
    for number in (8, ANCHOR, 20):
        white = after[number] > 232
        rows, columns = np.nonzero(white & (before[number] < 225))
        assert np.hypot(columns.mean() - pose(number)[0, 2], rows.mean() - pose(number)[1, 2]) < 2
    # The frames beside the window were not touched, apart from the film's own coding.
    assert np.abs(after[4].astype(int) - before[4]).max() < 24


@pytest.mark.parametrize(
    ("tool", "margin"),
    [(("text", "--text", "ab"), 3), (("blur", "--when-lost", "fade"), 3), (("remove", "--reach", 8), 14)],
    ids=["text", "blur", "remove, which covers the thing's whole path"],
)
def test_what_the_encoder_is_given_is_the_source_but_for_the_region(
    tool, margin, project, clip, run, tmp_path, monkeypatch
):
    feather, given = 4, {}
    encode = segment.encode_segment

    def recorded(job, frames, progress, cancel):
        def told():
            for frame in frames():
                given[frame.pts] = [plane.copy() for plane in planes(frame)]
                yield frame

        return encode(job, told, progress, cancel)

    monkeypatch.setattr(segment, "encode_segment", recorded)
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "5:5", "--feather", feather)
    assert run("patch", project, *where, "--tool", *tool, "--follow", "hybrid")[0] == 0
    assert run("export", project, "-o", tmp_path / "out.mp4")[0] == 0
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    changed = 0
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if frame.pts not in given:
                continue
            inside = np.zeros((HEIGHT, WIDTH), bool)
            if ANCHOR - 5 <= number <= ANCHOR + 5:
                inside = np.hypot(x - pose(number)[0, 2], y - pose(number)[1, 2]) < LASSO + feather + margin
            for before, after in zip(planes(frame), given[frame.pts], strict=True):
                step = HEIGHT // before.shape[0]
                outside = ~inside[::step, ::step] if step == 1 else ~inside.reshape(HEIGHT // 2, 2, -1, 2).any((1, 3))
                np.testing.assert_array_equal(before[outside], after[outside])
                changed += int((before != after).any())
    assert changed >= 11


def test_a_patch_follows_in_a_film_that_was_cut(project, run, tmp_path):
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "4:4")
    white = ("--tool", "fill", "--colour", "#ffffff", "--follow", "planar")
    assert run("patch", project, *where, *white)[0] == 0
    (clip,) = run("show", project)[1]["storyline"]
    edits = tmp_path / "edits.json"
    edits.write_text(f"[{edit_to_json(TrimClip(clip['id'], Edge.START, 5))}]")
    assert run("edit", project, edits)[0] == 0
    out = tmp_path / "cut.mp4"
    status, report, _ = run("export", project, "-o", out)
    assert (status, report["verified"]) == (0, True)
    after = luma(out)
    for number in (ANCHOR, ANCHOR + 4):
        rows, columns = np.nonzero(after[number - 5] > 232)
        assert np.hypot(columns.mean() - pose(number)[0, 2], rows.mean() - pose(number)[1, 2]) < 3


TOOLS = {
    "remove": ("--reach", 8),
    "inpaint": ("--radius", 3),
    "blur": (),
    "pixelate": ("--block", 10),
    "fill": (),
    "grade": ("--exposure", 0.5, "--hue", 30),
    "clone": ("--from", "0.3,0.1"),
    "heal": ("--from-frame", 4),
    "text": ("--text", "ab", "--colour", "#ff0000"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_changes_its_region_and_nothing_else(tool, project, run, tmp_path):
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "2:2", "--feather", 2)
    assert run("patch", project, *where, "--tool", tool, *TOOLS[tool], "--follow", "planar")[0] == 0
    status, facts, _ = run("compare", project, "--frame", ANCHOR + 1, "-o", tmp_path / "compared")
    assert status == 0
    assert facts["pixels_in_the_matte"] > 1000
    assert facts["pixels_changed_outside"] == 0
    pictures = {name: cv2.imread(path) for name, path in facts["files"].items()}
    assert set(pictures) == {"before", "after", "wipe", "heat map", "alpha"}
    assert all(picture.shape == (HEIGHT, WIDTH, 3) for picture in pictures.values())
    assert (pictures["before"] != pictures["after"]).any()
    middle = WIDTH // 2
    np.testing.assert_array_equal(pictures["wipe"][:, : middle - 2], pictures["before"][:, : middle - 2])
    np.testing.assert_array_equal(pictures["wipe"][:, middle + 2 :], pictures["after"][:, middle + 2 :])


def test_a_picture_follows_and_its_bytes_come_out_again(project, run, tmp_path):
    rng = np.random.default_rng(3)
    image = tmp_path / "sticker.png"
    cv2.imwrite(str(image), rng.integers(0, 255, (40, 40, 4), np.uint8))
    where = ("--roi", disc(), "--anchor", ANCHOR, "--window", "2:2")
    assert run("patch", project, *where, "--tool", "sticker", "--image", image, "--follow", "hybrid")[0] == 0
    status, facts, _ = run("takes", project, "export", "1.1", "-o", tmp_path / "takes")
    assert status == 0
    written = {Path(path).suffix: Path(path) for path in facts["files"]}
    assert written[".png"].read_bytes() == image.read_bytes()
    told = json.loads(written[".json"].read_text())
    assert told["maker"] == "sticker"
    assert told["settings"]["follow"] == "hybrid"
    assert told["elapsed_ms"] > 0


def test_takes_are_picked_starred_rejected_and_approved(project, run, tmp_path):
    where = ("--ellipse", disc(), "--anchor", ANCHOR, "--window", "2:2")
    assert run("patch", project, *where, "--tool", "blur", "--draft", "--follow", "static")[0] == 0
    status, facts, _ = run("patch", project, "--take-of", 1, "--tool", "blur", "--follow", "planar")
    assert (status, facts["state"]) == (0, "proposed")

    def listed():
        ((patch,),) = [run("takes", project, "list")[1]["patches"]]
        return patch["state"], [(t["picked"], t["starred"], t["rejected_because"]) for t in patch["takes"]], patch

    state, takes, patch = listed()
    assert (state, takes) == ("proposed", [(False, False, ""), (True, False, "")])
    assert [take["motion"].get("follow", "static") for take in patch["takes"]] == ["static", "planar"]
    _, report, _ = run("export", project, "-o", tmp_path / "one.mp4")
    assert any("proposed" in note for note in report["notes"])
    assert run("takes", project, "star", "1.1")[0] == 0
    assert run("takes", project, "reject", "1.2", "--reason", "slides")[0] == 0
    assert listed()[:2] == ("rejected", [(False, True, ""), (True, False, "slides")])
    assert run("takes", project, "approve", "1.1")[0] == 0
    assert listed()[:2] == ("approved", [(True, True, ""), (False, False, "slides")])
    _, report, _ = run("export", project, "-o", tmp_path / "two.mp4")
    assert report["notes"] == []
    assert run("takes", project, "pick", patch["takes"][1]["take"])[0] == 0
    assert listed()[0] == "proposed"
    status, shown, _ = run("takes", project, "show", "1.2")
    assert (status, shown["picked"], shown["maker"]) == (0, True, "blur")


def test_the_edge_of_the_object_is_found(tmp_path, run):
    still = np.full((HEIGHT, WIDTH), 60, np.uint8)
    rng = np.random.default_rng(1)
    still = np.clip(still + rng.normal(0, 3, still.shape), 0, 255).astype(np.uint8)
    cv2.circle(still, (160, 120), 30, 220, -1)
    film = write_film(tmp_path / "still.mp4", [still] * 6)
    path = tmp_path / "still.dcut"
    assert run("new", path, film)[0] == 0
    box = "0.35,0.3,0.65,0.7"
    edge = ("--edge", "refine", "--keep", "0.5,0.5 0.52,0.5", "--drop", "0.36,0.31")
    assert run("patch", path, "--frames", "0:3", "--roi", box, "--tool", "fill", *edge)[0] == 0
    _, facts, _ = run("compare", path, "--frame", 1, "-o", tmp_path / "edge")
    assert facts["pixels_in_the_matte"] == pytest.approx(np.pi * 30**2, rel=0.2)
    assert facts["pixels_changed_outside"] == 0


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
