"""Results of the providers' commands, as JSON types and as lines for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.workflows.keys import KeyState
from providers.ledger import Caps, Spend, Totals
from providers.traces import Span
from providers.workflow import Workflow


def key_text(states: Sequence[KeyState]) -> str:
    """Return a line per key: whose it is, where it comes from, its last four characters."""
    lines = []
    for state in states:
        if state.problem:
            shown = state.problem
        elif not state.origin:
            shown = "not set"
        else:
            ending = f"ends in {state.tail}" if state.tail else "set"
            shown = f"{ending} (from the {state.origin})"
        lines.append(f"{state.provider} {state.key_id}: {shown}")
    return "\n".join(lines)


def ledger_facts(totals: Sequence[Totals], spends: Sequence[Spend]) -> dict[str, Any]:
    """Return the ledger as JSON types; money as text, exactly."""
    return {
        "totals": [
            {
                "provider": total.provider,
                "requests": total.requests,
                "estimated_usd": str(total.estimated_usd),
                "actual_usd": str(total.actual_usd),
                "uncertain_usd": str(total.uncertain_usd),
                "pictures": total.pictures,
                "seconds": str(total.seconds),
                "last_used": moment(total.last_used),
            }
            for total in totals
        ],
        "requests": [
            {
                "attempt": spend.attempt,
                "project": spend.project,
                "provider": spend.provider,
                "model": spend.model,
                "work": spend.work.value,
                "at": moment(spend.at),
                "state": spend.state.value,
                "estimated_usd": str(spend.estimated_usd),
                "actual_usd": None if spend.actual_usd is None else str(spend.actual_usd),
            }
            for spend in spends
        ],
    }


def ledger_text(totals: Sequence[Totals]) -> str:
    """Return a line per provider."""
    if not totals:
        return "nothing was spent"
    lines = []
    for total in totals:
        doubt = f", of which {total.uncertain_usd:.2f} uncertain" if total.uncertain_usd else ""
        lines.append(
            f"{total.provider}: {total.requests} requests, {total.actual_usd:.4f} USD{doubt} "
            f"(estimated {total.estimated_usd:.4f}), last used {moment(total.last_used)}"
        )
    return "\n".join(lines)


def caps_facts(caps: Caps) -> dict[str, Any]:
    """Return what may be spent as JSON types; null where there is no cap."""
    amounts = {"project_usd": caps.project_usd, "month_usd": caps.month_usd}
    return {"caps": {name: None if amount is None else str(amount) for name, amount in amounts.items()}}


def caps_text(caps: Caps) -> str:
    """Return what may be spent as a line."""

    def said(amount: Decimal | None) -> str:
        return "no cap" if amount is None else f"at most {amount:.2f} USD"

    return f"a project: {said(caps.project_usd)}; a month: {said(caps.month_usd)}"


def workflow_facts(workflow: Workflow) -> dict[str, Any]:
    """Return a workflow as JSON types, its nodes in the order in which they run."""
    return {
        "name": workflow.name,
        "title": workflow.title,
        "nodes": [
            {
                "id": node.id,
                "kind": node.kind.value,
                "after": list(node.after),
                "providers": list(node.providers),
                "usd": None if node.limits.usd is None else str(node.limits.usd),
                "approval": node.approval.value,
            }
            for node in workflow.nodes
        ],
    }


def trace_facts(spans: Sequence[Span]) -> dict[str, Any]:
    """Return spans as JSON types."""
    return {
        "spans": [
            {
                "trace": span.trace,
                "span": span.span,
                "parent": span.parent,
                "name": span.name,
                "kind": span.kind.value,
                "start": moment(span.start_ns / 1e9),
                "duration_ms": (span.stop_ns - span.start_ns) / 1e6,
                "attributes": dict(span.attributes),
                "error": span.error,
            }
            for span in spans
        ]
    }


def trace_text(spans: Sequence[Span]) -> str:
    """Return a line per span, those within another one indented below it."""
    if not spans:
        return "nothing was done yet"
    parents = {span.span: span.parent for span in spans}
    lines = []
    for span in spans:
        depth, parent = 0, span.parent
        while parent in parents:
            depth, parent = depth + 1, parents[parent]
        job = span.attributes.get("deltacut.job", "")
        outcome = span.error or span.attributes.get("deltacut.state", "")
        words = [span.name, str(job), f"{(span.stop_ns - span.start_ns) / 1e6:.0f} ms", str(outcome)]
        lines.append(f"{moment(span.start_ns / 1e9)}  {'  ' * depth}{'  '.join(word for word in words if word)}")
    return "\n".join(lines)


def moment(at_s: float) -> str:
    """Return a Unix time in seconds as UTC text."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
