"""Measures of the picture: histogram, waveform, vectorscope."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.widgets import Panel


class ScopesPanel(Panel):
    """Measures of the picture: histogram, waveform, vectorscope."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Scopes", parent)
        self._context = context

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return []
