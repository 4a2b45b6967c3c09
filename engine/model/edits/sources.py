"""Edits of the project's head: its sources, its canvas, its name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.project import Canvas, Project
from engine.model.source import Source


@dataclass(frozen=True, slots=True)
class AddSource:
    """Take a media file into the project; the first picture sets the canvas, as long as the storyline is empty."""

    source: Source

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Import {self.source.name}"

    def apply(self, project: Project) -> Project:
        """Return the project with the source."""
        if any(source.id == self.source.id for source in project.sources):
            raise EditRefused(f"the project already has a source {self.source.id}")
        first = not project.storyline and all(source.picture is None for source in project.sources)
        canvas = Canvas.of(self.source.picture) if first and self.source.picture is not None else project.canvas
        return replace(project, sources=(*project.sources, self.source), canvas=canvas)


@dataclass(frozen=True, slots=True)
class SetCanvas:
    """Change the size, the rate or the colour of the picture that the timeline makes."""

    canvas: Canvas

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Canvas {self.canvas.width}x{self.canvas.height}"

    def apply(self, project: Project) -> Project:
        """Return the project on the new canvas."""
        return replace(project, canvas=self.canvas)


@dataclass(frozen=True, slots=True)
class RenameProject:
    """Give the project another name."""

    name: str

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Rename to {self.name}"

    def apply(self, project: Project) -> Project:
        """Return the project under its new name."""
        return replace(project, name=self.name)
