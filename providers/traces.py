"""Spans: what was done, for how long and with what outcome, kept in SQLite and never left to say too much.

A span per node of a job and one per provider call, named as OpenTelemetry's GenAI conventions have it. What a span may
say is a list: names, sizes, costs, kinds of errors. Messages of services are not on it (they echo prompts), nor are
prompts, pictures or keys; prompts are added where the user opted in, pictures then by size and digest, keys never.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from providers.codec import digest
from providers.contract import Disclosure, Generation, SentKind, Ticket, Work
from providers.database import Database, Durability
from providers.errors import StoreDamaged, StoreUnwritable
from providers.layers import Call, Forward, Operation, Outcome

Value = str | int | float | bool

ALLOWED = frozenset(
    {
        "gen_ai.operation.name",
        "gen_ai.provider.name",
        "gen_ai.request.model",
        "gen_ai.response.model",
        "gen_ai.response.id",
        "gen_ai.output.type",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "error.type",
        "server.address",
        "server.port",
        "deltacut.job",
        "deltacut.project",
        "deltacut.workflow",
        "deltacut.node",
        "deltacut.node.kind",
        "deltacut.origin",
        "deltacut.provider",
        "deltacut.operation",
        "deltacut.external_id",
        "deltacut.cost.estimated_usd",
        "deltacut.cost.usd",
        "deltacut.sent.bytes",
        "deltacut.sent.kinds",
        "deltacut.progress",
        "deltacut.state",
    }
)
CONTENT = "gen_ai.input.messages"
KEEP = 50_000

_OUTPUT_TYPES = {Work.EDIT: "image", Work.MOTION: "video", Work.TRANSCRIBE: "text", Work.EMOTION: "json"}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spans (
    trace TEXT NOT NULL, span TEXT PRIMARY KEY, parent TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    start INTEGER NOT NULL, stop INTEGER NOT NULL, attributes TEXT NOT NULL, error TEXT NOT NULL,
    exported INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS spans_by_trace ON spans (trace, start);
CREATE INDEX IF NOT EXISTS spans_by_time ON spans (start)
"""


class Content(Enum):
    """Whether prompts may be in spans."""

    WITHHELD = "withheld"
    RECORDED = "recorded"


class SpanKind(Enum):
    """Whether a span is a call of another service."""

    INTERNAL = "internal"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class Span:
    """A finished span; times are Unix time in nanoseconds, ids in hex (16 and 8 bytes), `parent` empty at the root."""

    trace: str
    span: str
    parent: str
    name: str
    kind: SpanKind
    start_ns: int
    stop_ns: int
    attributes: Mapping[str, Value]
    error: str = ""


@dataclass(slots=True)
class OpenSpan:
    """A span that is under way."""

    trace: str
    span: str
    parent: str
    attributes: dict[str, Value] = field(default_factory=dict)

    def set(self, name: str, value: Value | None) -> None:
        """Add an attribute, if there is a value.

        Raises:
            ValueError: the attribute is not on the list.
        """
        if name not in ALLOWED and name != CONTENT:
            raise ValueError(f"{name!r} is not on the list of what a span may say")
        if value is not None:
            self.attributes[name] = value


_CURRENT: ContextVar[OpenSpan | None] = ContextVar("CURRENT_SPAN", default=None)


