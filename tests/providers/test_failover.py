"""The table of what to do when a provider does not give a result."""

from __future__ import annotations

from decimal import Decimal

import pytest

from providers.contract import Disclosure
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    BillingExhausted,
    CapReached,
    CapScope,
    Charge,
    ConsentMissing,
    JobFailed,
    JobLost,
    KeyMissing,
    KeyringUnusable,
    Offline,
    PolicyBlocked,
    RateLimited,
    RequestRejected,
    SetupError,
    Transient,
    Unreachable,
    VaultLocked,
)
from providers.failover import (
    AskPerson,
    GiveUp,
    Policy,
    Step,
    Trouble,
    UseCached,
    UseProvider,
    WaitUntil,
    next_step,
    steps_for,
)
from providers.jobs import Choice, Reason

NOW = 1000.0
LIMITED = RateLimited("429", retry_at=NOW + 60)
NO_CONSENT = ConsentMissing("?", disclosure=Disclosure("a", "a.example", ()))
CAP = CapReached("?", scope=CapScope.PROJECT, cap_usd=Decimal(1), spent_usd=Decimal(1), needed_usd=Decimal(1))
A_BACKUP = UseProvider("b")

# Error: with a backup, with a kin result, with neither.
TABLE = [
    (LIMITED, A_BACKUP, UseCached(), WaitUntil(NOW + 60)),
    (RateLimited("429", retry_at=NOW + 9999), A_BACKUP, UseCached(), Reason.NO_ROOM),
    (BillingExhausted("!"), A_BACKUP, UseCached(), Reason.NO_ROOM),
    (PolicyBlocked("!"), Reason.POLICY, Reason.POLICY, Reason.POLICY),
    (AuthFailed("!"), Reason.KEY, Reason.KEY, Reason.KEY),
    (KeyMissing("!", provider="a"), A_BACKUP, UseCached(), Reason.KEY),
    (VaultLocked("!"), Reason.KEY, Reason.KEY, Reason.KEY),
    (KeyringUnusable("!"), Reason.KEY, Reason.KEY, Reason.KEY),
    (Transient("!"), A_BACKUP, UseCached(), GiveUp()),
    (Unreachable("!"), A_BACKUP, UseCached(), GiveUp()),
    (Offline("!"), A_BACKUP, UseCached(), Reason.OFFLINE),
    (JobFailed("!"), A_BACKUP, UseCached(), GiveUp()),
    (RequestRejected("!"), A_BACKUP, GiveUp(), GiveUp()),
    (AmbiguousSubmit("!"), Reason.UNCERTAIN_CHARGE, Reason.UNCERTAIN_CHARGE, Reason.UNCERTAIN_CHARGE),
    (JobLost("!"), Reason.UNCERTAIN_CHARGE, Reason.UNCERTAIN_CHARGE, Reason.UNCERTAIN_CHARGE),
    (BadResponse("!", charge=Charge.NONE), GiveUp(), GiveUp(), GiveUp()),
    (
        BadResponse("!", charge=Charge.POSSIBLE),
        Reason.UNCERTAIN_CHARGE,
        Reason.UNCERTAIN_CHARGE,
        Reason.UNCERTAIN_CHARGE,
    ),
    (NO_CONSENT, Reason.CONSENT, Reason.CONSENT, Reason.CONSENT),
    (CAP, Reason.CAP, Reason.CAP, Reason.CAP),
    (SetupError("!"), GiveUp(), GiveUp(), GiveUp()),
]


def decided(error, providers, *, has_kin, policy=None):
    decision = next_step({"a": error}, providers, policy or Policy(), has_kin=lambda: has_kin, now=NOW)
    return decision.reason if isinstance(decision, AskPerson) else decision


@pytest.mark.parametrize(
    ("error", "with_backup", "with_kin", "with_neither"), TABLE, ids=lambda value: repr(value)[:40]
)
def test_each_error_has_its_steps(error, with_backup, with_kin, with_neither):
    assert decided(error, ["a", "b"], has_kin=True) == with_backup
    assert decided(error, ["a"], has_kin=True) == with_kin
    assert decided(error, ["a"], has_kin=False) == with_neither


EVERYTHING = Policy({trouble: (Step.BACKUP, Step.CACHED) for trouble in Trouble})


@pytest.mark.parametrize(
    "error", [PolicyBlocked("!"), AmbiguousSubmit("!"), JobLost("!"), BadResponse("!", charge=Charge.POSSIBLE)]
)
def test_no_policy_makes_refused_content_hop_or_repeats_what_may_be_charged(error):
    assert steps_for(error, EVERYTHING) == (Step.ASK,)


def test_a_node_may_choose_another_order():
    policy = Policy({Trouble.RATE_LIMIT: (Step.WAIT, Step.BACKUP)})
    assert decided(LIMITED, ["a", "b"], has_kin=True, policy=policy) == WaitUntil(NOW + 60)
    assert decided(LIMITED, ["a", "b"], has_kin=True, policy=Policy({Trouble.RATE_LIMIT: ()})) == GiveUp()


def test_of_several_limits_the_first_to_open_is_waited_for():
    errors = {"a": RateLimited("", retry_at=NOW + 90), "b": RateLimited("", retry_at=NOW + 30)}
    assert next_step(errors, ["a", "b"], Policy(), has_kin=lambda: False, now=NOW) == WaitUntil(NOW + 30)


def test_a_person_is_offered_only_what_there_is():
    def choices(providers, *, has_kin, error=None):
        return next_step(
            {"a": error or PolicyBlocked("!")}, providers, Policy(), has_kin=lambda: has_kin, now=NOW
        ).choices

    assert choices(["a"], has_kin=False) == (Choice.TRY_AGAIN, Choice.GIVE_UP)
    assert choices(["a", "b"], has_kin=True) == (
        Choice.TRY_AGAIN,
        Choice.NEXT_PROVIDER,
        Choice.USE_CACHED,
        Choice.GIVE_UP,
    )
    assert choices(["a"], has_kin=False, error=NO_CONSENT) == (Choice.AGREE, Choice.GIVE_UP)
