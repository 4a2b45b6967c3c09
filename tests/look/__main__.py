"""Take pictures of the application: every workspace and dialog, both themes, empty and with a full project.

``python -m tests.look DIR [--film FILM] [--scale 1|2] [--size 1920x1080] [--only NAME]``

Runs where there is no screen too (Qt's offscreen platform); a virtual screen shows it as a desktop would.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


def main() -> int:
    """Take the pictures; return 0."""
    given = argparse.ArgumentParser(prog="python -m tests.look", description=__doc__)
    given.add_argument("folder", type=Path)
    given.add_argument("--film", type=Path, help="show this film (default: the sample)")
    given.add_argument("--scale", default="1", help="device pixels for each point (default: 1)")
    given.add_argument("--size", default="1920x1080", help="of the window, in points")
    given.add_argument("--theme", choices=("dark", "light", "both"), default="both")
    given.add_argument("--only", default="", help="only pictures whose name holds this")
    options = given.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = options.scale
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["DELTACUT_DATA"] = f"{scratch}/data"
        os.environ["DELTACUT_CACHE"] = f"{scratch}/cache"
        themes = ("dark", "light") if options.theme == "both" else (options.theme,)
        Photographer(options.folder, options.film, options.size, options.only, Path(scratch)).take(themes)
    return 0


class Photographer:
    """Shows the application in one state after the other."""

    def __init__(self, folder: Path, film: Path | None, size: str, only: str, scratch: Path) -> None:
        from PySide6.QtWidgets import QApplication

        from tests.app.ui.desktop import whole

        self._app = QApplication([])
        self._app.setStyle("Fusion")
        self._folder, self._film, self._only = folder, film, only
        self._width, self._height = (int(side) for side in size.split("x"))
        self._desktop = whole(self._app, scratch / "data")
        self._scratch = scratch
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, themes: tuple[str, ...]) -> None:
        """Take all pictures in each theme."""
        desktop = self._desktop
        # On a screen that is smaller than the picture the window comes up maximised.
        desktop.window.showNormal()
        desktop.window.resize(self._width, self._height)
        self._in_each(themes, [("first-run", lambda: None)])
        self._open()
        workspaces = [
            (f"empty-{name}", lambda name=name: desktop.window.show_workspace(name))
            for name in ("edit", "region", "review", "deliver")
        ]
        self._in_each(themes, workspaces)
        from tests.look.full_project import fill

        fill(desktop)
        self._settle(3.0)
        full = [
            (f"full-{name}", lambda name=name: desktop.window.show_workspace(name))
            for name in ("edit", "region", "review", "deliver")
        ]
        panels = [
            (f"panel-{name}", lambda name=name: self._panel(name))
            for name in ("jobs", "history", "scopes", "captions", "transcript")
        ]
        self._in_each(themes, full + panels)
        pages = [
            (f"settings-{page}", lambda page=page: desktop.commands.settings(page))
            for page in ("general", "shortcuts", "keys", "spending")
        ]
        self._in_each(themes, pages, dialog=True)
        desktop.shut_down()

    def _panel(self, name: str) -> None:
        self._desktop.window.show_workspace("region")
        self._desktop.window.show_panel(name)

    def _open(self) -> None:
        desktop = self._desktop
        if self._film is None:
            desktop.projects.open_sample()
        else:
            copy = self._scratch / self._film.name
            copy.write_bytes(self._film.read_bytes())
            desktop.projects.open(copy)
        self._until(lambda: bool(desktop.session.document.films))

    def _in_each(
        self, themes: tuple[str, ...], states: list[tuple[str, Callable[[], object]]], *, dialog: bool = False
    ) -> None:
        for name, enter in states:
            if self._only not in name:
                continue
            enter()
            for theme in themes:
                self._desktop.session.settings.set(theme=theme)
                self._settle(1.5)
                shown = self._desktop.commands._dialog if dialog else self._desktop.window
                path = self._folder / f"{name}-{theme}.png"
                shown.grab().save(str(path))
                print(path)

    def _settle(self, seconds: float) -> None:
        from PySide6.QtCore import QDeadlineTimer

        deadline = QDeadlineTimer(round(seconds * 1000))
        self._until(deadline.hasExpired)

    def _until(self, condition: Callable[[], bool]) -> None:
        from PySide6.QtCore import QDeadlineTimer

        deadline = QDeadlineTimer(60_000)
        while not condition() and not deadline.hasExpired():
            self._app.processEvents()
        if not condition():
            raise SystemExit("the application did not get there within a minute")


if __name__ == "__main__":
    sys.exit(main())
