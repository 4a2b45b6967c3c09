"""Captions from speech, labels of emotions and filmed motion, by providers, for the open project."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.session.document import Document
from app.session.generating import AsksNobody, Ordered, say_it_waits, waiting_note
from app.session.jobs import JobKind, Jobs, JobState
from app.workflows.emotions import EmotionRequest, order_labels
from app.workflows.generate import AUTO
from app.workflows.import_media import OpenProject
from app.workflows.keys import check_key_for
from app.workflows.motion import MotionRequest, order_motion
from app.workflows.project_jobs import ProjectDesk, desk_of
from app.workflows.region_takes import unfinished_services
from app.workflows.transcribe import Captions, TranscribeRequest, order_transcript
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError
from engine.model.patch import Patch
from providers.consent import Reach
from providers.contract import Work
from providers.jobs import Choice, Job
from providers.jobs import JobState as OrderState

TRANSCRIPT, EMOTIONS, FILM = "transcript", "list of emotions", "film"
"""What is ordered, as a person calls it."""

_THINGS = {Work.TRANSCRIBE: TRANSCRIPT, Work.EMOTION: EMOTIONS, Work.MOTION: FILM}


class ServiceOrders(QObject):
    """Orders what its job puts into the project by itself: transcripts, labels of emotions, films of how a patch moves.

    Signals:
        changed: an order moved on, or there is another one.
    """

    changed = Signal()
    _told = Signal(int, object)

    def __init__(self, document: Document, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._numbers = itertools.count(1)
        self.orders: list[Ordered] = []
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        document.opened.connect(self._pick_up)
        document.closed.connect(self._forget)

    def transcribe(self, source_id: str, language: str | None = None) -> Ordered:
        """Order captions of what is said in a film; nothing is sent before the person agreed."""
        name = self._document.project.source(source_id).name
        entry = Ordered(next(self._numbers), f"Captions of {name}", thing=TRANSCRIPT)
        self.orders.append(entry)
        request = TranscribeRequest(language, Captions.MADE, source_id=source_id)
        self._work(entry, _when_there_is_a_key(Work.TRANSCRIBE, lambda desk: order_transcript(desk, request)))
        return entry

    def label_emotions(self, source_id: str) -> Ordered:
        """Order labels of how those who are heard in a film feel; nothing is sent before the person agreed."""
        name = self._document.project.source(source_id).name
        entry = Ordered(next(self._numbers), f"Emotions in {name}", thing=EMOTIONS)
        self.orders.append(entry)
        request = EmotionRequest(source_id=source_id)
        self._work(entry, _when_there_is_a_key(Work.EMOTION, lambda desk: order_labels(desk, request)))
        return entry

    def film_motion(self, patch: Patch, provider: str = AUTO) -> Ordered:
        """Order a film of how a patch moves from its anchor on, as a further take.

        Nothing is sent before the person agreed.
        """
        entry = Ordered(next(self._numbers), f"Film the motion of {patch.name or 'a patch'}", provider, FILM)
        self.orders.append(entry)
        request = MotionRequest(patch.id, provider=provider)
        self._work(
            entry,
            _when_there_is_a_key(Work.MOTION, lambda desk: order_motion(desk, request), provider),
            JobKind.GENERATE,
        )
        return entry

    def answer(self, entry: Ordered, choice: Choice, reach: Reach = Reach.REQUEST) -> None:
        """Answer an order's question, and go on."""
        job = entry.job
        if job is None or entry.running is not None:
            return

        def go_on(desk: ProjectDesk, cancel: CancelToken) -> Job:
            answered = desk.orchestrator.answer(job.job, choice, reach)
            return answered if answered.state is OrderState.CANCELLED else desk.run(job.job, cancel)

        self._work(entry, go_on)

    def retry(self, entry: Ordered) -> None:
        """Try a failed order again; what is open at a provider is not paid again."""
        job = entry.job
        if job is not None and entry.running is None:
            self._work(entry, lambda desk, cancel: desk.retry(job.job, cancel))

    def cancel(self, entry: Ordered) -> None:
        """Stop an order, or take one that rests off the list."""
        if entry.running is not None:
            entry.running.cancel()
        entry.is_put_away = True
        self.changed.emit()

    def _work(
        self, entry: Ordered, step: Callable[[ProjectDesk, CancelToken], Job], kind: JobKind = JobKind.TRANSCRIBE
    ) -> None:
        opened, number, tell = self._opened(), entry.number, self._told.emit
        known, thing = None if entry.job is None else entry.job.job, entry.thing

        def work(_progress: Progress, cancel: CancelToken) -> Job:
            desks: list[ProjectDesk] = []

            def told(_text: str) -> None:
                tell(number, _latest(desks[0], thing, known))

            with desk_of(opened, AsksNobody(told)) as desk:
                desks.append(desk)
                return step(desk, cancel)

        def done(job: Job) -> None:
            running, entry.running, entry.job = entry.running, None, job
            entry.is_in_film = job.state is OrderState.PUBLISHED
            entry.is_put_away = job.state is OrderState.CANCELLED
            if running is not None:
                running.cost_usd = float(job.spent_usd()) or None
                if not entry.is_over:
                    running.state, running.error = JobState.FAILED, DeltacutError(waiting_note(job))
                running.changed.emit()
            self.changed.emit()

        def failed(error: DeltacutError) -> None:
            entry.running, entry.error = None, error
            self.changed.emit()

        entry.error, entry.since_s = None, time.monotonic()
        job = self._jobs.start(entry.prompt, kind, work).then(done, failed)
        job.ended.connect(self._one_ended)
        entry.running = job
        self.changed.emit()

    @Slot(int, object)
    def _on_told(self, number: int, job: Job | None) -> None:
        for entry in self.orders:
            if entry.number == number and entry.running is not None:
                entry.job = job or entry.job
                say_it_waits(entry)
                self.changed.emit()

    @Slot()
    def _one_ended(self) -> None:
        """A cancelled job tells nobody else that it is over."""
        for entry in self.orders:
            if entry.running is not None and entry.running.state is JobState.CANCELLED:
                entry.running = None
                entry.is_put_away = True
        self.changed.emit()

    # --- projects that open and close -------------------------------------------------------------------------------

    @Slot()
    def _pick_up(self) -> None:
        """Look for orders that were under way when the project was last closed."""
        opened = self._opened()

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[Job, ...]:
            return unfinished_services(opened)

        self._jobs.start_quietly("Orders under way", work).then(self._found)

    def _found(self, jobs: tuple[Job, ...]) -> None:
        known = {entry.job.job for entry in self.orders if entry.job is not None}
        for job in jobs:
            if job.job in known:
                continue
            thing = _THINGS[Work(job.inputs["work"])]
            entry = Ordered(next(self._numbers), job.title, thing=thing, job=job)
            self.orders.append(entry)
            if job.state is not OrderState.NEEDS_APPROVAL:
                kind = JobKind.GENERATE if thing == FILM else JobKind.TRANSCRIBE
                self._work(entry, lambda desk, cancel, id=job.job: desk.retry(id, cancel), kind)  # type: ignore[misc]
        if jobs:
            self.changed.emit()

    def _opened(self) -> OpenProject:
        return OpenProject(self._document.file, self._document.films, self._document.cache)

    @Slot()
    def _forget(self) -> None:
        for entry in self.orders:
            if entry.running is not None and not entry.running.is_over:
                entry.running.cancel()
        self.orders.clear()
        self.changed.emit()


def _latest(desk: ProjectDesk, thing: str, known: str | None) -> Job | None:
    """Return an order's job as it is saved by now."""
    if known is not None:
        return desk.jobs.load(known)
    works = {work.value for work, made in _THINGS.items() if made == thing}
    mine = [job for job in desk.jobs.all() if job.inputs.get("work") in works]
    return mine[-1] if mine else None


def _when_there_is_a_key(
    work: Work, order: Callable[[ProjectDesk], Job], provider: str = AUTO
) -> Callable[[ProjectDesk, CancelToken], Job]:
    """Return the step that orders and runs something; without a key nobody is asked whether to send."""

    def step(desk: ProjectDesk, cancel: CancelToken) -> Job:
        check_key_for(work, provider)
        return desk.run(order(desk).job, cancel)

    return step
