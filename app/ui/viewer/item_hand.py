"""An overlay or a caption in the hand: dragged, scaled at a corner, or turned at its handle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPolygonF

from app.session.scene import Scene
from app.ui.viewer.item_box import ItemBox, dropped, reshaped, style_of
from app.ui.viewer.view_map import ViewMap
from engine.model.captions import Caption
from engine.model.overlay import Overlay
from engine.model.region import Point

REACH = 7.0
"""Points around a handle in which it is taken hold of."""
_TURN_STALK = 22.0
_TURN_STEP_DEG = 15.0


class Hold(Enum):
    """What of an item is in the hand."""

    INSIDE = "inside"
    CORNER = "corner"
    TURN = "turn"


@dataclass(slots=True)
class ItemDrag:
    """An item that is dragged.

    Attributes:
        box: where it was. begun: where it was taken hold of, 0 to 1 of the canvas. now: where it is.
    """

    box: ItemBox
    begun: Point
    hold: Hold
    now: ItemBox
    dx: float = 0.0
    dy: float = 0.0
    degrees: float = 0.0
    scale: float = 1.0

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer; Shift keeps to one direction, or to steps of 15 degrees."""
        mx, my = self.box.middle
        aspect = self.box.aspect
        shift = bool(keys & Qt.KeyboardModifier.ShiftModifier)
        match self.hold:
            case Hold.INSIDE:
                self.dx, self.dy = at[0] - self.begun[0], at[1] - self.begun[1]
                if shift:
                    self.dx, self.dy = (self.dx, 0.0) if abs(self.dx) > abs(self.dy) else (0.0, self.dy)
                self.now = self.box.moved(self.dx, self.dy)
            case Hold.CORNER:
                far = math.hypot((at[0] - mx) * aspect, at[1] - my)
                was = math.hypot((self.begun[0] - mx) * aspect, self.begun[1] - my)
                self.scale = max(0.01, far / max(was, 1e-6))
                self.now = self.box.turned(0.0, self.scale)
            case Hold.TURN:
                angle = math.atan2(at[1] - my, (at[0] - mx) * aspect)
                was = math.atan2(self.begun[1] - my, (self.begun[0] - mx) * aspect)
                self.degrees = math.degrees(angle - was)
                if shift:
                    self.degrees = _TURN_STEP_DEG * round(self.degrees / _TURN_STEP_DEG)
                self.now = self.box.turned(self.degrees, 1.0)

    def changed(self, scene: Scene) -> Overlay | Caption:
        """Return the item as it was let go.

        Raises:
            EditRefused: it would be out of bounds.
        """
        style = style_of(scene, self.box.item)
        if self.hold is Hold.INSIDE:
            return dropped(self.box, self.dx, self.dy, style)
        return reshaped(self.box, self.degrees, self.scale, style)


def taken_hold(box: ItemBox, view: ViewMap, point: QPointF) -> ItemDrag | None:
    """Return the drag of an item that begins at a point of the widget, None where that is not on it."""
    at = view.to_canvas(point)
    corners = [view.to_view(*corner) for corner in box.corners]
    if isinstance(box.item, Overlay) and is_near(turn_grip(corners)[1], point):
        return ItemDrag(box, at, Hold.TURN, box)
    if any(is_near(corner, point) for corner in corners):
        return ItemDrag(box, at, Hold.CORNER, box)
    if QPolygonF(corners).containsPoint(point, Qt.FillRule.WindingFill):
        return ItemDrag(box, at, Hold.INSIDE, box)
    return None


def turn_grip(corners: Sequence[QPointF]) -> tuple[QPointF, QPointF]:
    """Return where the stalk of the turning handle begins, and the handle."""
    top = (corners[0] + corners[1]) / 2
    middle = (corners[0] + corners[2]) / 2
    away = top - middle
    length = max(1.0, math.hypot(away.x(), away.y()))
    return top, top + away * (_TURN_STALK / length)


def is_near(one: QPointF, other: QPointF) -> bool:
    """Tell whether a point of the widget takes hold of a handle at another."""
    return abs(one.x() - other.x()) <= REACH and abs(one.y() - other.y()) <= REACH
