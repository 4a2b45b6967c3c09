"""Paints a row of the layer stack and lets its name be edited in place."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui.layers.model import ROW
from app.ui.layers.rows import FILM, Row
from app.ui.theme import Theme
from app.ui.widgets.badge import GLYPHS

Index = QModelIndex | QPersistentModelIndex
ROW_HEIGHT = 26
_INDENT = 16
_log = logging.getLogger(__name__)


class Zone(Enum):
    """The parts of a row that a click may mean."""

    FOLD = "fold"
    GRIP = "grip"
    EYE = "eye"
    LOCK = "lock"
    NAME = "name"


class LayerDelegate(QStyledItemDelegate):
    """One row: grip, eye, lock, the kind's icon, name, what there is to know, state.

    Args:
        theme: colours and icons.
        chosen: tells whether a row is chosen. folded: whether a layer's items are put away.
        renamed: is told of a new name for a row.
    """

    def __init__(
        self,
        theme: Theme,
        chosen: Callable[[Row], bool],
        folded: Callable[[Row], bool],
        renamed: Callable[[Row, str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chosen = chosen
        self._folded = folded
        self._renamed = renamed

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        return QSize(120, ROW_HEIGHT + self._theme.density_px)

    def zone_at(self, row: Row, rect: QRect, x: int, *, is_item: bool) -> Zone:
        """Return what lies at a horizontal place of a row's rectangle."""
        places = _places(rect, is_item=is_item, folds=bool(row.children))
        for zone in (Zone.FOLD, Zone.GRIP, Zone.EYE, Zone.LOCK):
            place = places.get(zone)
            if place is not None and place.left() - 2 <= x <= place.right() + 2:
                return zone
        return Zone.NAME

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(ROW)
        if not isinstance(row, Row):
            return
        painter.save()
        try:
            self._paint(painter, option, row, is_item=index.parent().isValid())
        except Exception:
            _log.exception("a row of the layer stack could not be painted")
        finally:
            painter.restore()

    def _paint(self, painter: QPainter, option: QStyleOptionViewItem, row: Row, *, is_item: bool) -> None:
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        font: QFont = option.font
        colour = self._theme.colour
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._chosen(row):
            painter.setBrush(colour("accent.selected"))
            painter.drawRoundedRect(rect, 3, 3)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(colour("surface.2"))
            painter.drawRoundedRect(rect, 3, 3)
        places = _places(rect, is_item=is_item, folds=bool(row.children))
        if Zone.FOLD in places:
            self._icon(painter, "chevron-right" if self._folded(row) else "chevron-down", "text.3", places[Zone.FOLD])
        if row.key == FILM:
            self._icon(painter, "lock", "text.3", places[Zone.GRIP])
        else:
            self._icon(painter, "grip", "text.disabled" if row.locked else "text.3", places[Zone.GRIP])
            self._icon(
                painter,
                "lock" if row.locked else "unlock",
                "text.1" if row.locked else "text.disabled",
                places[Zone.LOCK],
            )
        self._icon(
            painter, "eye" if row.visible else "eye-off", "text.2" if row.visible else "text.3", places[Zone.EYE]
        )
        at = places[Zone.NAME]
        kind = QRect(at.left(), at.top() + (at.height() - 16) // 2, 16, 16)
        self._icon(painter, row.icon, row.tone if row.visible else "text.disabled", kind)
        left, right = kind.right() + 9, rect.right() - 6
        if row.state is not None:
            right = self._badge(painter, row, font, right, rect) - 8
        bold = QFont(font)
        bold.setWeight(QFont.Weight.Medium)
        painter.setFont(bold)
        metrics = painter.fontMetrics()
        room = right - left
        name_room = min(metrics.horizontalAdvance(row.name) + 2, room)
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, name_room)
        painter.setPen(colour("text.1" if row.visible else "text.3"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(QRect(left, rect.top(), name_room, rect.height()), flags, name)
        left += name_room + 8
        if row.meta and right - left > 24:
            small = QFont(font)
            small.setPixelSize(max(10, font.pixelSize() - 1))
            painter.setFont(small)
            meta = painter.fontMetrics().elidedText(row.meta, Qt.TextElideMode.ElideRight, right - left)
            painter.setPen(colour("text.2" if self._chosen(row) else "text.3"))
            painter.drawText(QRect(left, rect.top(), right - left, rect.height()), flags, meta)
        if state & QStyle.StateFlag.State_HasFocus:
            pen = painter.pen()
            pen.setColor(colour("focus"))
            pen.setWidth(2)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 3, 3)

    def _badge(self, painter: QPainter, row: Row, font: QFont, right: int, rect: QRect) -> int:
        """Paint the state's badge ending at `right`; return where it begins."""
        assert row.state is not None
        kind = row.state.value
        small = QFont(font)
        small.setPixelSize(max(10, font.pixelSize() - 1))
        small.setWeight(QFont.Weight.Medium)
        painter.setFont(small)
        word = kind.capitalize()
        width = painter.fontMetrics().horizontalAdvance(word) + 6 + 12 + 4 + 6
        box = QRect(right - width, rect.center().y() - 8, width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour(f"{kind}.bg"))
        painter.drawRoundedRect(box, 4, 4)
        self._icon(painter, GLYPHS[row.state], f"{kind}.fg", QRect(box.left() + 6, box.top() + 3, 12, 12))
        painter.setPen(self._theme.colour(f"{kind}.fg"))
        painter.drawText(box.adjusted(22, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, word)
        return box.left()

    def _icon(self, painter: QPainter, name: str, token: str, place: QRect) -> None:
        size = min(place.width(), place.height(), 16)
        at = QRect(0, 0, size, size)
        at.moveCenter(place.center())
        pixmap = self._theme.pixmap(name, token, size, painter.device().devicePixelRatio())
        painter.drawPixmap(at.topLeft(), pixmap)

    # --- renaming -----------------------------------------------------------------------------------------------------

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setAccessibleName("Name")
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        row = index.data(ROW)
        if isinstance(editor, QLineEdit) and isinstance(row, Row):
            editor.setText(row.name)
            editor.selectAll()

    def setModelData(self, editor: QWidget, _model: QAbstractItemModel, index: Index) -> None:
        row = index.data(ROW)
        if isinstance(editor, QLineEdit) and isinstance(row, Row):
            name = editor.text().strip()
            if name and name != row.name:
                self._renamed(row, name)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        places = _places(rect, is_item=index.parent().isValid(), folds=False)
        editor.setGeometry(QRect(places[Zone.NAME].left() + 20, rect.top(), 0, rect.height()))
        editor.setFixedHeight(rect.height())
        editor.setFixedWidth(max(80, rect.right() - editor.x() - 8))


def _places(rect: QRect, *, is_item: bool, folds: bool) -> dict[Zone, QRect]:
    """Return where the parts of a row are."""
    top, height = rect.top(), rect.height()
    x = rect.left() + (_INDENT if is_item else 0)
    places = {Zone.GRIP: QRect(x, top, 16, height), Zone.EYE: QRect(x + 18, top, 20, height)}
    places[Zone.LOCK] = QRect(x + 40, top, 16, height)
    x += 62
    if folds:
        places[Zone.FOLD] = QRect(x - 2, top, 14, height)
        x += 14
    places[Zone.NAME] = QRect(x, top, max(0, rect.right() - x), height)
    return places
