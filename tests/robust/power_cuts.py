"""Simulated power cuts: what was written since the last sync is dropped, torn and reordered."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from engine.errors import DeltacutError
from engine.store import connection
from engine.store.project_file import ProjectFile
from tests.robust.kills import Outcome
from tests.robust.sqlite_vfs import Delete, Disk, Event, Mark, Sync, Truncate, Write, wrapped
from tests.robust.workload import Memory, first_value, perform, state_of

SECTOR = 512
SESSION = 25


def cut_series(folder: Path, cuts: int, seed: int, *, synchronous: str = "EXTRA") -> Outcome:
    """Record sessions, cut the power at random moments of them, and compare what is left with memory."""
    rng = random.Random(seed)
    corrupt = lost = trial = 0
    trouble = ""
    session = 0
    while trial < cuts:
        session += 1
        path = folder / f"cut{seed}-{session}.dcut"
        ProjectFile.create(path, first_value()).close()
        start = path.read_bytes()
        events = _recorded(path, seed + session, synchronous)
        path.unlink()
        for _ in range(min(50, cuts - trial)):
            trial += 1
            at = rng.randrange(len(events) + 1)
            _cut_off(path, start, events[:at], rng)
            acknowledged = sum(isinstance(event, Mark) for event in events[:at])
            try:
                with ProjectFile.open(path) as file:
                    found = state_of(file)
            except DeltacutError as error:
                corrupt += 1
                trouble = trouble or f"cut {trial}: {error!r}"
            else:
                if found not in (_state(seed + session, acknowledged), _state(seed + session, acknowledged + 1)):
                    lost += 1
                    trouble = trouble or f"cut {trial}: {acknowledged} operations acknowledged, another state found"
            for left in folder.glob(f"{path.name}*"):
                left.unlink()
    return Outcome(cuts, corrupt, lost, trouble)


def _state(seed: int, operations: int) -> object:
    memory = Memory()
    for number in range(operations):
        perform(seed, number, memory, None)
    return memory.state


def _recorded(path: Path, seed: int, synchronous: str) -> list[Event]:
    """Return all that a session does to the disk, with a mark after each acknowledged operation."""
    with wrapped() as disk, _synchronous(synchronous):
        with ProjectFile.open(path) as file:
            memory = Memory()
            for number in range(SESSION):
                perform(seed, number, memory, file)
                disk.events.append(Mark(number))
            events = list(disk.events)
        _check_recording(disk, path)
    return events


def _check_recording(disk: Disk, path: Path) -> None:
    """Replay everything and compare with the file: a recorder that misses a write would prove nothing."""
    # Recording began at an existing file; only what was written since can be compared.
    data = bytearray(path.read_bytes())
    for event in disk.events:
        if isinstance(event, Write) and event.path == str(path.absolute()):
            last = event
    if bytes(data[last.offset : last.offset + len(last.data)]) != last.data:
        raise AssertionError("the recorder missed a write")


class _synchronous:
    """Open connections with another setting than the program's, for the control."""

    def __init__(self, mode: str) -> None:
        self._mode = mode

    def __enter__(self) -> None:
        self._connect: Callable[..., sqlite3.Connection] = connection.connect

        def connect(path: Path, access: connection.Access) -> sqlite3.Connection:
            made = self._connect(path, access)
            if self._mode != "EXTRA":
                made.execute(f"PRAGMA synchronous = {self._mode}")
            return made

        from engine.store import project_file

        project_file.connect = connect

    def __exit__(self, *_: object) -> None:
        from engine.store import project_file

        project_file.connect = self._connect


def _cut_off(path: Path, start: bytes, events: list[Event], rng: random.Random) -> None:
    """Write the files as they might be after a power cut behind `events`."""
    durable: dict[str, bytes] = {str(path.absolute()): start}
    pending: dict[str, list[Write | Truncate]] = {}
    doomed: dict[str, bytes] = {}
    for event in events:
        match event:
            case Write(name) | Truncate(name):
                pending.setdefault(name, []).append(event)
            case Sync(name):
                durable[name] = _applied(durable.get(name, b""), pending.pop(name, []))
            case Delete(name, is_durable):
                pending.pop(name, None)
                gone = durable.pop(name, None)
                doomed.pop(name, None)
                if not is_durable and gone is not None:
                    doomed[name] = gone
    for name, data in doomed.items():
        if name not in durable and name not in pending and rng.random() < 0.5:
            durable[name] = data
    mood = rng.choice(["nothing", "everything", "some", "some", "some"])
    for name, operations in pending.items():
        if mood == "nothing" or (name not in durable and rng.random() < 0.3):
            continue
        kept = operations if mood == "everything" else _torn(operations, rng)
        durable[name] = _applied(durable.get(name, b""), kept)
    for name, data in durable.items():
        Path(name).write_bytes(data)


def _torn(operations: list[Write | Truncate], rng: random.Random) -> list[Write | Truncate]:
    """Return some of the operations, in another order, some of the writes only in parts."""
    share = rng.random()
    kept: list[Write | Truncate] = []
    for operation in operations:
        if rng.random() > share:
            continue
        if isinstance(operation, Write) and rng.random() < 0.3:
            kept += [
                Write(operation.path, operation.offset + at, operation.data[at : at + SECTOR])
                for at in range(0, len(operation.data), SECTOR)
                if rng.random() < 0.5
            ]
        else:
            kept.append(operation)
    rng.shuffle(kept)
    return kept


def _applied(data: bytes, operations: list[Write | Truncate]) -> bytes:
    result = bytearray(data)
    for operation in operations:
        if isinstance(operation, Truncate):
            del result[operation.size :]
            continue
        if len(result) < operation.offset:
            result += bytes(operation.offset - len(result))
        result[operation.offset : operation.offset + len(operation.data)] = operation.data
    return bytes(result)
