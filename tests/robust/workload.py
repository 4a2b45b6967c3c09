"""A session of an editor as a list of operations: the same seed gives the same, and memory says what must come out."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.model import edits as e
from engine.model.patch import Patch
from engine.model.project import Project
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import Blur
from engine.store.project_file import ProjectFile
from tests.projects import one_source_project

FRAMES = 600


def first_value() -> Project:
    """Return the project that every session begins with."""
    return one_source_project(FRAMES)


@dataclass
class Memory:
    """What the file must hold after a number of operations."""

    values: list[Project] = field(default_factory=lambda: [first_value()])
    at: int = 0
    takes: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> tuple[Project, int, int, frozenset[str], tuple[tuple[str, str], ...]]:
        """Return all of it as one value to compare with `state_of`."""
        notes = tuple(sorted(self.notes.items()))
        return self.values[self.at], self.at, len(self.values) - 1 - self.at, frozenset(self.takes), notes


def state_of(file: ProjectFile) -> tuple[Project, int, int, frozenset[str], tuple[tuple[str, str], ...]]:
    """Return what a file holds, every take read and checked."""
    history = file.history
    for id in file.take_ids:
        file.take(id)
    notes = tuple(sorted(file.records("note").items()))
    return file.project, len(history.done), len(history.undone), file.take_ids, notes


def perform(seed: int, number: int, memory: Memory, file: ProjectFile | None) -> None:
    """Do operation `number` of a session in memory, and on the file if there is one."""
    rng = random.Random(seed * 1_000_003 + number)
    kind = rng.random()
    if kind < 0.12 and memory.at > 0:
        steps = rng.randint(1, min(3, memory.at))
        _on(file, lambda f: f.undo(steps))
        memory.at -= steps
    elif kind < 0.2 and memory.at + 1 < len(memory.values):
        _on(file, lambda f: f.redo(1))
        memory.at += 1
    elif kind < 0.3:
        data = rng.randbytes(rng.choice([10, 20_000, 20_000, 1_500_000]))
        if file is not None:
            file.add_take(data, "image/png", {"n": str(number)})
        memory.takes[_take_id(data)] = data
    elif kind < 0.36:
        _on(file, lambda f: f.put_record("note", str(number % 7), str(number)))
        memory.notes[str(number % 7)] = str(number)
    else:
        edit = _edit(rng, number)
        after = edit.apply(memory.values[memory.at])
        _on(file, lambda f: f.commit(edit))
        memory.values[memory.at + 1 :] = [after]
        memory.at += 1


def _on(file: ProjectFile | None, action: Callable[[ProjectFile], object]) -> None:
    if file is not None:
        action(file)


def _take_id(data: bytes) -> str:
    from engine.store.takes import take_id

    return take_id(data, "image/png")


def _edit(rng: random.Random, number: int) -> e.Edit:
    start = rng.randrange(FRAMES - 40)
    frames = Range(start, start + rng.randint(1, 40))
    made = tuple(
        e.AddPatch(Patch.with_tool(f"p{number}-{n}", "s", Box(0.1, 0.1, 0.4, 0.4), frames, start, Blur(4.0)))
        for n in range(rng.choice([1, 1, 1, 40]))
    )
    return made[0] if len(made) == 1 else e.Compound(f"step {number}", made)
