"""Buttons in the sizes and kinds of the design."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from app.ui.theme import Theme


class ButtonKind(Enum):
    """What a button stands for; at most one primary in a region of the screen."""

    PLAIN = "plain"
    PRIMARY = "primary"
    DANGER = "danger"
    APPROVE = "approve"
    LINK = "link"


class ButtonSize(Enum):
    """Where a button stands."""

    PANEL = "panel"
    DIALOG = "dialog"
    FIRST_RUN = "first"


def push_button(
    text: str,
    kind: ButtonKind = ButtonKind.PLAIN,
    size: ButtonSize = ButtonSize.PANEL,
    parent: QWidget | None = None,
) -> QPushButton:
    """Return a button with a text."""
    made = QPushButton(text, parent)
    made.setProperty("kind", kind.value)
    made.setProperty("fits", size.value)
    made.setAutoDefault(False)
    if kind is ButtonKind.LINK:
        made.setCursor(Qt.CursorShape.PointingHandCursor)
    return made


def icon_button(theme: Theme, icon: str, name: str, parent: QWidget | None = None, *, size: int = 28) -> QToolButton:
    """Return a square button with an icon; `name` is its tooltip and what a screen reader says."""
    made = QToolButton(parent)
    made.setIcon(theme.icon(icon))
    made.setIconSize(QSize(16, 16))
    made.setFixedSize(size, size)
    made.setToolTip(name)
    made.setAccessibleName(name)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return made
