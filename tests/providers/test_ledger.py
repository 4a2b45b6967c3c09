"""The ledger is exact, whatever is repeated, and a cap stops a request before it spends."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.contract import EditTask, Picture, Place, Request, Work
from providers.database import APPLICATION_ID
from providers.errors import (
    AmbiguousSubmit,
    BadResponse,
    CapReached,
    CapScope,
    Charge,
    JobFailed,
    KeyMissing,
    PolicyBlocked,
    StoreDamaged,
    Transient,
)
from providers.layers import Layered
from providers.ledger import Attempt, Caps, Ledger, LedgerLayer, SpendState
from tests.fakes.scripted import PNG, Lost, ScriptedProvider
from tests.fakes.virtual_time import VirtualTimeLoop, run

PICTURE = Picture.of(PNG)


def request(name):
    return Request(EditTask("prompt", PICTURE, PICTURE), name)


def attempt(name, usd="0.10", project="film", provider="gemini"):
    return Attempt(name, project, provider, "model-1", Work.EDIT, Decimal(usd), 1, Decimal(0))


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock):
    ledger = Ledger(tmp_path / "ledger.sqlite", clock)
    yield ledger
    ledger.close()


def test_an_estimate_counts_until_the_bill_replaces_it(ledger):
    ledger.reserve(attempt("a"), Caps())
    assert ledger.spent_usd("film") == Decimal("0.10")
    ledger.settle("a", Decimal("0.134567"))
    assert ledger.spent_usd("film") == Decimal("0.134567")
    ledger.reserve(attempt("b"), Caps())
    ledger.settle("b", None)
    ledger.reserve(attempt("c"), Caps())
    ledger.release("c")
    ledger.reserve(attempt("d"), Caps())
    ledger.doubt("d")
    (totals,) = ledger.totals("film")
    assert totals.requests == 3
    assert totals.estimated_usd == Decimal("0.30")
    assert totals.actual_usd == Decimal("0.334567")
    assert totals.uncertain_usd == Decimal("0.10")
    assert totals.pictures == 3
    assert [spend.state for spend in ledger.spend()] == [
        SpendState.SETTLED,
        SpendState.SETTLED,
        SpendState.RELEASED,
        SpendState.UNCERTAIN,
    ]


def test_a_project_s_cap_stops_the_request_that_would_exceed_it(ledger):
    caps = Caps(project_usd=Decimal("0.25"))
    ledger.reserve(attempt("a"), caps)
    ledger.reserve(attempt("b"), caps)
    with pytest.raises(CapReached, match=r"would cost 0\.1 USD, and 0\.2 of the project's cap of 0\.25") as caught:
        ledger.reserve(attempt("c"), caps)
    assert caught.value.scope is CapScope.PROJECT
    assert (caught.value.spent_usd, caught.value.needed_usd) == (Decimal("0.2"), Decimal("0.1"))
    assert ledger.spent_usd("film") == Decimal("0.20")
    ledger.reserve(attempt("d", project="another"), caps)
    ledger.release("a")
    ledger.reserve(attempt("c"), caps)


def test_exactly_the_cap_may_be_spent_and_what_is_free_always_may(ledger):
    caps = Caps(project_usd=Decimal("0.10"))
    ledger.reserve(attempt("a"), caps)
    ledger.reserve(attempt("free", usd="0"), caps)
    with pytest.raises(CapReached):
        ledger.reserve(attempt("b", usd="0.000001"), caps)


def test_a_month_s_cap_counts_all_projects_and_begins_anew_with_the_month(ledger, clock):
    caps = Caps(month_usd=Decimal("0.15"))
    ledger.reserve(attempt("a", project="one"), caps)
    with pytest.raises(CapReached) as caught:
        ledger.reserve(attempt("b", project="two"), caps)
    assert caught.value.scope is CapScope.MONTH
    clock.now += 31 * 86_400
    ledger.reserve(attempt("b", project="two"), caps)
    assert ledger.spent_usd(month_of=clock.now) == Decimal("0.10")


def test_parallel_requests_cannot_pass_the_cap_together(tmp_path, clock):
    caps = Caps(project_usd=Decimal("0.95"))
    allowed = []

    def spend(number):
        ledger = Ledger(tmp_path / "ledger.sqlite", clock)
        for step in range(5):
            try:
                ledger.reserve(attempt(f"{number}-{step}"), caps)
                allowed.append(1)
            except CapReached:
                pass
        ledger.close()

    threads = [threading.Thread(target=spend, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(allowed) == 9


STEPS = ["reserve", "settle", "release", "doubt", "restore"]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8), repeats=st.integers(1, 3))
def test_repeating_what_was_last_written_down_changes_nothing(tmp_path_factory, steps, repeats):
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite", Clock())
    ledger.reserve(attempt("a"), Caps())

    def act(step):
        {
            "reserve": lambda: ledger.reserve(attempt("a"), Caps()),
            "restore": lambda: ledger.restore(attempt("a")),
            "settle": lambda: ledger.settle("a", Decimal("0.07")),
            "release": lambda: ledger.release("a"),
            "doubt": lambda: ledger.doubt("a"),
        }[step]()

    for step in steps:
        act(step)
        once = ledger.spend()
        for _ in range(repeats):
            act(step)
        assert ledger.spend() == once
        assert len(once) == 1
    ledger.close()


def test_a_ledger_that_was_lost_learns_of_old_attempts_without_asking_the_cap(ledger):
    ledger.restore(attempt("a", usd="5"))
    ledger.settle("a", Decimal("4.5"))
    ledger.restore(attempt("a", usd="5"))
    assert ledger.spent_usd("film") == Decimal("4.5")


OUTCOMES = {
    "a result": (None, SpendState.SETTLED, "0.10"),
    "a refusal that costs nothing": (PolicyBlocked("no"), SpendState.RELEASED, "0"),
    "a refusal that is billed": (PolicyBlocked("no", billed_usd=Decimal("0.02")), SpendState.SETTLED, "0.02"),
    "a server error": (Transient("503"), SpendState.RELEASED, "0"),
    "an ambiguous submit": (AmbiguousSubmit("?"), SpendState.UNCERTAIN, "0.10"),
    "an answer lost on the way": (Lost(), SpendState.UNCERTAIN, "0.10"),
    "a proxy's page": (BadResponse("<html>", charge=Charge.NONE), SpendState.RELEASED, "0"),
    "half an answer": (BadResponse("{", charge=Charge.POSSIBLE), SpendState.UNCERTAIN, "0.10"),
    "no key": (KeyMissing("no key", provider="gemini"), SpendState.RELEASED, "0"),
    "a bug after sending": (ZeroDivisionError(), SpendState.UNCERTAIN, "0.10"),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_the_layer_writes_down_what_a_call_cost(ledger, case):
    step, state, usd = OUTCOMES[case]
    provider = ScriptedProvider()
    if step is not None:
        provider.script.start.append(step)
    paid = Layered(provider, [LedgerLayer(ledger, "film", Caps())])

    async def main():
        if step is None:
            await paid.start(request("a"))
        else:
            with pytest.raises(Exception):  # noqa: B017, PT011 each case has its own, compared above
                await paid.start(request("a"))

    run(main(), VirtualTimeLoop())
    (spend,) = ledger.spend()
    assert (spend.state, spend.counted_usd) == (state, Decimal(usd))


def test_a_call_cancelled_on_the_way_is_uncertain(ledger):
    provider = ScriptedProvider(takes_s=100)
    paid = Layered(provider, [LedgerLayer(ledger, "film", Caps())])

    async def main():
        task = asyncio.create_task(paid.start(request("a")))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main(), VirtualTimeLoop())
    assert ledger.spend()[0].state is SpendState.UNCERTAIN


def test_a_job_is_settled_by_the_poll_that_brings_its_result_and_released_by_the_one_that_says_it_failed(ledger):
    provider = ScriptedProvider(polls=1, usd="0.42")
    paid = Layered(provider, [LedgerLayer(ledger, "film", Caps())])

    async def main():
        ticket = await paid.start(request("a"))
        assert ledger.spend()[0].state is SpendState.RESERVED
        await paid.poll(ticket)
        ticket = await paid.start(request("b"))
        provider.script.poll.extend([Transient("503"), JobFailed("gave up")])
        with pytest.raises(Transient):
            await paid.poll(ticket)
        assert ledger.spend()[1].state is SpendState.RESERVED
        with pytest.raises(JobFailed):
            await paid.poll(ticket)

    run(main(), VirtualTimeLoop())
    assert [(spend.state, spend.counted_usd) for spend in ledger.spend()] == [
        (SpendState.SETTLED, Decimal("0.42")),
        (SpendState.RELEASED, Decimal(0)),
    ]


def test_over_the_cap_nothing_is_sent_and_local_work_is_never_counted(ledger):
    provider = ScriptedProvider(usd="1")
    local = ScriptedProvider("local", place=Place.LOCAL, usd="0")
    caps = Caps(project_usd=Decimal("0.5"))

    async def main():
        with pytest.raises(CapReached):
            await Layered(provider, [LedgerLayer(ledger, "film", caps)]).start(request("a"))
        await Layered(local, [LedgerLayer(ledger, "film", caps)]).start(request("b"))

    run(main(), VirtualTimeLoop())
    assert provider.starts == []
    assert ledger.spend() == ()


def test_a_file_of_another_application_or_a_damaged_one_is_refused_and_left_alone(tmp_path):
    import sqlite3

    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"SQLite format 3\0" + bytes(200))
    trapped = tmp_path / "trapped.sqlite"
    Ledger(trapped).close()
    with sqlite3.connect(trapped) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        connection.execute("CREATE TRIGGER t AFTER INSERT ON spend BEGIN DELETE FROM spend; END")
    connection.close()
    for path in (foreign, damaged, trapped):
        before = path.read_bytes()
        with pytest.raises(StoreDamaged, match="move it away"):
            Ledger(path)
        assert path.read_bytes() == before


def test_the_ledger_s_file_is_private(tmp_path):
    Ledger(tmp_path / "ledger.sqlite").close()
    assert (tmp_path / "ledger.sqlite").stat().st_mode & 0o777 == 0o600
