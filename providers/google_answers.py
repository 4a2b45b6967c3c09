"""What the adapters of Google's `generateContent` have in common: they share the key, and answer at once or not at all.

Refusals come with HTTP 200.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from providers.contract import Cancellation, Request, Running, Sent, SentKind, Ticket, Traits
from providers.errors import AmbiguousSubmit, JobLost, PolicyBlocked, translated
from providers.google_client import Cloud, close_google_client, google_client
from providers.google_errors import google_failure
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pricing import ModelPrices, PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings
from providers.wire import short

if TYPE_CHECKING:
    from google.genai import Client, types

KEY = KeyName("gemini", "api-key", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
URL = "https://generativelanguage.googleapis.com"

# These finish reasons come with an answer; every other one, also one that is newer than this file, is a refusal.
_FINISHED = frozenset({"STOP", "MAX_TOKENS", "FINISH_REASON_UNSPECIFIED"})


def home(settings: ServiceSettings) -> str:
    """Return the service's address."""
    return settings.url or URL


class GoogleAnswers:
    """An adapter without its `quote` and `start`."""

    traits: Traits
    api_version: ClassVar[str]
    aliases: ClassVar[Mapping[str, str]] = {}
    """Models that were shut down, but are still named by saved projects."""

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._url = home(settings)
        self._client: Client | None = None
        self._client_key: Secret | None = None

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up here."""
        name = self.traits.name
        raise AmbiguousSubmit(f"{self.traits.title} cannot be asked what became of a request", provider=name)

    async def poll(self, ticket: Ticket) -> Running:
        """Say that there are no jobs here: everything is answered at once."""
        raise JobLost(f"{self.traits.title} keeps no jobs: {ticket.remote_id!r}", provider=self.traits.name)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """There is nothing to cancel but the call itself."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing kept."""

    async def check(self) -> None:
        """Ask for the model's description."""
        client = await self._connect()
        failure = google_failure(self.traits.name, Operation.CHECK)
        await translated(client.aio.models.get(model=self._model(None)), failure)

    async def close(self) -> None:
        """Close the connections."""
        await close_google_client(self._client)
        self._client = None

    async def _answer(
        self, model: str, items: tuple[Sent, ...], config: types.GenerateContentConfig
    ) -> types.GenerateContentResponse:
        client = await self._connect()
        asked = client.aio.models.generate_content(model=model, contents=_content(items), config=config)
        return await translated(asked, google_failure(self.traits.name, Operation.START))

    async def _connect(self) -> Client:
        # The vault may ask the keyring, which may block: never in the loop.
        key = (await asyncio.to_thread(self._keys.resolve, KEY)).secret
        if self._client is None or key != self._client_key:
            await close_google_client(self._client)
            self._client = google_client(
                Cloud.DEVELOPER,
                url=self._url,
                api_version=self._settings.api_version or self.api_version,
                timeout_s=self._settings.timeout_s,
                key=key,
            )
            self._client_key = key
        return self._client

    def _model(self, wished: str | None) -> str:
        model = wished or self._settings.model or self.traits.default_model
        return self.aliases.get(model, model)

    def _prices_of(self, model: str) -> ModelPrices:
        return self._prices.of(model, like=self.traits.default_model)


def answer_parts(response: types.GenerateContentResponse) -> list[types.Part]:
    """Return the parts of an answer that are no thoughts."""
    candidates = response.candidates or []
    parts = [part for candidate in candidates for part in (candidate.content and candidate.content.parts) or ()]
    return [part for part in parts if not part.thought]


def raise_blocked(response: types.GenerateContentResponse, traits: Traits, way_out: str) -> None:
    """Raise PolicyBlocked where the request itself was refused."""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        raise refused(traits, [enum_name(feedback.block_reason)], feedback.block_reason_message, way_out)


def raise_unfinished(response: types.GenerateContentResponse, traits: Traits, way_out: str) -> None:
    """Raise PolicyBlocked where an answer ended for another reason than that it was done."""
    reasons = [reason for reason in finish_reasons(response) if reason not in _FINISHED]
    if reasons:
        candidates = response.candidates or []
        message = next((candidate.finish_message for candidate in candidates if candidate.finish_message), None)
        raise refused(traits, reasons, message or answer_text(response), way_out)


def refused(traits: Traits, reasons: list[str], words: str | None, way_out: str) -> PolicyBlocked:
    """Return a refusal for reasons, with the service's own words."""
    said = f": {short(words)}" if words else ""
    message = f"{traits.title} refuses ({', '.join(reasons)}){said}; {way_out}"
    return PolicyBlocked(message, reasons=reasons, provider=traits.name)


def finish_reasons(response: types.GenerateContentResponse) -> list[str]:
    """Return why each candidate ended, where it says so."""
    candidates = response.candidates or []
    return [enum_name(candidate.finish_reason) for candidate in candidates if candidate.finish_reason is not None]


def answer_text(response: types.GenerateContentResponse) -> str:
    """Return the text of an answer, "" where it holds none."""
    return " ".join(part.text for part in answer_parts(response) if part.text)


def token_usd(prices: ModelPrices, used: Mapping[str, int]) -> Decimal:
    """Return the price of tokens, by their kinds in the price table."""
    counts = used.items()
    return sum((prices.tokens.get(kind, Decimal(0)) * count / 1_000_000 for kind, count in counts), start=Decimal(0))


def enum_name(value: Any) -> str:  # noqa: ANN401 an enum of the SDK, or the text of a value that it does not know
    """Return the name of a value that may be newer than the SDK."""
    return str(getattr(value, "value", value))


def _content(items: tuple[Sent, ...]) -> types.Content:
    from google.genai import types

    parts = [
        types.Part.from_text(text=item.data.decode())
        if item.kind is SentKind.TEXT
        else types.Part.from_bytes(data=item.data, mime_type=item.mime)
        for item in items
    ]
    return types.Content(role="user", parts=parts)
