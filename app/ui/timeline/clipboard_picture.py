"""A picture that another application put into the clipboard, as a file that can be taken in."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTemporaryDir, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage

from app.ui.timeline.drops import PICTURES

_FAST = 100
"""Qt's "quality" of a PNG file: the least compressed, which is written at once."""


class ClipboardPicture(QObject):
    """Watches the system's clipboard.

    Signals:
        came: another application put something into it.
    """

    came = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = QTemporaryDir()
        self._count = 0
        QGuiApplication.clipboard().dataChanged.connect(self._changed)

    @property
    def is_there(self) -> bool:
        """Whether the clipboard holds a picture."""
        data = QGuiApplication.clipboard().mimeData()
        return data is not None and (data.hasImage() or self._named() is not None)

    def path(self) -> Path | None:
        """Return where the picture can be read: the file that was copied, or one that is written now."""
        named = self._named()
        if named is not None:
            return named
        image: QImage = QGuiApplication.clipboard().image()
        if image.isNull() or not self._folder.isValid():
            return None
        self._count += 1
        path = Path(self._folder.path()) / f"Pasted picture {self._count}.png"
        return path if image.save(str(path), "PNG", _FAST) else None  # type: ignore[call-overload]

    def _named(self) -> Path | None:
        data = QGuiApplication.clipboard().mimeData()
        urls = data.urls() if data is not None and data.hasUrls() else []
        if len(urls) != 1 or not urls[0].isLocalFile():
            return None
        path = Path(urls[0].toLocalFile())
        return path if path.suffix.lower() in PICTURES else None

    @Slot()
    def _changed(self) -> None:
        self.came.emit()
