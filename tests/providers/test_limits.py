"""Sliding windows, concurrency and pauses: never one call too many, never a second later than needed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.contract import EditTask, Picture, Request, Ticket
from providers.errors import AmbiguousSubmit, JobFailed, RateLimited, Scope, Transient
from providers.layers import Layered
from providers.limits import Limiter, LimitLayer, Limits
from tests.fakes.scripted import PNG, ScriptedProvider
from tests.fakes.virtual_time import VirtualTimeLoop, run

PICTURE = Picture.of(PNG)


def request(name):
    return Request(EditTask("prompt", PICTURE, PICTURE), name)


class Clock:
    def __init__(self, now=1_000_000.0):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def limiter(tmp_path, clock):
    limiter = Limiter(tmp_path / "limits.sqlite", clock, margin_s=0.0)
    yield limiter
    limiter.close()


def test_one_call_too_many_is_429_with_the_moment_at_which_there_is_room(limiter, clock):
    limits = Limits(per_minute=3)
    for second in (0, 10, 20):
        clock.now = 1_000_000.0 + second
        limiter.acquire("kling", f"a{second}", limits, 60)
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("kling", "a", limits, 60)
    assert caught.value.status == 429
    assert caught.value.retry_at == 1_000_060.0
    assert caught.value.scope is Scope.MINUTE
    assert caught.value.provider == "kling"
    clock.now = 1_000_059.999
    with pytest.raises(RateLimited):
        limiter.acquire("kling", "a", limits, 60)
    clock.now = 1_000_060.0
    limiter.acquire("kling", "a", limits, 60)


def test_the_limits_of_one_provider_are_not_another_s(limiter):
    limiter.acquire("kling", "a", Limits(per_minute=1), 60)
    limiter.acquire("gemini", "b", Limits(per_minute=1), 60)


def test_the_day_is_a_window_too(limiter, clock):
    limits = Limits(per_minute=10, per_day=2)
    limiter.acquire("gemini", "a", limits, 60)
    clock.now += 3600
    limiter.acquire("gemini", "b", limits, 60)
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("gemini", "c", limits, 60)
    assert caught.value.scope is Scope.DAY
    assert caught.value.retry_at == 1_086_400.0


def test_a_refused_call_is_not_counted(limiter, clock):
    limits = Limits(per_minute=1)
    limiter.acquire("gemini", "a", limits, 60)
    for _ in range(5):
        clock.now += 10
        with pytest.raises(RateLimited) as caught:
            limiter.acquire("gemini", "b", limits, 60)
        assert caught.value.retry_at == 1_000_060.0


def test_a_limit_of_nothing_lets_nothing_through(limiter):
    with pytest.raises(RateLimited):
        limiter.acquire("gemini", "a", Limits(per_day=0), 60)


def test_a_place_is_held_until_it_is_released(limiter):
    limits = Limits(concurrent=2)
    limiter.acquire("kling", "a", limits, 60)
    limiter.acquire("kling", "b", limits, 60)
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("kling", "c", limits, 60)
    assert caught.value.scope is Scope.CONCURRENCY
    limiter.acquire("kling", "b", limits, 60)  # the same call, tried again
    limiter.release("kling", "a")
    limiter.acquire("kling", "c", limits, 60)
    assert limiter.usage("kling")[Scope.CONCURRENCY] == 2


def test_the_place_of_a_process_that_died_comes_back_when_its_lease_ends(limiter, clock):
    limits = Limits(concurrent=1)
    limiter.acquire("kling", "a", limits, 60)
    clock.now += 50
    limiter.renew("kling", "a", 60)
    clock.now += 50
    with pytest.raises(RateLimited):
        limiter.acquire("kling", "b", limits, 60)
    clock.now += 11
    limiter.acquire("kling", "b", limits, 60)


def test_what_the_provider_asked_for_holds_for_everyone_and_a_shorter_pause_does_not_shorten_it(limiter, clock):
    limiter.block("gemini", 1_000_030.0, Scope.DAY)
    limiter.block("gemini", 1_000_010.0, Scope.MINUTE)
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("gemini", "a", Limits(), 60)
    assert (caught.value.retry_at, caught.value.scope) == (1_000_030.0, Scope.DAY)
    clock.now = 1_000_030.0
    limiter.acquire("gemini", "a", Limits(), 60)


def test_a_restart_forgets_nothing(tmp_path, clock):
    path = tmp_path / "limits.sqlite"
    first = Limiter(path, clock)
    first.acquire("gemini", "a", Limits(per_minute=1), 60)
    first.close()
    second = Limiter(path, clock)
    with pytest.raises(RateLimited):
        second.acquire("gemini", "b", Limits(per_minute=1), 60)
    second.close()


def test_a_clock_that_was_put_back_does_not_block_for_a_year(limiter, clock):
    clock.now += 365 * 86_400
    limiter.acquire("gemini", "a", Limits(per_minute=1), 60)
    clock.now -= 365 * 86_400
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("gemini", "b", Limits(per_minute=1), 60)
    assert caught.value.retry_at == clock.now + 60


def test_the_margin_keeps_calls_apart_that_arrive_closer_than_they_left(tmp_path, clock):
    limiter = Limiter(tmp_path / "limits.sqlite", clock, margin_s=0.5)
    limiter.acquire("gemini", "a", Limits(per_minute=1), 60)
    with pytest.raises(RateLimited) as caught:
        limiter.acquire("gemini", "b", Limits(per_minute=1), 60)
    assert caught.value.retry_at == clock.now + 60.5
    limiter.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 6),
    gaps=st.lists(st.floats(0, 40, allow_nan=False), min_size=1, max_size=60),
)
def test_no_window_of_any_history_holds_more_than_its_limit_and_retry_at_is_exact(tmp_path_factory, limit, gaps):
    clock = Clock()
    limiter = Limiter(tmp_path_factory.mktemp("limits") / "limits.sqlite", clock, margin_s=0.0)
    allowed = []
    for number, gap in enumerate(gaps):
        clock.now += gap
        try:
            limiter.acquire("p", str(number), Limits(per_minute=limit), 60)
        except RateLimited as refused:
            clock.now = refused.retry_at
            limiter.acquire("p", str(number), Limits(per_minute=limit), 60)
        allowed.append(clock.now)
    for first, last in zip(allowed, allowed[limit:], strict=False):
        assert last - first >= 60.0 - 1e-6
    limiter.close()


def test_two_processes_share_one_window(tmp_path):
    path = tmp_path / "limits.sqlite"
    script = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from pathlib import Path
from providers.limits import Limiter, Limits
from providers.errors import RateLimited
limiter = Limiter(Path({str(path)!r}))
count = 0
for number in range(40):
    try:
        limiter.acquire("p", f"{{sys.argv[1]}}-{{number}}", Limits(per_minute=25), 60)
        count += 1
    except RateLimited:
        pass
print(count)
"""
    workers = [
        subprocess.Popen([sys.executable, "-c", script, str(n)], stdout=subprocess.PIPE, text=True) for n in range(3)
    ]
    assert sum(int(worker.communicate()[0]) for worker in workers) == 25


