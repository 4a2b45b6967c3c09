"""What drawing on the picture comes to: a drawn region, or a change of the chosen patch, one step each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from PySide6.QtCore import QObject, QRectF, Signal

from app.session.scene import Scene
from app.session.session import Session
from app.ui.viewer.brushing import Brushed, brushed_mask, brushed_region
from app.ui.viewer.gestures import Gesture, MoveNode, MoveRegion, Stroke
from engine.control import CancelToken, Progress
from engine.model.patch import Follow, Nudge, Patch
from engine.model.region import Box, Region
from engine.render.patch_matte import grey_of


@dataclass(frozen=True, slots=True)
class Editable:
    """A region that can be changed on a frame; patch: whose it is, None of one that is only drawn.

    Attributes:
        is_anchor: it is as drawn; else it was carried here and can only be nudged.
    """

    region: Region
    patch: Patch | None
    is_anchor: bool = True


class RegionEdits(QObject):
    """Finds the region that can be changed on a frame, and changes it.

    Attributes:
        pending: the region as it will be, until its change shows.

    Signals:
        refused(str): why a gesture came to nothing.
    """

    refused = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._selection = session.selection
        self._patching = session.patching
        self.pending: Region | None = None

    def editable(self, frame: int | None) -> Editable | None:
        """Return the region that stands on a timeline frame, as far as it can be changed there."""
        if frame is None:
            return None
        selection = self._selection
        if selection.region is not None:
            return Editable(selection.region, None) if selection.region_frame == frame else None
        patch, shown = selection.patch, self._source_at(frame)
        if patch is None or shown is None or shown[0] != patch.source_id or shown[1] not in patch.frames:
            return None
        at_anchor = shown[1] == patch.anchor
        anchors = dict(patch.effective_motion.anchors)
        if not at_anchor and shown[1] in anchors:
            return Editable(anchors[shown[1]], patch)
        stays = patch.effective_motion.follow is Follow.STATIC and not patch.effective_motion.nudges
        return Editable(patch.region, patch, at_anchor or stays)

    def shown(self, editable: Editable) -> Region:
        """Return a region as it shows: as it will be, once it was let go."""
        return self.pending or editable.region

    def drawn(self, region: Region, frame: int) -> None:
        """Take a region that was drawn: in place of the chosen patch's where it lies on it, else as a new one.

        Raises:
            EditRefused: the patch cannot have it.
        """
        shown = self._source_at(frame)
        if shown is None:
            self.refused.emit("There is no film here to draw on")
            return
        patch = self._selection.patch
        if patch is not None and self._patching.anchor_for is None:
            if shown == (patch.source_id, patch.anchor) and _overlap(patch.region.bounds, region.bounds):
                self.pending = region
                self._patching.change(replace(patch, region=region, matte=None), "Region")
                return
            self._selection.choose()
        elif patch is None and self._selection.item is not None:
            # A title whose frame still stood there would have handles among those of the region.
            self._selection.choose()
        self._selection.set_region(region, frame)

    def changed(self, gesture: Gesture, frame: int) -> None:
        """Take a region that was moved, resized, or whose point was dragged.

        Raises:
            EditRefused: the patch cannot have it.
        """
        editable, region, shown = self.editable(frame), gesture.region, self._source_at(frame)
        if editable is None or region is None or shown is None or region == editable.region:
            return
        patch = editable.patch
        if patch is None:
            self._selection.set_region(region, frame)
            return
        self.pending = region
        if not editable.is_anchor:
            if isinstance(gesture, MoveRegion):
                self._patching.nudge(patch, Nudge(shown[1], gesture.dx, gesture.dy))
            return
        if shown[1] != patch.anchor and shown[1] in dict(patch.effective_motion.anchors):
            self._patching.change(_with_anchor(patch, shown[1], region), "Anchor")
            return
        # A refined mask stands in the region's bounds, so it goes where they go; a dragged point draws it anew.
        matte = None if isinstance(gesture, MoveNode) else patch.matte
        self._patching.change(replace(patch, region=region, matte=matte), "Region")

    def brushed(self, stroke: Stroke, frame: int, aspect: float) -> None:
        """Take a stroke: into the drawn region's outline, or into the chosen patch's mask.

        Raises:
            EditRefused: nothing would be left.
        """
        editable, scene = self.editable(frame), self._session.preview.scene
        patch = None if editable is None else editable.patch
        if patch is None or editable is None or scene is None:
            region = None if editable is None else editable.region
            if region is not None or not stroke.erases:
                self._selection.set_region(brushed_region(region, stroke, aspect), frame)
            return
        if not editable.is_anchor:
            self.refused.emit("Go to the patch's anchor frame to change its mask")
            return
        file = self._session.document.file

        def work(progress: Progress, cancel: CancelToken) -> tuple[str, Box, str]:
            made = _brushed_patch(scene, patch, stroke)
            cancel.check()
            _, png = cv2.imencode(".png", made.mask)
            return patch.id, made.region, file.add_take(bytes(png), "image/png", {"name": "brushed mask"})

        job = self._session.jobs.start_quietly("Refine the mask", work)
        job.then(self._mask_made, lambda error: self.refused.emit(str(error)))

    def _mask_made(self, made: tuple[str, Box, str]) -> None:
        id, region, matte = made
        now = next((known for known in self._session.document.project.patches if known.id == id), None)
        if now is not None:
            self._patching.change(replace(now, region=region, matte=matte), "Mask")

    def _source_at(self, frame: int) -> tuple[str, int] | None:
        shown = self._session.document.timeline.source_at(frame)
        return None if shown is None else (shown.source_id, shown.frame)


def _brushed_patch(scene: Scene, patch: Patch, stroke: Stroke) -> Brushed:
    width, height = scene.films.video(patch.source_id).display_size
    mask = None
    if patch.matte is not None:
        mask = np.rint(grey_of(scene.pictures(patch.matte)) * 255).astype(np.uint8)
    return brushed_mask(patch.region, mask, stroke, width, height)


def _with_anchor(patch: Patch, frame: int, region: Region) -> Patch:
    motion = patch.effective_motion
    anchors = tuple((at, region if at == frame else known) for at, known in motion.anchors)
    changed = replace(motion, anchors=anchors)
    take = patch.picked
    if take is None or take.motion is None:
        return replace(patch, motion=changed)
    takes = tuple(replace(known, motion=changed) if known is take else known for known in patch.takes)
    return replace(patch, takes=takes)


def _overlap(one: Box, other: Box) -> bool:
    return _rect(one).intersects(_rect(other))


def _rect(box: Box) -> QRectF:
    return QRectF(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)
