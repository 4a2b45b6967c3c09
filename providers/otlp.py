"""Sending spans to a collector: OTLP over HTTP with JSON, where one is configured, and nowhere else.

The mapping is that of opentelemetry-proto: ids in hex, 64-bit integers as text, enums as numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from providers.errors import SetupError, Transient, translated
from providers.secret import Secret
from providers.settings import checked_url
from providers.traces import Span, SpanKind, SpanStore, Value

TIMEOUT_S = 10.0

_KINDS = {SpanKind.INTERNAL: 1, SpanKind.CLIENT: 3}
_STATUS_UNSET = 0
_STATUS_ERROR = 2


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans go; the headers may hold a token."""

    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict)


def configured_collector(environment: Mapping[str, str]) -> Collector | None:
    """Return the collector of the standard OTEL variables; None if there is none.

    Raises:
        SetupError: an address that would send a token in the clear.
    """
    traces = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
    base = environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not traces and not base:
        return None
    url = checked_url(traces, "the collector") if traces else checked_url(base, "the collector") + "/v1/traces"
    text = environment.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or environment.get("OTEL_EXPORTER_OTLP_HEADERS") or ""
    headers = {}
    for pair in filter(None, text.split(",")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise SetupError("OTEL_EXPORTER_OTLP_HEADERS is a list of name=value")
        headers[name.strip()] = Secret(unquote(value.strip()))
    return Collector(url, headers)


async def export(store: SpanStore, collector: Collector, version: str) -> int:
    """Send what was not sent yet; return how many spans were.

    Raises:
        Transient: the collector did not take them; they are kept for the next time.
    """
    import httpx

    sent = 0
    async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
        while spans := store.unexported():
            response = await translated(
                client.post(collector.url, json=export_request(spans, version), auth=_Headers(collector)),
                lambda error: Transient(f"the collector cannot be reached ({type(error).__name__})"),
            )
            if response.status_code != 200:
                raise Transient(f"the collector did not take the spans (HTTP {response.status_code})")
            store.mark_exported(spans)
            sent += len(spans)
    return sent


def export_request(spans: Sequence[Span], version: str) -> dict[str, Any]:
    """Return an ExportTraceServiceRequest in its JSON form."""
    resource = {"service.name": "deltacut", "service.version": version}
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeSpans": [
                    {
                        "scope": {"name": "deltacut.providers", "version": version},
                        "spans": [_span(span) for span in spans],
                    }
                ],
            }
        ]
    }


def _span(span: Span) -> dict[str, Any]:
    content: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.span,
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.stop_ns),
        "attributes": _attributes(span.attributes),
        "status": {"code": _STATUS_ERROR if span.error else _STATUS_UNSET},
    }
    return content | ({"parentSpanId": span.parent} if span.parent else {})


def _attributes(attributes: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any_value(value)} for name, value in attributes.items()]


def _any_value(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}


class _Headers:
    """The collector's headers; an object and no dict, so that a traceback with locals shows nothing."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def __call__(self, request: Any) -> Any:  # noqa: ANN401 httpx.Request, imported late
        for name, value in self._collector.headers.items():
            request.headers[name] = value.reveal()
        return request
