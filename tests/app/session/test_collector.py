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

    collector = MainThreadCollector()
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
