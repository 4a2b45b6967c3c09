"""A provider with layers around it that is itself a provider: each layer sees every call and may stop or repeat it.

An adapter knows its service and nothing else. Consent, caps, limits, retries and traces are layers, each one class with
one method; the order in which they stand around the adapter is `registry.py`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Protocol

from providers.contract import Cancellation, Generation, Provider, Quote, Request, Running, Ticket, Traits
from providers.errors import ProviderError

# Called at the moment a submit leaves: after consent, caps, limits and pauses, and before each of its tries.
SENDING: ContextVar[Callable[[], None]] = ContextVar("SENDING")


class Operation(Enum):
    """What a provider is asked to do."""

    START = "start"
    FIND = "find"
    POLL = "poll"
    CANCEL = "cancel"
    FORGET = "forget"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a provider; `request` is there for START and FIND, `ticket` for POLL, CANCEL and FORGET."""

    operation: Operation
    traits: Traits
    request: Request | None = None
    quote: Quote | None = None
    ticket: Ticket | None = None

    @property
    def external_id(self) -> str:
        """Our own name of the attempt; empty for CHECK."""
        if self.request is not None:
            return self.request.external_id
        return self.ticket.external_id if self.ticket is not None else ""

    @property
    def model(self) -> str:
        """The model that is asked."""
        if self.quote is not None:
            return self.quote.model
        return self.ticket.model if self.ticket is not None else self.traits.default_model


class NotSent(asyncio.CancelledError):
    """Cancelled while waiting, before anything was sent."""


Outcome = Ticket | Generation | Running | Cancellation | None
Forward = Callable[[Call], Awaitable[Outcome]]


class Layer(Protocol):
    """Something between a caller and a provider."""

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Do what the layer is for, and pass the call on with `forward`."""
        ...


class Layered:
    """A provider behind layers, the outermost first."""

    def __init__(self, adapter: Provider, layers: Sequence[Layer], traits: Traits | None = None) -> None:
        """Put layers around an adapter; `traits` in place of the adapter's own, where they are configured."""
        self._adapter = adapter
        self._traits = traits or adapter.traits
        forward: Forward = self._ask
        for layer in reversed(layers):
            forward = partial(layer, forward=forward)
        self._forward = forward

    @property
    def traits(self) -> Traits:
        """The provider's facts."""
        return self._traits

    def quote(self, request: Request) -> Quote:
        """Return the adapter's quote."""
        return self._adapter.quote(request)

    async def start(self, request: Request) -> Ticket | Generation:
        """Submit the request through all layers."""
        outcome = await self._forward(Call(Operation.START, self.traits, request, self.quote(request)))
        assert isinstance(outcome, Ticket | Generation)
        return outcome

    async def find(self, request: Request) -> Ticket | None:
        """Look the request up through all layers."""
        outcome = await self._forward(Call(Operation.FIND, self.traits, request, self.quote(request)))
        assert outcome is None or isinstance(outcome, Ticket)
        return outcome

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Poll through all layers."""
        outcome = await self._forward(Call(Operation.POLL, self.traits, ticket=ticket))
        assert isinstance(outcome, Running | Generation)
        return outcome

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Cancel through all layers."""
        outcome = await self._forward(Call(Operation.CANCEL, self.traits, ticket=ticket))
        assert isinstance(outcome, Cancellation)
        return outcome

    async def forget(self, ticket: Ticket) -> None:
        """Delete the provider's copy, through all layers."""
        await self._forward(Call(Operation.FORGET, self.traits, ticket=ticket))

    async def check(self) -> None:
        """Check the key, through all layers."""
        await self._forward(Call(Operation.CHECK, self.traits))

    async def close(self) -> None:
        """Close the adapter."""
        await self._adapter.close()

    async def _ask(self, call: Call) -> Outcome:
        match call:
            case Call(Operation.START, request=Request() as request):
                SENDING.get(_nothing)()
                return await self._adapter.start(request)
            case Call(Operation.FIND, request=Request() as request):
                return await self._adapter.find(request)
            case Call(Operation.POLL, ticket=Ticket() as ticket):
                return await self._adapter.poll(ticket)
            case Call(Operation.CANCEL, ticket=Ticket() as ticket):
                return await self._adapter.cancel(ticket)
            case Call(Operation.FORGET, ticket=Ticket() as ticket):
                await self._adapter.forget(ticket)
            case _:
                await self._adapter.check()
        return None


class ScrubLayer:
    """Takes out of an error's message what must not be in it: a service may quote the key that it refuses."""

    def __init__(self, scrub: Callable[[str], str]) -> None:
        self._scrub = scrub

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on, and clean what it raises."""
        try:
            return await forward(call)
        except ProviderError as error:
            error.args = tuple(self._scrub(part) if isinstance(part, str) else part for part in error.args)
            raise


def _nothing() -> None:
    return None
