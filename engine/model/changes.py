"""Where two projects differ, and where one differs from its sources: the only notion of change there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from engine.model.layers import Item, Layer
from engine.model.nearby import project_near
from engine.model.placement import timeline_ranges
from engine.model.project import Project
from engine.model.recipe import RecipeRun, recipe_runs, runs_within
from engine.model.time import Range, merged
from engine.model.timeline import TimelineMap

FEW = 200
"""So many touched items are looked at by themselves; with more, the whole timeline is as quick."""


def changed_ranges(before: Project, after: Project) -> tuple[Range, ...]:
    """Return the timeline ranges of `after` whose pixels differ from the same frames of `before`.

    Frames that only `before` has are no range of `after`; frames that only `after` has are changed.
    """
    if before is after:
        return ()
    touched = _touched_items(before, after)
    if touched is None:
        return changed_between(recipe_runs(before), recipe_runs(after))
    # An edit of a few items on a long timeline: only where these stand can anything differ.
    timeline = TimelineMap(after)
    windows = merged(shown for item in touched for shown in timeline_ranges(item, timeline))
    if not windows:
        return ()
    old, new = (runs_within(project_near(project, timeline, windows), timeline, windows) for project in (before, after))
    return changed_between(old, new)


def changed_between(before: Sequence[RecipeRun], after: Sequence[RecipeRun]) -> tuple[Range, ...]:
    """Return the timeline ranges of `after` whose recipes differ from those of `before`."""
    changed: list[Range] = []
    i = 0
    for run in after:
        frame, stop = run.timeline_range.start, run.timeline_range.stop
        while frame < stop:
            while i < len(before) and before[i].timeline_range.stop <= frame:
                i += 1
            if i == len(before):
                changed.append(Range(frame, stop))
                break
            old = before[i]
            end = min(stop, old.timeline_range.stop)
            was, now = old.recipe, run.recipe
            if was is not now or old.timeline_range.start != run.timeline_range.start:
                was = was.advanced(frame - old.timeline_range.start)
                now = now.advanced(frame - run.timeline_range.start)
                if was.base != now.base or was.ops != now.ops or was.placement != now.placement:
                    changed.append(Range(frame, end))
            frame = end
    return merged(changed)


def rendered_ranges(project: Project) -> tuple[Range, ...]:
    """Return the timeline ranges whose frames are not bare source frames, and so cannot be copied."""
    return merged(run.timeline_range for run in recipe_runs(project) if not run.recipe.is_bare)


def _touched_items(before: Project, after: Project) -> list[Item] | None:
    """Return the items in which two projects on the same storyline differ; None if they differ in more, or in many.

    Edits keep what they do not change, so "the same" is mostly the same object.
    """
    if not all(
        old is new or old == new
        for old, new in (
            (before.storyline, after.storyline),
            (before.canvas, after.canvas),
            (before.sources, after.sources),
        )
    ):
        return None
    touched: list[Item] = []
    old_layers, new_layers = _middle(before.layers, after.layers)
    same_stack = [layer.id for layer in old_layers] == [layer.id for layer in new_layers]
    if same_stack and all(old.settings == new.settings for old, new in zip(old_layers, new_layers, strict=True)):
        for old, new in zip(old_layers, new_layers, strict=True):
            touched += _touched_in(old, new)
    else:
        touched += [item for layer in (*old_layers, *new_layers) for item in layer.items]
    return touched if len(touched) <= FEW else None


def _touched_in(before: Layer, after: Layer) -> Iterable[Item]:
    old, new = _middle(before.items, after.items)
    old_ids, new_ids = {id(item) for item in old}, {id(item) for item in new}
    if [id(item) for item in old if id(item) in new_ids] != [id(item) for item in new if id(item) in old_ids]:
        return [*old, *new]
    return [item for item in old if id(item) not in new_ids] + [item for item in new if id(item) not in old_ids]


T = TypeVar("T")


def _middle(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """Return two sequences without the objects that they share at their beginnings and ends."""
    if before is after:
        return (), ()
    start = 0
    while start < min(len(before), len(after)) and before[start] is after[start]:
        start += 1
    stop = 0
    while stop < min(len(before), len(after)) - start and before[-1 - stop] is after[-1 - stop]:
        stop += 1
    return before[start : len(before) - stop], after[start : len(after) - stop]
