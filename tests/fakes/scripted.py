"""A provider in memory: it does what a script says and keeps account of what it was asked and what it charged."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from providers.contract import (
    Cancellation,
    Disclosure,
    Generation,
    Lookup,
    Picture,
    Place,
    Quote,
    Request,
    Running,
    Ticket,
    Traits,
    Transcript,
    Video,
    Work,
    text_item,
)
from providers.errors import AmbiguousSubmit, JobLost

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fe"
    "a73581c40000000049454e44ae426082"
)


class Lost(Exception):
    """Script step: the request arrives and is charged, and its answer gets lost."""


@dataclass
class Script:
    """What to do with the next calls; a step is an exception to raise, or a number of seconds to take."""

    start: deque[Exception | float] = field(default_factory=deque)
    poll: deque[Exception | float] = field(default_factory=deque)


class ScriptedProvider:
    """A provider in memory."""

    def __init__(
        self,
        name: str = "scripted",
        *,
        works: Iterable[Work] = Work,
        place: Place = Place.REMOTE,
        lookup: Lookup = Lookup.NONE,
        polls: int = 0,
        usd: str = "0.10",
        takes_s: float = 0.0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.traits = Traits(
            name, name.title(), name, frozenset(works), f"{name}-1", place, lookup, poll_interval_s=1.0
        )
        self.script = Script()
        self.starts: list[tuple[float, str]] = []
        self.charged: list[str] = []
        self.jobs: dict[str, int] = {}
        self.cancelled: list[str] = []
        self.forgotten: list[str] = []
        self.running = 0
        self.most_running = 0
        self._polls = polls
        self._usd = Decimal(usd)
        self._takes_s = takes_s
        self._clock = clock or (lambda: asyncio.get_running_loop().time())

    def quote(self, request: Request) -> Quote:
        sends = Disclosure(self.traits.name, f"{self.traits.name}.example", (text_item("text"),))
        return Quote(
            self.traits.name, request.model or self.traits.default_model, self._usd, date(2026, 11, 1), sends, 1
        )

    async def start(self, request: Request) -> Ticket | Generation:
        self.starts.append((self._clock(), request.external_id))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self._obey(self.script.start)
        except Lost:
            self._charge(request)
            raise AmbiguousSubmit("the answer was lost", provider=self.traits.name) from None
        finally:
            self.running -= 1
        self._charge(request)
        if self._polls:
            return self._ticket(request.external_id)
        return self._generation(request.external_id, request.work)

    async def find(self, request: Request) -> Ticket | None:
        if self.traits.lookup is Lookup.NONE:
            raise AmbiguousSubmit("cannot be looked up", provider=self.traits.name)
        return self._ticket(request.external_id) if request.external_id in self.jobs else None

    async def poll(self, ticket: Ticket) -> Running | Generation:
        await self._obey(self.script.poll)
        if ticket.external_id not in self.jobs:
            raise JobLost("no such job", provider=self.traits.name)
        self.jobs[ticket.external_id] += 1
        if self.jobs[ticket.external_id] < self._polls:
            return Running(ticket, self.jobs[ticket.external_id] / self._polls)
        return self._generation(ticket.external_id, Work.MOTION)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        self.cancelled.append(ticket.external_id)
        return Cancellation.CANCELLED

    async def forget(self, ticket: Ticket) -> None:
        self.forgotten.append(ticket.external_id)

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def _obey(self, steps: deque[Exception | float]) -> None:
        step = steps.popleft() if steps else self._takes_s
        if isinstance(step, Exception):
            raise step
        await asyncio.sleep(step)

    def _charge(self, request: Request) -> None:
        if request.external_id in self.jobs:
            return  # the same external id is the same job
        self.jobs[request.external_id] = 0
        self.charged.append(request.external_id)

    def _ticket(self, external_id: str) -> Ticket:
        return Ticket(self.traits.name, self.traits.default_model, f"remote-{external_id}", external_id)

    def _generation(self, external_id: str, work: Work) -> Generation:
        output = {
            Work.EDIT: Picture.of(PNG),
            Work.MOTION: Video(b"video", "video/mp4"),
            Work.TRANSCRIBE: Transcript("en", "text", ()),
        }[work]
        return Generation(self.traits.name, self.traits.default_model, external_id, output, usd=self._usd)
