"""How often a provider may be asked: sliding windows and concurrency, remembered across restarts.

The rules::

    a call counts from the moment it is allowed until its window has passed, whatever became of it
    no window ever holds more calls than its limit; the answer to one too many is RateLimited with the exact moment
        at which there is room again (status 429), and nothing is sent
    a call holds a place of the concurrency until it is released, or until its lease runs out (the process died)
    what a provider says itself ("not before ...") is kept for everyone who asks it next
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from providers.contract import Cancellation, Generation, Ticket
from providers.database import Database, Durability
from providers.errors import (
    AmbiguousSubmit,
    CallError,
    JobFailed,
    JobLost,
    PolicyBlocked,
    RateLimited,
    Scope,
    Side,
    StoreUnwritable,
)
from providers.layers import Call, Forward, Operation, Outcome

MINUTE_S = 60.0
DAY_S = 86_400.0

# Requests that leave 60 s apart may arrive closer together than they left.
ARRIVAL_MARGIN_S = 0.25

# When a place of the concurrency becomes free cannot be known; a waiter looks again after this, or when it is told.
CONCURRENCY_LOOK_S = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (provider TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS calls_by_time ON calls (provider, at);
CREATE TABLE IF NOT EXISTS holds (provider TEXT NOT NULL, call TEXT NOT NULL, until REAL NOT NULL,
    PRIMARY KEY (provider, call));
CREATE TABLE IF NOT EXISTS blocks (provider TEXT PRIMARY KEY, until REAL NOT NULL, scope TEXT NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a provider may be asked; None for as often as one likes."""

    per_minute: int | None = None
    per_day: int | None = None
    concurrent: int | None = None

    @property
    def windows(self) -> tuple[tuple[Scope, int, float], ...]:
        """The windows that there are: scope, limit, length in seconds."""
        windows = ((Scope.MINUTE, self.per_minute, MINUTE_S), (Scope.DAY, self.per_day, DAY_S))
        return tuple((scope, limit, length_s) for scope, limit, length_s in windows if limit is not None)


