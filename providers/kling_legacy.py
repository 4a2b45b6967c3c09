"""Kling over its legacy API, for accounts that have an access key and a secret key (JWT) instead of a bearer key.

The same tasks and codes as the current API under other names: `image_tail`, `mode`, `succeed`. The task's path takes
our own id as well as Kling's, so a lost answer can be looked up here too.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from providers.contract import (
    Cancellation,
    Disclosure,
    Generation,
    Lookup,
    Quote,
    Request,
    Running,
    Ticket,
    Traits,
    VideoSize,
    Work,
)
from providers.errors import JobLost, RequestRejected, translated
from providers.keys import KeyName, Keys
from providers.kling_errors import (
    NoSuchTask,
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
from providers.secret import Secret
from providers.settings import ServiceSettings, host_of
from providers.wire import fetch_video, missing

if TYPE_CHECKING:
    import httpx

NAME = "kling-legacy"
ACCESS_KEY = KeyName(NAME, "access-key", ("KLING_ACCESS_KEY",))
SECRET_KEY = KeyName(NAME, "secret-key", ("KLING_SECRET_KEY",))
DEFAULT_MODEL = "kling-v3"
PATH = "/v1/videos/image2video"
SECONDS = (5, 10)
_MODES = {VideoSize.HD: "std", VideoSize.FULL_HD: "pro"}
_TOKEN_LIFE_S = 1800
_TOKEN_LEEWAY_S = 5

TRAITS = Traits(
    name=NAME,
    title="Kling (legacy API)",
    telemetry_name="kling",
    works=frozenset({Work.MOTION}),
    default_model=DEFAULT_MODEL,
    lookup=Lookup.BY_EXTERNAL_ID,
)


class KlingLegacy:
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
        if task.size not in _MODES:
            raise RequestRejected(f"Kling's legacy API has no {task.size.value}; choose 1080p", provider=NAME)
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
            parameters={"mode": _MODES[task.size], "duration": str(seconds)},
        )

    async def start(self, request: Request) -> Ticket:
        """Submit the task."""
        quote = self.quote(request)
        task = motion_task(TRAITS, request)
        body = {
            "model_name": quote.model,
            "image": base64.b64encode(task.first.data).decode(),
            "prompt": task.prompt,
            "mode": quote.parameters["mode"],
            "duration": quote.parameters["duration"],
            "external_task_id": request.external_id,
        }
        if task.last is not None:
            body["image_tail"] = base64.b64encode(task.last.data).decode()
        answer = await self._ask(Operation.START, "POST", PATH, body=body)
        return Ticket(NAME, quote.model, _task_id(answer), request.external_id)

    async def find(self, request: Request) -> Ticket | None:
        """Look for a task with the request's external id."""
        try:
            answer = await self._ask(Operation.FIND, "GET", f"{PATH}/{request.external_id}")
        except NoSuchTask:
            return None
        return Ticket(NAME, self.quote(request).model, _task_id(answer), request.external_id)

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Ask how far the task is, and fetch its video when it is done."""
        try:
            answer = await self._ask(Operation.POLL, "GET", f"{PATH}/{ticket.remote_id}")
        except NoSuchTask:
            answer = None
        if answer is None:
            raise JobLost(f"Kling does not know the task {ticket.remote_id} any more", provider=NAME)
        task = _task(answer)
        match task.get("task_status"):
            case "succeed":
                url = _video_url(task)
                video = await translated(
                    fetch_video(await self._connect(), url, NAME), http_failure(NAME, Operation.POLL)
                )
                return Generation(NAME, ticket.model, ticket.external_id, video, remote_id=ticket.remote_id)
            case "failed":
                raise task_failure(NAME, task.get("task_status_msg"), None)
            case None:
                raise missing("status", NAME)
            case _:
                return Running(ticket)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """Say that a task cannot be cancelled."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is no way to delete a task; Kling does so after 30 days."""

    async def check(self) -> None:
        """Ask for a task that does not exist."""
        try:
            await self._ask(Operation.CHECK, "GET", f"{PATH}/deltacut-key-test")
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
        body: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        access = (await asyncio.to_thread(self._keys.resolve, ACCESS_KEY)).secret
        secret = (await asyncio.to_thread(self._keys.resolve, SECRET_KEY)).secret
        client = await self._connect()
        token = signed_token(access, secret, time.time())
        return await exchange(client, NAME, operation, client.build_request(method, path, json=body), token)

    async def _connect(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            self._client = httpx.AsyncClient(base_url=self._url, timeout=self._settings.timeout_s)
        return self._client


def signed_token(access: Secret, secret: Secret, now: float) -> Secret:
    """Return a JSON Web Token (RFC 7519, HS256) that is valid for half an hour."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"iss": access.reveal(), "exp": int(now) + _TOKEN_LIFE_S, "nbf": int(now) - _TOKEN_LEEWAY_S}
    text = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    signature = hmac.new(secret.reveal().encode(), text.encode(), hashlib.sha256).digest()
    return Secret(f"{text}.{_base64url(signature)}")


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _task(answer: dict[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    if not isinstance(data, dict):
        raise missing("task", NAME)
    return data


def _task_id(answer: dict[str, Any]) -> str:
    task = _task(answer)
    if not task.get("task_id"):
        raise missing("task id", NAME)
    return str(task["task_id"])


def _video_url(task: dict[str, Any]) -> str:
    result = task.get("task_result")
    videos = result.get("videos") if isinstance(result, dict) else None
    for video in videos or ():
        if isinstance(video, dict) and video.get("url"):
            return str(video["url"])
    raise missing("video", NAME)
