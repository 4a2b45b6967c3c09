"""Write down what is said in a film: words with their times, and captions of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.workflows.generate import AUTO, chosen_workflow
from app.workflows.project_jobs import Agreement, Wish, open_desk
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.model.ids import new_id
from engine.model.project import Project
from providers.contract import Work
from providers.jobs import Job
from providers.workflow import Workflow


class Captions(Enum):
    """Whether captions are made of the words."""

    MADE = "made"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """How to listen; language: its code, None to find out. provider: its name, or "auto" for those of the workflow."""

    language: str | None = None
    captions: Captions = Captions.NONE
    provider: str = AUTO


def transcribe(
    path: Path,
    request: TranscribeRequest,
    agreement: Agreement,
    progress: Progress,
    cancel: CancelToken,
    ask_passphrase: Callable[[], str] | None = None,
) -> Job:
    """Make the job and run it until it rests; whether it succeeded is its state.

    Raises:
        UsageError: the request does not fit the film; nothing was sent. MediaError, ProjectError: they cannot be used.
        ProviderFailure: the accounts cannot be used.
        Cancelled: on request; the job is saved as far as it got.
    """
    workflow = chosen_workflow("transcribe", Work.TRANSCRIBE, request.provider, "automatic")
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        if not desk.project.film.info.audio:
            raise UsageError(f"{desk.project.film.path.name} has no sound to transcribe")
        wish = _wish(desk.project.file.project, request, workflow)
        return desk.run(desk.add(wish).job, cancel)


def _wish(project: Project, request: TranscribeRequest, workflow: Workflow) -> Wish:
    if len(project.sources) != 1:
        raise UsageError(f"the project has {len(project.sources)} films; this works on a project of one")
    inputs = {
        "work": Work.TRANSCRIBE.value,
        "source": project.sources[0].id,
        "language": request.language,
        "captions": new_id() if request.captions is Captions.MADE else None,
    }
    return Wish(workflow, f"What is said in {project.sources[0].name}", 0, inputs)
