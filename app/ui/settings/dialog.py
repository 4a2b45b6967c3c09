"""The settings, page by page; every choice holds at once."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QListWidget, QStackedWidget, QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.settings.general import GeneralPage
from app.ui.settings.keys import KeysPage
from app.ui.settings.shortcuts import ShortcutsPage
from app.ui.settings.spending import SpendingPage
from app.ui.widgets import ButtonSize, line, push_button, row


class SettingsDialog(QDialog):
    """Pages by key: "general", "shortcuts", "keys", "spending"."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.resize(900, 620)
        self.general = GeneralPage(context)
        self.shortcuts = ShortcutsPage(context)
        self.keys = KeysPage(context)
        self.spending = SpendingPage(context)
        self._pages = {
            "general": ("General", self.general),
            "shortcuts": ("Shortcuts", self.shortcuts),
            "keys": ("Provider keys", self.keys),
            "spending": ("Spending", self.spending),
        }
        self._list = QListWidget()
        self._list.setAccessibleName("Pages")
        self._list.setFixedWidth(168)
        self._stack = QStackedWidget()
        for title, page in self._pages.values():
            self._list.addItem(title)
            self._stack.addWidget(page)
        self._list.currentRowChanged.connect(self._stack.setCurrentIndex)
        close = push_button("Close", size=ButtonSize.DIALOG)
        close.clicked.connect(self.accept)
        body = QHBoxLayout()
        body.setContentsMargins(12, 12, 0, 0)
        body.setSpacing(12)
        body.addWidget(self._list)
        body.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(body, 1)
        layout.addWidget(line())
        layout.addLayout(row(None, close, margins=(24, 12, 24, 12)))
        self._list.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_at(self, key: str) -> None:
        """Show the dialog with a page in front."""
        self._list.setCurrentRow(list(self._pages).index(key))
        self.keys.refresh()
        self.spending.refresh()
        self.general.refresh()
        self.show()
        self.raise_()
        self.activateWindow()
        # Qt gives the first field of a dialog the focus as if the Tab key had: the ring is for who uses that.
        QApplication.sendEvent(self._list, QFocusEvent(QEvent.Type.FocusOut, Qt.FocusReason.OtherFocusReason))
