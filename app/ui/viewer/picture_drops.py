"""Pictures dropped on the viewer: into the region under the pointer, else laid over the film."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QDropEvent

from app.session.importing import Where
from app.ui.context import Context
from app.ui.viewer.ground import Ground

_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


class PictureDrops:
    """Says what a drop would do, and does it; never a move."""

    def __init__(self, context: Context, ground: Ground) -> None:
        self._context = context
        self._ground = ground
        self._hint = ""

    def enter(self, event: QDropEvent, frame: int | None) -> None:
        """Take what is dragged in, or leave it to others.

        Whoever ignores the entry is told of no move: where the picture would go is decided there.
        """
        if frame is None or _picture_of(event) is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def move(self, event: QDropEvent) -> None:
        """Say what a drop here would do."""
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        on_region = self._ground.is_on_region(event.position())
        self._say("Puts the picture into the region" if on_region else "Lays the picture over the film from here")

    def leave(self) -> None:
        """Say nothing any more."""
        self._say("")

    def drop(self, event: QDropEvent, frame: int | None) -> None:
        """Put the picture where it was dropped."""
        self._say("")
        path = _picture_of(event)
        if path is None or frame is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if self._ground.is_on_region(event.position()):
            self._context.session.patching.place_picture(path)
        else:
            self._context.session.importing.add([path], Where.INSERT, frame)

    def _say(self, hint: str) -> None:
        if hint != self._hint:
            self._hint = hint
            self._context.notices.say(hint)


def _picture_of(event: QDropEvent) -> Path | None:
    """Return the one picture file that is dragged."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.suffix.lower() in _PICTURES else None
