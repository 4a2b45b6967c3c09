"""Have a model label how those who are heard in a film feel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.workflows.generate import AUTO, chosen_workflow
from app.workflows.project_jobs import Agreement, ProjectDesk, Wish, open_desk
from app.workflows.transcribe import source_with_sound
from engine.control import CancelToken, Progress
from providers.contract import Work
from providers.jobs import Job


@dataclass(frozen=True, slots=True)
class EmotionRequest:
    """Whom to ask.

    Attributes:
        provider: its name, or "auto" for those of the workflow.
        source_id: the film, where the project has several.
        workflow: a workflow's file in place of the one that comes along.
    """

    provider: str = AUTO
    source_id: str | None = None
    workflow: str | None = None


def label_emotions(
    path: Path,
    request: EmotionRequest,
    agreement: Agreement,
    progress: Progress,
    cancel: CancelToken,
    ask_passphrase: Callable[[], str] | None = None,
) -> Job:
    """Make the job and run it until it rests; whether it succeeded is its state.

    Raises:
        UsageError: the film has no sound; nothing was sent. MediaError, ProjectError: they cannot be used.
        ProviderFailure: the accounts cannot be used.
        Cancelled: on request; the job is saved as far as it got.
    """
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        return desk.run(order_labels(desk, request).job, cancel)


def order_labels(desk: ProjectDesk, request: EmotionRequest) -> Job:
    """Save the job in the project's queue, to be run by `desk.run`.

    Raises:
        UsageError: the film has no sound.
    """
    workflow = chosen_workflow("emotion", Work.EMOTION, request.provider, "automatic", request.workflow)
    source = source_with_sound(desk, request.source_id)
    inputs = {"work": Work.EMOTION.value, "source": source.id}
    return desk.add(Wish(workflow, f"Emotions in {source.name}", 0, inputs))
