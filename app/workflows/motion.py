"""Let a service film how a patch moves, between its anchor and its window's last frame; the film becomes a take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.workflows.generate import AUTO, chosen_workflow
from app.workflows.project_jobs import Agreement, ProjectDesk, Wish, open_desk
from app.workflows.take_names import found_patch
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.model.ids import new_id
from engine.model.patch import Patch
from engine.model.project import Project
from providers.contract import Work
from providers.jobs import Job
from providers.workflow import Workflow


@dataclass(frozen=True, slots=True)
class MotionRequest:
    """What to film.

    Attributes:
        patch: its id, the beginning of it, or its number from 1.
        prompt: what happens; empty for the prompt that the patch was made with.
        provider: its name, or "auto" for those of the workflow in its order.
        review: "person" to look at the film before it becomes a take, else "automatic".
        workflow: a workflow's file in place of the one that comes along.
    """

    patch: str
    prompt: str = ""
    provider: str = AUTO
    review: str = "automatic"
    workflow: str | None = None


def film_motion(
    path: Path,
    request: MotionRequest,
    agreement: Agreement,
    progress: Progress,
    cancel: CancelToken,
    ask_passphrase: Callable[[], str] | None = None,
) -> Job:
    """Make the job and run it until it rests; whether it succeeded is its state.

    Raises:
        UsageError: the request does not fit the patch; nothing was sent. MediaError, ProjectError: they cannot be used.
        ProviderFailure: the accounts cannot be used.
        Cancelled: on request; the job is saved as far as it got.
    """
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        return desk.run(order_motion(desk, request).job, cancel)


def order_motion(desk: ProjectDesk, request: MotionRequest) -> Job:
    """Save the job in the project's queue, to be run by `desk.run`.

    Raises:
        UsageError, EditRefused: the request does not fit the patch.
    """
    workflow = chosen_workflow("motion", Work.MOTION, request.provider, request.review, request.workflow)
    return desk.add(_wish(desk.project.file.project, request, workflow))


def _wish(project: Project, request: MotionRequest, workflow: Workflow) -> Wish:
    patch = found_patch(project, request.patch)
    if patch.picked is None:
        raise UsageError(f"the patch {patch.name or patch.id} shows nothing yet that could move")
    if patch.anchor >= patch.frames.stop - 2:
        raise UsageError(
            f"the patch's window {patch.frames.start}:{patch.frames.stop} ends at its anchor {patch.anchor}: "
            "there is no motion to film; give it frames after the anchor"
        )
    prompt = request.prompt.strip() or _prompt_of(patch)
    inputs = {
        "work": Work.MOTION.value,
        "source": patch.source_id,
        "patch": patch.id,
        "base": patch.pick,
        "take": new_id(),
        "prompt": prompt,
    }
    return Wish(workflow, f"Film the motion of {patch.name or patch.id}"[:60], patch.anchor, inputs)


def _prompt_of(patch: Patch) -> str:
    made = patch.picked.provenance.prompt if patch.picked is not None else ""
    return f"The scene goes on as it is{': ' + made if made else ''}. The camera moves as between the two pictures."
