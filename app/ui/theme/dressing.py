"""What a style sheet cannot say: who got the focus by the keyboard, and room before the text of a number field."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QAbstractSpinBox, QLineEdit, QWidget

_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
_ROOM_PX = 7


class Dressing(QObject):
    """An event filter of the application. It sees every event, so there is only this one.

    It sets the property `keyfocus` on buttons and sliders, so that the style sheet can draw their ring; and it moves
    the text of number fields, which Qt lays against their very edge where they are styled.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.Polish:
            if isinstance(watched, QAbstractSpinBox):
                field = watched.findChild(QLineEdit)
                if field is not None:
                    field.setTextMargins(_ROOM_PX, 0, 0, 0)
            return False
        if kind is not QEvent.Type.FocusIn and kind is not QEvent.Type.FocusOut:
            return False
        if isinstance(watched, QAbstractButton | QAbstractSlider) and isinstance(event, QFocusEvent):
            _mark(watched, kind is QEvent.Type.FocusIn and event.reason() in _BY_KEYBOARD)
        return False


def _mark(widget: QWidget, marked: bool) -> None:
    if bool(widget.property("keyfocus")) != marked:
        widget.setProperty("keyfocus", marked)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
