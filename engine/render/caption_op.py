"""Burn a caption into the picture."""

from __future__ import annotations

from engine.model.geometry import AS_IT_IS
from engine.model.ops import CaptionOp, OverlayOp
from engine.model.overlay import Title
from engine.model.pixel_format import PixelFormat
from engine.patches.blend import Planes
from engine.render.overlay_op import OverlayRenderer


def draw_caption(op: CaptionOp, overlays: OverlayRenderer, before: Planes, pixel_format: PixelFormat) -> Planes:
    """Return the planes with a caption over them: a title that lies on the canvas as it is."""
    title = OverlayOp(Title(op.text, op.style), AS_IT_IS, op.opacity, blend=op.blend)
    return overlays.draw(title, 0, before, pixel_format)
