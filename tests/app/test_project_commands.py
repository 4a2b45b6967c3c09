"""Edits from the command line, and the way back."""

from __future__ import annotations

import io
import json

import pytest

from app.main import main
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
