"""Takes by providers for the open project: what an order would send and cost, the orders under way, what they ask."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs, JobState
from app.session.patching import Patching
from app.session.selection import Selection
from app.workflows.edit_steps import FEATHER_PX
from app.workflows.generate import AUTO
from app.workflows.import_media import OpenProject
from app.workflows.patch_names import name_by_words, named_after_pick
from app.workflows.project_jobs import Agreement, ProjectDesk, desk_of
from app.workflows.region_takes import (
    Offer,
    TakeOrder,
    edit_for,
    fitted_take,
    offer,
    patch_of,
    publish,
    save_order,
    unfinished,
)
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, EditRefused
from engine.model.ids import new_id
from engine.model.patch import Motion, Patch, Take
from engine.model.region import Region
from engine.model.time import Range
from engine.model.timeline import ShownFrame
from providers.consent import Reach
from providers.contract import Disclosure, Quote
from providers.jobs import Choice, Failure, Question
from providers.jobs import Job as Order
from providers.jobs import JobState as OrderState
from providers.registry import ADAPTERS

_OFFER_AFTER_MS = 250
"""After the last change of an order it is looked at what it would send and cost."""


@dataclass(eq=False)
class Ordered:
    """Something that was ordered from a provider, as the person sees it.

    Attributes:
        prompt: the words it was ordered with, or what it is. provider: its name, or "auto".
        thing: what is made, in a sentence.
        job: as it is saved, None before the first save. running: the work on it, None while it rests.
        error: why work on it ended, where that is not the job's own failure.
        told: what a person should know on the way. since_s: when the work began (monotonic).
    """

    number: int
    prompt: str
    provider: str = AUTO
    thing: str = "take"
    job: Order | None = None
    running: Job | None = None
    error: DeltacutError | None = None
    told: str = ""
    is_in_film: bool = False
    is_put_away: bool = False
    since_s: float = 0.0

    @property
    def question(self) -> Question | None:
        """Return what the person is asked."""
        return None if self.job is None or self.running is not None else self.job.question

    @property
    def failure(self) -> Failure | None:
        """Return why it failed."""
        return None if self.job is None or self.running is not None else self.job.failure

    @property
    def retry_at(self) -> float | None:
        """Return when it goes on by itself, Unix time in seconds."""
        return None if self.job is None else self.job.retry_at

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.is_in_film or self.is_put_away


@dataclass(eq=False, kw_only=True)
class OrderedTake(Ordered):
    """A take that was ordered; order: what was wanted, None for one that was found unfinished."""

    patch: Patch
    order: TakeOrder | None = None


@dataclass(frozen=True, slots=True)
class _Came:
    """What work on an order came to: the job as it rests, and the take where there is one."""

    job: Order
    take: Take | None


class AsksNobody(Agreement):
    """Asks nobody from a worker: an order that needs the person rests with its question."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def consents(self, quote: Quote) -> Reach | None:
        return None

    def discloses(self, sends: Disclosure) -> Reach | None:
        return None

    def tell(self, text: str) -> None:
        self._tell(text)


