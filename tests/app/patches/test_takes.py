"""Takes and refined edges from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.moving_films import ANCHOR, disc, write_film
from tests.moving_textures import HEIGHT, WIDTH


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
