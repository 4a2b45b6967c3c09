"""Nothing appears on the screen beside the window while it is made: a part shown before it has a parent would."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from tests.app.ui.desktop import ended, folder, started  # noqa: F401 # folder is a fixture


class Watch(QObject):
    """Keeps what was shown as a window of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.shown.append(type(watched).__name__)
        return False


def test_only_the_window_is_shown_at_the_start(qtbot, folder):  # noqa: F811
    app = QApplication.instance()
    watch = Watch()
    app.installEventFilter(watch)
    try:
        desktop = started(folder)
        try:
            assert desktop.window.top.findChild(QWidget, "chip").isVisibleTo(desktop.window.top)
            assert watch.shown == ["MainWindow"]
        finally:
            ended(desktop)
    finally:
        app.removeEventFilter(watch)
