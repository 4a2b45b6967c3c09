"""The only retry layer: the SDKs' own are switched off.

The rules::

    Transient       again after the pause that the provider asks for, else after a growing one
    RateLimited     again, if the provider says that there is room in a moment; our own windows are not waited for here:
                    whoever asked decides between another provider and waiting
    BadResponse     once more, if it cannot have cost anything; a poll costs nothing
    all else        never; above all not AmbiguousSubmit
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import stamina

from providers.errors import BadResponse, Charge, RateLimited, Side, Transient
from providers.layers import Call, Forward, NotSent, Operation, Outcome

# By default each retry is logged as a warning, which an unconfigured program prints; ours are in the traces.
stamina.instrumentation.set_on_retry_hooks(())


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try.

    Attributes:
        attempts: Tries of one call, the first included.
        pause_s: The longest pause that is waited out here; a provider that asks for a longer one is left alone.
        rate_pause_s: The same for a rate limit.
        first_pause_s: The pause after the first failure, where the provider does not say; it doubles each time.
    """

    attempts: int = 4
    pause_s: float = 8.0
    rate_pause_s: float = 2.0
    first_pause_s: float = 0.5


class RetryLayer:
    """Repeats a call that is worth repeating."""

    def __init__(self, patience: Patience, clock: Callable[[], float] = time.time) -> None:
        self._patience = patience
        self._clock = clock

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on, again where the rules allow it."""
        in_flight = False
        bad_responses = 0

        def pause(error: Exception) -> bool | float:
            nonlocal bad_responses
            if isinstance(error, Transient):
                return True if error.retry_after_s is None else _within(self._patience.pause_s, error.retry_after_s)
            if isinstance(error, RateLimited):
                pause_s = error.retry_at - self._clock()
                return error.side is Side.THEIRS and _within(self._patience.rate_pause_s, pause_s)
            if isinstance(error, BadResponse):
                bad_responses += 1
                free = error.charge is Charge.NONE or call.operation is not Operation.START
                return free and bad_responses == 1
            return False

        tries = stamina.retry_context(
            on=pause,
            attempts=self._patience.attempts,
            timeout=None,
            wait_initial=self._patience.first_pause_s,
            wait_max=self._patience.pause_s,
            wait_jitter=self._patience.first_pause_s / 2,
        )
        try:
            async for attempt in tries:
                with attempt:
                    in_flight = True
                    try:
                        return await forward(call)
                    except Exception:
                        in_flight = False
                        raise
        except asyncio.CancelledError:
            if in_flight:
                raise
            raise NotSent from None
        raise AssertionError("unreachable: the last failure is raised")


def _within(limit_s: float, pause_s: float) -> bool | float:
    return max(0.0, pause_s) if pause_s <= limit_s else False
