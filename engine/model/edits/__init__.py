"""Every change to a project is a frozen value with `apply(project) -> project`; undo is the former value.

An edit that the project does not allow raises EditRefused and changes nothing. Equal edits on equal projects give equal
projects: ids of new things are in the edit. The JSON form is the journal's, and that of `EDITS.json`.
"""

from __future__ import annotations

from engine.errors import EditRefused
from engine.model import codec
from engine.model.checks import check
from engine.model.edits.compound import Compound, SingleEdit
from engine.model.edits.items import AddItems, MoveItem, RemoveItems, ReplaceItem
from engine.model.edits.layers import (
    AddLayer,
    ChangeLayer,
    DropVersion,
    MoveLayer,
    RemoveLayer,
    RenameVersion,
    RestoreVersion,
    SaveVersion,
)
from engine.model.edits.markers import AddMarkers, RemoveMarkers, ReplaceMarker, SetInOut
from engine.model.edits.patches import AddPatch, AddTake, JudgeTake, PickTake, RemovePatch, ReplacePatch, ReviewPatch
from engine.model.edits.sound import (
    AddSounds,
    AddTrack,
    AttachSound,
    ChangeTrack,
    DetachSound,
    MoveTrack,
    RemoveSound,
    RemoveTrack,
    ReplaceSound,
    SetMix,
)
from engine.model.edits.sources import AddSource, RemoveSource, RenameProject, ReplaceSource, SetCanvas
from engine.model.edits.storyline import (
    AppendClip,
    ChangeClip,
    Edge,
    ExtractClips,
    ExtractRange,
    InsertClip,
    LiftClips,
    LiftRange,
    MoveClip,
    MoveMode,
    OverwriteClip,
    ReorderClip,
    RetimeClip,
    RollCut,
    SlideClip,
    SlipClip,
    SplitClip,
    TrimClip,
)
from engine.model.project import Project

__all__ = [
    "AddItems",
    "AddLayer",
    "AddMarkers",
    "AddPatch",
    "AddSounds",
    "AddSource",
    "AddTake",
    "AddTrack",
    "AppendClip",
    "AttachSound",
    "ChangeClip",
    "ChangeLayer",
    "ChangeTrack",
    "Compound",
    "DetachSound",
    "DropVersion",
    "Edge",
    "Edit",
    "ExtractClips",
    "ExtractRange",
    "InsertClip",
    "JudgeTake",
    "LiftClips",
    "LiftRange",
    "MoveClip",
    "MoveItem",
    "MoveLayer",
    "MoveMode",
    "MoveTrack",
    "OverwriteClip",
    "PickTake",
    "RemoveItems",
    "RemoveLayer",
    "RemoveMarkers",
    "RemovePatch",
    "RemoveSound",
    "RemoveSource",
    "RemoveTrack",
    "RenameProject",
    "RenameVersion",
    "ReorderClip",
    "ReplaceItem",
    "ReplaceMarker",
    "ReplacePatch",
    "ReplaceSound",
    "ReplaceSource",
    "RestoreVersion",
    "RetimeClip",
    "ReviewPatch",
    "RollCut",
    "SaveVersion",
    "SetCanvas",
    "SetInOut",
    "SetMix",
    "SingleEdit",
    "SlideClip",
    "SlipClip",
    "SplitClip",
    "TrimClip",
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
    listed: list[codec.Json] = data if isinstance(data, list) else [data]
    for number, edit in enumerate(listed, start=1):
        if not isinstance(edit, dict) or "is" not in edit:
            raise EditRefused(f'edit {number} does not say what it is, such as {{"is": "SplitClip", ...}}')
    edits: tuple[Edit, ...] = codec.from_json(listed, tuple[Edit, ...])
    return edits


def project_to_json(project: Project) -> str:
    """Return the canonical JSON text of a project."""
    return codec.dumps(project, Project)


def project_from_json(text: str) -> Project:
    """Return the project that a JSON text stands for.

    Raises:
        EditRefused: it is no project, or does not hold together; the message names the place.
    """
    project: Project = codec.loads(text, Project)
    check(project)
    return project
