"""The bin's entries as a list with section heads, searched and folded; what is dragged out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl

from app.session.document import Document
from app.ui.media.entries import Entry, EntryKind, Section
from app.ui.timeline.drops import PICTURE_TYPE, SOURCE_TYPE

_Index = QModelIndex | QPersistentModelIndex
ENTRY = int(Qt.ItemDataRole.UserRole)
"""The role under which a row gives its Entry or Section."""
COUNT = ENTRY + 1
FOLDED = ENTRY + 2


class BinModel(QAbstractListModel):
    """Rows are sections and entries; as a grid, entries alone."""

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._entries: tuple[Entry, ...] = ()
        self._folded: set[Section] = set()
        self._text = ""
        self._as_grid = False
        self._rows: list[Entry | Section] = []

    @property
    def found(self) -> int:
        """Return how many entries show."""
        return sum(1 for row in self._rows if isinstance(row, Entry))

    def show(self, entries: Sequence[Entry]) -> None:
        """Show other entries."""
        if tuple(entries) != self._entries:
            self._entries = tuple(entries)
            self._arrange()

    def search(self, text: str) -> None:
        """Show only the entries whose name or detail holds all words of a text."""
        self._text = text.casefold()
        self._arrange()

    def set_grid(self, *, on: bool) -> None:
        """Leave the section heads out, or show them."""
        self._as_grid = on
        self._arrange()

    def fold(self, section: Section) -> None:
        """Fold a section, or unfold it."""
        self._folded ^= {section}
        self._arrange()

    def row_of(self, id: str) -> int | None:
        """Return the row of an entry, None where it does not show."""
        return next((n for n, row in enumerate(self._rows) if isinstance(row, Entry) and row.id == id), None)

    def _arrange(self) -> None:
        words = self._text.split()
        self.beginResetModel()
        self._rows = []
        for section in Section:
            entries = [
                entry
                for entry in self._entries
                if entry.section is section and all(word in f"{entry.name} {entry.detail}".casefold() for word in words)
            ]
            if not entries:
                continue
            if not self._as_grid:
                self._rows.append(section)
            if self._as_grid or words or section not in self._folded:
                self._rows += entries
        self.endResetModel()

    # --- Qt's side --------------------------------------------------------------------------------------------------

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401 (Qt's own form)
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ENTRY:
            return row
        if isinstance(row, Section):
            count = sum(1 for entry in self._entries if entry.section is row)
            if role == COUNT:
                return count
            if role == FOLDED:
                return row in self._folded
            if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
                return row.value
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return row.spoken
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (row.name, row.detail, row.missing)))
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not 0 <= index.row() < len(self._rows):
            return Qt.ItemFlag.NoItemFlags
        row = self._rows[index.row()]
        if isinstance(row, Section):
            return Qt.ItemFlag.ItemIsEnabled
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsDragEnabled if row.kind is not EntryKind.CAPTIONS else flags

    def supportedDragActions(self) -> Qt.DropAction:
        # The reference is copied; a move would let the other side delete the file.
        return Qt.DropAction.CopyAction

    def mimeTypes(self) -> list[str]:
        return [SOURCE_TYPE, PICTURE_TYPE, "text/uri-list"]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        for index in indexes:
            row = self._rows[index.row()]
            if not isinstance(row, Entry):
                continue
            if row.kind is EntryKind.PICTURE:
                data.setData(PICTURE_TYPE, row.id.encode())
            else:
                data.setData(SOURCE_TYPE, row.id.encode())
                film = self._document.films.get(row.id)
                if film is not None:
                    data.setUrls([QUrl.fromLocalFile(str(film.path))])
            break
        return data
