"""The watchdog itself: it sees an event that computes for long, and not one that only waits its turn."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer

from tests.app.ui.watchdog import watched


def compute(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_an_event_that_holds_the_thread_is_seen_with_its_place(qtbot):
    with watched() as dog:
        done = []
        QTimer.singleShot(20, lambda: (compute(0.5), done.append(True)))
        qtbot.waitUntil(lambda: bool(done), timeout=20_000)
        qtbot.wait(50)
    assert dog.longest_ms >= 490
    assert "compute" in dog.worst


def test_an_idle_thread_is_not_blamed(qtbot):
    with watched() as dog:
        qtbot.wait(200)
    assert dog.longest_ms < 50
