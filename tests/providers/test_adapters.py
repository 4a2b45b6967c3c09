"""The specification that every adapter fulfils, run over all of them against fakes that speak the true wire."""

from __future__ import annotations

import asyncio
import base64
import time
import traceback
from decimal import Decimal

import pytest

from providers.contract import (
    Cancellation,
    Emotions,
    Generation,
    Lookup,
    Picture,
    Request,
    Running,
    SentKind,
    Ticket,
    Transcript,
    Video,
    Work,
)
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    CallError,
    Charge,
    JobLost,
    KeyMissing,
    RateLimited,
    RequestRejected,
    Transient,
    Unreachable,
)
from tests.fakes.world import World
from tests.providers.adapter_cases import (
    CASES,
    COMMON_OF_POLL,
    COMMON_OF_SUBMIT,
    KEYS,
    edit_task,
    emotion_task,
    finished,
    motion_task,
    transcribe_task,
)

OUTPUTS = {Work.EDIT: Picture, Work.MOTION: Video, Work.TRANSCRIBE: Transcript, Work.EMOTION: Emotions}


@pytest.fixture(scope="module")
def world():
    with World(video_height=48) as world:
        yield world


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


@pytest.fixture
def service(world, case):
    service = world.services[case.service]
    service.charges.clear()
    world.received.clear()
    world.mistakes.clear()
    yield service
    assert world.mistakes == []
    assert not any(service._faults.values()), "a fault was queued and never met"


def using(adapter, act):
    """Run `act(adapter)` and close the adapter, in a loop of its own."""

    async def main():
        try:
            return await act(adapter)
        finally:
            await adapter.close()
            await adapter.close()  # twice does no harm

    return asyncio.run(main())


def submits(world):
    return [
        received
        for received in world.received
        if received.method == "POST" and not received.path.endswith((":fetchPredictOperation", "/cancel"))
    ]


def test_a_request_ends_in_a_result_that_costs_what_was_quoted(world, case, service):
    adapter = case.adapter(world)
    request = case.request()
    quote = adapter.quote(request)

    async def act(adapter):
        return await finished(adapter, await adapter.start(request))

    result = using(adapter, act)
    assert isinstance(result, Generation)
    assert isinstance(result.output, OUTPUTS[request.work])
    assert (result.provider, result.external_id) == (case.name, request.external_id)
    (charge,) = service.charges
    assert charge.usd == case.price
    assert result.usd in (None, charge.usd)
    assert abs(quote.usd - charge.usd) <= charge.usd * Decimal("0.03")
    if result.usd is None:
        assert quote.usd == charge.usd


def test_what_is_disclosed_is_what_is_sent_and_nothing_more(world, case, service):
    adapter = case.adapter(world)
    request = case.request()
    sends = adapter.quote(request).sends
    using(adapter, lambda adapter: adapter.start(request))
    (received,) = submits(world)
    body = received.body.replace(b"\\/", b"/")
    for item in sends.items:
        as_json = item.data.decode().replace('"', '\\"').encode() if item.kind is SentKind.TEXT else b"\0"
        forms = (item.data, base64.b64encode(item.data), base64.urlsafe_b64encode(item.data), as_json)
        assert any(form in body for form in forms)
    wrapping = len(body) - sum(len(base64.b64encode(item.data)) for item in sends.items)
    assert wrapping < 1500
    assert sends.host == world.url.removeprefix("http://")
    assert sends.provider == case.name


def test_the_key_goes_into_its_header_and_nowhere_else(world, case, service):
    adapter = case.adapter(world)
    request = case.request()

    async def act(adapter):
        return await finished(adapter, await adapter.start(request))

    using(adapter, act)
    for received in world.received:
        for key in KEYS.values():
            assert key not in received.path
            assert all(key not in value for value in received.query.values())
            assert key.encode() not in received.body
            for name, value in received.headers.items():
                assert key not in value or name == case.key_header
        if "cdn" in received.path:
            assert case.key_header not in received.headers


