"""Ctrl-C in the terminal closes the window that was started there, and asks first where jobs run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]

_STARTED = """
import os, signal, sys, time
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMessageBox
import app.ui.start as start
from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from tests.app.ui.desktop import NoSound

def interrupt(number=signal.SIGINT):
    # From outside of Python's own instructions, as a terminal does: nothing here runs when it arrives.
    import subprocess
    subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep(0.3); os.kill({os.getpid()}, {int(number)})"])

def work(progress, cancel):
    while not cancel.cancelled:
        time.sleep(0.01)
    print("stopped cleanly", flush=True)
    raise Cancelled

def dialog():
    return next((w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox) and w.isVisible()), None)

def asked(then):
    if dialog() is None:
        QTimer.singleShot(20, lambda: asked(then))
    else:
        print("asked", flush=True)
        then()

class Started(start.Start):
    def _have(self, desktop):
        super()._have(desktop)
        STORY(desktop)

start.Start = Started
def STORY(desktop):
    {story}
sys.exit(start.run(None))
"""


def _end_of(story: str, folder: Path) -> tuple[int, str, str]:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "DELTACUT_DATA": str(folder / "data"),
        "DELTACUT_CACHE": str(folder / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", _STARTED.replace("{story}", story)],
        capture_output=True,
        text=True,
        env=environment,
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends a process there without telling it")


def test_the_window_closes(tmp_path):
    status, _, errors = _end_of("interrupt()", tmp_path)
    assert status == 0
    assert "Traceback" not in errors
    # As by its own button: where it stood is kept.
    assert "geometry" in (tmp_path / "data" / "window.json").read_text()


def test_with_a_job_running_it_asks_and_a_second_one_stops_the_job_and_ends(tmp_path):
    story = 'desktop.session.jobs.start("Long", JobKind.OTHER, work); interrupt(); asked(interrupt)'
    status, told, errors = _end_of(f"from app.session.jobs import JobKind; {story}", tmp_path)
    assert status == 128 + signal.SIGINT
    assert "Traceback" not in errors
    assert told.split("\n")[:2] == ["asked", "stopped cleanly"]


def test_being_told_to_terminate_stops_the_job_without_asking(tmp_path):
    story = 'desktop.session.jobs.start("Long", JobKind.OTHER, work); interrupt(signal.SIGTERM)'
    status, told, errors = _end_of(f"from app.session.jobs import JobKind; {story}", tmp_path)
    assert status == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert told.strip() == "stopped cleanly"
