"""Every change, approvals included; a click goes there, forward or back."""

from __future__ import annotations

import time

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Slot
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QListView, QStackedWidget, QWidget

from app.session.document import Document
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.theme import Theme
from app.ui.widgets import EmptyState, Panel
from engine.store.project_file import History, Step

Index = QModelIndex | QPersistentModelIndex
_TOP = QModelIndex()


class HistoryModel(QAbstractListModel):
    """The steps of a history, oldest first; row 0 is the project as it was opened first."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._history = History((), ())

    def show_history(self, history: History) -> None:
        """Show another history."""
        self.beginResetModel()
        self._history = history
        self.endResetModel()

    @property
    def current_row(self) -> int:
        """Return the row at which the project stands."""
        return len(self._history.done)

    def rowCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else 1 + len(self._history.done) + len(self._history.undone)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | QColor | QFont | None:
        row = index.row()
        step = self._step(row)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return "Opened" if step is None else step.title
            case Qt.ItemDataRole.ToolTipRole | Qt.ItemDataRole.AccessibleDescriptionRole:
                undone = "; undone" if row > self.current_row else ""
                return None if step is None else f"{time.strftime('%x %X', time.localtime(step.at_ms / 1000))}{undone}"
            case Qt.ItemDataRole.ForegroundRole:
                return self._theme.colour("text.3" if row > self.current_row else "text.1")
            case Qt.ItemDataRole.FontRole if row > self.current_row:
                font = QFont()
                font.setItalic(True)
                return font
            case _:
                return None

    def _step(self, row: int) -> Step | None:
        done = self._history.done
        if row == 0:
            return None
        return done[row - 1] if row <= len(done) else self._history.undone[row - 1 - len(done)]


class HistoryPanel(Panel):
    """Every change is kept here."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("History", parent)
        self._document: Document = context.session.document
        self.model = HistoryModel(context.theme)
        self.list = QListView(self)
        self.list.setObjectName("steps")
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setAccessibleName("History")
        self.list.activated.connect(self._go)
        self.list.clicked.connect(self._go)
        empty = EmptyState("Every change is kept here, approvals included. Click one to go back.")
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(self.list)
        self.body.setContentsMargins(4, 4, 4, 0)
        self.body.addWidget(self._pages)
        self._document.history_changed.connect(self._refresh)
        self._document.closed.connect(self._refresh)
        self._refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return nothing: undo and redo are the window's."""
        return []

    @Slot()
    def _refresh(self) -> None:
        history = self._document.history
        self.model.show_history(history)
        self._pages.setCurrentIndex(1 if history.done or history.undone else 0)
        current = self.model.index(self.model.current_row)
        self.list.setCurrentIndex(current)
        self.list.scrollTo(current)

    @Slot(QModelIndex)
    def _go(self, index: QModelIndex) -> None:
        self._document.go_to(index.row())
