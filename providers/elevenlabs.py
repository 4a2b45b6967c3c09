"""ElevenLabs Scribe: what is said in a film, with the times of its words, through the `elevenlabs` SDK.

The answer comes at once. The SDK turns missing fields into None without a word, so everything is checked here.
"""

from __future__ import annotations

import asyncio
import io
import math
import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Cancellation,
    Disclosure,
    Generation,
    Quote,
    Request,
    Running,
    Sent,
    SentKind,
    Speakers,
    Ticket,
    Traits,
    TranscribeTask,
    Transcript,
    Word,
    WordKind,
    Work,
    reject_unknown_work,
    text_item,
)
from providers.errors import (
    AmbiguousSubmit,
    AuthFailed,
    BadResponse,
    BillingExhausted,
    CallError,
    Charge,
    JobLost,
    ProviderError,
    RateLimited,
    RequestRejected,
    Scope,
    Transient,
    translated,
)
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pricing import ModelPrices, PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings, host_of
from providers.wire import connection_error, missing, retry_after_s, server_error, short, unreadable

if TYPE_CHECKING:
    import httpx
    from elevenlabs.client import AsyncElevenLabs

NAME = "elevenlabs"
KEY = KeyName("elevenlabs", "api-key", ("ELEVENLABS_API_KEY",))
URL = "https://api.elevenlabs.io"
DEFAULT_MODEL = "scribe_v2"
SIZE_LIMIT_BYTES = 3_000_000_000
LENGTH_LIMIT_MS = 10 * 3600 * 1000
CONCURRENCY_PAUSE_S = 5.0
BUSY_PAUSE_S = 3.0

TRAITS = Traits(
    name=NAME,
    title="ElevenLabs Scribe",
    telemetry_name="elevenlabs",
    works=frozenset({Work.TRANSCRIBE}),
    default_model=DEFAULT_MODEL,
)

_KINDS = {kind.value: kind for kind in WordKind}


class ElevenLabs:
    """The adapter."""

    traits = TRAITS

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._url = home(settings)
        self._http: httpx.AsyncClient | None = None
        self._client: AsyncElevenLabs | None = None
        self._client_key: Secret | None = None

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = _transcribe_task(request)
        model = request.model or self._settings.model or DEFAULT_MODEL
        prices = self._prices.of(model, like=DEFAULT_MODEL)
        seconds = Decimal(task.duration_ms) / 1000
        items = [Sent(SentKind.AUDIO, task.mime, task.audio)]
        if task.keyterms:
            items.append(text_item("\n".join(task.keyterms)))
        return Quote(
            NAME,
            model,
            _price(prices, seconds, task),
            prices.as_of,
            Disclosure(NAME, host_of(self._url), tuple(items)),
            seconds=seconds,
            parameters={"language": task.language or "auto", "speakers": task.speakers.value},
        )

    async def start(self, request: Request) -> Generation:
        """Transcribe."""
        quote = self.quote(request)
        task = _transcribe_task(request)
        client = await self._connect()
        wishes: dict[str, Any] = {}
        if task.language is not None:
            wishes["language_code"] = task.language
        if task.keyterms:
            wishes["keyterms"] = list(task.keyterms)
        answer = await translated(
            client.speech_to_text.convert(
                model_id=quote.model,
                file=("audio", io.BytesIO(task.audio), task.mime),
                tag_audio_events=True,
                diarize=task.speakers is Speakers.APART,
                timestamps_granularity="word",
                request_options={"max_retries": 0, "timeout_in_seconds": math.ceil(self._settings.timeout_s)},
                **wishes,
            ),
            elevenlabs_failure(Operation.START),
        )
        heard_s = getattr(answer, "audio_duration_secs", None)
        prices = self._prices.of(quote.model, like=DEFAULT_MODEL)
        return Generation(
            NAME,
            quote.model,
            request.external_id,
            _transcript(answer),
            usd=None if heard_s is None else _price(prices, Decimal(str(heard_s)), task),
        )

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up here."""
        raise AmbiguousSubmit(f"{TRAITS.title} cannot be asked what became of a request", provider=NAME)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Say that there are no jobs here: a transcript is answered at once."""
        raise JobLost(f"{TRAITS.title} keeps no jobs: {ticket.remote_id!r}", provider=NAME)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """There is nothing to cancel but the call itself."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing kept."""

    async def check(self) -> None:
        """Ask for the list of models."""
        client = await self._connect()
        await translated(client.models.list(request_options={"max_retries": 0}), elevenlabs_failure(Operation.CHECK))

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()
        self._http = self._client = None

    async def _connect(self) -> AsyncElevenLabs:
        key = (await asyncio.to_thread(self._keys.resolve, KEY)).secret
        if self._client is None or key != self._client_key:
            import httpx
            from elevenlabs.client import AsyncElevenLabs  # most of a second of imports: only when it is needed

            if self._http is None:
                # Not the SDK's own, which follows redirects and takes the key along.
                self._http = httpx.AsyncClient(timeout=self._settings.timeout_s)
            self._client = AsyncElevenLabs(api_key=key.reveal(), base_url=self._url, httpx_client=self._http)
            self._client_key = key
        return self._client


