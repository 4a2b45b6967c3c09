"""Google Veo on Vertex through the `google-genai` SDK: a video from a first and a last frame.

With an API key alone the SDK refuses Veo (that is the omni model's way, `omni.py`); Vertex takes an express key or a
cloud project's credentials. A lost answer cannot be looked up, and an operation cannot be cancelled.
"""

from __future__ import annotations

import asyncio
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
    VideoSize,
    Work,
)
from providers.errors import AmbiguousSubmit, JobFailed, KeyMissing, PolicyBlocked, RequestRejected, translated
from providers.google_client import Cloud, close_google_client, google_client
from providers.google_errors import google_failure, operation_error
from providers.google_motion import RATIOS, aspect_ratio, motion_task, sent_items
from providers.keys import KeyName, Keys
from providers.layers import Operation
from providers.pricing import PriceTable
from providers.secret import Secret
from providers.settings import ServiceSettings, host_of
from providers.wire import checked_video, missing, short

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.genai import Client, types

NAME = "veo"
KEY = KeyName("veo", "api-key", ("VERTEX_API_KEY",))
URL = "https://aiplatform.googleapis.com"
API_VERSION = "v1"
DEFAULT_MODEL = "veo-3.1-generate-001"
SECONDS = (4, 6, 8)
SECONDS_WITH_LAST_FRAME = 8
SIZES = frozenset({VideoSize.HD, VideoSize.FULL_HD})

TRAITS = Traits(
    name=NAME,
    title="Google Veo",
    telemetry_name="gcp.vertex_ai",
    works=frozenset({Work.MOTION}),
    default_model=DEFAULT_MODEL,
    ratios=RATIOS,
    poll_interval_s=10.0,
)


class Veo:
    """The adapter."""

    traits = TRAITS

    def __init__(
        self, settings: ServiceSettings, keys: Keys, prices: PriceTable, credentials: Credentials | None = None
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._credentials = credentials
        self._url = home(settings)
        self._client: Client | None = None
        self._client_key: Secret | None = None

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = motion_task(TRAITS, request)
        if task.size not in SIZES:
            raise RequestRejected(f"Veo has no {task.size.value}; choose 1080p", provider=NAME)
        model = request.model or self._settings.model or DEFAULT_MODEL
        prices = self._prices.of(model, like=DEFAULT_MODEL)
        seconds = _seconds(task)
        parameters = {"resolution": task.size.value, "duration": str(seconds), "ratio": aspect_ratio(task)}
        if request.seed is not None:
            parameters["seed"] = str(request.seed)
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
        """Submit the operation."""
        from google.genai import types

        quote = self.quote(request)
        task = motion_task(TRAITS, request)
        client = await self._connect()
        operation = await translated(
            client.aio.models.generate_videos(
                model=quote.model,
                source=types.GenerateVideosSource(prompt=_text(task), image=_image(task.first)),
                config=types.GenerateVideosConfig(
                    number_of_videos=1,
                    duration_seconds=int(quote.parameters["duration"]),
                    aspect_ratio=quote.parameters["ratio"],
                    resolution=quote.parameters["resolution"],
                    generate_audio=False,
                    seed=request.seed,
                    last_frame=None if task.last is None else _image(task.last),
                ),
            ),
            google_failure(NAME, Operation.START),
        )
        if not operation.name:
            raise missing("operation name", NAME)
        return Ticket(NAME, quote.model, operation.name, request.external_id)

    async def find(self, request: Request) -> Ticket | None:
        """Say that a lost answer cannot be looked up here."""
        raise AmbiguousSubmit(f"{TRAITS.title} cannot be asked what became of a request", provider=NAME)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Ask how far the operation is; its answer holds the video."""
        from google.genai import types

        client = await self._connect()
        asked = types.GenerateVideosOperation.model_validate({"name": ticket.remote_id})
        operation = await translated(client.aio.operations.get(asked), google_failure(NAME, Operation.POLL))
        if operation.name is None:
            raise missing("operation", NAME)
        if operation.error:
            raise operation_error(NAME, operation.error, JobFailed)
        if not operation.done:
            return Running(ticket)
        return Generation(
            NAME,
            ticket.model,
            ticket.external_id,
            checked_video(_video_bytes(operation.response), NAME),
            remote_id=ticket.remote_id,
        )

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Say that an operation cannot be cancelled."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing to delete: the video was in the answer."""

    async def check(self) -> None:
        """Ask for the model's description."""
        client = await self._connect()
        model = self._settings.model or DEFAULT_MODEL
        await translated(client.aio.models.get(model=model), google_failure(NAME, Operation.CHECK))

    async def close(self) -> None:
        """Close the connections."""
        await close_google_client(self._client)
        self._client = None

    async def _connect(self) -> Client:
        key = await asyncio.to_thread(self._express_key)
        if self._client is None or key != self._client_key:
            await close_google_client(self._client)
            self._client = google_client(
                Cloud.VERTEX,
                url=self._url,
                api_version=self._settings.api_version or API_VERSION,
                timeout_s=self._settings.timeout_s,
                key=key,
                project=self._settings.cloud_project,
                location=self._settings.cloud_location or "us-central1",
                credentials=self._credentials,
            )
            self._client_key = key
        return self._client

    def _express_key(self) -> Secret | None:
        """Return the express key, None where a cloud project stands in for it."""
        try:
            return self._keys.resolve(KEY).secret
        except KeyMissing:
            if self._settings.cloud_project:
                return None
            raise


def home(settings: ServiceSettings) -> str:
    """Return the service's address, which is the region's own where one is chosen."""
    location = settings.cloud_location
    if settings.url or not location or location == "global":
        return settings.url or URL
    return f"https://{location}-aiplatform.googleapis.com"


def _seconds(task: MotionTask) -> int:
    if task.last is not None:
        return SECONDS_WITH_LAST_FRAME
    return next((length for length in SECONDS if length * 1000 >= task.duration_ms), SECONDS[-1])


def _text(task: MotionTask) -> str:
    return f"{task.prompt} Single continuous shot, no cuts.".strip()


def _image(picture: Picture) -> types.Image:
    from google.genai import types

    return types.Image(image_bytes=picture.data, mime_type=picture.mime)


def _video_bytes(response: Any) -> bytes:  # noqa: ANN401 GenerateVideosResponse | None, whose module is only imported late
    """Return the first video of a finished operation.

    Raises:
        PolicyBlocked: it was filtered out.
        BadResponse: there is none, and no reason.
    """
    videos = (response and response.generated_videos) or []
    for video in videos:
        if video.video is not None and video.video.video_bytes:
            return bytes(video.video.video_bytes)
    if response is not None and (response.rai_media_filtered_reasons or response.rai_media_filtered_count):
        reasons = [short(reason) for reason in response.rai_media_filtered_reasons or ()]
        raise PolicyBlocked(
            f"{TRAITS.title} refuses the content ({', '.join(reasons) or 'filtered'}); change the prompt or the region",
            reasons=reasons,
            provider=NAME,
        )
    raise missing("video", NAME)
