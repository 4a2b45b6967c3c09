"""Keys that belong to what has the focus before they belong to the window, and the key that is held for "before"."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

_MOVES = {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Space,
}
_ENTER = {Qt.Key.Key_Return, Qt.Key.Key_Enter}
_OWNERS: tuple[tuple[type[QWidget], frozenset[int]], ...] = (
    (QAbstractItemView, frozenset(_MOVES | _ENTER)),
    # Enter takes what was written: an action that has it as its key would begin before that.
    (QLineEdit, frozenset(_ENTER)),
    (QAbstractSpinBox, frozenset(_ENTER)),
    (QPlainTextEdit, frozenset(_ENTER)),
    (QTextEdit, frozenset(_ENTER)),
    (QAbstractSlider, frozenset(_MOVES)),
    (QComboBox, frozenset(_MOVES)),
    (QTabBar, frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right})),
    (QAbstractButton, frozenset({Qt.Key.Key_Space})),
)
_TEXT = (QLineEdit, QPlainTextEdit, QTextEdit)


class KeyRouter(QObject):
    """An event filter of the application.

    Lists, sliders and buttons keep the keys with which they are used, so that everything works without a mouse; a
    window's shortcut would take them away.

    Args:
        held_keys: returns the key sequences that are held for "before".
        hold: is told when it is pressed and released.
        views: the widgets that take the space key themselves, since it also pans them.
    """

    def __init__(
        self,
        held_keys: Callable[[], list[QKeySequence]],
        hold: Callable[[bool], None],
        views: tuple[type[QWidget], ...],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._held_keys = held_keys
        self._hold = hold
        self._views = views
        self._is_held = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return False
        if not isinstance(event, QKeyEvent) or not isinstance(watched, QWidget):
            return False
        return self._routed(watched, event)

    def _routed(self, watched: QWidget, event: QKeyEvent) -> bool:
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        match event.type():
            case QEvent.Type.ShortcutOverride:
                if self._is_holding_key(event) and not isinstance(watched, _TEXT):
                    event.accept()
                    return True
                owned = any(isinstance(watched, owner) and event.key() in keys for owner, keys in _OWNERS)
                pans = isinstance(watched, self._views) and event.key() == Qt.Key.Key_Space
                others = _plays_from(watched, event.key()) or _chooses_in_drop_down(watched, event.key())
                if plain and (owned or pans) and not others:
                    event.accept()
                    return True
            case QEvent.Type.KeyPress:
                if self._is_holding_key(event) and not isinstance(watched, _TEXT):
                    if not event.isAutoRepeat():
                        self._set_held(held=True)
                    return True
            case _:
                if self._is_held and not event.isAutoRepeat() and self._is_holding_key(event):
                    self._set_held(held=False)
                    return True
        return False

    def _set_held(self, *, held: bool) -> None:
        if held != self._is_held and QApplication.activePopupWidget() is None:
            self._is_held = held
            self._hold(held)

    def _is_holding_key(self, event: QKeyEvent) -> bool:
        # Of a key that is released the modifiers may be gone already.
        return any(sequence.count() == 1 and sequence == QKeySequence(event.key()) for sequence in self._held_keys())


def _plays_from(watched: QWidget, key: int) -> bool:
    """Tell whether a key plays although a list has the focus.

    Rows are chosen by the arrows (Ctrl+Space adds one), so that the most used key of all does what it does everywhere
    else. Lists that drop down and those of dialogs keep it.
    """
    is_list = isinstance(watched, QAbstractItemView) and isinstance(watched.window(), QMainWindow)
    return is_list and key == Qt.Key.Key_Space


def _chooses_in_drop_down(watched: QWidget, key: int) -> bool:
    """Tell whether a key takes the chosen row of a list that drops down: Qt does it on this very event, not after."""
    is_popup = watched.window().windowType() is Qt.WindowType.Popup
    return is_popup and isinstance(watched, QAbstractItemView) and key in _ENTER
