"""Spans say what was done and never what was in it."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from providers.cache import Provenance
from providers.contract import EditTask, Picture
from providers.errors import PolicyBlocked, SetupError, Transient
from providers.otlp import Collector, configured_collector, export, export_request
from providers.secret import Secret
from providers.traces import ALLOWED, CONTENT, Content, Span, SpanKind, SpanStore, Tracer
from tests.fakes.desk import Desk, workflow
from tests.fakes.http import Reply, Server
from tests.fakes.scripted import PNG, ScriptedProvider

PICTURE = Picture.of(PNG)
PROMPT = "the canary prompt of a secret film"


def one_task(context):
    return EditTask(PROMPT, PICTURE, PICTURE)


def traced(tmp_path, *adapters, content=Content.WITHHELD):
    desk = Desk(tmp_path, adapters=adapters, task=one_task, content=content)
    flow = workflow(*[adapter.traits.name for adapter in adapters])
    job = desk.orchestrator.add(flow, project="film", title="t", provenance=Provenance("h", 1)).job
    asyncio.run(desk.orchestrator.run(job))
    spans = desk.spans.of_job(job)
    desk.close_files()
    return job, spans


def test_a_job_is_a_trace_of_nodes_and_calls_with_the_conventions_names(tmp_path):
    job, spans = traced(tmp_path, ScriptedProvider("alpha", polls=1))
    names = [span.name for span in spans]
    assert names[0] == "job"
    assert "generate_content alpha-1" in names
    assert "poll alpha-1" in names
    assert "forget alpha-1" in names
    assert [name for name in names if name.startswith("node")] == [
        "node crop",
        "node make",
        "node fit",
        "node look",
        "node publish",
    ]
    by_name = {span.name: span for span in spans}
    root, node, call = by_name["job"], by_name["node make"], by_name["generate_content alpha-1"]
    assert root.parent == ""
    assert node.parent == root.span
    assert call.parent == node.span
    assert {span.trace for span in spans} == {root.trace}
    assert call.kind is SpanKind.CLIENT
    assert call.attributes["gen_ai.operation.name"] == "generate_content"
    assert call.attributes["gen_ai.request.model"] == "alpha-1"
    assert call.attributes["gen_ai.provider.name"] == "alpha"
    assert call.attributes["gen_ai.output.type"] == "image"
    assert call.attributes["server.address"] == "alpha.example"
    assert call.attributes["deltacut.cost.estimated_usd"] == 0.1
    assert root.attributes["deltacut.job"] == job
    assert root.attributes["deltacut.state"] == "published"
    assert all(span.start_ns <= span.stop_ns for span in spans)


def test_an_error_leaves_its_type_and_not_its_text(tmp_path):
    alpha = ScriptedProvider("alpha")
    alpha.script.start.append(PolicyBlocked(f"I will not do: {PROMPT}"))
    _, spans = traced(tmp_path, alpha)
    call = next(span for span in spans if span.name.startswith("generate_content"))
    assert call.error == "PolicyBlocked"
    assert call.attributes["error.type"] == "PolicyBlocked"
    assert "canary" not in repr(spans)


@pytest.mark.parametrize("content", Content)
def test_prompts_are_in_spans_only_where_the_user_opted_in_and_pictures_never(tmp_path, content):
    class Speaking(ScriptedProvider):
        def quote(self, request):
            from dataclasses import replace

            from providers.contract import SentKind, picture_item, text_item

            quote = super().quote(request)
            items = (text_item(request.task.prompt), picture_item(SentKind.PICTURE, request.task.picture))
            return replace(quote, sends=replace(quote.sends, items=items))

    _, spans = traced(tmp_path, Speaking("alpha"), content=content)
    text = repr(spans)
    assert ("canary" in text) is (content is Content.RECORDED)
    assert "PNG" not in text
    if content is Content.RECORDED:
        call = next(span for span in spans if CONTENT in span.attributes)
        parts = json.loads(call.attributes[CONTENT])[0]["parts"]
        assert parts[0] == {"type": "text", "content": PROMPT}
        assert parts[1]["bytes"] == len(PNG)


def test_a_span_cannot_be_made_to_say_what_is_not_on_the_list():
    tracer = Tracer(lambda span: None)
    with tracer.span("x") as span, pytest.raises(ValueError, match="not on the list"):
        span.set("deltacut.prompt", PROMPT)
    assert not [name for name in ALLOWED if "prompt" in name or "key" in name]


def span(number, parent="", **attributes):
    return Span("ab" * 16, f"{number:016x}", parent, f"span {number}", SpanKind.CLIENT, 10, 20, attributes)


def test_the_oldest_spans_make_room(tmp_path):
    store = SpanStore(tmp_path / "traces.sqlite", keep=5)
    for number in range(20):
        store.add(span(number))
    assert [kept.name for kept in store.trace("ab" * 16)] == [f"span {number}" for number in range(15, 20)]
    assert len(store.traces(limit=3)) == 3
    store.close()


def test_a_damaged_file_of_spans_is_begun_anew(tmp_path):
    path = tmp_path / "traces.sqlite"
    path.write_bytes(b"no database")
    store = SpanStore(path)
    store.add(span(1))
    assert len(store.traces()) == 1
    store.close()


def test_the_export_is_the_json_that_collectors_read():
    request = export_request(
        [span(1, "cd" * 8, **{"gen_ai.request.model": "m", "deltacut.sent.bytes": 2**40, "deltacut.cost.usd": 0.5})],
        "0.1",
    )
    scope = request["resourceSpans"][0]["scopeSpans"][0]
    exported = scope["spans"][0]
    assert request["resourceSpans"][0]["resource"]["attributes"][0] == {
        "key": "service.name",
        "value": {"stringValue": "deltacut"},
    }
    assert exported["traceId"] == "ab" * 16
    assert exported["parentSpanId"] == "cd" * 8
    assert exported["kind"] == 3
    assert exported["startTimeUnixNano"] == "10"
    assert {"key": "deltacut.sent.bytes", "value": {"intValue": str(2**40)}} in exported["attributes"]
    assert {"key": "deltacut.cost.usd", "value": {"doubleValue": 0.5}} in exported["attributes"]
    assert exported["status"] == {"code": 0}
    assert "parentSpanId" not in export_request([span(1)], "0.1")["resourceSpans"][0]["scopeSpans"][0]["spans"][0]


def test_spans_go_to_a_collector_once_and_stay_if_it_does_not_take_them(tmp_path):
    answers = [Reply(503, b""), Reply(200, b"{}")]
    server = Server(lambda received: answers.pop(0)).start()
    store = SpanStore(tmp_path / "traces.sqlite")
    for number in range(3):
        store.add(span(number))
    collector = Collector(server.url + "/v1/traces", {"authorization": Secret("token-0123456789")})

    with pytest.raises(Transient, match="HTTP 503"):
        asyncio.run(export(store, collector, "0.1"))
    assert asyncio.run(export(store, collector, "0.1")) == 3
    assert asyncio.run(export(store, collector, "0.1")) == 0
    assert server.received[1].path == "/v1/traces"
    assert server.received[1].headers["authorization"] == "token-0123456789"
    assert len(server.received[1].json()["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 3
    assert "token-0123456789" not in repr(collector)
    server.stop()
    store.add(span(9))
    with pytest.raises(Transient, match="cannot be reached"):
        asyncio.run(export(store, collector, "0.1"))
    store.close()


def test_a_collector_is_configured_by_the_standard_variables_and_never_in_the_clear():
    assert configured_collector({}) is None
    collector = configured_collector(
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example:4318/", "OTEL_EXPORTER_OTLP_HEADERS": "a=b%20c, d = e"}
    )
    assert collector.url == "https://c.example:4318/v1/traces"
    assert {name: value.reveal() for name, value in collector.headers.items()} == {"a": "b c", "d": "e"}
    own = configured_collector({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/here"})
    assert own.url == "http://127.0.0.1:4318/here"
    for environment in (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example", "OTEL_EXPORTER_OTLP_HEADERS": "token"},
    ):
        with pytest.raises(SetupError):
            configured_collector(environment)


def test_costs_in_spans_are_numbers(tmp_path):
    _, spans = traced(tmp_path, ScriptedProvider("alpha"))
    costs = [span.attributes["deltacut.cost.usd"] for span in spans if "deltacut.cost.usd" in span.attributes]
    assert costs == [float(Decimal("0.10"))]
