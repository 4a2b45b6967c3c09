"""Start the window: it shows at once, and what stands behind it is loaded while it already answers."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QThread, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QApplication

from app.ui.interrupts import Interrupts
from app.ui.shell import Shell
from app.ui.unforeseen import Unforeseen
from app.workflows.places import data_folder
from engine.errors import UsageError

if TYPE_CHECKING:
    from app.session.sound_output import Device
    from app.ui.application import Desktop
    from app.ui.qt_classes import QtClasses

SWITCH_S = 0.001


def run(path: Path | None) -> int:
    """Show the window, with a project or a film if one is given, until it is closed; return the exit status.

    Raises:
        UsageError: there is no screen to show it on.
    """
    _check_screen()
    # Until the session's own collector takes over, none may run in the thread that loads.
    gc.disable()
    # Workers of Python code hand the interpreter over sooner to the thread that the person waits for.
    sys.setswitchinterval(SWITCH_S)
    app = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(app, QApplication)
    app.setApplicationName("deltacut")
    app.setApplicationDisplayName("Deltacut")
    app.setDesktopFileName("deltacut")
    app.setStyle("Fusion")
    shell = Shell(app, data_folder())
    app.setWindowIcon(shell.theme.icon("logo", "text.1"))
    unforeseen = Unforeseen(shell.window, shell.theme, shell.folder / "deltacut.log")
    unforeseen.install()
    shell.show()
    start = Start(shell, path)
    start.begin()
    interrupts = Interrupts(shell.window)
    try:
        return app.exec()
    finally:
        interrupts.remove()
        unforeseen.remove()
        start.end()


class _Loading(QThread):
    """Loads the modules of everything behind the window."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            importlib.import_module("app.ui.application")
        except Exception as error:  # the thread's edge: whatever escapes here would end the process
            self.error = error


class Start(QObject):
    """Loads what stands behind a window that shows, makes it bit by bit, and then opens what is to be opened.

    What the person asks for meanwhile is done once all is there.

    Signals:
        ready(Desktop): all is there.
    """

    ready = Signal(object)

    def __init__(self, shell: Shell, path: Path | None, sound: Device | None = None) -> None:
        super().__init__(shell.window)
        self.desktop: Desktop | None = None
        self._shell = shell
        self._path = path
        self._sound = sound
        self._making: Generator[None, None, Desktop] | None = None
        self._wanted: list[str] = []
        self._dropped: list[Path] = []
        self._keys: list[QKeySequence] = []
        self._loading = _Loading(self)
        self._loading.finished.connect(self._loaded)
        self._steps = QTimer(self)
        self._steps.timeout.connect(self._step)
        self._classes: QtClasses | None = None
        window, first = shell.window, shell.window.first_run
        self._early = [
            (signal, signal.connect(partial(self._wanted.append, id)))
            for signal, id in (
                (first.video_wanted, "file.open_video"),
                (first.project_wanted, "file.open_project"),
                (first.sample_wanted, "file.sample"),
                (first.keys_wanted, "edit.keys"),
            )
        ] + [(signal, signal.connect(self._dropped.extend)) for signal in (first.open_wanted, window.dropped)]

    def begin(self) -> None:
        """Begin, once the window has painted itself."""
        handle = self._shell.window.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)
        QTimer.singleShot(0, self, self._load)

    def end(self) -> None:
        """End what was loaded so far."""
        self._steps.stop()
        if self._classes is not None:
            self._classes.stop()
        self._loading.wait()
        if self.desktop is not None:
            self.desktop.shut_down()
        elif self._making is not None:
            self._finish_making().shut_down()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._keys.append(QKeySequence(event.keyCombination()))
        return False

    @Slot()
    def _load(self) -> None:
        self._loading.start()

    @Slot()
    def _loaded(self) -> None:
        if self._loading.error is not None:
            raise self._loading.error
        from app.ui.application import furnished

        self._making = furnished(self._shell, self._sound)
        self._steps.start(0)

    @Slot()
    def _step(self) -> None:
        assert self._making is not None
        try:
            next(self._making)
        except StopIteration as made:
            self._steps.stop()
            self._have(made.value)

    def _finish_making(self) -> Desktop:
        assert self._making is not None
        while True:
            try:
                next(self._making)
            except StopIteration as made:
                desktop: Desktop = made.value
                return desktop

    def _have(self, desktop: Desktop) -> None:
        self.desktop = desktop
        window = self._shell.window
        handle = window.windowHandle()
        if handle is not None:
            handle.removeEventFilter(self)
        for signal, connection in self._early:
            signal.disconnect(connection)
        # What the start made stays; later collections need not look at it again.
        gc.freeze()
        desktop.commands.begin(self._path)
        for keys in self._keys:
            desktop.actions.run_keys(keys)
        for id in self._wanted:
            desktop.actions.action(id).trigger()
        if self._dropped:
            desktop.commands.open_paths(self._dropped)
        from app.ui.qt_classes import QtClasses

        self._classes = QtClasses(self)
        self._classes.begin()
        self.ready.emit(desktop)


def _check_screen() -> None:
    """Say what is missing before Qt ends the process without a word that helps."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in screens):
        raise UsageError(
            "there is no screen here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window can open; "
            "`deltacut --help` tells of the commands that need none"
        )
