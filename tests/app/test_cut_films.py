"""A film cut from two, by the commands alone."""

from __future__ import annotations

import json

import av
import pytest

from app.main import main
from engine.model.edits import AppendClip, TrimClip, edit_to_json
from engine.model.edits.storyline import Edge
from engine.model.storyline import Clip, Native
from engine.model.time import Range
from tests.corpus.small_clips import Recipe, make


@pytest.fixture(autouse=True)
def _own_cache(own_cache):
    pass


def test_two_films_are_cut_planned_and_exported(tmp_path, capsys):
    def run(*arguments: object) -> dict:
        assert main([*map(str, arguments), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    one = make(tmp_path / "one.mp4", Recipe(frames=40, gop=10))
    other = make(tmp_path / "other.mp4", Recipe(frames=30, gop=10, tags={"title": "other"}))
    path, out, edits = tmp_path / "film.dcut", tmp_path / "out.mp4", tmp_path / "edits.json"
    run("new", path, one)
    added = run("add", path, other)
    assert added["frames"] == 30
    (clip,) = run("show", path)["storyline"]
    cuts = [
        TrimClip(clip["id"], Edge.START, 4),
        AppendClip(Clip("second", added["source"], Native(Range(10, 30)))),
    ]
    edits.write_text(f"[{','.join(map(edit_to_json, cuts))}]")
    run("edit", path, edits)
    plan = run("plan", path)
    assert [segment["kind"] for segment in plan["segments"]] == ["render", "copy", "copy"]
    report = run("export", path, "-o", out)
    assert (report["frames_total"], report["frames_rendered"], report["verified"]) == (56, 6, True)
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 56


def test_a_film_that_the_project_has_already_is_not_added_again(tmp_path, capsys):
    film = make(tmp_path / "one.mp4", Recipe(frames=10))
    path = tmp_path / "film.dcut"
    assert main(["new", str(path), str(film)]) == 0
    assert main(["add", str(path), str(film)]) == 2
    assert "already has a source" in capsys.readouterr().err
