"""The application's steps of an edit by a provider: cut the crop out, fit the answer in, compare, publish."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.workflows.import_media import OpenProject
from app.workflows.steps import Artifact, StepAsks, StepContext, generation_of, task_artifact
from engine.errors import UsageError
from engine.media.decode import FrameReader
from engine.media.picture import decode_picture
from engine.model import codec
from engine.model.edits import AddPatch
from engine.model.patch import Follow, Motion, Patch, Provenance, ReviewState, Take
from engine.model.region import Region
from engine.model.time import Range
from engine.model.tool import FitStep, Picture
from engine.patches.crop import Crop, crop_around, shown_crop, shown_mask
from engine.patches.fit import fit
from engine.patches.matte import Matte, region_matte
from engine.render.base import Still, still_of
from engine.render.film import Film
from providers.contract import EditTask, Generation, PictureSize
from providers.contract import Picture as SentPicture
from providers.registry import ADAPTERS
from providers.workflow import NodeKind

FEATHER_PX = 12.0
"""The seam is softened over this width, inside the region, so that nothing beyond it changes."""


class EditSteps:
    """The steps of a project's edits."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    def extract(self, context: StepContext) -> Artifact:
        """Cut the region with room around it out of the anchor frame, in a shape that the provider takes."""
        still, matte = self._anchor(context)
        crop = self._crop(context, matte, still.video.rotation)
        picture = png_of(shown_crop(still.planes, still.pixel_format, crop, still.video.rotation))
        mask = png_of(shown_mask(matte, crop, still.video.rotation))
        inputs = context.job.inputs
        references = tuple(
            SentPicture.of(self._project.file.take(content).data) for content in inputs.get("references", ())
        )
        size = PictureSize(inputs.get("size", PictureSize.FIT.value))
        sent, marked = SentPicture.of(picture), SentPicture.of(mask)
        return task_artifact(EditTask(inputs["prompt"], sent, marked, references, size))

    def composite(self, context: StepContext) -> Artifact:
        """Fit the answer into its surroundings; what is in doubt is left to a person."""
        still, matte = self._anchor(context)
        rotation = still.video.rotation
        answer = decode_picture(_result(context)[1].output.data, "the provider's picture")  # type: ignore[union-attr]
        crop = self._crop(context, matte, rotation)
        steps = (FitStep.REGISTER, FitStep.COLOUR)
        fitted, report = fit(still.planes, still.pixel_format, matte, answer, crop, rotation=rotation, steps=steps)
        shown = picture_of_region(Still(fitted, still.pixel_format, still.video, still.frame), matte)
        artifact = Artifact({"fit": asdict(report)}, {"take": png_of(shown)})
        if report.doubts:
            raise StepAsks("; ".join(report.doubts), artifact)
        return artifact

    def diff(self, context: StepContext) -> Artifact:
        """Compare the fitted region with what stood there."""
        still, matte = self._anchor(context)
        before = picture_of_region(still, matte).astype(np.int16)
        fitted = _before(context, NodeKind.COMPOSITE)
        after = decode_picture(fitted.blobs["take"], "the fitted picture").rgba[..., :3].astype(np.int16)
        difference = np.abs(after - before).max(axis=2)
        return Artifact({"mean": float(difference.mean()), "changed": float((difference > 8).mean())})

    def publish(self, context: StepContext) -> Artifact:
        """Keep the fitted picture as a take, and put a patch with it onto the film; once, however often asked."""
        inputs = context.job.inputs
        file = self._project.file
        if any(patch.id == inputs["patch"] for patch in file.project.patches):
            return Artifact({"patch": inputs["patch"]})
        name, generation = _result(context)
        content = file.add_take(
            _before(context, NodeKind.COMPOSITE).blobs["take"], "image/png", {"name": context.job.title}
        )
        spent = context.job.node(name).spent_usd()
        provenance = Provenance(
            maker=generation.provider,
            model=generation.model,
            prompt=inputs["prompt"],
            cost_microusd=int(spent * 1_000_000),
            elapsed_ms=max(0, int((time.time() - context.job.created_at) * 1000)),
            made_at_ms=time.time_ns() // 1_000_000,
        )
        take = Take(inputs["take"], Picture(content, fit=()), provenance=provenance)
        file.commit(AddPatch(planned_patch(inputs, take)))
        return Artifact({"patch": inputs["patch"], "take": take.id})

    def _film(self, context: StepContext) -> Film:
        return self._project.films[context.job.inputs["source"]]

    def _anchor(self, context: StepContext) -> tuple[Still, Matte]:
        film = self._film(context)
        video = film.info.video
        if video is None:
            raise UsageError(f"{film.path.name} has no picture")
        with FrameReader(film.path, film.info, film.index) as reader:
            still = still_of(reader.frame(context.job.frame), video)
        region: Region = region_of(context.job.inputs)
        return still, region_matte(region, video.width, video.height, video.rotation)

    def _crop(self, context: StepContext, matte: Matte, rotation: int) -> Crop:
        workflow = json.loads(context.job.workflow)
        first = next(node["providers"][0] for node in workflow["nodes"] if node["kind"] == NodeKind.EDIT.value)
        ratios = ADAPTERS[first].traits.ratios if first in ADAPTERS else ()
        return crop_around(matte, rotation, [width / height for width, height in ratios])


