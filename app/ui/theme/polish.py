"""What a style sheet cannot say: room before the text of a number field."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QAbstractSpinBox, QLineEdit

_ROOM_PX = 7


class FieldPolish(QObject):
    """An event filter of the application. Qt lays the text of a styled number field against its very edge."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Polish and isinstance(watched, QAbstractSpinBox):
            field = watched.findChild(QLineEdit)
            if field is not None:
                field.setTextMargins(_ROOM_PX, 0, 0, 0)
        return False
