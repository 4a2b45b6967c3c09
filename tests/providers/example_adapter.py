"""The worked example of the developer documentation: an adapter for a small picture service, complete.

Its service takes `POST /v1/repaint` with `{"id", "prompt", "picture", "mask"}` (pictures in base64) and a bearer key,
answers at once with `{"picture": ...}` and a price in cents, and says 429 with Retry-After.
"""

from __future__ import annotations

import asyncio
import base64
import time
from decimal import Decimal

from providers.contract import (
    Cancellation,
    Disclosure,
    EditTask,
    Generation,
    Picture,
    Quote,
    Request,
    Running,
    SentKind,
    Ticket,
    Traits,
    Work,
    picture_item,
    reject_unknown_work,
    text_item,
)
from providers.errors import AmbiguousSubmit, AuthFailed, JobLost, RateLimited, RequestRejected, translated
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pricing import PriceTable
from providers.settings import ServiceSettings, host_of
from providers.wire import HeaderKey, connection_error, json_object, missing, retry_after_s, server_error, unreadable

NAME = "repaint"
KEY = KeyName(NAME, "api-key", ("REPAINT_API_KEY",))
URL = "https://api.repaint.example"
TRAITS = Traits(NAME, "Repaint", NAME, frozenset({Work.EDIT}), default_model="repaint-1")


def home(settings: ServiceSettings) -> str:
    """Return the service's address."""
    return settings.url or URL


class Repaint:
    """The adapter: to the wire, from the wire, errors to ours; nothing else."""

    traits = TRAITS

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices

    def quote(self, request: Request) -> Quote:
        """Return what it would cost and send."""
        reject_unknown_work(TRAITS, request)
        task = request.task
        assert isinstance(task, EditTask)
        prices = self._prices.of(TRAITS.default_model, like=TRAITS.default_model)
        items = (
            text_item(task.prompt),
            picture_item(SentKind.PICTURE, task.picture),
            picture_item(SentKind.MASK, task.mask),
        )
        sends = Disclosure(NAME, host_of(home(self._settings)), items)
        return Quote(NAME, TRAITS.default_model, prices.picture_usd("1K"), prices.as_of, sends, pictures=1)

    async def start(self, request: Request) -> Generation:
        """Send it; this service answers at once."""
        prompt, picture, mask = self.quote(request).sends.items
        body = {
            "id": request.external_id,
            "prompt": prompt.data.decode(),
            "picture": base64.b64encode(picture.data).decode(),
            "mask": base64.b64encode(mask.data).decode(),
        }
        answer = await self._ask(Operation.START, "POST", "/v1/repaint", body)
        if "picture" not in answer:
            raise missing("picture", NAME)
        result = Picture.of(base64.b64decode(answer["picture"]))
        cents = answer.get("cents")
        usd = None if cents is None else Decimal(str(cents)) / 100
        return Generation(NAME, TRAITS.default_model, request.external_id, result, usd=usd)

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up."""
        raise AmbiguousSubmit("Repaint cannot be asked what became of a request", provider=NAME)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Say that there are no jobs."""
        raise JobLost("Repaint keeps no jobs", provider=NAME)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """There is nothing to cancel."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing kept."""

    async def check(self) -> None:
        """Ask who the key belongs to."""
        await self._ask(Operation.CHECK, "GET", "/v1/me", None)

    async def close(self) -> None:
        """There is nothing open between calls."""

    async def _ask(
        self, operation: Operation, method: str, path: str, body: dict[str, str] | None
    ) -> dict[str, object]:
        import httpx

        key = HeaderKey("authorization", (await asyncio.to_thread(self._keys.resolve, KEY)).secret, "Bearer ")

        def failure(foreign: Exception) -> Exception:
            return connection_error(foreign, NAME, operation) or unreadable("?", NAME)

        async with httpx.AsyncClient(base_url=home(self._settings), timeout=self._settings.timeout_s) as client:
            response = await translated(client.request(method, path, json=body, auth=key), failure)
        if response.status_code == 401:
            raise AuthFailed("Repaint does not accept the key", provider=NAME)
        if response.status_code == 429:
            pause_s = retry_after_s(response.headers) or 30.0
            raise RateLimited("Repaint had too many requests", retry_at=time.time() + pause_s, provider=NAME)
        if response.status_code >= 500:
            raise server_error(response.status_code, NAME, operation)
        if response.status_code >= 400:
            raise RequestRejected(f"Repaint does not take it (HTTP {response.status_code})", provider=NAME)
        return json_object(response.content, NAME, response.status_code)
