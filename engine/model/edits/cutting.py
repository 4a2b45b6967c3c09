"""Pure cuts of the storyline, under the edits: dividing, taking out, putting in. Linked sound stays with its clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from engine.errors import EditRefused
from engine.model.checks import fresh
from engine.model.project import Project
from engine.model.sound import AudioItem, AudioTrack, WithClip
from engine.model.storyline import Clip, Gap, StoryItem, part, source_time
from engine.model.time import Range


def find(project: Project, clip_id: str) -> tuple[int, Range]:
    """Return a storyline item's index and timeline range.

    Raises:
        EditRefused: there is none.
    """
    start = 0
    for index, item in enumerate(project.storyline):
        if item.id == clip_id:
            return index, Range(start, start + len(item))
        start += len(item)
    raise EditRefused(f"the storyline has no clip {clip_id}")


def check_within(project: Project, frame: int) -> None:
    """Refuse a frame at which nothing can be put in.

    Raises:
        EditRefused: it is negative or beyond the end.
    """
    end = project.frame_count
    if not 0 <= frame <= end:
        raise EditRefused(f"frame {frame} lies outside the timeline, which has the frames 0:{end}")


def taken_part(item: StoryItem, frames: Range, project: Project) -> StoryItem:
    """Return the output frames `frames` of an item (0 is its first); beyond its ends they reveal more of the source."""
    if isinstance(item, Gap):
        return replace(item, frames=len(frames))
    timing = part(item.timing, frames, project.canvas.rate)
    return replace(item, timing=timing, geometry=item.geometry.shifted(-frames.start))


def divided(
    project: Project, frame: int, right_id: str | None = None, reserved: Iterable[str] = ()
) -> tuple[Project, int]:
    """Return the project with a cut before `frame`, and the index of the item that begins there.

    Where an item is divided, its right half gets `right_id`, or a fresh id that is none of `reserved`.
    """
    start = 0
    for index, item in enumerate(project.storyline):
        if frame == start:
            return project, index
        if frame < start + len(item):
            id = fresh(project, item.id, reserved) if right_id is None else right_id
            left = taken_part(item, Range(0, frame - start), project)
            right = replace(taken_part(item, Range(frame - start, len(item)), project), id=id)
            storyline = (*project.storyline[:index], left, right, *project.storyline[index + 1 :])
            return _sound_divided(replace(project, storyline=storyline), left, right), index + 1
        start += len(item)
    return project, len(project.storyline)


def _sound_divided(project: Project, left: StoryItem, right: StoryItem) -> Project:
    """Give the right half of a divided clip the sound that is linked to it, dividing what plays across the cut."""
    if not isinstance(left, Clip) or not isinstance(right, Clip):
        return project
    times = project.picture(right.source_id).times
    cut_s = source_time(right.timing, 0, times, project.canvas.rate)
    new: list[str] = []

    def divide(item: AudioItem) -> list[AudioItem]:
        stop_s = item.source_start_s + item.duration_s
        if stop_s <= cut_s:
            return [item]
        position = WithClip(right.id)
        if item.source_start_s >= cut_s:
            return [replace(item, position=position)]
        head_s = cut_s - item.source_start_s
        first = replace(item, duration_s=head_s, fade_in_s=min(item.fade_in_s, head_s), fade_out_s=0 * head_s)
        new.append(fresh(project, item.id, new))
        second = replace(
            item,
            id=new[-1],
            position=position,
            source_start_s=cut_s,
            duration_s=stop_s - cut_s,
            points=tuple(replace(point, at_s=point.at_s - head_s) for point in item.points),
            fade_in_s=0 * head_s,
            fade_out_s=min(item.fade_out_s, stop_s - cut_s),
        )
        return [first, second]

    return with_linked_sound(project, {left.id}, divide)


def with_linked_sound(project: Project, clip_ids: set[str], change: Callable[[AudioItem], list[AudioItem]]) -> Project:
    """Return the project with the sound that is linked to clips changed.

    Raises:
        EditRefused: some of it is on a locked track.
    """
    tracks: list[AudioTrack] = []
    for track in project.tracks:
        if not any(_linked(item, clip_ids) for item in track.items):
            tracks.append(track)
            continue
        if track.settings.locked:
            raise EditRefused(
                f"the sound track {track.settings.name!r} is locked, and holds sound that is linked to the clip;"
                " unlock it"
            )
        items = [new for item in track.items for new in (change(item) if _linked(item, clip_ids) else [item])]
        tracks.append(replace(track, items=tuple(items)))
    return replace(project, tracks=tuple(tracks))


def _linked(item: AudioItem, clip_ids: set[str]) -> bool:
    return isinstance(item.position, WithClip) and item.position.clip_id in clip_ids


def replaced(project: Project, frames: Range, new: tuple[StoryItem, ...]) -> Project:
    """Return the project with other items in place of timeline frames; the sound linked to what goes, goes too."""
    # An item that is moved here is not in the storyline at the moment, but its id is not free.
    kept = {item.id for item in new}
    project, start = divided(project, frames.start, reserved=kept)
    project, stop = divided(project, frames.stop, reserved=kept)
    gone = {item.id for item in project.storyline[start:stop]} - kept
    if any(isinstance(item.position, WithClip) for track in project.tracks for item in track.items):
        project = with_linked_sound(project, gone, lambda _: [])
    return replace(project, storyline=(*project.storyline[:start], *new, *project.storyline[stop:]))


def without_loose_gaps(project: Project) -> Project:
    """Return the project with neighbouring gaps joined, and none at the end."""
    storyline: list[StoryItem] = []
    for item in project.storyline:
        if storyline and isinstance(item, Gap) and isinstance(storyline[-1], Gap):
            storyline[-1] = replace(storyline[-1], frames=len(storyline[-1]) + len(item))
        else:
            storyline.append(item)
    if storyline and isinstance(storyline[-1], Gap):
        storyline.pop()
    return replace(project, storyline=tuple(storyline))
