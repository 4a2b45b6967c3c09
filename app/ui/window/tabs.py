"""Panels that share a place: a row of tabs instead of a head."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStackedWidget, QTabBar, QVBoxLayout, QWidget

from app.ui.widgets import Panel
from app.ui.widgets.panel import LEAST_HEIGHT


class TabbedPanels(QWidget):
    """Panels by key; `bar` serves as the dock's title bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.bar = QTabBar()
        self.bar.setAccessibleName("Panels that stand here")
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setFixedHeight(36)
        self.bar.setUsesScrollButtons(True)
        self._titles: dict[str, str] = {}
        self._stack = QStackedWidget(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._stack, 1)
        self.bar.currentChanged.connect(self._stack.setCurrentIndex)

    def add(self, key: str, title: str, panel: Panel) -> None:
        """Add a panel after the others."""
        page = QWidget(self._stack)
        inner = QVBoxLayout(page)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        self._stack.addWidget(page)
        # The tab already says the name; the head stays for the panel's buttons, where it has any.
        panel.head.title.hide()
        if panel.head.has_buttons:
            inner.addWidget(panel.head)
        inner.addWidget(panel, 1)
        self._titles[key] = title
        self.bar.addTab(title)

    def has(self, key: str) -> bool:
        """Tell whether a panel is here."""
        return key in self._titles

    def show_panel(self, key: str) -> None:
        """Bring a panel to the front."""
        self.bar.setCurrentIndex(list(self._titles).index(key))

    def show_count(self, key: str, count: int) -> None:
        """Show a number beside a tab's name; none for 0."""
        title = self._titles[key]
        self.bar.setTabText(list(self._titles).index(key), f"{title}  {count}" if count else title)

    def minimumSizeHint(self) -> QSize:
        """Ask for no more height than a small screen has for a panel."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), LEAST_HEIGHT))
