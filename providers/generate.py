"""One node that asks a provider, carried through to a stored result: whatever happens, paid at most once.

The rules::

    the try is saved as SUBMITTING at the moment the request leaves, and as RUNNING, with the provider's id, before the
        first poll; the result is saved before it is used, cached or deleted over there
    while a try is open, no other provider is asked: it is followed, looked up, or a person decides
    a lost answer is looked up by our own id; found, it is followed; not found, the same id is submitted again, which
        the provider cannot charge twice; where nothing can be looked up, a person decides
    what nobody was charged for goes on as `failover.py` says
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from providers.cache import CacheKey, Provenance, ResultCache, cache_key
from providers.codec import pack_generation
from providers.contract import Generation, Lookup, Place, Provider, Quote, Request, Task, Ticket
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    BillingExhausted,
    CallError,
    CapReached,
    CapScope,
    Charge,
    JobFailed,
    JobLost,
    KeyProblem,
    Offline,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    RequestRejected,
    Transient,
    UnknownProvider,
)
from providers.failover import (
    AskPerson,
    Decision,
    GiveUp,
    UseCached,
    UseProvider,
    WaitUntil,
    next_step,
)
from providers.jobs import (
    Choice,
    Failure,
    NodeRecord,
    NodeState,
    Origin,
    Phase,
    Question,
    Reason,
    Stored,
    Try,
)
from providers.layers import SENDING, NotSent
from providers.ledger import Attempt, Ledger
from providers.workflow import Node

T = TypeVar("T")

# The pauses between polls that fail grow up to this.
SLOWEST_POLL_S = 60.0
# How often one and the same id may be submitted anew after it was not found.
SUBMITS_OF_ONE_ID = 3
FORGET_TIMEOUT_S = 10.0

Save = Callable[[NodeRecord, Mapping[str, bytes]], None]


class NeedsPerson(Exception):
    """The node cannot go on before a person has answered."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.message)
        self.question = question


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


