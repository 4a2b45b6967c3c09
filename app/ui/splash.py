"""What shows while the window is being loaded: the sign and the name, a tenth of a second after the start."""

from __future__ import annotations

import json
import os
import sys
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QSplashScreen

from app.session.settings import Settings
from app.workflows.places import data_folder
from engine.errors import UsageError

_SIZE = QSize(360, 200)


def show_splash() -> QSplashScreen:
    """Make the application and show the splash; the window puts it away when it is there.

    Raises:
        UsageError: there is no screen to show it on.
    """
    _check_screen()
    app = QApplication.instance() or QApplication(sys.argv[:1])
    splash = QSplashScreen(_picture(app.devicePixelRatio() if isinstance(app, QApplication) else 1.0))
    splash.show()
    app.processEvents()
    return splash


def _picture(ratio: float) -> QPixmap:
    theme = "light" if Settings(data_folder() / "window.json").choices.theme == "light" else "dark"
    resources = files("resources")
    colours = json.loads((resources / "themes" / f"{theme}.json").read_text(encoding="utf-8"))
    pixmap = QPixmap(_SIZE * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(colours["surface.1"]))
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    sign = (resources / "icons" / "logo.svg").read_text(encoding="utf-8").replace("currentColor", colours["text.1"])
    QSvgRenderer(QByteArray(sign.encode())).render(painter, QRectF(148, 40, 64, 64))
    font = QFont()
    font.setPixelSize(22)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(QColor(colours["text.1"]))
    painter.drawText(QRectF(0, 120, _SIZE.width(), 32), Qt.AlignmentFlag.AlignCenter, "Deltacut")
    painter.end()
    return pixmap


def _check_screen() -> None:
    """Say what is missing before Qt ends the process without a word that helps."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        raise UsageError(
            "there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open; "
            "`deltacut --help` tells of the commands that need none"
        )
