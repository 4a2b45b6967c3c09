"""Who works without a mouse sees where the focus is, whatever has it, and nothing moves when it comes."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QStandardItemModel
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QListWidget, QSlider, QTabBar, QTableView, QVBoxLayout, QWidget

from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.theme.focus_ring import FocusRing
from app.ui.widgets import ButtonKind, ButtonSize, Segmented, icon_button, push_button


@pytest.fixture(params=["dark", "light"])
def theme(qtbot, tmp_path, request):
    settings = Settings(tmp_path / "window.json")
    settings.set(theme=request.param)
    made = Theme(settings)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    made.apply(app)
    yield made
    made.leave(app)


def everything(theme):
    """Return one of each kind of control that has the focus somewhere in the window."""
    tabs = QTabBar()
    tabs.addTab("Inspector")
    tabs.addTab("Jobs")
    table = QTableView()
    table.setModel(QStandardItemModel(2, 2, table))
    table.setTabKeyNavigation(False)
    names = QListWidget()
    names.addItem("Leash")
    buttons = [push_button(kind.value, kind, size) for kind in ButtonKind for size in ButtonSize]
    ways = Segmented(theme, [("a", "Before", "wipe"), ("b", "After", "")], "Ways")
    ways.choose("a")
    slider, add = QSlider(Qt.Orientation.Horizontal), icon_button(theme, "plus", "Add")
    return [*buttons, add, ways.button("a"), tabs, table, names, slider, QLineEdit()], ways


def picture(window):
    image = window.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)
    return pixels[..., :3].astype(int)


def test_every_kind_of_control_shows_the_focus_of_the_keyboard_and_keeps_its_size(qtbot, theme):
    window = QWidget()
    window.setObjectName("app")
    window.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    controls, ways = everything(theme)
    for control in controls:
        layout.addWidget(ways if control is ways.button("a") else control)
    window.resize(300, 1000)
    window.show()
    window.activateWindow()
    controls[-1].setFocus(Qt.FocusReason.OtherFocusReason)
    QApplication.processEvents()
    for control in controls[:-1]:
        before, place = picture(window), control.geometry()
        control.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        corner = control.mapTo(window, control.rect().topLeft())
        there = np.s_[corner.y() : corner.y() + control.height(), corner.x() : corner.x() + control.width()]
        changed = np.abs(picture(window)[there] - before[there]).sum(axis=2) > 90
        assert changed.sum() >= 40, f"{control} does not show that it has the focus"
        assert control.geometry() == place, f"{control} moves when the focus comes"
        controls[-1].setFocus(Qt.FocusReason.OtherFocusReason)
        QApplication.processEvents()
        same = np.abs(picture(window)[there] - before[there]).sum(axis=2) == 0
        assert same.all(), f"{control} still looks as if it had the focus"


def shown_beside_a_field(qtbot, control):
    window = QWidget()
    qtbot.addWidget(window)
    layout, field = QVBoxLayout(window), QLineEdit()
    layout.addWidget(field)
    layout.addWidget(control)
    window.resize(400, 200)
    window.show()
    window.activateWindow()
    field.setFocus(Qt.FocusReason.OtherFocusReason)
    QApplication.processEvents()
    return window


def test_the_ring_follows_the_size_and_the_tab_and_lets_the_mouse_through(qtbot, theme):
    tabs = QTabBar()
    tabs.addTab("Inspector")
    tabs.addTab("A longer name")
    _window = shown_beside_a_field(qtbot, tabs)
    tabs.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    ring = tabs.findChild(FocusRing)
    assert ring.geometry() == tabs.tabRect(0)
    QTest.keyClick(tabs, Qt.Key.Key_Right)
    assert tabs.currentIndex() == 1
    assert ring.geometry() == tabs.tabRect(1)
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, pos=tabs.tabRect(0).center())
    assert ring.geometry() == tabs.tabRect(0)


def test_a_click_brings_no_ring(qtbot, theme):
    names = QListWidget()
    _window = shown_beside_a_field(qtbot, names)
    names.setFocus(Qt.FocusReason.MouseFocusReason)
    QApplication.processEvents()
    assert names.findChild(FocusRing) is None
