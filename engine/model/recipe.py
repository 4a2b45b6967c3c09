"""Recipes: what each timeline frame is made of.

A recipe describes a run of timeline frames from its first one: the picture underneath, then the operations over it,
bottom first, each with everything that its pixels depend on and nothing else (no names, no ids of patches, no timeline
position). Equal recipes mean equal pixels, wherever they stand; so they key caches as well as comparisons.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction

from engine.model import codec
from engine.model.layers import Blend, Layer
from engine.model.patch import Follow, Motion, Patch
from engine.model.project import Project
from engine.model.region import Region
from engine.model.storyline import AS_IT_IS, Conformed, Gap, Geometry, Native, StoryItem
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.model.tool import Tool


@dataclass(frozen=True, slots=True)
class SourceBase:
    """Source frames one by one; frame: the source frame under the run's first frame."""

    source_id: str
    frame: int


@dataclass(frozen=True, slots=True)
class ConformedBase:
    """Source frames at another rate; time_s: the second of the source at which the run begins."""

    source_id: str
    time_s: Fraction
    rate: Fraction


@dataclass(frozen=True, slots=True)
class BlackBase:
    """No picture."""


Base = SourceBase | ConformedBase | BlackBase


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture laid on a canvas that it does not fill as it is."""

    geometry: Geometry
    width: int
    height: int
    sar: Fraction


@dataclass(frozen=True, slots=True)
class PatchOp:
    """A patch, in coordinates of the source picture; opacity and blend are its layer's.

    Attributes:
        window: the propagation window where the motion depends on it (None for a patch that stays in place).
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


Op = PatchOp


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a run of frames is made of.

    Attributes:
        placement: None where the source's picture fills the canvas as it is.
        ops: bottom first.
    """

    base: Base
    placement: Placement | None = None
    ops: tuple[Op, ...] = ()

    @property
    def is_bare(self) -> bool:
        """Whether the frames are source frames, one by one and untouched: they can be copied."""
        return not self.ops and self.placement is None and isinstance(self.base, SourceBase)

    def advanced(self, by: int) -> Recipe:
        """Return the recipe of the same run from `by` frames later."""
        if by == 0:
            return self
        match self.base:
            case SourceBase(source_id, frame):
                return Recipe(SourceBase(source_id, frame + by), self.placement, self.ops)
            case ConformedBase(source_id, time_s, rate):
                return Recipe(ConformedBase(source_id, time_s + by / rate, rate), self.placement, self.ops)
            case BlackBase():
                return self

    @property
    def key(self) -> str:
        """Return a stable digest (BLAKE2b-160 over the canonical JSON, 40 hex digits)."""
        return hashlib.blake2b(codec.dumps(self, Recipe).encode(), digest_size=20, person=b"dcut-recipe").hexdigest()


@dataclass(frozen=True, slots=True)
class RecipeRun:
    """The recipe of the frames of `timeline_range`; it describes them from the first."""

    timeline_range: Range
    recipe: Recipe


def recipe_runs(project: Project) -> tuple[RecipeRun, ...]:
    """Return the recipes of the whole timeline: adjacent runs that cover every frame once, none longer than needed."""
    timeline = TimelineMap(project)
    events = _events(project, timeline)
    runs: list[RecipeRun] = []
    active: dict[int, Op] = {}
    ops: tuple[Op, ...] = ()
    at = 0
    for span in timeline.spans:
        base, placement = _base(project, span.item)
        start, stop = span.timeline_range.start, span.timeline_range.stop
        first = Recipe(base, placement)
        frame = start
        while frame < stop:
            changed = False
            while at < len(events) and events[at][0] <= frame:
                _, order, op = events[at]
                at += 1
                changed = True
                if op is None:
                    del active[order]
                else:
                    active[order] = op
            if changed:
                ops = tuple([active[order] for order in sorted(active)])
            end = min(stop, events[at][0]) if at < len(events) else stop
            moved = first.advanced(frame - start)
            _append(runs, Range(frame, end), Recipe(moved.base, placement, ops) if ops else moved)
            frame = end
    return tuple(runs)


def _append(runs: list[RecipeRun], timeline_range: Range, recipe: Recipe) -> None:
    """Add a run, as a continuation of the last one where it is that (a cut in the middle of nothing is no change)."""
    if runs:
        last = runs[-1]
        if last.recipe.ops == recipe.ops and last.recipe.advanced(len(last.timeline_range)) == recipe:
            runs[-1] = RecipeRun(Range(last.timeline_range.start, timeline_range.stop), last.recipe)
            return
    runs.append(RecipeRun(timeline_range, recipe))


def _events(project: Project, timeline: TimelineMap) -> list[tuple[int, int, Op | None]]:
    """Return where operations begin (op) and end (None), by frame; on the same frame ends come first."""
    begins: list[tuple[int, int, int, Op | None]] = []
    order = 0
    for layer in project.layers:
        if not layer.settings.visible or layer.settings.opacity == 0.0:
            continue
        for patch in layer.items:
            order += 1
            op = _patch_op(layer, patch)
            if op is None:
                continue
            for shown in timeline.showing(patch.source_id, patch.frames):
                begins.append((shown.start, 1, order, op))
                begins.append((shown.stop, 0, order, None))
    begins.sort(key=_event_order)
    return [(frame, order, op) for frame, _, order, op in begins]


def _event_order(event: tuple[int, int, int, Op | None]) -> tuple[int, int]:
    return event[0], event[1]


def _base(project: Project, item: StoryItem) -> tuple[Base, Placement | None]:
    if isinstance(item, Gap):
        canvas = project.canvas
        return BlackBase(), Placement(AS_IT_IS, canvas.width, canvas.height, canvas.sar)
    match item.timing:
        case Native(source_range):
            base: Base = SourceBase(item.source_id, source_range.start)
        case Conformed(start_s, _):
            base = ConformedBase(item.source_id, start_s, project.canvas.rate)
    canvas = project.canvas
    if item.geometry == AS_IT_IS and canvas.holds(project.picture(item.source_id)):
        return base, None
    return base, Placement(item.geometry, canvas.width, canvas.height, canvas.sar)


def _patch_op(layer: Layer, patch: Patch) -> PatchOp | None:
    tool = patch.tool
    if tool is None or not patch.shows:
        return None
    motion = patch.effective_motion
    window = None if motion.follow is Follow.STATIC else patch.frames
    settings = layer.settings
    return PatchOp(
        patch.region,
        patch.anchor,
        patch.feather_px,
        patch.grow_px,
        patch.matte,
        motion,
        window,
        tool,
        settings.opacity,
        settings.blend,
    )
