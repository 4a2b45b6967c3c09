"""A project at another canvas rate: durations and times stay, frame numbers change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.model.geometry import Crop, Geometry
from engine.model.keyframes import Curve, Keyframe, Value
from engine.model.layers import Item
from engine.model.overlay import Overlay
from engine.model.place import OnTimeline, Place
from engine.model.placement import nearest_frame
from engine.model.project import Canvas, Project
from engine.model.storyline import Clip, Conformed, Gap, StoryItem
from engine.model.time import Range
from engine.model.timeline import TimelineMap

FrameMap = Callable[[int], int]


def retimed(project: Project, canvas: Canvas) -> Project:
    """Return the project on a canvas of another rate."""
    factor = canvas.rate / project.canvas.rate

    def clip(old: StoryItem) -> StoryItem:
        match old:
            case Gap(frames=frames):
                return replace(old, frames=max(1, round(frames * factor)))
            case Clip(timing=Conformed(start_s, frames)):
                return replace(
                    old,
                    timing=Conformed(start_s, max(1, round(frames * factor))),
                    geometry=_geometry(old.geometry, lambda at: round(at * factor)),
                )
            case _:
                return old

    after = replace(project, canvas=canvas, storyline=tuple(map(clip, project.storyline)))
    old_map, new_map = TimelineMap(project), TimelineMap(after)

    def frame(old: int) -> int:
        return nearest_frame(old_map.time_of(old), new_map)

    in_out = None if project.in_out is None else _range(project.in_out, frame)
    return replace(
        after,
        layers=tuple(
            replace(layer, items=tuple(_item(item, frame) for item in layer.items)) for layer in project.layers
        ),
        markers=tuple(replace(marker, place=_place(marker.place, frame)) for marker in project.markers),
        in_out=in_out,
    )


def _item(item: Item, frame: FrameMap) -> Item:
    if not isinstance(item, Overlay) or not isinstance(item.place, OnTimeline):
        return item
    old_start = item.place.frames.start
    place = _place(item.place, frame)

    def key(at: int) -> int:
        # A keyframe before the film has no time there; it keeps its distance.
        return frame(old_start + at) - place.frames.start if old_start + at >= 0 else at

    return replace(item, place=place, geometry=_geometry(item.geometry, key), opacity=_value(item.opacity, key))


def _place(place: Place, frame: FrameMap) -> Place:
    return replace(place, frames=_range(place.frames, frame)) if isinstance(place, OnTimeline) else place


def _range(frames: Range, frame: FrameMap) -> Range:
    start = frame(frames.start)
    return Range(start, max(start + 1, frame(frames.stop)))


def _geometry(geometry: Geometry, frame: FrameMap) -> Geometry:
    if not geometry.is_animated:
        return geometry
    crop = geometry.crop
    if crop is not None:
        crop = Crop(*(_value(value, frame) for value in (crop.left, crop.top, crop.right, crop.bottom)))
    return replace(
        geometry,
        crop=crop,
        x=_value(geometry.x, frame),
        y=_value(geometry.y, frame),
        scale=_value(geometry.scale, frame),
        turn_deg=_value(geometry.turn_deg, frame),
    )


def _value(value: Value, frame: FrameMap) -> Value:
    """Move keyframes; of two that fall on one frame the later one stays."""
    if not isinstance(value, Curve):
        return value
    keys: dict[int, Keyframe] = {}
    for key in value.keys:
        at = frame(key.at)
        keys[at] = replace(key, at=at)
    return Curve(tuple(keys[at] for at in sorted(keys)))
