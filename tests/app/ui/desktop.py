"""The whole application on a screen that nobody sees, for the stories of its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.session.sound_output import NoDevice
from app.ui.application import Desktop, furnished
from app.ui.shell import Shell
from tests.corpus.small_clips import Recipe, make


class NoSound:
    """A machine without a sound device."""

    def open(self, fill) -> None:
        raise NoDevice("nothing to be heard on")

    def now(self) -> float:
        return 0.0

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def story_film(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", Recipe(frames=100, width=480, height=272))


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Return a folder with a film, and have caches and settings beside it."""
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def film(folder, story_film) -> Path:
    path = folder / "Mug.mp4"
    path.write_bytes(story_film.read_bytes())
    return path


@pytest.fixture
def desktop(qtbot, folder) -> Iterator[Desktop]:
    made = started(folder)
    yield made
    ended(made)


def started(folder: Path, path: Path | None = None) -> Desktop:
    """Show the application as a start of it would."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    app.setStyle("Fusion")
    made = whole(app, folder / "data")
    made.window.resize(1600, 1000)
    made.commands.begin(path)
    return made


def whole(app: QApplication, data: Path) -> Desktop:
    """Show the application with all that belongs to it, without running the event loop in between."""
    shell = Shell(app, data)
    shell.show()
    making = furnished(shell, NoSound())
    while True:
        try:
            next(making)
        except StopIteration as made:
            return made.value


def ended(desktop: Desktop) -> None:
    """End the application as its user would."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    desktop.shut_down()
    desktop.window.hide()
    desktop.window.deleteLater()
    desktop.theme.leave(app)


def opened(desktop: Desktop, path: Path, qtbot) -> None:
    """Open a film or a project, and wait until it shows."""
    desktop.projects.open(path)
    qtbot.waitUntil(lambda: desktop.session.document.is_open and bool(desktop.session.document.films), timeout=20_000)


def drop(widget: QWidget, *paths: Path) -> None:
    """Drop files on a widget as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    at = QPointF(widget.rect().center())
    actions, button, keys = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at.toPoint(), actions, data, button, keys)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    event = QDropEvent(at, actions, data, button, keys)
    QApplication.sendEvent(widget, event)
    assert event.isAccepted()
    # A move would take the file from where it is.
    assert event.dropAction() is Qt.DropAction.CopyAction
