"""Recipes: what each timeline frame is made of.

A recipe describes a run of timeline frames from its first one: the picture underneath, then the operations over it,
bottom first, each with everything that its pixels depend on and nothing else (no names, no ids of patches, no timeline
position). Equal recipes mean equal pixels, wherever they stand; so they key caches as well as comparisons.
"""

from __future__ import annotations

import gc
import hashlib
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.model import codec
from engine.model.geometry import AS_IT_IS, Geometry
from engine.model.ops import Depth, Op, OverlayOp, SubjectOp, advanced, moves, op_of
from engine.model.placement import timeline_bounds
from engine.model.project import Project
from engine.model.source import FrameTimes
from engine.model.storyline import HALF, Gap, Native, StoryItem
from engine.model.time import Range
from engine.model.timeline import TimelineMap

# A long timeline has ten thousand runs, each with a few of these values: they have constructors of their own, since the
# one that a frozen dataclass gets takes more than twice as long.


@dataclass(frozen=True, slots=True, init=False)
class SourceBase:
    """Source frames one by one; frame: the source frame under the run's first frame."""

    source_id: str
    frame: int

    def __init__(self, source_id: str, frame: int) -> None:
        _set_source_id(self, source_id)
        _set_frame(self, frame)


_set_source_id = SourceBase.__dict__["source_id"].__set__
_set_frame = SourceBase.__dict__["frame"].__set__


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


@dataclass(frozen=True, slots=True, init=False)
class Recipe:
    """What a run of frames is made of.

    Attributes:
        placement: None where the source's picture fills the canvas as it is.
        ops: bottom first.
    """

    base: Base
    placement: Placement | None = None
    ops: tuple[Op, ...] = ()

    def __init__(self, base: Base, placement: Placement | None = None, ops: tuple[Op, ...] = ()) -> None:
        _set_base(self, base)
        _set_placement(self, placement)
        _set_ops(self, ops)

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


_set_base = Recipe.__dict__["base"].__set__
_set_placement = Recipe.__dict__["placement"].__set__
_set_ops = Recipe.__dict__["ops"].__set__


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


@dataclass(frozen=True, slots=True, init=False)
class RecipeRun:
    """The recipe of the frames of `timeline_range`; it describes them from the first."""

    timeline_range: Range
    recipe: Recipe

    def __init__(self, timeline_range: Range, recipe: Recipe) -> None:
        _set_timeline_range(self, timeline_range)
        _set_recipe(self, recipe)


_set_timeline_range = RecipeRun.__dict__["timeline_range"].__set__
_set_recipe = RecipeRun.__dict__["recipe"].__set__


def recipe_runs(project: Project) -> tuple[RecipeRun, ...]:
    """Return the recipes of the whole timeline: adjacent runs that cover every frame once, none shorter than needed."""
    timeline = TimelineMap(project)
    return runs_within(project, timeline, (Range(0, timeline.frame_count),))


def runs_within(project: Project, timeline: TimelineMap, windows: tuple[Range, ...]) -> tuple[RecipeRun, ...]:
    """Return the recipes of some timeline ranges (in order, apart from each other); timeline: the project's map."""
    # 100,000 objects are made and none in a circle: the collector would look at all that lives, for nothing.
    with collector_paused():
        stack = _Stack(_events(project, timeline))
        lay = _BaseLayer(project)
        runs: list[RecipeRun] = []
        for window in windows:
            _sweep(window, timeline, stack, lay, runs)
        return tuple(runs)


def _sweep(window: Range, timeline: TimelineMap, stack: _Stack, lay: _BaseLayer, runs: list[RecipeRun]) -> None:
    """Go along a window once, from one change of the stack or the storyline to the next."""
    change = -1
    ops: tuple[Op, ...] = ()
    begin, behind = window.start, window.stop
    last_ops = -1
    for span in timeline.spans_within(window):
        start, stop = span.timeline_range.start, span.timeline_range.stop
        if stop > behind:
            stop = behind
        first = lay.recipe(span.item)
        frame = start if start > begin else begin
        while frame < stop:
            if change <= frame or stack.is_special:
                ops = stack.at(frame)
                change = stack.next_change
            end = change if change < stop else stop
            if frame != start:
                placement = first.placement
                if placement is not None:
                    placement = _placement_advanced(placement, frame - start)
                recipe = Recipe(_base_advanced(first.base, frame - start), placement, ops)
            else:
                recipe = Recipe(first.base, first.placement, ops) if ops else first
            if len(ops) == last_ops and _goes_on(runs[-1], recipe):
                runs[-1] = RecipeRun(Range(runs[-1].timeline_range.start, end), runs[-1].recipe)
            else:
                runs.append(RecipeRun(Range(frame, end), recipe))
                last_ops = len(ops)
            frame = end


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python's cycle collector from running in a block that makes many objects and no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


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


_Event = tuple[int, bool, int, Op | None]
"""A timeline frame, whether something begins there or ends, its place in the stack, and what begins."""


def _events(project: Project, timeline: TimelineMap) -> list[_Event]:
    """Return where operations begin and end, by frame; on the same frame ends come first."""
    events: list[_Event] = []
    add = events.append
    order = 0
    rate = project.canvas.rate
    for layer in project.layers:
        for item in layer.items:
            order += 1
            op = op_of(layer, item, rate)
            if op is None:
                continue
            for start, stop in timeline_bounds(item, timeline):
                add((start, True, order, op))
                add((stop, False, order, None))
    # The first three never tie, so operations are never compared.
    events.sort()
    return events


class _Stack:
    """The operations that are active as the sweep goes along the timeline."""

    def __init__(self, events: list[_Event]) -> None:
        self._events = [*events, (1 << 62, False, 0, None)]
        self._next = 0
        # What is active, by its place in the stack: places, operations, and the frames on which they began.
        self._orders: list[int] = []
        self._ops: list[Op] = []
        self._since: list[int] = []
        self._special: set[int] = set()

    @property
    def is_special(self) -> bool:
        """Whether what is active must be looked at again for every run: it moves, or waits for a subject."""
        return bool(self._special)

    @property
    def next_change(self) -> int:
        """Return the next frame on which an operation begins or ends."""
        return self._events[self._next][0]

    def at(self, frame: int) -> tuple[Op, ...]:
        """Return the operations at a frame, bottom first; frames are asked for in order."""
        events, orders, ops = self._events, self._orders, self._ops
        number = self._next
        since, _, order, op = events[number]
        while since <= frame:
            at = bisect_left(orders, order)
            if op is None:
                del orders[at], ops[at], self._since[at]
                self._special.discard(order)
            else:
                orders.insert(at, order)
                ops.insert(at, op)
                self._since.insert(at, since)
                if isinstance(op, OverlayOp) and (moves(op) or op.depth is Depth.BEHIND_SUBJECT):
                    self._special.add(order)
            number += 1
            since, _, order, op = events[number]
        self._next = number
        if not self._special:
            return tuple(ops)
        moved = zip(ops, self._since, strict=True)
        return _without_idle_background(tuple([advanced(op, frame - since) for op, since in moved]))


def _without_idle_background(ops: tuple[Op, ...]) -> tuple[Op, ...]:
    """Leave a background out where no subject would be drawn on it: it would hide the film."""
    if any(isinstance(op, SubjectOp) for op in ops):
        return ops
    return tuple([op for op in ops if not (isinstance(op, OverlayOp) and op.depth is Depth.BEHIND_SUBJECT)])
