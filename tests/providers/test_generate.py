"""One node that asks providers: paid at most once, nothing paid is lost, and a person decides what nobody knows."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from decimal import Decimal

import pytest

from providers.cache import Provenance
from providers.contract import EditTask, Lookup, Picture, Place, Work
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    BillingExhausted,
    Charge,
    JobFailed,
    JobLost,
    KeyMissing,
    PolicyBlocked,
    RateLimited,
    RequestRejected,
    StoreUnwritable,
    Transient,
)
from providers.jobs import Choice, JobState, Origin, Phase, Reason
from providers.ledger import Attempt, Caps, SpendState
from providers.limits import Limits
from providers.network import Connectivity, Network
from tests.fakes.desk import Desk, workflow
from tests.fakes.scripted import PNG, Lost, ScriptedProvider
from tests.fakes.virtual_time import VirtualTimeLoop

PICTURE = Picture.of(PNG)


def one_task(context):
    return EditTask(f"make {context.job.title}", PICTURE, PICTURE)


@pytest.fixture
def loop():
    loop = VirtualTimeLoop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture
def open_desk(tmp_path, loop):
    @contextmanager
    def make(*adapters, **wishes):
        desk = Desk(tmp_path, adapters=adapters, clock=loop.clock, **{"task": one_task, **wishes})
        try:
            yield desk
        finally:
            desk.close_files()

    return make


def add(desk, flow, title="job", frame=7, variant=0):
    return desk.orchestrator.add(
        flow, project="film", title=title, provenance=Provenance("source-hash", frame), variant=variant
    ).job


def run(loop, desk, job):
    return loop.run_until_complete(desk.orchestrator.run(job))


def tries(job):
    return [(attempt.provider, attempt.phase) for attempt in job.node("make").tries]


def states(desk):
    return [(spend.provider, spend.state) for spend in desk.ledger.spend()]


def crashed_while(loop, desk, job, seconds):
    """Run the job for a while, then drop everything on the floor as a crash would: no handler runs that saves."""
    desk_save = desk.jobs.save
    task = loop.create_task(desk.orchestrator.run(job))
    loop.run_until_complete(asyncio.wait([task], timeout=seconds))
    desk.jobs.save = lambda *args: None
    desk.ledger._conclude = lambda *args: None
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.run_until_complete(asyncio.sleep(0))
    desk.jobs.save = desk_save


def test_a_job_goes_through_its_states_and_its_result_is_stored_cached_and_paid(loop, open_desk):
    provider = ScriptedProvider("alpha", polls=3)
    with open_desk(provider) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.state is JobState.PUBLISHED
        assert next(state for _, state in desk.changes) == "queued"
        assert tries(job) == [("alpha", Phase.DONE)]
        assert job.node("make").origin is Origin.PROVIDER
        assert desk.spent() == Decimal("0.10")
        assert desk.published == [job.job]
        assert provider.forgotten == provider.charged == [f"{job.job}-make-1"]


def test_the_same_request_is_free_the_second_time_and_offline_too(loop, open_desk):
    provider = ScriptedProvider("alpha")
    network = Network(has_route=lambda: True)
    with open_desk(provider, network=network) as desk:
        run(loop, desk, add(desk, workflow("alpha")))
        network.connectivity = Connectivity.OFFLINE
        again = run(loop, desk, add(desk, workflow("alpha")))
        assert again.state is JobState.PUBLISHED
        assert again.node("make").origin is Origin.CACHE
        assert len(provider.charged) == 1
        other_frame = run(loop, desk, add(desk, workflow("alpha"), frame=8))
        assert other_frame.question.reason is Reason.OFFLINE
        network.connectivity = Connectivity.AUTOMATIC
        assert run(loop, desk, add(desk, workflow("alpha"), variant=1)).node("make").origin is Origin.PROVIDER
        assert len(provider.charged) == 2


@pytest.mark.parametrize(
    "error",
    [
        BillingExhausted("no credit"),
        KeyMissing("no key", provider="alpha"),
        RequestRejected("too small"),
        JobFailed("gave up"),
    ],
)
def test_what_one_provider_cannot_do_the_next_one_does_and_the_person_is_told(loop, open_desk, error):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    alpha.script.start.append(error)
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert job.state is JobState.PUBLISHED
        assert job.node("make").tries[-1].provider == "beta"
        assert any("Asking beta instead" in notice for notice in job.notices)
        assert (alpha.charged, len(beta.charged)) == ([], 1)
        assert desk.spent() == Decimal("0.10")


def test_over_the_limit_the_backup_is_asked_then_the_cache_then_it_waits(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    limits = {"alpha": Limits(per_minute=1), "beta": Limits(per_minute=1)}
    with open_desk(alpha, beta, limits=limits) as desk:
        flow = workflow("alpha", "beta", policy={"wait_s": 120})
        for number in range(4):
            assert run(loop, desk, add(desk, flow, title=f"job {number}")).state is JobState.PUBLISHED
        assert [len(alpha.charged), len(beta.charged)] == [2, 2]
        assert 60 <= loop.time() < 61


def test_while_it_waits_for_room_a_job_is_queued_with_a_countdown(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha, limits={"alpha": Limits(per_minute=1)}) as desk:
        run(loop, desk, add(desk, workflow("alpha")))
        waiting = add(desk, workflow("alpha"), title="second")
        task = loop.create_task(desk.orchestrator.run(waiting))
        loop.run_until_complete(asyncio.sleep(5))
        job = desk.jobs.load(waiting)
        assert job.state is JobState.QUEUED
        assert job.retry_at == pytest.approx(loop.clock() + 55, abs=0.1)
        assert loop.run_until_complete(task).retry_at is None


def test_over_the_limit_a_kin_result_is_taken_before_a_person_is_asked(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    with open_desk(alpha, beta, limits={"beta": Limits(per_day=0)}) as desk:
        run(loop, desk, add(desk, workflow("alpha")))
        flow = workflow("beta", policy={"rate_limit": ["backup", "cached", "ask"]})
        kin = run(loop, desk, add(desk, flow))
        assert kin.node("make").origin is Origin.CACHE
        assert any("cached result of alpha" in notice for notice in kin.notices)
        stranger = run(loop, desk, add(desk, flow, title="another"))
        assert stranger.state is JobState.NEEDS_APPROVAL
        assert stranger.question.reason is Reason.NO_ROOM
        assert stranger.retry_at == stranger.question.retry_at


def test_refused_content_never_hops_by_itself_but_a_person_may_let_it(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    alpha.script.start.append(PolicyBlocked("refused", reasons=["IMAGE_SAFETY"]))
    flow = workflow("alpha", "beta", policy={"fault": ["backup"], "rate_limit": ["backup"], "offline": ["backup"]})
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, flow))
        assert job.state is JobState.NEEDS_APPROVAL
        assert job.question.reason is Reason.POLICY
        assert job.question.choices == (Choice.TRY_AGAIN, Choice.NEXT_PROVIDER, Choice.GIVE_UP)
        assert beta.starts == []
        assert desk.spent() == 0
        desk.orchestrator.answer(job.job, Choice.NEXT_PROVIDER)
        job = run(loop, desk, job.job)
        assert job.state is JobState.PUBLISHED
        assert tries(job) == [("alpha", Phase.FAILED), ("beta", Phase.DONE)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AuthFailed("wrong key"), Reason.KEY),
        (PolicyBlocked("no"), Reason.POLICY),
        (KeyMissing("no key", provider="alpha"), Reason.KEY),
        (BillingExhausted("no credit"), Reason.NO_ROOM),
    ],
)
def test_what_a_person_has_to_settle_waits_and_goes_on_after_the_answer(loop, open_desk, error, reason):
    alpha = ScriptedProvider("alpha")
    alpha.script.start.append(error)
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert (job.state, job.question.reason) == (JobState.NEEDS_APPROVAL, reason)
        desk.orchestrator.answer(job.job, Choice.TRY_AGAIN)
        assert run(loop, desk, job.job).state is JobState.PUBLISHED
        assert len(alpha.charged) == 1
        assert desk.spent() == Decimal("0.10")


def test_a_cap_stops_before_spending_and_giving_up_spends_nothing(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha, caps=Caps(project_usd=Decimal("0.15"))) as desk:
        run(loop, desk, add(desk, workflow("alpha")))
        job = run(loop, desk, add(desk, workflow("alpha"), title="second"))
        assert job.question.reason is Reason.CAP
        assert desk.orchestrator.answer(job.job, Choice.GIVE_UP).state is JobState.CANCELLED
        assert len(alpha.charged) == 1


def test_a_node_s_own_limit_stops_too(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", limits={"usd": "0.05"})))
        assert job.question.reason is Reason.CAP
        assert "node 'make' may spend 0.05 USD" in job.question.message
        assert alpha.starts == []


def test_consent_is_asked_once_and_shows_what_would_be_sent(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha, consent=False) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.question.reason is Reason.CONSENT
        assert alpha.starts == []
        assert desk.orchestrator.disclosure(job.job).items[0].data == b"text"
        assert desk.orchestrator.quote(job.job).usd == Decimal("0.10")
        desk.orchestrator.answer(job.job, Choice.AGREE)
        assert run(loop, desk, job.job).state is JobState.PUBLISHED
        assert run(loop, desk, add(desk, workflow("alpha"), title="next")).state is JobState.PUBLISHED


def test_a_lost_answer_is_looked_up_and_the_job_goes_on_without_a_second_payment(loop, open_desk):
    alpha = ScriptedProvider("alpha", lookup=Lookup.BY_EXTERNAL_ID, polls=2)
    alpha.script.start.append(Lost())
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.state is JobState.PUBLISHED
        assert len(alpha.starts) == len(alpha.charged) == 1
        assert desk.spent() == Decimal("0.10")


def test_a_submit_that_never_arrived_is_repeated_under_the_same_id(loop, open_desk):
    alpha = ScriptedProvider("alpha", lookup=Lookup.BY_EXTERNAL_ID, polls=2)
    alpha.script.start.append(AmbiguousSubmit("timeout"))
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.state is JobState.PUBLISHED
        assert len({name for _, name in alpha.starts}) == 1
        assert len(alpha.starts) == 2
        assert tries(job) == [("alpha", Phase.DONE)]
        assert desk.spent() == Decimal("0.10")


def test_where_nothing_can_be_looked_up_a_person_decides_and_never_a_backup(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    alpha.script.start.append(Lost())
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert (job.state, job.question.reason) == (JobState.NEEDS_APPROVAL, Reason.UNCERTAIN_CHARGE)
        assert "may pay a second time" in job.question.message
        assert beta.starts == []
        assert states(desk) == [("alpha", SpendState.UNCERTAIN)]
        assert run(loop, desk, job.job).state is JobState.NEEDS_APPROVAL
        desk.orchestrator.answer(job.job, Choice.TRY_AGAIN)
        assert run(loop, desk, job.job).state is JobState.PUBLISHED
        assert len(alpha.charged) == 2, "a person said so"
        assert desk.spent() == Decimal("0.20")
        (totals,) = desk.ledger.totals("film")
        assert totals.uncertain_usd == Decimal("0.10")


def test_a_garbled_answer_that_may_be_charged_asks_and_one_that_is_not_fails(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    page = BadResponse("a web page", charge=Charge.NONE)
    alpha.script.start.extend([page, page, BadResponse("half an answer", charge=Charge.POSSIBLE)])
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert (job.state, job.failure.kind) == (JobState.FAILED, "BadResponse")
        assert desk.spent() == 0
        desk.orchestrator.retry(job.job)
        job = run(loop, desk, job.job)
        assert job.question.reason is Reason.UNCERTAIN_CHARGE
        assert "half an answer" in job.question.message


def test_a_passing_fault_is_waited_out_and_one_that_stays_goes_to_the_backup(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha"), ScriptedProvider("beta")
    alpha.script.start.extend([Transient("503"), Transient("503")])
    with open_desk(alpha, beta) as desk:
        assert tries(run(loop, desk, add(desk, workflow("alpha", "beta")))) == [("alpha", Phase.DONE)]
        alpha.script.start.extend([Transient("503")] * 4)
        job = run(loop, desk, add(desk, workflow("alpha", "beta"), title="next"))
        assert tries(job) == [("alpha", Phase.FAILED), ("beta", Phase.DONE)]
        assert desk.spent() == Decimal("0.20")


@pytest.mark.parametrize("lookup", Lookup)
def test_a_crash_while_a_job_runs_there_picks_it_up_by_its_remote_id(loop, open_desk, lookup):
    alpha = ScriptedProvider("alpha", polls=10, lookup=lookup)
    with open_desk(alpha) as desk:
        job = add(desk, workflow("alpha"))
        crashed_while(loop, desk, job, 3)
    with open_desk(alpha) as desk:
        saved = desk.jobs.load(job)
        assert saved.state is JobState.PROCESSING
        assert saved.node("make").open_try.ticket.remote_id == f"remote-{job}-make-1"
        loop.run_until_complete(desk.orchestrator.run_queue())
        assert desk.jobs.load(job).state is JobState.PUBLISHED
        assert len(alpha.starts) == len(alpha.charged) == 1
        assert desk.spent() == Decimal("0.10")


def test_a_crash_during_a_submit_looks_it_up_or_asks(loop, open_desk):
    for lookup, state, charged in (
        (Lookup.BY_EXTERNAL_ID, JobState.PUBLISHED, 1),
        (Lookup.NONE, JobState.NEEDS_APPROVAL, 0),
    ):
        alpha = ScriptedProvider(f"alpha{charged}", lookup=lookup, polls=1 if charged else 0)
        alpha.script.start.append(100.0)
        with open_desk(alpha) as desk:
            job = add(desk, workflow(alpha.traits.name))
            crashed_while(loop, desk, job, 3)
        with open_desk(alpha) as desk:
            assert desk.jobs.load(job).node("make").open_try.phase is Phase.SUBMITTING
            assert run(loop, desk, job).state is state
            assert len(alpha.charged) == charged


def test_a_crash_before_anything_was_sent_asks_nobody_and_leaves_the_ledger_exact(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    alpha.script.start.append(Transient("503", retry_after_s=5))
    with open_desk(alpha, limits={"alpha": Limits(per_minute=1)}) as desk:
        run(loop, desk, add(desk, workflow("alpha"), title="fills the window"))
        job = add(desk, workflow("alpha"))
        crashed_while(loop, desk, job, 3)
    with open_desk(alpha) as desk:
        assert desk.jobs.load(job).node("make").open_try is None
        assert run(loop, desk, job).state is JobState.PUBLISHED
        assert desk.spent() == Decimal("0.20")


def test_a_crash_in_local_work_simply_does_it_again(loop, open_desk):
    local = ScriptedProvider("local", place=Place.LOCAL, usd="0")
    local.script.start.append(100.0)
    with open_desk(local) as desk:
        job = add(desk, workflow("local"))
        crashed_while(loop, desk, job, 3)
    with open_desk(local) as desk:
        assert run(loop, desk, job).state is JobState.PUBLISHED
        assert desk.ledger.spend() == ()


def test_a_job_that_the_provider_gave_up_costs_nothing_and_goes_to_the_backup(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha", polls=3), ScriptedProvider("beta", polls=1)
    alpha.script.poll.extend([0.0, JobFailed("gave up")])
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert tries(job) == [("alpha", Phase.FAILED), ("beta", Phase.DONE)]
        assert states(desk) == [("alpha", SpendState.RELEASED), ("beta", SpendState.SETTLED)]


def test_a_failed_job_that_was_billed_is_counted(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha", polls=3), ScriptedProvider("beta", polls=1)
    alpha.script.poll.append(JobFailed("gave up", billed_usd=Decimal("0.04")))
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert desk.spent() == job.spent_usd() == Decimal("0.14")


def test_a_job_that_the_provider_forgot_may_be_charged_so_a_person_decides(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha", polls=3), ScriptedProvider("beta")
    alpha.script.poll.append(JobLost("unknown"))
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert job.question.reason is Reason.UNCERTAIN_CHARGE
        assert beta.starts == []
        assert states(desk) == [("alpha", SpendState.UNCERTAIN)]


def test_a_bad_hour_of_the_network_during_a_job_is_waited_out(loop, open_desk):
    alpha = ScriptedProvider("alpha", polls=2)
    alpha.script.poll.extend([Transient("broken")] * 60)
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", limits={"timeout_s": 7200})))
        assert job.state is JobState.PUBLISHED
        assert len(alpha.charged) == 1
        assert loop.time() > 600


def test_a_job_that_takes_too_long_fails_without_being_lost_or_given_to_another(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha", polls=50), ScriptedProvider("beta")
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta", limits={"timeout_s": 30})))
        assert (job.state, job.failure.kind) == (JobState.FAILED, "Transient")
        assert "costs nothing" in job.failure.message
        assert beta.starts == []
        desk.orchestrator.retry(job.job)
        job = run(loop, desk, job.job)
        assert job.state is JobState.PUBLISHED
        assert len(alpha.charged) == 1


def test_a_key_that_stops_working_during_a_job_keeps_the_job(loop, open_desk):
    alpha = ScriptedProvider("alpha", polls=3)
    alpha.script.poll.append(AuthFailed("revoked"))
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.question.reason is Reason.KEY
        desk.orchestrator.answer(job.job, Choice.TRY_AGAIN)
        assert run(loop, desk, job.job).state is JobState.PUBLISHED
        assert len(alpha.charged) == 1


def test_in_doubt_a_second_submit_that_fails_settles_nothing(loop, open_desk):
    alpha, beta = ScriptedProvider("alpha", lookup=Lookup.BY_EXTERNAL_ID, polls=1), ScriptedProvider("beta")
    alpha.script.start.extend([AmbiguousSubmit("timeout"), *[Transient("503")] * 12])
    with open_desk(alpha, beta) as desk:
        job = run(loop, desk, add(desk, workflow("alpha", "beta")))
        assert job.question.reason is Reason.UNCERTAIN_CHARGE
        assert beta.starts == []
        assert job.node("make").open_try.phase is Phase.SUBMITTING
        alpha._charge(__import__("types").SimpleNamespace(external_id=f"{job.job}-make-1"))
        desk.orchestrator.answer(job.job, Choice.TRY_AGAIN)
        assert run(loop, desk, job.job).state is JobState.PUBLISHED
        assert len(alpha.charged) == 1


def test_rate_limits_of_a_lookup_and_of_polls_are_waited_out(loop, open_desk):
    alpha = ScriptedProvider("alpha", lookup=Lookup.BY_EXTERNAL_ID, polls=1)
    alpha.script.start.append(Lost())
    alpha.script.poll.append(RateLimited("429", retry_at=loop.clock() + 100))
    with open_desk(alpha) as desk:
        job = run(loop, desk, add(desk, workflow("alpha")))
        assert job.state is JobState.PUBLISHED
        assert loop.time() >= 99


def test_every_try_has_an_id_of_its_own_that_providers_accept(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    alpha.script.start.extend([PolicyBlocked("no"), PolicyBlocked("no")])
    with open_desk(alpha) as desk:
        job = add(desk, workflow("alpha"))
        for _ in range(2):
            run(loop, desk, job)
            desk.orchestrator.answer(job, Choice.TRY_AGAIN)
        run(loop, desk, job)
        names = [name for _, name in alpha.starts]
        assert names == [f"{job}-make-{number}" for number in (1, 2, 3)]
        assert all(len(name) <= 63 and name.replace("-", "").isalnum() and name.islower() for name in names)


def test_a_provider_that_does_not_do_the_work_is_passed_by(loop, open_desk):
    speaker, alpha = ScriptedProvider("speaker", works=[Work.TRANSCRIBE]), ScriptedProvider("alpha")
    speaker.script.start.append(RequestRejected("does not do edits"))
    with open_desk(speaker, alpha) as desk:
        assert run(loop, desk, add(desk, workflow("speaker", "alpha"))).state is JobState.PUBLISHED


def test_what_cannot_be_saved_is_not_sent(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha) as desk:
        job = add(desk, workflow("alpha"))
        saved = desk.store.save

        def full(name, record, blobs):
            if "submitting" in record:
                raise StoreUnwritable("the disk is full")
            saved(name, record, blobs)

        desk.store.save = full
        failed = run(loop, desk, job)
        assert (failed.state, failed.failure.kind) == (JobState.FAILED, "StoreUnwritable")
        assert alpha.starts == []
        desk.store.save = saved
        desk.orchestrator.retry(job)
        assert run(loop, desk, job).state is JobState.PUBLISHED
        assert desk.spent() == Decimal("0.10")


def test_a_crash_between_the_ledger_and_the_job_leaves_no_money_behind(loop, open_desk):
    alpha = ScriptedProvider("alpha")
    with open_desk(alpha) as desk:
        job = add(desk, workflow("alpha"))
        desk.ledger.reserve(
            Attempt(f"{job}-make-1", "film", "alpha", "m", Work.EDIT, Decimal(5), 1, Decimal(0)), Caps()
        )
        desk.jobs.save(desk.jobs.load(job).moved(JobState.CANCELLED, 1.0))
        assert desk.spent() == 5
        loop.run_until_complete(desk.orchestrator.run_queue())
        assert desk.spent() == 0


@pytest.mark.parametrize("polls", [0, 2])
def test_on_a_disk_that_fills_up_while_a_provider_works_its_result_is_not_lost(loop, open_desk, polls):
    alpha = ScriptedProvider("alpha", polls=polls)
    with open_desk(alpha) as desk:
        job = add(desk, workflow("alpha"))
        real = alpha.start

        def full(*_args):
            raise StoreUnwritable("the disk is full")

        async def start(request):
            outcome = await real(request)
            for thing, name in (
                (desk.limiter, "release"),
                (desk.limiter, "renew"),
                (desk.ledger, "settle"),
                (desk.ledger, "restore"),
                (desk.spans._database, "transaction"),
            ):
                setattr(thing, name, full)
            return outcome

        alpha.start = start
        assert run(loop, desk, job).state is JobState.PUBLISHED
        for thing, name in ((desk.ledger, "settle"), (desk.ledger, "restore")):
            delattr(thing, name)
        loop.run_until_complete(desk.orchestrator.run_queue())
        assert states(desk) == [("alpha", SpendState.SETTLED)]
        assert len(alpha.charged) == 1
