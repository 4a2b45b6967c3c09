"""Takes of a region by a provider, for a project that stays open: what one would send and cost, and how it comes in.

A job of this kind stops where its result is to be looked at; whoever ordered it puts the take into the film as one
step, and the job is published then. The patch may be in the project already, or only be planned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import cv2

from app.workflows.accounts import open_accounts
from app.workflows.edit_steps import png_of
from app.workflows.generate import AUTO, MOST_REFERENCES, chosen_workflow, reference_picture
from app.workflows.import_media import OpenProject
from app.workflows.keys import has_keys
from app.workflows.local_provider import NAME as LOCAL
from app.workflows.local_provider import LocalTools
from app.workflows.project_jobs import ProjectDesk, RecordJobStore
from app.workflows.steps import Artifact, generation_of
from engine.control import CancelToken
from engine.errors import UsageError
from engine.media.decode import FrameReader
from engine.model import codec
from engine.model.edits import AddPatch, AddTake, Compound, Edit, ReviewPatch
from engine.model.ids import new_id
from engine.model.patch import Patch, Provenance, ReviewState, Take
from engine.model.project import Project
from engine.model.region import Point, Region
from engine.model.tool import Picture
from engine.patches.crop import crop_around, shown_crop, shown_mask
from engine.patches.matte import region_matte
from engine.render.base import still_of
from providers.cache import Provenance as Origin
from providers.contract import Disclosure, EditTask, PictureSize, Request, Work
from providers.contract import Picture as SentPicture
from providers.errors import StoreDamaged
from providers.job_store import Jobs
from providers.jobs import Job, JobState
from providers.registry import open_providers
from providers.workflow import NodeKind, Workflow

UNFINISHED = (JobState.QUEUED, JobState.PROCESSING, JobState.NEEDS_APPROVAL, JobState.QA_READY)


@dataclass(frozen=True, slots=True)
class TakeOrder:
    """A take to be made.

    Attributes:
        patch: the patch it is for, with its region, its anchor and its window.
        provider: its name, or "auto" for the order of the workflow.
        size: of the picture that comes back. references: pictures to go by, PNG, JPEG or WebP.
        variant: 0 for the first result of the same request, then counting; each is paid for.
    """

    patch: Patch
    prompt: str
    provider: str = AUTO
    size: PictureSize = PictureSize.FIT
    references: tuple[Path, ...] = ()
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """What an order would send and cost.

    Attributes:
        provider: the one that would be asked first.
        picture: the crop as PNG, as it leaves. width_px, height_px: its size.
        outlines: of the mask, in 0..1 of the crop.
        spent_usd: in this project so far. cap_usd: what may be spent in it, None for any amount.
        agreed: whether the person agreed to this sort of sending before.
        has_key: whether any provider that would be asked has its keys.
    """

    provider: str
    model: str
    usd: Decimal
    sends: Disclosure
    picture: bytes
    width_px: int
    height_px: int
    outlines: tuple[tuple[Point, ...], ...]
    spent_usd: Decimal
    cap_usd: Decimal | None
    agreed: bool
    has_key: bool


def provider_order() -> tuple[str, ...]:
    """Return the providers that "auto" stands for, the first one first."""
    return _providers_of(chosen_workflow("edit", Work.EDIT, AUTO, "person"))


def offer(project: OpenProject, order: TakeOrder, cancel: CancelToken) -> Offer:
    """Return what an order would send and cost; nothing is sent.

    Raises:
        MediaError: the frame cannot be read. UsageError, PictureError: the order cannot be.
        ProviderFailure: the accounts cannot be used.
    """
    workflow = chosen_workflow("edit", Work.EDIT, order.provider, "person")
    first = _providers_of(workflow)[0]
    patch = order.patch
    film = project.films.get(patch.source_id)
    if film is None or film.info.video is None:
        raise UsageError("the film of the region is not at hand; find its file first")
    video = film.info.video
    with FrameReader(film.path, film.info, film.index) as reader:
        still = still_of(reader.frame(patch.anchor), video)
    matte = region_matte(patch.region, video.width, video.height, video.rotation)
    with open_accounts() as accounts:
        cancel.check()
        name = project.file.project.id
        providers = open_providers(accounts.surroundings(name, local={LOCAL: LocalTools()}))
        ratios = [width / height for width, height in providers[first].traits.ratios]
        crop = crop_around(matte, video.rotation, ratios)
        shown = shown_crop(still.planes, still.pixel_format, crop, video.rotation)
        mask = shown_mask(matte, crop, video.rotation)
        picture = png_of(shown)
        references = tuple(SentPicture.of(reference_picture(path)[0]) for path in order.references)
        prompt = order.prompt.strip() or "…"
        task = EditTask(prompt, SentPicture.of(picture), SentPicture.of(png_of(mask)), references, order.size)
        quote = providers[first].quote(Request(task, "offer"))
        height, width = mask.shape
        contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        outlines = tuple(tuple((float(x) / width, float(y) / height) for ((x, y),) in contour) for contour in contours)
        return Offer(
            first,
            quote.model,
            quote.usd,
            quote.sends,
            picture,
            width,
            height,
            outlines,
            accounts.ledger.spent_usd(name),
            accounts.surroundings(name).caps.project_usd,
            accounts.consents.covers(quote.sends, name),
            has_keys(accounts, _providers_of(workflow)),
        )


def save_order(desk: ProjectDesk, order: TakeOrder) -> Job:
    """Save an order in the project's queue, to be run by `desk.run`.

    Raises:
        UsageError, EditRefused: it does not fit the film. PictureError: a reference cannot be used.
    """
    if not order.prompt.strip():
        raise UsageError("the prompt is empty; say what the region shall show")
    if len(order.references) > MOST_REFERENCES:
        raise UsageError(f"{len(order.references)} reference pictures are too many; give at most {MOST_REFERENCES}")
    workflow = chosen_workflow("edit", Work.EDIT, order.provider, "person")
    file, patch = desk.project.file, order.patch
    film = desk.project.films.get(patch.source_id)
    if film is None:
        raise UsageError("the film of the region is not at hand; find its file first")
    pictures = [reference_picture(path) for path in order.references]
    inputs = {
        "work": Work.EDIT.value,
        "source": patch.source_id,
        "anchor": patch.anchor,
        "frames": [patch.frames.start, patch.frames.stop],
        "region": codec.to_json(patch.region, Region),
        "prompt": order.prompt.strip(),
        "feather_px": patch.feather_px,
        "references": [file.add_take(data, mime, {"name": name}) for data, mime, name in pictures],
        "follow": patch.motion.follow.value,
        "size": order.size.value,
        "patch": patch.id,
        "take": new_id(),
        "plan": codec.to_json(replace(patch, takes=(), pick=None), Patch),
    }
    return desk.orchestrator.add(
        workflow,
        project=file.project.id,
        title=order.prompt.strip()[:60],
        provenance=Origin(film.identity, patch.anchor),
        inputs=inputs,
        variant=order.variant,
    )


def fitted_take(desk: ProjectDesk, job: Job) -> Take:
    """Return the take that a job made, which waits for a look; its picture is kept in the project.

    Raises:
        StoreDamaged: the job has lost it.
    """
    names = {node["kind"]: node["id"] for node in json.loads(job.workflow)["nodes"]}
    fitted = job.node(names[NodeKind.COMPOSITE.value]).output
    made = job.node(names[NodeKind.EDIT.value])
    if fitted is None or made.output is None or "take" not in fitted.blobs:
        raise StoreDamaged(f"job {job.job} has lost its picture")
    answer = Artifact(made.output.record, {name: desk.jobs.blob(blob) for name, blob in made.output.blobs.items()})
    generation = generation_of(answer)
    content = desk.project.file.add_take(desk.jobs.blob(fitted.blobs["take"]), "image/png", {"name": job.title})
    provenance = Provenance(
        maker=generation.provider,
        model=generation.model,
        prompt=job.inputs["prompt"],
        settings=(("size", str(job.inputs.get("size", PictureSize.FIT.value))),),
        cost_microusd=int(job.spent_usd() * 1_000_000),
        elapsed_ms=max(0, int((job.updated_at - job.created_at) * 1000)),
        made_at_ms=time.time_ns() // 1_000_000,
    )
    return Take(job.inputs["take"], Picture(content, fit=()), provenance=provenance)


def edit_for(project: Project, patch: Patch, take: Take) -> Edit:
    """Return the edit that puts a take into the film: into its patch, or with it where it is only planned."""
    if any(known.id == patch.id for known in project.patches):
        return Compound(
            f"New take of “{patch.name or 'Patch'}”",
            (AddTake(patch.id, take), ReviewPatch(patch.id, ReviewState.PROPOSED)),
        )
    return AddPatch(replace(patch, takes=(take,), pick=take.id, state=ReviewState.PROPOSED))


def publish(desk: ProjectDesk, job: Job, cancel: CancelToken, wait: Callable[[float], None] = time.sleep) -> Job:
    """Note that a job's take is in the film, once it is.

    Raises:
        UsageError: it does not get there; the job stays as it is. Cancelled: on request.
    """
    for _ in range(200):
        takes = {take.id for patch in desk.project.file.project.patches for take in patch.takes}
        if job.inputs["take"] in takes:
            return desk.approve(job.job, None, cancel)
        cancel.check()
        wait(0.05)
    raise UsageError(f"the take of job {job.job} was not put into the film")


def unfinished(project: OpenProject) -> tuple[Job, ...]:
    """Return the jobs of takes that were ordered here and are not in the film yet, the oldest first.

    Raises:
        StoreDamaged: one cannot be read.
    """
    jobs = Jobs(RecordJobStore(project.file)).all()
    return tuple(job for job in jobs if "plan" in job.inputs and job.state in UNFINISHED)


def unfinished_services(project: OpenProject) -> tuple[Job, ...]:
    """Return the transcripts, labels and filmed motions that were ordered and are not in the film yet, oldest first.

    Raises:
        StoreDamaged: one cannot be read.
    """
    jobs = Jobs(RecordJobStore(project.file)).all()
    works = (Work.TRANSCRIBE.value, Work.EMOTION.value, Work.MOTION.value)
    return tuple(job for job in jobs if job.inputs.get("work") in works and job.state in UNFINISHED)


def patch_of(job: Job) -> Patch:
    """Return the patch that a job's take was ordered for, as it was then."""
    patch: Patch = codec.from_json(job.inputs["plan"], Patch)
    return patch


def _providers_of(workflow: Workflow) -> tuple[str, ...]:
    for node in workflow.nodes:
        if node.kind is NodeKind.EDIT:
            return tuple(node.providers)
    return ()
