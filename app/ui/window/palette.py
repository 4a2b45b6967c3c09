"""Find an action by its name, and run it."""

from __future__ import annotations

import logging

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QFont, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.actions import ActionTable
from app.ui.theme import Theme
from app.ui.widgets import ButtonKind, label, push_button, row

_MOST = 48
"""Actions listed before anything is typed; all that match are listed then."""
_ROWS = 12
_ROW_PX = 30
_ID, _PLACE, _KEYS = (Qt.ItemDataRole.UserRole + number for number in range(3))
_log = logging.getLogger(__name__)


class Palette(QFrame):
    """A field and a list below it; Enter runs the chosen action, Escape closes."""

    def __init__(self, actions: ActionTable, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._window = parent
        self.setObjectName("askLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Find an action")
        self.field.setAccessibleName("Find an action")
        self.list = QListWidget(self)
        self.list.setAccessibleName("Actions found")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Delegate(theme, self.list))
        self.list.setUniformItemSizes(True)
        self._words = label("", tone="3")
        clear = push_button("Clear", ButtonKind.LINK)
        clear.clicked.connect(self.field.clear)
        self._none = QWidget(self)
        self._none.setLayout(row(self._words, clear, None, gap=4, margins=(8, 0, 8, 0)))
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(self.field)
        layout.addWidget(self._none)
        layout.addWidget(self.list)
        self.setFixedWidth(560)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list.itemActivated.connect(self._run)
        self.list.itemClicked.connect(self._run)

    def open(self) -> None:
        """Show it in the upper middle of the window, empty."""
        self.field.clear()
        self._actions.refresh()
        self._search("")
        window = self._window
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, 80)))
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    def _search(self, text: str) -> None:
        self.list.clear()
        found = self._actions.found(text)
        for spec in found if text else found[:_MOST]:
            action = self._actions.action(spec.id)
            name, place = spec.text.rstrip("…"), spec.menu.replace("/", " › ")
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            item = QListWidgetItem(name)
            item.setData(_ID, spec.id)
            item.setData(_PLACE, place)
            item.setData(_KEYS, keys)
            hindrance = "" if action.isEnabled() else spec.hindrance()
            if not action.isEnabled():
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setData(_PLACE, hindrance or place)
            item.setData(
                Qt.ItemDataRole.AccessibleTextRole, ", ".join(part for part in (name, hindrance or place, keys) if part)
            )
            self.list.addItem(item)
        self._words.setText(f"Nothing matches “{text}”.")
        self._none.setVisible(not found)
        self.list.setVisible(bool(found))
        self.list.setFixedHeight(min(self.list.count(), _ROWS) * _ROW_PX)
        self.list.setCurrentRow(0)
        # Not adjustSize, which makes no window lower than 100 points: what is left over would go above the field.
        self._layout.activate()
        self.setFixedHeight(self._layout.sizeHint().height())

    @Slot(QListWidgetItem)
    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        self.close()
        self._actions.action(item.data(_ID)).trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _ROWS, Qt.Key.Key_PageUp: -_ROWS}.get(
                key
            )
            if step is not None:
                chosen = self.list.currentRow() + step
                self.list.setCurrentRow(min(max(chosen, 0), self.list.count() - 1))
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentItem())
                return True
        return False


class _Delegate(QStyledItemDelegate):
    """Draws an action: its name, where it stands in the menus or why it cannot run, and its key at the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(option.rect.width(), _ROW_PX)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        try:
            self._paint(painter, option, index)
        except Exception:  # Qt's edge: what leaves a paint call ends the process
            _log.exception("an action could not be painted")
        finally:
            painter.restore()

    def _paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colour = self._theme.colour
        parent = self.parent()
        chosen = isinstance(parent, QListWidget) and parent.currentRow() == index.row()
        enabled = bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent.selected"))
            painter.drawRoundedRect(option.rect, 3, 3)
        room = option.rect.adjusted(8, 0, -8, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        font = QFont(painter.font())
        font.setWeight(QFont.Weight.Medium)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        keys = str(index.data(_KEYS))
        if keys:
            width = metrics.horizontalAdvance(keys)
            painter.setPen(colour("text.2" if enabled else "text.disabled"))
            painter.drawText(room, middle | Qt.AlignmentFlag.AlignRight, keys)
            room.setRight(room.right() - width - 12)
        name = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, room.width())
        painter.setPen(colour("text.1" if enabled else "text.disabled"))
        painter.drawText(room, middle, name)
        rest = QRect(room)
        rest.setLeft(room.left() + metrics.horizontalAdvance(name) + 12)
        font.setWeight(QFont.Weight.Normal)
        painter.setFont(font)
        place = painter.fontMetrics().elidedText(str(index.data(_PLACE)), Qt.TextElideMode.ElideRight, rest.width())
        painter.setPen(colour("text.3"))
        painter.drawText(rest, middle, place)
