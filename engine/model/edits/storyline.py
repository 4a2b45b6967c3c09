"""Edits of the main storyline. Frames without another name are the timeline's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from engine.errors import EditRefused
from engine.model.checks import check_clip, check_new, fresh
from engine.model.edits.cutting import (
    check_within,
    divided,
    find,
    replaced,
    taken_part,
    without_loose_gaps,
)
from engine.model.edits.ripple import Shift, rippled
from engine.model.project import Project
from engine.model.storyline import Clip, Gap, StoryItem, Timing
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class InsertClip:
    """Put a clip or a gap in before frame `at`; what follows moves on. Inside a clip it divides that clip."""

    clip: StoryItem
    at: int

    title = "Insert"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip."""
        check_within(project, self.at)
        check_new(project, [self.clip.id])
        check_clip(project, self.clip)
        after, index = divided(project, self.at)
        after = replace(after, storyline=(*after.storyline[:index], self.clip, *after.storyline[index:]))
        return rippled(project, after, Shift.insertion(self.at, len(self.clip)))


@dataclass(frozen=True, slots=True)
class AppendClip:
    """Put a clip or a gap at the end."""

    clip: StoryItem

    title = "Append"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip."""
        check_new(project, [self.clip.id])
        check_clip(project, self.clip)
        return replace(project, storyline=(*project.storyline, self.clip))


@dataclass(frozen=True, slots=True)
class OverwriteClip:
    """Put a clip from frame `at` on in place of what is there; nothing moves. Beyond the end a gap fills up."""

    clip: StoryItem
    at: int

    title = "Overwrite"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip."""
        check_new(project, [self.clip.id])
        check_clip(project, self.clip)
        return _overwritten(project, self.clip, self.at)


def _overwritten(project: Project, clip: StoryItem, at: int) -> Project:
    if at < 0:
        raise EditRefused(f"a clip cannot begin before the film: {at = }")
    end = project.frame_count
    new: tuple[StoryItem, ...] = (clip,)
    if at > end:
        new = (Gap(fresh(project, clip.id, [clip.id]), at - end), clip)
    return replaced(project, Range(min(at, end), max(min(at, end), min(at + len(clip), end))), new)


@dataclass(frozen=True, slots=True)
class SplitClip:
    """Divide the clip at frame `at`; the right half gets `new_id`."""

    at: int
    new_id: str

    title = "Split"

    def apply(self, project: Project) -> Project:
        """Return the project with the cut."""
        check_new(project, [self.new_id])
        after, index = divided(project, self.at, self.new_id)
        if index == len(after.storyline) or after.storyline[index].id != self.new_id:
            raise EditRefused(_why_not_split(self.at, index == len(after.storyline)))
        return after


def _why_not_split(at: int, is_behind: bool) -> str:
    if at == 0:
        return "the film begins here; put the playhead inside a clip to split it"
    if is_behind:
        return f"the film ends before frame {at:,}; put the playhead inside a clip to split it"
    return f"there is a cut at frame {at:,} already; put the playhead inside a clip to split it"


class Edge(Enum):
    """An end of a clip."""

    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True)
class TrimClip:
    """Ripple trim: move an edge of a clip by `by` frames (later if positive); what follows moves along."""

    clip_id: str
    edge: Edge
    by: int

    title = "Trim"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip trimmed."""
        index, span = find(project, self.clip_id)
        item = project.storyline[index]
        frames = _grown(item, self.by, 0) if self.edge is Edge.START else _grown(item, 0, self.by)
        after = _with_item(project, index, _checked_part(item, frames, project))
        at = span.start if self.edge is Edge.START else span.stop
        grown = len(frames) - len(item)
        if grown > 0:
            return rippled(project, after, Shift.insertion(at, grown))
        gone = Range(at, at - grown) if self.edge is Edge.START else Range(at + grown, at)
        return rippled(project, after, Shift.removal(gone))


@dataclass(frozen=True, slots=True)
class RollCut:
    """Move the cut between a clip and the next one by `by` frames; nothing else moves."""

    clip_id: str
    by: int

    title = "Roll"

    def apply(self, project: Project) -> Project:
        """Return the project with the cut moved."""
        index, _ = find(project, self.clip_id)
        if index + 1 == len(project.storyline):
            raise EditRefused("the last clip has no cut to the next one")
        left, right = project.storyline[index : index + 2]
        after = _with_item(project, index, _checked_part(left, _grown(left, 0, self.by), project))
        return _with_item(after, index + 1, _checked_part(right, _grown(right, self.by, 0), project))


@dataclass(frozen=True, slots=True)
class SlipClip:
    """Show a part of the source `by` frames later in the same place."""

    clip_id: str
    by: int

    title = "Slip"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip slipped."""
        index, _ = find(project, self.clip_id)
        item = project.storyline[index]
        if not isinstance(item, Clip):
            raise EditRefused("a gap has nothing to slip")
        slipped = _checked_part(item, Range(self.by, len(item) + self.by), project)
        # The geometry's keyframes stay with the place, not with the content.
        assert isinstance(slipped, Clip)
        return _with_item(project, index, replace(slipped, geometry=item.geometry))


