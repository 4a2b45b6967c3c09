"""What must hold inside a project beyond what each value checks by itself: references, bounds, unique ids.

Edits use the single checks for what they bring in; `check` is for a project that comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.layers import HOLDS, Item
from engine.model.markers import Marker
from engine.model.overlay import Film, Overlay
from engine.model.patch import Patch
from engine.model.place import AtSource, OnSource, Place
from engine.model.project import Project
from engine.model.sound import AudioItem, WithClip
from engine.model.storyline import Clip, Conformed, Gap, Native, StoryItem
from engine.model.subject import FilmMatte, Subject
from engine.model.time import Range

TIMELINE_LIMIT = 1 << 40
"""Frames: more than a thousand years at 25 frames/s; beyond it something is wrong."""


def check(project: Project) -> None:
    """Refuse a project that does not hold together.

    Raises:
        EditRefused: the message names the first thing that does not.
    """
    _refuse_twins("source", (source.id for source in project.sources))
    _refuse_twins("layer", (layer.id for layer in project.layers))
    _refuse_twins("item", ids(project))
    for clip in project.storyline:
        check_clip(project, clip)
    if project.frame_count > TIMELINE_LIMIT:
        raise EditRefused(f"a timeline of {project.frame_count} frames is too long")
    for layer in project.layers:
        _refuse_twins("version", (version.id for version in layer.versions))
        for items in (layer.items, *(version.items for version in layer.versions)):
            _refuse_twins("item", (item.id for item in items))
            for item in items:
                if not isinstance(item, HOLDS[layer.kind]):
                    raise EditRefused(f"the layer {layer.settings.name!r} cannot hold {type(item).__name__}")
        for item in layer.items:
            check_item(project, item)
    for marker in project.markers:
        check_place(project, marker.place)
    for track in project.tracks:
        for sound in track.items:
            check_sound(project, sound)
    if project.in_out is not None:
        check_in_out(project.in_out)


def ids(project: Project) -> Iterator[str]:
    """Yield the ids of everything that an edit can name, but for sources, layers and versions."""
    for clip in project.storyline:
        yield clip.id
    for layer in project.layers:
        for item in layer.items:
            yield item.id
    for marker in project.markers:
        yield marker.id
    for track in project.tracks:
        yield track.id
        for sound in track.items:
            yield sound.id


def check_new(project: Project, new: Iterable[str]) -> None:
    """Refuse ids that something in the project has already, or that come twice."""
    taken = set(ids(project))
    for id in new:
        if not id or id in taken:
            raise EditRefused(f"the id {id!r} is taken already" if id else "an id must not be empty")
        taken.add(id)


def fresh(project: Project, base: str, reserved: Iterable[str] = ()) -> str:
    """Return an id like `base` that nothing has and none of `reserved` is; the same project gives the same one."""
    taken = {*ids(project), *reserved}
    number = 2
    while f"{base}.{number}" in taken:
        number += 1
    return f"{base}.{number}"


def check_clip(project: Project, clip: StoryItem) -> None:
    """Refuse a clip that shows what its source does not have."""
    if isinstance(clip, Gap):
        return
    picture = project.picture(clip.source_id)
    match clip.timing:
        case Native(source_range):
            _check_frames("clip", source_range, picture.frame_count)
        case Conformed(start_s, frames):
            first, end = picture.times.time_of(0), picture.times.time_of(picture.frame_count)
            stop_s = start_s + (frames - Fraction(1, 2)) / project.canvas.rate
            if start_s < first or stop_s > end:
                raise EditRefused(
                    f"the clip would show {float(start_s):.3f} s to {float(stop_s):.3f} s, but its source has"
                    f" {float(first):.3f} s to {float(end):.3f} s"
                )


def check_item(project: Project, item: Item) -> None:
    """Refuse an item that refers to what is not there."""
    match item:
        case Patch():
            _check_frames("patch", item.frames, project.picture(item.source_id).frame_count)
        case Subject():
            _check_frames("subject", item.frames, project.picture(item.source_id).frame_count)
            if isinstance(item.matte, FilmMatte):
                project.picture(item.matte.source_id)
        case Overlay():
            check_place(project, item.place)
            if isinstance(item.content, Film):
                project.picture(item.content.source_id)
        case Caption():
            if isinstance(item.place, AtSource):
                project.source(item.place.source_id)


def check_place(project: Project, place: Place) -> None:
    """Refuse a place on a source that does not reach so far, or beyond any timeline."""
    if isinstance(place, OnSource):
        _check_frames("item", place.frames, project.picture(place.source_id).frame_count)
    elif place.frames.stop > TIMELINE_LIMIT:
        raise EditRefused(f"the frames {place.frames.start}:{place.frames.stop} lie beyond any timeline")


def check_marker(project: Project, marker: Marker) -> None:
    """Refuse a marker on what is not there."""
    check_place(project, marker.place)


def check_sound(project: Project, sound: AudioItem) -> None:
    """Refuse a sound whose source has none, or that is linked to no clip."""
    source = project.source(sound.source_id)
    if not 0 <= sound.stream < len(source.sound):
        raise EditRefused(f"{source.name} has no sound stream {sound.stream}: it has {len(source.sound)}")
    if isinstance(sound.position, WithClip):
        clip = project.clip(sound.position.clip_id)
        if not isinstance(clip, Clip) or clip.source_id != sound.source_id:
            raise EditRefused(f"the sound {sound.id} cannot be linked to {clip.id}, which shows another source")


def check_in_out(frames: Range) -> None:
    """Refuse an in/out range that is none."""
    if not frames or frames.start < 0 or frames.stop > TIMELINE_LIMIT:
        raise EditRefused(f"the in/out range {frames.start}:{frames.stop} holds no frame")


def _check_frames(what: str, frames: Range, count: int) -> None:
    if not Range(0, count).covers(frames):
        raise EditRefused(
            f"the {what}'s frames {frames.start}:{frames.stop} reach beyond the source, which has the frames 0:{count}"
        )


def _refuse_twins(what: str, found: Iterable[str]) -> None:
    seen = set()
    for id in found:
        if not id or id in seen:
            raise EditRefused(f"two things of the project share the {what} id {id!r}")
        seen.add(id)
