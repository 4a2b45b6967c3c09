"""The rows of the layer stack as an item model; a row that is moved becomes one edit of the project."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Slot

from app.session.document import Document
from app.ui.layers.rows import FILM, Row, rows_of
from engine.model.edits import MoveItem, MoveLayer

Index = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole
"""The role under which a row's value is found."""
_NOWHERE = QModelIndex()


class LayersModel(QAbstractItemModel):
    """Two levels: layers and the film, and below a layer of several items its items.

    An index names its parent row by its internal id: 0 for a row of the first level, else the parent's number plus 1.
    """

    def __init__(self, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._rows: tuple[Row, ...] = ()
        document.opened.connect(self.refill)
        document.closed.connect(self.refill)
        document.changed.connect(self._follow)
        self.refill()

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return the rows of the first level."""
        return self._rows

    def row_at(self, index: Index) -> Row | None:
        """Return the row of an index."""
        if not index.isValid():
            return None
        parent = index.internalId()
        level = self._rows if parent == 0 else self._rows[parent - 1].children
        return level[index.row()] if index.row() < len(level) else None

    def index_of(self, key: str) -> QModelIndex:
        """Return where the row of an item or a layer stands, an invalid index where there is none."""
        for number, row in enumerate(self._rows):
            if row.key == key:
                return self.index(number, 0)
            for below, child in enumerate(row.children):
                if child.key == key:
                    return self.index(below, 0, self.index(number, 0))
        return QModelIndex()

    def index(self, row: int, column: int, parent: Index = _NOWHERE) -> QModelIndex:
        if column != 0 or row < 0:
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, 0, 0) if row < len(self._rows) else QModelIndex()
        if parent.internalId() != 0 or row >= len(self._rows[parent.row()].children):
            return QModelIndex()
        return self.createIndex(row, 0, parent.row() + 1)

    def parent(self, index: Index = _NOWHERE) -> QModelIndex:  # type: ignore[override] # Qt has two of that name
        if not index.isValid() or index.internalId() == 0:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, 0)

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        if not parent.isValid():
            return len(self._rows)
        if parent.internalId() != 0 or parent.row() >= len(self._rows):
            return 0
        return len(self._rows[parent.row()].children)

    def columnCount(self, _parent: Index = _NOWHERE) -> int:
        return 1

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.row_at(index)
        if row is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.EditRole:
                return row.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return row.spoken
            case _ if role == ROW:
                return row
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        row = self.row_at(index)
        if row is None:
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags if row.key == FILM else flags | Qt.ItemFlag.ItemIsEditable

    # --- moving -------------------------------------------------------------------------------------------------------

    def moveRows(
        self,
        source_parent: Index,
        source_row: int,
        count: int,
        destination_parent: Index,
        destination_child: int,
    ) -> bool:
        """Move one row before row `destination_child`, as one edit; an item may go to another layer of its kind."""
        row = self.row_at(self.index(source_row, 0, source_parent))
        if row is None or count != 1 or row.key == FILM:
            return False
        project = self._document.project
        if not source_parent.isValid() and not destination_parent.isValid():
            if destination_child in (source_row, source_row + 1):
                return False
            order = [other.layer_id for other in self._rows if other.key != FILM]
            order.insert(min(destination_child, len(order)), "")
            order.remove(row.layer_id)
            # The panel has the top of the stack first, and leaves out first layers that nobody touched.
            above = order.index("")
            below = order[above + 1 :]
            ids = [layer.id for layer in project.layers if layer.id != row.layer_id]
            place = ids.index(below[0]) + 1 if below else ids.index(order[above - 1]) if above else 0
            return self._document.do(MoveLayer(row.layer_id, place))
        target = self._rows[destination_parent.row()] if destination_parent.isValid() else None
        if not row.item_id or target is None or not target.layer_id:
            return False
        same = source_parent.isValid() and source_parent.row() == destination_parent.row()
        if same and destination_child in (source_row, source_row + 1):
            return False
        there = [item.id for item in project.layer(target.layer_id).items]
        index = len(there) - destination_child
        if row.item_id in there and there.index(row.item_id) < index:
            index -= 1
        return self._document.do(MoveItem(row.item_id, target.layer_id, max(0, index)))

    # --- following the project ----------------------------------------------------------------------------------------

    @Slot()
    def refill(self) -> None:
        """Show another project."""
        self.beginResetModel()
        self._rows = self._wanted()
        self.endResetModel()

    @Slot(object)
    def _follow(self, _change: object) -> None:
        wanted = self._wanted()
        if wanted == self._rows:
            return
        if _shape(wanted) == _shape(self._rows):
            self._rows = wanted
            self._tell_all()
            return
        moved = _moved([row.key for row in self._rows], [row.key for row in wanted])
        alike = sorted(map(_shape_of, self._rows)) == sorted(map(_shape_of, wanted))
        if moved is not None and alike:
            source, target = moved
            self.beginMoveRows(QModelIndex(), source, source, QModelIndex(), target)
            self._rows = wanted
            self.endMoveRows()
            self._tell_all()
            return
        self.beginResetModel()
        self._rows = wanted
        self.endResetModel()

    def _tell_all(self) -> None:
        self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, 0))
        for number, row in enumerate(self._rows):
            if row.children:
                parent = self.index(number, 0)
                self.dataChanged.emit(self.index(0, 0, parent), self.index(len(row.children) - 1, 0, parent))

    def _wanted(self) -> tuple[Row, ...]:
        return rows_of(self._document.project, self._document.timeline) if self._document.is_open else ()


def _shape_of(row: Row) -> tuple[str, tuple[str, ...]]:
    return row.key, tuple(child.key for child in row.children)


def _shape(rows: tuple[Row, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [_shape_of(row) for row in rows]


def _moved(before: list[str], after: list[str]) -> tuple[int, int] | None:
    """Return (source, target) as Qt's beginMoveRows has them, if one row moved and nothing else changed."""
    if len(before) != len(after) or before == after:
        return None
    first = next(i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
    last = max(i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
    if before[first + 1 : last + 1] == after[first:last] and before[first] == after[last]:
        return first, last + 1
    if before[first:last] == after[first + 1 : last + 1] and before[last] == after[first]:
        return last, first
    return None