@dataclass(frozen=True, slots=True)
class SlideClip:
    """Move a clip by `by` frames between its neighbours, which give way on one side and fill up on the other."""

    clip_id: str
    by: int

    title = "Slide"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip moved."""
        index, _ = find(project, self.clip_id)
        if index == 0 or index + 1 == len(project.storyline):
            raise EditRefused("a clip slides between two neighbours; this one is the first or the last")
        left, right = project.storyline[index - 1], project.storyline[index + 1]
        after = _with_item(project, index - 1, _checked_part(left, _grown(left, 0, self.by), project))
        return _with_item(after, index + 1, _checked_part(right, _grown(right, self.by, 0), project))


@dataclass(frozen=True, slots=True)
class LiftRange:
    """Take frames out and leave a gap; nothing moves."""

    frames: Range
    gap_id: str

    title = "Lift"

    def apply(self, project: Project) -> Project:
        """Return the project without the frames."""
        _check_range(project, self.frames)
        check_new(project, [self.gap_id])
        return without_loose_gaps(replaced(project, self.frames, (Gap(self.gap_id, len(self.frames)),)))


@dataclass(frozen=True, slots=True)
class ExtractRange:
    """Take frames out; what follows moves up (ripple delete)."""

    frames: Range

    title = "Ripple delete"

    def apply(self, project: Project) -> Project:
        """Return the project without the frames."""
        _check_range(project, self.frames)
        return rippled(project, replaced(project, self.frames, ()), Shift.removal(self.frames))


@dataclass(frozen=True, slots=True)
class LiftClips:
    """Delete clips and leave gaps; nothing moves."""

    clip_ids: tuple[str, ...]

    title = "Delete"

    def apply(self, project: Project) -> Project:
        """Return the project without the clips."""
        for clip_id in self.clip_ids:
            _, span = find(project, clip_id)
            project = replaced(project, span, (Gap(fresh(project, clip_id), len(span)),))
        return without_loose_gaps(project)


@dataclass(frozen=True, slots=True)
class ExtractClips:
    """Delete clips or gaps; what follows moves up (ripple delete)."""

    clip_ids: tuple[str, ...]

    title = "Ripple delete"

    def apply(self, project: Project) -> Project:
        """Return the project without the clips."""
        for clip_id in self.clip_ids:
            _, span = find(project, clip_id)
            project = rippled(project, replaced(project, span, ()), Shift.removal(span))
        return project


class MoveMode(Enum):
    """What gives way to a moved clip."""

    INSERT = "insert"
    """What lies between the old and the new place closes up behind it and opens before it."""
    OVERWRITE = "overwrite"
    """It leaves a gap and replaces what is at its new place."""


@dataclass(frozen=True, slots=True)
class MoveClip:
    """Move a clip so that it begins at what is now frame `to`."""

    clip_id: str
    to: int
    mode: MoveMode = MoveMode.INSERT

    title = "Move"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip moved."""
        index, span = find(project, self.clip_id)
        clip = project.storyline[index]
        if self.mode is MoveMode.OVERWRITE:
            return _moved_over(project, clip, span, self.to)
        check_within(project, self.to)
        if span.start <= self.to <= span.stop:
            raise EditRefused(
                f"the clip stands at frame {span.start} already; frame {self.to} is inside it or at its end"
            )
        after, _ = divided(project, self.to)
        rest = [item for item in after.storyline if item.id != clip.id]
        at = self.to if self.to < span.start else self.to - len(span)
        storyline = _put_at(rest, clip, at)
        return rippled(project, replace(after, storyline=storyline), Shift.move(span, self.to))


