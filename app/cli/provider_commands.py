"""What the commands that have to do with providers do: call a workflow, print its result."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict

from app.cli.console import Console
from app.cli.provider_report import key_text, ledger_facts, ledger_text, trace_facts, trace_text, workflow_facts
from engine.errors import UsageError


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
    """Show what was spent."""
    from app.workflows.spending import spending

    totals, spends = spending(given.project)
    console.result(ledger_facts(totals, spends), ledger_text(totals))
    return 0


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
    """Show the spans of a job, or the latest runs."""
    from app.workflows.spending import spans

    found = spans(given.job)
    if given.job is not None and not found:
        raise UsageError(f"there is no trace of a job {given.job!r}; deltacut trace lists the latest runs")
    console.result(trace_facts(found), trace_text(found))
    return 0


def ask_secret(what: str) -> str:
    """Return a secret from a person without showing it, or a line of standard input where no person sits there."""
    if sys.stdin.isatty():
        return getpass.getpass(f"{what}: ")
    return sys.stdin.readline().rstrip("\r\n")


PROVIDER_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {
    "keys": keys,
    "ledger": ledger,
    "workflow": workflow,
    "trace": trace,
}
