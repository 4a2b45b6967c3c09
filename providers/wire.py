"""What the adapters share at the edge to HTTP: what a broken connection means, and fetching a result.

A request that never left is Unreachable. One that left and was not answered is AmbiguousSubmit if it was a submit, and
Transient if it only asked something. The exceptions are told apart by name, since two HTTP libraries raise them
(`httpx` and the fork that the Google SDK brings along).
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from providers.contract import Video
from providers.errors import AmbiguousSubmit, BadResponse, CallError, Charge, Transient, Unreachable
from providers.layers import Operation
from providers.secret import Secret
from providers.settings import host_of

if TYPE_CHECKING:
    import httpx

_NOT_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"})
_CONNECTION = frozenset({"TransportError", "APIConnectionError", "ClientConnectionError"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REDIRECT_LIMIT = 5
VIDEO_LIMIT_BYTES = 1 << 30


def connection_error(foreign: BaseException, provider: str, operation: Operation) -> CallError | None:
    """Return what a failed connection means; None if the exception is about something else."""
    names: set[str] = set()
    link: BaseException | None = foreign
    while link is not None:
        names |= {kind.__name__ for kind in type(link).__mro__}
        link = link.__cause__
    if not names & _CONNECTION:
        return None
    kind = type(foreign.__cause__ or foreign).__name__
    if names & _NOT_SENT:
        return Unreachable(f"{provider} cannot be reached ({kind}); nothing was sent", provider=provider)
    if operation is Operation.START:
        return AmbiguousSubmit(
            f"the connection to {provider} broke after the request left ({kind}); it may have been started",
            provider=provider,
        )
    return Transient(f"the connection to {provider} broke ({kind})", provider=provider)


def server_error(status: int, provider: str, operation: Operation, *, retry_after_s: float | None = None) -> CallError:
    """Return what a status of 500 and above means: a gateway's may hide a request that was started."""
    if operation is Operation.START and status in (502, 504):
        return AmbiguousSubmit(
            f"a gateway of {provider} gave up waiting (HTTP {status}); the request may have been started",
            provider=provider,
        )
    return Transient(
        f"{provider} is out of order for the moment (HTTP {status})", provider=provider, retry_after_s=retry_after_s
    )


def unreadable(body: str | bytes, provider: str, status: int = 200) -> BadResponse:
    """Return what a body means that is not the JSON that was promised: a web page never comes from the service."""
    start = (body.encode() if isinstance(body, str) else body).lstrip()[:1]
    if start == b"<" or not start or status in _REDIRECTS:
        return BadResponse(
            f"a web page came instead of {provider}'s answer (HTTP {status}); is there a login page in between?",
            charge=Charge.NONE,
            provider=provider,
        )
    return BadResponse(
        f"{provider}'s answer is cut off or garbled (HTTP {status})", charge=Charge.POSSIBLE, provider=provider
    )


def missing(what: str, provider: str) -> BadResponse:
    """Return what an answer without a promised part means."""
    return BadResponse(f"{provider}'s answer has no {what}", charge=Charge.POSSIBLE, provider=provider)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause of a Retry-After header (RFC 9110, 10.2.3: seconds or a date)."""
    text = headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def short(text: object, limit: int = 200) -> str:
    """Return a service's own message fit for one line of ours."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def json_object(text: str | bytes, provider: str, status: int) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        BadResponse: there is none.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise unreadable(text, provider, status)
    return content


class HeaderKey:
    """A key on its way into a header; an object and no dict, so that a traceback with locals shows nothing."""

    __slots__ = ("_name", "_prefix", "_secret")

    def __init__(self, name: str, secret: Secret, prefix: str = "") -> None:
        self._name = name
        self._prefix = prefix
        self._secret = secret

    def __call__(self, request: httpx.Request) -> httpx.Request:
        """Put the key into the request (httpx takes a callable as `auth`)."""
        request.headers[self._name] = self._prefix + self._secret.reveal()
        return request


async def fetch_video(client: httpx.AsyncClient, url: str, provider: str, key: HeaderKey | None = None) -> Video:
    """Download a result whole; the key goes to the host of the client's base URL and to no other.

    Raises:
        CallError: Transient where a later poll may still get it; BadResponse where it is no video.
    """
    home = host_of(str(client.base_url))
    for _ in range(_REDIRECT_LIMIT):
        if urlsplit(url).scheme != "https" and host_of(url) != home:
            raise BadResponse(
                f"{provider} names a result that is not served by https", charge=Charge.POSSIBLE, provider=provider
            )
        async with client.stream("GET", url, auth=key if host_of(url) == home else None) as response:
            if response.status_code in _REDIRECTS and "location" in response.headers:
                url = urljoin(url, response.headers["location"])
                continue
            if response.status_code != 200:
                raise Transient(
                    f"{provider}'s result cannot be fetched (HTTP {response.status_code})",
                    provider=provider,
                    retry_after_s=retry_after_s(response.headers),
                )
            chunks = []
            size = 0
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > VIDEO_LIMIT_BYTES:
                    raise BadResponse(
                        f"{provider}'s result is larger than {VIDEO_LIMIT_BYTES} bytes",
                        charge=Charge.POSSIBLE,
                        provider=provider,
                    )
            return checked_video(b"".join(chunks), provider)
    raise Transient(f"{provider}'s result is redirected in circles", provider=provider)


def checked_video(data: bytes, provider: str) -> Video:
    """Return the bytes as a video.

    Raises:
        BadResponse: they are none (a web page, an error text).
    """
    if data[4:8] == b"ftyp":
        if not _mp4_is_whole(data):
            raise BadResponse(f"{provider}'s video is cut off", charge=Charge.POSSIBLE, provider=provider)
        return Video(data, "video/mp4")
    if data[:4] == b"\x1aE\xdf\xa3":  # RFC 8794: EBML
        return Video(data, "video/webm")
    raise unreadable(data[:64], provider) if data[:1] in (b"<", b"") else missing("video in it", provider)


def _mp4_is_whole(data: bytes) -> bool:
    """Return whether the top-level boxes end where the data does, and one is the index (ISO/IEC 14496-12, 4.2)."""
    at = 0
    kinds = set()
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kinds.add(data[at + 4 : at + 8])
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        elif size == 0:
            size = len(data) - at
        if size < 8:
            return False
        at += size
    return at == len(data) and b"moov" in kinds
