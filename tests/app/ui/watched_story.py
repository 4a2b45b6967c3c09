"""A day's work in half a minute, with the interface thread watched: run by test_held_thread.py in its own process.

Prints one JSON object: the events that took longest, the computing time of all by step, and the calls in the interface
thread that may wait.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from tests.app.ui.held_thread import Watch, WatchedApplication, guard, wait, watch_calls, yardstick_ms


def main(folder: Path, film: Path) -> int:
    """Live the story in a folder, on a film in it."""
    data = folder / "data"
    watch = Watch((folder / "films", folder / "cache"))
    watch_calls(watch)
    app = WatchedApplication(watch)
    app.setStyle("Fusion")
    from app.ui.shell import Shell
    from app.ui.start import Start
    from tests.app.ui.desktop import NoSound

    gc.disable()
    shell = Shell(app, data)
    shell.show()
    shell.window.resize(1600, 1000)
    start = Start(shell, None, NoSound())
    watch.is_on, watch.step = True, "start"
    start.begin()
    wait(app, lambda: start.desktop is not None)
    watch.is_on = False

    from engine.media.decode import FrameReader
    from engine.store.project_file import ProjectFile

    guard(watch, FrameReader, "frames")
    guard(watch, ProjectFile, "take")
    guard(watch, ProjectFile, "commit")
    Story(app, watch, start.desktop, film).live()
    watch.is_on = False
    start.end()
    longest = sorted(watch.events, key=lambda event: -event.cpu_ms)
    shown = [asdict(event) for event in longest[:12]]
    told = {"events": shown, "cpu_ms": watch.cpu_ms, "calls": watch.calls[:12], "yardsticks_ms": watch.yardsticks_ms}
    print("TOLD", json.dumps(told))
    return 0


class Story:
    """Opens, looks, draws, cuts, looks at everything, and exports while it goes on."""

    def __init__(self, app, watch, desktop, film) -> None:
        self.app, self.watch, self.desktop, self.film = app, watch, desktop, film
        self.session = desktop.session

    def live(self) -> None:
        for step in (
            self.open,
            self.step_and_scrub,
            self.play,
            self.choose,
            self.draw,
            self.follow_while_editing,
            self.cut_and_trim,
            self.workspaces,
            self.panels,
            self.find_an_action,
            self.export_while_editing,
            self.undo_all,
            self.close,
        ):
            self.watch.step, self.watch.is_on = step.__name__, True
            step()
            self.run_for(300)
            self.watch.yardsticks_ms.append(yardstick_ms())

    def run_for(self, ms: int) -> None:
        until = time.monotonic() + ms / 1000
        wait(self.app, lambda: time.monotonic() > until)

    def run(self, action: str) -> None:
        self.desktop.actions.refresh()
        found = self.desktop.actions.action(action)
        assert found.isEnabled(), f"{action}: {found.toolTip()}"
        # From the event loop, as a key or a menu does it.
        self.later(found.trigger)

    def later(self, act: Callable[[], object]) -> None:
        from PySide6.QtCore import QTimer

        done = []
        QTimer.singleShot(0, self.desktop.window, lambda: (act(), done.append(True)))
        wait(self.app, lambda: bool(done))

    def shows(self, frame: int) -> None:
        self.later(lambda: self.session.transport.seek(frame))
        wait(self.app, lambda: self.desktop.viewer.canvas.shown_frame == frame)

    def open(self) -> None:
        self.later(lambda: self.desktop.commands.open_paths([self.film]))
        wait(self.app, lambda: bool(self.session.document.films))
        wait(self.app, lambda: self.desktop.viewer.canvas.shown_frame is not None)
        self.run_for(1500)

    def step_and_scrub(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        for frame in range(1, 12):
            self.shows(frame)
        view = self.desktop.timeline.view.viewport()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 8))
        for x in range(300, 700, 12):
            QTest.mouseMove(view, QPoint(x, 8))
            self.run_for(10)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(700, 8))
        self.shows(30)

    def play(self) -> None:
        self.run("playback.toggle")
        self.run_for(1500)
        self.later(self.session.transport.pause)
        self.shows(30)

    def choose(self) -> None:
        clip = self.session.document.project.storyline[0]
        self.later(lambda: self.session.selection.choose(clip.id))
        self.run_for(300)
        self.later(lambda: self.session.selection.choose())

    def draw(self) -> None:
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        canvas = self.desktop.viewer.canvas
        QTest.keyClick(canvas, Qt.Key.Key_R)
        place = [canvas.view_map.to_view(0.3, 0.3).toPoint(), canvas.view_map.to_view(0.6, 0.7).toPoint()]
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=place[0])
        for part in range(1, 11):
            QTest.mouseMove(canvas, place[0] + QPoint(*((place[1] - place[0]) * part / 10).toTuple()))
            self.run_for(8)
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place[1])
        assert self.session.selection.region is not None
        self.run("tool.blur")
        wait(self.app, lambda: bool(list(self.session.document.project.patches)))
        patch = next(self.session.document.project.patches)
        self.later(lambda: self.session.selection.choose(patch.id))
        self.run_for(800)
        self.later(lambda: self.session.selection.choose())

    def follow_while_editing(self) -> None:
        from app.session.patching import FollowChoice
        from engine.model.edits import RenameProject
        from engine.model.patch import Follow
        from engine.model.region import Box

        patching, before = self.session.patching, len(list(self.session.document.project.patches))
        self.shows(15)
        self.later(partial(patching.choose, FollowChoice(Follow.PLANAR, 12, 12)))
        self.later(partial(self.session.selection.set_region, Box(0.2, 0.2, 0.5, 0.6), 15))
        self.run("tool.blur")
        count = 0
        while self.session.jobs.running or len(list(self.session.document.project.patches)) == before:
            count += 1
            self.later(partial(self.session.document.do, RenameProject(f"Followed {count}")))
            self.run_for(60)
        self.run_for(500)

    def cut_and_trim(self) -> None:
        for frame in (20, 35):
            self.shows(frame)
            self.run("clip.split")
        clips = self.session.document.project.storyline
        self.later(lambda: self.session.selection.choose(clips[1].id))
        self.run("mark.clip")
        self.run("clip.extract")
        wait(self.app, lambda: self.session.document.is_saved)

    def workspaces(self) -> None:
        for name in ("edit", "review", "deliver", "region", "deliver", "review", "region"):
            self.run(f"view.workspace.{name}")
            self.run_for(500)

    def panels(self) -> None:
        for name in ("jobs", "history", "scopes", "captions", "transcript", "patches", "media", "inspector"):
            self.later(lambda name=name: self.desktop.window.show_panel(name))
            self.run_for(500)

    def find_an_action(self) -> None:
        from PySide6.QtTest import QTest

        self.run("help.find")
        palette = self.desktop.commands._palette
        QTest.keyClicks(palette.field, "split the")
        self.run_for(100)
        palette.close()

    def export_while_editing(self) -> None:
        from engine.model.edits import RenameProject

        self.run("view.workspace.deliver")
        page = self.desktop.export
        wait(self.app, lambda: page.plan is not None and self.session.live_plan.is_current)
        self.later(page.start)
        count = 0
        while self.session.jobs.running:
            count += 1
            self.later(partial(self.session.document.do, RenameProject(f"Name {count}")))
            self.later(partial(self.session.transport.seek, count % 30))
            self.run_for(60)
        assert page._report.count() == 1
        self.run("view.workspace.region")

    def undo_all(self) -> None:
        for _ in range(4):
            self.run("edit.undo")
            wait(self.app, lambda: self.session.document.is_saved)

    def close(self) -> None:
        self.run("file.close")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
