"""SIGKILL at random moments over a queue of jobs, with random faults of the services on top."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from providers.jobs import JobState
from tests.fakes.world import World
from tests.faults.jobs import KINDS, Account, add, audit, environment, open_desk

JOBS_OF_A_ROUND = 24
LONGEST_LIFE_S = 0.6
UNFINISHED = (JobState.QUEUED, JobState.PROCESSING, JobState.FAILED)

# Faults that a queue meets on the way, by service and operation.
SUBMIT_FAULTS = ("lost", "cut_off", "hang_up", "504_taken", "504", "503", "500", "html", "half_json")
POLL_FAULTS = ("503", "cut_off", "html", "hang_up", "half_json")


class Program:
    """The worker process that forks a child for each start."""

    def __init__(self, variables: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self._send(json.dumps(variables))

    def run(self, folder: Path, life_s: float | None) -> bool:
        """Start it over a folder, kill it after its life (None: let it live); return whether it was killed."""
        self._send(str(folder))
        child = int(self._line())
        killed = threading.Event()
        timer = None
        if life_s is not None:

            def kill() -> None:
                killed.set()
                os.kill(child, signal.SIGKILL)  # still ours: it is reaped only after this line was read

            timer = threading.Timer(life_s, kill)
            timer.start()
        status = int(self._line())
        if timer is not None:
            timer.cancel()
            timer.join()
        if status not in (0, -signal.SIGKILL):
            raise AssertionError(f"the program ended with status {status}; its traceback is on stderr")
        return status == -signal.SIGKILL

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError("the program is gone")
        return line


def run_kills(kills: int, seed: int, told: Callable[[str], None] = lambda line: None) -> tuple[int, Account]:
    """Kill a queue so many times, round after round; return the kills and the account of all jobs."""
    chance = random.Random(seed)
    total = Account()
    done = 0
    number = 0
    with World(polls=3, video_height=48) as world:
        program = Program(environment(world))
        try:
            while done < kills:
                for service in world.services.values():
                    service.charges.clear()
                    service.clear_faults()
                with tempfile.TemporaryDirectory() as name:
                    folder = Path(name)
                    number += JOBS_OF_A_ROUND
                    killed, account = _round(world, program, folder, number, kills - done, chance)
                done += killed
                total.add(account)
                told(f"{done} kills, {sum(total.ends.values())} jobs: {total.line()}")
        finally:
            program.close()
        total.wrong += [f"a fake made a mistake: {mistake}" for mistake in world.mistakes]
    return done, total


def _round(
    world: World, program: Program, folder: Path, number: int, most: int, chance: random.Random
) -> tuple[int, Account]:
    desk = open_desk(folder, environment(world))
    names = sorted(KINDS)
    jobs = [add(desk, chance.choice(names), number + index) for index in range(JOBS_OF_A_ROUND)]
    desk.close_files()
    killed = starts = 0
    while True:
        _plant(world, chance)
        # Towards the end of a round it lives, so that every queue comes to an end.
        life_s = chance.uniform(0.0, LONGEST_LIFE_S) if killed < most and starts < 60 else None
        killed += program.run(folder, life_s)
        starts += 1
        desk = open_desk(folder, environment(world))
        states = [desk.jobs.load(job).state for job in jobs]
        desk.close_files()
        if not any(state in UNFINISHED for state in states):
            break
        if starts > 80:
            for service in world.services.values():
                service.clear_faults()
        if starts > 100:
            raise AssertionError(f"a queue does not come to an end: {states}")
    desk = open_desk(folder, environment(world))
    account = audit(desk.jobs.all(), desk.ledger.spend(), world)
    desk.close_files()
    return killed, account


def _plant(world: World, chance: random.Random) -> None:
    for service in world.services.values():
        if chance.random() < 0.3:
            service.fail("submit", chance.choice(SUBMIT_FAULTS))
        if chance.random() < 0.3:
            service.fail("poll", chance.choice(POLL_FAULTS))
        if chance.random() < 0.1:
            service.fail("download", chance.choice(POLL_FAULTS))
        if chance.random() < 0.1:
            service.fail("find", chance.choice(("503", "hang_up")))
