"""The jobs of a project: kept in its file, run from the command line until they rest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.workflows.accounts import open_accounts, provider_errors
from app.workflows.caches import cache_folder
from app.workflows.edit_steps import EditSteps
from app.workflows.emotion_steps import EmotionSteps
from app.workflows.import_media import OpenProject, open_project
from app.workflows.local_provider import NAME as LOCAL
from app.workflows.local_provider import LocalTools
from app.workflows.motion_steps import MotionSteps
from app.workflows.orchestration import Orchestrator, run_in_thread
from app.workflows.steps import Artifact, Step, StepContext
from app.workflows.transcribe_steps import TranscribeSteps
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from providers.accounts import Accounts
from providers.cache import Provenance, SqliteResultCache
from providers.codec import Json, digest
from providers.consent import Reach
from providers.contract import Disclosure, Provider, Quote, Work
from providers.errors import StoreDamaged
from providers.generate import Generator
from providers.job_store import Jobs
from providers.jobs import Choice, Job, JobState, Reason
from providers.registry import open_providers
from providers.workflow import NodeKind, Workflow

_JOB, _BLOB = "job", "job-blob"

# What stands for "go on" where a person just approves.
_PLAIN_ANSWERS = {Reason.CONSENT: Choice.AGREE, Reason.QUALITY: Choice.ACCEPT, Reason.KEY: Choice.TRY_AGAIN}


class Agreement:
    """What a person is asked on the way."""

    def consents(self, quote: Quote) -> Reach | None:
        """Show exactly what would be sent, and what for; return how far a person agrees, None for not at all."""
        raise UsageError(f"nobody is there to agree to send anything to {quote.provider}")

    def discloses(self, sends: Disclosure) -> Reach | None:
        """Show exactly what would be sent where nothing is asked for in return; return how far a person agrees."""
        raise UsageError(f"nobody is there to agree to send anything to {sends.host}")

    def tell(self, text: str) -> None:
        """Tell a person something on the way."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A job to make: its workflow, its title, where in the film it starts, and what its steps need to know."""

    workflow: Workflow
    title: str
    frame: int
    inputs: Json


class RecordJobStore:
    """Jobs in a project file: their texts as notes, their pictures and sounds as takes.

    The blobs go first; a crash before the text leaves takes that nobody names, and no job that names what is not there.
    """

    def __init__(self, file: ProjectFile) -> None:
        self._file = file

    def save(self, job: str, record: str, blobs: Mapping[str, bytes]) -> None:
        """Store a job's text and the blobs that it names; on the disk when this returns."""
        known = self._file.records(_BLOB) if blobs else {}
        for name, data in blobs.items():
            if name not in known:
                self._file.put_record(_BLOB, name, self._file.add_take(data, "application/octet-stream"))
        self._file.put_record(_JOB, job, record)

    def load(self, job: str) -> str | None:
        """Return a job's text."""
        return self._file.records(_JOB).get(job)

    def jobs(self) -> tuple[str, ...]:
        """Return the ids of all jobs, the oldest first."""
        made = {job: float(json.loads(text)["created_at"]) for job, text in self._file.records(_JOB).items()}
        return tuple(sorted(made, key=lambda job: (made[job], job)))

    def blob(self, name: str) -> bytes:
        """Return a blob.

        Raises:
            StoreDamaged: it is not there, or not as it was stored.
        """
        take = self._file.records(_BLOB).get(name)
        data = None if take is None else self._file.take(take).data
        if data is None or digest(data) != name:
            raise StoreDamaged(f"a picture or sound of a job in {self._file.path} is missing or damaged")
        return data


class ProjectDesk:
    """A project opened with everything that its jobs need."""

    def __init__(
        self,
        project: OpenProject,
        accounts: Accounts,
        providers: Mapping[str, Provider],
        cache: SqliteResultCache,
        agreement: Agreement,
    ) -> None:
        self.project = project
        self.jobs = Jobs(RecordJobStore(project.file))
        self._agreement = agreement
        self._providers = providers
        self._told: set[str] = set()
        self.orchestrator = Orchestrator(
            self.jobs,
            Generator(providers, cache, accounts.ledger, wait=accounts.limiter.wait),
            _steps(project),
            accounts.consents,
            accounts.tracer,
            known_providers=frozenset(providers),
            changed=self._changed,
        )

    def add(self, wish: Wish) -> Job:
        """Save a new job in the queue.

        Raises:
            UsageError: its film shows nowhere.
        """
        film = self.project.films.get(wish.inputs["source"])
        if film is None:
            raise UsageError(f"the film of {wish.title!r} is not on the storyline; put a clip of it there first")
        source = film.identity
        return self.orchestrator.add(
            wish.workflow,
            project=self.project.file.project.id,
            title=wish.title,
            provenance=Provenance(source, wish.frame),
            inputs=wish.inputs,
        )

    def run(self, job: str, cancel: CancelToken) -> Job:
        """Run a job until it rests, asking for consent on the way.

        Raises:
            Cancelled: on request; the job is saved as far as it got.
        """
        return run_in_thread(lambda: self._closed(lambda: self._run(job)), cancel)

    def approve(self, job: str, choice: Choice | None, cancel: CancelToken) -> Job:
        """Publish a job that is ready for that, or answer its question and go on.

        Raises:
            TransitionRefused: the job asks nothing of the kind. UsageError: the choice must be named.
        """
        found = self.jobs.load(job)
        if found.state is JobState.QA_READY and choice is None:
            return run_in_thread(lambda: self._closed(lambda: self.orchestrator.approve(job)), cancel)
        question = found.question
        if choice is None and question is not None:
            choice = _PLAIN_ANSWERS.get(question.reason)
        if choice is None and question is not None:
            choices = ", ".join(known.value for known in question.choices)
            raise UsageError(f"job {job} asks: {question.message}; answer with --choice and one of: {choices}")
        if choice is not Choice.AGREE:
            found = self.orchestrator.answer(job, choice or Choice.ACCEPT)
        return found if found.state is JobState.CANCELLED else self.run(job, cancel)

    def retry(self, job: str, cancel: CancelToken) -> Job:
        """Try a job again, or go on with one that was interrupted; what is open at a provider is not paid again."""
        if self.jobs.load(job).state not in (JobState.QUEUED, JobState.PROCESSING):
            self.orchestrator.retry(job)
        return self.run(job, cancel)

    def cancel(self, job: str, cancel: CancelToken) -> Job:
        """Stop a job; its provider is asked to stop too."""
        return run_in_thread(lambda: self._closed(lambda: self.orchestrator.cancel(job)), cancel)

    async def _run(self, job_id: str) -> Job:
        job = self.jobs.load(job_id)
        while True:
            question = job.question
            if question is not None and question.reason is Reason.CONSENT:
                quote = self.orchestrator.quote(job_id)
                reach = await asyncio.to_thread(self._agreement.consents, quote)
                if reach is None:
                    return job
                self.orchestrator.answer(job_id, Choice.AGREE, reach)
            elif job.state not in (JobState.QUEUED, JobState.PROCESSING):
                return job
            job = await self.orchestrator.run(job_id)

    async def _closed(self, work: Callable[[], Awaitable[Job]]) -> Job:
        try:
            return await work()
        finally:
            for provider in self._providers.values():
                await provider.close()

    def _changed(self, job: Job) -> None:
        for notice in job.notices:
            if notice not in self._told:
                self._told.add(notice)
                self._agreement.tell(notice)
        if job.state is JobState.QUEUED and job.retry_at is not None:
            self._agreement.tell(f"waiting for room until {_clock(job.retry_at)}")


