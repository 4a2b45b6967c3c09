"""How far something has come, as a bar without words."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

_STEPS = 1000


class ShareBar(QProgressBar):
    """Shows a share of 0 to 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, _STEPS)
        self.setTextVisible(False)

    def show_share(self, share: float) -> None:
        """Show how far it has come."""
        # Qt paints a bar within the call that sets it, and with it all that waits to be painted in the window.
        self.setUpdatesEnabled(False)
        self.setValue(round(_STEPS * share))
        self.setUpdatesEnabled(True)
