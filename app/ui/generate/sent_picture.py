"""The picture that leaves the computer, with the region outlined; full size on request."""

from __future__ import annotations

import logging

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QWidget

from app.ui.theme import Theme
from app.ui.theme.theme import REGION_EDGE, REGION_LINE
from app.workflows.region_takes import Offer

_log = logging.getLogger(__name__)


class SentPicture(QWidget):
    """A small picture of what would be sent."""

    def __init__(self, theme: Theme, size: QSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._image = QImage()
        self._outlines: tuple[tuple[tuple[float, float], ...], ...] = ()
        if size.isValid():
            self.setFixedSize(size)
        self.setAccessibleName("The picture that is sent")
        theme.changed.connect(self.update)

    def show_offer(self, offer: Offer | None) -> None:
        """Show another picture, or none."""
        self._image = QImage() if offer is None else QImage.fromData(offer.picture)
        self._outlines = () if offer is None else offer.outlines
        self.update()

    @property
    def image(self) -> QImage:
        """Return the picture."""
        return self._image

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        try:
            self._paint(painter)
        except Exception:
            _log.exception("the picture that is sent could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        clip = QPainterPath()
        clip.addRoundedRect(QRectF(self.rect()), 3, 3)
        painter.setClipPath(clip)
        painter.fillRect(self.rect(), self._theme.colour("surface.2"))
        if self._image.isNull():
            return
        place = QRect(QPoint(0, 0), self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio))
        place.moveCenter(self.rect().center())
        painter.drawImage(place, self._image)
        for outline in self._outlines:
            path = QPainterPath()
            points = [QPointF(place.x() + x * place.width(), place.y() + y * place.height()) for x, y in outline]
            if len(points) < 2:
                continue
            path.moveTo(points[0])
            for point in points[1:]:
                path.lineTo(point)
            path.closeSubpath()
            for colour, width in ((REGION_EDGE, 3.0), (REGION_LINE, 1.5)):
                painter.setPen(QPen(colour, width))
                painter.drawPath(path)


class FullSize(QFrame):
    """The picture as large as the screen allows; a click or any key puts it away."""

    def __init__(self, theme: Theme, offer: Offer, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName("The picture that is sent, full size")
        self._picture = SentPicture(theme, QSize(), self)
        self._picture.show_offer(offer)
        room = parent.screen().availableGeometry()
        most = QSize(round(room.width() * 0.9), round(room.height() * 0.9))
        size = QSize(offer.width_px, offer.height_px)
        if size.width() > most.width() or size.height() > most.height():
            size = size.scaled(most, Qt.AspectRatioMode.KeepAspectRatio)
        self.resize(size)
        self._picture.setGeometry(QRect(QPoint(0, 0), size))
        self._picture.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        place = QRect(QPoint(0, 0), size)
        place.moveCenter(room.center())
        self.move(place.topLeft())

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        self.close()

    def keyPressEvent(self, _event: QKeyEvent) -> None:
        self.close()
