"""What was spent, by provider and project, and the caps that stop a request before it spends more.

The rules::

    reserve   before a request leaves: its estimate counts against the caps from then on
    settle    when its result is there: what the provider billed replaces the estimate (or the estimate stands)
    release   when it is known to have cost nothing
    doubt     when it may have cost something: the estimate stays, marked as uncertain

Each of them may be repeated for the same attempt and changes nothing the second time, so that after a crash the jobs
can simply be read through again. Money is kept in whole millionths of a dollar.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from enum import Enum
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from providers.contract import Generation, Place, Quote, Work
from providers.database import Database, Durability
from providers.errors import (
    BillingExhausted,
    CallError,
    CapReached,
    CapScope,
    Charge,
    JobFailed,
    KeyProblem,
    NotAllowed,
    PolicyBlocked,
    SetupError,
    StoreUnwritable,
)
from providers.layers import Call, Forward, NotSent, Operation, Outcome

_MICRO = Decimal(1_000_000)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spend (
    attempt TEXT PRIMARY KEY, provider TEXT NOT NULL, model TEXT NOT NULL, project TEXT NOT NULL, work TEXT NOT NULL,
    at REAL NOT NULL, month TEXT NOT NULL, estimated INTEGER NOT NULL, actual INTEGER, state TEXT NOT NULL,
    pictures INTEGER NOT NULL, seconds_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS spend_by_project ON spend (project);
CREATE INDEX IF NOT EXISTS spend_by_month ON spend (month)
"""


class SpendState(Enum):
    """What is known of the cost of an attempt."""

    RESERVED = "reserved"
    SETTLED = "settled"
    RELEASED = "released"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that is about to be paid for."""

    attempt: str
    project: str
    provider: str
    model: str
    work: Work
    estimated_usd: Decimal
    pictures: int
    seconds: Decimal

    @classmethod
    def of(cls, attempt: str, project: str, work: Work, quote: Quote) -> Attempt:
        """Return the attempt that a quote describes."""
        return cls(attempt, project, quote.provider, quote.model, work, quote.usd, quote.pictures, quote.seconds)


@dataclass(frozen=True, slots=True)
class Caps:
    """What may be spent at most; None for any amount."""

    project_usd: Decimal | None = None
    month_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """One attempt in the ledger; `actual_usd` is None where the provider does not bill by request."""

    attempt: str
    project: str
    provider: str
    model: str
    work: Work
    at: float
    state: SpendState
    estimated_usd: Decimal
    actual_usd: Decimal | None
    pictures: int
    seconds: Decimal

    @property
    def counted_usd(self) -> Decimal:
        """What counts against the caps."""
        if self.state is SpendState.RELEASED:
            return Decimal(0)
        return self.estimated_usd if self.actual_usd is None else self.actual_usd


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of a provider.

    Attributes:
        requests: Attempts that cost, or may have cost, something.
        actual_usd: What was billed, with the estimate where the provider does not bill by request.
        uncertain_usd: The part of `actual_usd` that may not have been charged after all.
        last_used: Unix time in seconds.
    """

    provider: str
    requests: int
    estimated_usd: Decimal
    actual_usd: Decimal
    uncertain_usd: Decimal
    pictures: int
    seconds: Decimal
    last_used: float


