"""Where two projects differ, and where one differs from its sources: the only notion of change there is."""

from __future__ import annotations

from engine.model.project import Project
from engine.model.recipe import RecipeRun, recipe_runs
from engine.model.time import Range, merged


def changed_ranges(before: Project, after: Project) -> tuple[Range, ...]:
    """Return the timeline ranges of `after` whose pixels differ from the same frames of `before`.

    Frames that only `before` has are no range of `after`; frames that only `after` has are changed.
    """
    if before is after:
        return ()
    return changed_between(recipe_runs(before), recipe_runs(after))


def changed_between(before: tuple[RecipeRun, ...], after: tuple[RecipeRun, ...]) -> tuple[Range, ...]:
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