def home(settings: ServiceSettings) -> str:
    """Return the service's address."""
    return settings.url or URL


def elevenlabs_failure(operation: Operation) -> Callable[[Exception], ProviderError]:
    """Return the translation of what the SDK raises during an operation."""

    def translate(foreign: Exception) -> ProviderError:
        broken = connection_error(foreign, NAME, operation)
        if broken is not None:
            return broken
        status = getattr(foreign, "status_code", None)
        if status is None:
            return BadResponse(
                f"{NAME}'s answer is not what was promised ({type(foreign).__name__})",
                charge=Charge.POSSIBLE,
                provider=NAME,
            )
        body = getattr(foreign, "body", None)
        return elevenlabs_error(operation, status, body, getattr(foreign, "headers", None) or {})

    return translate


def elevenlabs_error(operation: Operation, status: int, body: object, headers: dict[str, str]) -> CallError:
    """Return what an HTTP status and its `detail` mean."""
    if status < 400:
        return unreadable(body if isinstance(body, str) else "", NAME, status)
    detail = body.get("detail") if isinstance(body, dict) else None
    reason = str(detail.get("status", "")) if isinstance(detail, dict) else ""
    words = detail.get("message") if isinstance(detail, dict) else detail
    message = f"{short(words or 'no reason given')} (HTTP {status}{', ' + reason if reason else ''})"
    if reason in ("quota_exceeded", "payment_required") or status == 402:
        return BillingExhausted(f"{NAME} has no credit left on this account: {message}", provider=NAME)
    if status in (401, 403):
        return AuthFailed(f"{NAME} does not accept the key: {message}", provider=NAME)
    if status == 429:
        if reason == "system_busy":
            return Transient(f"{NAME} is busy: {message}", provider=NAME, retry_after_s=BUSY_PAUSE_S)
        scope = Scope.CONCURRENCY if "concurrent" in reason else Scope.UNKNOWN
        pause_s = retry_after_s(headers)
        return RateLimited(
            f"{NAME} had too many requests: {message}",
            retry_at=time.time() + (CONCURRENCY_PAUSE_S if pause_s is None else pause_s),
            scope=scope,
            provider=NAME,
        )
    if status >= 500:
        return server_error(status, NAME, operation, retry_after_s=retry_after_s(headers))
    return RequestRejected(f"{NAME} does not take the request: {message}", provider=NAME)


def _transcribe_task(request: Request) -> TranscribeTask:
    reject_unknown_work(TRAITS, request)
    task = request.task
    assert isinstance(task, TranscribeTask)
    if len(task.audio) > SIZE_LIMIT_BYTES or task.duration_ms > LENGTH_LIMIT_MS:
        raise RequestRejected(
            f"Scribe takes at most 3 GB and 10 hours, not {len(task.audio)} bytes and {task.duration_ms} ms; "
            "transcribe it in parts",
            provider=NAME,
        )
    if not task.audio:
        raise RequestRejected("there is no sound to transcribe", provider=NAME)
    return task


def _price(prices: ModelPrices, seconds: Decimal, task: TranscribeTask) -> Decimal:
    factor = 1 + (prices.surcharges.get("keyterms", Decimal(0)) if task.keyterms else 0)
    return (prices.hour or Decimal(0)) * seconds / 3600 * factor


def _transcript(answer: Any) -> Transcript:  # noqa: ANN401 one of several models of the SDK, imported late
    text, words = getattr(answer, "text", None), getattr(answer, "words", None)
    if not isinstance(text, str) or not isinstance(words, list):
        raise missing("text or words", NAME)
    language = getattr(answer, "language_code", None)
    return Transcript(language if isinstance(language, str) else "und", text, tuple(_word(word) for word in words))


def _word(word: Any) -> Word:  # noqa: ANN401 as above
    start, end, text = word.start, word.end, word.text
    if not isinstance(text, str) or not _is_time(start) or not _is_time(end) or end < start:
        raise BadResponse(
            f"{NAME}'s transcript has a word without sensible times ({start = }, {end = })",
            charge=Charge.POSSIBLE,
            provider=NAME,
        )
    confidence = math.exp(min(0.0, word.logprob)) if isinstance(word.logprob, int | float) else None
    speaker = word.speaker_id if isinstance(word.speaker_id, str) else None
    kind = _KINDS.get(str(word.type), WordKind.OTHER)
    return Word(text, round(start * 1000), round(end * 1000), kind, speaker, confidence)


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
