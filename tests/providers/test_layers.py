"""Retries, consent and the network: what is repeated, what waits for a person, what is not even tried."""

from __future__ import annotations

import asyncio

import pytest

from providers.consent import ConsentLayer, Consents, Reach
from providers.contract import Disclosure, EditTask, Picture, Place, Request, Sent, SentKind, Ticket
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    Charge,
    ConsentMissing,
    JobFailed,
    Offline,
    PolicyBlocked,
    RateLimited,
    Side,
    Transient,
    Unreachable,
)
from providers.layers import Layered, NotSent
from providers.network import Connectivity, Network, NetworkLayer
from providers.retry import Patience, RetryLayer
from providers.settings import is_loopback
from tests.fakes.scripted import PNG, ScriptedProvider
from tests.fakes.virtual_time import VirtualTimeLoop, run

PICTURE = Picture.of(PNG)


def request(name="a-1"):
    return Request(EditTask("prompt", PICTURE, PICTURE), name)


def tried(steps, *, operation="start", patience=None):
    """Return how many calls were made, after how many seconds it ended, and with what."""
    loop = VirtualTimeLoop()
    provider = ScriptedProvider(polls=1 if operation == "poll" else 0)
    layered = Layered(provider, [RetryLayer(patience or Patience(), loop.clock)])
    calls = 0
    real = getattr(provider, operation)

    async def counting(argument):
        nonlocal calls
        calls += 1
        return await real(argument)

    setattr(provider, operation, counting)

    async def main():
        argument = await layered.start(request()) if operation == "poll" else request()
        getattr(provider.script, operation).extend(
            [step(loop) if callable(step) and not isinstance(step, Exception) else step for step in steps]
        )
        try:
            return await getattr(layered, operation)(argument)
        except Exception as error:
            return error

    outcome = run(main(), loop)
    return calls, loop.time(), outcome


def test_a_passing_fault_is_tried_again_after_growing_pauses():
    calls, seconds, outcome = tried([Transient("503"), Transient("503"), 0.0])
    assert calls == 3
    assert outcome.provider == "scripted"
    assert 1.5 <= seconds <= 2.1


def test_the_provider_s_own_pause_is_kept_to_the_millisecond():
    calls, seconds, _ = tried([Transient("503", retry_after_s=3.25), 0.0])
    assert calls == 2
    assert seconds == pytest.approx(3.25, abs=0.001)
    calls, seconds, _ = tried([lambda loop: RateLimited("429", retry_at=loop.clock() + 1.5), 0.0])
    assert calls == 2
    assert seconds == pytest.approx(1.5, abs=0.001)


def test_our_own_window_is_not_waited_for_here_however_soon_it_opens():
    calls, seconds, outcome = tried([lambda loop: RateLimited("429", retry_at=loop.clock() + 0.1, side=Side.OURS), 0.0])
    assert (calls, seconds) == (1, 0)
    assert isinstance(outcome, RateLimited)


def test_a_pause_that_is_too_long_is_left_to_whoever_asked():
    calls, seconds, outcome = tried([lambda loop: RateLimited("429", retry_at=loop.clock() + 60)])
    assert (calls, seconds) == (1, 0)
    assert isinstance(outcome, RateLimited)
    assert tried([Transient("503", retry_after_s=3600)])[0] == 1


def test_after_the_last_try_the_last_failure_is_told():
    calls, _, outcome = tried([Transient(str(number)) for number in range(9)])
    assert calls == 4
    assert str(outcome) == "3"


@pytest.mark.parametrize(
    "error",
    [AmbiguousSubmit("?"), AuthFailed("401"), PolicyBlocked("no"), BadResponse("{", charge=Charge.POSSIBLE)],
)
def test_what_may_have_been_paid_for_or_cannot_get_better_is_never_repeated(error):
    calls, _, outcome = tried([error, 0.0])
    assert calls == 1
    assert outcome is error


def test_a_bad_answer_that_cost_nothing_is_tried_once_more_and_not_twice():
    page = BadResponse("<html>", charge=Charge.NONE)
    assert tried([page, 0.0])[0] == 2
    calls, _, outcome = tried([page, page, 0.0])
    assert calls == 2
    assert outcome is page


def test_a_poll_costs_nothing_and_is_repeated_also_after_half_an_answer():
    calls, _, outcome = tried([BadResponse("{", charge=Charge.POSSIBLE), Transient("503"), 0.0], operation="poll")
    assert calls == 3
    assert outcome.provider == "scripted"
    assert tried([JobFailed("gave up"), 0.0], operation="poll")[0] == 1


