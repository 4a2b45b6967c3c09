"""Marks the widget that got the focus by the keyboard, so that the style sheet can draw its ring."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QWidget

_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class FocusMarker(QObject):
    """An event filter of the application: sets the property `keyfocus` on buttons and sliders."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in (QEvent.Type.FocusIn, QEvent.Type.FocusOut) or not isinstance(event, QFocusEvent):
            return False
        if isinstance(watched, QAbstractButton | QAbstractSlider):
            marked = kind is QEvent.Type.FocusIn and event.reason() in _BY_KEYBOARD
            if bool(watched.property("keyfocus")) != marked:
                watched.setProperty("keyfocus", marked)
                _polish(watched)
        return False


def _polish(widget: QWidget) -> None:
    widget.style().unpolish(widget)
    widget.style().polish(widget)