def layered(limiter, provider, limits, lease_s=60.0):
    return Layered(provider, [LimitLayer(limiter, limits, lease_s)])


def test_the_layer_stops_a_call_before_it_is_sent(limiter):
    provider = ScriptedProvider()
    limited = layered(limiter, provider, Limits(per_minute=1))
    loop = VirtualTimeLoop()

    async def main():
        await limited.start(request("a-1"))
        with pytest.raises(RateLimited):
            await limited.start(request("a-2"))

    run(main(), loop)
    assert [name for _, name in provider.starts] == ["a-1"]


def test_a_provider_s_own_429_is_kept_for_the_next_who_asks(limiter, clock):
    provider = ScriptedProvider()
    provider.script.start.append(RateLimited("slow down", retry_at=clock.now + 34.4, scope=Scope.MINUTE))
    limited = layered(limiter, provider, Limits())

    async def main():
        for name in ("a-1", "a-2"):
            with pytest.raises(RateLimited) as caught:
                await limited.start(request(name))
            assert caught.value.retry_at == clock.now + 34.4

    run(main(), VirtualTimeLoop())
    assert [name for _, name in provider.starts] == ["a-1"]


def test_a_running_job_holds_its_place_and_gives_it_back_at_its_end(limiter):
    provider = ScriptedProvider(polls=2)
    limited = layered(limiter, provider, Limits(concurrent=1))

    async def main():
        ticket = await limited.start(request("a-1"))
        assert isinstance(ticket, Ticket)
        with pytest.raises(RateLimited):
            await limited.start(request("a-2"))
        await limited.poll(ticket)
        assert limiter.usage("scripted")[Scope.CONCURRENCY] == 1
        await limited.poll(ticket)
        assert limiter.usage("scripted")[Scope.CONCURRENCY] == 0
        second = await limited.start(request("a-2"))
        await limited.cancel(second)
        assert limiter.usage("scripted")[Scope.CONCURRENCY] == 0
        third = await limited.start(request("a-3"))
        provider.script.poll.append(JobFailed("gave up"))
        with pytest.raises(JobFailed):
            await limited.poll(third)
        assert limiter.usage("scripted")[Scope.CONCURRENCY] == 0

    run(main(), VirtualTimeLoop())


