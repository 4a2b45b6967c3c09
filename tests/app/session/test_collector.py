"""Garbage is collected in the main thread only, while a session lives."""

from __future__ import annotations

import gc
import threading
import weakref

from app.session.collector import MainThreadCollector


class Ring:
    def __init__(self):
        self.me = self


def test_rings_are_collected_from_the_event_loop_and_never_by_a_worker(qtbot):
    threads = []

    def note(phase, _info):
        if phase == "start":
            threads.append(threading.get_ident())

    collector = MainThreadCollector(lambda: False)
    gc.callbacks.append(note)
    try:
        ring = weakref.ref(Ring())

        def work():
            for _ in range(20_000):
                Ring()

        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
        qtbot.waitUntil(lambda: ring() is None, timeout=5000)
    finally:
        gc.callbacks.remove(note)
        collector.stop()
    assert set(threads) == {threading.get_ident()}
    assert gc.isenabled()


def test_what_plays_is_not_held_up_by_a_full_collection(qtbot, monkeypatch):
    monkeypatch.setattr("app.session.collector._EVERY_MS", 5)
    monkeypatch.setattr("app.session.collector._FULL_EVERY", 4)
    full = []
    moving = [True]

    def note(phase, info):
        if phase == "start" and info["generation"] == 2:
            full.append(moving[0])

    collector = MainThreadCollector(lambda: moving[0])
    gc.callbacks.append(note)
    try:
        qtbot.wait(200)
        assert full == []
        moving[0] = False
        qtbot.waitUntil(lambda: bool(full), timeout=5000)
        moving[0] = True
        # Not for ever: what is never looked at is never freed.
        full.clear()
        qtbot.waitUntil(lambda: bool(full), timeout=10_000)
    finally:
        gc.callbacks.remove(note)
        collector.stop()
