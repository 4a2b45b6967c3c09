"""The timeline as a table: the same items in rows of text, for the keyboard and for screen readers."""

from __future__ import annotations

from enum import IntEnum

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Slot,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.ui.context import Context
from app.ui.timeline.content import Content, Placed, RowKind, name_of
from app.ui.timeline.describe import described, kind_of, state_of
from app.ui.timeline.view import TimelineView
from app.ui.words import timecode

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns."""

    KIND = 0
    NAME = 1
    TRACK = 2
    START = 3
    END = 4
    LENGTH = 5
    STATE = 6


_STATE_PX = 260
"""Room for the longest state: names give way to it."""
_TITLES = ("Kind", "Name", "Track", "Start", "End", "Frames", "State")


class _Model(QAbstractTableModel):
    """The items of the timeline in order of time."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._content: Content | None = None
        self._items: list[Placed] = []

    def show(self, content: Content) -> None:
        self.beginResetModel()
        self._content = content
        self._items = [
            content.placed(number, index)
            for number, row in enumerate(content.rows)
            if row.kind is not RowKind.FILM_SOUND
            for index in range(len(row.items))
        ]
        self._items.sort(key=lambda item: (item.frames.start, item.row))
        self.endResetModel()

    def item(self, row: int) -> Placed:
        return self._items[row]

    def rows_of(self, ids: frozenset[str]) -> list[int]:
        return [number for number, item in enumerate(self._items) if item.id in ids]

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation is Qt.Orientation.Horizontal:
            return _TITLES[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if self._content is None or not index.isValid():
            return None
        item, content = self._items[index.row()], self._content
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == Column.NAME:
            return described(content, item, content.rows[item.row])
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == Column.LENGTH:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        rate = content.project.canvas.rate
        match Column(index.column()):
            case Column.KIND:
                return kind_of(item.value)
            case Column.NAME:
                return name_of(content.project, item.value)
            case Column.TRACK:
                return content.rows[item.row].name
            case Column.START:
                return timecode(item.frames.start, rate)
            case Column.END:
                return timecode(item.frames.stop, rate)
            case Column.LENGTH:
                return f"{len(item.frames):,}"
            case Column.STATE:
                return state_of(item.value)


class TimelineTable(QTableView):
    """Shows the table; choosing a row chooses its item, Enter goes to it."""

    def __init__(self, context: Context, view: TimelineView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._view = view
        self._model = _Model(self)
        self._follows = False
        self.setModel(self._model)
        self.setAccessibleName("Timeline as a table")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(30)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        head.resizeSection(Column.STATE, _STATE_PX)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.activated.connect(self._go)
        self.selectionModel().selectionChanged.connect(self._chosen)
        view.rows_changed.connect(self._refresh)
        context.session.selection.changed.connect(self._follow)
        context.session.document.changed.connect(self._refresh)

    def showEvent(self, event: object) -> None:
        super().showEvent(event)  # type: ignore[arg-type]
        self._refresh()

    @Slot()
    @Slot(object)
    def _refresh(self, _change: object = None) -> None:
        if not self.isVisible():
            return
        self._follows = True
        self._model.show(self._view.content)
        self._follows = False
        self._follow()

    @Slot()
    def _follow(self) -> None:
        """Show the rows of what is chosen elsewhere as chosen."""
        if not self.isVisible() or self._follows:
            return
        self._follows = True
        wanted = QItemSelection()
        rows = self._model.rows_of(self._context.session.selection.items)
        for row in rows:
            wanted.select(self._model.index(row, 0), self._model.index(row, len(_TITLES) - 1))
        self.selectionModel().select(wanted, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows and self.currentIndex().row() not in rows:
            index = self._model.index(rows[0], Column.NAME)
            self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(index)
        self._follows = False

    @Slot()
    def _chosen(self, *_parts: object) -> None:
        if self._follows:
            return
        self._follows = True
        rows = {index.row() for index in self.selectionModel().selectedRows()}
        self._context.session.selection.choose(*(self._model.item(row).id for row in rows))
        self._follows = False

    @Slot(QModelIndex)
    def _go(self, index: QModelIndex) -> None:
        self._context.session.transport.seek(self._model.item(index.row()).frames.start)
