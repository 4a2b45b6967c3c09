"""The application's steps of a filmed motion: two frames out, a film in, fitted frame by frame, kept as a take."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.workflows.edit_steps import picture_of_region, png_of
from app.workflows.follow import films_of_project, moving_patches, must_be_open, operation_of, pictures_of
from app.workflows.import_media import OpenProject
from app.workflows.steps import Artifact, StepAsks, StepContext, generation_of, task_artifact
from engine.control import CancelToken
from engine.errors import EditRefused
from engine.media.generated_film import pictures_at
from engine.media.take_film import MEDIA_TYPE, take_film
from engine.model.edits import AddTake, Compound, PickTake, ReviewPatch
from engine.model.media import VideoStream
from engine.model.ops import PatchOp
from engine.model.patch import Follow, Motion, Patch, Provenance, Take
from engine.model.picture import Picture
from engine.model.project import Project
from engine.model.region import Box
from engine.model.time import Range
from engine.model.tool import FitStep, MovingPicture
from engine.patches.crop import Crop, crop_around, shown_crop
from engine.patches.fit import fit
from engine.patches.matte import Matte
from engine.render.base import Still, still_of
from engine.render.films import FilmReaders
from engine.render.moving import Moving
from engine.render.patch_op import PatchRenderer
from providers.contract import MotionTask, Video
from providers.contract import Picture as SentPicture
from providers.errors import StoreDamaged
from providers.workflow import NodeKind

RATIOS = (16 / 9, 9 / 16)
"""Shapes that every service films in."""

_LEAST_SENT_PX = 720
"""Of the shorter side: services refuse less than 300, and film in 720."""
_MOST_DOUBTFUL = 0.3
_PINNED_FRAMES = 4
"""Over so many frames the film goes over from the edited end frames to the service's pictures."""

Rgb = NDArray[np.uint8]


