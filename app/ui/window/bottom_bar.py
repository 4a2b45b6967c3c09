"""The bar at the bottom: what just happened, what runs, and how full the cache is."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QWidget

from app.ui.actions.table import PRESETS
from app.ui.theme import Theme
from app.ui.widgets import ElidedLabel, IconLabel, Role, label, row
from app.ui.widgets.share_bar import ShareBar
from app.ui.words import bytes_text, seconds_left

if TYPE_CHECKING:
    from app.session.jobs import Job, Jobs
    from app.session.session import Session

_SHOWN_MS = 12_000
_THEMES = {"dark": "dark", "light": "light", "system": "as the system"}


class BottomBar(QWidget):
    """26 points high."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(26)
        self._jobs: Jobs | None = None
        self._session: Session | None = None
        self._sign = IconLabel(theme, "info", "text.2", 14)
        self._text = ElidedLabel("", Role.SMALL, "2")
        self._text.setAccessibleName("What happened last")
        self._job = label("", Role.SMALL, "2")
        self._bar = ShareBar(self)
        self._bar.setFixedWidth(72)
        self._left = label("", Role.SMALL, "2")
        # Room for the longest, so that nothing is cut and nothing beside it moves while it counts.
        self._left.setMinimumWidth(self._left.fontMetrics().horizontalAdvance("100%, 59 min 59 s left"))
        self.dropped = label("", Role.SMALL, "2")
        self.cache = label("", Role.SMALL, "2")
        self.keys = label("", Role.SMALL, "2")
        self.theme = label("", Role.SMALL, "2")
        self.theme.setContentsMargins(8, 0, 0, 0)
        layout = row(self._sign, gap=8, margins=(12, 0, 12, 0))
        self.setLayout(layout)
        self.about = label("", Role.SMALL, "2")
        layout.addWidget(self.about)
        layout.addWidget(self._text, 1)
        for widget in (self._job, self._bar, self._left, self.dropped, self.cache, self.keys, self.theme):
            layout.addWidget(widget)
        self.dropped.hide()
        self._forget_dropped = QTimer(self)
        self._forget_dropped.setSingleShot(True)
        self._forget_dropped.setInterval(_SHOWN_MS)
        self._forget_dropped.timeout.connect(self.dropped.hide)
        self._forget = QTimer(self)
        self._forget.setSingleShot(True)
        self._forget.setInterval(_SHOWN_MS)
        self._forget.timeout.connect(self._quiet)
        self._quiet()
        self._show_job(None)

    def follow(self, session: Session) -> None:
        """Show the jobs and the playback of this session."""
        self._jobs = session.jobs
        session.jobs.added.connect(self._show_job)
        session.jobs.changed.connect(self._show_job)
        session.jobs.ended.connect(self._show_job)
        session.playback.dropped_changed.connect(self._show_dropped)
        session.transport.playing_changed.connect(self._show_playing)
        self._session = session
        for signal in (session.document.opened, session.document.closed, session.settings.changed):
            signal.connect(self._show_start)
        self._show_start()

    @Slot()
    def _show_start(self) -> None:
        """Tell on the start screen which version this is, and which keys and theme it has."""
        session = self._session
        starts = session is not None and not session.document.is_open
        for widget in (self.about, self.keys, self.theme):
            widget.setVisible(starts)
        self.cache.setVisible(not starts)
        self.dropped.hide()
        if session is None or not starts:
            return
        if not self.about.text():
            self.about.setText(f"Deltacut {version('deltacut')}")
        choices = session.settings.choices
        self.keys.setText(f"Keys: {PRESETS.get(choices.shortcut_preset, choices.shortcut_preset)}")
        self.theme.setText(f"Theme: {_THEMES.get(choices.theme, choices.theme)}")

    def say(self, text: str) -> None:
        """Show a sentence for a while; an empty one takes away what was said."""
        if not text:
            self._quiet()
            return
        self._sign.show()
        self._text.setText(text)
        self._text.update()
        self._forget.start()

    def show_cache(self, used: int, most: int) -> None:
        """Show how much of the cache is used, in bytes."""
        self.cache.setText(f"Cache {bytes_text(used)} of {bytes_text(most)}")

    @Slot(int)
    def _show_dropped(self, count: int) -> None:
        """Tell of frames that were not shown: while playing and a while after, and only where there are any."""
        self.dropped.setText(f"Dropped frames {count:,}")
        self.dropped.setVisible(count > 0)

    @Slot()
    def _show_playing(self) -> None:
        session = self._session
        if session is None or session.transport.is_playing:
            self._forget_dropped.stop()
        else:
            self._forget_dropped.start()

    @Slot()
    def _quiet(self) -> None:
        self._text.setText("")
        self._sign.hide()

    @Slot(object)
    def _show_job(self, _job: Job | None) -> None:
        running = self._jobs.running if self._jobs is not None else []
        for widget in (self._job, self._bar, self._left):
            widget.setVisible(bool(running))
        if not running:
            return
        job = running[-1]
        more = f" and {len(running) - 1} more" if len(running) > 1 else ""
        self._job.setText(f"{job.title}{more}")
        fraction = job.progress.fraction if job.progress is not None else 0.0
        self._bar.show_share(fraction)
        remaining = job.progress.remaining_s if job.progress is not None else None
        self._left.setText(f"{fraction:.0%}, {seconds_left(remaining)}" if remaining is not None else f"{fraction:.0%}")
