"""Starting from the command line, and errors that nobody foresaw."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.main import asks_for_window
from app.ui.actions.spec import MENUS
from app.ui.shell import Shell
from app.ui.start import Start
from app.ui.unforeseen import Unforeseen
from tests.app.ui.desktop import NoSound, drop

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("words", [["film.mp4"], ["work.dcut"], ["./film"], [f"folder{os.sep}film"]])
def test_a_path_alone_asks_for_the_window(words):
    assert asks_for_window(words)


@pytest.mark.parametrize("words", [["info"], ["--help"], ["info", "film.mp4"], ["exprot"], ["-o", "film.mp4"]])
def test_anything_else_is_a_command(words):
    assert not asks_for_window(words)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen for a program")
def test_without_a_screen_it_says_so_and_ends_as_a_usage_error():
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    bare.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(
        [sys.executable, "-m", "app.main"], capture_output=True, text=True, env=bare, cwd=ROOT, check=False
    )
    assert done.returncode == 2
    assert "no screen" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_that_nobody_foresaw_is_kept_and_told_once_and_the_session_goes_on(desktop, folder, qtbot, capsys):
    unforeseen = Unforeseen(desktop.window, desktop.theme, folder / "data" / "deltacut.log")
    for _ in range(3):
        try:
            raise ValueError("seven is not a frame")
        except ValueError as error:
            unforeseen.caught(ValueError, error, error.__traceback__)
    assert desktop.window._messages.count() == 1
    banner = desktop.window._messages.itemAt(0).widget()
    assert "seven is not a frame" in banner.why.text()
    log = (folder / "data" / "deltacut.log").read_text()
    assert log.count("seven is not a frame") >= 3
    assert "test_start.py" in log


_SHOWN = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from app.ui.start import Start
from app.ui.shell import Shell
app = QApplication([])
shell = Shell(app, Path(sys.argv[1]))
shell.show()
app.processEvents()
print(*sorted(sys.modules))
"""

# Each costs the start what the person would wait for, and none of it can be seen in the first picture.
_AFTER_THE_FIRST_PICTURE = (
    "app.session.session",
    "app.session.document",
    "app.ui.application",
    "app.ui.timeline",
    "app.ui.viewer",
    "asyncio",
    "av",
    "cryptography",
    "cv2",
    "elevenlabs",
    "engine.index",
    "engine.media",
    "engine.motion",
    "engine.plan",
    "engine.render",
    "engine.store",
    "google",
    "httpx",
    "keyring",
    "numpy",
    "opentimelineio",
    "PIL",
    "providers",
    "pyqtgraph",
    "sounddevice",
    "sqlite3",
    "ssl",
)


def test_the_window_shows_before_anything_of_films_or_services_is_loaded(folder):
    done = subprocess.run(
        [sys.executable, "-c", _SHOWN, str(folder / "data")],
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        cwd=ROOT,
        check=True,
    )
    loaded = done.stdout.split()
    assert "app.ui.window.first_run" in loaded
    assert [name for name in _AFTER_THE_FIRST_PICTURE if name in loaded] == []


@pytest.fixture
def start(qtbot, folder):
    app = QApplication.instance()
    app.setStyle("Fusion")
    shell = Shell(app, folder / "data")
    shell.show()
    made = Start(shell, None, NoSound())
    yield made
    made.end()
    shell.window.hide()
    shell.window.deleteLater()
    shell.theme.leave(app)
    gc.unfreeze()


def test_what_is_asked_for_before_all_is_there_is_done_once_it_is(start, film, qtbot):
    start.begin()
    window = start._shell.window
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Slash)
    drop(window, film)
    assert start.desktop is None
    with qtbot.waitSignal(start.ready, timeout=20_000):
        pass
    assert start.desktop.commands._palette.isVisible()
    start.desktop.commands._palette.close()
    qtbot.waitUntil(lambda: start.desktop.session.document.is_open, timeout=20_000)


def test_all_actions_are_found_once_all_is_there_and_each_menu_has_its_own(start, qtbot):
    assert list(start._shell.window.top.menus) == list(MENUS)
    start.begin()
    with qtbot.waitSignal(start.ready, timeout=20_000):
        pass
    assert all(menu.actions() for menu in start._shell.window.top.menus.values())
    for words in ("split", "generate", "export", "caption", "undo", "deliver workspace"):
        assert start.desktop.actions.found(words), words


@pytest.mark.parametrize("steps", [0, 1, 6, 20])
def test_the_window_may_be_closed_before_all_is_there(start, qtbot, steps):
    start.begin()
    qtbot.waitUntil(lambda: start._making is not None, timeout=20_000)
    start._steps.stop()
    for _ in range(steps):
        start._step()
    start._shell.window.close()
    assert start.desktop is None


def test_what_cannot_be_loaded_is_told_in_the_window(folder, qtbot, capsys):
    app = QApplication.instance()
    shell = Shell(app, folder / "data")
    unforeseen = Unforeseen(shell.window, shell.theme, folder / "data" / "deltacut.log")
    start = Start(shell, None, NoSound())
    start._loading.error = ImportError("libfilm.so is not there")
    try:
        start._loaded()
    except ImportError as error:
        unforeseen.caught(ImportError, error, error.__traceback__)
    assert "libfilm.so" in shell.window._messages.itemAt(0).widget().why.text()
    start.end()
    shell.window.deleteLater()
    shell.theme.leave(app)
