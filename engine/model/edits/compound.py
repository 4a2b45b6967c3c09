"""Several edits that are one step to the person."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import EditRefused
from engine.model.edits.patches import AddPatch, AddTake, PickTake, RemovePatch, ReplacePatch, ReviewPatch
from engine.model.edits.sources import AddSource, RenameProject, SetCanvas
from engine.model.project import Project

SingleEdit = (
    AddSource | RenameProject | SetCanvas | AddPatch | ReplacePatch | RemovePatch | AddTake | PickTake | ReviewPatch
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
