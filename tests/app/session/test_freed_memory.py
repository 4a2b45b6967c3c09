"""Memory goes back to the system between two bursts of pictures, never in the midst of one."""

from __future__ import annotations

import sys

import pytest
from PySide6.QtCore import QObject, Signal

from app.session.freed_memory import FreedMemory
from app.session.jobs import Jobs

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other C libraries do it by themselves")


class Signals(QObject):
    closed = Signal()
    arrived = Signal(object)
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
    memory._rest.stop()
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
