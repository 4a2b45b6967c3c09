"""Edits from the command line, and the way back."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest

from app.main import main
from engine.media.text_tracks import read_chapters
from tests.corpus.small_clips import Recipe, make


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))

    def command(*arguments: object) -> tuple[int, dict, str]:
        status = main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        return status, json.loads(out) if out else {}, err

    return command


@pytest.fixture
def project(tmp_path, run):
    path = tmp_path / "film.dcut"
    clip = make(tmp_path / "film.mp4", Recipe(frames=30))
    assert run("new", path, clip)[0] == 0
    return path


def test_edits_are_applied_shown_and_taken_back(project, tmp_path, run):
    edits = tmp_path / "edits.json"
    edits.write_text('[{"is": "RenameProject", "name": "Sunday"}, {"is": "RenameProject", "name": "Monday"}]')
    _, before, _ = run("show", project)
    status, facts, err = run("edit", project, edits)
    assert (status, facts["name"], err) == (0, "Monday", "")
    assert run("undo", project)[1]["name"] == "Sunday"
    assert run("undo", project)[1]["name"] == before["name"]
    assert run("redo", project, "2")[1]["name"] == "Monday"
    _, shown, _ = run("show", project)
    assert shown["history"] == {"done": ["Rename project", "Rename project"], "undone": []}


def test_edits_come_from_standard_input(project, run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO('[{"is": "RenameProject", "name": "By pipe"}]'))
    assert run("edit", project, "-")[1]["name"] == "By pipe"


@pytest.mark.parametrize("text", ["", "{", "[{}]", '[{"is": "Nonsense"}]', '[{"is": "RenameProject"}]', "[3]"])
def test_what_is_no_edit_is_refused_and_changes_nothing(text, project, tmp_path, run):
    edits = tmp_path / "edits.json"
    edits.write_text(text)
    before = project.read_bytes()
    status, _, err = run("edit", project, edits)
    assert status == 2, err
    assert err.count("\n") == 1
    assert project.read_bytes() == before


def test_a_list_with_one_wrong_edit_changes_nothing(project, tmp_path, run):
    edits = tmp_path / "edits.json"
    edits.write_text('[{"is": "RenameProject", "name": "Half"}, {"is": "RemovePatch", "patch_id": "none"}]')
    status, _, _ = run("edit", project, edits)
    assert status == 2
    assert run("show", project)[1].get("name") != "Half"


def test_going_back_too_far_is_refused(project, run):
    status, _, err = run("undo", project)
    assert status == 2
    assert "undo" in err


def test_a_project_is_shown_clip_by_clip_with_its_markers(project, tmp_path, run, capsys):
    edits = tmp_path / "edits.json"
    place = {"is": "OnTimeline", "frames": [12, 13]}
    marker = {"id": "m", "kind": "chapter", "name": "Act 2", "place": place}
    edits.write_text(json.dumps([{"is": "ExtractRange", "frames": [5, 10]}, {"is": "AddMarkers", "markers": [marker]}]))
    assert run("edit", project, edits)[0] == 0
    assert main(["show", str(project)]) == 0
    text = capsys.readouterr().out
    for said in ("frames 0:5 show film.mp4 0:5", "frames 5:25 show film.mp4 10:30", "chapter Act 2: frames 12:13"):
        assert said in text


def test_a_chapter_marker_is_a_chapter_of_the_exported_film(project, tmp_path, run):
    edits, out = tmp_path / "edits.json", tmp_path / "out.mp4"
    place = {"is": "OnTimeline", "frames": [12, 13]}
    marker = {"id": "m", "kind": "chapter", "name": "Act 2", "place": place}
    edits.write_text(json.dumps([{"is": "AddMarkers", "markers": [marker]}]))
    assert run("edit", project, edits)[0] == 0
    status, report, _ = run("export", project, "-o", out)
    assert (status, report["verified"], report["frames_rendered"]) == (0, True, 0)
    assert [chapter.title for chapter in read_chapters(out)] == ["Act 2"]
    # What was put in is no difference.
    assert run("verify", tmp_path / "film.mp4", out)[0] == 0


def test_a_film_is_never_written_over_the_project_or_what_it_is_made_of(project, tmp_path, run):
    link = tmp_path / "link.mp4"
    link.symlink_to(project)
    before = {path: path.read_bytes() for path in (project, tmp_path / "film.mp4")}
    for target in (project, tmp_path / "other.dcut", tmp_path / "film.mp4", link):
        for preset in ("source", "web-mp4"):
            status, _, err = run("export", project, "-o", target, "--preset", preset)
            assert (status, err.count("\n")) == (2, 1), err
    assert {path: path.read_bytes() for path in before} == before
    assert link.is_symlink()


def test_a_source_that_is_not_on_the_storyline_is_not_overwritten_either(project, tmp_path, run):
    other = make(tmp_path / "other.mp4", Recipe(frames=10))
    before = other.read_bytes()
    assert run("add", project, other)[0] == 0
    status, _, err = run("export", project, "-o", other)
    assert status == 2
    assert "other.mp4" in err
    assert other.read_bytes() == before


def test_what_is_readable_of_a_damaged_project_becomes_a_new_one(project, tmp_path, run):
    edits = tmp_path / "edits.json"
    edits.write_text('[{"is": "RenameProject", "name": "Sunday"}]')
    assert run("edit", project, edits)[0] == 0
    with sqlite3.connect(project) as connection:
        connection.execute("UPDATE places SET absolute = 'changed'")
    status, _, err = run("show", project)
    assert (status, err.count("\n")) == (3, 1)
    assert "deltacut recover" in err
    new = tmp_path / "new.dcut"
    status, facts, err = run("recover", project, new)
    assert (status, facts["frames"], len(facts["losses"])) == (0, 30, 1), err
    assert run("show", new)[1]["name"] == "Sunday"
    status, _, err = run("recover", project, new)
    assert status == 2
    assert "exists already" in err
    assert run("recover", tmp_path / "none.dcut", tmp_path / "n.dcut")[0] == 3