def test_a_quote_needs_neither_key_nor_network(world, case):
    adapter = case.adapter(world, keys={}, url="http://127.0.0.1:9")
    quote = adapter.quote(case.request())
    assert quote.usd > 0
    assert quote.priced_on.year >= 2026
    assert quote.model == adapter.traits.default_model


def test_without_a_key_nothing_is_sent(world, case, service):
    with pytest.raises(KeyMissing, match="deltacut keys set"):
        using(case.adapter(world, keys={}), lambda adapter: adapter.start(case.request()))
    assert world.received == []


def test_work_that_it_does_not_do_is_refused_before_anything_is_sent(world, case, service):
    adapter = case.adapter(world)
    for task in (edit_task(), motion_task(), transcribe_task(), emotion_task()):
        request = Request(task, "test-other")
        if request.work not in adapter.traits.works:
            with pytest.raises(RequestRejected, match="does not do"):
                adapter.quote(request)
    assert world.received == []


def test_the_key_can_be_tested_for_nothing(world, case, service):
    using(case.adapter(world), lambda adapter: adapter.check())
    with pytest.raises(AuthFailed):
        using(case.adapter(world, keys=dict.fromkeys(KEYS, "wrong-key-000")), lambda adapter: adapter.check())
    assert service.charges == []


def all_faults():
    for case in CASES.values():
        for operation, faults in (
            ("submit", {**COMMON_OF_SUBMIT, **case.submit_faults}),
            ("poll", {**COMMON_OF_POLL, **case.poll_faults} if case.poll_faults else {}),
        ):
            for fault, error in faults.items():
                yield pytest.param(case, operation, fault, error, id=f"{case.name}-{operation}-{fault}")


@pytest.mark.parametrize(("case", "operation", "fault", "error"), list(all_faults()))
def test_every_fault_has_its_meaning(world, service, case, operation, fault, error):
    """One HTTP request per call (no retries of an SDK), no redirect followed, no key in the error."""
    adapter = case.adapter(world)
    request = case.request()

    async def act(adapter):
        if operation == "submit":
            service.fail("submit", fault)
            return await adapter.start(request)
        ticket = await adapter.start(request)
        await adapter.poll(ticket)
        world.received.clear()
        service.fail("poll", fault)
        return await adapter.poll(ticket)

    with pytest.raises(CallError) as caught:
        using(adapter, act)
    assert type(caught.value) is error
    assert caught.value.provider == case.name
    assert len(world.received) == 1
    assert "portal" not in str(world.received)
    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()) + repr(
        vars(caught.value)
    )
    for key in KEYS.values():
        assert key not in shown
    assert caught.value.__context__ is None
    assert len(str(caught.value)) > 20
    if operation == "submit":
        taken = bool(service.charges)
        if taken:
            assert caught.value.charge is Charge.POSSIBLE, "it was charged and nobody would know"


@pytest.mark.parametrize("fault", sorted(COMMON_OF_POLL))
def test_a_result_that_cannot_be_fetched_this_time_is_fetched_the_next(world, case, service, fault):
    if case.name not in ("omni", "kling", "kling-legacy"):
        pytest.skip("its results come inside its answers")
    adapter = case.adapter(world)
    request = case.request()

    async def act(adapter):
        ticket = await adapter.start(request)
        await adapter.poll(ticket)
        service.fail("download", fault)
        with pytest.raises((Transient, BadResponse)):
            await adapter.poll(ticket)
        return await adapter.poll(ticket)

    assert isinstance(using(adapter, act).output, Video)


def test_an_answer_that_does_not_come_in_time_is_ambiguous_for_a_submit_and_passing_for_a_poll(world, case, service):
    adapter = case.adapter(world, timeout_s=0.4)
    request = case.request()

    async def act(adapter):
        service.fail("submit", "slow=2")
        with pytest.raises(AmbiguousSubmit):
            await adapter.start(request)
        if case.poll_faults:
            ticket = await adapter.start(case.request())
            service.fail("poll", "slow=2")
            with pytest.raises(Transient):
                await adapter.poll(ticket)

    using(adapter, act)


