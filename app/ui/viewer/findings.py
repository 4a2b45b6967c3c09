"""What lies on a timeline frame: the chosen patch's outline, the frames around items, what patches changed.

It is worked out in a worker; no widget is touched here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtGui import QTransform

from app.session.comparison import Changes, changes
from app.session.scene import Scene
from app.ui.viewer.brushing import moved_outlines, outlines_of
from app.ui.viewer.item_box import ItemBox, item_box
from app.ui.viewer.shapes import outline_points
from engine.errors import DeltacutError
from engine.model.captions import Caption
from engine.model.layers import CaptionMode, Item, LayerKind
from engine.model.ops import PatchOp, op_of
from engine.model.overlay import Overlay
from engine.model.patch import Follow, Patch
from engine.model.region import Point
from engine.patches.affine import Screen, laid
from engine.render.base import screen_of, still_of

_LOG = logging.getLogger(__name__)

Outlines = tuple[tuple[Point, ...], ...]
"""Closed lines around a region; it may be in several parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was worked out for a frame.

    Attributes:
        outlines: of the chosen patch's region there, 0 to 1 of the source's displayed picture; none where it is not.
        reach: the line up to which its mask goes where that is softened, grown or narrowed, else none.
        others: the same of the other patches that show, by their ids.
        boxes: of the items that can be dragged. changes: by patches, None where there is none.
    """

    scene: Scene
    frame: int
    patch_id: str | None
    outlines: Outlines
    reach: Outlines
    others: tuple[tuple[str, Outlines], ...]
    boxes: tuple[ItemBox, ...]
    changes: Changes | None


def findings(scene: Scene, frame: int, patch: Patch | None) -> Findings:
    """Work out what lies on a frame; runs in a worker."""
    boxes = []
    for layer in scene.project.layers:
        if not layer.settings.visible or layer.settings.locked:
            continue
        if layer.settings.captions is CaptionMode.SOFT and layer.kind is LayerKind.CAPTIONS:
            # The player draws a text track, not the picture: there is nothing to frame.
            continue
        items: Sequence[Item] = layer.items
        for item in items:
            if isinstance(item, Overlay | Caption):
                box = _box(scene, item, frame)
                if box is not None:
                    boxes.append(box)
    outlines = () if patch is None else patch_outlines(scene, frame, patch)
    chosen = None if patch is None else patch.id
    reach = () if patch is None else _reach(scene, patch, outlines)
    others = _others(scene, frame, chosen)
    return Findings(scene, frame, chosen, outlines, reach, others, tuple(boxes), changes(scene, frame))


def _reach(scene: Scene, patch: Patch, outlines: Outlines) -> Outlines:
    """Return the line at which a patch's mask has faded out."""
    if not outlines or not (patch.feather_px or patch.grow_px):
        return ()
    video = scene.films.video(patch.source_id)
    size = (video.height, video.width) if video.rotation in (90, 270) else (video.width, video.height)
    return moved_outlines(outlines, patch.feather_px + patch.grow_px, *size)


def _others(scene: Scene, frame: int, chosen: str | None) -> tuple[tuple[str, Outlines], ...]:
    found = []
    for layer in scene.project.layers:
        if not layer.settings.visible or layer.settings.locked:
            continue
        for item in layer.items:
            if isinstance(item, Patch) and item.visible and item.id != chosen:
                outlines = patch_outlines(scene, frame, item)
                if outlines:
                    found.append((item.id, outlines))
    return tuple(found)


def _box(scene: Scene, item: Overlay | Caption, frame: int) -> ItemBox | None:
    try:
        return item_box(scene, item, frame)
    except DeltacutError as error:
        _LOG.info("no frame around an item: %s", error)
        return None


def patch_outlines(scene: Scene, frame: int, patch: Patch) -> Outlines:
    """Return the outlines of a patch's region on a timeline frame, none where it is not (yet) known to be.

    Points are 0 to 1 of the source's displayed picture.
    """
    shown = scene.source_at(frame)
    if shown is None or shown[0] != patch.source_id or shown[1] not in patch.frames:
        return ()
    drawn = (tuple(outline_points(patch.region)),)
    if shown[1] == patch.anchor and patch.matte is None:
        return drawn
    op = op_of(scene.project.layer_of(patch.id), replace(patch, visible=True), scene.project.canvas.rate)
    if not isinstance(op, PatchOp) or (
        op.motion.follow is Follow.STATIC and not op.motion.nudges and patch.matte is None
    ):
        return drawn
    video = scene.films.video(shown[0])
    if op.motion.follow is not Follow.STATIC or op.motion.nudges:
        matte = scene.moving.region_on(op, shown[0], shown[1])
    else:
        still = still_of(scene.films.frame(*shown), video)
        matte = scene.patches.matte(replace(op, feather_px=0.0, grow_px=0.0), shown[0], shown[1], still)
    if matte is None:
        return ()
    return outlines_of(np.ascontiguousarray(np.rot90(matte.full(), -(video.rotation // 90))))


def placed_map(scene: Scene | None, frame: int | None) -> QTransform:
    """Return the map from a source's displayed picture to the canvas on a timeline frame, both 0 to 1."""
    recipe = None if scene is None or frame is None else scene.recipe(frame)
    if scene is None or frame is None or recipe is None or recipe.placement is None:
        return QTransform()
    try:
        shown = scene.source_at(frame)
        if shown is None:
            return QTransform()
        across, down = screen_of(scene.films.video(shown[0])).square_size
    except DeltacutError:
        return QTransform()
    canvas = scene.project.canvas
    to_canvas = laid(recipe.placement.geometry, 0, across, down, Screen(canvas.width, canvas.height, canvas.sar))
    whole = np.diag([1 / canvas.width, 1 / canvas.height, 1.0]) @ to_canvas @ np.diag([across, down, 1.0])
    return QTransform(whole[0, 0], whole[1, 0], whole[0, 1], whole[1, 1], whole[0, 2], whole[1, 2])
