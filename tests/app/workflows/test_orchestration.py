"""The graph of a workflow: steps and providers in turn, a person's look before anything gets into the film."""

from __future__ import annotations

import asyncio
import threading
import time
from decimal import Decimal

import pytest

from app.workflows.orchestration import run_in_thread
from app.workflows.steps import Artifact, StepAsks, generation_of, task_artifact
from engine.control import CancelToken
from engine.errors import Cancelled, PictureError
from providers.cache import Provenance
from providers.contract import EditTask, Picture
from providers.errors import StoreDamaged, Transient, TransitionRefused
from providers.jobs import Choice, JobState, NodeState, Reason
from providers.workflow import NodeKind, shipped_workflow, shipped_workflows
from tests.fakes.desk import Desk, workflow
from tests.fakes.scripted import PNG, ScriptedProvider

PICTURE = Picture.of(PNG)


def one_task(context):
    return EditTask(f"make {context.job.title}", PICTURE, PICTURE)


@pytest.fixture
def open_desk(tmp_path):
    desks = []

    def make(*adapters, **wishes):
        for desk in desks:
            desk.close_files()
        desks[:] = [Desk(tmp_path, adapters=adapters, **{"task": one_task, **wishes})]
        return desks[0]

    yield make
    for desk in desks:
        desk.close_files()


def add(desk, flow, title="job", **inputs):
    job = desk.orchestrator.add(
        flow, project="film", title=title, provenance=Provenance("source-hash", 7), inputs=inputs
    )
    return job.job


def test_nothing_is_published_before_a_person_has_looked(open_desk):
    desk = open_desk(ScriptedProvider("alpha"))

    async def main():
        job = await desk.orchestrator.run(add(desk, workflow("alpha", approval="person")))
        assert job.state is JobState.QA_READY
        assert desk.published == []
        again = await desk.orchestrator.run(job.job)
        assert again.state is JobState.QA_READY
        assert (await desk.orchestrator.approve(job.job)).state is JobState.PUBLISHED
        assert desk.published == [job.job]
        with pytest.raises(TransitionRefused, match="published"):
            await desk.orchestrator.approve(job.job)
        with pytest.raises(TransitionRefused, match="undo it in the film"):
            await desk.orchestrator.cancel(job.job)

    asyncio.run(main())


def test_what_a_person_rejects_is_put_aside_and_can_be_taken_up_again(open_desk):
    desk = open_desk(ScriptedProvider("alpha"))

    async def main():
        job = await desk.orchestrator.run(add(desk, workflow("alpha", approval="person")))
        assert desk.orchestrator.reject(job.job).state is JobState.CANCELLED
        assert desk.published == []
        desk.orchestrator.retry(job.job)
        assert (await desk.orchestrator.run(job.job)).state is JobState.QA_READY
        assert len(desk.providers["alpha"]._adapter.charged) == 1

    asyncio.run(main())


def test_steps_get_what_the_nodes_before_them_made(open_desk):
    seen = {}

    def fit(context):
        generation = generation_of(context.artifacts["make"])
        seen.update(output=generation.output, inputs=context.job.inputs, thread=threading.current_thread())
        return Artifact({"correlation": 0.99}, {"patch": b"pixels"})

    def look(context):
        seen["fit"] = context.artifacts["fit"]
        return Artifact()

    desk = open_desk(ScriptedProvider("alpha"), steps={NodeKind.COMPOSITE: fit, NodeKind.QA: look})
    job = asyncio.run(desk.orchestrator.run(add(desk, workflow("alpha"), anchor=12)))
    assert job.state is JobState.PUBLISHED
    assert seen["output"] == PICTURE
    assert seen["inputs"] == {"anchor": 12}
    assert seen["fit"] == Artifact({"correlation": 0.99}, {"patch": b"pixels"})
    assert seen["thread"] is not threading.main_thread(), "a plain function must not hold the loop"


