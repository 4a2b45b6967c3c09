"""What an empty panel says: how to fill it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui.widgets.labels import Role, label


class EmptyState(QWidget):
    """A sentence or two, and the button that does it."""

    def __init__(self, text: str, button: QPushButton | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = words = label(text, Role.BODY, "3")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        # No room is kept above and below: a low panel needs all of its height for the words.
        layout.setContentsMargins(24, 0, 24, 0)
        layout.setSpacing(8)
        layout.addStretch(1)
        layout.addWidget(words)
        if button is not None:
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(2)

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._words.setText(text)
