"""What both Kling APIs share: their error codes, what they ask of pictures, and one HTTP exchange."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from providers.contract import (
    MotionTask,
    Picture,
    Request,
    Sent,
    SentKind,
    Traits,
    picture_item,
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
    JobFailed,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    RequestRejected,
    Scope,
    translated,
)
from providers.layers import Operation
from providers.secret import Secret
from providers.settings import ServiceSettings
from providers.wire import HeaderKey, connection_error, json_object, server_error, short, unreadable

if TYPE_CHECKING:
    import httpx

URL = "https://api-singapore.klingai.com"

# No Retry-After comes with these; a task holds its place of the concurrency for minutes.
RATE_PAUSE_S = 5.0
CONCURRENCY_PAUSE_S = 10.0

NO_SUCH_TASK = frozenset({1202, 1203})
PROMPT_LIMIT = 2500
_PICTURE_LIMIT_BYTES = 10_000_000
_SIDE_MIN_PX = 300
_RATIO_MAX = 2.5
_POLICY = re.compile(r"risk control|policy|sensitive|violat|prohibited", re.IGNORECASE)


def kling_home(settings: ServiceSettings) -> str:
    """Return the address of either API; the keys of the two regions are not interchangeable."""
    return settings.url or URL


class NoSuchTask(Exception):
    """The API has no such task; what that means depends on who asked."""


async def exchange(
    client: httpx.AsyncClient, provider: str, operation: Operation, request: httpx.Request, key: Secret
) -> dict[str, Any]:
    """Send a request with the bearer key and return the answer's JSON, its code checked.

    Raises:
        CallError: what the code or the connection means.
        NoSuchTask: codes 1202 and 1203, except of a submit.
    """
    response = await translated(
        client.send(request, auth=HeaderKey("authorization", key, "Bearer ")), http_failure(provider, operation)
    )
    if response.status_code == 404 and operation is not Operation.START:
        raise NoSuchTask
    if response.status_code >= 500 and not response.content.lstrip().startswith(b"{"):
        raise server_error(response.status_code, provider, operation)
    if 300 <= response.status_code < 400:
        raise unreadable(response.content, provider, response.status_code)
    content = json_object(response.content, provider, response.status_code)
    code = content.get("code")
    if code == 0 and response.status_code == 200:
        return content
    if code in NO_SUCH_TASK and operation is not Operation.START:
        raise NoSuchTask
    raise kling_error(provider, operation, response.status_code, code, short(content.get("message") or ""))


def http_failure(provider: str, operation: Operation) -> Callable[[Exception], ProviderError]:
    """Return the translation of what httpx raises."""

    def translate(foreign: Exception) -> ProviderError:
        return connection_error(foreign, provider, operation) or BadResponse(
            f"{provider}'s answer is not HTTP as promised ({type(foreign).__name__})",
            charge=Charge.POSSIBLE,
            provider=provider,
        )

    return translate


def kling_error(provider: str, operation: Operation, status: int, code: object, message: str) -> CallError:
    """Return what an error code means (the same codes in both APIs; they also come with HTTP 200)."""
    said = f"{message or 'no reason given'} (HTTP {status}, code {code})"
    match code:
        case 1000 | 1001 | 1002 | 1003 | 1004 | 1103:
            return AuthFailed(f"{provider} does not accept the key: {said}", provider=provider)
        case 1100 | 1101 | 1102:
            return BillingExhausted(f"{provider} has no credit left on this account: {said}", provider=provider)
        case 1201 | 1200 if "external_task_id" in message and operation is Operation.START:
            # The id is ours and unique: it is our own earlier submit that is there already.
            return AmbiguousSubmit(f"{provider} has this request already: {said}", provider=provider)
        case 1300 | 1301:
            return PolicyBlocked(f"{provider} refuses the content: {said}", reasons=[str(code)], provider=provider)
        case 1302:
            return _limited(provider, Scope.MINUTE, RATE_PAUSE_S, said)
        case 1303:
            return _limited(provider, Scope.CONCURRENCY, CONCURRENCY_PAUSE_S, said)
        case 1304:
            return AuthFailed(f"{provider} does not take requests from this address: {said}", provider=provider)
        case 5000 | 5001 | 5002:
            return server_error(status if status >= 500 else 500, provider, operation)
    if status == 429:
        return _limited(provider, Scope.UNKNOWN, RATE_PAUSE_S, said)
    if status >= 500:
        return server_error(status, provider, operation)
    if status == 200:
        return BadResponse(
            f"{provider} answers with an unknown code: {said}", charge=Charge.POSSIBLE, provider=provider
        )
    return RequestRejected(f"{provider} does not take the request: {said}", provider=provider)


def task_failure(provider: str, message: object, billed_usd: Decimal | None) -> CallError:
    """Return what the end of a failed task means."""
    said = short(message or "no reason given")
    if _POLICY.search(said):
        return PolicyBlocked(f"{provider} refuses the content: {said}", provider=provider, billed_usd=billed_usd)
    return JobFailed(f"{provider} gave the job up: {said}", provider=provider, billed_usd=billed_usd)


def motion_task(traits: Traits, request: Request) -> MotionTask:
    """Return the task of a request that Kling can do.

    Raises:
        RequestRejected: another kind of work, or pictures that it does not take.
    """
    reject_unknown_work(traits, request)
    task = request.task
    assert isinstance(task, MotionTask)
    for picture in (task.first, task.last):
        if picture is not None:
            _check_picture(picture, traits.name)
    if len(task.prompt) > PROMPT_LIMIT:
        raise RequestRejected(
            f"the prompt has {len(task.prompt)} characters, Kling takes {PROMPT_LIMIT}", provider=traits.name
        )
    return task


def sent_items(task: MotionTask) -> tuple[Sent, ...]:
    """Return everything that a request sends."""
    items = [text_item(task.prompt)] if task.prompt else []
    items.append(picture_item(SentKind.FIRST_FRAME, task.first))
    if task.last is not None:
        items.append(picture_item(SentKind.LAST_FRAME, task.last))
    return tuple(items)


def billed_usd(billing: object) -> Decimal | None:
    """Return the dollars in a task's `billing` list; None where it counts in credits or says nothing."""
    if not isinstance(billing, list):
        return None
    try:
        amounts = [Decimal(str(entry["amount"])) for entry in billing if entry.get("currency") == "USD"]
    except (AttributeError, KeyError, InvalidOperation):
        return None
    return sum(amounts, start=Decimal(0)) if amounts else None


def whole_seconds(wish_ms: int, choices: Iterable[int]) -> int:
    """Return the shortest of the lengths that is not shorter than the wish, else the longest."""
    lengths = sorted(choices)
    return next((length for length in lengths if length * 1000 >= wish_ms), lengths[-1])


def _limited(provider: str, scope: Scope, pause_s: float, said: str) -> RateLimited:
    return RateLimited(
        f"{provider} had too many requests: {said}", retry_at=time.time() + pause_s, scope=scope, provider=provider
    )


def _check_picture(picture: Picture, provider: str) -> None:
    width, height = picture.width_px, picture.height_px
    if min(width, height) < _SIDE_MIN_PX or max(width, height) > _RATIO_MAX * min(width, height):
        raise RequestRejected(
            f"Kling takes pictures of at least {_SIDE_MIN_PX} px a side and at most {_RATIO_MAX}:1, "
            f"not {width} x {height}; draw a larger region",
            provider=provider,
        )
    if len(picture.data) > _PICTURE_LIMIT_BYTES:
        raise RequestRejected(f"Kling takes pictures up to 10 MB, not {len(picture.data)} bytes", provider=provider)
