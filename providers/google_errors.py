"""What the Google APIs' errors mean (google.rpc.Status over HTTP; seen through the SDK's two error trees)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from providers.errors import (
    AuthFailed,
    BadResponse,
    BillingExhausted,
    CallError,
    Charge,
    JobLost,
    KeyMissing,
    PolicyBlocked,
    ProviderError,
    RateLimited,
    RequestRejected,
    Scope,
    Transient,
)
from providers.layers import Operation
from providers.wire import connection_error, retry_after_s, server_error, short, unreadable

# What to assume where the answer does not say how long.
_MINUTE_S = 60.0

_POLICY = re.compile(r"responsible ai|usage guidelines|safety|violat|prohibited|sensitive", re.IGNORECASE)
_BILLING = re.compile(r"billing|prepa|credits?\b|depleted|\blimit: 0\b", re.IGNORECASE)


def google_failure(provider: str, operation: Operation) -> Callable[[Exception], ProviderError]:
    """Return the translation of what the Google SDK raises during an operation."""

    def translate(foreign: Exception) -> ProviderError:
        broken = connection_error(foreign, provider, operation)
        if broken is not None:
            return broken
        modules = {kind.__module__.split(".")[0] for kind in type(foreign).__mro__}
        if "google" in modules and "google.auth" in type(foreign).__module__:
            return _credentials_error(foreign, provider)
        status, body, headers = _http_parts(foreign)
        if status is not None:
            return google_error(provider, operation, status, body, headers)
        text = getattr(foreign, "doc", None)  # json.JSONDecodeError: the body itself
        if isinstance(text, str):
            return unreadable(text, provider)
        return BadResponse(
            f"{provider}'s answer is not what was promised ({type(foreign).__name__})",
            charge=Charge.POSSIBLE,
            provider=provider,
        )

    return translate


def google_error(
    provider: str, operation: Operation, status: int, body: object, headers: Mapping[str, str]
) -> CallError:
    """Return what an HTTP status and its body mean."""
    error = _error_object(body)
    message = short(error.get("message") or "")
    details = [entry for entry in error.get("details") or () if isinstance(entry, dict)]
    reasons = {str(entry.get("reason")) for entry in details}
    if status < 400:
        return unreadable(body if isinstance(body, str) else "", provider, status)
    if status == 429:
        return _too_many(provider, message, details, headers)
    if status in (401, 403) or "API_KEY_INVALID" in reasons or "API key not valid" in message:
        if status == 403 and _BILLING.search(message):
            return BillingExhausted(f"{provider}: {message}", provider=provider)
        return AuthFailed(f"{provider} does not accept the key: {message or status}", provider=provider)
    if status == 402 or (status == 400 and "billing" in message.lower()):
        return BillingExhausted(f"{provider}: {message or 'no credit'}", provider=provider)
    if status == 400 and _POLICY.search(message):
        return PolicyBlocked(f"{provider} refuses the request: {message}", provider=provider)
    if status == 404 and operation in (Operation.POLL, Operation.CANCEL, Operation.FORGET):
        return JobLost(f"{provider} does not know the job any more: {message}", provider=provider)
    if status in (408, 409, 499):
        return Transient(f"{provider} gave up this time (HTTP {status}): {message}", provider=provider)
    if status >= 500:
        return server_error(status, provider, operation, retry_after_s=_retry_delay_s(details, headers))
    return RequestRejected(
        f"{provider} does not take the request (HTTP {status}): {message or 'no reason given'}", provider=provider
    )


def operation_error(provider: str, error: Mapping[str, Any], failed: type[CallError]) -> CallError:
    """Return what the error of a finished long-running operation means; `failed` for what has no meaning of its own.

    The codes are google.rpc.Code: 3 invalid argument, 7 permission denied, 8 resource exhausted, 16 unauthenticated.
    """
    message = short(error.get("message") or "no reason given")
    if _POLICY.search(message):
        return PolicyBlocked(f"{provider} refuses the request: {message}", provider=provider)
    match error.get("code"):
        case 7 | 16:
            return AuthFailed(f"{provider} does not accept the key: {message}", provider=provider)
        case 8 if _BILLING.search(message):
            return BillingExhausted(f"{provider}: {message}", provider=provider)
    return failed(f"{provider} gave the job up: {message}", provider=provider)


def _too_many(
    provider: str, message: str, details: list[dict[str, Any]], headers: Mapping[str, str]
) -> RateLimited | BillingExhausted:
    if _BILLING.search(message):
        return BillingExhausted(f"{provider} gives this account no quota: {message}", provider=provider)
    quotas = " ".join(
        str(violation.get("quotaId", ""))
        for entry in details
        for violation in entry.get("violations") or ()
        if isinstance(violation, dict)
    )
    scope = Scope.DAY if "PerDay" in quotas else Scope.MINUTE if "PerMinute" in quotas else Scope.UNKNOWN
    delay_s = _retry_delay_s(details, headers)
    now = time.time()
    retry_at = (
        now + delay_s if delay_s is not None else _next_pacific_day(now) if scope is Scope.DAY else now + _MINUTE_S
    )
    return RateLimited(
        f"{provider} had too many requests ({scope.value}); there is room again in {retry_at - now:.0f} s",
        retry_at=retry_at,
        scope=scope,
        provider=provider,
    )


def _retry_delay_s(details: list[dict[str, Any]], headers: Mapping[str, str]) -> float | None:
    for entry in details:
        if str(entry.get("@type", "")).endswith("RetryInfo"):
            # google.protobuf.Duration in JSON: "34.4s"
            match = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(entry.get("retryDelay", "")))
            if match:
                return float(match[1])
    return retry_after_s(headers)


def _next_pacific_day(now: float) -> float:
    # Daily quotas of the Gemini API begin anew at midnight Pacific time.
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        return now + 86_400.0
    today = datetime.fromtimestamp(now, zone)
    return (today.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).timestamp()


def _http_parts(foreign: Exception) -> tuple[int | None, object, Mapping[str, str]]:
    """Return status, body and headers of an error of either tree (one says `.code`, the other `.status_code`)."""
    response = getattr(foreign, "response", None)
    headers = getattr(response, "headers", None) or {}
    if type(foreign).__module__.endswith("genai.errors"):
        return getattr(foreign, "code", None), getattr(foreign, "details", None), headers
    if hasattr(foreign, "body"):
        status = getattr(foreign, "status_code", None)
        if "ResponseValidation" in type(foreign).__name__ or (status == 200 and not isinstance(foreign.body, str)):
            return None, None, headers
        return status, foreign.body, headers
    return None, None, headers


def _error_object(body: object) -> Mapping[str, Any]:
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    if not isinstance(body, dict):
        return {}
    error = body.get("error", body)
    return error if isinstance(error, dict) else {"message": error}


def _credentials_error(foreign: Exception, provider: str) -> ProviderError:
    match type(foreign).__name__:
        case "DefaultCredentialsError":
            return KeyMissing(
                f"there are no Google Cloud credentials for {provider}; set VERTEX_API_KEY, or run: gcloud auth "
                "application-default login",
                provider=provider,
            )
        case "TransportError":
            return Transient(f"the Google login for {provider} cannot be reached", provider=provider)
        case _:
            return AuthFailed(f"the Google login for {provider} failed ({type(foreign).__name__})", provider=provider)
