"""A few choices side by side, one of which is on."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from app.ui.theme import Theme


class Segmented(QWidget):
    """Choices by key: (key, text, icon or "").

    Signals:
        chosen(str): the key that the person chose.
    """

    chosen = Signal(str)

    def __init__(
        self, theme: Theme, choices: Sequence[tuple[str, str, str]], name: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("segments")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName(name)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(2)
        for key, text, icon in choices:
            button = QToolButton(self)
            button.setText(text)
            if icon:
                button.setIcon(theme.icon(icon))
                button.setIconSize(QSize(16, 16))
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setCheckable(True)
            button.setAccessibleName(text)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(self._clicked)
            self._group.addButton(button)
            self._buttons[key] = button
            layout.addWidget(button)

    def choose(self, key: str) -> None:
        """Show a choice as on, without telling."""
        self._buttons[key].setChecked(True)

    def choose_none(self) -> None:
        """Show no choice as on, without telling."""
        self._group.setExclusive(False)
        for button in self._buttons.values():
            button.setChecked(False)
        self._group.setExclusive(True)

    def button(self, key: str) -> QToolButton:
        """Return the button of a choice."""
        return self._buttons[key]

    @property
    def current(self) -> str:
        """Return the key of the choice that is on, empty where none is."""
        return next((key for key, button in self._buttons.items() if button.isChecked()), "")

    def _clicked(self) -> None:
        self.chosen.emit(self.current)
