"""Jobs as JSON, for whatever file keeps them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from providers.codec import Json, ticket_as_json, ticket_from_json
from providers.contract import Work
from providers.errors import StoreDamaged
from providers.jobs import (
    Choice,
    Failure,
    Job,
    JobState,
    NodeRecord,
    NodeState,
    Origin,
    Phase,
    Question,
    Reason,
    Stored,
    Try,
)
from providers.ledger import Attempt


def job_as_json(job: Job) -> Json:
    """Return a job as a JSON object."""
    return {
        "format": 1,
        "job": job.job,
        "project": job.project,
        "title": job.title,
        "workflow": job.workflow,
        "state": job.state.value,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "source": job.source,
        "frame": job.frame,
        "variant": job.variant,
        "inputs": job.inputs,
        "nodes": {name: _node_as_json(record) for name, record in job.nodes.items()},
        "question": None if job.question is None else _question_as_json(job.question),
        "failure": None if job.failure is None else _failure_as_json(job.failure),
        "retry_at": job.retry_at,
        "notices": list(job.notices),
    }


def job_from_json(record: Json) -> Job:
    """Read what `job_as_json` wrote.

    Raises:
        StoreDamaged: it did not.
    """
    try:
        return Job(
            record["job"],
            record["project"],
            record["title"],
            record["workflow"],
            JobState(record["state"]),
            record["created_at"],
            record["updated_at"],
            record["source"],
            record["frame"],
            record["variant"],
            record["inputs"],
            {name: _node_from_json(node) for name, node in record["nodes"].items()},
            None if record["question"] is None else _question_from_json(record["question"]),
            None if record["failure"] is None else Failure(**record["failure"]),
            record["retry_at"],
            tuple(record["notices"]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise StoreDamaged(f"a stored job cannot be read ({type(error).__name__}: {error})") from error


def _node_as_json(node: NodeRecord) -> Json:
    stored = node.output
    return {
        "state": node.state.value,
        "tries": [_try_as_json(attempt) for attempt in node.tries],
        "output": None if stored is None else {"record": stored.record, "blobs": dict(stored.blobs)},
        "origin": None if node.origin is None else node.origin.value,
        "passed_over": list(node.passed_over),
        "may_use_kin": node.may_use_kin,
        "settled": node.settled,
    }


def _node_from_json(record: Json) -> NodeRecord:
    stored = record["output"]
    return NodeRecord(
        NodeState(record["state"]),
        tuple(_try_from_json(attempt) for attempt in record["tries"]),
        None if stored is None else Stored(stored["record"], stored["blobs"]),
        None if record["origin"] is None else Origin(record["origin"]),
        tuple(record["passed_over"]),
        record["may_use_kin"],
        record["settled"],
    )


def _try_as_json(attempt: Try) -> Json:
    planned = attempt.attempt
    return {
        "attempt": planned.attempt,
        "project": planned.project,
        "provider": planned.provider,
        "model": planned.model,
        "work": planned.work.value,
        "estimated_usd": str(planned.estimated_usd),
        "pictures": planned.pictures,
        "seconds": str(planned.seconds),
        "phase": attempt.phase.value,
        "started_at": attempt.started_at,
        "ticket": None if attempt.ticket is None else ticket_as_json(attempt.ticket),
        "billed_usd": None if attempt.billed_usd is None else str(attempt.billed_usd),
        "failure": None if attempt.failure is None else _failure_as_json(attempt.failure),
    }


def _try_from_json(record: Json) -> Try:
    return Try(
        Attempt(
            record["attempt"],
            record["project"],
            record["provider"],
            record["model"],
            Work(record["work"]),
            Decimal(record["estimated_usd"]),
            record["pictures"],
            Decimal(record["seconds"]),
        ),
        Phase(record["phase"]),
        record["started_at"],
        None if record["ticket"] is None else ticket_from_json(record["ticket"]),
        None if record["billed_usd"] is None else Decimal(record["billed_usd"]),
        None if record["failure"] is None else Failure(**record["failure"]),
    )


def _failure_as_json(failure: Failure) -> Json:
    return {
        "kind": failure.kind,
        "message": failure.message,
        "provider": failure.provider,
        "retry_at": failure.retry_at,
    }


def _question_as_json(question: Question) -> Json:
    return {
        "reason": question.reason.value,
        "message": question.message,
        "node": question.node,
        "choices": [choice.value for choice in question.choices],
        "provider": question.provider,
        "retry_at": question.retry_at,
    }


def _question_from_json(record: Json) -> Question:
    choices: Any = record["choices"]
    return Question(
        Reason(record["reason"]),
        record["message"],
        record["node"],
        tuple(Choice(choice) for choice in choices),
        record["provider"],
        record["retry_at"],
    )