def test_a_step_may_leave_a_bad_fit_to_a_person(open_desk):
    def fit(context):
        raise StepAsks("the picture moved by 7 %", Artifact({"correlation": 0.2}, {"patch": b"pixels"}))

    desk = open_desk(ScriptedProvider("alpha"), steps={NodeKind.COMPOSITE: fit})

    async def main():
        job = await desk.orchestrator.run(add(desk, workflow("alpha")))
        assert (job.state, job.question.reason) == (JobState.NEEDS_APPROVAL, Reason.QUALITY)
        assert job.question.choices == (Choice.ACCEPT, Choice.TRY_AGAIN, Choice.GIVE_UP)
        desk.orchestrator.answer(job.job, Choice.TRY_AGAIN)
        assert (await desk.orchestrator.run(job.job)).state is JobState.NEEDS_APPROVAL
        with pytest.raises(TransitionRefused, match="asks for: accept, try again, give up"):
            desk.orchestrator.answer(job.job, Choice.AGREE)
        desk.orchestrator.answer(job.job, Choice.ACCEPT)
        job = await desk.orchestrator.run(job.job)
        assert job.state is JobState.PUBLISHED
        assert job.node("fit").output.record == {"correlation": 0.2}

    asyncio.run(main())


def test_a_step_that_fails_fails_the_job_with_its_message_and_can_be_tried_again_without_paying(open_desk):
    failures = [PictureError("the picture cannot be decoded")]

    def fit(context):
        if failures:
            raise failures.pop()
        return Artifact()

    alpha = ScriptedProvider("alpha")
    desk = open_desk(alpha, steps={NodeKind.COMPOSITE: fit})

    async def main():
        job = await desk.orchestrator.run(add(desk, workflow("alpha")))
        assert (job.state, job.failure.message) == (JobState.FAILED, "the picture cannot be decoded")
        desk.orchestrator.retry(job.job)
        assert (await desk.orchestrator.run(job.job)).state is JobState.PUBLISHED
        assert len(alpha.charged) == 1

    asyncio.run(main())


def test_a_bug_in_a_step_fails_the_job_and_is_not_swallowed(open_desk):
    def fit(context):
        raise ZeroDivisionError("a bug")

    desk = open_desk(ScriptedProvider("alpha"), steps={NodeKind.COMPOSITE: fit})
    job = add(desk, workflow("alpha"))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(desk.orchestrator.run(job))
    assert desk.jobs.load(job).failure.kind == "ZeroDivisionError"


def test_an_optional_node_that_fails_is_skipped_with_a_notice_but_never_one_that_is_paid_for(open_desk):
    alpha = ScriptedProvider("alpha", polls=500)
    desk = open_desk(alpha, steps={NodeKind.COMPOSITE: lambda context: Artifact()})
    alpha.script.start.extend([Transient("503", retry_after_s=100)])
    flow = workflow("alpha", on_failure="skip", limits={"timeout_s": 0})

    async def main():
        job = await desk.orchestrator.run(add(desk, flow))
        assert job.state is JobState.PUBLISHED
        assert job.node("make").state is NodeState.SKIPPED
        assert "make was skipped: 503" in job.notices
        job = await desk.orchestrator.run(add(desk, flow, title="paid"))
        assert job.state is JobState.FAILED
        assert job.node("make").open_try is not None

    asyncio.run(main())


def test_cancelling_takes_effect_at_once_and_the_provider_is_told(open_desk):
    alpha = ScriptedProvider("alpha", polls=10_000)
    desk = open_desk(alpha)

    async def main():
        job = add(desk, workflow("alpha"))
        running = asyncio.create_task(desk.orchestrator.run(job))
        while not alpha.charged:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        started = time.monotonic()
        cancelled = await desk.orchestrator.cancel(job)
        took_s = time.monotonic() - started
        assert cancelled.state is JobState.CANCELLED
        assert (await running).state is JobState.CANCELLED
        assert took_s < 0.1
        assert alpha.cancelled == alpha.charged
        assert (await desk.orchestrator.cancel(job)).state is JobState.CANCELLED

    asyncio.run(main())


def test_cancelling_a_step_in_a_thread_returns_at_once_and_sets_its_token(open_desk):
    stopped = threading.Event()

    def fit(context):
        while not context.cancel.cancelled:
            time.sleep(0.005)
        stopped.set()
        raise Cancelled("stopped on request")

    desk = open_desk(ScriptedProvider("alpha"), steps={NodeKind.COMPOSITE: fit})

    async def main():
        job = add(desk, workflow("alpha"))
        running = asyncio.create_task(desk.orchestrator.run(job))
        while desk.jobs.load(job).node("fit").state is not NodeState.RUNNING:
            await asyncio.sleep(0.005)
        started = time.monotonic()
        await desk.orchestrator.cancel(job)
        assert time.monotonic() - started < 0.1
        assert (await running).state is JobState.CANCELLED

    asyncio.run(main())
    assert stopped.wait(2)


