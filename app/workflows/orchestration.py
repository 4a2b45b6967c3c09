"""Runs jobs: the declared graph of a workflow, node by node, saved before each step, picked up after any crash.

A node that asks a provider is `providers.generate`'s; every other node is a step that the application hands in. One
orchestrator lives in one event loop, in a background thread of the application or the command line; the methods that
wait are coroutines of that loop, and cancelling one takes effect at once.

Nothing here knows Qt, decodes a frame, or decides where a result goes in the film.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from app.workflows.steps import Artifact, Step, StepAsks, StepContext, task_of
from engine.control import CancelToken
from engine.errors import Cancelled, DeltacutError
from providers.cache import Provenance
from providers.carry import Order
from providers.codec import Json, digest
from providers.consent import Consents, Reach
from providers.contract import Disclosure, Quote
from providers.errors import ProviderError, StoreDamaged, TransitionRefused, WorkflowInvalid
from providers.generate import Generator, NeedsPerson
from providers.job_store import Jobs
from providers.jobs import (
    RESTING,
    Choice,
    Failure,
    Job,
    JobState,
    NodeRecord,
    NodeState,
    Origin,
    Question,
    Reason,
    Stored,
)
from providers.traces import Tracer
from providers.workflow import WORKS, Approval, Node, NodeKind, OnFailure, Workflow, parse_workflow

T = TypeVar("T")


class Orchestrator:
    """Runs the jobs of one project."""

    def __init__(
        self,
        jobs: Jobs,
        generator: Generator,
        steps: Mapping[NodeKind, Step],
        consents: Consents,
        tracer: Tracer,
        *,
        known_providers: frozenset[str],
        changed: Callable[[Job], None] = lambda job: None,
        progressed: Callable[[str, str, float | None], None] = lambda job, node, fraction: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Put an orchestrator together.

        Args:
            jobs: Where jobs are kept.
            generator: Carries provider nodes through.
            steps: What the other kinds of nodes do.
            consents: Where a person's consents are kept.
            tracer: Makes the spans.
            known_providers: The names that workflows may use.
            changed: Is told of every saved change, in the loop's thread.
            progressed: Is told how far a node is (job, node, fraction or None), in the loop's thread.
            clock: Unix time in seconds.
        """
        self._jobs = jobs
        self._generator = generator
        self._steps = steps
        self._consents = consents
        self._tracer = tracer
        self._known_providers = known_providers
        self._changed = changed
        self._progressed = progressed
        self._clock = clock
        self._running: dict[str, asyncio.Task[Job]] = {}
        self._cancels: dict[str, CancelToken] = {}

    def add(
        self,
        workflow: Workflow,
        *,
        project: str,
        title: str,
        provenance: Provenance,
        inputs: Json | None = None,
        variant: int = 0,
    ) -> Job:
        """Save a new job in the queue."""
        now = self._clock()
        job = Job(
            os.urandom(8).hex(),
            project,
            title,
            workflow.text,
            JobState.QUEUED,
            now,
            now,
            provenance.source,
            provenance.frame,
            variant,
            inputs or {},
        )
        self._save(job)
        return job

    async def run_queue(self, parallel: int = 4) -> None:
        """Run every job that is queued or was under way when the program ended, oldest first, several at a time.

        Before that the ledger is brought in line with all jobs, since a crash may have come between the two.
        """
        jobs = self._jobs.all()
        for job in jobs:
            if job.job not in self._running:
                tries = [attempt for record in job.nodes.values() for attempt in record.tries]
                self._generator.reconcile(f"{job.job}-", tries)
        places = asyncio.Semaphore(parallel)

        async def run(job_id: str) -> None:
            async with places:
                await self.run(job_id)

        waiting = [job.job for job in jobs if job.state in (JobState.QUEUED, JobState.PROCESSING)]
        await asyncio.gather(*(run(job) for job in waiting))

    async def run(self, job_id: str) -> Job:
        """Run a job until it rests; return it as it is then. A failure is the job's state, not an exception."""
        task = self._running.get(job_id)
        if task is None:
            self._cancels[job_id] = CancelToken()
            task = asyncio.ensure_future(self._run(job_id))
            self._running[job_id] = task
            task.add_done_callback(lambda done: self._forget(job_id))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled() or task.cancelling():
                return self._jobs.load(job_id)  # the job was cancelled, not whoever waits for it
            task.cancel()
            raise

    async def cancel(self, job_id: str) -> Job:
        """Stop a job at once; its provider is asked to stop too, and a result that is paid for is not lost."""
        job = self._jobs.load(job_id)
        if job.state is JobState.PUBLISHED:
            raise TransitionRefused(f"job {job_id} is published; undo it in the film instead")
        if job.state is not JobState.CANCELLED:
            job = self._save(job.moved(JobState.CANCELLED, self._clock()))
        task = self._running.get(job_id)
        if task is not None:
            self._cancels[job_id].cancel()
            task.cancel()
            await asyncio.wait([task])
            job = self._jobs.load(job_id)
        for record in job.nodes.values():
            await self._generator.cancel(record)
        return job

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again; what is open at a provider is picked up, not paid again."""
        job = self._jobs.load(job_id)
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            raise TransitionRefused(f"job {job_id} is {job.state.value}; only a failed or cancelled one is tried again")
        return self._save(job.moved(JobState.QUEUED, self._clock()))

    def answer(self, job_id: str, choice: Choice, reach: Reach = Reach.PROJECT) -> Job:
        """Queue a waiting job again with a person's answer; `reach` says how far an AGREE reaches.

        Raises:
            TransitionRefused: the job asks nothing, or something else.
        """
        job = self._jobs.load(job_id)
        question = job.question
        if job.state is not JobState.NEEDS_APPROVAL or question is None or choice not in question.choices:
            asked = "nothing" if question is None else ", ".join(known.value for known in question.choices)
            raise TransitionRefused(f"job {job_id} cannot be answered with {choice.value!r}; it asks for: {asked}")
        now = self._clock()
        if choice is Choice.GIVE_UP:
            return self._save(job.moved(JobState.CANCELLED, now))
        record = job.node(question.node)
        record = replace(record, settled=len(record.tries))
        match choice:
            case Choice.AGREE:
                self._consents.grant(self.disclosure(job_id), reach, job.project)
            case Choice.NEXT_PROVIDER:
                record = replace(record, passed_over=(*record.passed_over, question.provider))
            case Choice.USE_CACHED:
                record = replace(record, may_use_kin=True)
            case Choice.ACCEPT:
                record = replace(record, state=NodeState.DONE)
            case _ if record.origin is Origin.STEP:
                record = NodeRecord()  # a step that asked is done again
        return self._save(job.with_node(question.node, record).moved(JobState.QUEUED, now))

    async def approve(self, job_id: str) -> Job:
        """Publish a job that is ready for a person's look."""
        job = self._jobs.load(job_id)
        if job.state is not JobState.QA_READY:
            raise TransitionRefused(f"job {job_id} is {job.state.value}; only one that is qa_ready can be approved")
        looked = next(node.id for node in self._workflow(job).nodes if node.kind is NodeKind.QA)
        job = job.with_node(looked, replace(job.node(looked), state=NodeState.DONE))
        self._save(job.moved(JobState.PROCESSING, self._clock()))
        return await self.run(job_id)

    def reject(self, job_id: str) -> Job:
        """Put a job that is ready for a person's look aside."""
        return self._save(self._jobs.load(job_id).moved(JobState.CANCELLED, self._clock()))

    def disclosure(self, job_id: str) -> Disclosure:
        """Return exactly what would leave the machine if the job's question is answered with AGREE."""
        return self.quote(job_id).sends

    def quote(self, job_id: str) -> Quote:
        """Return the quote of the provider that the job's question is about.

        Raises:
            TransitionRefused: the job asks nothing about a provider.
        """
        job = self._jobs.load(job_id)
        if job.question is None or not job.question.provider:
            raise TransitionRefused(f"job {job_id} asks nothing about a provider")
        node = self._workflow(job).node(job.question.node)
        return self._generator.quote(self._order(job, node), job.question.provider)

    async def _run(self, job_id: str) -> Job:
        job = self._jobs.load(job_id)
        if job.state in RESTING:
            return job
        attributes = {"deltacut.job": job.job, "deltacut.project": job.project}
        with self._tracer.span("job", attributes=attributes) as span:
            try:
                workflow = self._workflow(job)
                span.set("deltacut.workflow", workflow.name)
                job = self._save(job.moved(JobState.PROCESSING, self._clock()))
                job = await self._walk(job, workflow)
            except asyncio.CancelledError:
                raise
            except (ProviderError, DeltacutError) as error:
                job = self._failed(job_id, error)
            except Exception as error:
                job = self._failed(job_id, error)
                raise
            span.set("deltacut.state", job.state.value)
        return job

    async def _walk(self, job: Job, workflow: Workflow) -> Job:
        for node in workflow.nodes:
            record = job.node(node.id)
            if record.state in (NodeState.DONE, NodeState.SKIPPED):
                continue
            try:
                job = await self._pass(job, node)
            except NeedsPerson as asks:
                return self._ask(job.job, asks.question)
            except (ProviderError, DeltacutError) as error:
                job = self._jobs.load(job.job)
                # What is open at a provider may be paid for: it is not skipped, but picked up when tried again.
                paid = job.node(node.id).open_try is not None
                if node.on_failure is OnFailure.STOP or paid or isinstance(error, Cancelled):
                    raise
                notice = f"{node.id} was skipped: {error}"
                skipped = replace(job.node(node.id), state=NodeState.SKIPPED)
                job = self._save(replace(job.with_node(node.id, skipped), notices=(*job.notices, notice)))
            if job.state is JobState.QA_READY:
                return job
        return self._save(job.moved(JobState.PUBLISHED if _publishes(workflow) else JobState.QA_READY, self._clock()))

    async def _pass(self, job: Job, node: Node) -> Job:
        attributes = {"deltacut.node": node.id, "deltacut.node.kind": node.kind.value}
        with self._tracer.span(f"node {node.id}", attributes=attributes) as span:
            if node.kind in WORKS:
                job = await self._ask_providers(job, node)
                origin = job.node(node.id).origin
                span.set("deltacut.origin", None if origin is None else origin.value)
                return job
            return await self._take_step(job, node)

    async def _ask_providers(self, job: Job, node: Node) -> Job:
        watcher = _JobWatcher(self, job.job)

        def save(record: NodeRecord, blobs: Mapping[str, bytes]) -> None:
            self._save(self._jobs.load(job.job).with_node(node.id, record), blobs)

        await self._generator.run(self._order(job, node), job.node(node.id), save, watcher)
        return self._jobs.load(job.job)

    async def _take_step(self, job: Job, node: Node) -> Job:
        step = self._steps.get(node.kind)
        if step is None and node.kind not in (NodeKind.QA, NodeKind.PUBLISH):
            raise WorkflowInvalid(f"nothing here does a {node.kind.value} node ({node.id!r})")
        job = self._save(job.with_node(node.id, replace(job.node(node.id), state=NodeState.RUNNING)))
        asks: StepAsks | None = None
        artifact = Artifact()
        if step is not None:
            try:
                artifact = await self._call(step, self._context(job, node))
            except StepAsks as question:
                asks, artifact = question, question.artifact
        record = _stored(job.node(node.id), artifact)
        if asks is not None:
            self._save(job.with_node(node.id, replace(record, state=NodeState.WAITING)), _named_by_digest(artifact))
            choices = (Choice.ACCEPT, Choice.TRY_AGAIN, Choice.GIVE_UP)
            raise NeedsPerson(Question(Reason.QUALITY, str(asks), node.id, choices))
        if node.kind is NodeKind.QA and node.approval is Approval.PERSON:
            waiting = job.with_node(node.id, replace(record, state=NodeState.WAITING))
            return self._save(waiting.moved(JobState.QA_READY, self._clock()), _named_by_digest(artifact))
        return self._save(job.with_node(node.id, record), _named_by_digest(artifact))

    async def _call(self, step: Step, context: StepContext) -> Artifact:
        try:
            made = step(context) if inspect.iscoroutinefunction(step) else await asyncio.to_thread(step, context)
            return made if isinstance(made, Artifact) else await made
        except asyncio.CancelledError:
            # The thread goes on until it looks; the loop ends only after it.
            context.cancel.cancel()
            raise

    def _context(self, job: Job, node: Node) -> StepContext:
        artifacts = {
            name: self._artifact(record.output)
            for name, record in job.nodes.items()
            if record.state is NodeState.DONE and record.output is not None
        }
        return StepContext(job, node, artifacts, self._cancels[job.job])

    def _order(self, job: Job, node: Node) -> Order:
        workflow = self._workflow(job)
        maker = next(name for name in node.after if workflow.node(name).kind is NodeKind.EXTRACT)
        output = job.node(maker).output
        if output is None:
            raise StoreDamaged(f"job {job.job} has lost what {maker!r} made")
        artifact = self._artifact(output)
        task = task_of(artifact)
        provenance = Provenance(job.source, job.frame)
        return Order(job.job, job.project, node, task, provenance, job.variant, job.inputs.get("seed"))

    def _artifact(self, stored: Stored) -> Artifact:
        return Artifact(stored.record, {name: self._jobs.blob(blob) for name, blob in stored.blobs.items()})

    def _workflow(self, job: Job) -> Workflow:
        return parse_workflow(job.workflow, self._known_providers, origin=f"the workflow of job {job.job}")

    def _ask(self, job_id: str, question: Question) -> Job:
        job = self._jobs.load(job_id).moved(JobState.NEEDS_APPROVAL, self._clock())
        return self._save(replace(job, question=question, retry_at=question.retry_at))

    def _failed(self, job_id: str, error: Exception) -> Job:
        job = self._jobs.load(job_id)
        if job.state is not JobState.PROCESSING:
            return job  # a person cancelled it meanwhile
        failure = Failure.of(error)
        failed = replace(job.moved(JobState.FAILED, self._clock()), failure=failure, retry_at=failure.retry_at)
        return self._save(failed)

    def _save(self, job: Job, blobs: Mapping[str, bytes] | None = None) -> Job:
        self._jobs.save(job, blobs)
        self._changed(job)
        return job

    def _forget(self, job_id: str) -> None:
        self._running.pop(job_id, None)
        self._cancels.pop(job_id, None)


