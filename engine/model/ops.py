"""The operations of a recipe: each holds all that its pixels depend on, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from engine.model.captions import Caption
from engine.model.geometry import Geometry
from engine.model.keyframes import Value, shifted
from engine.model.layers import Blend, CaptionMode, Item, Layer, LayerKind
from engine.model.overlay import Content, Film, Overlay, later
from engine.model.patch import Follow, Motion, Patch
from engine.model.place import OnSource
from engine.model.quick import quickly_made
from engine.model.region import Region
from engine.model.subject import DrawnMatte, Matte, Subject
from engine.model.text_style import TextStyle
from engine.model.time import Range
from engine.model.tool import MovingPicture, Remove, Tool


@quickly_made
@dataclass(frozen=True, slots=True)
class PatchOp:
    """A patch, in coordinates of the source picture underneath; opacity and blend are its layer's.

    Attributes:
        window: the propagation window where its pixels depend on it: of a patch that moves, that is filmed, or that
            looks for the background in other frames; else None.
    """

    region: Region
    anchor: int
    feather_px: float
    grow_px: float
    matte: str | None
    motion: Motion
    window: Range | None
    tool: Tool
    opacity: float = 1.0
    blend: Blend = Blend.NORMAL


@dataclass(frozen=True, slots=True)
class TimelineClock:
    """Keyframes count timeline frames from the run's first one; a film begins there."""


@dataclass(frozen=True, slots=True)
class SourceClock:
    """Keyframes count frames of the source underneath; first: the frame on which the item begins."""

    first: int


class Depth(Enum):
    """Where an overlay is drawn."""

    OVER = "over"
    BEHIND_SUBJECT = "behind"
    """It replaces the film's background; the subject is drawn on top of it by the SubjectOp that follows."""


@quickly_made
@dataclass(frozen=True, slots=True)
class OverlayOp:
    """A thing drawn on the canvas.

    Attributes:
        clock: what its keyframes and film count; None where it stands still.
        opacity: of the item, animated or not. layer_opacity, blend: of its layer.
        rate: the canvas rate where the content is a film, else None.
    """

    content: Content
    geometry: Geometry
    opacity: Value
    clock: TimelineClock | SourceClock | None = None
    rate: Fraction | None = None
    depth: Depth = Depth.OVER
    layer_opacity: float = 1.0
    blend: Blend = Blend.NORMAL


@dataclass(frozen=True, slots=True)
class SubjectOp:
    """The source picture (with the patches before this), drawn again through a matte over all that came before.

    Attributes:
        first: the source frame to which a matte's first picture belongs; 0 for a drawn matte.
        window: the range of a drawn matte whose motion depends on it.
    """

    matte: Matte
    first: int
    window: Range | None
    feather_px: float
    inverted: bool
    opacity: float = 1.0
    blend: Blend = Blend.NORMAL


@quickly_made
@dataclass(frozen=True, slots=True)
class CaptionOp:
    """Lines of text burned into the picture."""

    text: str
    style: TextStyle
    opacity: float = 1.0
    blend: Blend = Blend.NORMAL


Op = PatchOp | OverlayOp | SubjectOp | CaptionOp


def advanced(op: Op, by: int) -> Op:
    """Return the operation of the same run from `by` timeline frames later."""
    if by == 0 or not isinstance(op, OverlayOp) or not isinstance(op.clock, TimelineClock):
        return op
    # As an item is cut: what is left of it must be the same operation.
    return replace(
        op,
        content=later(op.content, by, op.rate) if op.rate is not None else op.content,
        geometry=op.geometry.shifted(-by),
        opacity=shifted(op.opacity, -by),
    )


def moves(op: Op) -> bool:
    """Tell whether the operation depends on the distance to the beginning of its run."""
    return isinstance(op, OverlayOp) and isinstance(op.clock, TimelineClock)


def op_of(layer: Layer, item: Item, rate: Fraction) -> Op | None:
    """Return what an item draws from its first frame on, None if nothing; rate: the canvas's."""
    settings = layer.settings
    if not settings.visible or settings.opacity == 0.0 or not item.visible:
        return None
    match item:
        case Patch():
            return _patch_op(layer, item)
        case Subject(matte=DrawnMatte(motion=motion) as matte):
            window = None if motion.follow is Follow.STATIC else item.frames
            return SubjectOp(matte, 0, window, item.feather_px, item.inverted, settings.opacity, settings.blend)
        case Subject():
            return SubjectOp(
                item.matte, item.frames.start, None, item.feather_px, item.inverted, settings.opacity, settings.blend
            )
        case Overlay():
            return _overlay_op(layer, item, rate)
        case Caption():
            if settings.captions is CaptionMode.SOFT:
                return None
            return CaptionOp(item.text, item.style or settings.style, settings.opacity, settings.blend)


_LOOKING_FURTHER = (Remove, MovingPicture)
"""Tools whose pixels depend on which frame of the window it is."""


def _patch_op(layer: Layer, patch: Patch) -> PatchOp | None:
    take = patch.picked
    if take is None or not patch.shows:
        return None
    motion = take.motion or patch.motion
    return PatchOp(
        patch.region,
        patch.anchor,
        patch.feather_px,
        patch.grow_px,
        patch.matte,
        motion,
        patch.frames if motion.follow is not Follow.STATIC or isinstance(take.tool, _LOOKING_FURTHER) else None,
        take.tool,
        layer.settings.opacity,
        layer.settings.blend,
    )


def _overlay_op(layer: Layer, item: Overlay, rate: Fraction) -> OverlayOp | None:
    if item.opacity == 0.0:
        return None
    clock: TimelineClock | SourceClock | None = None
    if item.is_animated:
        place = item.place
        clock = SourceClock(place.frames.start) if isinstance(place, OnSource) else TimelineClock()
    return OverlayOp(
        item.content,
        item.geometry,
        item.opacity,
        clock,
        rate if isinstance(item.content, Film) else None,
        Depth.BEHIND_SUBJECT if layer.kind is LayerKind.BACKGROUND else Depth.OVER,
        layer.settings.opacity,
        layer.settings.blend,
    )
