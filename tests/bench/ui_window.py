"""The window as a whole: how soon it shows, what 200 projects leave behind, what an hour-long film takes.

Run through `python -m tests.bench ui`. The yardstick of the start is a bare Qt window in the same interpreter.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

STARTS = 7
ROUNDS = 200

_BARE = """
import time
begun = time.perf_counter()
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication([])
window = QMainWindow()
window.show()
app.processEvents()
print(time.perf_counter() - begun)
"""

_OURS = """
import time
begun = time.perf_counter()
def main():
    from PySide6.QtWidgets import QApplication
    from app.ui.application import Desktop
    from app.workflows.places import data_folder
    app = QApplication([])
    app.setStyle("Fusion")
    desktop = Desktop(app, data_folder())
    desktop.show(None)
    app.processEvents()
    print(time.perf_counter() - begun, flush=True)
    desktop.shut_down()
if __name__ == "__main__":
    main()
"""


def rows() -> list[tuple[str, str, str]]:
    """Return what was measured: what, figure, aim."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DELTACUT_DATA"] = f"{scratch}/data"
        os.environ["DELTACUT_CACHE"] = f"{scratch}/cache"
        bare, ours = _starts(_BARE, Path(scratch)), _starts(_OURS, Path(scratch))
        return [
            ("bare Qt window shown", f"{bare:.2f} s", ""),
            ("window shown, warm", f"{ours:.2f} s ({ours / bare:.1f} x bare)", "1.0 s"),
            *_rounds(Path(scratch)),
        ]


def _starts(code: str, scratch: Path) -> float:
    """Return the median time from the interpreter's first line to the shown window, in seconds."""
    script = scratch / "start.py"
    script.write_text(code)
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": os.getcwd()}
    times = []
    for _ in range(STARTS):
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, env=environment, check=True
        )
        times.append(float(done.stdout.split()[-1]))
    return statistics.median(times[1:])


def _rounds(scratch: Path) -> list[tuple[str, str, str]]:
    """Open and close a project many times; return what stays."""
    from PySide6.QtWidgets import QApplication

    from app.ui.application import Desktop
    from app.workflows.import_media import new_project
    from app.workflows.open_for_editing import open_for_editing
    from engine.control import CancelToken, Progress
    from tests.app.ui.desktop import NoSound
    from tests.corpus.small_clips import Recipe, make

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    film = make(scratch / "film.mp4", Recipe(frames=50, width=320, height=192))
    path = scratch / "film.dcut"
    new_project(path, film, Progress(), CancelToken())
    desktop = Desktop(app, scratch / "data", NoSound())
    desktop.show(None)

    def once() -> None:
        desktop.session.document.adopt(open_for_editing(path, Progress(), CancelToken()))
        _run_for(150)
        desktop.session.document.close()
        _run_for(10)

    for _ in range(20):
        once()
    gc.collect()
    before, objects = _resident_mb(), len(gc.get_objects())
    for _ in range(ROUNDS):
        once()
    gc.collect()
    grown, more = _resident_mb() - before, len(gc.get_objects()) - objects
    desktop.shut_down()
    return [
        (f"memory after {ROUNDS} more open and close", f"{grown:+.1f} MB", "0"),
        ("Python objects more by then", f"{more:+,}", "0"),
    ]


def _run_for(ms: int) -> None:
    """Run the event loop; unlike processing events one by one it also deletes what was to be deleted later."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _resident_mb() -> float:
    """Return the memory in use where the system tells it (Linux), else the most there ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    for what, figure, aim in rows():
        print(f"{what:<48}{figure:>26}   aim {aim}")
