"""Edits of markers and of the in/out range."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.checks import check_in_out, check_marker, check_new
from engine.model.markers import Marker
from engine.model.project import Project
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class AddMarkers:
    """Set markers."""

    markers: tuple[Marker, ...]

    title = "Add marker"

    def apply(self, project: Project) -> Project:
        """Return the project with the markers."""
        check_new(project, [marker.id for marker in self.markers])
        for marker in self.markers:
            check_marker(project, marker)
        return replace(project, markers=(*project.markers, *self.markers))


@dataclass(frozen=True, slots=True)
class ReplaceMarker:
    """Change anything of a marker: the new value stands where the one with its id stood."""

    marker: Marker

    title = "Change marker"

    def apply(self, project: Project) -> Project:
        """Return the project with the marker changed."""
        old = project.marker(self.marker.id)
        check_marker(project, self.marker)
        return replace(project, markers=tuple(self.marker if marker is old else marker for marker in project.markers))


@dataclass(frozen=True, slots=True)
class RemoveMarkers:
    """Remove markers."""

    marker_ids: tuple[str, ...]

    title = "Remove marker"

    def apply(self, project: Project) -> Project:
        """Return the project without the markers."""
        if not self.marker_ids:
            raise EditRefused("no marker is named")
        gone = {project.marker(marker_id).id for marker_id in self.marker_ids}
        return replace(project, markers=tuple(marker for marker in project.markers if marker.id not in gone))


@dataclass(frozen=True, slots=True)
class SetInOut:
    """Mark a range of the timeline; None for all of it."""

    frames: Range | None

    title = "Set in and out"

    def apply(self, project: Project) -> Project:
        """Return the project with the range marked."""
        if self.frames is not None:
            check_in_out(self.frames)
        return replace(project, in_out=self.frames)
