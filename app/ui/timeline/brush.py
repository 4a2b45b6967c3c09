"""Colours, letters and small signs, for all that is painted on the timeline."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QPixmap, QStaticText, QTransform
from PySide6.QtWidgets import QApplication

from app.ui.theme import Theme
from app.ui.theme.theme import PICTURE_LABEL
from app.ui.timeline.content import Placed
from app.ui.timeline.scene import Scene

PINNED_PX = 200
"""Labels that stay at the left edge while their item scrolls are no longer; the view paints that much anew."""
TEXT_PX = 26.0
"""A narrower item has no text."""


class Brush:
    """Writes and draws in the colours of the theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._colours: dict[str, QColor] = {}
        self._icons: dict[tuple[str, str, int, float], QPixmap] = {}
        theme.changed.connect(self.forget)

    def forget(self) -> None:
        """Draw icons and measure letters anew: the theme is another."""
        self._icons.clear()
        self._colours.clear()
        for kept in (font_of, metrics, elided, written):
            kept.cache_clear()

    def colour(self, token: str) -> QColor:
        """Return the colour of a token; everybody's, so whoever wants another one of it makes a copy."""
        found = self._colours.get(token)
        if found is None:
            found = self._colours[token] = self.theme.colour(token)
        return found

    def text(
        self,
        painter: QPainter,
        box: QRectF,
        text: str,
        tone: str,
        size: int,
        *,
        weight: QFont.Weight = QFont.Weight.Normal,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        """Write a line, cut with an ellipsis where it has no room."""
        painter.setFont(font_of(size, weight))
        painter.setPen(self.colour(tone))
        text_of(painter, box, elided(text, max(0, int(box.width()) + 1), size, weight), size, weight, align)

    def icon(self, painter: QPainter, name: str, tone: str, size: int) -> QPixmap:
        """Return an icon in a token's colour."""
        key = name, tone, size, painter.device().devicePixelRatioF()
        if key not in self._icons:
            self._icons[key] = self.theme.pixmap(*key)
        return self._icons[key]

    def ring(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF) -> None:
        """Draw the ring of an item that is chosen, or on which the keyboard is."""
        selected = item.id in scene.selected
        focused = scene.focused == (item.id, item.part) and scene.has_focus
        if not selected and not focused:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected:
            painter.setPen(QPen(self.colour("focus"), 1.5))
            painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
        if focused:
            painter.setPen(QPen(self.colour("text.1"), 1.5, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(box.adjusted(2.5, 2.5, -2.5, -2.5), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def chip(self, painter: QPainter, text: str, left: float, top: float) -> None:
        """Write on a dark plate, to be read over any picture."""
        width = metrics(11, QFont.Weight.Medium).horizontalAdvance(text) + 10
        painter.fillRect(QRectF(left, top, width, 16), PICTURE_LABEL)
        painter.setFont(font_of(11, QFont.Weight.Medium))
        painter.setPen(QColor(Qt.GlobalColor.white))
        painter.drawText(QRectF(left + 5, top, width, 16), int(Qt.AlignmentFlag.AlignVCenter), text)


def text_of(
    painter: QPainter,
    box: QRectF,
    text: str,
    size: int,
    weight: QFont.Weight,
    align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
) -> None:
    """Write a line that has room, with the painter's pen and the font of this size and weight, which it must have."""
    shown, width, height = written(text, size, weight)
    left = box.left()
    if align is Qt.AlignmentFlag.AlignRight:
        left += box.width() - width
    elif align is Qt.AlignmentFlag.AlignHCenter:
        left += (box.width() - width) / 2
    painter.drawStaticText(QPointF(left, box.top() + (box.height() - height) / 2), shown)


def line_of(tone: str) -> str:
    """Return the token of an item kind's line."""
    return "audio.wave" if tone == "audio" else f"{tone}.line"


@lru_cache(maxsize=16)
def font_of(size: int, weight: QFont.Weight) -> QFont:
    """Return the interface's font in a size and weight, with figures of one width."""
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@lru_cache(maxsize=16)
def metrics(size: int, weight: QFont.Weight) -> QFontMetrics:
    """Return the measures of a font."""
    return QFontMetrics(font_of(size, weight))


@lru_cache(maxsize=4096)
def elided(text: str, width: int, size: int, weight: QFont.Weight) -> str:
    """Return a text cut to a width in pixels."""
    return metrics(size, weight).elidedText(text, Qt.TextElideMode.ElideRight, width)


@lru_cache(maxsize=1024)
def written(text: str, size: int, weight: QFont.Weight) -> tuple[QStaticText, float, int]:
    """Return a text with its letters placed, its width and height: it is written again and again as the view moves."""
    result = QStaticText(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.prepare(QTransform(), font_of(size, weight))
    return result, result.size().width(), metrics(size, weight).height()
