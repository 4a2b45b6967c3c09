"""Kling 3.0 over its current API (bearer key): a video from a first and a last frame.

There is no SDK. `external_task_id` is unique per account, so a submit whose answer was lost can be looked up, and the
same submit twice is refused rather than paid twice. A task cannot be cancelled.
"""

from __future__ import annotations

import asyncio
import base64
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Cancellation,
    Disclosure,
    Generation,
    Lookup,
    MotionTask,
    Quote,
    Request,
    Running,
    Ticket,
    Traits,
    VideoSize,
    Work,
)
from providers.errors import JobLost, translated
from providers.keys import KeyName, Keys
from providers.kling_errors import (
    NoSuchTask,
    billed_usd,
    exchange,
    http_failure,
    kling_home,
    motion_task,
    sent_items,
    task_failure,
    whole_seconds,
)
from providers.layers import Operation
from providers.pricing import PriceTable
from providers.settings import ServiceSettings, host_of
from providers.wire import fetch_video, missing

if TYPE_CHECKING:
    import httpx

NAME = "kling"
KEY = KeyName("kling", "api-key", ("KLING_API_KEY",))
DEFAULT_MODEL = "kling-3.0"
SECONDS = range(3, 16)
_RESOLUTIONS = {VideoSize.HD: "720p", VideoSize.FULL_HD: "1080p", VideoSize.UHD: "4K"}

TRAITS = Traits(
    name=NAME,
    title="Kling",
    telemetry_name="kling",
    works=frozenset({Work.MOTION}),
    default_model=DEFAULT_MODEL,
    lookup=Lookup.BY_EXTERNAL_ID,
)


class Kling:
    """The adapter."""

    traits = TRAITS

    def __init__(self, settings: ServiceSettings, keys: Keys, prices: PriceTable) -> None:
        self._settings = settings
        self._keys = keys
        self._prices = prices
        self._url = kling_home(settings)
        self._client: httpx.AsyncClient | None = None

    def quote(self, request: Request) -> Quote:
        """Return what the request would cost and send."""
        task = motion_task(TRAITS, request)
        model = request.model or self._settings.model or DEFAULT_MODEL
        prices = self._prices.of(model, like=DEFAULT_MODEL)
        seconds = whole_seconds(task.duration_ms, SECONDS)
        return Quote(
            NAME,
            model,
            prices.second_usd(task.size.value) * seconds,
            prices.as_of,
            Disclosure(NAME, host_of(self._url), sent_items(task)),
            seconds=Decimal(seconds),
            parameters={"resolution": _RESOLUTIONS[task.size], "duration": str(seconds)},
        )

    async def start(self, request: Request) -> Ticket:
        """Submit the task."""
        quote = self.quote(request)
        task = motion_task(TRAITS, request)
        answer = await self._ask(
            Operation.START, "POST", f"/image-to-video/{quote.model}", json=_body(task, quote, request.external_id)
        )
        return Ticket(NAME, quote.model, _task_id(_tasks(answer)), request.external_id)

    async def find(self, request: Request) -> Ticket | None:
        """Look for a task with the request's external id; of several, a failed one only if all are."""
        try:
            answer = await self._ask(Operation.FIND, "GET", "/tasks", params={"external_task_ids": request.external_id})
        except NoSuchTask:
            return None
        own = [
            task for task in _tasks(answer) if task.get("external_task_id", request.external_id) == request.external_id
        ]
        if not own:
            return None
        own.sort(key=lambda task: task.get("status") == "failed")
        return Ticket(NAME, self.quote(request).model, _task_id(own), request.external_id)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Ask how far the task is, and fetch its video when it is done."""
        try:
            answer = await self._ask(Operation.POLL, "GET", "/tasks", params={"task_ids": ticket.remote_id})
        except NoSuchTask:
            answer = {"data": []}
        task = next((task for task in _tasks(answer) if str(task.get("id")) == ticket.remote_id), None)
        if task is None:
            raise JobLost(f"Kling does not know the task {ticket.remote_id} any more", provider=NAME)
        usd = billed_usd(task.get("billing"))
        match task.get("status"):
            case "succeeded":
                url = _video_url(task)
                video = await translated(
                    fetch_video(await self._connect(), url, NAME), http_failure(NAME, Operation.POLL)
                )
                return Generation(NAME, ticket.model, ticket.external_id, video, remote_id=ticket.remote_id, usd=usd)
            case "failed":
                raise task_failure(NAME, task.get("message") or task.get("status_msg"), usd)
            case None:
                raise missing("status", NAME)
            case _:
                return Running(ticket)  # submitted, processing, and whatever else comes to exist before an end

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Say that a task cannot be cancelled."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is no way to delete a task; Kling does so after 30 days."""

    async def check(self) -> None:
        """Ask for a task that does not exist."""
        try:
            await self._ask(Operation.CHECK, "GET", "/tasks", params={"task_ids": "deltacut-key-test"})
        except NoSuchTask:
            return

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(
        self,
        operation: Operation,
        method: str,
        path: str,
        *,
        json: dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        key = (await asyncio.to_thread(self._keys.resolve, KEY)).secret
        client = await self._connect()
        return await exchange(
            client, NAME, operation, client.build_request(method, path, json=json, params=params), key
        )

    async def _connect(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(base_url=self._url, timeout=self._settings.timeout_s)
        return self._client


def _body(task: MotionTask, quote: Quote, external_id: str) -> dict[str, Any]:
    contents = [{"type": "prompt", "text": task.prompt}] if task.prompt else []
    contents.append({"type": "first_frame", "url": base64.b64encode(task.first.data).decode()})
    if task.last is not None:
        contents.append({"type": "last_frame", "url": base64.b64encode(task.last.data).decode()})
    return {
        "contents": contents,
        "settings": {
            "multi_shot": False,  # the default is true, and makes cuts
            "audio": "off",
            "resolution": quote.parameters["resolution"],
            "duration": int(quote.parameters["duration"]),
        },
        "options": {"external_task_id": external_id},
    }


def _tasks(answer: dict[str, Any]) -> list[dict[str, Any]]:
    data = answer.get("data")
    entries = data if isinstance(data, list) else [data]
    return [entry for entry in entries if isinstance(entry, dict)]


def _task_id(tasks: list[dict[str, Any]]) -> str:
    if not tasks or not tasks[0].get("id"):
        raise missing("task id", NAME)
    return str(tasks[0]["id"])


def _video_url(task: dict[str, Any]) -> str:
    for output in task.get("outputs") or ():
        if isinstance(output, dict) and output.get("type") == "video" and output.get("url"):
            return str(output["url"])
    raise missing("video", NAME)
