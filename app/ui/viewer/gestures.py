"""What a pointer draws or drags on the picture, from press to release; nothing is committed here.

Points are 0 to 1 of the source's displayed picture, `aspect` is its width by its height.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import Qt

from app.ui.viewer import shapes
from engine.errors import EditRefused
from engine.model.region import Box, Ellipse, Lasso, Point, Polygon, Region

_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ALT = Qt.KeyboardModifier.AltModifier


class Gesture(Protocol):
    """A region in the making, or one that is being changed."""

    @property
    def region(self) -> Region | None:
        """Return the region as it would be now, None while there is none."""

    @property
    def trail(self) -> list[Point]:
        """Return the open line that is being drawn, if any."""

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""


@dataclass
class DrawFrame:
    """A box or an ellipse, from corner to corner; Shift keeps it square or round, Alt draws from the middle."""

    make: type[Box] | type[Ellipse]
    begun: Point
    aspect: float
    region: Region | None = None
    trail: list[Point] = field(default_factory=list)

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        x0, y0 = self.begun
        dx, dy = at[0] - x0, at[1] - y0
        if keys & _SHIFT:
            side = max(abs(dx) * self.aspect, abs(dy))
            dx, dy = (side / self.aspect) * (1 if dx >= 0 else -1), side * (1 if dy >= 0 else -1)
        if keys & _ALT:
            corners = (x0 - abs(dx), y0 - abs(dy), x0 + abs(dx), y0 + abs(dy))
        else:
            corners = (min(x0, x0 + dx), min(y0, y0 + dy), max(x0, x0 + dx), max(y0, y0 + dy))
        try:
            self.region = self.make(*(round(value, 6) for value in corners))
        except EditRefused:
            self.region = None


@dataclass
class DrawLasso:
    """A freehand outline; released, it closes and is smoothed."""

    begun: Point
    aspect: float
    region: Region | None = None
    trail: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trail.append(self.begun)

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        last = self.trail[-1]
        if abs(at[0] - last[0]) * self.aspect + abs(at[1] - last[1]) < 0.001:
            return
        self.trail.append(at)
        try:
            self.region = shapes.smooth_lasso(self.trail, self.aspect) if len(self.trail) >= 3 else None
        except EditRefused:
            self.region = None


@dataclass
class DrawPolygon:
    """Corners set one by one; `close` when the first is met again."""

    corners: list[Point]
    pointer: Point

    @property
    def region(self) -> Region | None:
        """Return the polygon, None while it has no area."""
        try:
            return Polygon(tuple(self.corners))
        except EditRefused:
            return None

    @property
    def trail(self) -> list[Point]:
        """Return the corners and where the pointer is."""
        return [*self.corners, self.pointer]

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        self.pointer = at

    def add(self, at: Point) -> None:
        """Set a corner."""
        if at != self.corners[-1]:
            self.corners.append((round(at[0], 6), round(at[1], 6)))

    def take_back(self) -> bool:
        """Take the last corner away; tell whether any is left."""
        self.corners.pop()
        return bool(self.corners)


@dataclass
class MoveRegion:
    """A region that is dragged; Shift keeps to one direction."""

    was: Region
    begun: Point
    region: Region | None = None
    trail: list[Point] = field(default_factory=list)
    dx: float = 0.0
    dy: float = 0.0

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        dx, dy = at[0] - self.begun[0], at[1] - self.begun[1]
        if keys & _SHIFT:
            dx, dy = (dx, 0.0) if abs(dx) > abs(dy) else (0.0, dy)
        try:
            self.region = shapes.moved(self.was, dx, dy)
        except EditRefused:
            return
        self.dx, self.dy = dx, dy


@dataclass
class ResizeRegion:
    """A handle of the box around a region that is dragged; Shift keeps its shape."""

    was: Region
    corner: shapes.Corner
    region: Region | None = None
    trail: list[Point] = field(default_factory=list)

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        try:
            self.region = shapes.resized(self.was, self.corner, *at, keep_shape=bool(keys & _SHIFT))
        except EditRefused:
            return


@dataclass
class MoveNode:
    """A point of an outline that is dragged."""

    was: Polygon | Lasso
    node: int
    region: Region | None = None
    trail: list[Point] = field(default_factory=list)

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        try:
            self.region = shapes.with_node(self.was, self.node, *at)
        except EditRefused:
            return


@dataclass
class Stroke:
    """A stroke of the brush or the eraser; radius: in picture heights."""

    erases: bool
    radius: float
    trail: list[Point]
    region: Region | None = None

    def move(self, at: Point, keys: Qt.KeyboardModifier) -> None:
        """Follow the pointer."""
        self.trail.append(at)
