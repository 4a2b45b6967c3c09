"""The list of layers: choosing, folding, toggling, and dragging rows to another place."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QFrame, QTreeView, QWidget

from app.ui.layers.delegate import LayerDelegate, Zone
from app.ui.layers.model import LayersModel
from app.ui.layers.rows import FILM, Row
from app.ui.theme import Theme

_SCROLL_MS = 120
"""While a row is dragged past an end of the list, this long between two rows that come into sight."""


class Toggle(Enum):
    """What a click in a row switches."""

    VISIBLE = "visible"
    LOCKED = "locked"


class LayersView(QTreeView):
    """The rows of the layer stack.

    Dragging is done here, not by Qt's drag and drop: a drag is one edit, and nothing is taken out twice.

    Signals:
        row_chosen(Row, bool): a row, and whether it is added to the others. toggled(Row, Toggle): an eye or a lock.
        menu_wanted(Row, QPoint): the context menu, at a place of the screen.
    """

    row_chosen = Signal(object, bool)
    toggled = Signal(object, object)
    menu_wanted = Signal(object, QPoint)

    def __init__(self, theme: Theme, model: LayersModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._layers = model
        self._folded: set[str] = set()
        self._pressed: QModelIndex | None = None
        self._pressed_at = QPoint()
        self._drop: tuple[QModelIndex, int, int] | None = None
        self._dragged_to = QPoint()
        self._onward = QTimer(self)
        self._onward.setInterval(_SCROLL_MS)
        self._onward.timeout.connect(self._scroll_on)
        self.setModel(model)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(0)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # By rows: the first that shows is never cut in half.
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setExpandsOnDoubleClick(False)
        self.setAccessibleName("Layers")
        model.modelReset.connect(self._unfold)
        theme.changed.connect(self._repaint)
        self._unfold()

    def is_folded(self, row: Row) -> bool:
        """Tell whether the items of a layer are put away."""
        return row.key in self._folded

    def set_folded(self, row: Row, folded: bool) -> None:
        """Put the items of a layer away, or show them."""
        (self._folded.add if folded else self._folded.discard)(row.key)
        self.setExpanded(self._layers.index_of(row.key), not folded)

    def rows_height(self) -> int:
        """Return how high all rows are that are not folded away."""
        rows = sum(1 if self.is_folded(row) else 1 + len(row.children) for row in self._layers.rows)
        return rows * max(0, self.sizeHintForRow(0)) + 2 * self.frameWidth()

    def current_row(self) -> Row | None:
        """Return the row that the keyboard stands on."""
        return self._layers.row_at(self.currentIndex())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.commit_editor()
        index = self.indexAt(event.position().toPoint())
        row = self._layers.row_at(index)
        if event.button() is not Qt.MouseButton.LeftButton or row is None:
            super().mousePressEvent(event)
            return
        zone = self._zone(index, event)
        if zone is Zone.FOLD:
            self.set_folded(row, not self.is_folded(row))
        elif zone is Zone.EYE and row.key != FILM:
            self.toggled.emit(row, Toggle.VISIBLE)
        elif zone is Zone.LOCK and row.key != FILM:
            self.toggled.emit(row, Toggle.LOCKED)
        else:
            self._pressed, self._pressed_at = index, event.position().toPoint()
            self.setCurrentIndex(index)
            self.row_chosen.emit(row, bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        row = None if self._pressed is None else self._layers.row_at(self._pressed)
        if row is None or not event.buttons() & Qt.MouseButton.LeftButton:
            super().mouseMoveEvent(event)
            return
        far = (place - self._pressed_at).manhattanLength() >= QApplication.startDragDistance()
        if (far or self._drop is not None) and row.key != FILM and not row.locked:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._dragged_to = place
            self._drop = self._place_for(row, place)
            if 0 <= place.y() < self.viewport().height():
                self._onward.stop()
            elif not self._onward.isActive():
                self._onward.start()
            self.viewport().update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, drop = self._pressed, self._drop
        self._end_drag()
        if pressed is not None and drop is not None and pressed.isValid():
            parent, child, _ = drop
            self._layers.moveRows(pressed.parent(), pressed.row(), 1, parent, child)
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and self._zone(index, event) is Zone.NAME:
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.current_row()
        if event.key() == Qt.Key.Key_Escape and self._pressed is not None:
            self._end_drag()
            return
        if row is not None and row.children and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.set_folded(row, event.key() == Qt.Key.Key_Left)
            return
        before = self.currentIndex()
        super().keyPressEvent(event)
        row = self.current_row()
        if row is not None and self.currentIndex() != before:
            self.row_chosen.emit(row, False)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        row = self._layers.row_at(index)
        if row is not None:
            self.setCurrentIndex(index)
            self.row_chosen.emit(row, False)
            place = event.pos() if by_mouse else self.visualRect(index).center()
            self.menu_wanted.emit(row, self.viewport().mapToGlobal(place))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # What was chosen stays in sight, also where choosing it left the list less room.
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._drop is not None:
            painter = QPainter(self.viewport())
            y = self._drop[2]
            painter.fillRect(8, y - 1, self.viewport().width() - 16, 2, self._theme.colour("focus"))
            painter.end()

    def commit_editor(self) -> None:
        """End the editing of a name, keeping what was typed."""
        focused = self.viewport().focusWidget()
        if self.state() is QAbstractItemView.State.EditingState and focused is not None:
            self.commitData(focused)
            self.closeEditor(focused, LayerDelegate.EndEditHint.NoHint)

    def _zone(self, index: QModelIndex, event: QMouseEvent) -> Zone:
        delegate = self.itemDelegate()
        row = self._layers.row_at(index)
        assert isinstance(delegate, LayerDelegate)
        assert row is not None
        x = event.position().toPoint().x()
        return delegate.zone_at(row, self.visualRect(index), x, is_item=index.parent().isValid())

    def _place_for(self, row: Row, at: QPoint) -> tuple[QModelIndex, int, int] | None:
        """Return where the dragged row would go: the parent, before which row, and where to draw the line."""
        # A hand that goes past an end of the list means that end.
        inside = QPoint(self.viewport().rect().center().x(), max(0, min(at.y(), self.viewport().height() - 1)))
        index = self.indexAt(inside)
        if not index.isValid():
            index = self._layers.index(len(self._layers.rows) - 1, 0)
        rect = self.visualRect(index)
        below = at.y() > rect.center().y()
        source = self._layers.index_of(row.key)
        over = self._layers.row_at(index)
        assert over is not None
        if source.parent().isValid():
            # An item goes among the items of a layer of several.
            parent = index.parent() if index.parent().isValid() else index
            target = self._layers.row_at(parent)
            if target is None or not target.children or (target.icon != row.icon and target.tone != row.tone):
                return self._own_end(source.parent(), below=parent.row() > source.parent().row())
            child = index.row() + below if index.parent().isValid() else 0
            return parent, child, rect.bottom() + 1 if below or not index.parent().isValid() else rect.top()
        top = index.parent() if index.parent().isValid() else index
        child = top.row() + (1 if below or index.parent().isValid() else 0)
        child = min(child, len(self._layers.rows) - 1)
        last = self._layers.index(child, 0)
        return QModelIndex(), child, self.visualRect(last).top()

    def _own_end(self, own: QModelIndex, *, below: bool) -> tuple[QModelIndex, int, int]:
        """Return the end of an item's own layer that lies towards a place where the item cannot go."""
        count = self._layers.rowCount(own)
        rect = self.visualRect(self._layers.index(count - 1 if below else 0, 0, own))
        return own, count if below else 0, max(1, rect.bottom() + 1 if below else rect.top())

    @Slot()
    def _scroll_on(self) -> None:
        """Bring the next row into sight while one is dragged past an end of the list."""
        row = None if self._pressed is None else self._layers.row_at(self._pressed)
        if row is None:
            self._onward.stop()
            return
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + (1 if self._dragged_to.y() > 0 else -1))
        self._drop = self._place_for(row, self._dragged_to)
        self.viewport().update()

    def _end_drag(self) -> None:
        self._onward.stop()
        self._pressed, self._drop = None, None
        self.unsetCursor()
        self.viewport().update()

    def _unfold(self) -> None:
        for number, row in enumerate(self._layers.rows):
            if row.children:
                self.setExpanded(self._layers.index(number, 0), row.key not in self._folded)

    def _repaint(self) -> None:
        self.viewport().update()
