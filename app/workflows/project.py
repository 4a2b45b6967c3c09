"""Look at a project, change it by edits, go back and forth in its history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.control import CancelToken, Progress
from engine.model.edits import edits_from_json, project_to_json
from engine.model.project import Project
from engine.store.connection import Access
from engine.store.project_file import History, ProjectFile


def show_project(path: Path, _progress: Progress, _cancel: CancelToken) -> tuple[Project, History]:
    """Return a project as it stands, and its history.

    Raises:
        ProjectError: it cannot be read.
    """
    with ProjectFile.open(path, Access.READ) as file:
        return file.project, file.history


def apply_edits(path: Path, text: str, _progress: Progress, cancel: CancelToken) -> Project:
    """Apply a list of edits, given as JSON in the journal's form; each is one step to undo.

    All of them are tried before the first is saved, so a list that does not fit changes nothing.

    Raises:
        EditRefused: the text is no list of edits, or the project does not allow one of them.
        ProjectError, StorageError: the project cannot be written.
    """
    edits = edits_from_json(text)
    with ProjectFile.open(path) as file:
        project = file.project
        for edit in edits:
            project = edit.apply(project)
        cancel.check()
        for edit in edits:
            project = file.commit(edit)
        return project


def undo(path: Path, steps: int, _progress: Progress, _cancel: CancelToken) -> Project:
    """Take back the last steps, and save that.

    Raises:
        EditRefused: there are not so many.
    """
    with ProjectFile.open(path) as file:
        return file.undo(steps)


def redo(path: Path, steps: int, _progress: Progress, _cancel: CancelToken) -> Project:
    """Do undone steps again, and save that.

    Raises:
        EditRefused: there are not so many.
    """
    with ProjectFile.open(path) as file:
        return file.redo(steps)


def project_facts(project: Project) -> dict[str, Any]:
    """Return a project as JSON types, in the form that its file keeps."""
    facts: dict[str, Any] = json.loads(project_to_json(project))
    return facts
