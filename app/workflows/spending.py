"""What was spent, what was done, and whether a workflow can be run."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from app.workflows.accounts import open_accounts, provider_errors
from app.workflows.local_provider import KNOWN
from engine.errors import InputError
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from providers.ledger import Spend, Totals
from providers.traces import Span
from providers.workflow import Workflow, parse_workflow, shipped_workflow, shipped_workflows


def spending(project: Path | None) -> tuple[tuple[Totals, ...], tuple[Spend, ...]]:
    """Return the sums of each provider and every request, of one project or of all.

    Raises:
        ProjectError: the project cannot be read. ProviderFailure: the ledger cannot be used.
    """
    project_id = None
    if project is not None:
        with ProjectFile.open(project, Access.READ) as file:
            project_id = file.project.id
    with open_accounts() as accounts:
        return accounts.ledger.totals(project_id), accounts.ledger.spend(project_id)


def spent_on(project_id: str) -> Decimal:
    """Return what a project has cost so far, in dollars.

    Raises:
        ProviderFailure: the ledger cannot be used.
    """
    with open_accounts() as accounts:
        return sum((totals.actual_usd for totals in accounts.ledger.totals(project_id)), Decimal(0))


def spans(job: str | None) -> tuple[Span, ...]:
    """Return the latest traces (their first spans, the latest first), or all spans of a job in order.

    Raises:
        ProviderFailure: they cannot be read.
    """
    with open_accounts() as accounts:
        return accounts.spans.traces() if job is None else accounts.spans.of_job(job)


def read_workflow(name: str) -> Workflow:
    """Return a checked workflow: one that comes with Deltacut, by its name, or a file.

    Raises:
        InputError: the file cannot be read. ProviderFailure: it cannot be run; the message names every fault.
    """
    with provider_errors():
        if name in shipped_workflows():
            return shipped_workflow(name, KNOWN)
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            known = ", ".join(shipped_workflows())
            raise InputError(
                f"the workflow {name} cannot be read: {error.strerror} (those that come along: {known})"
            ) from error
        except UnicodeDecodeError as error:
            raise InputError(f"the workflow {name} is not UTF-8 text") from error
        return parse_workflow(text, KNOWN, name)
