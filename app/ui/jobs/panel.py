"""The queue: what runs, how far it is, what it costs, and the way out where it failed."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import QBoxLayout, QPlainTextEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.session.jobs import Job, JobKind, Jobs, JobState
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.theme import Theme
from app.ui.widgets import (
    ButtonKind,
    ElidedLabel,
    EmptyState,
    IconLabel,
    Panel,
    Role,
    column,
    label,
    push_button,
    row,
    scrolled,
)
from app.ui.widgets.labels import set_tone
from app.ui.widgets.share_bar import ShareBar
from app.ui.words import seconds_left, seconds_text, usd

_ICONS = {
    JobKind.EXPORT: "export",
    JobKind.GENERATE: "generate",
    JobKind.LOCAL: "local-tool",
    JobKind.FOLLOW: "follow",
    JobKind.TRANSCRIBE: "caption",
    JobKind.IMPORT: "film",
    JobKind.ANALYSE: "scopes",
    JobKind.OTHER: "clock",
}
_TICK_MS = 500
_INDENT = 24


class JobRow(QWidget):
    """One job: two lines and a bar."""

    def __init__(self, theme: Theme, jobs: Jobs, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self.job = job
        self._sign = IconLabel(theme, _ICONS[job.kind])
        self._title = ElidedLabel(job.title, Role.NAME)
        self._cost = label("", tone="2")
        self._bar = ShareBar()
        self._state = label("", Role.SMALL, "2")
        self._state.setWordWrap(True)
        self._state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.cancel = push_button("Cancel", ButtonKind.LINK)
        self.cancel.clicked.connect(job.cancel)
        self.retry = push_button("Try again", ButtonKind.LINK)
        self.retry.clicked.connect(self._retry)
        self.log = push_button("Log", ButtonKind.LINK)
        self.log.clicked.connect(self._show_log)
        self._extra: list[QPushButton] = []
        self._text = QPlainTextEdit()
        self._text.setReadOnly(True)
        self._text.setMaximumHeight(160)
        self._text.hide()
        self._head = row(self._sign, gap=8, margins=(0, 0, 0, 0))
        self._head.addWidget(self._title, 1)
        self._head.addWidget(self._cost)
        self._ways = row(gap=12)
        self._ways.addStretch(1)
        for button in (self.log, self.retry, self.cancel):
            self._ways.addWidget(button)
        self._foot = row(gap=0)
        self._foot.addWidget(self._state, 1)
        self._foot.addLayout(self._ways)
        words = column(self._bar, self._foot, self._text, gap=3, margins=(_INDENT, 0, 0, 0))
        self.setLayout(column(self._head, words, gap=3, margins=(12, 8, 12, 8)))
        job.changed.connect(self.refresh)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the job as it stands."""
        job = self.job
        icon, token = _ICONS[job.kind], "text.2"
        if job.state is JobState.DONE:
            icon, token = "check", "approved.fg"
        elif job.state is JobState.FAILED:
            icon, token = "cross", "rejected.fg"
        self._sign.show_icon(icon, token)
        self._cost.setText("" if job.cost_usd is None else usd(job.cost_usd))
        running = not job.is_over
        self._bar.setVisible(running and job.progress is not None)
        if job.progress is not None:
            self._bar.show_share(job.progress.fraction)
        self._state.setText(self._words())
        set_tone(self._state, "error" if job.state is JobState.FAILED else "2")
        self.cancel.setVisible(running)
        self.retry.setVisible(job.state in (JobState.FAILED, JobState.CANCELLED))
        self.log.setVisible(bool(job.log))
        if len(self._extra) != len(job.actions):
            for button in self._extra:
                button.deleteLater()
            self._extra = []
            for text, run in job.actions:
                button = push_button(text, ButtonKind.LINK)
                button.clicked.connect(run)
                self._ways.insertWidget(self._ways.indexOf(self.log), button)
                self._extra.append(button)
        # A sentence gets the whole width, with the ways out below it.
        is_long = job.state is JobState.FAILED or bool(job.note)
        self._foot.setDirection(QBoxLayout.Direction.TopToBottom if is_long else QBoxLayout.Direction.LeftToRight)
        self.setAccessibleName(f"{job.title}: {self._state.text()}")

    def _words(self) -> str:
        job = self.job
        match job.state:
            case JobState.QUEUED:
                return "Waiting"
            case JobState.RUNNING if job.note:
                return job.note
            case JobState.RUNNING if job.progress is None:
                return f"Running for {seconds_text(job.elapsed_s)}"
            case JobState.RUNNING:
                assert job.progress is not None
                left = seconds_left(job.progress.remaining_s)
                label = job.progress.label[:1].upper() + job.progress.label[1:]
                return f"{label}: {job.progress.fraction:.0%}" + (f", {left}" if left else "")
            case JobState.DONE:
                return f"Done in {seconds_text(job.elapsed_s)}. {job.note}".strip()
            case JobState.CANCELLED:
                return "Cancelled"
            case JobState.FAILED:
                text = str(job.error)
                return text[:1].upper() + text[1:]
        raise AssertionError(job.state)

    @Slot()
    def _retry(self) -> None:
        self._jobs.retry(self.job)

    @Slot()
    def _show_log(self) -> None:
        self._text.setPlainText(self.job.log)
        self._text.setVisible(not self._text.isVisible())


class JobsPanel(Panel):
    """All jobs that the person started, the newest first."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Jobs", parent)
        self._context = context
        self._jobs = context.session.jobs
        self._rows: dict[Job, JobRow] = {}
        content = QWidget()
        self._list = QVBoxLayout(content)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self._list.addStretch(1)
        self._pages = QStackedWidget()
        self._pages.addWidget(
            EmptyState("Nothing running. Generated takes, transcriptions and exports show up here with their cost.")
        )
        self._pages.addWidget(scrolled(content))
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(self._pages)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._jobs.added.connect(self._sync)
        self._jobs.ended.connect(self._sync)
        self._jobs.changed.connect(self._sync)
        self._sync(None)

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done with all jobs at once."""
        return [
            ActionSpec(
                "jobs.clear",
                "Clear finished jobs",
                "Edit",
                self._jobs.clear_ended,
                section=80,
                hindrance=lambda: "" if any(job.is_over for job in self._jobs.shown) else "No job has finished",
            )
        ]

    @Slot(object)
    def _sync(self, _job: Job | None) -> None:
        shown = self._jobs.shown
        for job in [job for job in self._rows if job not in shown]:
            self._rows.pop(job).deleteLater()
        for job in shown:
            if job not in self._rows:
                made = JobRow(self._context.theme, self._jobs, job)
                self._rows[job] = made
                self._list.insertWidget(0, made)
        self._pages.setCurrentIndex(1 if shown else 0)
        if not self._jobs.running:
            self._timer.stop()
        elif not self._timer.isActive():
            # Not anew at each report of progress: the others would never be told again for how long they run.
            self._timer.start()

    @Slot()
    def _tick(self) -> None:
        for job, made in self._rows.items():
            if not job.is_over:
                made.refresh()