class SpanStore:
    """Spans in a file of their own; a damaged one is begun anew."""

    def __init__(self, path: Path, keep: int = KEEP) -> None:
        self._keep = keep
        try:
            self._database = Database(path, _SCHEMA, Durability.CRASH)
        except StoreDamaged:
            path.unlink()
            self._database = Database(path, _SCHEMA, Durability.CRASH)

    def add(self, span: Span) -> None:
        """Keep a span; the oldest ones make room."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO spans (trace, span, parent, name, kind, start, stop, attributes, error) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    span.trace,
                    span.span,
                    span.parent,
                    span.name,
                    span.kind.value,
                    span.start_ns,
                    span.stop_ns,
                    json.dumps(dict(span.attributes)),
                    span.error,
                ),
            )
            connection.execute("DELETE FROM spans WHERE rowid <= (SELECT max(rowid) FROM spans) - ?", (self._keep,))

    def traces(self, limit: int = 100) -> tuple[Span, ...]:
        """Return the root spans, the latest first."""
        return self._spans("WHERE parent = '' ORDER BY start DESC LIMIT ?", (limit,))

    def trace(self, trace: str) -> tuple[Span, ...]:
        """Return the spans of a trace, the earliest first."""
        return self._spans("WHERE trace = ? ORDER BY start, rowid", (trace,))

    def of_job(self, job: str) -> tuple[Span, ...]:
        """Return the spans of all runs of a job, the earliest first."""
        return self._spans(
            "WHERE trace IN (SELECT trace FROM spans WHERE json_extract(attributes, '$.\"deltacut.job\"') = ?) "
            "ORDER BY start, rowid",
            (job,),
        )

    def unexported(self, limit: int = 500) -> tuple[Span, ...]:
        """Return spans that were not sent anywhere yet."""
        return self._spans("WHERE exported = 0 ORDER BY rowid LIMIT ?", (limit,))

    def mark_exported(self, spans: tuple[Span, ...]) -> None:
        """Note that spans were sent."""
        with self._database.transaction() as connection:
            connection.executemany("UPDATE spans SET exported = 1 WHERE span = ?", [(span.span,) for span in spans])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _spans(self, where: str, values: tuple[Any, ...]) -> tuple[Span, ...]:
        rows = self._database.rows(
            f"SELECT trace, span, parent, name, kind, start, stop, attributes, error FROM spans {where}", values
        )
        return tuple(
            Span(trace, span, parent, name, SpanKind(kind), start, stop, json.loads(attributes), error)
            for trace, span, parent, name, kind, start, stop, attributes, error in rows
        )


class Tracer:
    """Makes spans; the one that is open where a new one begins is its parent."""

    def __init__(
        self,
        keep: Callable[[Span], None],
        content: Content = Content.WITHHELD,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._keep = keep
        self._clock_ns = clock_ns
        self.content = content

    @contextmanager
    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Value] | None = None
    ) -> Iterator[OpenSpan]:
        """Open a span for the block; an exception ends it with the exception's type, never its text."""
        parent = _CURRENT.get()
        opened = OpenSpan(
            os.urandom(16).hex() if parent is None else parent.trace,
            os.urandom(8).hex(),
            "" if parent is None else parent.span,
        )
        for attribute, value in (attributes or {}).items():
            opened.set(attribute, value)
        token = _CURRENT.set(opened)
        start_ns = self._clock_ns()
        error = ""
        try:
            yield opened
        except BaseException as raised:
            error = type(raised).__name__
            opened.set("error.type", error)
            raise
        finally:
            _CURRENT.reset(token)
            stop_ns = self._clock_ns()
            span = Span(
                opened.trace, opened.span, opened.parent, name, kind, start_ns, stop_ns, opened.attributes, error
            )
            with suppress(StoreUnwritable):  # what is traced matters more than its trace
                self._keep(span)


class TraceLayer:
    """A span around every call of a provider."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    async def __call__(self, call: Call, forward: Forward) -> Outcome:
        """Pass the call on inside a span."""
        # A submit is what the conventions call an inference; the rest has no name there.
        operation = "generate_content" if call.operation is Operation.START else call.operation.value
        with self._tracer.span(f"{operation} {call.model}", SpanKind.CLIENT, _known_before(call, operation)) as span:
            if self._tracer.content is Content.RECORDED and call.quote is not None:
                span.set(CONTENT, _content(call.quote.sends))
            outcome = await forward(call)
            _add_outcome(span, outcome)
            return outcome


def _known_before(call: Call, operation: str) -> dict[str, Value]:
    known: dict[str, Value] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": call.traits.telemetry_name,
        "gen_ai.request.model": call.model,
        "deltacut.provider": call.traits.name,
        "deltacut.operation": call.operation.value,
        "deltacut.external_id": call.external_id,
    }
    if call.quote is not None and call.request is not None:
        address, _, port = call.quote.sends.host.partition(":")
        known |= {
            "gen_ai.output.type": _OUTPUT_TYPES[call.request.work],
            "server.address": address,
            "server.port": int(port or 443),
            "deltacut.cost.estimated_usd": float(call.quote.usd),
            "deltacut.sent.bytes": call.quote.sends.size_bytes,
            "deltacut.sent.kinds": ", ".join(sorted(kind.value for kind in call.quote.sends.kinds)),
        }
    return known


def _add_outcome(span: OpenSpan, outcome: Outcome) -> None:
    if isinstance(outcome, Ticket):
        span.set("gen_ai.response.id", outcome.remote_id)
    elif isinstance(outcome, Generation):
        span.set("gen_ai.response.model", outcome.model)
        span.set("gen_ai.response.id", outcome.remote_id)
        span.set("gen_ai.usage.input_tokens", outcome.input_tokens)
        span.set("gen_ai.usage.output_tokens", outcome.output_tokens)
        span.set("deltacut.cost.usd", None if outcome.usd is None else float(outcome.usd))


def _content(sends: Disclosure) -> str:
    parts: list[dict[str, Any]] = []
    for item in sends.items:
        if item.kind is SentKind.TEXT:
            parts.append({"type": "text", "content": item.data.decode()})
        else:
            known = {"mime_type": item.mime, "bytes": len(item.data), "digest": digest(item.data)}
            parts.append({"type": item.kind.value, **known})
    return json.dumps([{"role": "user", "parts": parts}])
