"""Let a provider change a region of a frame; what comes back becomes a take of a new patch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.workflows.edit_steps import FEATHER_PX, planned_patch
from app.workflows.project_jobs import Agreement, Wish, open_desk
from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.model import codec
from engine.model.edits import AddPatch
from engine.model.ids import new_id
from engine.model.project import Project
from engine.model.region import Region
from engine.model.time import Range
from providers.contract import Work
from providers.jobs import Job
from providers.registry import ADAPTERS
from providers.workflow import Workflow, parse_workflow, shipped_workflow

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What to change where.

    Attributes:
        frame: the source frame that the provider is shown. frames: those that show the result; only `frame` if None.
        provider: its name, or "auto" for those of the workflow in its order.
        review: "person" to look at the result before it goes into the film, else "automatic".
    """

    frame: int
    region: Region
    prompt: str
    frames: Range | None = None
    provider: str = AUTO
    review: str = "automatic"


def generate(
    path: Path,
    request: GenerateRequest,
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
    if not request.prompt.strip():
        raise UsageError("the prompt is empty; say what the region shall show")
    workflow = chosen_workflow("edit", Work.EDIT, request.provider, request.review)
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        wish = _wish(desk.project.file.project, request, workflow)
        return desk.run(desk.add(wish).job, cancel)


def chosen_workflow(name: str, work: Work, provider: str, review: str) -> Workflow:
    """Return a workflow that comes along, with the provider that was asked for.

    Raises:
        UsageError: there is no such provider for the work.
    """
    able = sorted(known for known, adapter in ADAPTERS.items() if work in adapter.traits.works)
    if provider != AUTO and provider not in able:
        raise UsageError(f"there is no provider {provider!r} for {work.value}; there are {AUTO}, {', '.join(able)}")
    content = json.loads(shipped_workflow(name, set(ADAPTERS)).text)
    for node in content["nodes"]:
        if node["kind"] == work.value and provider != AUTO:
            node["providers"] = [provider]
        if node["kind"] == "qa":
            node["approval"] = review
    return parse_workflow(json.dumps(content), set(ADAPTERS), name)


def _wish(project: Project, request: GenerateRequest, workflow: Workflow) -> Wish:
    if len(project.sources) != 1:
        raise UsageError(f"the project has {len(project.sources)} films; this works on a project of one")
    (source,) = project.sources
    frames = request.frames or Range(request.frame, request.frame + 1)
    bounds = request.region.bounds
    picture = project.picture(source.id)
    smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
    inputs = {
        "work": Work.EDIT.value,
        "source": source.id,
        "anchor": request.frame,
        "frames": [frames.start, frames.stop],
        "region": codec.to_json(request.region, Region),
        "prompt": request.prompt,
        "feather_px": round(min(FEATHER_PX, smaller_px / 10), 1),
        "patch": new_id(),
        "take": new_id(),
    }
    AddPatch(planned_patch(inputs, None)).apply(project)
    return Wish(workflow, request.prompt[:60], request.frame, inputs)
