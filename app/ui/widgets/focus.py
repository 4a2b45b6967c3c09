"""The keyboard focus of what goes away."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QWidget


def release_focus(widget: QWidget) -> None:
    """Take the focus off a widget that is about to be hidden, if it has it.

    Qt would pass it on to whatever comes next in the window, as far away as a button of another bar, which the next
    press of Space would then run.
    """
    focused = QApplication.focusWidget()
    if focused is not None and (focused is widget or widget.isAncestorOf(focused)):
        focused.clearFocus()
