"""Each adapter x each fault x a crash at each save of the job: after a restart the account is right.

A crash is where a save was about to happen, or has just happened: these are all the moments that can make a difference,
since nothing else of a job outlives the process. From that moment on nothing is written any more, as after SIGKILL.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from providers.job_store import Jobs
from providers.jobs import JobState
from tests.fakes.desk import Desk
from tests.fakes.world import World
from tests.faults.jobs import Account, add, audit, environment, open_desk
from tests.providers.adapter_cases import CASES, COMMON_OF_POLL, COMMON_OF_SUBMIT

RESTARTS = 3


class Moment(Enum):
    """When the process ends, as seen from a save."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Crash:
    """The end of the process at the n-th save (counting from 1)."""

    save: int
    moment: Moment


class Crashed(BaseException):
    """The process is no more."""


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix."""

    adapter: str
    operation: str
    fault: str
    crash: Crash | None

    def __str__(self) -> str:
        crash = "no crash" if self.crash is None else f"crash {self.crash.moment.value} save {self.crash.save}"
        return f"{self.adapter} {self.operation}:{self.fault} {crash}"


def cells(adapter: str, faults: Mapping[str, tuple[str, ...]], crashes: int) -> Iterator[Cell]:
    """Return the cells of an adapter, for crashes at the first so many saves."""
    points = [None, *(Crash(save, moment) for save in range(1, crashes + 1) for moment in Moment)]
    for operation, names in faults.items():
        for fault in names:
            for crash in points:
                yield Cell(adapter, operation, fault, crash)


def all_faults(adapter: str) -> dict[str, tuple[str, ...]]:
    """Return every fault of an adapter's service by operation; "ok" is none."""
    case = CASES[adapter]
    faults = {"submit": ("ok", *COMMON_OF_SUBMIT, *case.submit_faults)}
    if case.poll_faults:
        faults["poll"] = tuple({**COMMON_OF_POLL, **case.poll_faults})
    if adapter in ("omni", "kling", "kling-legacy"):
        faults["download"] = tuple(COMMON_OF_POLL)
    return faults


def run_cell(cell: Cell, world: World, number: int) -> Account:
    """Break a job as the cell says, start again until it rests, and return the account."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        service = world.services[CASES[cell.adapter].service]
        service.charges.clear()
        service.clear_faults()
        if cell.fault != "ok":
            service.fail(cell.operation, cell.fault)
        desk = open_desk(folder, environment(world))
        job = add(desk, cell.adapter, number)
        _run_once(desk, job, cell.crash)
        for _ in range(RESTARTS):
            desk = open_desk(folder, environment(world))
            state = desk.jobs.load(job).state
            if state not in (JobState.QUEUED, JobState.PROCESSING, JobState.FAILED):
                break
            if state is JobState.FAILED:
                desk.orchestrator.retry(job)
            _run_once(desk, job, None)
        else:
            desk = open_desk(folder, environment(world))
        account = audit(desk.jobs.all(), desk.ledger.spend(), world)
        account.wrong = [f"{cell}: {problem}" for problem in account.wrong]
        desk.close_files()
        service.clear_faults()
        return account


def _run_once(desk: Desk, job: str, crash: Crash | None) -> None:
    if crash is not None:
        _arm(desk, crash)

    async def main() -> None:
        try:
            await desk.orchestrator.run(job)
        finally:
            for provider in desk.providers.values():
                await provider.close()

    with contextlib.suppress(Crashed):
        asyncio.run(main())
    desk.close_files()


def _arm(desk: Desk, crash: Crash) -> None:
    """Let the process "end" at a save: that save happens or not, and nothing is written after it."""
    store, jobs = desk.store, desk.jobs
    saves = 0
    dead = False
    real_save = store.save

    def save(job: str, record: str, blobs: Mapping[str, bytes]) -> None:
        nonlocal saves, dead
        if dead:
            raise Crashed
        saves += 1
        if saves == crash.save and crash.moment is Moment.BEFORE:
            dead = True
        if not dead:
            real_save(job, record, blobs)
        if saves == crash.save:
            dead = True
            _silence(desk)
            raise Crashed

    assert isinstance(jobs, Jobs)
    store.save = save  # type: ignore[method-assign]


def _silence(desk: Desk) -> None:
    def nothing(*_args: object, **_names: object) -> None:
        return None

    for thing, names in (
        (desk.ledger, ("reserve", "restore", "settle", "release", "doubt", "release_unknown")),
        (desk.cache, ("put",)),
        (desk.limiter, ("release", "renew", "block")),
    ):
        for name in names:
            setattr(thing, name, nothing)
