"""Draws the lines and tiles of the media bin."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.media.entries import Entry, Section
from app.ui.media.model import COUNT, ENTRY, FOLDED
from app.ui.theme import Theme

_Index = QModelIndex | QPersistentModelIndex
_LOG = logging.getLogger(__name__)
_ROW, _HEAD = 50, 26
_PICTURE = QSize(74, 42)
_TILE = QSize(106, 98)


class BinDelegate(QStyledItemDelegate):
    """Lines of 50 points, tiles of 106 x 98."""

    def __init__(self, theme: Theme, picture: Callable[[Entry], QImage | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._picture = picture
        self.as_grid = False

    def sizeHint(self, _option: QStyleOptionViewItem, index: _Index) -> QSize:
        if self.as_grid:
            return _TILE
        extra = self._theme.density_px
        return QSize(100, (_HEAD if isinstance(index.data(ENTRY), Section) else _ROW) + extra)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        painter.save()
        try:
            self._paint(painter, option, index)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("a line of the media bin could not be painted")
        finally:
            painter.restore()

    def _paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        row = index.data(ENTRY)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if isinstance(row, Section):
            self._section(painter, rect, row, int(index.data(COUNT)), folded=bool(index.data(FOLDED)))
        elif isinstance(row, Entry):
            self._back(painter, rect, state)
            if self.as_grid:
                self._tile(painter, rect, row)
            else:
                self._line(painter, rect, row)

    def _back(self, painter: QPainter, rect: QRect, state: QStyle.StateFlag) -> None:
        colour = self._theme.colour
        inner = QRectF(rect).adjusted(4, 0.5, -4, -0.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(colour("accent.selected"))
            painter.drawRoundedRect(inner, 4, 4)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(colour("surface.2"))
            painter.drawRoundedRect(inner, 4, 4)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("focus"), 2))
            painter.drawRoundedRect(inner.adjusted(1, 1, -1, -1), 4, 4)

    def _section(self, painter: QPainter, rect: QRect, section: Section, count: int, *, folded: bool) -> None:
        ratio = painter.device().devicePixelRatioF()
        icon = self._theme.pixmap("chevron-right" if folded else "chevron-down", "text.3", 14, ratio)
        painter.drawPixmap(rect.left() + 10, rect.center().y() - 6, icon)
        font = _font(painter.font(), 12, QFont.Weight.DemiBold)
        box = rect.adjusted(28, 0, -8, 0)
        self._text(painter, box, section.value, "text.2", font)
        used = QFontMetrics(font).horizontalAdvance(section.value) + 8
        self._text(painter, box.adjusted(used, 0, 0, 0), str(count), "text.3", _font(painter.font(), 12))

    def _line(self, painter: QPainter, rect: QRect, entry: Entry) -> None:
        picture = QRect(rect.left() + 12, rect.center().y() - 20, _PICTURE.width(), _PICTURE.height())
        self._thumbnail(painter, picture, entry)
        text = rect.adjusted(picture.right() + 10 - rect.left(), 0, -10, 0)
        middle = text.center().y()
        self._text(
            painter,
            QRect(text.left(), middle - 17, text.width(), 16),
            entry.name,
            "text.1",
            _font(painter.font(), 12, QFont.Weight.Medium),
        )
        below = QRect(text.left(), middle + 1, text.width(), 16)
        self._detail(painter, below, entry)

    def _tile(self, painter: QPainter, rect: QRect, entry: Entry) -> None:
        picture = QRect(rect.left() + 8, rect.top() + 6, rect.width() - 16, 56)
        self._thumbnail(painter, picture, entry)
        below = QRect(picture.left(), picture.bottom() + 4, picture.width(), 15)
        self._text(painter, below, entry.name, "text.1", _font(painter.font(), 11, QFont.Weight.Medium))
        self._detail(painter, below.translated(0, 15), entry)

    def _detail(self, painter: QPainter, box: QRect, entry: Entry) -> None:
        if not entry.missing:
            self._text(painter, box, entry.detail, "text.2", _font(painter.font(), 11))
            return
        ratio = painter.device().devicePixelRatioF()
        painter.drawPixmap(box.left(), box.top() + 1, self._theme.pixmap("link-broken", "stale.fg", 14, ratio))
        self._text(painter, box.adjusted(18, 0, 0, 0), "Not at hand", "stale.fg", _font(painter.font(), 11))

    def _thumbnail(self, painter: QPainter, box: QRect, entry: Entry) -> None:
        image = self._picture(entry)
        path = QPainterPath()
        path.addRoundedRect(QRectF(box), 3, 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillPath(path, self._theme.colour("surface.2"))
        if image is None:
            icon = self._theme.pixmap(entry.kind.value, "text.2", 16, painter.device().devicePixelRatioF())
            painter.drawPixmap(box.center().x() - 7, box.center().y() - 7, icon)
            return
        painter.save()
        painter.setClipPath(path)
        # The whole picture of an upright film shows; a wide one fills the box.
        scale = max(box.width() / image.width(), box.height() / image.height())
        if image.height() > image.width():
            scale = box.height() / image.height()
        width, height = image.width() * scale, image.height() * scale
        centre = QRectF(box).center()
        painter.drawImage(QRectF(centre.x() - width / 2, centre.y() - height / 2, width, height), image)
        painter.restore()

    def _text(self, painter: QPainter, box: QRect, text: str, tone: str, font: QFont) -> None:
        painter.setFont(font)
        painter.setPen(self._theme.colour(tone))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)


def _font(base: QFont, size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    font = QFont(base)
    font.setPixelSize(size)
    font.setWeight(weight)
    return font
