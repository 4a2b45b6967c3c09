"""Memory goes back to the system between two bursts of pictures, never in the midst of one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import QObject, Signal

from app.session.freed_memory import FreedMemory
from app.session.jobs import Jobs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other C libraries do it by themselves")


class Signals(QObject):
    closed = Signal()
    arrived = Signal(object)
    playing_changed = Signal()
    is_playing = False
    is_idle = True


@pytest.fixture
def given_back(qtbot, monkeypatch):
    monkeypatch.setattr("app.session.freed_memory._REST_MS", 10)
    monkeypatch.setattr("app.session.freed_memory._AFTER_MS", 5)
    jobs, parts = Jobs(), Signals()
    begun = []
    start = jobs.start_quietly
    monkeypatch.setattr(jobs, "start_quietly", lambda title, work: begun.append(title) or start(title, work))
    memory = FreedMemory(parts, parts, parts, jobs)
    yield parts, begun
    memory.shut_down()
    jobs.stop_all()


def test_after_many_pictures_once_all_is_quiet_and_then_not_again(given_back, qtbot):
    parts, begun = given_back
    parts.is_playing = True
    for _ in range(40):
        parts.arrived.emit(None)
    qtbot.wait(100)
    assert begun == []
    parts.is_playing, parts.is_idle = False, False
    qtbot.wait(100)
    assert begun == []
    parts.is_idle = True
    qtbot.waitUntil(lambda: len(begun) == 1)
    qtbot.wait(100)
    assert len(begun) == 1


def test_when_a_project_closes(given_back, qtbot):
    parts, begun = given_back
    parts.closed.emit()
    qtbot.waitUntil(lambda: len(begun) == 1)


def test_not_once_the_application_is_closing(qtbot, monkeypatch):
    monkeypatch.setattr("app.session.freed_memory._REST_MS", 10)
    monkeypatch.setattr("app.session.freed_memory._AFTER_MS", 5)
    parts, jobs, begun = Signals(), Jobs(), []
    monkeypatch.setattr(jobs, "start_quietly", lambda title, work: begun.append(title))
    memory = FreedMemory(parts, parts, parts, jobs)
    for _ in range(40):
        parts.arrived.emit(None)
    parts.closed.emit()
    memory.shut_down()
    qtbot.wait(50)
    assert begun == []


def test_while_it_plays_memory_is_used_over_again(given_back, qtbot, monkeypatch):
    parts, _ = given_back
    told = []
    memory = FreedMemory(parts, parts, parts, Jobs())
    monkeypatch.setattr(memory._library, "mallopt", lambda what, size: told.append(size), raising=False)
    for parts.is_playing in (True, False):
        parts.playing_changed.emit()
    kept, freed = told[-4:-2], told[-2:]
    assert min(kept) >= 32 << 20
    assert max(freed) <= 512 << 10
    memory.shut_down()


_COUNTING = """
import resource
import numpy as np
from PySide6.QtCore import QCoreApplication
from app.session.freed_memory import FreedMemory
from app.session.jobs import Jobs
from tests.app.session.test_freed_memory import Signals

app, parts = QCoreApplication([]), Signals()
memory = FreedMemory(parts, parts, parts, Jobs())

def work():
    for _ in range(20):
        np.ones(4 << 20, np.uint8)

def faults():
    work()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

resting = faults()
parts.is_playing = True
parts.playing_changed.emit()
print(resting, faults())
memory.shut_down()
"""


def test_playing_pages_are_not_asked_for_anew():
    # In a process of its own: what others left in the heap decides where the next plane goes.
    done = subprocess.run([sys.executable, "-c", _COUNTING], capture_output=True, text=True, check=True, timeout=120)
    resting, playing = map(int, done.stdout.split())
    assert resting > 10_000
    assert playing < resting / 4
