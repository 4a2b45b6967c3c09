"""The bar at the top: menus, workspaces, whether all is saved, what was spent, and Export."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QMenu, QMenuBar, QPushButton, QSizePolicy, QWidget

from app.ui.actions.spec import MENUS
from app.ui.theme import Theme
from app.ui.widgets import ButtonKind, ElidedLabel, IconLabel, Role, Segmented, label, push_button, row

if TYPE_CHECKING:
    from app.session.document import Document

WORKSPACES = (("edit", "Edit", ""), ("region", "Region", ""), ("review", "Review", ""), ("deliver", "Deliver", ""))


class TopBar(QWidget):
    """Three parts: menus at the left, workspaces in the middle, the project at the right.

    Attributes:
        menus: the menus of the window by name, empty until the actions are there.

    Signals:
        workspace_chosen(str): by key. export_wanted: the button.
    """

    workspace_chosen = Signal(str)
    export_wanted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(42)
        self._theme = theme
        self._document: Document | None = None
        bar = QMenuBar(self)
        # Part of our own bar on every system: the workspaces stand beside it.
        bar.setNativeMenuBar(False)
        self.menus: dict[str, QMenu] = {name: bar.addMenu(name) for name in MENUS}
        for menu in self.menus.values():
            menu.setToolTipsVisible(True)
        bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        logo = IconLabel(theme, "logo", "text.1", 20)
        self.workspaces = Segmented(theme, WORKSPACES, "Workspace", self)
        self.workspaces.chosen.connect(self.workspace_chosen)
        self._sign = IconLabel(theme, "check", "approved.fg", 14)
        self._name = ElidedLabel(role=Role.NAME)
        self._name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._name.setMaximumWidth(220)
        self._state = label("", tone="2")
        self.spent_title = label("Spent", tone="2")
        self.spent = label("", Role.HEAD)
        self._find = label("Find an action", tone="2")
        self._find_key = label("/", Role.NAME, "2")
        self._find_key.setObjectName("chip")
        self._find_key.setContentsMargins(6, 2, 6, 2)
        self.export: QPushButton = push_button("Export…", ButtonKind.PRIMARY)
        self.export.setIcon(theme.icon("export", "accent.on"))
        self.export.clicked.connect(self.export_wanted)
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 8, 0)
        grid.addLayout(row(logo, bar, gap=4), 0, 0)
        grid.addWidget(self.workspaces, 0, 1)
        right = row(None, self._sign, self._name, self._state, 8, self.spent_title, self.spent, 8, self.export, gap=6)
        right.addWidget(self._find)
        right.addWidget(self._find_key)
        grid.addLayout(right, 0, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)
        self._refresh()

    def follow(self, document: Document) -> None:
        """Show the project that this document holds."""
        self._document = document
        for signal in (document.opened, document.closed, document.saved_changed, document.changed):
            signal.connect(self._refresh)
        self._refresh()

    def show_spent(self, text: str) -> None:
        """Show what the project has cost so far; nothing for an empty text."""
        self.spent_title.setVisible(bool(text))
        self.spent.setVisible(bool(text))
        self.spent.setText(text)

    @Slot()
    def _refresh(self) -> None:
        document = self._document
        there = document is not None and document.is_open
        self._find.setVisible(not there)
        self._find_key.setVisible(not there)
        for widget in (self._sign, self._name, self._state, self.export, self.workspaces):
            widget.setVisible(there)
        if document is None or not there:
            self.show_spent("")
            return
        path = document.path
        self._name.setText(path.stem if path else "")
        saved = document.is_saved
        self._sign.show_icon(*(("check", "approved.fg") if saved else ("clock", "text.2")))
        self._state.setText("Saved" if saved else "Saving")
