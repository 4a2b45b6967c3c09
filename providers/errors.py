"""What can go wrong with a provider, its key or its price; each error says what to do about it.

::

    ProviderError
    +-- CallError                      a call to a provider did not give a result
    |   +-- RateLimited                too many requests; `retry_at` says when there is room again
    |   +-- BillingExhausted           no credit, no quota, an unpaid account
    |   +-- PolicyBlocked              the provider refuses the content; never sent elsewhere by itself
    |   +-- AuthFailed                 the key is wrong or lacks a right
    |   +-- RequestRejected            this provider cannot do this request
    |   +-- Transient                  worth trying again; nothing was started
    |   |   +-- Unreachable            no connection could be made
    |   +-- AmbiguousSubmit            it may or may not have been started, so it may be charged
    |   +-- BadResponse                an answer that is not what the service promises
    |   +-- JobFailed                  the provider took the job and gave it up
    |   +-- JobLost                    the provider does not know the job any more
    |   +-- Offline                    no network, or the offline switch is on
    +-- NotAllowed                     stopped here, before anything was sent
    |   +-- ConsentMissing             nobody agreed yet to send this
    |   +-- CapReached                 it would spend more than was allowed
    |   +-- TransitionRefused          a job is in no state for that
    +-- KeyProblem
    |   +-- KeyMissing                 no key in the request, the environment or the vault
    |   +-- VaultError
    |       +-- VaultLocked            the master key is not this vault's
    |       +-- MasterKeyMissing       there is a vault, but no master key
    |       +-- MasterKeyMalformed     KEY_VAULT_MASTER_KEY is not 32 bytes in base64
    |       +-- VaultDamaged           truncated, edited, swapped
    |       +-- VaultUnsafe            others on this computer could read or replace it
    |       +-- KeyringUnusable        no keyring that keeps secrets encrypted
    +-- SetupError
        +-- UnknownProvider            no adapter of that name
        +-- WorkflowInvalid            a workflow file that cannot be run
        +-- PricesInvalid              a price table that cannot be read
        +-- StoreDamaged               the jobs, the ledger or the limits cannot be read
        +-- StoreUnwritable            the same cannot be written: a full disk, a lock that is held

No message, `args` or attribute of these ever holds a key, a header or a picture; adapters raise them outside the
`except` block, so that no foreign exception (whose request carries the key) hangs on as `__context__`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from providers.contract import Disclosure

Result = TypeVar("Result")


class ProviderError(Exception):
    """Root: the message says what happened, the value, and the way out."""

    exit_status = 1


class Charge(Enum):
    """Whether a failed call may have cost something."""

    NONE = "none"
    POSSIBLE = "possible"


class CallError(ProviderError):
    """A call to a provider that did not give a result.

    Attributes:
        provider: The registry's name of the provider.
        charge: Whether the call may have cost something.
        billed_usd: What the provider says it charged in spite of the failure, if it says so.
    """

    charge = Charge.NONE

    def __init__(self, message: str, *, provider: str = "", billed_usd: Decimal | None = None) -> None:
        super().__init__(message)
        self.provider = provider
        self.billed_usd = billed_usd


class Scope(Enum):
    """Which limit was reached."""

    MINUTE = "minute"
    DAY = "day"
    CONCURRENCY = "concurrency"
    UNKNOWN = "unknown"


class Side(Enum):
    """Whose limit it is: our own window, which nothing was sent against, or the provider's answer."""

    OURS = "ours"
    THEIRS = "theirs"


class RateLimited(CallError):
    """Too many requests.

    Attributes:
        retry_at: Unix time in seconds from which there is room again.
        scope: The limit that was reached.
        side: Whose limit it is.
        status: The HTTP status of this condition, also where the limit is our own.
    """

    status = 429

    def __init__(
        self,
        message: str,
        *,
        retry_at: float,
        scope: Scope = Scope.UNKNOWN,
        side: Side = Side.THEIRS,
        provider: str = "",
    ) -> None:
        super().__init__(message, provider=provider)
        self.retry_at = retry_at
        self.scope = scope
        self.side = side


class BillingExhausted(CallError):
    """No credit, no quota, or an unpaid account."""


class PolicyBlocked(CallError):
    """The provider refuses the content.

    Attributes:
        reasons: The provider's own codes for it.
    """

    def __init__(
        self, message: str, *, reasons: Sequence[str] = (), provider: str = "", billed_usd: Decimal | None = None
    ) -> None:
        super().__init__(message, provider=provider, billed_usd=billed_usd)
        self.reasons = tuple(reasons)