def test_a_failed_start_gives_its_place_back_and_an_ambiguous_one_keeps_it(limiter):
    provider = ScriptedProvider()
    limited = layered(limiter, provider, Limits(concurrent=1))
    provider.script.start.extend([Transient("503"), AmbiguousSubmit("timeout")])

    async def main():
        with pytest.raises(Transient):
            await limited.start(request("a-1"))
        with pytest.raises(AmbiguousSubmit):
            await limited.start(request("a-2"))
        with pytest.raises(RateLimited):
            await limited.start(request("a-3"))

    run(main(), VirtualTimeLoop())


def test_a_waiter_wakes_when_a_place_becomes_free(limiter, clock):
    limiter.acquire("p", "a", Limits(concurrent=1), 60)
    loop = VirtualTimeLoop()

    async def main():
        waiting = asyncio.create_task(limiter.wait(clock.now + 50, ["p"]))
        await asyncio.sleep(1)
        limiter.release("p", "a")
        await waiting
        assert loop.time() < 2
        await limiter.wait(clock.now + 7)
        assert 8 <= loop.time() < 9

    run(main(), loop)


def test_those_who_wait_for_the_same_providers_wake_one_after_another(tmp_path):
    loop = VirtualTimeLoop()
    limiter = Limiter(tmp_path / "limits.sqlite", loop.clock)
    woken = []

    async def wait(name):
        await limiter.wait(loop.clock() + 30, ["p"])
        woken.append(name)
        if name == "b":
            await limiter.wait(loop.clock() + 100, ["p"])  # it tried, and learnt when there is room

    async def main():
        tasks = [asyncio.create_task(wait(name)) for name in "abcd"]
        await asyncio.sleep(1)
        tasks[2].cancel()
        limiter.release("p", "a")
        await asyncio.sleep(1)
        assert woken == ["a"]
        limiter.release("other", "a")
        await asyncio.sleep(1)
        assert woken == ["a"]
        await asyncio.sleep(30)
        assert woken == ["a", "b"], "what b found out is true for d too"
        await asyncio.sleep(100)
        assert woken == ["a", "b", "d"]
        await asyncio.gather(*tasks, return_exceptions=True)

    run(main(), loop)
    limiter.close()
