"""What the person has chosen: items, a layer, the tool in hand, a region that is being drawn."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QObject, Signal, Slot

from app.session.document import Change, Document
from engine.model.layers import Item, Layer
from engine.model.patch import Patch
from engine.model.region import Region


class ToolMode(Enum):
    """What the pointer does, in the viewer and on the timeline."""

    SELECT = "select"
    BOX = "box"
    ELLIPSE = "ellipse"
    POLYGON = "polygon"
    LASSO = "lasso"
    BRUSH = "brush"
    ERASE = "erase"
    HAND = "hand"
    ZOOM = "zoom"
    RAZOR = "razor"
    TRIM = "trim"


Drawn = tuple[Region | None, int | None]
"""A region that was drawn, and the timeline frame it was drawn on; no region before the first stroke."""


class Selection(QObject):
    """What is chosen in the open project; ids that leave the project leave the selection.

    Signals:
        changed: items or layer. tool_changed: the tool.
        region_changed: the region that was drawn and is not yet a patch.
    """

    changed = Signal()
    tool_changed = Signal()
    region_changed = Signal()

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._items: frozenset[str] = frozenset()
        self._layer: str | None = None
        self._tool = ToolMode.SELECT
        self._region: Region | None = None
        self._region_frame: int | None = None
        self._before: list[Drawn] = []
        self._after: list[Drawn] = []
        document.changed.connect(self._follow)
        document.opened.connect(self.clear)
        document.closed.connect(self.clear)

    @property
    def items(self) -> frozenset[str]:
        """Return the ids of the chosen clips, items, sounds and markers."""
        return self._items

    @property
    def layer(self) -> Layer | None:
        """Return the chosen layer: that of a chosen item, or the one that was clicked."""
        project = self._document.project
        for layer in project.layers:
            if layer.id == self._layer:
                return layer
        return None

    @property
    def item(self) -> Item | None:
        """Return the chosen layer item, None where none or several are chosen."""
        if len(self._items) != 1:
            return None
        (id,) = self._items
        for layer in self._document.project.layers:
            for item in layer.items:
                if item.id == id:
                    return item
        return None

    @property
    def patch(self) -> Patch | None:
        """Return the chosen patch."""
        item = self.item
        return item if isinstance(item, Patch) else None

    @property
    def tool(self) -> ToolMode:
        """Return the tool in hand."""
        return self._tool

    @property
    def region(self) -> Region | None:
        """Return the region that was drawn for a new patch, in displayed picture coordinates, 0 to 1."""
        return self._region

    @property
    def region_frame(self) -> int | None:
        """Return the timeline frame on which the region was drawn."""
        return self._region_frame

    def choose(self, *ids: str) -> None:
        """Choose these items and no others."""
        layer = self._layer
        for known in self._document.project.layers:
            if any(item.id in ids for item in known.items):
                layer = known.id
        if (frozenset(ids), layer) != (self._items, self._layer):
            self._items, self._layer = frozenset(ids), layer
            self.changed.emit()

    def toggle(self, id: str) -> None:
        """Add an item to the chosen ones, or take it away."""
        self.choose(*(self._items ^ {id}))

    def choose_layer(self, layer_id: str | None) -> None:
        """Choose a layer; items of other layers are no longer chosen."""
        kept = self._items
        if layer_id is not None:
            layer = self._document.project.layer(layer_id)
            kept = self._items & {item.id for item in layer.items}
        if (kept, layer_id) != (self._items, self._layer):
            self._items, self._layer = kept, layer_id
            self.changed.emit()

    @Slot()
    def clear(self) -> None:
        """Choose nothing."""
        self.set_region(None, None)
        if self._items or self._layer is not None:
            self._items, self._layer = frozenset(), None
            self.changed.emit()

    def set_tool(self, tool: ToolMode) -> None:
        """Take a tool in hand."""
        if tool is not self._tool:
            self._tool = tool
            self.tool_changed.emit()

    def set_region(self, region: Region | None, frame: int | None) -> None:
        """Keep the region that is drawn on a timeline frame, or forget it and its strokes."""
        now = (self._region, self._region_frame)
        if (region, frame) == now:
            return
        self._after.clear()
        if region is None:
            self._before.clear()
        else:
            self._before.append(now)
        self._show_region((region, frame))

    @property
    def can_undo_region(self) -> bool:
        """Whether the last thing done was to draw the region or to change it."""
        return bool(self._before)

    @property
    def can_redo_region(self) -> bool:
        """Whether the last thing done was to take back a stroke of the region."""
        return bool(self._after)

    def undo_region(self) -> None:
        """Go back to the region as it was before its last stroke; before the first there is none."""
        if self._before:
            self._after.append((self._region, self._region_frame))
            self._show_region(self._before.pop())

    def redo_region(self) -> None:
        """Make the stroke again that was taken back last."""
        if self._after:
            self._before.append((self._region, self._region_frame))
            self._show_region(self._after.pop())

    def _show_region(self, drawn: Drawn) -> None:
        self._region, self._region_frame = drawn
        self.region_changed.emit()

    @Slot(object)
    def _follow(self, change: Change) -> None:
        # What was done to the project since is the next to be taken back, not an earlier stroke.
        self._before.clear()
        self._after.clear()
        project = change.after
        there = {item.id for item in project.storyline} | {marker.id for marker in project.markers}
        there |= {item.id for layer in project.layers for item in layer.items}
        there |= {sound.id for track in project.tracks for sound in track.items}
        if not self._items <= there:
            self._items &= there
            self.changed.emit()
