"""The ring around what has the focus by the keyboard and cannot draw one itself: lists, tables, pictures, tabs."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QTabBar, QWidget

_WIDTH_PX, _RADIUS_PX = 2, 4


class FocusRing(QWidget):
    """Lies on the inside of its widget's edge, lets the mouse through, and ends with the focus."""

    def __init__(self, colour: QColor, target: QWidget) -> None:
        super().__init__(target)
        self._colour = colour
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        target.installEventFilter(self)
        if isinstance(target, QTabBar):
            target.currentChanged.connect(self._fit)
        self._fit()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._fit()
        return False

    def _fit(self) -> None:
        target = self.parent()
        if isinstance(target, QTabBar):
            place = target.tabRect(target.currentIndex())
        else:
            place = target.rect() if isinstance(target, QWidget) else QRect()
        self.setGeometry(place)
        self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._colour, _WIDTH_PX))
        inside = _WIDTH_PX // 2
        painter.drawRoundedRect(self.rect().adjusted(inside, inside, -inside, -inside), _RADIUS_PX, _RADIUS_PX)
        painter.end()
