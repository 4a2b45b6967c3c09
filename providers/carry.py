"""One provider, one node: from a submit to a stored result, with every step saved before it is taken.

The rules::

    the try is saved as SUBMITTING at the moment the request leaves, and as RUNNING, with the provider's id, before the
        first poll; the result is saved before anything else is done with it
    a lost answer is looked up by our own id; found, it is followed; not found, the same id is submitted again, which
        the provider cannot charge twice; where nothing can be looked up, the try ends as UNCERTAIN
    a try stays open until its end is known: faults, timeouts and rate limits of polls end nothing
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from providers.cache import Provenance
from providers.codec import pack_generation
from providers.contract import Generation, Lookup, Place, Provider, Quote, Request, Task, Ticket
from providers.errors import (
    AmbiguousSubmit,
    BadResponse,
    BillingExhausted,
    CallError,
    CapReached,
    CapScope,
    Charge,
    JobFailed,
    JobLost,
    Offline,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    RequestRejected,
    Transient,
)
from providers.jobs import Failure, NodeRecord, NodeState, Origin, Phase, Stored, Try
from providers.layers import SENDING, NotSent
from providers.ledger import Attempt
from providers.workflow import Node

T = TypeVar("T")

# The pauses between polls that fail grow up to this.
SLOWEST_POLL_S = 60.0
# How often one and the same id may be submitted anew after it was not found.
SUBMITS_OF_ONE_ID = 3

Save = Callable[[NodeRecord, Mapping[str, bytes]], None]


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted, and for which job."""

    job: str
    project: str
    node: Node
    task: Task
    provenance: Provenance
    variant: int = 0
    seed: int | None = None


class Watcher(Protocol):
    """Is told how a node gets on."""

    def progress(self, node: str, fraction: float | None) -> None:
        """A provider says how far it is; None where it does not say more than that it is at work."""
        ...

    def waiting(self, node: str, until: float | None) -> None:
        """The node waits for room until a moment; None when it goes on."""
        ...

    def notice(self, node: str, message: str) -> None:
        """Something that a person should be told, and that does not stop the node."""
        ...


