"""What a style sheet cannot say: who got the focus by the keyboard, and room before a number and after an icon."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QColor, QFocusEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QToolButton,
    QWidget,
)

from app.ui.theme.focus_ring import FocusRing

_BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)
_BACK_AND_FORTH = (Qt.FocusReason.ActiveWindowFocusReason, Qt.FocusReason.PopupFocusReason)
"""Another window or a menu has the focus for a while; what had it here still shows that."""
_WITH_A_RING = (QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit)
"""Fields, for which the style sheet draws the ring whichever way the focus came."""
_ROOM_PX = 7
_ICON, _ICON_WITH_ROOM = QSize(16, 16), QSize(20, 16)


class Dressing(QObject):
    """An event filter of the application. It sees every event, so there is only this one.

    It sets the property `keyfocus` on buttons and sliders, so that the style sheet can draw their ring, and lays a
    ring on what the style sheet has none for, in the colour that `colour` returns. It moves the text of number fields,
    which Qt lays against their very edge where they are styled, and that of buttons with an icon, to which it leaves
    4 points.
    """

    def __init__(self, colour: Callable[[], QColor], parent: QObject) -> None:
        super().__init__(parent)
        self._colour = colour

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.Polish:
            if isinstance(watched, QAbstractSpinBox):
                field = watched.findChild(QLineEdit)
                if field is not None:
                    field.setTextMargins(_ROOM_PX, 0, 0, 0)
            elif _has_text_beside(watched) and watched.iconSize() == _ICON:
                watched.setIconSize(_ICON_WITH_ROOM)
            return False
        if kind is not QEvent.Type.FocusIn and kind is not QEvent.Type.FocusOut:
            return False
        if isinstance(watched, QWidget) and isinstance(event, QFocusEvent):
            if event.reason() in _BACK_AND_FORTH:
                return False
            is_seen = kind is QEvent.Type.FocusIn and event.reason() in _BY_KEYBOARD
            if isinstance(watched, QAbstractButton | QAbstractSlider):
                _mark(watched, is_seen)
            elif not isinstance(watched, _WITH_A_RING):
                self._ring(watched, is_seen=is_seen)
        return False

    def _ring(self, widget: QWidget, *, is_seen: bool) -> None:
        for former in widget.findChildren(FocusRing, options=Qt.FindChildOption.FindDirectChildrenOnly):
            former.hide()
            former.deleteLater()
        if is_seen:
            FocusRing(self._colour(), widget)


def _has_text_beside(widget: QObject) -> TypeGuard[QAbstractButton]:
    if isinstance(widget, QToolButton):
        # Of a button that opens a menu, the icon stands after the text.
        beside = widget.toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        return beside and widget.layoutDirection() is Qt.LayoutDirection.LeftToRight
    return isinstance(widget, QPushButton)


def _mark(widget: QWidget, marked: bool) -> None:
    if bool(widget.property("keyfocus")) != marked:
        widget.setProperty("keyfocus", marked)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
