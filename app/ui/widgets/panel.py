"""A panel: a head with its name, a count and a few buttons; below it the content."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.ui.widgets.labels import Role, label

LEAST_HEIGHT = 112


class PanelHead(QWidget):
    """The head of a panel, 32 points high; it also serves as the title bar by which a dock is dragged."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panelHead")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(32)
        self.title = label(title, Role.HEAD)
        self.count = label("", Role.BODY, "3")
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 0, 4, 0)
        self._layout.setSpacing(6)
        self._layout.addWidget(self.title)
        self._layout.addWidget(self.count)
        self._layout.addStretch(1)

    def sizeHint(self) -> QSize:
        # A dock asks for this alone: without the fixed height in it, the head would cover what is below.
        hint = super().sizeHint()
        return QSize(hint.width(), max(hint.height(), self.minimumHeight()))

    def set_count(self, count: int, things: str = "") -> None:
        """Show how many there are, of `things` where the name beside it does not say; nothing for none."""
        self.count.setText(f"{count:,} {things}".strip() if count else "")

    @property
    def has_buttons(self) -> bool:
        """Whether there is anything but the name and the count."""
        return self._layout.count() > 3

    def add(self, *widgets: QWidget) -> None:
        """Put widgets at the right end."""
        for widget in widgets:
            self._layout.addWidget(widget)


class Panel(QWidget):
    """What a dock holds. The window takes `head` as the dock's title bar where it has one."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(title)
        self.head = PanelHead(title)
        self.body = QVBoxLayout(self)
        self.body.setSizeConstraint(QVBoxLayout.SizeConstraint.SetNoConstraint)
        self.body.setContentsMargins(12, 0, 12, 12)
        self.body.setSpacing(8)

    def wanted_height(self) -> int:
        """Return the height at which all that it holds shows; 0 where it does not matter, as with what scrolls."""
        return 0

    def minimumSizeHint(self) -> QSize:
        """Ask for no more height than a small screen has for a panel; what lists and forms hold scrolls."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), LEAST_HEIGHT))
