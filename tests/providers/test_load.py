"""200 jobs on four providers with tight limits: no window exceeded, done in near the least possible time."""

from __future__ import annotations

import asyncio

import pytest

from providers.cache import Provenance
from providers.contract import EditTask, Picture
from providers.jobs import JobState
from providers.limits import Limits
from tests.fakes.desk import Desk, workflow
from tests.fakes.scripted import PNG, ScriptedProvider
from tests.fakes.virtual_time import VirtualTimeLoop

PICTURE = Picture.of(PNG)
JOBS = 200
MARGIN_S = 0.25

LIMITS = {
    "alpha": Limits(per_minute=10, concurrent=3),
    "beta": Limits(per_minute=5, concurrent=2),
    "gamma": Limits(per_minute=20, per_day=60),
    "delta": Limits(per_minute=3, concurrent=1),
}


async def task(context):
    from app.workflows.steps import task_artifact

    return task_artifact(EditTask(context.job.title, PICTURE, PICTURE))


@pytest.mark.parametrize("polls", [0, 4])
def test_two_hundred_jobs_on_four_providers(tmp_path, polls):
    from providers.workflow import NodeKind

    loop = VirtualTimeLoop()
    providers = {name: ScriptedProvider(name, polls=polls, takes_s=0.5, clock=loop.time) for name in LIMITS}
    desk = Desk(
        tmp_path,
        adapters=providers.values(),
        limits=LIMITS,
        clock=loop.clock,
        steps={NodeKind.EXTRACT: task},
        margin_s=MARGIN_S,
    )
    flow = workflow(*LIMITS, policy={"wait_s": 3600})
    jobs = [
        desk.orchestrator.add(flow, project="film", title=f"job {number}", provenance=Provenance("hash", number)).job
        for number in range(JOBS)
    ]
    loop.run_until_complete(desk.orchestrator.run_queue(parallel=JOBS))
    took_s = loop.time()
    assert {desk.jobs.load(job).state for job in jobs} == {JobState.PUBLISHED}

    for name, provider in providers.items():
        moments = [at for at, _ in provider.starts]
        limits = LIMITS[name]
        for scope_s, limit in ((60.0, limits.per_minute), (86_400.0, limits.per_day)):
            if limit is not None:
                for first, last in zip(moments, moments[limit:], strict=False):
                    assert last - first >= scope_s, f"{name}: {limit + 1} calls within {last - first} s"
        assert len(provider.charged) == len(set(provider.charged)) == len(moments)

    assert sum(len(provider.charged) for provider in providers.values()) == JOBS
    least_s = least_time(0.5 + (polls and (polls - 1) * 1.0), calls_s=0.5)
    shares = {name: len(provider.charged) for name, provider in providers.items()}
    print(f"{took_s:.2f} s, least possible {least_s:.2f} s ({shares})")
    assert took_s <= least_s * 1.03
    loop.run_until_complete(asyncio.sleep(0))
    desk.close_files()
    loop.close()


def least_time(busy_s, calls_s):
    """Return when the last of all jobs could be done at best.

    At each provider the n-th call begins when its windows and its places of the concurrency allow; of all these
    moments the earliest ones are taken.
    """
    moments = []
    for limits in LIMITS.values():
        starts = []
        for number in range(JOBS):
            if limits.per_day is not None and number >= limits.per_day:
                break
            start = 0.0
            if number >= limits.per_minute:
                start = starts[number - limits.per_minute] + 60 + MARGIN_S
            if limits.concurrent is not None and number >= limits.concurrent:
                start = max(start, starts[number - limits.concurrent] + busy_s)
            starts.append(max(start, starts[-1] if starts else 0.0))
        moments += starts
    return sorted(moments)[JOBS - 1] + busy_s
