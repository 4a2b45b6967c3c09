"""Write down what is said in a film: words with their times, and captions of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from app.workflows.generate import AUTO, chosen_source, chosen_workflow
from app.workflows.project_jobs import Agreement, ProjectDesk, Wish, open_desk
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.model.ids import new_id
from engine.model.source import Source
from providers.contract import Work
from providers.jobs import Job
from providers.workflow import Workflow


class Captions(Enum):
    """Whether captions are made of the words."""

    MADE = "made"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class TranscribeRequest:
    """How to listen.

    Attributes:
        language: its code, None to find out. provider: its name, or "auto" for those of the workflow.
        source_id: the film, where the project has several.
        workflow: a workflow's file in place of the one that comes along.
    """

    language: str | None = None
    captions: Captions = Captions.NONE
    provider: str = AUTO
    source_id: str | None = None
    workflow: str | None = None


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
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        return desk.run(order_transcript(desk, request).job, cancel)


def order_transcript(desk: ProjectDesk, request: TranscribeRequest) -> Job:
    """Save the job in the project's queue, to be run by `desk.run`.

    Raises:
        UsageError: the request does not fit the film.
    """
    workflow = chosen_workflow("transcribe", Work.TRANSCRIBE, request.provider, "automatic", request.workflow)
    return desk.add(_wish(source_with_sound(desk, request.source_id), request, workflow))


def source_with_sound(desk: ProjectDesk, source_id: str | None) -> Source:
    """Return the film that is to be listened to; None for the only one.

    Raises:
        UsageError: it has no sound, or there are several to choose from.
    """
    source = chosen_source(desk.project.file.project, source_id)
    film = desk.project.films.get(source.id)
    if film is None or not film.info.audio:
        raise UsageError(f"{source.name} has no sound to listen to")
    return source


def _wish(source: Source, request: TranscribeRequest, workflow: Workflow) -> Wish:
    inputs = {
        "work": Work.TRANSCRIBE.value,
        "source": source.id,
        "language": request.language,
        "captions": new_id() if request.captions is Captions.MADE else None,
    }
    return Wish(workflow, f"What is said in {source.name}", 0, inputs)