def test_a_service_that_cannot_be_reached_was_sent_nothing(world, case):
    with pytest.raises(Unreachable):
        using(case.adapter(world, url="http://127.0.0.1:9"), lambda adapter: adapter.start(case.request()))


def test_cancelling_takes_effect_at_once(world, case, service):
    adapter = case.adapter(world)

    async def act(adapter):
        await adapter.check()
        service.fail("submit", "slow=5")
        call = asyncio.create_task(adapter.start(case.request()))
        while not submits(world):
            await asyncio.sleep(0.01)
        started = time.monotonic()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        return time.monotonic() - started

    assert using(adapter, act) < 0.1


def test_a_lost_answer_is_found_again_where_the_service_can_look_it_up(world, case, service):
    adapter = case.adapter(world)
    request = case.request()

    async def act(adapter):
        if adapter.traits.lookup is Lookup.NONE:
            with pytest.raises(AmbiguousSubmit):
                await adapter.find(request)
            return
        assert await adapter.find(request) is None
        service.fail("submit", "lost")
        with pytest.raises(AmbiguousSubmit):
            await adapter.start(request)
        ticket = await adapter.find(request)
        assert isinstance(ticket, Ticket)
        await finished(adapter, ticket)
        with pytest.raises(AmbiguousSubmit, match="has this request already"):
            await adapter.start(request)
        assert len(service.charges) == 1

    using(adapter, act)


def test_a_job_can_be_cancelled_or_the_service_is_said_not_to_know_how(world, case, service):
    adapter = case.adapter(world)

    async def act(adapter):
        if not case.poll_faults:
            return await adapter.cancel(Ticket(case.name, "m", "r", "x"))
        ticket = await adapter.start(case.request())
        return await adapter.cancel(ticket)

    expected = Cancellation.CANCELLED if case.name == "omni" else Cancellation.UNSUPPORTED
    assert using(adapter, act) is expected


def test_progress_is_told_until_the_result_comes(world, case, service):
    if not case.poll_faults:
        pytest.skip("it answers at once")
    adapter = case.adapter(world)

    async def act(adapter):
        ticket = await adapter.start(case.request())
        assert isinstance(ticket, Ticket)
        running = await adapter.poll(ticket)
        assert isinstance(running, Running)
        assert running.ticket == ticket

    using(adapter, act)


def test_an_adapter_shows_no_key_in_its_repr(world, case, service):
    adapter = case.adapter(world)

    async def act(adapter):
        await adapter.check()
        return repr(adapter) + repr(vars(adapter))

    shown = using(adapter, act)
    for key in KEYS.values():
        assert key not in shown


def test_the_reason_and_the_moment_of_a_rate_limit_are_kept(world):
    case = CASES["gemini"]
    expected = {"rate_minute": ("minute", 34.4), "rate_no_delay": ("minute", 60), "rate_bare": ("unknown", 60)}
    for fault, (scope, seconds) in expected.items():
        world.gemini.fail("submit", fault)
        with pytest.raises(RateLimited) as caught:
            using(case.adapter(world), lambda adapter: adapter.start(case.request()))
        assert caught.value.scope.value == scope
        assert caught.value.retry_at == pytest.approx(time.time() + seconds, abs=2)
    world.gemini.fail("submit", "rate_day")
    with pytest.raises(RateLimited) as caught:
        using(case.adapter(world), lambda adapter: adapter.start(case.request()))
    assert caught.value.scope.value == "day"
    assert time.time() < caught.value.retry_at <= time.time() + 25 * 3600


def test_a_job_that_the_service_forgot_is_lost(world):
    for name in ("gemini", "elevenlabs"):
        with pytest.raises(JobLost):
            using(CASES[name].adapter(world), lambda adapter: adapter.poll(Ticket("x", "m", "r", "e")))
