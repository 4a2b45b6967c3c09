"""The tools at the left of the picture."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.ui.actions import ActionButton
from app.ui.context import Context
from app.ui.widgets import column, line

_GROUPS = (
    ("tool.select",),
    ("tool.box", "tool.ellipse", "tool.polygon", "tool.lasso"),
    ("tool.brush", "tool.erase"),
    ("tool.hand", "tool.zoom"),
)


class ToolStrip(QWidget):
    """Buttons below each other, groups apart."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Tools")
        self.setFixedWidth(40)
        parts: list[QWidget | int | None] = []
        for number, group in enumerate(_GROUPS):
            if number:
                parts += [4, line(), 4]
            parts += [ActionButton(context.actions, id, size=32) for id in group]
        self.setLayout(column(*parts, None, gap=0, margins=(4, 4, 4, 4)))
