"""Signs that keep to the theme: an icon of ours, and a square of colour."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.theme import Theme


class IconLabel(QLabel):
    """An icon in a token's colour; it says nothing to a screen reader, since a word stands beside it."""

    def __init__(self, theme: Theme, name: str, token: str = "text.2", size: int = 16) -> None:
        super().__init__()
        self._theme = theme
        self._name, self._token, self._size = name, token, size
        self.setFixedSize(size, size)
        theme.changed.connect(self._draw)
        self._draw()

    def show_icon(self, name: str, token: str) -> None:
        """Show another icon, or the same in another colour."""
        if (name, token) != (self._name, self._token):
            self._name, self._token = name, token
            self._draw()

    @Slot()
    def _draw(self) -> None:
        self.setPixmap(self._theme.pixmap(self._name, self._token, self._size, self.devicePixelRatioF()))


class Swatch(QWidget):
    """A small square in a token's colour, hatched in a second one's where that is given."""

    def __init__(self, theme: Theme, token: str, hatch: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._token, self._hatch = token, hatch
        self.setFixedSize(QSize(14, 10))
        theme.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 2, 2)
        painter.fillPath(outline, self._theme.colour(self._token))
        if self._hatch:
            painter.fillPath(outline, QBrush(self._theme.colour(self._hatch), Qt.BrushStyle.BDiagPattern))
        painter.end()
