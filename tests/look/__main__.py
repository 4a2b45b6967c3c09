"""Take pictures of the application: every workspace and dialog, both themes, empty and with a full project.

``python -m tests.look DIR [--film FILM] [--scale 1|2] [--size 1920x1080] [--only NAME]``

Runs where there is no screen too (Qt's offscreen platform); a virtual screen shows it as a desktop would.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QDeadlineTimer, QPoint, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QToolTip

from engine.errors import NoSpace
from tests.fakes.at_hand import at_hand

if TYPE_CHECKING:
    from app.ui.settings import SettingsDialog
    from tests.fakes.world import World
    from tests.look.states import State

_MENUS = ("menu-", "tooltip", "palette", "ask-", "question-", "about")
"""What lies over the window and is closed after its picture."""


_PATIENCE_MS = 240_000


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
        with pytest.MonkeyPatch.context() as patched, at_hand(patched) as services:
            Photographer(options.folder, options.film, options.size, options.only, Path(scratch), services).take(themes)
    return 0


class Photographer:
    """Shows the application in one state after the other."""

    def __init__(self, folder: Path, film: Path | None, size: str, only: str, scratch: Path, services: World) -> None:
        from tests.app.ui.desktop import whole

        self._app = QApplication([])
        self._app.setStyle("Fusion")
        self._folder, self._film, self._only = folder, film, only
        self._width, self._height = (int(side) for side in size.split("x"))
        self._desktop = whole(self._app, scratch / "data")
        self._scratch, self._services = scratch, services
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, themes: tuple[str, ...]) -> None:
        """Take all pictures in each theme."""
        from tests.look import states
        from tests.look.full_project import fill

        desktop = self._desktop
        window, commands = desktop.window, desktop.commands
        # On a screen that is smaller than the picture the window comes up maximised.
        window.showNormal()
        window.resize(self._width, self._height)
        commands.look_at_keys()
        self._in_each(themes, [("first-run", lambda: None)])
        self._open()
        self._in_each(themes, self._workspaces("empty"))
        fill(desktop)
        self._settle(3.0)
        self._in_each(themes, self._workspaces("full"))
        names = ("jobs", "history", "scopes", "captions", "transcript")
        self._in_each(themes, [(f"panel-{name}", partial(self._panel, name)) for name in names])
        self._in_each(themes, [("panel-takes", self._compare)])
        self._region()
        self._in_each(themes, states.menus(desktop))
        self._in_each(themes, states.tooltips(desktop))
        for name, text in (("palette", ""), ("palette-found", "patch"), ("palette-none", "leesh")):
            self._in_each(themes, [(name, partial(states.found, desktop, text))])
        self._in_each(themes, states.items(desktop))
        self._in_each(themes, states.generating(desktop, self._services, self._settle))
        self._region()
        states.jobs(desktop, self._settle)
        self._in_each(themes, [("jobs-all", partial(window.show_panel, "jobs"))])
        self._in_each(themes, [("question-close", commands._may_stop_jobs), ("about", commands._about)])
        self._in_each(themes, [("banners", partial(states.banners, desktop))])
        desktop.session.jobs.stop_all()
        self._exports(themes)
        pages = [
            (f"settings-{page}", partial(commands.settings, page))
            for page in ("general", "shortcuts", "keys", "spending")
        ]
        pages.append(("settings-conflict", self._conflict))
        pages.append(("ask-key", lambda: self._dialog().keys._set("gemini")))
        self._in_each(themes, pages)
        self._dialog().close()
        self._in_each(themes, [("table", lambda: desktop.actions.action("view.table").trigger())])
        self._in_each(themes, [("full-screen", lambda: desktop.actions.action("view.full_screen").trigger())])
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Escape)
        self._settle(0.5)
        desktop.session.document.close()
        desktop.session.settings.set(recent=(*desktop.session.settings.choices.recent, "/films/Museum interview.dcut"))
        self._in_each(themes, [("recent", lambda: None)])
        desktop.shut_down()

    def _workspaces(self, before: str) -> list[State]:
        show = self._desktop.window.show_workspace
        return [(f"{before}-{name}", partial(show, name)) for name in ("edit", "region", "review", "deliver")]

    def _region(self) -> None:
        self._desktop.window.show_workspace("region")
        self._settle(1.0)

    def _dialog(self) -> SettingsDialog:
        dialog = self._desktop.commands._dialog
        assert dialog is not None
        return dialog

    def _compare(self) -> None:
        self._desktop.window.show_workspace("review")
        self._desktop.window.show_panel("inspector")

    def _conflict(self) -> None:
        self._desktop.commands.settings("shortcuts")
        page = self._dialog().shortcuts
        page.choose("clip.split")
        page.field.setKeySequence("Ctrl+Z")
        page._try()

    def _exports(self, themes: tuple[str, ...]) -> None:
        """Show an export that runs, its report, and one that fails."""
        page = self._desktop.export
        self._desktop.window.show_workspace("deliver")
        self._until(lambda: page.plan is not None)
        page.start()
        self._settle(0.2)
        self._in_each(themes, [("export-runs", lambda: None)])
        self._until(lambda: page._export is None)
        self._in_each(themes, [("export-report", lambda: None)])
        page._failed(NoSpace("“Films” has 12 MB left; the export needs 59 MB; choose another folder or free the cache"))
        self._in_each(themes, [("export-failed", lambda: None)])

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

    def _in_each(self, themes: tuple[str, ...], states: Iterable[State]) -> None:
        for name, enter in states:
            if self._only not in name:
                if not name.startswith(_MENUS):
                    enter()
                    self._close_popups()
                continue
            for number, theme in enumerate(themes):
                self._desktop.session.settings.set(theme=theme)
                path = self._folder / f"{name}-{theme}.png"
                if name.startswith(_MENUS):
                    # What waits for an answer runs its own event loop; the picture is taken in it.
                    taken = QTimer()
                    taken.setSingleShot(True)
                    taken.timeout.connect(partial(self._shoot, path))
                    taken.start(3000 if name == "ask-key" else 1200)
                    enter()
                    self._until(lambda taken=taken: not taken.isActive())
                else:
                    if number == 0:
                        enter()
                    self._settle(1.2)
                    self._shoot(path)
                if name.startswith(_MENUS):
                    self._close_popups()

    def _shoot(self, path: Path) -> None:
        """Keep what the screen shows: the window, and what lies on it."""
        window = self._desktop.window
        picture = window.grab()
        painter = QPainter(picture)
        # What waits for an answer lies on top of the others.
        asks = QApplication.activeModalWidget()
        for other in sorted(QApplication.topLevelWidgets(), key=lambda widget: widget is asks):
            if other is not window and other.isVisible():
                painter.drawPixmap(other.mapToGlobal(QPoint()) - window.mapToGlobal(QPoint()), other.grab())
        painter.end()
        picture.save(str(path))
        print(path, flush=True)
        dialog = QApplication.activeModalWidget()
        if dialog is not None and dialog is not self._desktop.commands._dialog:
            dialog.close()
        popup = QApplication.activePopupWidget()
        if isinstance(popup, QMenu):
            popup.close()

    def _close_popups(self) -> None:
        QToolTip.hideText()
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        self._settle(0.2)

    def _settle(self, seconds: float) -> None:
        deadline = QDeadlineTimer(round(seconds * 1000))
        self._until(deadline.hasExpired)

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = QDeadlineTimer(_PATIENCE_MS)
        while not condition() and not deadline.hasExpired():
            self._app.processEvents()
            # The workers need their turn, or what is waited for takes far longer.
            time.sleep(0.004)
        if not condition():
            raise SystemExit("the application did not get there in four minutes")


if __name__ == "__main__":
    sys.exit(main())
