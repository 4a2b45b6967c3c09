"""Jobs as JSON types and as lines for a person."""

from __future__ import annotations

from typing import Any

from app.cli.provider_report import moment
from providers.jobs import Job, Reason


def job_facts(job: Job) -> dict[str, Any]:
    """Return a job as JSON types; money as text, exactly. Its pictures are not in it."""
    question, failure = job.question, job.failure
    return {
        "job": job.job,
        "title": job.title,
        "state": job.state.value,
        "frame": job.frame,
        "patch": job.inputs.get("patch"),
        "created_at": moment(job.created_at),
        "updated_at": moment(job.updated_at),
        "retry_at": None if job.retry_at is None else moment(job.retry_at),
        "spent_usd": str(job.spent_usd()),
        "nodes": {
            name: {
                "state": record.state.value,
                "origin": None if record.origin is None else record.origin.value,
                "tries": [
                    {
                        "provider": attempt.provider,
                        "external_id": attempt.external_id,
                        "phase": attempt.phase.value,
                        "usd": str(attempt.spent_usd),
                        "failure": None if attempt.failure is None else attempt.failure.kind,
                    }
                    for attempt in record.tries
                ],
                "fit": None if record.output is None else record.output.record.get("fit"),
            }
            for name, record in job.nodes.items()
        },
        "question": None
        if question is None
        else {
            "reason": question.reason.value,
            "message": question.message,
            "choices": [choice.value for choice in question.choices],
        },
        "failure": None if failure is None else {"kind": failure.kind, "message": failure.message},
        "notices": list(job.notices),
    }


def job_line(job: Job) -> str:
    """Return a job in one line."""
    return f"{job.job}  {job.state.value}  {job.spent_usd():.4f} USD  {moment(job.created_at)}  {job.title}"


def job_text(job: Job) -> str:
    """Return a job with its steps, a line for each."""
    lines = [job_line(job)]
    for name, record in job.nodes.items():
        tries = ", ".join(f"{attempt.provider} {attempt.phase.value}" for attempt in record.tries)
        origin = "" if record.origin is None else f" ({record.origin.value})"
        lines.append(f"  {name}: {record.state.value}{origin}{': ' if tries else ''}{tries}")
    return "\n".join(lines)


def kind_of_question(job: Job) -> str:
    """Return the name of the error that a job's question stands for, for the exit status."""
    question = job.question
    if question is None:
        return ""
    if question.reason is Reason.CONSENT:
        return "UsageError"
    tries = job.node(question.node).tries
    if tries and tries[-1].failure is not None:
        return tries[-1].failure.kind
    return "KeyProblem" if question.reason is Reason.KEY else ""
