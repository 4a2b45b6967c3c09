"""What the tools on the picture stand on: where the shown frame lies, what was found on it, what is under a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainterPath, QPolygonF, QTransform

from app.session.session import Session
from app.ui.viewer import marks, shapes
from app.ui.viewer.findings import Findings, Outlines, placed_map
from app.ui.viewer.gestures import Gesture, MoveNode, ResizeRegion
from app.ui.viewer.item_box import ItemBox
from app.ui.viewer.item_hand import is_near
from app.ui.viewer.picture_view import PictureView
from app.ui.viewer.region_edits import Editable, RegionEdits
from app.ui.viewer.view_map import ViewMap
from engine.model.captions import Caption
from engine.model.overlay import Overlay
from engine.model.patch import Follow, Patch
from engine.model.region import Box, Lasso, Point, Polygon


class Ground:
    """The shown frame of a view, for the pointer and for painting.

    Attributes:
        findings: the last that were worked out, maybe of another frame.
    """

    def __init__(self, session: Session, edits: RegionEdits, view: PictureView) -> None:
        self._session = session
        self._selection = session.selection
        self._edits = edits
        self._view = view
        self.findings: Findings | None = None

    @property
    def found(self) -> Findings | None:
        """Return what was found on the shown frame, None where that is not known (yet)."""
        found = self.findings
        return found if found is not None and found.frame == self._view.shown_frame else None

    @property
    def editable(self) -> Editable | None:
        """Return the region that can be changed on the shown frame."""
        return self._edits.editable(self._view.shown_frame)

    # --- coordinates ------------------------------------------------------------------------------------------------

    def to_view(self, view: ViewMap) -> QTransform:
        """Return the map from a source's displayed picture (0 to 1) to the widget."""
        picture = view.picture
        canvas = QTransform(picture.width(), 0, 0, picture.height(), picture.left(), picture.top())
        return placed_map(self._session.preview.scene, self._view.shown_frame) * canvas

    def to_source(self, point: QPointF) -> Point:
        """Return the point of the source's displayed picture under a point of the widget."""
        back, _ = self.to_view(self._view.map_at(point)).inverted()
        found = back.map(point)
        return found.x(), found.y()

    def aspect(self) -> float:
        """Return the width of the source's picture by its height."""
        source = self.to_view(self._view.view_map)
        return abs(source.m11() or source.m12()) / max(1e-9, abs(source.m22() or source.m21()))

    # --- titles and captions ----------------------------------------------------------------------------------------

    def box_of_chosen(self) -> ItemBox | None:
        """Return the frame around the chosen title or caption, None where none shows."""
        found, item = self.found, self._selection.item
        if found is None or item is None:
            return None
        return next((box for box in found.boxes if box.item == item), None)

    def box_at(self, point: QPointF) -> ItemBox | None:
        """Return the frame of the topmost title or caption under a point of the widget."""
        found = self.found
        if found is None:
            return None
        view = self._view.map_at(point)
        for box in reversed(found.boxes):
            outline = QPolygonF([view.to_view(*corner) for corner in box.corners])
            if outline.containsPoint(point, Qt.FillRule.WindingFill):
                return self._as_it_is_now(box)
        return None

    def _as_it_is_now(self, box: ItemBox) -> ItemBox | None:
        """Return the frame around an item with the item itself as it is now; None once it is gone.

        A frame is worked out beside the picture: what the item says may have changed since.
        """
        layers = self._session.document.project.layers
        item = next((item for layer in layers for item in layer.items if item.id == box.item.id), None)
        return replace(box, item=item) if isinstance(item, Overlay | Caption) else None

    # --- regions ----------------------------------------------------------------------------------------------------

    def outlines(self, editable: Editable) -> Outlines:
        """Return the outlines of the region on the shown frame, none where they are not known."""
        found = self.found
        if found is None or editable.patch is None:
            return ()
        return found.outlines if found.patch_id == editable.patch.id else ()

    def reach(self, editable: Editable) -> Outlines:
        """Return the lines up to which the mask of the region goes, none where that is the outline itself."""
        found = self.found
        if found is None or editable.patch is None or found.patch_id != editable.patch.id:
            return ()
        return found.reach

    def taken_hold(self, point: QPointF) -> Gesture | None:
        """Return the gesture of a region's handle or node under a point of the widget."""
        editable = self.editable
        if editable is None or not editable.is_anchor:
            return None
        region = self._edits.shown(editable)
        view = self.to_view(self._view.map_at(point))
        for node in shapes.nodes(region):
            if is_near(view.map(QPointF(*shapes.node_point(region, node))), point):
                assert isinstance(region, Polygon | Lasso)
                return MoveNode(region, node)
        for corner in shapes.CORNERS:
            if is_near(view.map(QPointF(*shapes.corner_point(region.bounds, corner))), point):
                return ResizeRegion(region, corner)
        return None

    def patch_at(self, at: Point) -> str | None:
        """Return the patch on the shown frame under a point of the source, the smallest first."""
        document, frame = self._session.document, self._view.shown_frame
        shown = None if frame is None else document.timeline.source_at(frame)
        if shown is None:
            return None
        carried = self._carried_at(at)
        found = [
            patch
            for patch in document.project.patches
            if patch.source_id == shown.source_id
            and shown.frame in patch.frames
            and (
                patch.id in carried
                or (shapes.contains(patch.region, *at) and (_stays(patch) or patch.anchor == shown.frame))
            )
        ]
        if not found:
            return None
        return min(found, key=lambda patch: _area(patch.region.bounds)).id

    def is_inside(self, editable: Editable, at: Point) -> bool:
        """Tell whether a point of the source is in the region, where it was carried to."""
        if editable.is_anchor or editable.patch is None:
            return shapes.contains(self._edits.shown(editable), *at)
        return editable.patch.id in self._carried_at(at)

    def is_on_region(self, point: QPointF) -> bool:
        """Tell whether a point of the widget is on the region that can be changed, or in the box around it."""
        editable = self.editable
        if editable is None:
            return False
        at = self.to_source(point)
        return self.is_inside(editable, at) or (editable.is_anchor and shapes.contains(editable.region.bounds, *at))

    def _carried_at(self, at: Point) -> frozenset[str]:
        """Return the patches that were followed to a point of the shown frame."""
        found = self.found
        if found is None:
            return frozenset()
        known = [*found.others, *([(found.patch_id, found.outlines)] if found.patch_id else [])]
        whole = QTransform()
        return frozenset(
            id for id, outlines in known if any(path_of(outline, whole).contains(QPointF(*at)) for outline in outlines)
        )


def path_of(points: Sequence[Point], to_view: QTransform) -> QPainterPath:
    """Return a closed line through points of the source, in the widget."""
    return marks.closed_path(to_view.map(QPointF(*point)) for point in points)


def _stays(patch: Patch) -> bool:
    motion = patch.effective_motion
    return motion.follow is Follow.STATIC and not motion.nudges


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)
