"""Work of a local tool while it runs: how far it is, and the way to stop it; in place, beside the tools."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QWidget

from app.session.jobs import Job
from app.ui.widgets import ButtonKind, ElidedLabel, Role, column, label, push_button, row
from app.ui.widgets.share_bar import ShareBar
from app.ui.words import seconds_left, seconds_text

_TICK_MS = 500


class WorkRow(QFrame):
    """One job of a local tool."""

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.job = job
        self._title = ElidedLabel(job.title, Role.NAME)
        self._state = label("", Role.SMALL, "2")
        self._bar = ShareBar()
        self.cancel = push_button("Cancel", ButtonKind.LINK)
        self.cancel.clicked.connect(job.cancel)
        head = row(gap=8)
        head.addWidget(self._title, 1)
        head.addWidget(self._state)
        head.addWidget(self.cancel)
        self.setLayout(column(head, self._bar, gap=4, margins=(10, 4, 6, 8)))
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.refresh)
        self._timer.start()
        self.refresh()

    def refresh(self) -> None:
        """Show how far the job is."""
        progress = self.job.progress
        self._bar.setVisible(progress is not None)
        if progress is None:
            self._state.setText(f"for {seconds_text(self.job.elapsed_s)}")
        else:
            self._bar.show_share(progress.fraction)
            self._state.setText(seconds_left(progress.remaining_s) or f"{round(progress.fraction * 100)}%")
        self.setAccessibleName(f"{self.job.title}, {self._state.text()}")
