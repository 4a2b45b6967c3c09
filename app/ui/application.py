"""Build the window and everything behind it, and run until it is closed."""

from __future__ import annotations

import gc
import sys
from functools import partial
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QSplashScreen

from app.session.projects import Projects
from app.session.session import Session, new_session
from app.session.sound_output import Device
from app.ui.actions import ActionTable
from app.ui.captions import CaptionsPanel
from app.ui.context import Context
from app.ui.export import ExportPage
from app.ui.history import HistoryPanel
from app.ui.inspector import InspectorPanel
from app.ui.jobs import JobsPanel
from app.ui.layers import LayersPanel
from app.ui.media import MediaPanel
from app.ui.review import ReviewArea
from app.ui.scopes import ScopesPanel
from app.ui.takes import PatchesList, TakesPanel
from app.ui.theme import Theme
from app.ui.timeline import TimelinePanel
from app.ui.transcript import TranscriptPanel
from app.ui.unforeseen import Unforeseen
from app.ui.viewer import ViewerArea
from app.ui.window import MainWindow
from app.ui.window.commands import WindowCommands
from app.ui.window.main_window import Places
from app.workflows.places import data_folder

SWITCH_S = 0.001


class Desktop:
    """The application: made once, shown, and shut down."""

    def __init__(self, app: QApplication, folder: Path, sound: Device | None = None) -> None:
        self.session: Session = new_session(folder, sound)
        self.theme = Theme(self.session.settings)
        self.theme.apply(app)
        self.projects = Projects(self.session.document, self.session.jobs, self.session.settings, folder)
        self.window = MainWindow(self.session, self.theme)
        self.actions = ActionTable(self.session, self.theme, self.window)
        self.context = Context(self.session, self.theme, self.actions, self.window)
        context = self.context
        self.viewer, self.review = ViewerArea(context), ReviewArea(context)
        self.media, self.captions = MediaPanel(context), CaptionsPanel(context)
        self.transcript = TranscriptPanel(context)
        self.layers, self.takes = LayersPanel(context), TakesPanel(context)
        self.patches = PatchesList(context)
        self.inspector, self.jobs = InspectorPanel(context), JobsPanel(context)
        self.history, self.scopes = HistoryPanel(context), ScopesPanel(context)
        self.timeline = TimelinePanel(context)
        self.export = ExportPage(context)
        self.window.furnish(
            Places(
                pages={"viewer": self.viewer, "review": self.review, "deliver": self.export},
                bin=(
                    ("media", "Media", self.media),
                    ("captions", "Captions", self.captions),
                    ("transcript", "Words", self.transcript),
                    ("patches", "Patches", self.patches),
                ),
                details=(
                    ("inspector", "Inspector", self.inspector),
                    ("jobs", "Jobs", self.jobs),
                    ("history", "History", self.history),
                    ("scopes", "Scopes", self.scopes),
                ),
                layers=self.layers,
                takes=self.takes,
                timeline=self.timeline,
            )
        )
        self.commands = WindowCommands(context, self.projects, self.window)
        panels = (
            self.commands,
            self.viewer,
            self.review,
            self.timeline,
            self.media,
            self.layers,
            self.takes,
            self.patches,
            self.inspector,
            self.captions,
            self.transcript,
            self.scopes,
            self.jobs,
            self.history,
            self.export,
        )
        for panel in panels:
            self.actions.add(panel.actions_of_panel())
        self.export.shown_wanted.connect(partial(self.window.show_workspace, "deliver"))
        self.export.review_wanted.connect(partial(self.window.show_workspace, "review"))
        self.actions.fill(self.window.top.menus)

    def show(self, path: Path | None) -> None:
        """Show the window, and open what was asked for or left open."""
        self.window.restore_geometry_of_last_time()
        self.window.show()
        # The window appears first; what takes longer follows in its event loop.
        QTimer.singleShot(0, self.window, lambda: self.commands.begin(path))

    def shut_down(self) -> None:
        """Stop all work; nothing runs afterwards."""
        self.session.shut_down()
        self.projects.forget_left_open()


def run(path: Path | None, splash: QSplashScreen) -> int:
    """Show the window, with a project or a film if one is given, until it is closed; return the exit status."""
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("deltacut")
    app.setApplicationDisplayName("Deltacut")
    app.setDesktopFileName("deltacut")
    app.setStyle("Fusion")
    desktop = Desktop(app, data_folder())
    app.setWindowIcon(desktop.theme.icon("logo", "text.1"))
    # What the start made stays; later collections need not look at it again.
    gc.freeze()
    # Workers of Python code hand the interpreter over sooner to the thread that the person waits for.
    sys.setswitchinterval(SWITCH_S)
    unforeseen = Unforeseen(desktop.context, data_folder() / "deltacut.log", desktop.window)
    unforeseen.install()
    desktop.show(path)
    splash.finish(desktop.window)
    try:
        return app.exec()
    finally:
        unforeseen.remove()
        desktop.shut_down()
