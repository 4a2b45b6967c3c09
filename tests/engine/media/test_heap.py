"""What gives memory back does not destroy what another thread has to."""

from __future__ import annotations

import gc
import weakref

import pytest

from engine.media.heap import give_back


class Ring:
    """Something that only the collector frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(params=[True, False], ids=["collector on", "collector off"])
def collector(request):
    was_on = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if was_on else gc.disable)()


def test_rings_are_freed_unless_the_collector_is_kept_to_another_thread(collector):
    ring = weakref.ref(Ring())
    alive = ring() is not None
    give_back()
    assert alive
    assert (ring() is None) == collector
