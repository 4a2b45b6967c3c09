"""Recipes: what each timeline frame is made of.

A recipe describes a run of timeline frames from its first one: the picture underneath, then the operations over it,
bottom first, each with everything that its pixels depend on and nothing else (no names, no ids of patches, no timeline
position). Equal recipes mean equal pixels, wherever they stand; so they key caches as well as comparisons.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right, insort
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from engine.model import codec
from engine.model.frame_index import Int64
from engine.model.geometry import AS_IT_IS, Geometry
from engine.model.ops import Depth, Op, OverlayOp, SubjectOp, advanced, moves, op_of
from engine.model.placement import source_footing, timeline_bounds
from engine.model.project import Project
from engine.model.quick import collector_paused, quickly_made
from engine.model.source import FrameTimes
from engine.model.storyline import HALF, Gap, Native, StoryItem
from engine.model.time import Range
from engine.model.timeline import TimelineMap


@quickly_made
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


def base_frame(base: SourceBase | ConformedBase, at: int, times: FrameTimes) -> int:
    """Return the source frame under frame `at` of a run (0 is its first); times: the source's."""
    match base:
        case SourceBase(_, frame):
            return frame + at
        case ConformedBase(_, time_s, rate):
            return times.frame_at(time_s + (at + HALF) / rate)


@dataclass(frozen=True, slots=True)
class Placement:
    """A picture laid on a canvas (pixels) that it does not fill as it is; keyframes count from the run's first."""

    geometry: Geometry
    width: int
    height: int
    sar: Fraction


@quickly_made
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
        ops = tuple([advanced(op, by) for op in self.ops]) if self.ops and any(map(moves, self.ops)) else self.ops
        return Recipe(_base_advanced(self.base, by), _placement_advanced(self.placement, by), ops)

    @property
    def key(self) -> str:
        """Return a stable digest (BLAKE2b-160 over the canonical JSON, 40 hex digits)."""
        return hashlib.blake2b(codec.dumps(self, Recipe).encode(), digest_size=20, person=b"dcut-recipe").hexdigest()


def _base_advanced(base: Base, by: int) -> Base:
    if by == 0 or isinstance(base, BlackBase):
        return base
    if isinstance(base, SourceBase):
        return SourceBase(base.source_id, base.frame + by)
    rate = base.rate
    return ConformedBase(base.source_id, base.time_s + Fraction(by * rate.denominator, rate.numerator), rate)


def _placement_advanced(placement: Placement | None, by: int) -> Placement | None:
    if placement is None or not placement.geometry.is_animated:
        return placement
    return replace(placement, geometry=placement.geometry.shifted(-by))


@quickly_made
@dataclass(frozen=True, slots=True)
class RecipeRun:
    """The recipe of the frames of `timeline_range`; it describes them from the first."""

    timeline_range: Range
    recipe: Recipe


def recipe_runs(project: Project) -> tuple[RecipeRun, ...]:
    """Return the recipes of the whole timeline: adjacent runs that cover every frame once, none shorter than needed."""
    timeline = TimelineMap(project)
    return runs_within(project, timeline, (Range(0, timeline.frame_count),))


def runs_within(project: Project, timeline: TimelineMap, windows: tuple[Range, ...]) -> tuple[RecipeRun, ...]:
    """Return the recipes of some timeline ranges (in order, apart from each other); timeline: the project's map."""
    # 100,000 objects are made and none in a circle: the collector would look at all that lives, for nothing.
    with collector_paused():
        stacks = _stacks(_events(project, timeline))
        lay = _BaseLayer(project)
        runs: list[RecipeRun] = []
        for window in windows:
            _sweep(window, timeline, stacks, lay, runs)
        return tuple(runs)


def _sweep(window: Range, timeline: TimelineMap, stacks: _Stacks, lay: _BaseLayer, runs: list[RecipeRun]) -> None:
    """Go along a window once, from one change of the stack or the storyline to the next."""
    changes, all_ops, moving = stacks.frames, stacks.ops, stacks.moving
    number = bisect_right(changes, window.start) - 1
    last_ops = -1
    for span in timeline.spans_within(window):
        start, stop = span.timeline_range.start, min(span.timeline_range.stop, window.stop)
        first = lay.recipe(span.item)
        base, placement = first.base, first.placement
        frame = max(start, window.start)
        while frame < stop:
            # The last change lies behind every frame.
            while changes[number + 1] <= frame:
                number += 1
            end = changes[number + 1]
            if end > stop:
                end = stop
            ops = all_ops[number] if number not in moving else stacks.moved(number, frame)
            if frame == start:
                recipe = Recipe(base, placement, ops) if ops else first
            elif placement is None and isinstance(base, SourceBase):
                recipe = Recipe(SourceBase(base.source_id, base.frame + frame - start), None, ops)
            else:
                by = frame - start
                recipe = Recipe(_base_advanced(base, by), _placement_advanced(placement, by), ops)
            if len(ops) == last_ops and _goes_on(runs[-1], recipe):
                runs[-1] = RecipeRun(Range(runs[-1].timeline_range.start, end), runs[-1].recipe)
            else:
                runs.append(RecipeRun(Range(frame, end), recipe))
                last_ops = len(ops)
            frame = end


def _goes_on(run: RecipeRun, recipe: Recipe) -> bool:
    """Tell whether a recipe only continues the run before it: a cut in the middle of nothing is no change."""
    last, by = run.recipe.base, len(run.timeline_range)
    if isinstance(last, SourceBase):
        base = recipe.base
        if not isinstance(base, SourceBase) or last.frame + by != base.frame:
            return False
    return run.recipe.advanced(by) == recipe


