"""Parts of a task that run at the same time tell one progress, and are stopped with all of it or alone."""

from __future__ import annotations

import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled


def test_shares_add_up_whichever_reports_first():
    told = []
    first, second = Progress(lambda state: told.append((state.label, state.fraction))).part(0.5, 1.0).shares(0.6, 0.4)
    second.report("playing", 0.5)
    first.report("comparing", 0.5)
    second.report("playing", 1.0)
    first.report("comparing", 7.0)
    assert [label for label, _ in told] == ["playing", "comparing", "playing", "comparing"]
    assert [fraction for _, fraction in told] == pytest.approx([0.6, 0.75, 0.85, 1.0])


def test_a_part_is_stopped_alone_and_with_the_whole():
    whole = CancelToken()
    alone, other = whole.child(), whole.child()
    alone.cancel()
    assert alone.cancelled
    assert not whole.cancelled
    other.check()
    whole.cancel()
    with pytest.raises(Cancelled):
        other.check()
