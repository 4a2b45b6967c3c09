"""A title's or a caption's text, edited where it stands on the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget


class TextField(QPlainTextEdit):
    """Takes the text at Enter or where the focus goes; Shift+Enter begins a line, Escape leaves it as it was."""

    def __init__(self, text: str, taken: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Text")
        self.setPlainText(text)
        self.setTabChangesFocus(True)
        self.selectAll()
        self._was = text
        self._taken: Callable[[str], None] | None = taken

    def show_at(self, place: QRectF, room: QRectF) -> None:
        """Show the field over a place, within the room."""
        width = min(max(place.width() + 24, 220.0), room.width() - 16)
        lines = self.toPlainText().count("\n") + 1
        height = min(max(place.height() + 12, 24.0 + 18 * (lines + 1)), room.height() - 16)
        left = min(max(place.center().x() - width / 2, room.left() + 8), room.right() - 8 - width)
        top = min(max(place.center().y() - height / 2, room.top() + 8), room.bottom() - 8 - height)
        self.setGeometry(round(left), round(top), round(width), round(height))
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def event(self, event: QEvent) -> bool:
        # Escape and Enter are this field's own, whatever the window does with them.
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._end(self._was)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not (
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        ):
            self._end(self.toPlainText())
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() is not Qt.FocusReason.PopupFocusReason:
            self._end(self.toPlainText())

    def _end(self, text: str) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            self.hide()
            self.deleteLater()
            taken(text)
