"""Find an action by its name, and run it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.actions import ActionTable
from app.ui.widgets import label

_MOST = 12


class Palette(QFrame):
    """A field and a list below it; Enter runs the chosen action, Escape closes."""

    def __init__(self, actions: ActionTable, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._window = parent
        self.setObjectName("chip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions = actions
        self.field = QLineEdit(self)
        self.field.setPlaceholderText("Find an action")
        self.field.setAccessibleName("Find an action")
        self.list = QListWidget(self)
        self.list.setAccessibleName("Actions found")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._none: QLabel = label("", tone="3")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.field)
        layout.addWidget(self._none)
        layout.addWidget(self.list)
        self.resize(520, 420)
        self.field.textChanged.connect(self._search)
        self.field.installEventFilter(self)
        self.list.itemActivated.connect(self._run)
        self.list.itemClicked.connect(self._run)

    def open(self) -> None:
        """Show it in the upper middle of the window, empty."""
        self.field.clear()
        self._search("")
        window = self._window
        self.move(window.mapToGlobal(QPoint((window.width() - self.width()) // 2, 80)))
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot(str)
    def _search(self, text: str) -> None:
        self.list.clear()
        found = self._actions.found(text)
        for spec in found[: 200 if text else _MOST * 4]:
            action = self._actions.action(spec.id)
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            place = spec.menu.replace("/", " › ")
            item = QListWidgetItem(f"{spec.text.rstrip('…')}    {place}" + (f"    {keys}" if keys else ""))
            item.setData(Qt.ItemDataRole.UserRole, spec.id)
            if not action.isEnabled():
                item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
                item.setToolTip(spec.hindrance())
            self.list.addItem(item)
        self._none.setText("" if found else f"Nothing matches “{text}”.")
        self._none.setVisible(not found)
        self.list.setCurrentRow(0)

    @Slot(QListWidgetItem)
    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None or not item.flags() & Qt.ItemFlag.ItemIsEnabled:
            return
        self.close()
        self._actions.action(item.data(Qt.ItemDataRole.UserRole)).trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                row = self.list.currentRow() + step
                self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._run(self.list.currentItem())
                return True
        return False