class Generating(QObject):
    """Orders takes from providers.

    Signals:
        changed: an order moved on, or there is another one. offered: what the wanted order would send and cost.
        prompt_suggested(str): a prompt to be used again.
    """

    changed = Signal()
    offered = Signal()
    prompt_suggested = Signal(str)
    _told = Signal(int, str, object)

    def __init__(
        self,
        document: Document,
        selection: Selection,
        patching: Patching,
        jobs: Jobs,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._selection = selection
        self._patching = patching
        self._jobs = jobs
        self._numbers = itertools.count(1)
        self.orders: list[OrderedTake] = []
        self.offer: Offer | None = None
        self.offer_error: DeltacutError | None = None
        self._wanted: TakeOrder | None = None
        self._looked_at: TakeOrder | None = None
        self._offer_job: Job | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_OFFER_AFTER_MS)
        self._soon.timeout.connect(self._look)
        self._told.connect(self._on_told, Qt.ConnectionType.QueuedConnection)
        document.opened.connect(self._pick_up)
        document.closed.connect(self._forget)

    # --- what would be ordered --------------------------------------------------------------------------------------

    def target(self) -> Patch | None:
        """Return the patch that a take would be for: planned on the drawn region, else the chosen one."""
        region, shown = self._selection.region, self._patching.anchor_frame()
        if region is None or shown is None:
            return self._selection.patch
        ordered = self._ordered_for(region, shown)
        if ordered is not None:
            return ordered
        picture = self._document.project.picture(shown.source_id)
        bounds = region.bounds
        smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
        feather_px = round(min(FEATHER_PX, smaller_px / 10), 1)
        return Patch(
            new_id(),
            shown.source_id,
            region,
            self._patching.window(shown),
            shown.frame,
            feather_px=feather_px,
            # The seam is softened inside the region, so that nothing beyond it changes.
            grow_px=-feather_px,
            motion=Motion(self._patching.choice.follow),
        )

    def _ordered_for(self, region: Region, shown: ShownFrame) -> Patch | None:
        """Return the patch of an order for the same region, so that a further take lands beside the first."""
        for entry in reversed(self.orders):
            patch = entry.patch
            if (patch.region, patch.source_id, patch.anchor) == (region, shown.source_id, shown.frame):
                there = [known for known in self._document.project.patches if known.id == patch.id]
                return there[0] if there else patch
        return None

    def want(self, order: TakeOrder | None) -> None:
        """Find out, in the background, what an order would send and cost; `offered` tells."""
        self._wanted = order
        if order is None:
            self.offer = self.offer_error = self._looked_at = None
            self._soon.stop()
            self.offered.emit()
        elif self._looked_at is None or _sends_other(self._looked_at, order):
            # What was found for another order says nothing of this one.
            self.offer = self.offer_error = None
            self._soon.start()

    def look_again(self) -> None:
        """Find out anew what the wanted order would cost: money was spent, or the cap is another."""
        self._looked_at = None
        if self._wanted is not None:
            self._soon.start()

    @Slot()
    def _look(self) -> None:
        order = self._wanted
        if order is None or not self._document.is_open or self._offer_job is not None:
            return
        opened = self._opened()
        self._looked_at = order

        def work(_progress: Progress, cancel: CancelToken) -> Offer:
            return offer(opened, order, cancel)

        self._offer_job = self._jobs.start_quietly("What would be sent", work).then(self._offered, self._not_offered)

    def _offered(self, found: Offer) -> None:
        self._offer_job = None
        self._show_offer(found, None)

    def _not_offered(self, error: DeltacutError) -> None:
        self._offer_job = None
        self._show_offer(None, error)

    def _show_offer(self, found: Offer | None, error: DeltacutError | None) -> None:
        if self._wanted is None:
            return
        if self._looked_at is None or _sends_other(self._looked_at, self._wanted):
            self._soon.start()
        self.offer, self.offer_error = found, error
        self.offered.emit()

    # --- ordering ---------------------------------------------------------------------------------------------------

    def generate(self, order: TakeOrder, count: int, agreed: Reach | None = None) -> list[OrderedTake]:
        """Order takes, several at once; each is a job of its own.

        Args:
            order: what is wanted. count: how many takes.
            count: see order.
            agreed: how far the person agreed to what was shown, None where that was done before.
        """
        patch = order.patch if order.patch.name else replace(order.patch, name=name_by_words(order.prompt))
        made_before = sum(
            take.provenance.prompt == order.prompt.strip()
            for known in self._document.project.patches
            if known.id == patch.id
            for take in known.takes
        )
        ordered = []
        for number in range(count):
            wanted = replace(order, patch=patch, variant=made_before + number)
            entry = OrderedTake(next(self._numbers), order.prompt.strip(), order.provider, patch=patch, order=wanted)
            self.orders.append(entry)
            ordered.append(entry)

            def begin(
                desk: ProjectDesk, cancel: CancelToken, wanted: TakeOrder = wanted, entry: OrderedTake = entry
            ) -> Order:
                if entry.job is not None:  # begun before: the person has it tried again from the jobs
                    return _again(desk, entry.job.job, cancel)
                job = save_order(desk, wanted)
                job = desk.run(job.job, cancel)
                if agreed is not None and job.question is not None and job.question.reason.value == "consent":
                    desk.orchestrator.answer(job.job, Choice.AGREE, agreed)
                    job = desk.run(job.job, cancel)
                return job

            self._work(entry, begin)
        return ordered

    def answer(self, entry: OrderedTake, choice: Choice, reach: Reach = Reach.REQUEST) -> None:
        """Answer an order's question, and go on."""
        job = entry.job
        if job is None or entry.running is not None:
            return

        def go_on(desk: ProjectDesk, cancel: CancelToken) -> Order:
            answered = desk.orchestrator.answer(job.job, choice, reach)
            return answered if answered.state is OrderState.CANCELLED else desk.run(job.job, cancel)

        self._work(entry, go_on)

    def retry(self, entry: OrderedTake) -> None:
        """Try a failed order again; what is open at a provider is picked up, not paid again."""
        job, order = entry.job, entry.order
        if entry.running is not None:
            return
        if job is not None:
            self._work(entry, lambda desk, cancel: desk.retry(job.job, cancel))
        elif order is not None:
            self._work(entry, lambda desk, cancel: desk.run(save_order(desk, order).job, cancel))

    def cancel(self, entry: OrderedTake) -> None:
        """Stop an order at once; the provider is asked to stop too."""
        if entry.running is not None:
            entry.running.cancel()
        else:
            self._stop_there(entry)
        entry.is_put_away = True
        self.changed.emit()

    def try_locally(self, entry: OrderedTake) -> None:
        """Give an order up, and take the thing in its region away with what other frames show behind it."""
        if entry.running is not None:
            self.cancel(entry)
        else:
            self.put_away(entry)
        patch = entry.patch
        if any(known.id == patch.id for known in self._document.project.patches):
            self._selection.choose(patch.id)
        else:
            places = self._document.timeline.showing(patch.source_id, Range(patch.anchor, patch.anchor + 1))
            self._selection.set_region(patch.region, places[0].start if places else None)
        self._patching.use_tool("remove")

    def put_away(self, entry: OrderedTake) -> None:
        """Take an order that rests off the list; one that asks something is given up."""
        if entry.question is not None:
            self._stop_there(entry)
        entry.is_put_away = True
        self.changed.emit()

    def suggest(self, prompt: str) -> None:
        """Have a prompt used again."""
        self.prompt_suggested.emit(prompt)

    def prompts(self) -> list[str]:
        """Return the prompts of this project, the latest first, each once."""
        made = [
            (take.provenance.made_at_ms, take.provenance.prompt)
            for patch in self._document.project.patches
            for take in patch.takes
            if take.provenance.prompt
        ]
        ordered = [entry.prompt for entry in reversed(self.orders) if entry.prompt]
        return list(dict.fromkeys([*ordered, *(prompt for _, prompt in sorted(made, reverse=True))]))

    # --- work -------------------------------------------------------------------------------------------------------

    def _work(self, entry: OrderedTake, step: Callable[[ProjectDesk, CancelToken], Order]) -> None:
        opened, number, order = self._opened(), entry.number, entry.order
        tell = self._told.emit

        known = None if entry.job is None else entry.job.job

        def work(_progress: Progress, cancel: CancelToken) -> _Came:
            desks: list[ProjectDesk] = []

            def told(text: str) -> None:
                tell(number, text, _latest(desks[0], order, known))

            with desk_of(opened, AsksNobody(told)) as desk:
                desks.append(desk)
                job = step(desk, cancel)
                take = fitted_take(desk, job) if job.state is OrderState.QA_READY else None
                return _Came(job, take)

        title = f"Generate · {entry.patch.name or 'take'}"
        entry.error, entry.told, entry.since_s = None, "", time.monotonic()

        def done(came: _Came) -> None:
            self._came(entry, came)

        def failed(error: DeltacutError) -> None:
            entry.running, entry.error = None, error
            self.changed.emit()

        job = self._jobs.start(title, JobKind.GENERATE, work).then(done, failed)
        job.ended.connect(self._one_ended)
        entry.running = job
        self.changed.emit()

    def _came(self, entry: OrderedTake, came: _Came) -> None:
        running, entry.running, entry.job = entry.running, None, came.job
        if running is not None:
            running.cost_usd = float(came.job.spent_usd()) or None
            if came.take is None and came.job.state is not OrderState.CANCELLED:
                running.state, running.error = JobState.FAILED, DeltacutError(waiting_note(came.job))
            else:
                running.note = waiting_note(came.job)
            running.changed.emit()
        if came.take is not None:
            project = self._document.project
            edit = named_after_pick(project, edit_for(project, entry.patch, came.take), entry.patch.id)
            entry.is_in_film = self._document.do(edit)
            if entry.is_in_film:
                if self._selection.region in (None, entry.patch.region):
                    # Another region that the person drew meanwhile stays in hand.
                    self._selection.set_region(None, None)
                    self._selection.choose(entry.patch.id)
                self._publish(came.job)
            else:
                entry.error = EditRefused("the take was made and is kept, but the project does not take it now")
        elif came.job.state is OrderState.CANCELLED:
            entry.is_put_away = True
        self.look_again()
        self.changed.emit()

    def _publish(self, job: Order) -> None:
        opened = self._opened()

        def work(_progress: Progress, cancel: CancelToken) -> None:
            with desk_of(opened, AsksNobody(lambda _text: None)) as desk:
                publish(desk, job, cancel)

        self._jobs.start_quietly("Note what is in the film", work)

    def _stop_there(self, entry: OrderedTake) -> None:
        job = entry.job
        if job is None or not self._document.is_open:
            return
        opened = self._opened()

        def work(_progress: Progress, cancel: CancelToken) -> None:
            with desk_of(opened, AsksNobody(lambda _text: None)) as desk, suppress(DeltacutError):
                desk.cancel(job.job, cancel)

        self._jobs.start_quietly("Stop at the provider", work)

    @Slot()
    def _one_ended(self) -> None:
        """A cancelled job tells nobody else that it is over."""
        for entry in self.orders:
            if entry.running is not None and entry.running.state is JobState.CANCELLED:
                entry.running = None
                entry.is_put_away = True
                self._stop_there(entry)
        self.changed.emit()

    @Slot(int, str, object)
    def _on_told(self, number: int, text: str, job: Order | None) -> None:
        for entry in self.orders:
            if entry.number == number and entry.running is not None:
                entry.told = text
                entry.job = job or entry.job
                say_it_waits(entry, (("Try locally", partial(self.try_locally, entry)),))
                self.changed.emit()

    # --- projects that open and close ---------------------------------------------------------------------------------

    @Slot()
    def _pick_up(self) -> None:
        """Look for orders that were under way when the project was last closed."""
        opened = self._opened()

        def work(_progress: Progress, _cancel: CancelToken) -> tuple[Order, ...]:
            return unfinished(opened)

        self._jobs.start_quietly("Orders under way", work).then(self._found)

    def _found(self, jobs: tuple[Order, ...]) -> None:
        known = {entry.job.job for entry in self.orders if entry.job is not None}
        for job in jobs:
            if job.job in known:
                continue
            entry = OrderedTake(next(self._numbers), str(job.inputs["prompt"]), job=job, patch=patch_of(job))
            self.orders.append(entry)
            if job.state in (OrderState.QUEUED, OrderState.PROCESSING):
                self._work(entry, lambda desk, cancel, id=job.job: desk.retry(id, cancel))  # type: ignore[misc]
            elif job.state is OrderState.QA_READY:
                self._work(entry, lambda desk, _cancel, id=job.job: desk.jobs.load(id))  # type: ignore[misc]
        if jobs:
            self.changed.emit()

    @Slot()
    def _forget(self) -> None:
        for entry in self.orders:
            if entry.running is not None and not entry.running.is_over:
                entry.running.cancel()
        self.orders.clear()
        self.want(None)
        self.changed.emit()

    def _opened(self) -> OpenProject:
        return OpenProject(self._document.file, self._document.films, self._document.cache)


