"""How long single events hold the interface thread through a whole story, most of all while it exports and follows.

    python -m tests.bench ui_events

Computing time of the interface thread, event by event, in milliseconds; the story is tests/app/ui/watched_story.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def main(arguments: list[str]) -> int:
    """Print the table."""
    from tests.corpus.small_clips import Recipe, make

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "films").mkdir()
        film = make(folder / "films" / "film.mp4", Recipe(frames=50, width=1280, height=720))
        environment = {
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "DELTACUT_DATA": f"{folder}/data",
            "DELTACUT_CACHE": f"{folder}/cache",
        }
        story = [sys.executable, "-m", "tests.app.ui.watched_story", str(folder), str(film)]
        done = subprocess.run(story, capture_output=True, text=True, env=environment, check=True)
    told = json.loads(done.stdout.partition("TOLD")[2])
    print(f"{'':32} {'events':>7} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}  ms   wanted: max <= 50")
    for step, times in told["cpu_ms"].items():
        _told(step.replace("_", " "), times)
    _told("all", [time for times in told["cpu_ms"].values() for time in times])
    longest = told["events"][0]
    print(f"longest: {longest['what']} to {longest['where']}, while: {longest['step'].replace('_', ' ')}")
    print(f"calls that may wait, in the interface thread: {len(told['calls'])}; wanted: 0")
    return 0


def _told(name: str, times: list[float]) -> None:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    print(f"{name:32} {len(times):7} {p50:7.2f} {p95:7.2f} {p99:7.2f} {max(times):7.2f}")
