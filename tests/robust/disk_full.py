"""A disk that is full: the edit is refused with NoSpace, nothing is lost, and work goes on once there is space."""

from __future__ import annotations

import os
import random
import resource
import traceback
from pathlib import Path

from engine.errors import DeltacutError, NoSpace
from engine.store.project_file import ProjectFile
from tests.robust.kills import Outcome
from tests.robust.sqlite_vfs import wrapped
from tests.robust.workload import Memory, first_value, perform, state_of


def limited_series(folder: Path, offsets: int, seed: int) -> Outcome:
    """Let a file-size limit (RLIMIT_FSIZE) stop the session at random offsets, each in a process of its own."""
    rng = random.Random(seed)
    lost = 0
    trouble = ""
    for number in range(offsets):
        path = folder / f"full{seed}-{number}.dcut"
        ProjectFile.create(path, first_value()).close()
        size = path.stat().st_size
        limit = rng.choice([rng.randrange(size), size, size + rng.randrange(20_000), size + rng.randrange(2_000_000)])
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = _session(path, seed + number, limit)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, result = os.waitpid(child, 0)
        if result:
            lost += 1
            trouble = trouble or f"offset {number}: the limit of {limit} bytes ended badly ({result})"
        path.unlink()
    return Outcome(offsets, 0, lost, trouble)


def _session(path: Path, seed: int, limit: int) -> int:
    """Work until the limit refuses, lift it, work on, and compare; 0 if all was well."""
    memory = Memory()
    with ProjectFile.open(path) as file:
        number = 0
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            for number in range(200):
                perform(seed, number, memory, file)
        except NoSpace:
            pass
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        if state_of(file) != memory.state:
            print("another state after the refusal")
            return 2
        for further in range(number, number + 5):
            perform(seed, further, memory, file)
    with ProjectFile.open(path) as file:
        return 0 if state_of(file) == memory.state else 3


def refused_series(folder: Path, offsets: int, seed: int) -> Outcome:
    """Let the disk be full (SQLITE_FULL) from the n-th write on, then have space again."""
    rng = random.Random(seed)
    corrupt = lost = 0
    trouble = ""
    for number in range(offsets):
        path = folder / f"refused{seed}-{number}.dcut"
        ProjectFile.create(path, first_value()).close()
        memory = Memory()
        try:
            with wrapped() as disk:
                disk.recording = False
                with ProjectFile.open(path) as file:
                    disk.writes_left = rng.randrange(120)
                    at = 0
                    try:
                        for at in range(50):
                            perform(seed + number, at, memory, file)
                    except NoSpace:
                        pass
                    disk.writes_left = None
                    if state_of(file) != memory.state:
                        raise AssertionError("another state after the refusal")
                    for further in range(at, at + 5):
                        perform(seed + number, further, memory, file)
            with ProjectFile.open(path) as file:
                if state_of(file) != memory.state:
                    raise AssertionError("another state after reopening")
        except DeltacutError as error:
            corrupt += 1
            trouble = trouble or f"offset {number}: {error!r}"
        except AssertionError as error:
            lost += 1
            trouble = trouble or f"offset {number}: {error}"
        path.unlink()
    return Outcome(offsets, corrupt, lost, trouble)