def _sends_other(one: TakeOrder, other: TakeOrder) -> bool:
    """Tell whether two orders would send or cost something else; the words do not matter for that."""

    def facts(order: TakeOrder) -> tuple[object, ...]:
        patch = order.patch
        place = patch.source_id, patch.region, patch.anchor
        return place, order.provider, order.size, order.references

    return facts(one) != facts(other)


def _again(desk: ProjectDesk, job_id: str, cancel: CancelToken) -> Order:
    """Try an order again from wherever it rests; nothing is agreed to by that."""
    job = desk.jobs.load(job_id)
    if job.state in (OrderState.FAILED, OrderState.CANCELLED):
        return desk.retry(job_id, cancel)
    if job.question is not None and Choice.TRY_AGAIN in job.question.choices:
        desk.orchestrator.answer(job_id, Choice.TRY_AGAIN)
        return desk.run(job_id, cancel)
    return job


def _latest(desk: ProjectDesk, order: TakeOrder | None, known: str | None) -> Order | None:
    """Return an order's job as it is saved by now."""
    if known is not None:
        return desk.jobs.load(known)
    if order is None:
        return None
    mine = [
        job
        for job in desk.jobs.all()
        if job.inputs.get("patch") == order.patch.id
        and job.variant == order.variant
        and job.inputs.get("prompt") == order.prompt.strip()
    ]
    return mine[-1] if mine else None