class MotionSteps:
    """The steps of a project's filmed motions."""

    def __init__(self, project: OpenProject) -> None:
        self._project = project

    def extract(self, context: StepContext) -> Artifact:
        """Take out the edited anchor and the window's last frame, around wherever the region goes."""
        with self._scene(context) as scene:
            crop = crop_around(scene.reach(scene.filmed, context.cancel), scene.video.rotation, RATIOS)
            first, last = scene.filmed.start, scene.filmed.stop - 1
            shown = [scene.shown(number, crop) for number in (first, last)]
            duration_ms = round((scene.time_of(last) - scene.time_of(first)) * 1000)
        pictures = [SentPicture.of(png_of(_large_enough(picture))) for picture in shown]
        return task_artifact(MotionTask(context.job.inputs["prompt"], pictures[0], pictures[1], duration_ms))

    def composite(self, context: StepContext) -> Artifact:
        """Bring the film to the source's frames, fit each into its surroundings, and keep only the region of it."""
        video = _film_of(context)
        doubtful = 0
        differences: list[float] = []
        with self._scene(context) as scene:
            crop = crop_around(scene.reach(scene.filmed, context.cancel), scene.video.rotation, RATIOS)
            area = scene.reach(scene.window, context.cancel)
            count = len(scene.filmed)

            def finished() -> Iterator[NDArray[np.uint8]]:
                nonlocal doubtful
                filmed = pictures_at(video.data, scene.shares(), context.cancel)
                for number in scene.window:
                    still = scene.still(number)
                    flow = after = scene.drawn(number, still)
                    matte = scene.matte(number, still)
                    answer = next(filmed) if number in scene.filmed else None
                    share = scene.share_of_film(number)
                    if answer is not None and matte is not None and share > 0:
                        film, sure = _fitted(still, matte, answer, crop)
                        doubtful += not sure
                        differences.append(_difference(flow, film))
                        after = _between(flow, film, share)
                    yield _with_alpha(after, matte, area)

            kept = take_film(finished(), context.cancel)
            box = _shown_box(area, scene.video.rotation)
        beside = {"mean": float(np.mean(differences or [0.0])), "most": float(np.max(differences or [0.0]))}
        facts = {
            "fit": {"frames": count, "doubtful": doubtful},
            "box": [box.x0, box.y0, box.x1, box.y1],
            "beside_flow": beside,
        }
        artifact = Artifact(facts, {"film": kept})
        if doubtful > _MOST_DOUBTFUL * count:
            raise StepAsks(f"the film does not meet its surroundings on {doubtful} of {count} frames", artifact)
        return artifact

    def diff(self, context: StepContext) -> Artifact:
        """Tell how far the film is from what following the picture gives, in 8-bit steps."""
        return Artifact(dict(_before(context, NodeKind.COMPOSITE).record["beside_flow"]))

    def publish(self, context: StepContext) -> Artifact:
        """Keep the film as a take beside the one that it was made of; once, however often asked."""
        inputs = context.job.inputs
        file = self._project.file
        patch = _patch(file.project, inputs["patch"])
        if all(take.id != inputs["take"] for take in patch.takes):
            made = _before(context, NodeKind.COMPOSITE)
            name = _name_of(context, NodeKind.MOTION)
            generation = generation_of(context.artifacts[name])
            content = file.add_take(made.blobs["film"], MEDIA_TYPE, {"name": context.job.title})
            provenance = Provenance(
                maker=generation.provider,
                model=generation.model,
                prompt=inputs["prompt"],
                cost_microusd=int(context.job.node(name).spent_usd() * 1_000_000),
                elapsed_ms=max(0, int((time.time() - context.job.created_at) * 1000)),
                made_at_ms=time.time_ns() // 1_000_000,
            )
            tool = MovingPicture(content, Box(*made.record["box"]), patch.frames.start)
            motion = Motion(Follow.PROVIDER)
            take = Take(inputs["take"], tool, f"Filmed by {generation.provider}", motion, provenance)
            # Beside the flow result: what shows, and whether it is approved, stays as it is.
            edits = (AddTake(patch.id, take), PickTake(patch.id, patch.pick), ReviewPatch(patch.id, patch.state))
            file.commit(Compound("Filmed motion", edits))
        return Artifact({"patch": patch.id, "take": inputs["take"]})

    @contextmanager
    def _scene(self, context: StepContext) -> Iterator[_Scene]:
        inputs = context.job.inputs
        # What was sent belongs to the take of that moment, whatever is picked by now.
        project = PickTake(inputs["patch"], inputs["base"]).apply(self._project.file.project)
        patch = _patch(project, inputs["patch"])
        must_be_open(self._project, patch.id)
        op, _ = operation_of(project, patch.id)
        if op.motion.follow is Follow.STATIC:
            op = replace(op, motion=Motion(Follow.HYBRID), window=patch.frames)
        with films_of_project(self._project) as films:
            moving = moving_patches(self._project, films)
            yield _Scene(project, patch, op, films, moving, PatchRenderer(pictures_of(self._project), moving))


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A patch whose motion is filmed, and how its frames look when the picture is followed."""

    project: Project
    patch: Patch
    op: PatchOp
    films: FilmReaders
    moving: Moving
    renderer: PatchRenderer

    @property
    def window(self) -> Range:
        return self.patch.frames

    @property
    def filmed(self) -> Range:
        """The frames from the anchor to the window's last one."""
        return Range(self.patch.anchor, self.patch.frames.stop)

    @property
    def video(self) -> VideoStream:
        return self.films.video(self.patch.source_id)

    def time_of(self, number: int) -> Fraction:
        return self.project.picture(self.patch.source_id).times.time_of(number)

    def shares(self) -> list[float]:
        """Return how far along the film each filmed frame is, 0 to 1."""
        first, last = self.time_of(self.filmed.start), self.time_of(self.filmed.stop - 1)
        return [float((self.time_of(number) - first) / (last - first)) for number in self.filmed]

    def share_of_film(self, number: int) -> float:
        """Return how much of the service's picture shows on a filmed frame.

        The ends are the film's own: what was sent is what shows there, and from there it goes over by degrees.
        """
        to_end = min(number - self.filmed.start, self.filmed.stop - 1 - number)
        return min(1.0, max(0, to_end) / min(_PINNED_FRAMES, max(1, (len(self.filmed) - 1) // 2)))

    def still(self, number: int) -> Still:
        return still_of(self.films.frame(self.patch.source_id, number), self.films.video(self.patch.source_id))

    def drawn(self, number: int, still: Still) -> Still:
        """Return a frame with the patch on it as following carries it."""
        return replace(still, planes=self.renderer.draw(self.op, self.patch.source_id, number, still))

    def matte(self, number: int, still: Still) -> Matte | None:
        return self.renderer.matte(self.op, self.patch.source_id, number, still)

    def reach(self, frames: Range, cancel: CancelToken) -> Matte:
        """Return wherever the region goes on some frames.

        Raises:
            EditRefused: it is to be seen on none of them.
        """
        union = np.zeros((self.video.height, self.video.width), np.float32)
        for number in frames:
            cancel.check()
            matte = self.matte(number, self.still(number))
            if matte is not None:
                np.maximum(union, matte.full(), out=union)
        rows, columns = np.flatnonzero(union.any(axis=1)), np.flatnonzero(union.any(axis=0))
        if not rows.size:
            raise EditRefused("the region is not to be seen on any frame that is to be filmed")
        bounds = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
        return Matte.of_full(union, bounds)

    def shown(self, number: int, crop: Crop) -> Rgb:
        still = self.drawn(number, self.still(number))
        return shown_crop(still.planes, still.pixel_format, crop, still.video.rotation)


def _fitted(still: Still, matte: Matte, answer: Rgb, crop: Crop) -> tuple[Still, bool]:
    """Return a frame with the film's picture fitted in under the matte, and whether the fit is beyond doubt."""
    picture = Picture(np.dstack([answer, np.full(answer.shape[:2], 255, np.uint8)]))
    steps = (FitStep.REGISTER, FitStep.COLOUR)
    rotation = still.video.rotation
    planes, report = fit(still.planes, still.pixel_format, matte, picture, crop, rotation=rotation, steps=steps)
    return replace(still, planes=planes), not report.doubts


def _between(one: Still, other: Still, share: float) -> Still:
    """Return a frame `share` of the way from one to the other."""
    if share >= 1.0:
        return other
    planes = [
        np.rint(a + (b.astype(np.float32) - a) * np.float32(share)).astype(a.dtype)
        for a, b in zip(one.planes, other.planes, strict=True)
    ]
    return replace(one, planes=tuple(planes))


def _with_alpha(still: Still, matte: Matte | None, area: Matte) -> NDArray[np.uint8]:
    """Return the area of a finished frame as shown, opaque where the matte reaches and transparent elsewhere.

    The seam is in the picture already: what is laid over the source is the finished frame itself.
    """
    shown = picture_of_region(still, area)
    left, top, right, bottom = (round(edge) for edge in area.bounds)
    inside = np.zeros((area.height, area.width), np.uint8)
    if matte is not None:
        inside[matte.full() > 0] = 255
    alpha = np.ascontiguousarray(np.rot90(inside[top:bottom, left:right], k=-(still.video.rotation // 90)))
    # Where nothing shows nothing is kept: it packs to nothing.
    return np.dstack([np.where(alpha[..., None] > 0, shown, np.uint8(0)), alpha])


def _shown_box(area: Matte, rotation: int) -> Box:
    """Return an area as a box of the displayed picture."""
    left, top, right, bottom = area.bounds
    width, height = float(area.width), float(area.height)
    match rotation % 360:
        case 90:
            left, top, right, bottom = height - bottom, left, height - top, right
        case 180:
            left, top, right, bottom = width - right, height - bottom, width - left, height - top
        case 270:
            left, top, right, bottom = top, width - right, bottom, width - left
    across, down = (height, width) if rotation % 180 == 90 else (width, height)
    return Box(left / across, top / down, right / across, bottom / down)


def _difference(one: Still, other: Still) -> float:
    scale = 255.0 / one.pixel_format.max_value
    change = np.abs(one.planes[0].astype(np.float32) - other.planes[0].astype(np.float32))
    inside = change > 0
    return float(change[inside].mean() * scale) if inside.any() else 0.0


def _large_enough(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    scale = _LEAST_SENT_PX / min(height, width)
    if scale <= 1:
        return picture
    size = round(width * scale), round(height * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _film_of(context: StepContext) -> Video:
    output = generation_of(context.artifacts[_name_of(context, NodeKind.MOTION)]).output
    if not isinstance(output, Video):
        raise StoreDamaged(f"job {context.job.job} has lost its film")
    return output


def _patch(project: Project, patch_id: str) -> Patch:
    item = next((patch for patch in project.patches if patch.id == patch_id), None)
    if item is None:
        raise EditRefused(f"the project has no patch {patch_id} any more")
    return item


def _before(context: StepContext, kind: NodeKind) -> Artifact:
    return context.artifacts[_name_of(context, kind)]


def _name_of(context: StepContext, kind: NodeKind) -> str:
    nodes: list[dict[str, Any]] = json.loads(context.job.workflow)["nodes"]
    return str(next(node["id"] for node in nodes if node["kind"] == kind.value))