def region_of(inputs: Mapping[str, Any]) -> Region:
    """Return the region that a job's inputs name.

    Raises:
        EditRefused: it is none.
    """
    region: Region = codec.from_json(inputs["region"], Region)
    return region


def planned_patch(inputs: Mapping[str, Any], take: Take | None) -> Patch:
    """Return the patch that a job makes; without a take, to see beforehand whether the film has a place for it.

    Raises:
        EditRefused: its frames, region or anchor make no sense.
    """
    feather_px = float(inputs["feather_px"])
    return Patch(
        id=inputs["patch"],
        source_id=inputs["source"],
        region=region_of(inputs),
        frames=Range(*inputs["frames"]),
        anchor=inputs["anchor"],
        name=inputs["prompt"][:60],
        feather_px=feather_px,
        grow_px=-feather_px,
        motion=Motion(Follow(inputs.get("follow", Follow.STATIC.value))),
        takes=() if take is None else (take,),
        pick=None if take is None else take.id,
        state=ReviewState.DRAFT if take is None else ReviewState.APPROVED,
    )


def png_of(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture, uint8 [h, w, 3] as R G B or [h, w], as PNG."""
    _, data = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    return bytes(data)


def picture_of_region(still: Still, matte: Matte) -> NDArray[np.uint8]:
    """Return the box around a region as it is shown, upright; where it leaves the frame, the edge goes on."""
    left, top, right, bottom = (round(edge) for edge in matte.bounds)
    width, height = matte.width, matte.height
    crop = Crop(max(0, left), max(0, top), min(width, right), min(height, bottom))
    rotation = still.video.rotation
    shown = shown_crop(still.planes, still.pixel_format, crop, rotation)
    room = ((crop.top - top, bottom - crop.bottom), (crop.left - left, right - crop.right), (0, 0))
    if not any(any(side) for side in room):
        return shown
    padded = np.pad(np.rot90(shown, k=rotation // 90), room, mode="edge")
    return np.ascontiguousarray(np.rot90(padded, k=-(rotation // 90)))


def _result(context: StepContext) -> tuple[str, Generation]:
    """Return the id of the node that asked a provider, and what came back."""
    name = _name_of(context, NodeKind.EDIT)
    return name, generation_of(context.artifacts[name])


def _before(context: StepContext, kind: NodeKind) -> Artifact:
    return context.artifacts[_name_of(context, kind)]


def _name_of(context: StepContext, kind: NodeKind) -> str:
    nodes = json.loads(context.job.workflow)["nodes"]
    return str(next(node["id"] for node in nodes if node["kind"] == kind.value))
