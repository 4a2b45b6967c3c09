"""Patches that follow into exported films, with every tool, from the command line."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from engine.media.pixels import planes
from engine.model.edits import TrimClip, edit_to_json
from engine.model.edits.storyline import Edge
from engine.render import segment
from tests.moving_films import ANCHOR, disc, pose
from tests.moving_textures import HEIGHT, LASSO, WIDTH


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
