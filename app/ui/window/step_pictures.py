"""The pictures of the start screen: a region on a frame, a wipe over a take, and a strip of what is copied.

The frames are of the sample film (`tests/look/start_pictures.py` makes them).
"""

from __future__ import annotations

import logging
from enum import Enum
from functools import lru_cache
from importlib.resources import files

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QImage,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.theme.theme import HANDLE, HANDLE_EDGE, PICTURE_LABEL, REGION_EDGE, REGION_LINE

_LOG = logging.getLogger(__name__)
_SHAPE = 320 / 150
"""Width over height of a step's picture."""
_LASSO = ((0.39, 0.42), (0.44, 0.29), (0.52, 0.25), (0.6, 0.35), (0.62, 0.55), (0.57, 0.72), (0.48, 0.76), (0.4, 0.64))
"""Around the mug's logo, 0 to 1 of the picture."""
_WIPE_AT = 0.52
_FRAMES = 6


class Step(Enum):
    """What a picture shows."""

    REGION = "region"
    WIPE = "wipe"
    EXPORT = "export"
    FRAME = "frame"


class StepPicture(QWidget):
    """One picture, as wide as it is given and as high as its shape asks for; it says nothing that no word says."""

    def __init__(self, theme: Theme, step: Step, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._step = theme, step
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(240, round(240 / _SHAPE))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 40)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._step is not Step.FRAME:
            self.setFixedHeight(round(self.width() / _SHAPE))

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        try:
            outline = QPainterPath()
            outline.addRoundedRect(QRectF(self.rect()), 4, 4)
            painter.setClipPath(outline)
            painter.fillRect(self.rect(), self._theme.colour("surface.2"))
            match self._step:
                case Step.REGION:
                    self._paint_frame(painter, "mug")
                    self._paint_region(painter)
                case Step.WIPE:
                    self._paint_frame(painter, "mug")
                    self._paint_wipe(painter)
                case Step.EXPORT:
                    self._paint_export(painter)
                case Step.FRAME:
                    self._paint_frame(painter, "mug")
        except Exception:  # Qt's edge: what leaves a paint call ends the process
            _LOG.exception("a picture of the start screen could not be painted")
        finally:
            painter.end()

    def _paint_frame(self, painter: QPainter, name: str) -> None:
        image = _frame(name)
        room = QRectF(self.rect())
        if not image.isNull():
            size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            place = QRectF(0, 0, size.width(), size.height())
            place.moveCenter(room.center())
            painter.drawImage(place, image)

    def _paint_region(self, painter: QPainter) -> None:
        points = [QPointF(x * self.width(), y * self.height()) for x, y in _LASSO]
        path = _smooth(points)
        veil = QColor(REGION_LINE)
        veil.setAlphaF(0.35)
        painter.fillPath(path, veil)
        for pen in (QPen(REGION_EDGE, 4), QPen(REGION_LINE, 1.75)):
            painter.setPen(pen)
            painter.drawPath(path)
        painter.setPen(QPen(HANDLE_EDGE, 1))
        painter.setBrush(HANDLE)
        for point in points[::2]:
            painter.drawEllipse(point, 3.5, 3.5)

    def _paint_wipe(self, painter: QPainter) -> None:
        edge = self.width() * _WIPE_AT
        painter.save()
        painter.setClipRect(QRectF(edge, 0, self.width(), self.height()), Qt.ClipOperation.IntersectClip)
        self._paint_frame(painter, "mug-clean")
        painter.restore()
        for pen in (QPen(REGION_EDGE, 4), QPen(HANDLE, 1.5)):
            painter.setPen(pen)
            painter.drawLine(QPointF(edge, 0), QPointF(edge, self.height()))
        middle = QPointF(edge, self.height() * 0.3)
        painter.setPen(QPen(REGION_EDGE, 1))
        painter.setBrush(HANDLE)
        painter.drawEllipse(middle, 12, 12)
        painter.setPen(QPen(PICTURE_LABEL, 1.5))
        for way in (-1, 1):
            tip = middle + QPointF(way * 7, 0)
            arrow = [tip + QPointF(-way * 3.5, -3.5), tip, tip + QPointF(-way * 3.5, 3.5)]
            painter.drawPolyline(QPolygonF(arrow))

    def _paint_export(self, painter: QPainter) -> None:
        colour = self._theme.colour
        left, width = self.width() * 0.06, self.width() * 0.88
        top = self.height() / 2 - 42
        painter.save()
        frames = QPainterPath()
        frames.addRoundedRect(QRectF(left, top, width, 30), 3, 3)
        painter.setClipPath(frames, Qt.ClipOperation.IntersectClip)
        each = width / _FRAMES
        for number in range(_FRAMES):
            # The changed ones show the take.
            image = _frame("mug-clean" if number in (2, 3) else "mug")
            place = QRectF(left + number * each, top, each - 1, 30)
            part = QRectF(0, 0, image.height() * place.width() / 30, image.height())
            part.moveCenter(QPointF(image.width() / 2, image.height() / 2))
            painter.drawImage(place, image, part)
        painter.restore()
        strip = QRectF(left, top + 38, width, 18)
        painter.save()
        shape = QPainterPath()
        shape.addRoundedRect(strip, 3, 3)
        painter.setClipPath(shape, Qt.ClipOperation.IntersectClip)
        painter.fillRect(strip, colour("strip.copied"))
        changed = QRectF(left + 2 * each, strip.top(), 2 * each * 0.72, strip.height())
        painter.fillRect(changed, colour("strip.reencoded"))
        tail = QRectF(changed.right(), strip.top(), 2 * each * 0.28, strip.height())
        painter.fillRect(tail, colour("strip.tail"))
        painter.fillRect(tail, QBrush(colour("strip.reencoded"), Qt.BrushStyle.BDiagPattern))
        painter.restore()
        font = QFont(self.font())
        font.setPixelSize(10)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colour("strip.copied.on"))
        for at in (left, tail.right()):
            painter.drawText(
                QRectF(at + 6, strip.top(), 2 * each - 8, strip.height()), Qt.AlignmentFlag.AlignVCenter, "Copied"
            )
        font.setPixelSize(12)
        painter.setFont(font)
        shield = self._theme.pixmap("shield", "approved.fg", 16, self.devicePixelRatioF())
        painter.drawPixmap(QPointF(left, strip.bottom() + 10), shield)
        painter.setPen(colour("text.1"))
        said = QRectF(left + 22, strip.bottom() + 10, width - 22, 16)
        painter.drawText(said, Qt.AlignmentFlag.AlignVCenter, "Checked, packet by packet")


@lru_cache(maxsize=4)
def _frame(name: str) -> QImage:
    """Return a frame of the sample film; an empty picture where it is not there."""
    image = QImage()
    try:
        image.loadFromData((files("resources") / "pictures" / f"{name}.jpg").read_bytes())
    except OSError as error:
        _LOG.warning("the picture %s is not there: %s", name, error)
    return image


def _smooth(points: list[QPointF]) -> QPainterPath:
    """Return a closed line that bends at the points' middles instead of at the points."""
    middles = [(a + b) / 2 for a, b in zip(points, points[1:] + points[:1], strict=True)]
    path = QPainterPath(middles[-1])
    for corner, middle in zip(points, middles, strict=True):
        path.quadTo(corner, middle)
    path.closeSubpath()
    return path
