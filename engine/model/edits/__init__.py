"""Every change to a project is a frozen value with `apply(project) -> project`; undo is the former value.

An edit that the project does not allow raises EditRefused and changes nothing. Equal edits on equal projects give equal
projects: ids of new things are in the edit. The JSON form is the journal's, and that of `EDITS.json`.
"""

from __future__ import annotations

from engine.model import codec
from engine.model.edits.compound import Compound, SingleEdit
from engine.model.edits.patches import (
    AddPatch,
    AddTake,
    PickTake,
    RemovePatch,
    ReplacePatch,
    ReviewPatch,
)
from engine.model.edits.sources import AddSource, RenameProject, SetCanvas
from engine.model.project import Project

__all__ = [
    "AddPatch",
    "AddSource",
    "AddTake",
    "Compound",
    "Edit",
    "PickTake",
    "RemovePatch",
    "RenameProject",
    "ReplacePatch",
    "ReviewPatch",
    "SetCanvas",
    "SingleEdit",
    "edit_from_json",
    "edit_to_json",
    "edits_from_json",
    "project_from_json",
    "project_to_json",
]

Edit = SingleEdit | Compound


def edit_to_json(edit: Edit) -> str:
    """Return the canonical JSON text of an edit."""
    return codec.dumps(edit, Edit)


def edit_from_json(text: str) -> Edit:
    """Return the edit that a JSON text stands for.

    Raises:
        EditRefused: it is no edit; the message names the place.
    """
    edit: Edit = codec.loads(text, Edit)
    return edit


def edits_from_json(text: str) -> tuple[Edit, ...]:
    """Return the edits of a JSON text that holds one, or a list of them.

    Raises:
        EditRefused: something in it is no edit; the message names the place.
    """
    data = codec.parse(text)
    edits: tuple[Edit, ...] = codec.from_json(data if isinstance(data, list) else [data], tuple[Edit, ...])
    return edits


def project_to_json(project: Project) -> str:
    """Return the canonical JSON text of a project."""
    return codec.dumps(project, Project)


def project_from_json(text: str) -> Project:
    """Return the project that a JSON text stands for.

    Raises:
        EditRefused: it is no project; the message names the place.
    """
    project: Project = codec.loads(text, Project)
    return project