class Limiter:
    """The memory of the calls of all providers, in one file that processes share."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, margin_s: float = ARRIVAL_MARGIN_S) -> None:
        self._database = Database(path, _SCHEMA, Durability.CRASH)
        self._clock = clock
        self._margin_s = margin_s
        self._queues: dict[frozenset[str], _Queue] = {}

    def acquire(self, provider: str, call: str, limits: Limits, lease_s: float) -> None:
        """Count one call, and hold a place of the concurrency for it.

        Raises:
            RateLimited: there is no room; nothing was counted.
        """
        with self._database.transaction() as connection:
            now = self._clock()
            # A clock that was put back must not leave calls in the future, which would block for as long.
            connection.execute("UPDATE calls SET at = ? WHERE at > ?", (now, now))
            for until, scope in connection.execute(
                "SELECT until, scope FROM blocks WHERE provider = ? AND until > ?", (provider, now)
            ):
                raise _limited(provider, Scope(scope), until, now, "as the provider asked")
            for scope, limit, length_s in limits.windows:
                length_s += self._margin_s
                rows = connection.execute(
                    "SELECT at FROM calls WHERE provider = ? AND at + ? > ? ORDER BY at DESC LIMIT ?",
                    (provider, length_s, now, limit),
                ).fetchall()
                if len(rows) >= limit:
                    # The limit-th newest call is the one whose leaving makes room; a limit of 0 never has any.
                    oldest = rows[-1][0] if rows else now
                    raise _limited(provider, scope, oldest + length_s, now, f"{limit} per {scope.value}")
            if limits.concurrent is not None:
                held = connection.execute(
                    "SELECT count(*) FROM holds WHERE provider = ? AND call != ? AND until > ?", (provider, call, now)
                ).fetchone()[0]
                if held >= limits.concurrent:
                    retry_at = now + CONCURRENCY_LOOK_S
                    raise _limited(provider, Scope.CONCURRENCY, retry_at, now, f"{limits.concurrent} at a time")
            connection.execute("DELETE FROM calls WHERE at <= ?", (now - DAY_S - self._margin_s,))
            connection.execute("DELETE FROM holds WHERE until <= ?", (now,))
            connection.execute("DELETE FROM blocks WHERE until <= ?", (now,))
            connection.execute("INSERT INTO calls VALUES (?, ?)", (provider, now))
            connection.execute("INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", (provider, call, now + lease_s))

    def renew(self, provider: str, call: str, lease_s: float) -> None:
        """Hold the call's place for longer (also one that was forgotten: the job is still running there)."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO holds VALUES (?, ?, ?)", (provider, call, self._clock() + lease_s)
            )

    def release(self, provider: str, call: str) -> None:
        """Give the call's place back."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM holds WHERE provider = ? AND call = ?", (provider, call))
        for queue in self._queues.values():
            queue.room_at(provider)

    def block(self, provider: str, until: float, scope: Scope) -> None:
        """Remember that the provider asked for a pause."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO blocks VALUES (?1, ?2, ?3) ON CONFLICT (provider) DO UPDATE SET "
                "until = max(until, ?2), scope = iif(?2 >= until, ?3, scope)",
                (provider, until, scope.value),
            )

    def usage(self, provider: str) -> dict[Scope, int]:
        """Return how many calls each window holds now."""
        now = self._clock()
        counted = {
            scope: self._database.rows(
                "SELECT count(*) FROM calls WHERE provider = ? AND at > ?", (provider, now - length_s)
            )[0][0]
            for scope, length_s in ((Scope.MINUTE, MINUTE_S), (Scope.DAY, DAY_S))
        }
        held = self._database.rows("SELECT count(*) FROM holds WHERE provider = ? AND until > ?", (provider, now))
        return {**counted, Scope.CONCURRENCY: held[0][0]}

    async def wait(self, until: float, providers: Collection[str] = ()) -> None:
        """Sleep until the moment, or until a call of this process gives a place at one of the providers back.

        Those who wait for the same providers wait in line: the first one wakes alone and tries, and if there is no
        room for it the others need not find that out one by one.
        """
        queue = self._queues.setdefault(frozenset(providers), _Queue(frozenset(providers), self._clock))
        await queue.wait(until)

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class LimitLayer:
    """Lets no call through that is over a provider's limits."""

    def __init__(self, limiter: Limiter, limits: Limits, lease_s: float) -> None:
        self._limiter = limiter
        self._limits = limits
        self._lease_s = lease_s

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on if there is room."""
        provider, name = call.traits.name, call.external_id
        match call.operation:
            case Operation.START:
                self._limiter.acquire(provider, name, self._limits, self._lease_s)
            case Operation.POLL:
                with suppress(StoreUnwritable):
                    self._limiter.renew(provider, name, self._lease_s)
        try:
            outcome = await forward(call)
        except CallError as error:
            with suppress(StoreUnwritable):
                if isinstance(error, RateLimited):
                    self._limiter.block(provider, error.retry_at, error.scope)
                if _ends_the_job(call.operation, error):
                    self._limiter.release(provider, name)
            raise
        # A call that is cancelled on the way may be running there: it keeps its place until its lease runs out.
        with suppress(StoreUnwritable):  # a full disk must not lose what was paid for
            if isinstance(outcome, Generation) or outcome in (Cancellation.CANCELLED, Cancellation.TOO_LATE):
                self._limiter.release(provider, name)
            elif isinstance(outcome, Ticket):
                self._limiter.renew(provider, name, self._lease_s)
        return outcome


def _ends_the_job(operation: Operation, error: CallError) -> bool:
    if operation is Operation.START:
        return not isinstance(error, AmbiguousSubmit)
    return operation is Operation.POLL and isinstance(error, JobFailed | JobLost | PolicyBlocked)


def _limited(provider: str, scope: Scope, retry_at: float, now: float, what: str) -> RateLimited:
    return RateLimited(
        f"{provider} may not be asked before {retry_at - now:.1f} s from now ({what}); "
        "wait, or let another provider do it",
        retry_at=retry_at,
        scope=scope,
        side=Side.OURS,
        provider=provider,
    )


class _Queue:
    """Those who wait for room at the same providers, in line; used in one event loop."""

    def __init__(self, providers: frozenset[str], clock: Callable[[], float]) -> None:
        self._providers = providers
        self._clock = clock
        self._line: deque[asyncio.Event] = deque()
        self._until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def wait(self, until: float) -> None:
        """Wait for one's turn, then for the moment that was last heard of."""
        self._loop = asyncio.get_running_loop()
        self._until = until
        called = asyncio.Event()
        self._line.append(called)
        if len(self._line) == 1:
            called.set()
        try:
            await called.wait()
            called.clear()
            while True:
                until = self._until
                try:
                    await asyncio.wait_for(called.wait(), max(0.0, until - self._clock()))
                    break
                except TimeoutError:
                    if self._until <= until:
                        break
        finally:
            first = self._line[0] is called
            self._line.remove(called)
            if first and self._line:
                self._line[0].set()

    def room_at(self, provider: str) -> None:
        """Let the first in line try: a place became free."""
        if self._line and provider in self._providers and self._loop is not None:
            self._loop.call_soon_threadsafe(self._line[0].set)
