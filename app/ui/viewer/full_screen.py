"""The picture alone, on the whole screen."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.ui.context import Context
from app.ui.viewer.picture_view import PictureView


class FullScreen(PictureView):
    """Shows what another view shows; Escape, F11 or a double click ends it. The window's keys work here too."""

    def __init__(self, context: Context, view: PictureView, parent: QWidget) -> None:
        super().__init__(context, "Full screen", parent)
        self.setWindowFlag(Qt.WindowType.Window)
        self.setWindowTitle("Deltacut")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.set_compare(view.compare)
        self.set_gain(view.gain)
        self.set_wipe(view.wipe)
        for spec in context.actions.specs:
            if spec.id != "edit.escape":
                self.addAction(context.actions.action(spec.id))
        self.frame_shown.connect(context.session.playback.note_shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        elif event.key() == Qt.Key.Key_Space:
            self._transport.toggle()
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        self.close()
