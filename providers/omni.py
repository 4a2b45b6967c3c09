"""Google's omni model on the Interactions API (API key): a video from a first and a last frame.

It shares the Gemini key. The interaction runs in the background and is stored there until `forget` deletes it, which
happens only after its video is safe here. A refusal can be a completed interaction that holds words and no video.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Cancellation,
    Disclosure,
    Generation,
    MotionTask,
    Picture,
    Quote,
    Request,
    Running,
    Ticket,
    Traits,
    Video,
    VideoSize,
    Work,
)
from providers.errors import (
    AmbiguousSubmit,
    BillingExhausted,
    JobFailed,
    JobLost,
    PolicyBlocked,
    RequestRejected,
    translated,
)
from providers.google_client import Cloud, close_google_client, google_client
from providers.google_errors import google_failure, operation_error
from providers.google_motion import RATIOS, aspect_ratio, motion_task, sent_items
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pricing import PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings, host_of
from providers.wire import HeaderKey, checked_video, fetch_video, missing, short

if TYPE_CHECKING:
    import httpx
    from google.genai import Client

NAME = "omni"
KEY = KeyName("gemini", "api-key", ("GEMINI_API_KEY", "GOOGLE_API_KEY"))
URL = "https://generativelanguage.googleapis.com"
API_VERSION = "v1"
DEFAULT_MODEL = "gemini-omni-1.1-flash"
SECONDS = range(3, 11)

TRAITS = Traits(
    name=NAME,
    title="Google Omni",
    telemetry_name="gcp.gemini",
    works=frozenset({Work.MOTION}),
    default_model=DEFAULT_MODEL,
    ratios=RATIOS,
)

_ENDED = frozenset({"failed", "cancelled", "incomplete", "requires_action", "requires_continuation"})


class Omni:
    """The adapter."""

    traits = TRAITS

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._url = home(settings)
        self._client: Client | None = None
        self._client_key: Secret | None = None
        self._files: httpx.AsyncClient | None = None

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = motion_task(TRAITS, request)
        model = request.model or self._settings.model or DEFAULT_MODEL
        prices = self._prices.of(model, like=DEFAULT_MODEL)
        if task.size is VideoSize.UHD:
            raise RequestRejected(f"{TRAITS.title} has no 4k; choose 1080p", provider=NAME)
        seconds = next((length for length in SECONDS if length * 1000 >= task.duration_ms), SECONDS[-1])
        parameters = {"resolution": task.size.value, "duration": str(seconds), "ratio": aspect_ratio(task)}
        return Quote(
            NAME,
            model,
            prices.second_usd(task.size.value) * seconds,
            prices.as_of,
            Disclosure(NAME, host_of(self._url), sent_items(_text(task), task)),
            seconds=Decimal(seconds),
            parameters=parameters,
        )

    async def start(self, request: Request) -> Ticket:
        """Submit the interaction."""
        quote = self.quote(request)
        task = motion_task(TRAITS, request)
        client = await self._connect()
        pictures = [task.first] if task.last is None else [task.first, task.last]
        create: Any = client.aio.interactions.create
        interaction = await translated(
            create(
                model=quote.model,
                background=True,
                store=True,
                input=[*(_image(picture) for picture in pictures), {"type": "text", "text": _text(task)}],
                response_format={
                    "type": "video",
                    "aspect_ratio": quote.parameters["ratio"],
                    "duration": f"{quote.parameters['duration']}s",
                    "resolution": quote.parameters["resolution"],
                    "delivery": "uri",
                },
                generation_config={"video_config": {"task": "image_to_video"}},
            ),
            google_failure(NAME, Operation.START),
        )
        if not interaction.id:
            raise missing("id", NAME)
        return Ticket(NAME, quote.model, interaction.id, request.external_id)

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up here."""
        raise AmbiguousSubmit(f"{TRAITS.title} cannot be asked what became of a request", provider=NAME)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Ask how far the interaction is, and fetch its video when it is done."""
        client = await self._connect()
        interaction = await translated(
            client.aio.interactions.get(ticket.remote_id), google_failure(NAME, Operation.POLL)
        )
        match interaction.status:
            case None:
                raise missing("status", NAME)
            case "completed":
                pass
            case "budget_exceeded":
                raise BillingExhausted(f"{TRAITS.title} stopped at this account's budget", provider=NAME)
            case status if status in _ENDED:
                raise _failure(str(status), interaction.errors or ())
            case _:
                return Running(ticket)  # queued, in_progress, and whatever else comes to exist before an end
        video = await self._video(interaction)
        usage = interaction.usage
        return Generation(
            NAME,
            interaction.model or ticket.model,
            ticket.external_id,
            video,
            remote_id=ticket.remote_id,
            input_tokens=usage.total_input_tokens if usage else None,
            output_tokens=usage.total_output_tokens if usage else None,
        )

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Cancel the interaction."""
        client = await self._connect()
        try:
            await translated(client.aio.interactions.cancel(ticket.remote_id), google_failure(NAME, Operation.CANCEL))
        except (JobLost, RequestRejected):
            return Cancellation.TOO_LATE
        return Cancellation.CANCELLED

    async def forget(self, ticket: Ticket) -> None:
        """Delete the interaction and its video there."""
        client = await self._connect()
        try:
            await translated(client.aio.interactions.delete(ticket.remote_id), google_failure(NAME, Operation.FORGET))
        except JobLost:
            return

    async def check(self) -> None:
        """Ask for the model's description."""
        client = await self._connect()
        model = self._settings.model or DEFAULT_MODEL
        await translated(client.aio.models.get(model=model), google_failure(NAME, Operation.CHECK))

    async def close(self) -> None:
        """Close the connections."""
        await close_google_client(self._client)
        if self._files is not None:
            await self._files.aclose()
        self._client = self._files = None

    async def _connect(self) -> Client:
        key = (await asyncio.to_thread(self._keys.resolve, KEY)).secret
        if self._client is None or key != self._client_key:
            await close_google_client(self._client)
            self._client = google_client(
                Cloud.DEVELOPER,
                url=self._url,
                api_version=self._settings.api_version or API_VERSION,
                timeout_s=self._settings.timeout_s,
                key=key,
            )
            self._client_key = key
        return self._client

    async def _video(self, interaction: Any) -> Video:  # noqa: ANN401 the SDK's Interaction, imported late
        found = interaction.output_video
        if found is not None and found.uri:
            if self._files is None:
                import httpx

                self._files = httpx.AsyncClient(base_url=self._url, timeout=self._settings.timeout_s)
            assert self._client_key is not None
            key = HeaderKey("x-goog-api-key", self._client_key)
            return await translated(
                fetch_video(self._files, str(found.uri), NAME, key), google_failure(NAME, Operation.POLL)
            )
        if found is not None and found.data:
            try:
                return checked_video(base64.b64decode(found.data), NAME)
            except (binascii.Error, ValueError):
                pass
            raise missing("readable video", NAME)
        if interaction.output_text:
            raise PolicyBlocked(
                f"{TRAITS.title} answers in words instead of a video: {short(interaction.output_text)}; change the "
                "prompt or the region",
                reasons=["TEXT_ONLY"],
                provider=NAME,
            )
        raise missing("video", NAME)


def home(settings: ServiceSettings) -> str:
    """Return the service's address."""
    return settings.url or URL


def _text(task: MotionTask) -> str:
    ends = "Start on <FIRST_FRAME>" if task.last is None else "Start on <FIRST_FRAME> and end on <LAST_FRAME>"
    return f"{task.prompt} {ends}. Single continuous shot, no cuts, no sound.".strip()


def _image(picture: Picture) -> dict[str, str]:
    return {"type": "image", "data": base64.b64encode(picture.data).decode(), "mime_type": picture.mime}


def _failure(status: str, errors: Any) -> JobFailed | PolicyBlocked:  # noqa: ANN401 the SDK's Error, imported late
    said = "; ".join(f"{error.code or ''} {error.message or ''}".strip() for error in errors) or status
    failure = operation_error(NAME, {"message": said}, JobFailed)
    assert isinstance(failure, JobFailed | PolicyBlocked)
    return failure
