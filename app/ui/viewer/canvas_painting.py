"""Paint what lies over the picture: regions with their handles, frames around titles, the brush. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QTransform

from app.ui.theme.theme import HANDLE, HANDLE_EDGE
from app.ui.viewer import marks, shapes
from app.ui.viewer.gestures import DrawPolygon, Gesture
from app.ui.viewer.ground import Ground, path_of
from app.ui.viewer.item_box import ItemBox
from app.ui.viewer.item_hand import turn_grip
from app.ui.viewer.picture_view import PictureView
from app.ui.viewer.region_edits import Editable, RegionEdits
from app.ui.viewer.view_map import ViewMap
from engine.model.overlay import Overlay
from engine.model.region import Box, Region

_APART = 4.0
"""Points between two lines that are seen as two."""


@dataclass(frozen=True, slots=True)
class InHand:
    """What the person has in hand while the picture is painted.

    Attributes:
        gesture: on a region. box: the frame around the chosen title or caption as it is dragged, None for none.
        is_bare: nothing but the outline is to be seen: it plays, or the film alone shows.
        shows_mask: all but the region is dark.
    """

    gesture: Gesture | None
    box: ItemBox | None
    is_bare: bool
    is_playing: bool
    shows_mask: bool


class CanvasPainting:
    """Paints in the coordinates of a view."""

    def __init__(self, ground: Ground, edits: RegionEdits, view: PictureView) -> None:
        self._ground = ground
        self._edits = edits
        self._view = view

    def regions(self, painter: QPainter, view: ViewMap, hand: InHand) -> None:
        """Paint the region that can be changed, and what is being drawn."""
        to_view = self._ground.to_view(view)
        editable = self._ground.editable
        gesture = hand.gesture
        path = self.region_path(editable, to_view, hand)
        if hand.shows_mask and not path.isEmpty():
            whole = QPainterPath()
            whole.addRect(view.picture.intersected(view.room))
            marks.paint_mask(painter, whole, path)
        if not path.isEmpty():
            carried = editable is not None and not editable.is_anchor
            marks.paint_outline(painter, path, dashed=carried)
            self._reach(painter, editable, path, to_view, hand)
        if gesture is not None and gesture.trail:
            marks.paint_trail(painter, gesture, to_view, view.picture.height())
        if editable is None or gesture is not None or hand.is_bare:
            return
        if editable.is_anchor:
            self._handles(painter, self._edits.shown(editable), to_view)
        if editable.patch is not None and editable.patch.name and not path.isEmpty():
            place = path.boundingRect()
            at = QPointF(place.left(), max(view.room.top() + 4, place.top() - 34))
            self._view.chip(painter, at, editable.patch.name, icon="region")

    def _reach(
        self, painter: QPainter, editable: Editable | None, outline: QPainterPath, to_view: QTransform, hand: InHand
    ) -> None:
        """Paint how far the mask goes beyond the outline, or falls short of it, where that can be told from it."""
        if editable is None or hand.gesture is not None or hand.is_playing or self._edits.pending is not None:
            # What is dragged has left the line behind.
            return
        path = QPainterPath()
        for line in self._ground.reach(editable):
            path.addPath(path_of(line, to_view))
        apart = abs(path.boundingRect().width() - outline.boundingRect().width()) / 2
        if not path.isEmpty() and apart >= _APART:
            marks.paint_reach(painter, path)

    def _handles(self, painter: QPainter, region: Region, to_view: QTransform) -> None:
        box = region.bounds
        corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
        if not isinstance(region, Box):
            # Around a box it would lie on the outline itself, and hide what it is.
            marks.paint_frame(painter, [to_view.map(QPointF(*corner)) for corner in corners])
        for node in shapes.nodes(region):
            marks.paint_node(painter, to_view.map(QPointF(*shapes.node_point(region, node))))
        for corner in shapes.CORNERS:
            marks.paint_handle(painter, to_view.map(QPointF(*shapes.corner_point(box, corner))))

    def region_path(self, editable: Editable | None, to_view: QTransform, hand: InHand) -> QPainterPath:
        """Return the outline of the region as it is drawn, dragged or carried; empty where there is none."""
        gesture, now = hand.gesture, None
        if gesture is not None and not isinstance(gesture, DrawPolygon):
            now = gesture.region
        if now is not None and (editable is None or editable.is_anchor):
            return path_of(shapes.outline_points(now), to_view)
        if editable is None or hand.is_playing:
            return QPainterPath()
        if editable.is_anchor and self._edits.pending is not None:
            return path_of(shapes.outline_points(self._edits.pending), to_view)
        outlines = self._ground.outlines(editable)
        if outlines:
            # A carried region that is dragged is still counted from where it was drawn.
            shift = _shift(editable.region, now or self._edits.shown(editable))
            path = QPainterPath()
            for outline in outlines:
                path.addPath(path_of(outline, shift * to_view))
            return path
        return path_of(shapes.outline_points(editable.region), to_view) if editable.is_anchor else QPainterPath()

    def item(self, painter: QPainter, view: ViewMap, box: ItemBox) -> None:
        """Paint the frame around a title or a caption."""
        corners = [view.to_view(*corner) for corner in box.corners]
        marks.paint_frame(painter, corners)
        if isinstance(box.item, Overlay):
            marks.paint_turn(painter, *turn_grip(corners))
        for corner in corners:
            marks.paint_handle(painter, corner)

    def brush(self, painter: QPainter, at: QPointF, size: float) -> None:
        """Paint the edge of the brush; size: its radius by the height of the source's picture."""
        radius = size * self._ground.to_view(self._view.view_map).mapRect(QRectF(0, 0, 1, 1)).height()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(HANDLE_EDGE, 3), QPen(HANDLE, 1.25)):
            painter.setPen(pen)
            painter.drawEllipse(at, radius, radius)


def _shift(was: Region, now: Region) -> QTransform:
    return QTransform.fromTranslate(now.bounds.x0 - was.bounds.x0, now.bounds.y0 - was.bounds.y0)
