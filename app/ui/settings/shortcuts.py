"""The shortcuts: presets, and any action's own keys; what two actions share is shown, not hidden."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Slot
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.ui.actions import ActionTable
from app.ui.actions.table import PRESETS
from app.ui.context import Context
from app.ui.theme import Theme
from app.ui.widgets import label, push_button, row
from app.ui.widgets.labels import set_tone

Index = QModelIndex | QPersistentModelIndex
_TOP = QModelIndex()
SORTED_BY = Qt.ItemDataRole.UserRole
"""The role by which rows are sorted."""
_HEADS = ("Action", "Menu", "Keys", "Also used by")


class ShortcutModel(QAbstractTableModel):
    """One row for each action."""

    def __init__(self, actions: ActionTable, theme: Theme) -> None:
        super().__init__()
        self._actions = actions
        self._theme = theme
        actions.keys_changed.connect(self._refresh)
        actions.added.connect(self._refresh)

    def id_at(self, row: int) -> str:
        """Return the action of a row."""
        return self._actions.specs[row].id

    def rowCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(self._actions.specs)

    def columnCount(self, parent: Index = _TOP) -> int:
        return 0 if parent.isValid() else len(_HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> str | None:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> str | QColor | None:
        spec = self._actions.specs[index.row()]
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._theme.colour(
                "stale.fg" if index.column() == 3 else "text.1" if index.column() == 0 else "text.2"
            )
        if role == SORTED_BY:
            # Rows that say the same keep their order, however often the table is sorted anew.
            return f"{str(self.data(index)).casefold()}\t{index.row():05d}"
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        keys = self._actions.keys(spec.id)
        match index.column():
            case 0:
                return spec.text.rstrip("…")
            case 1:
                return spec.menu.replace("/", " › ")
            case 2:
                return native(keys)
            case _:
                return ", ".join(other.text.rstrip("…") for other in self._actions.conflicts(spec.id, keys))

    @Slot()
    def _refresh(self) -> None:
        self.beginResetModel()
        self.endResetModel()


class ShortcutsPage(QWidget):
    """A table of all actions, and a field for the keys of the chosen one."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._settings = context.session.settings
        self._actions = context.actions
        self.model = ShortcutModel(context.actions, context.theme)
        self._shown = QSortFilterProxyModel(self)
        self._shown.setSourceModel(self.model)
        self._shown.setSortRole(SORTED_BY)
        self._shown.setFilterKeyColumn(-1)
        self._shown.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        for key, name in PRESETS.items():
            self.preset.addItem(name, key)
        self.preset.setCurrentIndex(max(0, self.preset.findData(self._settings.choices.shortcut_preset)))
        self.preset.currentIndexChanged.connect(self._set_preset)
        search = QLineEdit()
        search.setPlaceholderText("Search actions and keys")
        search.setAccessibleName("Search actions and keys")
        search.textChanged.connect(self._shown.setFilterFixedString)
        self.table = QTableView()
        self.table.setModel(self._shown)
        self.table.setAccessibleName("Shortcuts")
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for number, width in enumerate((220, 120, 160)):
            self.table.setColumnWidth(number, width)
        self.table.selectionModel().currentRowChanged.connect(self._show_chosen)
        self.field = QKeySequenceEdit()
        self.field.setAccessibleName("Keys of the chosen action")
        self.field.setMaximumSequenceLength(1)
        self.field.editingFinished.connect(self._try)
        self._set = push_button("Set")
        self._set.clicked.connect(self._assign)
        self._none = push_button("No key")
        self._none.clicked.connect(self._take_away)
        self._reset = push_button("As in the preset")
        self._reset.clicked.connect(self._restore)
        self._note = label("Choose an action, then press its keys in the field.", tone="2")
        self._note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 4, 24, 12)
        layout.setSpacing(8)
        head = row(label("Preset", tone="2"), self.preset, 8)
        head.addWidget(search, 1)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        self.reset_all = push_button("All as in the preset")
        self.reset_all.clicked.connect(self._restore_all)
        layout.addLayout(row(self.field, self._set, self._none, self._reset, None, self.reset_all))
        layout.addWidget(self._note)
        self._enable("")

    @property
    def chosen(self) -> str:
        """Return the id of the chosen action, empty where none is."""
        index = self.table.currentIndex()
        return self.model.id_at(self._shown.mapToSource(index).row()) if index.isValid() else ""

    def choose(self, id: str) -> None:
        """Choose an action."""
        for number, spec in enumerate(self._actions.specs):
            if spec.id == id:
                self.table.setCurrentIndex(self._shown.mapFromSource(self.model.index(number, 0)))

    @Slot()
    def _set_preset(self) -> None:
        self._settings.set(shortcut_preset=self.preset.currentData())

    @Slot()
    def _show_chosen(self) -> None:
        self.field.setKeySequence(QKeySequence(self._actions.keys(self.chosen).split("; ")[0] if self.chosen else ""))
        self._enable(self.chosen)

    def _enable(self, id: str) -> None:
        for widget in (self.field, self._set, self._none, self._reset):
            widget.setEnabled(bool(id))

    @Slot()
    def _try(self) -> None:
        keys = self.field.keySequence().toString()
        others = self._actions.conflicts(self.chosen, keys) if self.chosen and keys else []
        names = ", ".join(f"“{spec.text.rstrip('…')}”" for spec in others)
        set_tone(self._note, "warning" if others else "2")
        self._note.setText(
            f"{native(keys)} is used by {names}; set it here, and it is taken away there." if others else ""
        )

    @Slot()
    def _assign(self) -> None:
        id, keys = self.chosen, self.field.keySequence().toString()
        if not id or not keys:
            return
        shortcuts = dict(self._settings.choices.shortcuts)
        for other in self._actions.conflicts(id, keys):
            kept = [text for text in self._actions.keys(other.id).split("; ") if QKeySequence(text).toString() != keys]
            shortcuts[other.id] = "; ".join(kept)
        shortcuts[id] = keys
        self._keep(id, shortcuts)

    @Slot()
    def _take_away(self) -> None:
        if self.chosen:
            self._keep(self.chosen, {**self._settings.choices.shortcuts, self.chosen: ""})

    @Slot()
    def _restore(self) -> None:
        id = self.chosen
        if not id:
            return
        shortcuts = dict(self._settings.choices.shortcuts)
        given_up = shortcuts.pop(id, "")
        # What it had taken from another goes back there.
        for other in self._actions.conflicts_in_preset(id, given_up):
            kept = [
                text for text in self._actions.preset_keys(other.id).split("; ") if text not in given_up.split("; ")
            ]
            if shortcuts.get(other.id) == "; ".join(kept):
                del shortcuts[other.id]
        self._keep(id, shortcuts)

    @Slot()
    def _restore_all(self) -> None:
        self._settings.set(shortcuts={})
        set_tone(self._note, "2")
        self._note.setText("All keys are as in the preset.")

    def _keep(self, id: str, shortcuts: dict[str, str]) -> None:
        self._settings.set(shortcuts=shortcuts)
        self.choose(id)
        set_tone(self._note, "2")
        keys = native(self._actions.keys(id))
        name = self._actions.spec(id).text.rstrip("…")
        self._note.setText(f"“{name}” is on {keys}." if keys else f"“{name}” has no key.")


def native(keys: str) -> str:
    """Return shortcuts as this system writes them."""
    style = QKeySequence.SequenceFormat.NativeText
    return ", ".join(QKeySequence(text).toString(style) for text in keys.split("; ") if text.strip())
