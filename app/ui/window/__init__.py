"""The main window: bars, docks, workspaces, and the places for messages."""

from app.ui.window.main_window import MainWindow

__all__ = ["MainWindow"]
