"""One node that asks providers: the cache, the first provider, its backups, or a person; paid at most once.

`carry.py` carries the node through one provider; here it is decided what to do when that gives no result. While a try
is open (it may be charged, or is at work over there) no other provider is asked: it is followed, looked up, or a person
decides. What nobody was charged for goes on as `failover.py` says. The same request is free the second time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress

from providers.cache import CacheKey, ResultCache, cache_key
from providers.carry import Carrier, Order, Save, Watcher, id_prefix, request_of, stored
from providers.contract import Generation, Place, Provider, Quote
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    KeyProblem,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    StoreUnwritable,
    UnknownProvider,
)
from providers.failover import AskPerson, Decision, GiveUp, UseCached, UseProvider, WaitUntil, next_step
from providers.jobs import Choice, NodeRecord, Origin, Phase, Question, Reason, Try
from providers.ledger import Ledger

FORGET_TIMEOUT_S = 10.0


class NeedsPerson(Exception):
    """The node cannot go on before a person has answered."""

    def __init__(self, question: Question) -> None:
        super().__init__(question.message)
        self.question = question


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
        self.reconcile(id_prefix(order), record.tries)
        hit = self._exact_hit(order, record) if record.open_try is None else None
        if hit is not None:
            return _take(record, hit, save)
        if record.unanswered_try is not None:
            raise self._asked_again(order, record, record.unanswered_try)
        errors: dict[str, ProviderError] = {}
        chosen: str | None = None
        while True:
            open_try = record.open_try
            name = open_try.provider if open_try is not None else chosen or self._first(order, record)
            carrier = Carrier(order, record, save, watcher, self.account, self._clock)
            try:
                generation = await carrier.carry(self._provider(name))
                return await self._finished(order, carrier.record, name, generation)
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
                    return _take(record, kin, save)
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
        return self._provider(provider).quote(request_of(order, "quote"))

    async def cancel(self, record: NodeRecord) -> None:
        """Ask the provider of an open try to stop; that it cannot, or cannot be asked, is no error."""
        open_try = record.open_try
        if open_try is None or open_try.ticket is None or open_try.provider not in self._providers:
            return
        with suppress(ProviderError):
            await self._provider(open_try.provider).cancel(open_try.ticket)

    def reconcile(self, prefix: str, tries: Iterable[Try]) -> None:
        """Bring the ledger in line with tries, from wherever a crash or a full disk left the two.

        Args:
            prefix: What the ids of all these tries begin with; a job's id and `-` for all of a job's.
            tries: All tries of that prefix.
        """
        known = set()
        for attempt in tries:
            self.account(attempt)
            known.add(attempt.external_id)
        with suppress(StoreUnwritable):
            self._ledger.release_unknown(prefix, known)

    def account(self, attempt: Try) -> None:
        """Write down what a try cost, as far as it is known; on a full disk `reconcile` does it later."""
        with suppress(StoreUnwritable):
            self._account(attempt)

    def _account(self, attempt: Try) -> None:
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
            quote = self._provider(name).quote(request_of(order, "quote"))
        except ProviderError:
            return None  # it could not have made a result either
        return cache_key(order.provenance, order.task, quote, order.variant)

    async def _finished(self, order: Order, record: NodeRecord, name: str, generation: Generation) -> NodeRecord:
        """Cache a result that is stored, and delete the provider's copy of it."""
        key = self._key(order, name)
        if key is not None:
            self._cache.put(key, generation)
        ticket = record.tries[-1].ticket
        if ticket is not None:
            with suppress(ProviderError, TimeoutError):
                await asyncio.wait_for(self._provider(name).forget(ticket), FORGET_TIMEOUT_S)
        return record

    def _provider(self, name: str) -> Provider:
        if name not in self._providers:
            raise UnknownProvider(f"there is no provider {name!r}; there are {', '.join(sorted(self._providers))}")
        return self._providers[name]

    def _place(self, name: str) -> Place:
        return self._providers[name].traits.place if name in self._providers else Place.REMOTE


def _take(record: NodeRecord, generation: Generation, save: Save) -> NodeRecord:
    done, blobs = stored(record, generation, Origin.CACHE)
    save(done, blobs)
    return done


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