class _JobWatcher:
    """Writes into the job what a provider node tells on its way."""

    def __init__(self, home: Orchestrator, job: str) -> None:
        self._home = home
        self._job = job

    def progress(self, node: str, fraction: float | None) -> None:
        self._home._progressed(self._job, node, fraction)

    def waiting(self, node: str, until: float | None) -> None:
        job = self._home._jobs.load(self._job)
        state = JobState.PROCESSING if until is None else JobState.QUEUED
        self._home._save(replace(job.moved(state, self._home._clock()), retry_at=until))

    def notice(self, node: str, message: str) -> None:
        job = self._home._jobs.load(self._job)
        self._home._save(replace(job, notices=(*job.notices, message)))


def run_in_thread(main: Callable[[], Awaitable[T]], cancel: CancelToken) -> T:
    """Run a coroutine to its end in an event loop of this thread, and stop it at once when the token is set.

    Raises:
        Cancelled: the token was set.
    """

    async def watched() -> T:
        work = asyncio.ensure_future(main())
        while not work.done():
            if cancel.cancelled:
                work.cancel()
                await asyncio.wait([work])
                raise Cancelled("stopped on request")
            await asyncio.wait([work], timeout=0.02)
        return work.result()

    return asyncio.run(watched())


def _publishes(workflow: Workflow) -> bool:
    return any(node.kind is NodeKind.PUBLISH for node in workflow.nodes)


def _stored(record: NodeRecord, artifact: Artifact) -> NodeRecord:
    names = {name: digest(data) for name, data in artifact.blobs.items()}
    return replace(record, state=NodeState.DONE, output=Stored(dict(artifact.record), names), origin=Origin.STEP)


def _named_by_digest(artifact: Artifact) -> dict[str, bytes]:
    return {digest(data): data for data in artifact.blobs.values()}
