"""Where the playhead was in a project, so that one goes on there when it is opened again."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Slot

from app.session.document import Document
from app.session.settings import RECENT, Settings
from app.session.transport import Transport

_AFTER_MS = 1000
"""The playhead is noted when it has stood for so long: not while it plays."""


class LastPlace(QObject):
    """Notes where the playhead stands, and puts it back there at the next opening; a crash loses a second of it."""

    def __init__(self, document: Document, transport: Transport, settings: Settings) -> None:
        super().__init__(document)
        self._document, self._transport, self._settings = document, transport, settings
        self._path = ""
        self._frame = 0
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AFTER_MS)
        self._soon.timeout.connect(self._note)
        # After the transport itself, which begins at the first frame.
        document.opened.connect(self._go_back)
        document.closed.connect(self._leave)
        transport.frame_changed.connect(self._moved)

    @Slot()
    def _go_back(self) -> None:
        path = self._document.path
        self._path = "" if path is None else str(path.absolute())
        text = self._settings.choices.places.get(self._path, "")
        if text.isdecimal() and 0 < int(text) <= self._transport.last_frame:
            self._transport.seek(int(text))

    @Slot(int)
    def _moved(self, frame: int) -> None:
        if self._document.is_open and self._path:
            self._frame = frame
            self._soon.start()

    @Slot()
    def _leave(self) -> None:
        if self._soon.isActive():
            self._note()
        self._path = ""

    @Slot()
    def _note(self) -> None:
        self._soon.stop()
        if not self._path:
            return
        others = [(path, at) for path, at in self._settings.choices.places.items() if path != self._path]
        self._settings.set(places=dict([*others[1 - RECENT :], (self._path, str(self._frame))]))