class Carrier:
    """Carries one node through one provider; `record` is as far as it got."""

    def __init__(
        self,
        order: Order,
        record: NodeRecord,
        save: Save,
        watcher: Watcher,
        account: Callable[[Try], None],
        clock: Callable[[], float],
    ) -> None:
        """Begin where the record is; `account` writes down what an ended try cost."""
        self.record = record
        self._order = order
        self._save = save
        self._watcher = watcher
        self._account = account
        self._clock = clock

    async def carry(self, provider: Provider) -> Generation:
        """Return the provider's result, which is stored in the record by then.

        Raises:
            ProviderError: there is none; `record.open_try` tells whether one may still come.
        """
        open_try = self.record.open_try
        if open_try is not None and open_try.phase is Phase.RUNNING:
            assert open_try.ticket is not None
            return await self._follow(provider, open_try, open_try.ticket)
        lost: CallError | None = None
        for submits in range(SUBMITS_OF_ONE_ID + 1):
            doubtful = self.record.open_try
            ticket = None if doubtful is None else await self._look_up(provider, doubtful, lost)
            if doubtful is not None and ticket is not None:
                return await self._accepted(provider, replace(doubtful, phase=Phase.RUNNING, ticket=ticket), ticket)
            if submits == SUBMITS_OF_ONE_ID:
                break
            try:
                outcome = await self._submit(provider, self._planned(provider, doubtful))
            except CallError as error:
                if self.record.open_try is None or not (error.charge is Charge.POSSIBLE or _passes(error)):
                    raise
                lost = error
                await asyncio.sleep(self._pause_after(error))
                continue
            sent = self.record.open_try
            assert sent is not None
            if isinstance(outcome, Generation):
                return self._finish(sent, outcome)
            return await self._accepted(provider, replace(sent, phase=Phase.RUNNING, ticket=outcome), outcome)
        raise AmbiguousSubmit(
            f"{provider.traits.title} was asked {SUBMITS_OF_ONE_ID} times and never answered clearly; it may have been "
            "charged. Try again later: it is looked up first",
            provider=provider.traits.name,
        )

    def _pause_after(self, error: CallError) -> float:
        if isinstance(error, RateLimited):
            return max(0.0, error.retry_at - self._clock())
        return error.retry_after_s or 0.0 if isinstance(error, Transient) else 0.0

    def _planned(self, provider: Provider, open_try: Try | None) -> Try:
        if open_try is not None:
            return open_try
        order = self._order
        external_id = f"{id_prefix(order)}{len(self.record.tries) + 1}"
        request = request_of(order, external_id)
        quote = provider.quote(request)
        self._check_node_cap(quote)
        attempt = Attempt.of(external_id, order.project, request.work, quote)
        return Try(attempt, Phase.SUBMITTING, self._clock())

    def _check_node_cap(self, quote: Quote) -> None:
        cap, spent = self._order.node.limits.usd, self.record.spent_usd()
        if cap is not None and quote.usd and spent + quote.usd > cap:
            raise CapReached(
                f"this would cost {quote.usd} USD, and node {self._order.node.id!r} may spend {cap} USD, of which "
                f"{spent} are spent; raise its limit in the workflow to go on",
                scope=CapScope.NODE,
                cap_usd=cap,
                spent_usd=spent,
                needed_usd=quote.usd,
            )

    async def _submit(self, provider: Provider, planned: Try) -> Ticket | Generation:
        in_doubt = self.record.open_try is not None
        saved = False

        def sending() -> None:
            nonlocal saved
            if not saved:
                self._keep(planned)
                saved = True

        token = SENDING.set(sending)
        try:
            outcome = await provider.start(request_of(self._order, planned.external_id))
        except ProviderError as error:
            if saved and _settles(error, in_doubt=in_doubt):
                self._end(planned, Phase.FAILED, error)
            raise
        except NotSent:
            if saved and not in_doubt:
                stopped = Transient("stopped between two tries; nothing was on its way", provider=planned.provider)
                self._end(planned, Phase.FAILED, stopped)
            raise
        finally:
            SENDING.reset(token)
        sending()  # a provider without layers does not say when it sends
        return outcome

    async def _look_up(self, provider: Provider, open_try: Try, lost: CallError | None) -> Ticket | None:
        """Return what became of a submit whose answer was lost; None if the provider never got it.

        Raises:
            AmbiguousSubmit: that cannot be found out.
        """
        if provider.traits.place is Place.LOCAL:
            return None
        if provider.traits.lookup is Lookup.NONE:
            what = f"the program ended while {provider.traits.title} was asked" if lost is None else str(lost)
            doubt = AmbiguousSubmit(
                f"{what}. Nobody can look up what became of the request, which may have cost "
                f"{open_try.attempt.estimated_usd} USD; trying again may pay a second time",
                provider=open_try.provider,
            )
            self._end(open_try, Phase.UNCERTAIN, doubt)
            raise doubt
        request = request_of(self._order, open_try.external_id)
        return await self._patiently(provider, lambda: provider.find(request), "find the last request again")

    async def _accepted(self, provider: Provider, running: Try, ticket: Ticket) -> Generation:
        self._keep(running)
        return await self._follow(provider, running, ticket)

    async def _follow(self, provider: Provider, running: Try, ticket: Ticket) -> Generation:
        deadline = self._clock() + self._order.node.limits.timeout_s
        while True:
            try:
                outcome = await self._patiently(provider, lambda: provider.poll(ticket), "get the result")
            except (JobFailed, PolicyBlocked, BillingExhausted) as error:
                self._end(running, Phase.FAILED, error)
                raise
            except JobLost as error:
                self._end(running, Phase.UNCERTAIN, error)
                raise
            if isinstance(outcome, Generation):
                return self._finish(running, outcome)
            self._watcher.progress(self._order.node.id, outcome.progress)
            if self._clock() >= deadline:
                raise Transient(
                    f"{provider.traits.title} is not done after {self._order.node.limits.timeout_s:g} s; try again to "
                    "pick the job up where it is, which costs nothing",
                    provider=running.provider,
                )
            await asyncio.sleep(provider.traits.poll_interval_s)

    async def _patiently(self, provider: Provider, ask: Callable[[], Awaitable[T]], what: str) -> T:
        """Ask something that costs nothing, through faults, until the node's time is over."""
        deadline = self._clock() + self._order.node.limits.timeout_s
        pause_s = provider.traits.poll_interval_s
        while True:
            try:
                return await ask()
            except (Transient, BadResponse, RateLimited, Offline) as error:
                pause_s = min(SLOWEST_POLL_S, pause_s * 2)
                now = self._clock()
                if isinstance(error, RateLimited):
                    pause_s = max(pause_s, error.retry_at - now)
                if now + pause_s > deadline:
                    raise Transient(
                        f"could not {what} ({error}); try again to pick the job up where it is, which costs nothing",
                        provider=error.provider,
                    ) from None
            await asyncio.sleep(pause_s)

    def _finish(self, running: Try, generation: Generation) -> Generation:
        done = replace(running, phase=Phase.DONE, billed_usd=generation.usd)
        self.record, blobs = stored(self.record.with_try(done), generation, Origin.PROVIDER)
        self._save(self.record, blobs)
        self._account(done)
        return generation

    def _end(self, attempt: Try, phase: Phase, error: ProviderError) -> None:
        billed_usd = error.billed_usd if isinstance(error, CallError) else None
        ended = replace(attempt, phase=phase, billed_usd=billed_usd, failure=Failure.of(error))
        self._keep(ended)
        self._account(ended)

    def _keep(self, attempt: Try) -> None:
        self.record = self.record.with_try(attempt)
        self._save(self.record, {})


def stored(record: NodeRecord, generation: Generation, origin: Origin) -> tuple[NodeRecord, Mapping[str, bytes]]:
    """Return the record with a result in it, and the result's blobs."""
    packed = pack_generation(generation)
    output = Stored(packed.record, {name: name for name in packed.blobs})
    return replace(record, state=NodeState.DONE, output=output, origin=origin), packed.blobs


def id_prefix(order: Order) -> str:
    """Return what our own ids of all tries of an order begin with."""
    return f"{order.job}-{order.node.id.replace('_', '-').lower()}-"


def request_of(order: Order, external_id: str) -> Request:
    """Return the request of one try."""
    return Request(order.task, external_id, seed=order.seed, variant=order.variant)


def _settles(error: ProviderError, *, in_doubt: bool) -> bool:
    """Return whether a failed submit is known to be over, and what it cost."""
    if not isinstance(error, CallError):
        return not in_doubt  # a missing key, a cap: it never left
    if error.billed_usd is not None:
        return True
    # A second submit that fails says nothing of the first one, unless it is the content that is refused.
    return error.charge is Charge.NONE and (not in_doubt or isinstance(error, PolicyBlocked | RequestRejected))


def _passes(error: CallError) -> bool:
    return isinstance(error, Transient | RateLimited)