class _BaseLayer:
    """What the storyline itself contributes."""

    def __init__(self, project: Project) -> None:
        self._canvas = project.canvas
        self._fills = {s.id: s.picture is not None and project.canvas.holds(s.picture) for s in project.sources}
        canvas = project.canvas
        self._black = Recipe(BlackBase(), Placement(AS_IT_IS, canvas.width, canvas.height, canvas.sar))

    def recipe(self, item: StoryItem) -> Recipe:
        if isinstance(item, Gap):
            return self._black
        timing = item.timing
        base: Base
        if isinstance(timing, Native):
            base = SourceBase(item.source_id, timing.source_range.start)
        else:
            base = ConformedBase(item.source_id, timing.start_s, self._canvas.rate)
        if self._fills[item.source_id] and (item.geometry is AS_IT_IS or item.geometry == AS_IT_IS):
            return Recipe(base)
        return Recipe(base, Placement(item.geometry, self._canvas.width, self._canvas.height, self._canvas.sar))


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """Where operations begin and end.

    Attributes:
        frames, orders, begins: of each event, in the order of frames, ends first: the timeline frame, the operation's
            place in the stack, and whether it begins there.
        ops: by their places in the stack.
    """

    frames: list[int]
    orders: list[int]
    begins: list[bool]
    ops: list[Op]


def _events(project: Project, timeline: TimelineMap) -> _Events:
    """Return where the operations of a project begin and end."""
    ops: list[Op] = []
    # Places in the stack and bounds on the timeline; and by source, places and frames of that source.
    bounds: list[tuple[int, int, int]] = []
    footings: dict[str, list[tuple[int, int, int]]] = {}
    rate = project.canvas.rate
    for layer in project.layers:
        for item in layer.items:
            op = op_of(layer, item, rate)
            if op is None:
                continue
            footing = source_footing(item, timeline)
            if footing is None:
                bounds += [(len(ops), start, stop) for start, stop in timeline_bounds(item, timeline)]
            else:
                source_id, frames = footing
                footings.setdefault(source_id, []).append((len(ops), frames.start, frames.stop))
            ops.append(op)
    found = [np.array(bounds, np.int64).reshape(-1, 3)]
    for source_id, tied in footings.items():
        orders, firsts, stops = np.array(tied, np.int64).T
        which, starts, ends = timeline.bounds_showing_all(source_id, firsts, stops)
        found.append(np.stack([orders[which], starts, ends], axis=1))
    return _sorted_events(np.concatenate(found), ops)


def _sorted_events(bounds: Int64, ops: list[Op]) -> _Events:
    """Return the events of int64 `bounds` [pieces, 3]: place in the stack, first frame, and the frame behind."""
    places, starts, stops = bounds.T
    count = max(1, len(ops))
    # One number for each event, so that they sort as they shall: by frame, ends first, from the bottom up.
    keys = np.sort(np.concatenate([(2 * starts + 1) * count + places, 2 * stops * count + places]))
    twice, orders = np.divmod(keys, count)
    return _Events((twice >> 1).tolist(), orders.tolist(), (twice & 1).astype(np.bool_).tolist(), ops)


@dataclass(frozen=True, slots=True, eq=False)
class _Stacks:
    """The operations along the timeline.

    Attributes:
        frames: where what is active changes, ascending; the first lies before every frame, the last behind.
        ops: what is active from each on, bottom first.
        moving: by the numbers of those changes from which on something moves or waits for a subject: the frames on
            which what is active began. The operations are then those of their own first frames.
    """

    frames: list[int]
    ops: list[tuple[Op, ...]]
    moving: dict[int, tuple[int, ...]]

    def moved(self, number: int, frame: int) -> tuple[Op, ...]:
        """Return the operations at a frame of a stretch in which something moves."""
        ops = zip(self.ops[number], self.moving[number], strict=True)
        return _without_idle_background(tuple([advanced(op, frame - since) for op, since in ops]))


def _stacks(events: _Events) -> _Stacks:
    """Pile the operations up along the timeline."""
    ops = events.ops
    watched = {
        order
        for order, op in enumerate(ops)
        if isinstance(op, OverlayOp) and (moves(op) or op.depth is Depth.BEHIND_SUBJECT)
    }
    frames, stacks = [-1], list[tuple[Op, ...]]()
    moving: dict[int, tuple[int, ...]] = {}
    # What is active, by its place in the stack, and since when; and how much of it is watched.
    active: list[int] = []
    since: dict[int, int] = {}
    watching = 0
    for frame, order, begins in zip(events.frames, events.orders, events.begins, strict=True):
        if frame != frames[-1]:
            if watching:
                moving[len(stacks)] = tuple([since[order] for order in active])
            stacks.append(tuple([ops[order] for order in active]))
            frames.append(frame)
        if begins:
            insort(active, order)
            since[order] = frame
        else:
            active.remove(order)
        if order in watched:
            watching += 1 if begins else -1
    # Behind the last event nothing is active.
    return _Stacks([*frames, 1 << 62], [*stacks, ()], moving)


def _without_idle_background(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Leave a background out where no subject would be drawn on it: it would hide the film."""
    if any(isinstance(op, SubjectOp) for op in ops):
        return ops
    return tuple([op for op in ops if not (isinstance(op, OverlayOp) and op.depth is Depth.BEHIND_SUBJECT)])
