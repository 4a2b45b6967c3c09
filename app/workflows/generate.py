"""Let a provider change a region of a frame; what comes back becomes a take of a new patch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.workflows.edit import Window
from app.workflows.edit_steps import FEATHER_PX, planned_patch
from app.workflows.local_provider import KNOWN
from app.workflows.local_provider import TRAITS as LOCAL_TRAITS
from app.workflows.project_jobs import Agreement, ProjectDesk, Wish, open_desk
from app.workflows.spending import read_workflow
from engine.control import CancelToken, Progress
from engine.errors import PictureError, UsageError
from engine.model import codec
from engine.model.edits import AddPatch
from engine.model.ids import new_id
from engine.model.patch import Follow
from engine.model.project import Project
from engine.model.region import Region
from engine.model.source import Source
from engine.model.time import Range
from providers.contract import Work
from providers.jobs import Job
from providers.pictures import PictureInfo, picture_info
from providers.registry import ADAPTERS
from providers.workflow import NodeKind, Workflow, parse_workflow, shipped_workflow

AUTO = "auto"
MOST_REFERENCES = 10
LARGEST_REFERENCE_BYTES = 7 << 20


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What to change where.

    Attributes:
        frame: the source frame that the provider is shown.
        frames: those that show the result, or how many before and after `frame`; only `frame` if None.
        provider: its name, or "auto" for those of the workflow in its order.
        review: "person" to look at the result before it goes into the film, else "automatic".
        references: pictures to go by, PNG, JPEG or WebP.
        follow: how the result is carried over the frames.
        source_id: the film, where the project has several.
        workflow: a workflow's file in place of the one that comes along.
    """

    frame: int
    region: Region
    prompt: str
    frames: Range | Window | None = None
    provider: str = AUTO
    review: str = "automatic"
    references: tuple[Path, ...] = ()
    follow: Follow = Follow.STATIC
    source_id: str | None = None
    workflow: str | None = None


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
    with open_desk(path, agreement, progress, cancel, ask_passphrase) as desk:
        return desk.run(order_edit(desk, request).job, cancel)


def order_edit(desk: ProjectDesk, request: GenerateRequest) -> Job:
    """Save the job in the project's queue, to be run by `desk.run`.

    Raises:
        UsageError, EditRefused: the request does not fit the film. PictureError: a reference cannot be used.
    """
    if not request.prompt.strip():
        raise UsageError("the prompt is empty; say what the region shall show")
    if len(request.references) > MOST_REFERENCES:
        raise UsageError(f"{len(request.references)} reference pictures are too many; give at most {MOST_REFERENCES}")
    workflow = chosen_workflow("edit", Work.EDIT, request.provider, request.review, request.workflow)
    file = desk.project.file
    # Tried without them first: a request that does not fit leaves nothing in the project.
    _wish(file.project, request, workflow, [])
    references = [reference_picture(picture) for picture in request.references]
    kept = [file.add_take(data, mime, {"name": name}) for data, mime, name in references]
    return desk.add(_wish(file.project, request, workflow, kept))


def chosen_workflow(name: str, work: Work, provider: str, review: str, own: str | None = None) -> Workflow:
    """Return the workflow for a work, with the provider that was asked for.

    Args:
        name: of the one that comes along.
        work: what the provider is asked for.
        provider: its name, or "auto" for those of the workflow in its order.
        review: "person" to have the result looked at. "automatic" leaves that to a workflow of one's own.
        own: a workflow's file in place of the one that comes along.

    Raises:
        UsageError: there is no such provider for the work, or the file is a workflow for another work.
        InputError, ProviderFailure: the file cannot be read or run.
    """
    traits = [LOCAL_TRAITS, *(adapter.traits for adapter in ADAPTERS.values())]
    able = sorted(known.name for known in traits if work in known.works)
    if provider != AUTO and provider not in able:
        raise UsageError(f"there is no provider {provider!r} for {work.value}; there are {AUTO}, {', '.join(able)}")
    shipped = shipped_workflow(name, KNOWN)
    text = shipped.text
    if own is not None:
        found = read_workflow(own)
        # Comparing is for a person to look at; everything else of the work has to be done.
        needed = {node.kind for node in shipped.nodes} - {NodeKind.DIFF}
        missing = sorted(kind.value for kind in needed - {node.kind for node in found.nodes})
        if missing:
            raise UsageError(f"the workflow {own} cannot do this: it has no node of the kind {', '.join(missing)}")
        text = found.text
    content = json.loads(text)
    for node in content["nodes"]:
        if node["kind"] == work.value and provider != AUTO:
            node["providers"] = [provider]
        if node["kind"] == "qa" and (own is None or review == "person"):
            node["approval"] = review
    return parse_workflow(json.dumps(content), KNOWN, own or name)


def _wish(project: Project, request: GenerateRequest, workflow: Workflow, references: list[str]) -> Wish:
    source = chosen_source(project, request.source_id)
    bounds = request.region.bounds
    picture = project.picture(source.id)
    smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
    frames = _frames(request, picture.frame_count)
    inputs = {
        "work": Work.EDIT.value,
        "source": source.id,
        "anchor": request.frame,
        "frames": [frames.start, frames.stop],
        "region": codec.to_json(request.region, Region),
        "prompt": request.prompt,
        "feather_px": round(min(FEATHER_PX, smaller_px / 10), 1),
        "references": references,
        "follow": request.follow.value,
        "patch": new_id(),
        "take": new_id(),
    }
    AddPatch(planned_patch(inputs, None)).apply(project)
    return Wish(workflow, request.prompt[:60], request.frame, inputs)


def chosen_source(project: Project, source_id: str | None) -> Source:
    """Return the film that is meant.

    Raises:
        UsageError: the project has several, and none is named. EditRefused: it has none of that name.
    """
    if source_id is not None:
        return project.source(source_id)
    films = [source for source in project.sources if source.picture is not None]
    if len(films) != 1:
        names = ", ".join(f"{source.id} ({source.name})" for source in films)
        raise UsageError(f"the project has {len(films)} films; name one with --source: {names}")
    return films[0]


def _frames(request: GenerateRequest, count: int) -> Range:
    """Return the frames that show the result; a window that leaves the film ends with it."""
    if isinstance(request.frames, Range):
        return request.frames
    if not 0 <= request.frame < count:
        raise UsageError(f"there is no frame {request.frame}: the film has the frames 0:{count}")
    window = request.frames or Window(0, 0)
    return Range(max(0, request.frame - window.before), min(count, request.frame + window.after + 1))


def reference_picture(path: Path) -> tuple[bytes, str, str]:
    """Return a reference picture's bytes, their type, and its name.

    Raises:
        PictureError: it cannot be read, is too large, or is no picture that can be sent.
    """
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_REFERENCE_BYTES else b""
    except OSError as error:
        raise PictureError(f"the picture {path} cannot be read: {error.strerror or error}") from error
    if size > LARGEST_REFERENCE_BYTES:
        raise PictureError(f"the picture {path} has {size / 1e6:.1f} MB; make it smaller than 7 MB")
    info = picture_info(data)
    if not isinstance(info, PictureInfo):
        raise PictureError(f"{path} is no PNG, JPEG or WebP picture")
    return data, info.mime, path.name