def say_it_waits(entry: Ordered, ways: tuple[tuple[str, Callable[[], None]], ...] = ()) -> None:
    """Say at the job of an order until when its provider has it wait, and offer what can be done meanwhile."""
    running, until = entry.running, entry.retry_at
    if running is None or until is None or until <= time.time():
        return
    at = datetime.fromtimestamp(until).astimezone().strftime("%H:%M:%S")
    note = f"{asked_provider(entry) or 'The provider'} asks to wait until {at}. It goes on by itself."
    running.note, running.actions = note, ways
    running.changed.emit()

    def waited() -> None:
        if running.note == note and not running.is_over:
            running.note, running.actions = "", ()
            running.changed.emit()

    QTimer.singleShot(max(0, round((until - time.time()) * 1000)), running, waited)


def asked_provider(entry: Ordered) -> str:
    """Return what the provider is called that works on an order, empty where none is known yet."""
    if entry.provider in ADAPTERS:
        return ADAPTERS[entry.provider].traits.title
    tries = [] if entry.job is None else [a_try for node in entry.job.nodes.values() for a_try in node.tries]
    name = max(tries, key=lambda a_try: a_try.started_at).provider if tries else ""
    return ADAPTERS[name].traits.title if name in ADAPTERS else name.capitalize()


def waiting_note(job: Order) -> str:
    """Return what a job that rests is waiting for, or what it cost."""
    spent = job.spent_usd()
    match job.state:
        case OrderState.NEEDS_APPROVAL if job.question is not None:
            said = job.question.message
        case OrderState.FAILED if job.failure is not None:
            said = job.failure.message
        case _:
            return f"Billed ${spent:.3f}." if spent else ""
    return f"It waits for you: {REASON.sub(lambda found: f'({reason_words(found)})', said)}"


REASON = re.compile(r"\(([A-Z][A-Z_]+(?:, [A-Z_]+)*)\)")
"""What a provider's refusal names as its reason, in the letters of its interface."""


def reason_words(found: re.Match[str]) -> str:
    """Return a reason as a person reads it."""
    return found[1].replace("_", " ").lower()
