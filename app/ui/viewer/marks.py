"""What is painted on the picture, at constant size: outlines, handles, safe areas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF, QTransform

from app.ui.theme.theme import HANDLE, HANDLE_EDGE, REGION_EDGE, REGION_LINE
from app.ui.viewer.gestures import DrawLasso, DrawPolygon, Gesture, Stroke

_SIDE = 8.0
_FAINT = 0.55


def closed_path(points: Iterable[QPointF]) -> QPainterPath:
    """Return the closed line through points."""
    path = QPainterPath()
    path.addPolygon(QPolygonF(list(points)))
    path.closeSubpath()
    return path


def paint_outline(painter: QPainter, path: QPainterPath, *, dashed: bool = False) -> None:
    """Paint a region's outline so that it is seen on any picture."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    edge = QPen(REGION_EDGE, 4)
    edge.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(edge)
    painter.drawPath(path)
    line = QPen(REGION_LINE, 1.75)
    line.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        line.setDashPattern([4, 3])
    painter.setPen(line)
    painter.drawPath(path)


def paint_reach(painter: QPainter, path: QPainterPath) -> None:
    """Paint the line at which a region's soft edge ends: finer than its outline, and dotted."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(REGION_EDGE, 3))
    painter.drawPath(path)
    dots = QPen(REGION_LINE, 1.25)
    dots.setDashPattern([1.5, 3])
    painter.setPen(dots)
    painter.drawPath(path)


def paint_mask(painter: QPainter, outside: QPainterPath, inside: QPainterPath) -> None:
    """Paint everything but a region dark."""
    veil = QColor(HANDLE_EDGE)
    veil.setAlphaF(_FAINT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(veil)
    painter.drawPath(outside.subtracted(inside))


def paint_frame(painter: QPainter, corners: Sequence[QPointF]) -> None:
    """Paint the dashed frame around what can be resized."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(HANDLE_EDGE, 1))
    painter.drawPolygon(QPolygonF(list(corners)))
    dashes = QPen(HANDLE, 1)
    dashes.setDashPattern([3, 3])
    painter.setPen(dashes)
    painter.drawPolygon(QPolygonF(list(corners)))


def paint_handle(painter: QPainter, at: QPointF) -> None:
    """Paint a square handle."""
    painter.setPen(QPen(HANDLE_EDGE, 1))
    painter.setBrush(HANDLE)
    painter.drawRect(QRectF(round(at.x()) - _SIDE / 2 + 0.5, round(at.y()) - _SIDE / 2 + 0.5, _SIDE - 1, _SIDE - 1))


def paint_node(painter: QPainter, at: QPointF) -> None:
    """Paint a point of an outline that can be dragged."""
    painter.setPen(QPen(HANDLE_EDGE, 1))
    painter.setBrush(REGION_LINE)
    painter.drawEllipse(at, 3.5, 3.5)


def paint_turn(painter: QPainter, top: QPointF, grip: QPointF) -> None:
    """Paint the handle that turns something, with its stalk."""
    painter.setPen(QPen(HANDLE_EDGE, 3))
    painter.drawLine(top, grip)
    painter.setPen(QPen(HANDLE, 1))
    painter.drawLine(top, grip)
    painter.setPen(QPen(HANDLE_EDGE, 1))
    painter.setBrush(HANDLE)
    painter.drawEllipse(grip, 4.5, 4.5)


def paint_safe_areas(painter: QPainter, picture: QRectF) -> None:
    """Paint the action-safe and the title-safe area (EBU R 95: 93 % and 90 % of a 16:9 picture) and the middle."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for share in (0.93, 0.90):
        dx, dy = picture.width() * (1 - share) / 2, picture.height() * (1 - share) / 2
        area = picture.adjusted(dx, dy, -dx, -dy)
        painter.setPen(QPen(REGION_EDGE, 3))
        painter.drawRect(area)
        painter.setPen(QPen(HANDLE, 1))
        painter.drawRect(area)
    middle = picture.center()
    for pen in (QPen(REGION_EDGE, 3), QPen(HANDLE, 1)):
        painter.setPen(pen)
        painter.drawLine(QPointF(middle.x() - 8, middle.y()), QPointF(middle.x() + 8, middle.y()))
        painter.drawLine(QPointF(middle.x(), middle.y() - 8), QPointF(middle.x(), middle.y() + 8))


def paint_trail(painter: QPainter, gesture: Gesture, to_view: QTransform, height: float) -> None:
    """Paint the line that is being drawn; height: of the picture, in points."""
    points = [to_view.map(QPointF(*point)) for point in gesture.trail]
    if isinstance(gesture, Stroke):
        pen = QPen(HANDLE if gesture.erases else REGION_LINE, 2 * gesture.radius * height)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.save()
        painter.setOpacity(0.5)
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points if len(points) > 1 else [*points, points[0] + QPointF(0.1, 0)]))
        painter.restore()
        return
    path = QPainterPath()
    path.addPolygon(QPolygonF(points))
    paint_outline(painter, path, dashed=isinstance(gesture, DrawLasso))
    if isinstance(gesture, DrawPolygon):
        for corner in points[:-1]:
            paint_node(painter, corner)