class Generator:
    """Carries nodes through; one for all jobs of an event loop."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        cache: ResultCache,
        ledger: Ledger,
        *,
        wait: Callable[[float, Collection[str]], Awaitable[None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._providers = providers
        self._cache = cache
        self._ledger = ledger
        self._wait = wait
        self._clock = clock

    async def run(self, order: Order, record: NodeRecord, save: Save, watcher: Watcher) -> NodeRecord:
        """Carry the node through from wherever its record says it is.

        Raises:
            NeedsPerson: a person has to decide.
            ProviderError: it failed; what is open stays open and is picked up by the next `run`.
        """
        self.reconcile(order, record)
        hit = self._exact_hit(order, record) if record.open_try is None else None
        if hit is not None:
            return self._store(record, hit, Origin.CACHE, save)
        if record.unanswered_try is not None:
            raise self._asked_again(order, record, record.unanswered_try)
        errors: dict[str, ProviderError] = {}
        chosen: str | None = None
        while True:
            open_try = record.open_try
            name = open_try.provider if open_try is not None else chosen or self._first(order, record)
            carrier = _Carrier(self, order, record, save, watcher)
            try:
                return await carrier.carry(name)
            except ProviderError as error:
                record = carrier.record
                errors.pop(name, None)
                errors[name] = error
            chosen = None
            match self._decide(order, record, errors):
                case UseProvider(backup):
                    watcher.notice(order.node.id, f"{errors[name]} Asking {backup} instead.")
                    chosen = backup
                case UseCached():
                    kin = self._kin_hit(order, record)
                    assert kin is not None
                    watcher.notice(order.node.id, f"{errors[name]} Using a cached result of {kin.provider}.")
                    return self._store(record, kin, Origin.CACHE, save)
                case WaitUntil(moment):
                    watcher.waiting(order.node.id, moment)
                    await self._wait(moment, order.node.providers)
                    watcher.waiting(order.node.id, None)
                    errors.clear()
                case AskPerson(reason, choices):
                    raise NeedsPerson(_question(order, errors[name], reason, choices, name))
                case GiveUp():
                    raise errors[name]

    def quote(self, order: Order, provider: str) -> Quote:
        """Return what a provider would charge for and send, as a person is shown it."""
        return self._provider(provider).quote(_request(order, "quote"))

    async def cancel(self, record: NodeRecord) -> None:
        """Ask the provider of an open try to stop; that it cannot, or cannot be asked, is no error."""
        open_try = record.open_try
        if open_try is None or open_try.ticket is None or open_try.provider not in self._providers:
            return
        with suppress(ProviderError):
            await self._provider(open_try.provider).cancel(open_try.ticket)

    def reconcile(self, order: Order, record: NodeRecord) -> None:
        """Bring the ledger in line with the tries, from wherever a crash left the two."""
        for attempt in record.tries:
            self.account(attempt)
        known = {attempt.external_id for attempt in record.tries}
        self._ledger.release_unknown(_id_prefix(order), known)

    def account(self, attempt: Try) -> None:
        """Write down what a try cost, as far as it is known."""
        if self._place(attempt.provider) is Place.LOCAL:
            return
        self._ledger.restore(attempt.attempt)
        match attempt.phase:
            case Phase.DONE:
                self._ledger.settle(attempt.external_id, attempt.billed_usd)
            case Phase.FAILED if attempt.billed_usd:
                self._ledger.settle(attempt.external_id, attempt.billed_usd)
            case Phase.FAILED:
                self._ledger.release(attempt.external_id)
            case Phase.UNCERTAIN:
                self._ledger.doubt(attempt.external_id)

    def _decide(self, order: Order, record: NodeRecord, errors: Mapping[str, ProviderError]) -> Decision:
        error = list(errors.values())[-1]
        if record.open_try is not None:
            return _decide_while_open(error)
        names = [name for name in order.node.providers if name not in record.passed_over]
        return next_step(
            errors,
            names,
            order.node.policy,
            has_kin=lambda: self._kin_hit(order, record) is not None,
            now=self._clock(),
        )

    def _asked_again(self, order: Order, record: NodeRecord, last: Try) -> NeedsPerson:
        said = "" if last.failure is None else last.failure.message
        kind = AmbiguousSubmit if last.phase is Phase.UNCERTAIN else PolicyBlocked
        error = kind(said, provider=last.provider)
        decision = self._decide(order, record, {last.provider: error})
        assert isinstance(decision, AskPerson)
        return NeedsPerson(_question(order, error, decision.reason, decision.choices, last.provider))

    def _first(self, order: Order, record: NodeRecord) -> str:
        names = [name for name in order.node.providers if name not in record.passed_over]
        if not names:
            raise UnknownProvider(f"every provider of node {order.node.id!r} was passed over; there is none left")
        return names[0]

    def _exact_hit(self, order: Order, record: NodeRecord) -> Generation | None:
        if record.may_use_kin:
            return self._kin_hit(order, record)
        for name in order.node.providers:
            key = self._key(order, name)
            hit = None if key is None else self._cache.get(key)
            if hit is not None:
                return hit
        return None

    def _kin_hit(self, order: Order, record: NodeRecord) -> Generation | None:
        for name in order.node.providers:
            key = self._key(order, name)
            if key is not None:
                return self._cache.kin(key)
        return None

    def _key(self, order: Order, name: str) -> CacheKey | None:
        try:
            quote = self._provider(name).quote(_request(order, "quote"))
        except ProviderError:
            return None  # it could not have made a result either
        return cache_key(order.provenance, order.task, quote, order.variant)

    def _store(self, record: NodeRecord, generation: Generation, origin: Origin, save: Save) -> NodeRecord:
        packed = pack_generation(generation)
        stored = Stored(packed.record, {name: name for name in packed.blobs})
        done = replace(record, state=NodeState.DONE, output=stored, origin=origin)
        save(done, packed.blobs)
        return done

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise UnknownProvider(f"there is no provider {name!r}; there are {', '.join(sorted(self._providers))}")
        return self._providers[name]

    def _place(self, name: str) -> Place:
        return self._providers[name].traits.place if name in self._providers else Place.REMOTE


class _Carrier:
    """Carries one node through one provider; `record` is as far as it got."""

    def __init__(self, home: Generator, order: Order, record: NodeRecord, save: Save, watcher: Watcher) -> None:
        self.record = record
        self._home = home
        self._order = order
        self._save = save
        self._watcher = watcher

    async def carry(self, name: str) -> NodeRecord:
        """Return the record with a stored result of the provider."""
        provider = self._home._provider(name)
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
                return await self._finish(provider, sent, outcome)
            return await self._accepted(provider, replace(sent, phase=Phase.RUNNING, ticket=outcome), outcome)
        raise AmbiguousSubmit(
            f"{provider.traits.title} was asked {SUBMITS_OF_ONE_ID} times and never answered clearly; it may have been "
            "charged. Try again later: it is looked up first",
            provider=name,
        )

    def _pause_after(self, error: CallError) -> float:
        if isinstance(error, RateLimited):
            return max(0.0, error.retry_at - self._home._clock())
        return error.retry_after_s or 0.0 if isinstance(error, Transient) else 0.0

    def _planned(self, provider: Provider, open_try: Try | None) -> Try:
        if open_try is not None:
            return open_try
        order = self._order
        external_id = f"{_id_prefix(order)}{len(self.record.tries) + 1}"
        request = _request(order, external_id)
        quote = provider.quote(request)
        self._check_node_cap(quote)
        attempt = Attempt.of(external_id, order.project, request.work, quote)
        return Try(attempt, Phase.SUBMITTING, self._home._clock())

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
            outcome = await provider.start(_request(self._order, planned.external_id))
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
        request = _request(self._order, open_try.external_id)
        return await self._patiently(provider, lambda: provider.find(request), "find the last request again")

    async def _accepted(self, provider: Provider, running: Try, ticket: Ticket) -> NodeRecord:
        self._keep(running)
        return await self._follow(provider, running, ticket)

    async def _follow(self, provider: Provider, running: Try, ticket: Ticket) -> NodeRecord:
        deadline = self._home._clock() + self._order.node.limits.timeout_s
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
                return await self._finish(provider, running, outcome)
            self._watcher.progress(self._order.node.id, outcome.progress)
            if self._home._clock() >= deadline:
                raise Transient(
                    f"{provider.traits.title} is not done after {self._order.node.limits.timeout_s:g} s; try again to "
                    "pick the job up where it is, which costs nothing",
                    provider=running.provider,
                )
            await asyncio.sleep(provider.traits.poll_interval_s)

    async def _patiently(self, provider: Provider, ask: Callable[[], Awaitable[T]], what: str) -> T:
        """Ask something that costs nothing, through faults, until the node's time is over."""
        deadline = self._home._clock() + self._order.node.limits.timeout_s
        pause_s = provider.traits.poll_interval_s
        while True:
            try:
                return await ask()
            except (Transient, BadResponse, RateLimited, Offline) as error:
                pause_s = min(SLOWEST_POLL_S, pause_s * 2)
                now = self._home._clock()
                if isinstance(error, RateLimited):
                    pause_s = max(pause_s, error.retry_at - now)
                if now + pause_s > deadline:
                    raise Transient(
                        f"could not {what} ({error}); try again to pick the job up where it is, which costs nothing",
                        provider=error.provider,
                    ) from None
            await asyncio.sleep(pause_s)

    async def _finish(self, provider: Provider, running: Try, generation: Generation) -> NodeRecord:
        done = replace(running, phase=Phase.DONE, billed_usd=generation.usd)
        record = self._home._store(self.record.with_try(done), generation, Origin.PROVIDER, self._save)
        self.record = record
        self._home.account(done)
        key = self._home._key(self._order, running.provider)
        if key is not None:
            self._home._cache.put(key, generation)
        if done.ticket is not None:
            with suppress(ProviderError, TimeoutError):
                await asyncio.wait_for(provider.forget(done.ticket), FORGET_TIMEOUT_S)
        return record

    def _end(self, attempt: Try, phase: Phase, error: ProviderError) -> None:
        billed_usd = error.billed_usd if isinstance(error, CallError) else None
        ended = replace(attempt, phase=phase, billed_usd=billed_usd, failure=Failure.of(error))
        self._keep(ended)
        self._home.account(ended)

    def _keep(self, attempt: Try) -> None:
        self.record = self.record.with_try(attempt)
        self._save(self.record, {})


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


def _decide_while_open(error: ProviderError) -> Decision:
    """Return what to do about a try that may be charged or is running: never ask anyone else."""
    match error:
        case AuthFailed() | KeyProblem():
            return AskPerson(Reason.KEY, (Choice.TRY_AGAIN, Choice.GIVE_UP))
        case AmbiguousSubmit() | BadResponse():
            return AskPerson(Reason.UNCERTAIN_CHARGE, (Choice.TRY_AGAIN, Choice.GIVE_UP))
        case _:
            return GiveUp()


def _question(
    order: Order, error: ProviderError, reason: Reason, choices: tuple[Choice, ...], provider: str
) -> Question:
    retry_at = error.retry_at if isinstance(error, RateLimited) else None
    return Question(reason, str(error), order.node.id, choices, provider, retry_at)


def _id_prefix(order: Order) -> str:
    return f"{order.job}-{order.node.id.replace('_', '-').lower()}-"


def _request(order: Order, external_id: str) -> Request:
    return Request(order.task, external_id, seed=order.seed, variant=order.variant)
