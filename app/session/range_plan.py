"""The plan of a part of the timeline, as it is exported from in to out: another one than that of the whole."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal, Slot

from app.session.jobs import Job
from app.session.live_plan import Planned, planning
from app.session.session import Session
from engine.errors import DeltacutError
from engine.model.time import Range


class RangePlan(QObject):
    """Plans some frames, anew after each change of the project; nothing while no part is wanted.

    Signals:
        changed: another plan, or none while one is being made.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._frames: Range | None = None
        self._found: Planned | None = None
        self._running: Job | None = None
        self._again = False
        # Whatever changes the plan of the whole may change that of a part.
        session.live_plan.plan_changed.connect(self._plan)

    @property
    def planned(self) -> Planned | None:
        """Return the plan of the wanted frames, None while there is none; its frame 0 is the first of them."""
        return self._found

    def want(self, frames: Range | None) -> None:
        """Plan these frames of the timeline from now on, or nothing."""
        if frames != self._frames:
            self._frames = frames
            self._plan()

    @Slot()
    @Slot(object)
    def _plan(self, _whole: object = None) -> None:
        self._found = None
        if self._running is not None:
            self._again = True
        elif self._frames is not None and self._session.document.is_open:
            work = planning(self._session.document, self._session.preview, self._frames)
            self._running = self._session.jobs.start_quietly("Plan a part", work).then(self._done, self._failed)
        self.changed.emit()

    def _done(self, found: Planned) -> None:
        self._running = None
        if self._again:
            self._again = False
            self._plan()
            return
        self._found = found if self._frames is not None and self._session.document.is_open else None
        self.changed.emit()

    def _failed(self, error: DeltacutError) -> None:
        self._done(Planned(self._session.document.project, None, None, str(error)))
