"""Errors that nobody foresaw: kept in a log, told in the window, never the end of the session."""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices

from app.ui.theme import Theme
from app.ui.widgets import Banner, BannerAction, Tone
from app.ui.window import MainWindow

LARGEST_LOG = 1 << 20
_SAME_FOR_S = 30.0


class Unforeseen(QObject):
    """Takes the place of Python's hook for exceptions that reach the event loop."""

    _happened = Signal(str)

    def __init__(self, window: MainWindow, theme: Theme, log: Path) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._log = log
        self._told: dict[str, float] = {}
        self._happened.connect(self._tell)

    def install(self) -> None:
        """Catch from now on."""
        sys.excepthook = self.caught

    def remove(self) -> None:
        """Give Python's own hook its place back."""
        sys.excepthook = sys.__excepthook__

    def caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """Keep an exception, and tell of it once in a while."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        self._keep("".join(traceback.format_exception(kind, error, trace)))
        self._happened.emit(f"{kind.__name__}: {str(error).splitlines()[0] if str(error) else ''}".rstrip(": "))

    def _keep(self, text: str) -> None:
        print(text, file=sys.stderr)
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
                self._log.replace(self._log.with_suffix(".old.log"))
            with self._log.open("a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{text}\n")
        except OSError:
            return  # A disk that is full must not make two errors of one.

    @Slot(str)
    def _tell(self, what: str) -> None:
        now = time.monotonic()
        # An error while painting comes again with every frame.
        if now - self._told.get(what, -_SAME_FOR_S) < _SAME_FOR_S:
            return
        self._told[what] = now
        self._window.show_banner(
            Banner(
                self._theme,
                Tone.ERROR,
                "Something went wrong that should not have.",
                f"{what}. The project is saved; you can go on.",
                (BannerAction("Log", self._show),),
            )
        )

    def _show(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._log)))
