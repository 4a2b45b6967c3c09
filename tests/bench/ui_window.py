"""The window as a whole: how soon it shows, and what 200 projects leave behind.

    python -m tests.bench ui_window [--rounds 200]

The yardstick of the start is a bare Qt window in the same interpreter. Both have their byte code at hand, as installed
programs have. About 75 s, of which 20 are starts.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

if TYPE_CHECKING:
    from app.ui.application import Desktop

STARTS = 7

_BARE = """
import time
begun = time.perf_counter()
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.show()
app.processEvents()
print(time.perf_counter() - begun, 0)
"""

_OURS = """
import gc
import time
begun = time.perf_counter()
def main():
    from PySide6.QtWidgets import QApplication
    from app.ui.shell import Shell
    from app.ui.start import Start
    from app.workflows.places import data_folder
    gc.disable()
    app = QApplication([])
    app.setStyle("Fusion")
    shell = Shell(app, data_folder())
    shell.show()
    app.processEvents()
    shown = time.perf_counter() - begun
    start = Start(shell, None)
    start.ready.connect(app.quit)
    start.begin()
    app.exec()
    print(shown, time.perf_counter() - begun, flush=True)
    start.end()
if __name__ == "__main__":
    main()
"""


def main(arguments: list[str]) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="tests.bench ui_window")
    parser.add_argument("--rounds", type=int, default=200)
    # Run with the others, it is given what they take.
    given, _ = parser.parse_known_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        os.environ["DELTACUT_DATA"] = f"{scratch}/data"
        os.environ["DELTACUT_CACHE"] = f"{scratch}/cache"
        bare, _ = _starts(_BARE, scratch)
        shown, ready = _starts(_OURS, scratch)
        _told("bare Qt window shown", f"{bare:.2f} s", "")
        _told("window shown, warm", f"{shown:.2f} s ({shown / bare:.1f} x bare)", "<= 1.0 s")
        _told("all panels there, warm", f"{ready:.2f} s", "")
        _in_one_window(scratch, given.rounds)
    return 0


def _told(what: str, figure: str, wanted: str) -> None:
    print(f"{what:<48}{figure:>34}   {wanted and 'wanted: ' + wanted}", flush=True)


def _starts(code: str, scratch: Path) -> tuple[float, float]:
    """Return the median times from the interpreter's first line to the shown window and to all of it, in seconds."""
    script = scratch / "start.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONPYCACHEPREFIX": f"{scratch}/bytecode"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    times = []
    for _ in range(STARTS):
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=True
        )
        times.append([float(word) for word in done.stdout.split()[-2:]])
    shown, ready = (statistics.median(each) for each in zip(*times[1:], strict=True))
    return shown, ready


def _in_one_window(scratch: Path, rounds: int) -> None:
    from PySide6.QtWidgets import QApplication

    from tests.app.ui.desktop import whole

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    desktop = whole(app, scratch / "data")
    # On a screen this small the window starts as large as that.
    desktop.window.showNormal()
    desktop.window.resize(1920, 1080)
    _many_projects(desktop, scratch, rounds)
    desktop.shut_down()


def _many_projects(desktop: Desktop, scratch: Path, rounds: int) -> None:
    """Open and close a project many times; tell what stays."""
    from app.workflows.import_media import new_project
    from app.workflows.open_for_editing import open_for_editing
    from engine.control import CancelToken, Progress
    from tests.corpus.small_clips import Recipe, make

    film = make(scratch / "film.mp4", Recipe(frames=50, width=320, height=192))
    path = scratch / "film.dcut"
    new_project(path, film, Progress(), CancelToken())

    def some(count: int) -> tuple[float, int]:
        for _ in range(count):
            desktop.session.document.adopt(open_for_editing(path, Progress(), CancelToken()))
            _run_for(150)
            desktop.session.document.close()
            _run_for(10)
        # What was freed goes back to the system half a second after a project closed.
        _run_for(1500)
        gc.collect()
        return _memory_mb(), len(gc.get_objects())

    _, _ = some(20)
    (first, _), (before, objects), (after, more) = some(20), some(rounds // 2), some(rounds - rounds // 2)
    _told(f"memory after {rounds} more open and close", f"{after - first:+.1f} MB", "0")
    _told("  of these the second half", f"{after - before:+.1f} MB", "0")
    _told("Python objects more by then", f"{more - objects:+,}", "0")


def _run_for(ms: int) -> None:
    """Run the event loop; unlike processing events one by one it also deletes what was to be deleted later."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _memory_mb() -> float:
    """Return the memory in use where the system tells it (Linux), else the most there was."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1e3
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
