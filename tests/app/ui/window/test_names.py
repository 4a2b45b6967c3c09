"""Everything that can be worked has a name for a screen reader, and is reached by the keyboard alone."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QMenuBar,
    QPlainTextEdit,
    QScrollBar,
    QTabBar,
    QTextEdit,
    QWidget,
)

from tests.app.ui.desktop import opened
from tests.look.full_project import fill

CONTROLS = (
    QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit,
    QAbstractItemView, QTabBar,
)  # fmt: skip
PARTS_OF = (
    QAbstractSpinBox, QComboBox, QMenuBar, QTabBar, QAbstractItemView, QLineEdit, QKeySequenceEdit,
)  # fmt: skip
"""What names its own parts."""


def unnamed(root: QWidget) -> list[str]:
    found = []
    for widget in root.findChildren(QWidget):
        if not isinstance(widget, CONTROLS) or isinstance(widget, QScrollBar | QHeaderView):
            continue
        if not widget.isVisibleTo(root) or isinstance(widget.parent(), PARTS_OF):
            continue
        text = widget.text().strip() if isinstance(widget, QAbstractButton) else ""
        if not widget.accessibleName() and not text:
            found.append(f"{type(widget).__name__} in {type(widget.parent()).__name__}")
    return found


def test_every_control_of_the_window_and_of_its_dialogs_has_a_name(desktop, film, qtbot):
    window = desktop.window
    assert unnamed(window.first_run) == []
    opened(desktop, film, qtbot)
    fill(desktop)
    for workspace in ("edit", "region", "review", "deliver"):
        window.show_workspace(workspace)
        QApplication.processEvents()
        assert unnamed(window) == [], workspace
    window.show_workspace("region")
    for panel in ("jobs", "history", "scopes", "captions", "transcript", "patches", "media", "inspector"):
        window.show_panel(panel)
        QApplication.processEvents()
        assert unnamed(window) == [], panel
    project = desktop.session.document.project
    one_of_each = {type(item): item for layer in project.layers for item in layer.items}
    for item in (*one_of_each.values(), project.storyline[0], project.markers[0]):
        desktop.session.selection.choose(item.id)
        QApplication.processEvents()
        assert unnamed(desktop.inspector) == [], type(item)
    for page in ("general", "shortcuts", "keys", "spending"):
        desktop.commands.settings(page)
        QApplication.processEvents()
        assert unnamed(desktop.commands._dialog) == [], page


def test_the_tab_key_goes_through_all_panels_and_comes_round(desktop, film, qtbot):
    opened(desktop, film, qtbot)
    window = desktop.window
    window.show_workspace("region")
    QApplication.processEvents()
    window.activateWindow()
    desktop.viewer.canvas.setFocus(Qt.FocusReason.TabFocusReason)
    reached: list[str] = []
    for _ in range(200):
        widget = QApplication.focusWidget()
        assert widget is not None
        assert widget.isVisible()
        reached.append(widget.accessibleName())
        QTest.keyClick(widget, Qt.Key.Key_Tab)
        if QApplication.focusWidget() is desktop.viewer.canvas:
            break
    else:
        raise AssertionError(f"Tab does not come round: {reached[-20:]}")
    assert {"Picture", "Timeline", "Search media", "Layers"} <= set(reached)
