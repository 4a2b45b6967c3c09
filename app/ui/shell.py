"""The window as it first shows: its frame and the start screen; nothing of films is loaded for it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.window import MainWindow


class Shell:
    """What the application needs to show itself.

    Attributes:
        folder: holds what is kept across starts. settings, theme, window: the person's choices, and what follows them.
    """

    def __init__(self, app: QApplication, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(folder / "window.json")
        self.theme = Theme(self.settings)
        self.theme.apply(app)
        self.window = MainWindow(self.settings, self.theme)

    def show(self) -> None:
        """Show the window where it was when it was last closed."""
        self.window.restore_geometry_of_last_time()
        self.window.show()
