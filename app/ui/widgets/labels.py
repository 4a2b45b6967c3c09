"""Text in the roles of the type scale."""

from __future__ import annotations

from enum import Enum

from PySide6.QtWidgets import QLabel, QWidget


class Role(Enum):
    """What a text is; its size and weight follow from that."""

    HERO = "hero"
    FIGURE = "figure"
    TIME = "time"
    TITLE = "title"
    LEAD = "lead"
    STEP = "step"
    HEAD = "head"
    NAME = "name"
    BODY = "body"
    SMALL = "small"
    MICRO = "micro"


def label(text: str = "", role: Role = Role.BODY, tone: str = "1", parent: QWidget | None = None) -> QLabel:
    """Return a text.

    Args:
        text: plain text.
        role: its place in the type scale.
        tone: "1", "2" or "3" (the text levels), "warning", "error", "good" or "reencoded".
        parent: the widget it stands in.
    """
    made = QLabel(text, parent)
    dress(made, role, tone)
    return made


def dress(made: QLabel, role: Role, tone: str) -> None:
    """Give a label a role and a tone."""
    made.setProperty("role", role.value)
    made.setProperty("tone", tone)


def set_tone(made: QLabel, tone: str) -> None:
    """Change the tone of a label that shows."""
    if made.property("tone") != tone:
        made.setProperty("tone", tone)
        made.style().unpolish(made)
        made.style().polish(made)
