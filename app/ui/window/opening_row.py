"""How far the opening of a film has come, where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from app.ui.widgets import Role, column, label
from app.ui.widgets.share_bar import ShareBar
from app.ui.words import seconds_left

if TYPE_CHECKING:
    from app.session.jobs import Job


class OpeningRow(QWidget):
    """A sentence and a bar, for as long as a job runs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = label("", Role.SMALL, "2")
        self._bar = ShareBar()
        self._what = ""
        self._job: Job | None = None
        self.setLayout(column(self.words, self._bar, gap=4))
        self.hide()

    @property
    def is_busy(self) -> bool:
        """Whether something is being opened."""
        return self._job is not None

    def follow(self, job: Job, what: str) -> None:
        """Show a job until it is over."""
        self._job, self._what = job, what
        job.changed.connect(self._show)
        job.ended.connect(self._over)
        self._show()
        self.show()

    @Slot()
    def _show(self) -> None:
        if self._job is None:
            return
        progress = self._job.progress
        left = "" if progress is None else seconds_left(progress.remaining_s)
        self.words.setText(f"{self._what}, {left}" if left else f"{self._what}…")
        self._bar.show_share(0.0 if progress is None else progress.fraction)

    @Slot()
    def _over(self) -> None:
        if self.sender() in (self._job, None):
            self._job = None
            self.hide()
