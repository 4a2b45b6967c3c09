"""Paints the measures of a picture."""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.scopes.measures import LEVELS, Measures
from app.ui.theme import Theme

_LOG = logging.getLogger(__name__)
# The channels themselves: a colour here stands for itself in both themes.
_RED, _GREEN, _BLUE = QColor(226, 76, 76, 150), QColor(72, 190, 100, 150), QColor(82, 132, 255, 150)
_TARGETS = (
    ("R", 255, 0, 0),
    ("Y", 255, 255, 0),
    ("G", 0, 255, 0),
    ("C", 0, 255, 255),
    ("B", 0, 0, 255),
    ("M", 255, 0, 255),
)
_TARGET_SHARE = 0.75
"""The targets are those of 75 % colour bars (SMPTE RP 219)."""


class Plot(QWidget):
    """One of "histogram", "waveform" and "vectorscope"."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._kind = "histogram"
        self._measures: Measures | None = None
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(360, 220)

    def show_kind(self, kind: str) -> None:
        """Paint another measure."""
        self._kind = kind
        self.setAccessibleName(kind.capitalize())
        self.update()

    def show_measures(self, measures: Measures | None) -> None:
        """Paint the measures of another frame."""
        self._measures = measures
        if measures is not None:
            black, white = measures.clipped
            self.setAccessibleDescription(f"{black:.1%} of the picture is black, {white:.1%} is white")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(painter)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("a scope could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        room = QRectF(self.rect())
        painter.fillRect(room, self._theme.colour("surface.2"))
        measures = self._measures
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        match self._kind:
            case "histogram":
                self._paint_histogram(painter, room.adjusted(8, 8, -8, -18), measures)
            case "waveform":
                self._paint_waveform(painter, room.adjusted(32, 8, -8, -8), measures)
            case _:
                self._paint_vectors(painter, room.adjusted(8, 8, -8, -8), measures)

    def _paint_histogram(self, painter: QPainter, room: QRectF, measures: Measures | None) -> None:
        for level in (0, 64, 128, 192, 255):
            x = room.left() + level / (LEVELS - 1) * room.width()
            self._grid_line(painter, QPointF(x, room.top()), QPointF(x, room.bottom()))
            place = QRectF(x - 16, room.bottom() + 2, 32, 14)
            place.moveLeft(min(max(place.left(), room.left() - 6), room.right() - 26))
            painter.setPen(self._theme.colour("text.3"))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), str(level))
        if measures is None:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        for values, colour in zip(measures.histogram[:3], (_RED, _GREEN, _BLUE), strict=True):
            painter.setBrush(colour)
            painter.drawPath(_area(values, room))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("text.1"), 1.25))
        painter.drawPath(_line(measures.histogram[3], room))

    def _paint_waveform(self, painter: QPainter, room: QRectF, measures: Measures | None) -> None:
        if measures is not None:
            painter.drawImage(room, _glow(measures.wave, self._theme.colour("audio.wave")))
        for share in (0, 25, 50, 75, 100):
            y = room.bottom() - share / 100 * room.height()
            self._grid_line(painter, QPointF(room.left(), y), QPointF(room.right(), y))
            place = QRectF(0, y - 7, room.left() - 6, 14)
            painter.setPen(self._theme.colour("text.3"))
            painter.drawText(place, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), str(share))

    def _paint_vectors(self, painter: QPainter, room: QRectF, measures: Measures | None) -> None:
        side = min(room.width(), room.height())
        place = QRectF(room.center().x() - side / 2, room.center().y() - side / 2, side, side)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self._theme.colour("line.control"), 1))
        painter.drawEllipse(place)
        middle = place.center()
        self._grid_line(painter, QPointF(place.left(), middle.y()), QPointF(place.right(), middle.y()))
        self._grid_line(painter, QPointF(middle.x(), place.top()), QPointF(middle.x(), place.bottom()))
        # Skin of every tone lies near the I axis, at 123 degrees.
        skin = math.radians(123)
        far = QPointF(middle.x() + math.cos(skin) * side / 2, middle.y() - math.sin(skin) * side / 2)
        self._grid_line(painter, middle, far)
        if measures is not None:
            painter.drawImage(place, _glow(measures.vector, self._theme.colour("audio.wave")))
        painter.setPen(QPen(self._theme.colour("text.2"), 1))
        for name, red, green, blue in _TARGETS:
            rgb = np.array([red, green, blue], np.float32) / 255 * _TARGET_SHARE
            luma = float(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32))
            x = middle.x() + (float(rgb[2]) - luma) / 1.8556 * side
            y = middle.y() - (float(rgb[0]) - luma) / 1.5748 * side
            painter.drawRect(QRectF(x - 5, y - 5, 10, 10))
            painter.drawText(QRectF(x + 7, y - 7, 16, 14), int(Qt.AlignmentFlag.AlignVCenter), name)

    def _grid_line(self, painter: QPainter, start: QPointF, stop: QPointF) -> None:
        painter.setPen(QPen(self._theme.colour("line.strong"), 1))
        painter.drawLine(start, stop)


def _line(values: NDArray[np.float32], room: QRectF) -> QPainterPath:
    path = QPainterPath()
    for level, value in enumerate(values.tolist()):
        point = QPointF(room.left() + level / (LEVELS - 1) * room.width(), room.bottom() - value * room.height())
        if level:
            path.lineTo(point)
        else:
            path.moveTo(point)
    return path


def _area(values: NDArray[np.float32], room: QRectF) -> QPainterPath:
    path = _line(values, room)
    path.lineTo(room.right(), room.bottom())
    path.lineTo(room.left(), room.bottom())
    path.closeSubpath()
    return path


def _glow(values: NDArray[np.uint8], colour: QColor) -> QImage:
    """Return values as the opacity of a colour."""
    height, width = values.shape
    alpha = values.astype(np.uint16)
    rgba = np.empty((height, width, 4), np.uint8)
    # Premultiplied, as Qt's raster engine paints fastest: blue, green, red, alpha in memory.
    for channel, value in enumerate((colour.blue(), colour.green(), colour.red(), 255)):
        rgba[..., channel] = alpha * value // 255
    return QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()
