"""Short versions of `python -m tests.faults`: no fault and no crash pays twice, loses a result or bends the ledger."""

from __future__ import annotations

import pytest

from tests.fakes.world import World
from tests.faults.jobs import KINDS
from tests.faults.kills import run_kills
from tests.faults.matrix import all_faults, cells, run_cell

# One that answers at once, one that gives a ticket, one that can look a lost answer up; the long version has all.
TELLING_ADAPTERS = ("gemini", "omni", "kling")
TELLING_FAULTS = ("ok", "lost")


@pytest.mark.parametrize("adapter", sorted(KINDS))
def test_no_fault_alone_pays_twice_or_loses_a_result(adapter):
    wrong = []
    with World(video_height=48) as world:
        for number, cell in enumerate(cells(adapter, all_faults(adapter), crashes=0)):
            wrong += run_cell(cell, world, number).wrong
        assert world.mistakes == []
    assert wrong == []


@pytest.mark.parametrize("adapter", TELLING_ADAPTERS)
def test_no_crash_at_any_save_pays_twice_or_loses_a_result(adapter):
    wrong = []
    ends = set()
    with World(video_height=48) as world:
        for number, cell in enumerate(cells(adapter, {"submit": TELLING_FAULTS}, crashes=12)):
            account = run_cell(cell, world, number)
            wrong += account.wrong
            ends |= set(account.ends)
        assert world.mistakes == []
    assert wrong == []
    assert "published" in ends


def test_twenty_kills_over_a_queue_pay_nothing_twice_and_lose_nothing():
    kills, account = run_kills(20, seed=7)
    assert kills >= 20
    assert account.wrong == []
    assert account.ends["published"] > 0