def test_a_cancelled_job_that_is_paid_is_picked_up_when_tried_again(open_desk):
    alpha = ScriptedProvider("alpha", polls=3)
    desk = open_desk(alpha)

    async def main():
        job = add(desk, workflow("alpha"))
        running = asyncio.create_task(desk.orchestrator.run(job))
        while not alpha.charged:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        await desk.orchestrator.cancel(job)
        await running
        with pytest.raises(TransitionRefused):
            await desk.orchestrator.approve(job)
        desk.orchestrator.retry(job)
        assert (await desk.orchestrator.run(job)).state is JobState.PUBLISHED
        assert len(alpha.starts) == 1
        assert desk.spent() == Decimal("0.10")

    asyncio.run(main())


def test_closing_the_application_leaves_jobs_to_be_picked_up(open_desk):
    alpha = ScriptedProvider("alpha", polls=5)
    desk = open_desk(alpha)
    job = add(desk, workflow("alpha"))

    async def until_charged():
        running = asyncio.create_task(desk.orchestrator.run(job))
        while not alpha.charged:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(until_charged())
    assert desk.jobs.load(job).state is JobState.PROCESSING
    desk = open_desk(alpha)
    asyncio.run(desk.orchestrator.run_queue())
    assert desk.jobs.load(job).state is JobState.PUBLISHED
    assert len(alpha.starts) == 1


def test_a_queue_runs_several_jobs_at_a_time_and_not_more(open_desk):
    alpha = ScriptedProvider("alpha", takes_s=0.03)
    desk = open_desk(alpha)
    jobs = [add(desk, workflow("alpha"), title=f"job {number}") for number in range(9)]
    asyncio.run(desk.orchestrator.run_queue(parallel=3))
    assert {desk.jobs.load(job).state for job in jobs} == {JobState.PUBLISHED}
    assert alpha.most_running == 3


def test_two_calls_to_run_a_job_run_it_once(open_desk):
    alpha = ScriptedProvider("alpha", takes_s=0.02)
    desk = open_desk(alpha)

    async def main():
        job = add(desk, workflow("alpha"))
        first, second = await asyncio.gather(desk.orchestrator.run(job), desk.orchestrator.run(job))
        assert first == second
        assert len(alpha.starts) == 1

    asyncio.run(main())


def test_two_processes_cannot_work_on_the_same_jobs(open_desk, tmp_path):
    from providers.job_store import SqliteJobStore

    open_desk()
    with pytest.raises(StoreDamaged, match="in use by another process"):
        SqliteJobStore(tmp_path / "jobs.sqlite")


def test_a_thread_of_the_command_line_stops_at_once_when_told():
    cancel = CancelToken()
    cleaned = []

    async def main():
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    def stop():
        time.sleep(0.1)
        moments.append(time.monotonic())
        cancel.cancel()

    moments = []
    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        run_in_thread(main, cancel)
    assert time.monotonic() - moments[0] < 0.1
    assert cleaned == [True]

    async def seven():
        return 7

    assert run_in_thread(seven, CancelToken()) == 7


def test_a_command_that_is_stopped_within_a_step_does_not_wait_for_the_step(open_desk):
    cancel, running = CancelToken(), threading.Event()

    def fit(context):
        running.set()
        until = time.monotonic() + 20
        while not context.cancel.cancelled and time.monotonic() < until:
            time.sleep(0.005)
        raise Cancelled("stopped on request")

    desk = open_desk(ScriptedProvider("alpha"), steps={NodeKind.COMPOSITE: fit})
    job = add(desk, workflow("alpha"))
    moments = []

    def stop():
        running.wait(10)
        moments.append(time.monotonic())
        cancel.cancel()

    threading.Thread(target=stop).start()
    with pytest.raises(Cancelled):
        run_in_thread(lambda: desk.orchestrator.run(job), cancel)
    assert time.monotonic() - moments[0] < 2


def test_the_shipped_workflows_are_sound():
    from providers.registry import ADAPTERS

    assert shipped_workflows() == ("edit", "emotion", "motion", "transcribe")
    for name in shipped_workflows():
        flow = shipped_workflow(name, set(ADAPTERS))
        assert flow.name == name
        assert flow.nodes[-1].kind is NodeKind.PUBLISH


def test_an_extract_step_makes_the_task_of_the_node_after_it():
    artifact = task_artifact(EditTask("prompt", PICTURE, PICTURE))
    assert artifact.record["prompt"] == "prompt"
    assert list(artifact.blobs.values()) == [PNG]
