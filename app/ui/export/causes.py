"""What changes a range of the timeline, in the words of the person who put it there."""

from __future__ import annotations

from app.ui.timeline.content import name_of
from engine.model.captions import Caption
from engine.model.layers import CaptionMode, Item, Layer, LayerKind
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.placement import timeline_bounds
from engine.model.project import Project
from engine.model.time import Range
from engine.model.timeline import TimelineMap


class Causes:
    """Finds the items that show in a range; looked through when it is first asked."""

    def __init__(self, project: Project, timeline: TimelineMap) -> None:
        self._project = project
        self._timeline = timeline
        self._found: list[tuple[int, int, Item]] | None = None

    def words(self, frames: Range) -> str:
        """Return what changes some frames, such as 'Patch “Leash” and 2 more'; empty where it is no item."""
        if self._found is None:
            self._found = [
                (start, stop, item)
                for layer in reversed(self._project.layers)
                if _is_drawn(layer)
                for item in layer.items
                if getattr(item, "visible", True)
                for start, stop in timeline_bounds(item, self._timeline)
            ]
        items = {item.id: item for start, stop, item in self._found if start < frames.stop and stop > frames.start}
        if not items:
            return ""
        first = next(iter(items.values()))
        more = f" and {len(items) - 1} more" if len(items) > 1 else ""
        return f"{_kind(first)} “{_short(name_of(self._project, first))}”{more}"


def _is_drawn(layer: Layer) -> bool:
    settings = layer.settings
    is_track = layer.kind is LayerKind.CAPTIONS and settings.captions is CaptionMode.SOFT
    return settings.visible and settings.opacity > 0 and not is_track


def _kind(item: Item) -> str:
    match item:
        case Patch():
            return "Patch"
        case Overlay():
            return "Overlay"
        case Caption():
            return "Caption"
        case _:
            return "Subject"


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39].rstrip()}…"
