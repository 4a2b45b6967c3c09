"""Several edits that are one step to the person."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import EditRefused
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
    ExtractClips,
    ExtractRange,
    InsertClip,
    LiftClips,
    LiftRange,
    MoveClip,
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

SingleEdit = (
    RenameProject
    | AddSource
    | RemoveSource
    | ReplaceSource
    | SetCanvas
    | InsertClip
    | AppendClip
    | OverwriteClip
    | SplitClip
    | TrimClip
    | RollCut
    | SlipClip
    | SlideClip
    | LiftRange
    | ExtractRange
    | LiftClips
    | ExtractClips
    | MoveClip
    | ReorderClip
    | ChangeClip
    | RetimeClip
    | AddLayer
    | RemoveLayer
    | MoveLayer
    | ChangeLayer
    | SaveVersion
    | RestoreVersion
    | RenameVersion
    | DropVersion
    | AddItems
    | ReplaceItem
    | RemoveItems
    | MoveItem
    | AddPatch
    | ReplacePatch
    | RemovePatch
    | AddTake
    | PickTake
    | JudgeTake
    | ReviewPatch
    | AddMarkers
    | ReplaceMarker
    | RemoveMarkers
    | SetInOut
    | AddTrack
    | ChangeTrack
    | RemoveTrack
    | MoveTrack
    | AddSounds
    | ReplaceSound
    | RemoveSound
    | DetachSound
    | AttachSound
    | SetMix
)


@dataclass(frozen=True, slots=True)
class Compound:
    """All of `edits` in order, or none of them."""

    title: str
    edits: tuple[SingleEdit, ...]

    def __post_init__(self) -> None:
        if not self.edits:
            raise EditRefused(f"the step {self.title!r} holds no edit")

    def apply(self, project: Project) -> Project:
        """Return the project with every edit applied."""
        for edit in self.edits:
            project = edit.apply(project)
        return project
