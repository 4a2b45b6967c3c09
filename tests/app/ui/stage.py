"""A window's surroundings without the window: a session with a small project open, for the tests of panels."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication, QWidget

from app.session.session import Session, new_session
from app.session.settings import Settings
from app.ui.actions import ActionTable
from app.ui.context import Context
from app.ui.theme import Theme
from app.workflows.import_media import new_project
from app.workflows.open_for_editing import open_for_editing
from engine.control import CancelToken, Progress
from engine.model.project import Project
from tests.corpus.small_clips import Recipe, make


@dataclass
class Heard:
    """What a panel told the window."""

    said: list[str] = field(default_factory=list)
    banners: list[object] = field(default_factory=list)
    panels: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        self.said.append(text)

    def show_banner(self, banner: object) -> None:
        self.banners.append(banner)

    def show_panel(self, name: str) -> None:
        self.panels.append(name)


@dataclass
class Stage:
    """A session on a project, and what a panel is given."""

    context: Context
    heard: Heard
    window: QWidget

    @property
    def session(self) -> Session:
        return self.context.session

    @property
    def project(self) -> Project:
        return self.session.document.project

    def show(self, panel: QWidget, width: int = 400, height: int = 400) -> None:
        """Show a panel in the window, with its actions bound."""
        panel.setParent(self.window)
        if hasattr(panel, "actions_of_panel"):
            self.context.actions.add(panel.actions_of_panel())
        self.window.resize(width, height)
        panel.setGeometry(0, 0, width, height)
        self.window.show()
        panel.show()

    def run(self, action: str) -> None:
        """Run an action as its menu entry would, once the table has seen what can run."""
        self.context.actions.refresh()
        found = self.context.actions.action(action)
        assert found.isEnabled(), found.toolTip()
        found.trigger()

    def do(self, *edits) -> None:
        for edit in edits:
            assert self.session.document.do(edit)


@pytest.fixture(scope="session")
def small_film(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("film") / "film.mp4", Recipe(frames=50, width=320, height=192))


@pytest.fixture
def stage(qtbot, tmp_path, monkeypatch, small_film):
    """Return a stage with a project of a film of 50 frames open; nothing runs when the test has ended."""
    monkeypatch.setenv("DELTACUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DELTACUT_DATA", str(tmp_path / "data"))
    path = tmp_path / "film.dcut"
    new_project(path, small_film, Progress(), CancelToken())
    session = new_session(Settings(tmp_path / "data" / "window.json"))
    window = QWidget()
    qtbot.addWidget(window)
    theme = Theme(session.settings)
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply(app)
    heard = Heard()
    made = Stage(Context(session, theme, ActionTable(session, theme, window), heard), heard, window)
    session.document.adopt(open_for_editing(path, Progress(), CancelToken()))
    yield made
    window.hide()
    session.shut_down()
    theme.leave(app)
