"""Starting from the command line, and errors that nobody foresaw."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.main import asks_for_window
from app.ui.unforeseen import Unforeseen

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
