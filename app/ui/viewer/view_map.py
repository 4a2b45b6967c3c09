"""Where the picture lies in the viewer: fitted, or zoomed about a point. Numbers only."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF

LEAST_ZOOM, MOST_ZOOM = 0.05, 32.0
STEPS = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0, 16.0)
_MOST_FITTED = 4.0
MARGIN = 8.0
"""Points left free around a fitted picture."""


@dataclass(frozen=True, slots=True)
class ViewMap:
    """The map between the canvas (0 to 1 each way) and a widget's points.

    Attributes:
        width, height: of the canvas in square pixels.
        room: of the widget, in points. ratio: device pixels per point.
        zoom: device pixels per canvas pixel; None to fit.
        x, y: the point of the canvas that lies in the middle of the room, where it is zoomed.
    """

    width: float
    height: float
    room: QRectF
    ratio: float = 1.0
    zoom: float | None = None
    x: float = 0.5
    y: float = 0.5

    @property
    def scale(self) -> float:
        """Return points per canvas pixel."""
        if self.zoom is not None:
            return self.zoom / self.ratio
        across = max(1.0, self.room.width() - 2 * MARGIN) / self.width
        down = max(1.0, self.room.height() - 2 * MARGIN) / self.height
        return min(across, down, _MOST_FITTED / self.ratio)

    @property
    def percent(self) -> float:
        """Return how large the picture is, 100 for a canvas pixel on a device pixel."""
        return 100.0 * self.scale * self.ratio

    @property
    def picture(self) -> QRectF:
        """Return the picture's rectangle, on whole device pixels."""
        width, height = self.width * self.scale, self.height * self.scale
        middle = self.room.center()
        x, y = (0.5, 0.5) if self.zoom is None else (self.x, self.y)
        left, top = middle.x() - x * width, middle.y() - y * height
        return QRectF(self._whole(left), self._whole(top), self._whole(width), self._whole(height))

    @property
    def device_size(self) -> tuple[int, int]:
        """Return the picture's width and height in device pixels."""
        picture = self.picture
        return max(1, round(picture.width() * self.ratio)), max(1, round(picture.height() * self.ratio))

    def to_view(self, x: float, y: float) -> QPointF:
        """Return where a point of the canvas (0 to 1) lies in the widget."""
        picture = self.picture
        return QPointF(picture.left() + x * picture.width(), picture.top() + y * picture.height())

    def to_canvas(self, point: QPointF) -> tuple[float, float]:
        """Return the point of the canvas (0 to 1, beyond that outside) under a point of the widget."""
        picture = self.picture
        return (point.x() - picture.left()) / picture.width(), (point.y() - picture.top()) / picture.height()

    def zoomed(self, zoom: float, about: QPointF) -> ViewMap:
        """Return the map at another zoom, with the same point of the canvas under `about`."""
        zoom = min(max(zoom, LEAST_ZOOM), MOST_ZOOM)
        x, y = self.to_canvas(about)
        middle = self.room.center()
        scale = zoom / self.ratio
        return replace(
            self,
            zoom=zoom,
            x=x - (about.x() - middle.x()) / (self.width * scale),
            y=y - (about.y() - middle.y()) / (self.height * scale),
        )

    def stepped(self, steps: int, about: QPointF) -> ViewMap:
        """Return the map at the next larger (or smaller) of the usual zooms."""
        now = self.scale * self.ratio
        if steps > 0:
            return self.zoomed(next((step for step in STEPS if step > now * 1.01), MOST_ZOOM), about)
        return self.zoomed(next((step for step in reversed(STEPS) if step < now * 0.99), LEAST_ZOOM), about)

    def panned(self, dx: float, dy: float) -> ViewMap:
        """Return the map with the picture moved by points; a part of it stays in the room."""
        now = self if self.zoom is not None else self.zoomed(self.scale * self.ratio, self.room.center())
        x = now.x - dx / (now.width * now.scale)
        y = now.y - dy / (now.height * now.scale)
        return replace(now, x=min(max(x, 0.0), 1.0), y=min(max(y, 0.0), 1.0))

    def showing(self, box: QRectF) -> ViewMap:
        """Return the map moved so that a part of the canvas (0 to 1) is seen; its upper left, where it is too large."""
        if self.zoom is None:
            return self
        upper, lower = self.to_view(box.left(), box.top()), self.to_view(box.right(), box.bottom())
        room = self.room.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        return self.panned(
            _inward(upper.x(), lower.x(), room.left(), room.right()),
            _inward(upper.y(), lower.y(), room.top(), room.bottom()),
        )

    def fitted(self) -> ViewMap:
        """Return the map with all of the picture in the room."""
        return replace(self, zoom=None, x=0.5, y=0.5)

    def _whole(self, points: float) -> float:
        return round(points * self.ratio) / self.ratio


def _inward(start: float, stop: float, least: float, most: float) -> float:
    """Return by how much a stretch has to move to lie between two points, its start at least."""
    return max(least - start, 0.0) if start < least else max(min(0.0, most - stop), least - start)
