"""What the commands that have to do with providers do: call a workflow, print its result."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from app.cli.console import Console
from app.cli.job_report import job_facts, job_line, job_text, kind_of_question
from app.cli.provider_report import (
    caps_facts,
    caps_text,
    key_text,
    ledger_facts,
    ledger_text,
    trace_facts,
    trace_text,
    workflow_facts,
)
from app.cli.report import followed_facts, followed_text
from engine.errors import UsageError
from engine.model.patch import Follow
from providers.jobs import Job, JobState


def generate(given: argparse.Namespace, console: Console) -> int:
    """Let a provider change a region."""
    from app.cli.agreement import TerminalAgreement
    from app.workflows.edit import Window
    from app.workflows.follow import follow_patch
    from app.workflows.generate import GenerateRequest
    from app.workflows.generate import generate as generated
    from app.workflows.motion import MotionRequest, film_motion

    films = given.motion is not None or given.follow == "provider"
    follow = Follow(given.follow if given.follow in ("planar", "hybrid") else "hybrid" if films else "static")
    request = GenerateRequest(
        given.frame,
        given.region,
        given.prompt,
        Window(*given.window) if given.window is not None else given.frames,
        given.provider,
        "person" if given.review else "automatic",
        tuple(given.reference),
        follow,
        given.source,
        given.workflow,
    )
    agreement = TerminalAgreement(console, agreed=given.yes)
    job = generated(given.project, request, agreement, console.progress, console.cancel, ask_passphrase)
    if follow is Follow.STATIC or job.state is not JobState.PUBLISHED:
        return _job_result(job, given.project, console)
    patch = job.inputs["patch"]
    followed = follow_patch(given.project, patch, console.progress, console.cancel)
    further: dict[str, Any] = {"followed": followed_facts(followed)}
    text = [job_text(job), followed_text(followed)]
    if films:
        wish = MotionRequest(patch, provider=given.motion or "auto", review=request.review)
        film = film_motion(given.project, wish, agreement, console.progress, console.cancel, ask_passphrase)
        console.result(job_facts(job) | further | {"motion": job_facts(film)}, "\n".join([*text, job_text(film)]))
        return _after(film, given.project, console)
    console.result(job_facts(job) | further, "\n".join(text))
    return 0


def motion(given: argparse.Namespace, console: Console) -> int:
    """Let a service film how a patch moves."""
    from app.cli.agreement import TerminalAgreement
    from app.workflows.motion import MotionRequest, film_motion

    review = "person" if given.review else "automatic"
    request = MotionRequest(given.patch, given.prompt, given.provider, review, given.workflow)
    agreement = TerminalAgreement(console, agreed=given.yes)
    job = film_motion(given.project, request, agreement, console.progress, console.cancel, ask_passphrase)
    return _job_result(job, given.project, console)


def transcribe(given: argparse.Namespace, console: Console) -> int:
    """Write down what is said."""
    from app.cli.agreement import TerminalAgreement
    from app.workflows import transcribe as workflow

    captions = workflow.Captions.MADE if given.captions else workflow.Captions.NONE
    request = workflow.TranscribeRequest(given.language, captions, given.provider, given.source, given.workflow)
    agreement = TerminalAgreement(console, agreed=given.yes)
    job = workflow.transcribe(given.project, request, agreement, console.progress, console.cancel, ask_passphrase)
    return _job_result(job, given.project, console)


def emotions(given: argparse.Namespace, console: Console) -> int:
    """Label emotions."""
    from app.cli.agreement import TerminalAgreement
    from app.workflows.emotions import EmotionRequest, label_emotions

    request = EmotionRequest(given.provider, given.source, given.workflow)
    agreement = TerminalAgreement(console, agreed=given.yes)
    job = label_emotions(given.project, request, agreement, console.progress, console.cancel, ask_passphrase)
    return _job_result(job, given.project, console)


def jobs(given: argparse.Namespace, console: Console) -> int:
    """List or show jobs, cancel one, try one again, or answer what one asks."""
    from app.cli.agreement import TerminalAgreement
    from app.workflows.project_jobs import open_desk, project_job, project_jobs
    from providers.jobs import Choice

    if given.action == "list":
        found = project_jobs(given.project)
        console.result({"jobs": [job_facts(job) for job in found]}, "\n".join(map(job_line, found)) or "no jobs")
        return 0
    if given.job is None:
        raise UsageError(f"deltacut jobs {given.action} needs the job's id; deltacut jobs {given.project} list has it")
    job = project_job(given.project, given.job)
    if given.action == "show":
        console.result(job_facts(job), job_text(job))
        return 0
    agreement = TerminalAgreement(console, agreed=given.yes or given.action == "approve")
    with open_desk(given.project, agreement, console.progress, console.cancel, ask_passphrase) as desk:
        match given.action:
            case "cancel":
                job = desk.cancel(job.job, console.cancel)
                console.result(job_facts(job), job_line(job))
                return 0
            case "retry":
                job = desk.retry(job.job, console.cancel)
            case "approve":
                choice = None if given.choice is None else Choice(given.choice)
                job = desk.approve(job.job, choice, console.cancel)
    return _job_result(job, given.project, console)


def _job_result(job: Job, project: Path, console: Console) -> int:
    """Print a job that rests; return the exit status that its state stands for."""
    console.result(job_facts(job), job_text(job))
    return _after(job, project, console)


def _after(job: Job, project: Path, console: Console) -> int:
    """Say why a job gave nothing, or what it asks; return the exit status that its state stands for."""
    from app.workflows.accounts import exit_status_of_kind

    if job.failure is not None:
        console.say(f"deltacut: {job.failure.message}")
        return exit_status_of_kind(job.failure.kind)
    if job.question is not None:
        choices = ", ".join(choice.value for choice in job.question.choices)
        console.say(f"deltacut: {job.question.message}")
        console.say(f"Answer with: deltacut jobs {project} approve {job.job} --choice ... ({choices})")
        return exit_status_of_kind(kind_of_question(job))
    return 0


def keys(given: argparse.Namespace, console: Console) -> int:
    """Set, list, remove, test or re-seal keys."""
    from app.workflows import keys as workflow

    if given.action in ("set", "remove") and given.provider is None:
        raise UsageError(f"deltacut keys {given.action} needs the provider's name")
    match given.action:
        case "set":
            states = workflow.set_keys(given.provider, ask_secret)
            console.result({"keys": [asdict(state) for state in states]}, key_text(states))
        case "list":
            states = workflow.list_keys(ask_secret)
            console.result({"keys": [asdict(state) for state in states]}, key_text(states))
        case "remove":
            count = workflow.remove_keys(given.provider)
            console.result({"removed": count}, f"{count} removed from the vault" if count else "there was none")
        case "test":
            checks = workflow.check_keys(given.provider, ask_secret)
            lines = [f"{check.provider}: {check.problem or 'accepted'}" for check in checks]
            console.result({"checks": [asdict(check) for check in checks]}, "\n".join(lines) or "there are no keys")
            failed = workflow.first_failure(checks)
            if failed is not None:
                raise failed
        case "rotate":
            place = workflow.MasterPlace(given.to)
            workflow.rotate_vault(place, ask_secret)
            console.result({"master_key": place.value}, f"sealed anew; the master key is now in the {place.value}")
    return 0


def ledger(given: argparse.Namespace, console: Console) -> int:
    """Show what was spent, and what may be; set caps first, where some are given."""
    from app.workflows.preferences import preferences, set_caps
    from app.workflows.spending import spending
    from providers.ledger import Caps

    caps = preferences().caps
    if given.cap_project is not None or given.cap_month is not None:
        project_usd = caps.project_usd if given.cap_project is None else _cap(given.cap_project)
        month_usd = caps.month_usd if given.cap_month is None else _cap(given.cap_month)
        caps = Caps(project_usd, month_usd)
        set_caps(caps)
    totals, spends = spending(given.project)
    console.result(ledger_facts(totals, spends) | caps_facts(caps), f"{ledger_text(totals)}\n{caps_text(caps)}")
    return 0


def _cap(text: str) -> Decimal | None:
    """Return an amount in dollars, None for no cap.

    Raises:
        UsageError: it is no amount.
    """
    if text == "none":
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or amount < 0:
        raise UsageError(f"a cap is an amount such as 5.00, or none, not {text!r}")
    return amount


def workflow(given: argparse.Namespace, console: Console) -> int:
    """Show or check a workflow."""
    from app.workflows.spending import read_workflow

    found = read_workflow(given.file)
    facts = workflow_facts(found)
    if given.action == "check":
        console.result({"valid": True, "name": found.name}, f"{found.name}: {len(found.nodes)} nodes, can be run")
    else:
        console.result(facts, found.text.rstrip())
    return 0


def trace(given: argparse.Namespace, console: Console) -> int:
    """Show the spans of a job, or the latest runs; or send them to a collector."""
    from app.workflows.spending import spans

    if given.job == "export":
        return _export_traces(given, console)
    if given.otlp is not None:
        raise UsageError("--otlp is for deltacut trace export")
    found = spans(given.job)
    if given.job is not None and not found:
        raise UsageError(f"there is no trace of a job {given.job!r}; deltacut trace lists the latest runs")
    console.result(trace_facts(found), trace_text(found))
    return 0


def _export_traces(given: argparse.Namespace, console: Console) -> int:
    from app.cli.agreement import TerminalAgreement
    from app.workflows.telemetry import export_traces

    sent, host = export_traces(given.otlp, TerminalAgreement(console, agreed=given.yes), console.cancel)
    console.result({"sent": sent, "host": host}, f"{sent} spans sent to {host}" if sent else "there is nothing new")
    return 0


def ask_passphrase() -> str:
    """Return the vault's passphrase."""
    return ask_secret("the vault's passphrase")


def ask_secret(what: str) -> str:
    """Return a secret from a person without showing it, or a line of standard input where no person sits there."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{what}: ")
    return sys.stdin.readline().rstrip("\r\n")


PROVIDER_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {
    "generate": generate,
    "motion": motion,
    "transcribe": transcribe,
    "emotions": emotions,
    "jobs": jobs,
    "keys": keys,
    "ledger": ledger,
    "workflow": workflow,
    "trace": trace,
}