def test_cancelling_in_a_pause_says_that_nothing_was_sent_and_during_a_call_that_it_may_have_been():
    for at_s, kind in ((1.0, NotSent), (4.0, asyncio.CancelledError)):
        loop = VirtualTimeLoop()
        provider = ScriptedProvider()
        provider.script.start.extend([Transient("503", retry_after_s=3.0), 100.0])
        layered = Layered(provider, [RetryLayer(Patience(), loop.clock)])

        async def main(layered=layered, at_s=at_s):
            task = asyncio.create_task(layered.start(request()))
            await asyncio.sleep(at_s)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                return type(error)

        assert run(main(), loop) is kind


@pytest.fixture
def consents(tmp_path):
    consents = Consents(tmp_path / "consents.sqlite")
    yield consents
    consents.close()


def sends(*kinds, provider="scripted", host="scripted.example", data=b"data"):
    return Disclosure(provider, host, tuple(Sent(kind, "x", data) for kind in kinds))


def test_nothing_is_sent_before_somebody_agreed_and_the_question_shows_exactly_what(consents):
    provider = ScriptedProvider()
    layered = Layered(provider, [ConsentLayer(consents, "film")])

    async def main():
        with pytest.raises(
            ConsentMissing, match=r"Scripted would get text \(4 bytes, to scripted\.example\)"
        ) as caught:
            await layered.start(request())
        assert provider.starts == []
        assert caught.value.disclosure == provider.quote(request()).sends
        consents.grant(caught.value.disclosure, Reach.PROJECT, "film")
        await layered.start(request())

    run(main(), VirtualTimeLoop())
    assert len(provider.starts) == 1


def test_local_tools_need_no_consent(consents):
    provider = ScriptedProvider("local", place=Place.LOCAL)
    run(Layered(provider, [ConsentLayer(consents, "film")]).start(request()), VirtualTimeLoop())
    assert len(provider.starts) == 1


def test_a_consent_reaches_as_far_as_it_was_given(consents):
    crop = sends(SentKind.PICTURE, SentKind.MASK)
    consents.grant(crop, Reach.REQUEST, "film")
    assert consents.covers(crop, "film")
    assert consents.covers(crop, "another film")
    assert not consents.covers(sends(SentKind.PICTURE, SentKind.MASK, data=b"other"), "film")
    consents.grant(crop, Reach.PROJECT, "film")
    assert consents.covers(sends(SentKind.PICTURE, SentKind.MASK, data=b"other"), "film")
    assert not consents.covers(sends(SentKind.PICTURE, SentKind.MASK, data=b"other"), "another film")
    consents.grant(crop, Reach.ALWAYS, "film")
    assert consents.covers(sends(SentKind.PICTURE, data=b"other"), "another film")
    assert not consents.covers(sends(SentKind.PICTURE, SentKind.REFERENCE), "film")
    assert not consents.covers(sends(SentKind.PICTURE, host="elsewhere.example"), "film")
    assert not consents.covers(sends(SentKind.PICTURE, provider="other"), "film")
    consents.withdraw("scripted")
    assert not consents.covers(crop, "film")


def with_network(provider, network):
    return Layered(provider, [NetworkLayer(network, "scripted.example")])


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (Network(Connectivity.OFFLINE, has_route=lambda: True), "the offline switch is on"),
        (Network(has_route=lambda: False), "there is no network"),
    ],
)
def test_offline_nothing_is_tried_but_local_tools_work(network, reason):
    provider, local = ScriptedProvider(), ScriptedProvider("local", place=Place.LOCAL)

    async def main():
        with pytest.raises(Offline, match=reason):
            await with_network(provider, network).start(request())
        with pytest.raises(Offline):
            await with_network(provider, network).poll(Ticket("scripted", "m", "r", "a-1"))
        await with_network(local, network).start(request())

    run(main(), VirtualTimeLoop())
    assert provider.starts == []
    assert len(local.starts) == 1


def test_a_host_that_cannot_be_reached_is_left_alone_for_a_while():
    now = [0.0]
    network = Network(has_route=lambda: True, clock=lambda: now[0])
    provider = ScriptedProvider()
    provider.script.start.append(Unreachable("connection refused"))
    layered = with_network(provider, network)

    async def main():
        with pytest.raises(Unreachable):
            await layered.start(request("a-1"))
        with pytest.raises(Offline, match="a moment ago"):
            await layered.start(request("a-2"))
        now[0] = 15.0
        await layered.start(request("a-3"))

    run(main(), VirtualTimeLoop())
    assert [name for _, name in provider.starts] == ["a-1", "a-3"]


def test_this_machine_is_reached_without_a_network():
    network = Network(has_route=lambda: False)
    for host in ("127.0.0.1", "127.0.0.1:8080", "localhost:1", "[::1]:80", "::1"):
        assert is_loopback(host)
        assert network.why_offline(host) is None
    assert not is_loopback("example.com:443")
    assert not is_loopback("192.0.2.1")