def _put_at(items: list[StoryItem], clip: StoryItem, frame: int) -> tuple[StoryItem, ...]:
    start = 0
    for index, item in enumerate(items):
        if start == frame:
            return (*items[:index], clip, *items[index:])
        start += len(item)
    return (*items, clip)


def _moved_over(project: Project, clip: StoryItem, span: Range, to: int) -> Project:
    """Move a clip over others. Its linked sound goes with it, so the lift must not take that for deleted."""
    index, _ = find(project, clip.id)
    gap = Gap(fresh(project, clip.id), len(span))
    lifted = _with_item(project, index, gap)
    return without_loose_gaps(_overwritten(lifted, clip, to))


@dataclass(frozen=True, slots=True)
class ReorderClip:
    """Move a clip so that it becomes number `index` (0 is the first) of the storyline."""

    clip_id: str
    index: int

    title = "Reorder"

    def apply(self, project: Project) -> Project:
        """Return the project in the new order."""
        old, span = find(project, self.clip_id)
        if not 0 <= self.index < len(project.storyline):
            raise EditRefused(f"there is no place {self.index}: the storyline has {len(project.storyline)} items")
        if self.index == old:
            return project
        rest = [item for item in project.storyline if item.id != self.clip_id]
        storyline = (*rest[: self.index], project.storyline[old], *rest[self.index :])
        before = sum(len(item) for item in rest[: self.index])
        to = before if self.index < old else before + len(span)
        return rippled(project, replace(project, storyline=storyline), Shift.move(span, to))


@dataclass(frozen=True, slots=True)
class ChangeClip:
    """Change a clip's name, geometry or sound; its time stays."""

    clip: Clip

    title = "Change clip"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip changed."""
        index, _ = find(project, self.clip.id)
        old = project.storyline[index]
        if not isinstance(old, Clip) or (old.source_id, old.timing) != (self.clip.source_id, self.clip.timing):
            raise EditRefused(f"the clip {self.clip.id} shows something else; trim, slip or retime it instead")
        return _with_item(project, index, self.clip)


@dataclass(frozen=True, slots=True)
class RetimeClip:
    """Give a clip another timing (native or conformed, another part); what follows moves along."""

    clip_id: str
    timing: Timing

    title = "Retime"

    def apply(self, project: Project) -> Project:
        """Return the project with the clip retimed."""
        index, span = find(project, self.clip_id)
        old = project.storyline[index]
        if not isinstance(old, Clip):
            raise EditRefused("a gap has no timing; trim it instead")
        new = replace(old, timing=self.timing)
        check_clip(project, new)
        after = _with_item(project, index, new)
        if len(new) >= len(old):
            return rippled(project, after, Shift.insertion(span.stop, len(new) - len(old)))
        return rippled(project, after, Shift.removal(Range(span.start + len(new), span.stop)))


def _with_item(project: Project, index: int, item: StoryItem) -> Project:
    return replace(project, storyline=(*project.storyline[:index], item, *project.storyline[index + 1 :]))


def _grown(item: StoryItem, start: int, stop: int) -> Range:
    """Return an item's own frames with its edges moved; empty where they would cross."""
    return Range(start, max(start, len(item) + stop))


def _checked_part(item: StoryItem, frames: Range, project: Project) -> StoryItem:
    if not frames:
        raise EditRefused(f"nothing would be left of the clip, which is {len(item)} frames long; delete it instead")
    changed = taken_part(item, frames, project)
    check_clip(project, changed)
    return changed


def _check_range(project: Project, frames: Range) -> None:
    end = project.frame_count
    if not frames or not Range(0, end).covers(frames):
        raise EditRefused(f"the frames {frames.start}:{frames.stop} are no part of the timeline, which has 0:{end}")