@contextmanager
def open_desk(
    path: Path,
    agreement: Agreement,
    progress: Progress,
    cancel: CancelToken,
    ask_passphrase: Callable[[], str] | None = None,
) -> Iterator[ProjectDesk]:
    """Open a project with everything that its jobs need, for the block.

    Raises:
        ProjectError, MediaError: the project or its film cannot be used.
        ProviderFailure: the accounts cannot, or what the block does fails.
    """
    project = open_project(path, Access.WRITE, progress, cancel)
    try:
        with desk_of(project, agreement, ask_passphrase) as desk:
            yield desk
    finally:
        project.close()


@contextmanager
def desk_of(
    project: OpenProject, agreement: Agreement, ask_passphrase: Callable[[], str] | None = None
) -> Iterator[ProjectDesk]:
    """Give a project that is open for writing what its jobs need, for the block; the project stays open.

    What jobs publish is committed to its file; any thread may run them.

    Raises:
        ProviderFailure: the accounts cannot be used, or what the block does fails.
    """
    with open_accounts(ask_passphrase) as accounts:
        surroundings = accounts.surroundings(project.file.project.id, local={LOCAL: LocalTools()})
        cache = SqliteResultCache(cache_folder() / "results.sqlite")
        try:
            yield ProjectDesk(project, accounts, open_providers(surroundings), cache, agreement)
        finally:
            cache.close()


def _steps(project: OpenProject) -> Mapping[NodeKind, Step]:
    """Return the steps of all kinds of work; a job's inputs say which it is."""
    edit, motion = EditSteps(project), MotionSteps(project)
    words, labels = TranscribeSteps(project), EmotionSteps(project)
    of_work: Mapping[str, Mapping[NodeKind, Callable[[StepContext], Artifact]]] = {
        Work.EDIT.value: {
            NodeKind.EXTRACT: edit.extract,
            NodeKind.COMPOSITE: edit.composite,
            NodeKind.DIFF: edit.diff,
            NodeKind.PUBLISH: edit.publish,
        },
        Work.MOTION.value: {
            NodeKind.EXTRACT: motion.extract,
            NodeKind.COMPOSITE: motion.composite,
            NodeKind.DIFF: motion.diff,
            NodeKind.PUBLISH: motion.publish,
        },
        Work.TRANSCRIBE.value: {NodeKind.EXTRACT: words.extract, NodeKind.PUBLISH: words.publish},
        Work.EMOTION.value: {NodeKind.EXTRACT: labels.extract, NodeKind.PUBLISH: labels.publish},
    }

    def step(kind: NodeKind) -> Step:
        def take(context: StepContext) -> Artifact:
            return of_work[context.job.inputs["work"]][kind](context)

        return take

    return {kind: step(kind) for kind in (NodeKind.EXTRACT, NodeKind.COMPOSITE, NodeKind.DIFF, NodeKind.PUBLISH)}


def project_jobs(path: Path) -> tuple[Job, ...]:
    """Return the jobs of a project, the oldest first.

    Raises:
        ProjectError: it cannot be read. ProviderFailure: a job cannot.
    """
    with provider_errors(), ProjectFile.open(path, Access.READ) as file:
        return Jobs(RecordJobStore(file)).all()


def project_job(path: Path, job: str) -> Job:
    """Return one job of a project.

    Raises:
        ProjectError: the project cannot be read. UsageError: there is no such job.
    """
    with provider_errors(), ProjectFile.open(path, Access.READ) as file:
        store = RecordJobStore(file)
        if store.load(job) is None:
            raise UsageError(f"{path} has no job {job!r}; deltacut jobs {path.name} list shows them")
        return Jobs(store).load(job)


def _clock(at_s: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(at_s).astimezone().strftime("%H:%M:%S")
