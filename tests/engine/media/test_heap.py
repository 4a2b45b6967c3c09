"""What gives memory back does not destroy what another thread has to."""

from __future__ import annotations

import gc
import weakref

import pytest

from engine.media import heap
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


@pytest.mark.parametrize("told", [True, False])
def test_large_blocks_go_back_while_frames_are_encoded_where_that_was_asked_for(monkeypatch, told):
    said = []

    class Libc:
        def mallopt(self, option: int, value: int) -> None:
            said.append((option, value))

    monkeypatch.setattr(heap, "_libc", Libc())
    blocks = heap.LargeBlocks()
    if told:
        blocks.return_while_encoding()
    assert said == []
    with blocks.encoding():
        before = list(said)
    assert before == [(-3, 1 << 20)] * told
    assert said[len(before) :] == [(-3, 32 << 20)] * told
