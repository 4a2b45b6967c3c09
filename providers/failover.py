"""What to do when a provider does not give a result: the steps of each kind of error, and the next one that is open.

Pure: it decides, `generate.py` acts. The table of the design::

    rate limit, no credit      backup provider -> cached result -> wait -> a person
    no key there               backup provider -> cached result -> a person
    wrong key                  a person
    refused content            a person; never another provider by itself
    passing fault, unreachable backup provider -> cached result -> fail
    given up by the provider   backup provider -> fail
    cannot be done there       backup provider -> fail
    offline                    backup provider (a local one) -> cached result -> a person
    may have been charged      a person (after it was looked up, where that is possible)
    consent, cap               a person
    garbled answer             fail

A node of a workflow may give a list of its own for rate limits, faults and the offline case. No list can make refused
content hop, and none can repeat what may have been charged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from providers.errors import (
    AuthFailed,
    BadResponse,
    BillingExhausted,
    CapReached,
    Charge,
    ConsentMissing,
    JobFailed,
    JobLost,
    KeyMissing,
    KeyProblem,
    Offline,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    RequestRejected,
    Transient,
)
from providers.jobs import Choice, Reason


class Step(Enum):
    """Something to do instead."""

    BACKUP = "backup"
    CACHED = "cached"
    WAIT = "wait"
    ASK = "ask"
    FAIL = "fail"


class Trouble(Enum):
    """The kinds of trouble for which a node may choose its steps."""

    RATE_LIMIT = "rate_limit"
    FAULT = "fault"
    OFFLINE = "offline"


DEFAULT_STEPS: Mapping[Trouble, tuple[Step, ...]] = {
    Trouble.RATE_LIMIT: (Step.BACKUP, Step.CACHED, Step.WAIT, Step.ASK),
    Trouble.FAULT: (Step.BACKUP, Step.CACHED, Step.FAIL),
    Trouble.OFFLINE: (Step.BACKUP, Step.CACHED, Step.ASK),
}
DEFAULT_WAIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Policy:
    """A node's own choices.

    Attributes:
        steps: What to do, by kind of trouble.
        wait_s: The longest wait for room that is not worth a person's attention.
    """

    steps: Mapping[Trouble, tuple[Step, ...]] = field(default_factory=lambda: DEFAULT_STEPS)
    wait_s: float = DEFAULT_WAIT_S


@dataclass(frozen=True, slots=True)
class UseProvider:
    """Ask this provider."""

    provider: str


@dataclass(frozen=True, slots=True)
class UseCached:
    """Take the cached result of a kin request."""


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Wait, then begin with the first provider again."""

    at: float


@dataclass(frozen=True, slots=True)
class AskPerson:
    """Let a person decide."""

    reason: Reason
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Fail with the error as it is."""


Decision = UseProvider | UseCached | WaitUntil | AskPerson | GiveUp


def next_step(
    errors: Mapping[str, ProviderError],
    providers: Sequence[str],
    policy: Policy,
    *,
    has_kin: Callable[[], bool],
    now: float,
) -> Decision:
    """Return what to do after the last error of a round.

    Args:
        errors: The errors of this round by provider, the last one last; never empty.
        providers: The node's providers in order, without those that a person passed over.
        policy: The node's choices.
        has_kin: Tells whether there is a cached result of a kin request; asked only where it matters.
        now: Unix time in seconds.
    """
    error = list(errors.values())[-1]
    backup = next((name for name in providers if name not in errors), None)
    room_at = min((known.retry_at for known in errors.values() if isinstance(known, RateLimited)), default=None)
    for step in steps_for(error, policy):
        match step:
            case Step.BACKUP if backup is not None:
                return UseProvider(backup)
            case Step.CACHED if has_kin():
                return UseCached()
            case Step.WAIT if room_at is not None and room_at - now <= policy.wait_s:
                return WaitUntil(room_at)
            case Step.ASK:
                return AskPerson(reason_for(error), _choices(error, backup, has_kin=has_kin()))
            case Step.FAIL:
                return GiveUp()
    return GiveUp()


def steps_for(error: ProviderError, policy: Policy) -> tuple[Step, ...]:
    """Return the steps of an error, the first one to try first."""
    match error:
        case RateLimited() | BillingExhausted():
            return policy.steps.get(Trouble.RATE_LIMIT, DEFAULT_STEPS[Trouble.RATE_LIMIT])
        case Offline():
            return policy.steps.get(Trouble.OFFLINE, DEFAULT_STEPS[Trouble.OFFLINE])
        case Transient() | JobFailed():
            return policy.steps.get(Trouble.FAULT, DEFAULT_STEPS[Trouble.FAULT])
        case KeyMissing():
            return (Step.BACKUP, Step.CACHED, Step.ASK)
        case RequestRejected():
            return (Step.BACKUP, Step.FAIL)
        case BadResponse() if error.charge is Charge.NONE:
            return (Step.FAIL,)
        case (
            BadResponse() | AuthFailed() | PolicyBlocked() | JobLost() | ConsentMissing() | CapReached() | KeyProblem()
        ):
            return (Step.ASK,)
        case _:
            return (Step.ASK,) if getattr(error, "charge", Charge.NONE) is Charge.POSSIBLE else (Step.FAIL,)


def reason_for(error: ProviderError) -> Reason:
    """Return why a person is asked after an error."""
    match error:
        case ConsentMissing():
            return Reason.CONSENT
        case CapReached():
            return Reason.CAP
        case AuthFailed() | KeyProblem():
            return Reason.KEY
        case PolicyBlocked():
            return Reason.POLICY
        case RateLimited() | BillingExhausted():
            return Reason.NO_ROOM
        case Offline():
            return Reason.OFFLINE
        case _:
            return Reason.UNCERTAIN_CHARGE


def _choices(error: ProviderError, backup: str | None, *, has_kin: bool) -> tuple[Choice, ...]:
    choices = [Choice.AGREE if isinstance(error, ConsentMissing) else Choice.TRY_AGAIN]
    if backup is not None:
        choices.append(Choice.NEXT_PROVIDER)
    if has_kin:
        choices.append(Choice.USE_CACHED)
    return (*choices, Choice.GIVE_UP)