class AuthFailed(CallError):
    """The key is wrong, or lacks a right."""


class RequestRejected(CallError):
    """This provider cannot do this request."""

    exit_status = 2


class Transient(CallError):
    """Worth trying again: nothing was started.

    Attributes:
        retry_after_s: The pause that the provider asks for, if it does.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None, provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.retry_after_s = retry_after_s


class Unreachable(Transient):
    """No connection could be made, so nothing was sent."""


class AmbiguousSubmit(CallError):
    """The submit may or may not have reached the provider, so it may be charged."""

    charge = Charge.POSSIBLE


class BadResponse(CallError):
    """An answer that is not what the service promises.

    `charge` is NONE where the answer cannot come from the service (a proxy's page), else POSSIBLE.
    """

    def __init__(self, message: str, *, charge: Charge, provider: str = "") -> None:
        super().__init__(message, provider=provider)
        self.charge = charge


class JobFailed(CallError):
    """The provider took the job and gave it up."""


class JobLost(CallError):
    """The provider does not know the job any more."""

    charge = Charge.POSSIBLE


class Offline(CallError):
    """No network, or the offline switch is on."""


class NotAllowed(ProviderError):
    """Stopped here, before anything was sent."""


class ConsentMissing(NotAllowed):
    """Nobody agreed yet to send this.

    Attributes:
        disclosure: Exactly what would leave the machine.
    """

    def __init__(self, message: str, *, disclosure: Disclosure) -> None:
        super().__init__(message)
        self.disclosure = disclosure


class CapScope(Enum):
    """What a spending cap counts over."""

    PROJECT = "project"
    MONTH = "month"
    NODE = "node"


class CapReached(NotAllowed):
    """It would spend more than was allowed.

    Attributes:
        scope: The cap's scope.
        cap_usd: The cap.
        spent_usd: Spent and reserved so far.
        needed_usd: The estimate of the request that was stopped.
    """

    def __init__(
        self, message: str, *, scope: CapScope, cap_usd: Decimal, spent_usd: Decimal, needed_usd: Decimal
    ) -> None:
        super().__init__(message)
        self.scope = scope
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self.needed_usd = needed_usd


class TransitionRefused(NotAllowed):
    """A job is in no state for what was wished."""

    exit_status = 2


class KeyProblem(ProviderError):
    """A key that is missing, or a vault that does not open."""

    exit_status = 2


class KeyMissing(KeyProblem):
    """No key in the request, the environment or the vault."""

    def __init__(self, message: str, *, provider: str) -> None:
        super().__init__(message)
        self.provider = provider


class VaultError(KeyProblem):
    """The vault does not open."""


class VaultLocked(VaultError):
    """The master key is not this vault's."""


class MasterKeyMissing(VaultError):
    """There is a vault, but no master key."""


class MasterKeyMalformed(VaultError):
    """KEY_VAULT_MASTER_KEY is not 32 bytes in base64."""


class VaultDamaged(VaultError):
    """The vault's file was truncated, edited or mixed up."""


class VaultUnsafe(VaultError):
    """Others on this computer could read or replace the vault."""


class KeyringUnusable(VaultError):
    """No keyring that keeps secrets encrypted, or one that does not answer."""


class SetupError(ProviderError):
    """Something around the providers cannot be used."""

    exit_status = 2


class UnknownProvider(SetupError):
    """No adapter of that name."""


class WorkflowInvalid(SetupError):
    """A workflow file that cannot be run."""


class PricesInvalid(SetupError):
    """A price table that cannot be read."""


class StoreDamaged(SetupError):
    """The jobs, the ledger or the limits cannot be read."""


class StoreUnwritable(SetupError):
    """The jobs, the ledger or the limits cannot be written; what was to follow the write is not done."""

    exit_status = 5


async def translated(call: Coroutine[Any, Any, Result], translate: Callable[[Exception], ProviderError]) -> Result:
    """Await a foreign call; a foreign exception becomes ours, with nothing of the foreign one attached.

    Raises:
        ProviderError: as `translate` says. Cancellation passes through.
    """
    try:
        return await call
    except ProviderError:
        raise
    except Exception as foreign:
        failure = translate(foreign)
    # Raised out here, so that `__context__` does not keep the SDK's request object, whose headers hold the key.
    raise failure
