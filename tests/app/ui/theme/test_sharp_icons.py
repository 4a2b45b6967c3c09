"""Icons and messages as a fine screen and a wide place show them."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.widgets import Banner, BannerAction, Tone, push_button


@pytest.fixture
def theme(qtbot, tmp_path):
    made = Theme(Settings(tmp_path / "window.json"))
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    made.apply(app)
    yield made
    made.leave(app)


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_an_icon_is_drawn_with_every_pixel_of_the_screen(theme, ratio):
    drawn = theme.icon("brush").pixmap(QSize(16, 16), ratio)
    assert drawn.size() == QSize(16, 16) * ratio
    assert drawn.devicePixelRatio() == ratio


def test_a_wide_icon_is_not_stretched_but_has_room_at_its_right(theme):
    square = theme.icon("check").pixmap(QSize(16, 16), 2.0).toImage()
    wide = theme.icon("check").pixmap(QSize(20, 16), 2.0).toImage()
    assert wide.size() == QSize(40, 32)
    assert wide.copy(0, 0, 32, 32) == square
    assert all(wide.pixelColor(x, y).alpha() == 0 for x in range(32, 40) for y in range(32))


def test_a_button_with_an_icon_gets_that_room(qtbot, theme):
    window = QWidget()
    qtbot.addWidget(window)
    button = push_button("Approve")
    button.setIcon(theme.icon("check"))
    QVBoxLayout(window).addWidget(button)
    window.show()
    assert button.iconSize() == QSize(20, 16)


def test_the_buttons_of_a_message_stand_beside_the_words_where_there_is_room(qtbot, theme):
    window = QWidget()
    qtbot.addWidget(window)
    layout = QVBoxLayout(window)
    banner = Banner(theme, Tone.ERROR, "It was not opened.", "It is no film.", (BannerAction("Open another…", print),))
    layout.addWidget(banner)
    layout.addStretch(1)
    window.resize(900, 300)
    window.show()
    QApplication.processEvents()
    beside = banner.height()
    window.resize(360, 300)
    qtbot.waitUntil(lambda: banner.height() > beside + 20)
    window.resize(900, 300)
    qtbot.waitUntil(lambda: banner.height() == beside)
