"""SIGKILL at random moments: nothing acknowledged is lost, nothing is corrupt."""

from __future__ import annotations

import os
import random
import signal
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DeltacutError
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from tests.robust.workload import Memory, first_value, perform, state_of

SESSION = 60
"""Operations after which a session ends and the next begins with a new file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out of a series: how many trials, what went wrong in which."""

    trials: int
    corrupt: int
    lost: int
    first_trouble: str = ""

    @property
    def bad(self) -> int:
        """Return the number of trials that went wrong."""
        return self.corrupt + self.lost


def kill_series(folder: Path, kills: int, seed: int) -> Outcome:
    """Kill a writing process again and again, and compare the file with memory each time."""
    rng = random.Random(seed)
    corrupt = lost = 0
    trouble = ""
    session = 0
    done = SESSION
    for number in range(kills):
        if done >= SESSION:
            session += 1
            path = folder / f"{seed}-{session}.dcut"
            ProjectFile.create(path, first_value()).close()
            memory, done = Memory(), 0
        acknowledged = _killed_writer(path, seed + session, done, memory, rng.uniform(0.0, 0.06))
        try:
            with ProjectFile.open(path, rng.choice(list(Access))) as file:
                found = state_of(file)
        except DeltacutError as error:
            corrupt += 1
            trouble = trouble or f"kill {number}: {error!r}"
            done = SESSION
            continue
        # The operation under way when the kill came may have been saved, or not.
        after = _advanced(memory, seed + session, done, acknowledged)
        further = _advanced(after, seed + session, done + acknowledged, 1)
        if found == after.state:
            memory, done = after, done + acknowledged
        elif found == further.state:
            memory, done = further, done + acknowledged + 1
        else:
            lost += 1
            trouble = trouble or f"kill {number}: {acknowledged} operations acknowledged, another state found"
            done = SESSION
        if done >= SESSION:
            path.unlink()
    return Outcome(kills, corrupt, lost, trouble)


def _advanced(memory: Memory, seed: int, first: int, count: int) -> Memory:
    copy = Memory(list(memory.values), memory.at, dict(memory.takes), dict(memory.notes))
    for number in range(first, first + count):
        perform(seed, number, copy, None)
    return copy


def _killed_writer(path: Path, seed: int, first: int, memory: Memory, delay_s: float) -> int:
    """Let a child go on with the session, kill it, and return how many operations it had acknowledged."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            with ProjectFile.open(path) as file:
                os.write(write_end, b"\0\0\0\0")
                for number in range(first, first + 10_000):
                    perform(seed, number, memory, file)
                    os.write(write_end, struct.pack("<i", number - first + 1))
        finally:
            os._exit(1)
    os.close(write_end)
    data = os.read(read_end, 4)  # It has the file open.
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(read_end, 65536):
        data += more
    os.close(read_end)
    return int(struct.unpack("<i", data[-4:])[0]) if data else 0
