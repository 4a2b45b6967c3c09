"""What the patches did to one frame, in numbers. No Qt: it runs in a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from app.session.scene import Scene
from engine.media.pixels import planes
from engine.model.ops import PatchOp
from engine.render.comparison_pictures import changed_outside


@dataclass(frozen=True, slots=True)
class Changes:
    """Pixels of a timeline frame that the patches on it changed.

    Attributes:
        frame: of the timeline. outside: where no patch may change any. inside: where one may. total: of the picture.
        bounds: within what patches may change pixels, in words.
    """

    frame: int
    outside: int
    inside: int
    total: int
    bounds: str = "the region"


def changes(scene: Scene, frame: int) -> Changes | None:
    """Return what the patches change on a timeline frame; None where none is.

    Raises:
        MediaError: a source cannot be read.
    """
    recipe = scene.recipe(frame)
    patches = [] if recipe is None else [op for op in recipe.ops if isinstance(op, PatchOp)]
    if not patches:
        return None
    before, after = scene.after.without_patches().compose(frame), scene.after.compose(frame)
    alpha = scene.after.touched(frame)
    outside = changed_outside(before, after, alpha)
    differs = np.zeros(alpha.shape, bool)
    for old, new in zip(planes(before), planes(after), strict=True):
        plane = (old != new).astype(np.uint8)
        plane = plane.max(axis=2) if plane.ndim == 3 else plane
        full = cv2.resize(plane, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_NEAREST)
        differs |= np.asarray(full) > 0
    inside = int((differs & (alpha > 0)).sum())
    return Changes(frame, outside, inside, int(alpha.size), _bounds(patches))


def _bounds(patches: Sequence[PatchOp]) -> str:
    """Return what the masks of patches cover: beyond the drawn outline where they are softened or grown."""
    if any(op.feather_px for op in patches):
        return "the region and its soft edge"
    return "the grown region" if any(op.grow_px > 0 for op in patches) else "the region"