class Ledger:
    """The spending of all projects, in one file that processes share."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._database = Database(path, _SCHEMA, Durability.POWER_CUT)
        self._clock = clock

    def reserve(self, attempt: Attempt, caps: Caps) -> None:
        """Count the attempt's estimate.

        Raises:
            CapReached: it would exceed a cap; nothing was counted.
        """
        now = self._clock()
        month = _month(now)
        with self._database.transaction() as connection:
            row = connection.execute("SELECT state FROM spend WHERE attempt = ?", (attempt.attempt,)).fetchone()
            if row is not None and SpendState(row[0]) in (SpendState.SETTLED, SpendState.UNCERTAIN):
                return  # sent before: the same attempt is never charged twice
            connection.execute("DELETE FROM spend WHERE attempt = ?", (attempt.attempt,))
            needed = _micro(attempt.estimated_usd)
            if needed:
                for scope, column, value, cap in (
                    (CapScope.PROJECT, "project", attempt.project, caps.project_usd),
                    (CapScope.MONTH, "month", month, caps.month_usd),
                ):
                    if cap is not None:
                        _check_cap(connection, scope, column, value, cap, needed)
            _insert(connection, attempt, now, SpendState.RESERVED)

    def release_unknown(self, prefix: str, known: Collection[str]) -> None:
        """Take back what was reserved for attempts whose name begins with `prefix`, but that were never made."""
        with self._database.transaction() as connection:
            for (name,) in connection.execute(
                "SELECT attempt FROM spend WHERE state = 'reserved' AND substr(attempt, 1, ?) = ?",
                (len(prefix), prefix),
            ).fetchall():
                if name not in known:
                    connection.execute("UPDATE spend SET state = 'released' WHERE attempt = ?", (name,))

    def restore(self, attempt: Attempt) -> None:
        """Learn of an attempt that another ledger reserved (this one was lost, or the project is from elsewhere)."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT 1 FROM spend WHERE attempt = ?", (attempt.attempt,)).fetchone()
            if row is None:
                _insert(connection, attempt, self._clock(), SpendState.RESERVED)

    def settle(self, attempt: str, billed_usd: Decimal | None) -> None:
        """Put what was billed in place of the estimate; None leaves the estimate."""
        self._conclude(attempt, SpendState.SETTLED, billed_usd)

    def release(self, attempt: str) -> None:
        """Take the estimate back: it cost nothing."""
        self._conclude(attempt, SpendState.RELEASED, None)

    def doubt(self, attempt: str) -> None:
        """Mark that nobody knows whether it cost something."""
        self._conclude(attempt, SpendState.UNCERTAIN, None)

    def spend(self, project: str | None = None) -> tuple[Spend, ...]:
        """Return all attempts, the oldest first."""
        rows = self._database.rows(
            "SELECT attempt, project, provider, model, work, at, state, estimated, actual, pictures, seconds_ms "
            "FROM spend WHERE ?1 IS NULL OR project = ?1 ORDER BY at, attempt",
            (project,),
        )
        return tuple(_spend(row) for row in rows)

    def totals(self, project: str | None = None) -> tuple[Totals, ...]:
        """Return the sums of each provider, by name."""
        sums: dict[str, Totals] = {}
        for spend in self.spend(project):
            if spend.state is SpendState.RELEASED:
                continue
            former = sums.get(spend.provider) or Totals(
                spend.provider, 0, Decimal(0), Decimal(0), Decimal(0), 0, Decimal(0), 0.0
            )
            uncertain = spend.counted_usd if spend.state is SpendState.UNCERTAIN else Decimal(0)
            sums[spend.provider] = Totals(
                spend.provider,
                former.requests + 1,
                former.estimated_usd + spend.estimated_usd,
                former.actual_usd + spend.counted_usd,
                former.uncertain_usd + uncertain,
                former.pictures + spend.pictures,
                former.seconds + spend.seconds,
                max(former.last_used, spend.at),
            )
        return tuple(sums[name] for name in sorted(sums))

    def spent_usd(self, project: str | None = None, *, month_of: float | None = None) -> Decimal:
        """Return what counts against a cap: of a project, or of the month in which the Unix time `month_of` lies."""
        month = None if month_of is None else _month(month_of)
        rows = self._database.rows(
            "SELECT coalesce(sum(coalesce(actual, estimated)), 0) FROM spend WHERE state != 'released' "
            "AND (?1 IS NULL OR project = ?1) AND (?2 IS NULL OR month = ?2)",
            (project, month),
        )
        return _usd(rows[0][0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _conclude(self, attempt: str, state: SpendState, billed_usd: Decimal | None) -> None:
        actual = None if billed_usd is None else _micro(billed_usd)
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE spend SET state = ?, actual = ? WHERE attempt = ?", (state.value, actual, attempt)
            )


class LedgerLayer:
    """Reserves before a request leaves and settles when its result comes; stops it at a cap."""

    def __init__(self, ledger: Ledger, project: str, caps: Caps) -> None:
        self._ledger = ledger
        self._project = project
        self._caps = caps

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on if the caps allow it, and write down what it cost."""
        if call.traits.place is Place.LOCAL or call.operation not in (Operation.START, Operation.POLL):
            return await forward(call)
        if call.operation is Operation.START:
            assert call.request is not None
            assert call.quote is not None
            attempt = Attempt.of(call.external_id, self._project, call.request.work, call.quote)
            self._ledger.reserve(attempt, self._caps)
        try:
            outcome = await forward(call)
        except BaseException as error:
            with suppress(StoreUnwritable):
                self._write_down(call, error)
            raise
        if isinstance(outcome, Generation):
            with suppress(
                StoreUnwritable
            ):  # a full disk must not lose what was paid for; the jobs are reconciled later
                self._ledger.settle(call.external_id, outcome.usd)
        return outcome

    def _write_down(self, call: Call, error: BaseException) -> None:
        if isinstance(error, CallError) and error.billed_usd is not None:
            self._ledger.settle(call.external_id, error.billed_usd)
        elif call.operation is Operation.POLL:
            if isinstance(error, JobFailed | PolicyBlocked | BillingExhausted):
                self._ledger.release(call.external_id)
        elif isinstance(error, NotSent | NotAllowed | KeyProblem | SetupError) or (
            isinstance(error, CallError) and error.charge is Charge.NONE
        ):
            self._ledger.release(call.external_id)
        else:
            self._ledger.doubt(call.external_id)


def _check_cap(connection: Connection, scope: CapScope, column: str, value: str, cap_usd: Decimal, needed: int) -> None:
    (spent,) = connection.execute(
        f"SELECT coalesce(sum(coalesce(actual, estimated)), 0) FROM spend WHERE state != 'released' AND {column} = ?",
        (value,),
    ).fetchone()
    if spent + needed > _micro(cap_usd):
        raise CapReached(
            f"this would cost {_usd(needed)} USD, and {_usd(spent)} of the {scope.value}'s cap of {cap_usd} USD are "
            "spent or reserved; raise the cap to go on",
            scope=scope,
            cap_usd=cap_usd,
            spent_usd=_usd(spent),
            needed_usd=_usd(needed),
        )


def _insert(connection: Connection, attempt: Attempt, now: float, state: SpendState) -> None:
    connection.execute(
        "INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, ?) "
        "ON CONFLICT (attempt) DO UPDATE SET state = excluded.state",
        (
            attempt.attempt,
            attempt.provider,
            attempt.model,
            attempt.project,
            attempt.work.value,
            now,
            _month(now),
            _micro(attempt.estimated_usd),
            state.value,
            attempt.pictures,
            int(attempt.seconds * 1000),
        ),
    )


def _spend(row: tuple[Any, ...]) -> Spend:
    name, project, provider, model, work, at, state, estimated, actual, pictures, seconds_ms = row
    return Spend(
        name,
        project,
        provider,
        model,
        Work(work),
        at,
        SpendState(state),
        _usd(estimated),
        None if actual is None else _usd(actual),
        pictures,
        Decimal(seconds_ms) / 1000,
    )


def _month(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def _micro(usd: Decimal) -> int:
    return int((usd * _MICRO).to_integral_value(ROUND_UP))


def _usd(micro: int) -> Decimal:
    return Decimal(micro) / _MICRO
