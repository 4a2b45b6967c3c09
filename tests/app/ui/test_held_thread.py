"""No event holds the interface thread for over 50 ms, and none waits for a file, a database, a decoder or a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from tests.app.ui.held_thread import YARDSTICK_MS
from tests.corpus.small_clips import Recipe, make

ROOT = Path(__file__).resolve().parents[3]
MOST_MS = 50.0
ATTEMPTS = 4
"""What is at fault is at fault each time; a repaint among busy neighbours is not always the same one."""

_GUILTY = """
import json, os, sqlite3, sys, time
from dataclasses import asdict
from pathlib import Path
from PySide6.QtCore import QTimer
from tests.app.ui.held_thread import Watch, WatchedApplication, wait, watch_calls
folder = Path(sys.argv[1])
watch = Watch((folder / "films",), "step one", is_on=True)
watch_calls(watch)
app = WatchedApplication(watch)
done = []
def computes():
    until = time.thread_time() + 0.08
    while time.thread_time() < until:
        pass
def waits():
    (folder / "films" / "film.mp4").read_bytes()
    (folder / "elsewhere").read_bytes()
    connection = sqlite3.connect(folder / "films" / "project.dcut")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
QTimer.singleShot(0, computes)
QTimer.singleShot(0, waits)
QTimer.singleShot(1, lambda: done.append(True))
wait(app, lambda: bool(done))
print("TOLD", json.dumps({"events": [asdict(event) for event in watch.events], "calls": watch.calls}))
"""


def told(arguments: list[str], folder: Path) -> dict:
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "DELTACUT_DATA": str(folder / "data"),
        "DELTACUT_CACHE": str(folder / "cache"),
        # Modules that are first needed in the middle are there as compiled, as they are for everybody.
        "PYTHONPYCACHEPREFIX": str(folder.parent / "bytecode"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.partition("TOLD")[2])


def test_what_computes_or_waits_in_an_event_is_seen_with_its_place(tmp_path):
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "film.mp4").write_bytes(b"film")
    (tmp_path / "elsewhere").write_bytes(b"small")
    seen = told(["-c", _GUILTY, str(tmp_path)], tmp_path)
    assert max(event["cpu_ms"] for event in seen["events"]) >= 80
    assert [what for what, _, _ in seen["calls"]] == [
        "open film.mp4",
        "sqlite3.connect",
        "sqlite3 CREATE TABLE t (a)",
        "sqlite3 commit",
    ]
    assert all(step == "step one" and "waits" in stack for _, step, stack in seen["calls"])


@pytest.mark.timeout(280)
def test_no_event_of_a_whole_story_holds_the_interface_thread_or_waits_in_it(tmp_path):
    at_fault: dict[tuple[str, str, str], list[float]] | None = None
    for attempt in range(ATTEMPTS):
        folder = tmp_path / str(attempt)
        (folder / "films").mkdir(parents=True)
        film = make(folder / "films" / "film.mp4", Recipe(frames=50, width=320, height=192))
        seen = told(["-m", "tests.app.ui.watched_story", str(folder), str(film)], folder)
        assert seen["calls"] == []
        assert sum(len(times) for times in seen["cpu_ms"].values()) > 1000
        # A processor that others slow down takes longer for everything, its yardstick too.
        most_ms = MOST_MS * max(1.0, median(seen["yardsticks_ms"]) / YARDSTICK_MS)
        held: dict[tuple[str, str, str], float] = {}
        for event in seen["events"]:
            if event["cpu_ms"] > most_ms:
                place = event["what"], event["where"], event["step"]
                held[place] = max(event["cpu_ms"], held.get(place, 0.0))
        if at_fault is None:
            at_fault = {place: [] for place in held}
        at_fault = {place: [*before, held[place]] for place, before in at_fault.items() if place in held}
        if not at_fault:
            break
    assert at_fault == {}
