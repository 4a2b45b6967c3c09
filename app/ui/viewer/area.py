"""The picture, the tools on it, and the transport below."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.actions import ActionSpec
from app.ui.context import Context


class ViewerArea(QWidget):
    """The picture, the tools on it, and the transport below."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return []
