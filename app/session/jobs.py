"""Long work in the background: each on a thread of its own, with progress, cancel and an end that is told.

Work never touches a QObject: it gets a Progress and a CancelToken and returns a value.
"""

from __future__ import annotations

import itertools
import time
import traceback
from collections.abc import Callable
from enum import Enum
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal, Slot

from engine.control import CancelToken, Progress, ProgressState
from engine.errors import Cancelled, DeltacutError

Work = Callable[[Progress, CancelToken], Any]

STACK_BYTES = 16 << 20
"""libav and OpenCV need more than the 512 KB that a thread gets on macOS."""
_REPORTED_EVERY_S = 0.05


class JobState(Enum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(Enum):
    """What a job is about; the panel shows an icon for it."""

    EXPORT = "export"
    GENERATE = "generate"
    LOCAL = "local"
    FOLLOW = "follow"
    TRANSCRIBE = "transcribe"
    IMPORT = "import"
    ANALYSE = "analyse"
    OTHER = "other"


class InternalError(DeltacutError):
    """Work ended in a way that nobody foresaw; `log` has the place in the code."""


class _Thread(QThread):
    """Runs one piece of work; its signals reach QObjects of the main thread by the event loop."""

    progressed = Signal(object)
    returned = Signal(object)
    raised = Signal(object, str)

    def __init__(self, work: Work, cancel: CancelToken) -> None:
        super().__init__()
        self._work = work
        self._cancel = cancel
        self._told = 0.0
        self.setStackSize(STACK_BYTES)

    def run(self) -> None:
        try:
            value = self._work(Progress(self._tell), self._cancel)
        except BaseException as error:  # the thread's edge: whatever escapes here would end the process
            self.raised.emit(error, traceback.format_exc())
        else:
            self.returned.emit(value)

    def _tell(self, state: ProgressState) -> None:
        now = time.monotonic()
        if now - self._told >= _REPORTED_EVERY_S or state.fraction >= 1.0:
            self._told = now
            self.progressed.emit(state)


class Job(QObject):
    """One piece of work, as the person sees it.

    Attributes:
        progress: the last state told, None before the first.
        error: why it failed. log: where, for a developer.
        cost_usd: what a provider billed, None where nothing is.
        note: a sentence about what it waits for or what came out.
        actions: further buttons at the job: label and what it does.
    """

    changed = Signal()
    ended = Signal()

    def __init__(self, number: int, title: str, kind: JobKind, work: Work, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.number = number
        self.title = title
        self.kind = kind
        self.state = JobState.QUEUED
        self.progress: ProgressState | None = None
        self.result: Any = None
        self.error: DeltacutError | None = None
        self.log = ""
        self.note = ""
        self.cost_usd: float | None = None
        self.started_s = time.monotonic()
        self.ended_s: float | None = None
        self.actions: tuple[tuple[str, Callable[[], None]], ...] = ()
        self._work = work
        self._cancel = CancelToken()
        self._thread: _Thread | None = None
        self._done: list[Callable[[Any], None]] = []
        self._failed: list[Callable[[DeltacutError], None]] = []

    @property
    def work(self) -> Work:
        """Return what it does, to start it again."""
        return self._work

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    @property
    def elapsed_s(self) -> float:
        """Return for how long it ran, in seconds."""
        return (self.ended_s or time.monotonic()) - self.started_s

    def then(
        self, done: Callable[[Any], None] | None = None, failed: Callable[[DeltacutError], None] | None = None
    ) -> Job:
        """Have functions called in the main thread when it ends; a cancelled job calls neither."""
        if done is not None:
            self._done.append(done)
        if failed is not None:
            self._failed.append(failed)
        return self

    def start(self) -> None:
        """Begin."""
        self.state = JobState.RUNNING
        self.started_s = time.monotonic()
        thread = _Thread(self._work, self._cancel)
        self._thread = thread
        thread.progressed.connect(self._progressed)
        thread.returned.connect(self._returned)
        thread.raised.connect(self._raised)
        thread.start()
        self.changed.emit()

    def cancel(self) -> None:
        """Ask it to stop; it ends soon, as cancelled. One that has ended stays as it is."""
        if self.is_over:
            return
        self._cancel.cancel()
        if self.state is JobState.QUEUED:
            self._end(JobState.CANCELLED)
        self.changed.emit()

    def wait(self) -> None:
        """Block until its thread has ended; only for closing the application."""
        if self._thread is not None:
            self._thread.wait()

    @Slot(object)
    def _progressed(self, state: ProgressState) -> None:
        self.progress = state
        self.changed.emit()

    @Slot(object)
    def _returned(self, value: object) -> None:
        self.result = value
        self._end(JobState.DONE)
        for done in self._done:
            done(value)

    @Slot(object, str)
    def _raised(self, error: BaseException, log: str) -> None:
        if isinstance(error, Cancelled):
            self._end(JobState.CANCELLED)
            return
        self.log = log
        if isinstance(error, DeltacutError):
            self.error = error
        else:
            self.error = InternalError(
                f"{self.title} stopped on an unforeseen error ({type(error).__name__}: {_first_line(error)}); "
                "the project is saved; the log has the details"
            )
        self._end(JobState.FAILED)
        for failed in self._failed:
            failed(self.error)

    def _end(self, state: JobState) -> None:
        if self.is_over:
            return
        self.state = state
        self.ended_s = time.monotonic()
        if self._thread is not None:
            self._thread.wait()
        self.changed.emit()
        self.ended.emit()


class Jobs(QObject):
    """All jobs: those that the person sees in the panel, and the quiet ones behind the views."""

    added = Signal(object)
    changed = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self.shown: list[Job] = []
        self._quiet: list[Job] = []
        self._is_closed = False

    def start(self, title: str, kind: JobKind, work: Work) -> Job:
        """Begin work that the panel shows; connect to its end with `Job.then` before returning to the event loop."""
        job = self._made(title, kind, work)
        self.shown.append(job)
        self.added.emit(job)
        self._begin(job)
        return job

    def start_quietly(self, title: str, work: Work) -> Job:
        """Begin work that only a view waits for."""
        job = self._made(title, JobKind.OTHER, work)
        self._quiet.append(job)
        self._begin(job)
        return job

    def retry(self, job: Job) -> Job:
        """Begin a job that ended once more, as a new one with the same listeners."""
        again = self._made(job.title, job.kind, job.work)
        again._done, again._failed = list(job._done), list(job._failed)
        self.shown[self.shown.index(job)] = again
        self.added.emit(again)
        self._begin(again)
        return again

    @property
    def running(self) -> list[Job]:
        """Return the shown jobs that have not ended."""
        return [job for job in self.shown if not job.is_over]

    def clear_ended(self) -> None:
        """Take the jobs that have ended off the list."""
        for job in [job for job in self.shown if job.is_over]:
            self.shown.remove(job)
            self.changed.emit(job)

    def stop_all(self) -> None:
        """Cancel everything and wait for its end."""
        jobs = [*self.shown, *self._quiet]
        for job in jobs:
            if not job.is_over:
                job.cancel()
        for job in jobs:
            job.wait()

    def shut_down(self) -> None:
        """Stop all; what is started from now on is cancelled and never begins.

        A thread that nobody waits for any more would be destroyed while it runs, which ends the process.
        """
        self._is_closed = True
        self.stop_all()

    def _begin(self, job: Job) -> None:
        if self._is_closed:
            job.cancel()
        else:
            job.start()

    def _made(self, title: str, kind: JobKind, work: Work) -> Job:
        job = Job(next(self._numbers), title, kind, work, self)
        job.changed.connect(self._job_changed)
        job.ended.connect(self._job_ended)
        return job

    @Slot()
    def _job_changed(self) -> None:
        job = self.sender()
        if job in self.shown:
            self.changed.emit(job)

    @Slot()
    def _job_ended(self) -> None:
        job = self.sender()
        if job in self._quiet:
            self._quiet.remove(job)
            job.deleteLater()
        else:
            self.ended.emit(job)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")[:200]
