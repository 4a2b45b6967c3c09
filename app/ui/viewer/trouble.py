"""What is said in place of a picture, with the ways out as buttons."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.theme.theme import PICTURE_LABEL
from app.ui.timeline.keyframe_ticks import keyframes_of
from app.ui.widgets import label, push_button, row

_WIDEST = 520


class Trouble(QWidget):
    """Stands in the middle of the picture for as long as there is none."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self._context, self._over = context, parent
        self.setAccessibleName("Why there is no picture")
        self.words = label("", tone="on-picture")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.again = push_button("Try again")
        self.again.clicked.connect(context.session.preview.try_again)
        self.further = push_button("Go to the next keyframe")
        self.further.clicked.connect(self._go_on)
        self.locate = push_button("Find the film…")
        self.locate.clicked.connect(self._find)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 16, 24, 16)
        layout.setSpacing(12)
        layout.addWidget(self.words)
        layout.addLayout(row(None, self.again, self.further, self.locate, None))
        self.hide()

    @Slot(str)
    def say(self, text: str) -> None:
        """Show a sentence with what can be done about it; an empty one puts this away."""
        if not text:
            self.hide()
            return
        missing = self._missing_name()
        if missing:
            text = f"“{missing}” is not at hand, so there is nothing to show here"
        self.words.setText(f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else "."))
        self.locate.setVisible(bool(missing))
        # Neither reads a file that is not there.
        self.again.setVisible(not missing)
        self.further.setVisible(not missing and self._context.session.preview.scene is not None)
        self.place()
        self.show()
        self.raise_()

    def place(self) -> None:
        """Stand in the middle."""
        room = self._over.size()
        width = max(160, min(_WIDEST, room.width() - 32))
        height = self.heightForWidth(width) if self.hasHeightForWidth() else self.sizeHint().height()
        self.setGeometry((room.width() - width) // 2, max(8, (room.height() - height) // 2), width, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PICTURE_LABEL)
        painter.drawRoundedRect(self.rect(), 6, 6)
        painter.end()

    @Slot()
    def _go_on(self) -> None:
        """Go where the film can be read again: what is damaged goes on up to a keyframe."""
        transport, document = self._context.session.transport, self._context.session.document
        frames = keyframes_of(document.timeline, document.films)
        later = frames[np.searchsorted(frames, transport.frame, side="right") :]
        transport.seek(int(later[0]) if later.size else transport.last_frame)

    def _missing_name(self) -> str:
        """Return the name of the film at the playhead if it is missing, else of one that is, "" if all are there."""
        document = self._context.session.document
        if not document.missing:
            return ""
        shown = document.timeline.source_at(self._context.session.transport.frame)
        if shown is not None and shown.source_id not in document.missing:
            return ""
        return document.project.source(next(iter(document.missing)) if shown is None else shown.source_id).name

    @Slot()
    def _find(self) -> None:
        self._context.actions.action("media.find_missing").trigger()
