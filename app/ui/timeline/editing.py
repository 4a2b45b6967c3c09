"""What a gesture on the timeline does to the project, as edits; nothing here knows a widget.

Every function returns an edit, or raises EditRefused with a sentence that says what stands in the way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from app.ui.timeline.content import Placed, Value
from app.ui.timeline.layout import Grip
from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.edits import (
    AddItems,
    AddMarkers,
    AddSounds,
    Compound,
    Edge,
    Edit,
    ExtractClips,
    InsertClip,
    LiftClips,
    LiftRange,
    MoveClip,
    MoveItem,
    MoveMode,
    RemoveItems,
    RemoveMarkers,
    RemoveSound,
    ReplaceItem,
    ReplaceMarker,
    ReplacePatch,
    ReplaceSound,
    RollCut,
    SlideClip,
    SlipClip,
    SplitClip,
    TrimClip,
)
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.keyframes import shifted as shifted_value
from engine.model.layers import LayerKind
from engine.model.markers import Marker
from engine.model.overlay import Film, Overlay
from engine.model.patch import Patch
from engine.model.place import AtSource, AtTimeline, OnSource, OnTimeline, Place, TimePlace
from engine.model.placement import timeline_ranges
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem
from engine.model.storyline import Clip, Gap
from engine.model.subject import Subject
from engine.model.time import Range
from engine.model.timeline import TimelineMap

_LEAST_S = Fraction(1, 50)


class TrimMode(Enum):
    """What gives way when the edge of a clip is dragged."""

    GAP = "gap"
    """Nothing moves: a gap opens, or gets smaller."""
    RIPPLE = "ripple"
    """What follows moves along."""
    ROLL = "roll"
    """The cut moves; the neighbour gives way."""


def step(title: str, edits: Sequence[SingleEdit]) -> Edit:
    """Return edits as one step.

    Raises:
        EditRefused: there is none.
    """
    if not edits:
        raise EditRefused("nothing is selected that this can be done to")
    return edits[0] if len(edits) == 1 else Compound(title, tuple(edits))


# --- clips -----------------------------------------------------------------------------------------------------------


def trimmed_clip(project: Project, timeline: TimelineMap, placed: Placed, grip: Grip, by: int, mode: TrimMode) -> Edit:
    """Return the edit that moves an edge of a clip by frames (later if positive).

    Raises:
        EditRefused: there is nothing there that could give way.
    """
    edge = Edge.START if grip is Grip.LEFT else Edge.END
    if mode is TrimMode.RIPPLE:
        return TrimClip(placed.id, edge, by)
    index = next(number for number, span in enumerate(timeline.spans) if span.item.id == placed.id)
    before = timeline.spans[index - 1] if index else None
    after = timeline.spans[index + 1] if index + 1 < len(timeline.spans) else None
    beside = before if edge is Edge.START else after
    if mode is TrimMode.ROLL:
        if beside is None:
            return TrimClip(placed.id, edge, by)
        return RollCut(beside.item.id if edge is Edge.START else placed.id, by)
    shorter = by > 0 if edge is Edge.START else by < 0
    if beside is not None and isinstance(beside.item, Gap):
        if not shorter and abs(by) >= len(beside.item):
            # The whole gap goes; a roll would have to leave a frame of it.
            grown = len(beside.item) if edge is Edge.END else -len(beside.item)
            return Compound("Trim", (TrimClip(placed.id, edge, grown), ExtractClips((beside.item.id,))))
        return RollCut(beside.item.id if edge is Edge.START else placed.id, by)
    if shorter:
        frames = placed.frames
        gone = Range(frames.start, frames.start + by) if edge is Edge.START else Range(frames.stop + by, frames.stop)
        if gone == frames or not frames.covers(gone):
            raise EditRefused(f"nothing would be left of the clip, which is {len(frames)} frames long")
        return LiftRange(gone, new_id())
    if beside is None and edge is Edge.END:
        return TrimClip(placed.id, edge, by)
    raise EditRefused("there is no gap beside the clip to grow into; hold Ctrl to move what follows, or Alt to roll")


def moved_clip(timeline: TimelineMap, placed: Placed, to: int, mode: MoveMode) -> Edit | None:
    """Return the edit that moves a clip to frame `to`; None where it stays where it is."""
    if mode is MoveMode.OVERWRITE:
        return None if to == placed.frames.start else MoveClip(placed.id, max(0, to), mode)
    to = min(max(0, to), timeline.frame_count)
    if placed.frames.start <= to <= placed.frames.stop:
        return None
    return MoveClip(placed.id, to, mode)


def nearest_cut(timeline: TimelineMap, frame: int) -> int:
    """Return the cut nearest to a frame, where a moved clip would be put in."""
    cuts = [span.timeline_range.start for span in timeline.spans] + [timeline.frame_count]
    return min(cuts, key=lambda cut: abs(cut - frame))


def slipped(clip_id: str, by: int) -> Edit:
    """Return the edit after which a clip shows what comes `by` frames later in its source."""
    return SlipClip(clip_id, by)


def slid(clip_id: str, by: int) -> Edit:
    """Return the edit that moves a clip between its neighbours."""
    return SlideClip(clip_id, by)


def split_at(project: Project, timeline: TimelineMap, frame: int, ids: Collection[str] = ()) -> Edit:
    """Return the edit that divides what stands at a frame: the selected items there, else the clip.

    Raises:
        EditRefused: nothing can be divided there.
    """
    edits: list[SingleEdit] = []
    for layer in project.layers:
        for item in layer.items:
            if item.id in ids and isinstance(item, Overlay | Caption):
                edits += _split_item(layer.id, item, timeline, frame)
    for track in project.tracks:
        for sound in track.items:
            if sound.id in ids:
                edits += _split_sound(track.id, sound, timeline, frame)
    chosen_clip = any(item.id in ids for item in project.storyline)
    if not edits or chosen_clip:
        edits.append(SplitClip(frame, new_id()))
    return step("Split", edits)


def _split_item(layer_id: str, item: Overlay | Caption, timeline: TimelineMap, frame: int) -> list[SingleEdit]:
    shown = next((frames for frames in timeline_ranges(item, timeline) if frames.start < frame < frames.stop), None)
    if shown is None:
        return []
    left = _with_edge(item, timeline, shown, Grip.RIGHT, frame - shown.stop)
    right = replace(_with_edge(item, timeline, shown, Grip.LEFT, frame - shown.start), id=new_id())
    return [ReplaceItem(left), AddItems(layer_id, (right,))]


def _split_sound(track_id: str, sound: AudioItem, timeline: TimelineMap, frame: int) -> list[SingleEdit]:
    if not isinstance(sound.position, AtTime):
        return []
    head_s = timeline.time_of(frame) - sound.position.start_s
    if not 0 < head_s < sound.duration_s:
        return []
    zero = Fraction(0)
    first = replace(
        sound,
        duration_s=head_s,
        fade_in_s=min(sound.fade_in_s, head_s),
        fade_out_s=zero,
        points=tuple(point for point in sound.points if point.at_s <= head_s),
    )
    rest_s = sound.duration_s - head_s
    second = replace(
        sound,
        id=new_id(),
        position=replace(sound.position, start_s=sound.position.start_s + head_s),
        source_start_s=sound.source_start_s + head_s,
        duration_s=rest_s,
        fade_in_s=zero,
        fade_out_s=min(sound.fade_out_s, rest_s),
        points=tuple(replace(point, at_s=point.at_s - head_s) for point in sound.points if point.at_s >= head_s),
    )
    return [ReplaceSound(first), AddSounds(track_id, (second,))]


def trimmed_to(timeline: TimelineMap, frame: int, edge: Edge) -> Edit:
    """Return the edit that takes the clip's part before (START) or from (END) a frame out; what follows moves up.

    Raises:
        EditRefused: there is no clip, or nothing to take away.
    """
    span = timeline.span_at(frame)
    if span is None:
        raise EditRefused("there is no clip under the playhead")
    frames = span.timeline_range
    by = frame - (frames.start if edge is Edge.START else frames.stop)
    if not by or abs(by) >= len(frames):
        raise EditRefused("the playhead stands at the clip's edge already")
    return TrimClip(span.item.id, edge, by)


def gaps_closed(project: Project, ids: Collection[str] = ()) -> Edit:
    """Return the edit that closes the selected gaps, or all where none is selected.

    Raises:
        EditRefused: there is no gap.
    """
    gaps = [item.id for item in project.storyline if isinstance(item, Gap)]
    chosen = [gap for gap in gaps if gap in ids] or gaps
    if not chosen:
        raise EditRefused("the timeline has no gap")
    return ExtractClips(tuple(chosen))


# --- removing --------------------------------------------------------------------------------------------------------


class Removal(Enum):
    """What follows a deleted clip."""

    GAP = "gap"
    RIPPLE = "ripple"


def removed(project: Project, ids: Collection[str], removal: Removal) -> Edit:
    """Return the edit that deletes items.

    Raises:
        EditRefused: nothing of these ids can be deleted.
    """
    edits: list[SingleEdit] = []
    items = tuple(item.id for layer in project.layers for item in layer.items if item.id in ids)
    if items:
        edits.append(RemoveItems(items))
    markers = tuple(marker.id for marker in project.markers if marker.id in ids)
    if markers:
        edits.append(RemoveMarkers(markers))
    edits += [RemoveSound(sound.id) for track in project.tracks for sound in track.items if sound.id in ids]
    clips = tuple(item.id for item in project.storyline if item.id in ids)
    if clips:
        edits.append(ExtractClips(clips) if removal is Removal.RIPPLE else LiftClips(clips))
    return step("Delete", edits)


# --- items on layers -------------------------------------------------------------------------------------------------


def moved_items(project: Project, timeline: TimelineMap, items: Iterable[Placed], by: int) -> Edit:
    """Return the edit that moves items by frames.

    Raises:
        EditRefused: one of them stays with its frames, or would begin before the film.
    """
    edits: list[SingleEdit] = []
    done: set[str] = set()
    for placed in items:
        if placed.id not in done:
            done.add(placed.id)
            edits.append(_moved(placed.value, timeline, placed.frames, by))
    return step("Move", edits)


def carried_items(project: Project, timeline: TimelineMap, items: Iterable[Placed], by: int, row_id: str) -> Edit:
    """Return the edit that moves items by frames and to another layer, or another sound track, of their kind.

    Raises:
        EditRefused: one of them stays with its frames, would begin before the film, or does not belong there.
    """
    edits: list[SingleEdit] = []
    on_top = 0 if any(track.id == row_id for track in project.tracks) else len(project.layer(row_id).items)
    for placed in {item.id: item for item in items}.values():
        moved = _moved(placed.value, timeline, placed.frames, by) if by else None
        if isinstance(placed.value, AudioItem):
            sound = moved.item if isinstance(moved, ReplaceSound) else placed.value
            edits += [RemoveSound(placed.id), AddSounds(row_id, (sound,))]
            continue
        edits += [*([moved] if moved is not None else []), MoveItem(placed.id, row_id, on_top)]
        on_top += 1
    return step("Move", edits)


def _moved(value: Value, timeline: TimelineMap, frames: Range, by: int) -> SingleEdit:
    match value:
        case Overlay():
            return ReplaceItem(replace(value, place=_moved_place(value.place, timeline, frames, by)))
        case Caption():
            return ReplaceItem(replace(value, place=_moved_time(value.place, timeline, frames.start, by)))
        case Marker():
            return ReplaceMarker(replace(value, place=_moved_place(value.place, timeline, frames, by)))
        case AudioItem(position=AtTime() as position):
            start_s = position.start_s + _span_s(timeline, frames.start, by)
            if start_s < 0:
                raise EditRefused("a sound cannot begin before the film")
            return ReplaceSound(replace(value, position=replace(position, start_s=start_s)))
        case AudioItem():
            raise EditRefused("this sound is linked to its clip; attach or unlink it to move it alone")
        case Clip() | Gap():
            return SlideClip(value.id, by)
        case Patch() | Subject():
            raise EditRefused("a patch stays with the frames that it was made for; drag its edges to show it longer")


def _moved_place(place: Place, timeline: TimelineMap, frames: Range, by: int) -> Place:
    if isinstance(place, OnTimeline):
        if place.frames.start + by < 0:
            raise EditRefused("nothing can begin before the film")
        return replace(place, frames=place.frames.shifted(by))
    shown = _source_frames_by(timeline, place.source_id, frames.start, by)
    return replace(place, frames=place.frames.shifted(shown))


def _source_frames_by(timeline: TimelineMap, source_id: str, frame: int, by: int) -> int:
    """Return how many frames of a source lie between two timeline frames that both show it, else as many as asked."""
    here, there = timeline.source_at(frame), timeline.source_at(frame + by)
    if here is None or there is None or here.source_id != source_id or there.source_id != source_id:
        return by
    return there.frame - here.frame


def _span_s(timeline: TimelineMap, frame: int, by: int) -> Fraction:
    return timeline.time_of(max(0, frame + by)) - timeline.time_of(frame)


def _moved_time(place: TimePlace, timeline: TimelineMap, frame: int, by: int) -> TimePlace:
    span_s = _span_s(timeline, frame, by)
    if isinstance(place, AtTimeline) and place.start_s + span_s < 0:
        span_s = -place.start_s
    return replace(place, start_s=place.start_s + span_s, stop_s=place.stop_s + span_s)


def resized(placed: Placed, timeline: TimelineMap, grip: Grip, by: int) -> Edit:
    """Return the edit that moves an edge of an item that is no clip.

    Raises:
        EditRefused: nothing would be left, or its content does not reach so far.
    """
    value = placed.value
    match value:
        case Overlay() | Caption():
            return ReplaceItem(_with_edge(value, timeline, placed.frames, grip, by))
        case Patch():
            shown = _edge_in_source(timeline, value.source_id, placed.frames, grip, by)
            frames = _range_with_edge(value.frames, grip, shown)
            if value.anchor not in frames:
                raise EditRefused(
                    f"the patch must show its anchor, frame {value.anchor}; put the anchor elsewhere first"
                )
            return ReplacePatch(replace(value, frames=frames))
        case Subject():
            shown = _edge_in_source(timeline, value.source_id, placed.frames, grip, by)
            return ReplaceItem(replace(value, frames=_range_with_edge(value.frames, grip, shown)))
        case Marker(place=OnTimeline() as place):
            return ReplaceMarker(replace(value, place=replace(place, frames=_range_with_edge(place.frames, grip, by))))
        case AudioItem():
            return ReplaceSound(_resized_sound(value, timeline, placed.frames, grip, by))
    raise EditRefused("this item has no edges to drag")


def _range_with_edge(frames: Range, grip: Grip, by: int) -> Range:
    start, stop = (frames.start + by, frames.stop) if grip is Grip.LEFT else (frames.start, frames.stop + by)
    if start >= stop:
        raise EditRefused("nothing would be left; delete it instead")
    return Range(max(0, start), stop)


def _edge_in_source(timeline: TimelineMap, source_id: str, frames: Range, grip: Grip, by: int) -> int:
    edge = frames.start if grip is Grip.LEFT else frames.stop - 1
    return _source_frames_by(timeline, source_id, edge, by)


def _with_edge(item: Overlay | Caption, timeline: TimelineMap, frames: Range, grip: Grip, by: int) -> Overlay | Caption:
    if isinstance(item, Caption):
        edge = frames.start if grip is Grip.LEFT else frames.stop
        span_s = _span_s(timeline, edge, by)
        place = item.place
        if grip is Grip.LEFT:
            start_s = place.start_s + span_s
            if isinstance(place, AtTimeline):
                start_s = max(Fraction(0), start_s)
            place = replace(place, start_s=min(start_s, place.stop_s - _LEAST_S))
        else:
            place = replace(place, stop_s=max(place.stop_s + span_s, place.start_s + _LEAST_S))
        return replace(item, place=place)
    place_of = item.place
    if isinstance(place_of, OnSource):
        by = _edge_in_source(timeline, place_of.source_id, frames, grip, by)
    new = _range_with_edge(place_of.frames, grip, by)
    gone = new.start - place_of.frames.start
    content = item.content
    if isinstance(content, Film) and gone:
        content = replace(content, start_s=max(Fraction(0), content.start_s + _span_s(timeline, frames.start, gone)))
    # Keyframes count from the item's first frame: they stay where they were in the film.
    return replace(
        item,
        place=replace(place_of, frames=new),
        geometry=item.geometry.shifted(-gone),
        opacity=shifted_value(item.opacity, -gone),
        content=content,
    )


def _resized_sound(sound: AudioItem, timeline: TimelineMap, frames: Range, grip: Grip, by: int) -> AudioItem:
    zero = Fraction(0)
    if grip is Grip.RIGHT:
        duration_s = max(_LEAST_S, sound.duration_s + _span_s(timeline, frames.stop, by))
        fade_out_s = min(sound.fade_out_s, duration_s - min(sound.fade_in_s, duration_s))
        return replace(
            sound, duration_s=duration_s, fade_in_s=min(sound.fade_in_s, duration_s), fade_out_s=max(zero, fade_out_s)
        )
    by_s = min(max(_span_s(timeline, frames.start, by), -sound.source_start_s), sound.duration_s - _LEAST_S)
    duration_s = sound.duration_s - by_s
    position = sound.position
    if isinstance(position, AtTime):
        position = replace(position, start_s=max(zero, position.start_s + by_s))
    fade_in_s = min(sound.fade_in_s, duration_s)
    return replace(
        sound,
        position=position,
        source_start_s=sound.source_start_s + by_s,
        duration_s=duration_s,
        fade_in_s=fade_in_s,
        fade_out_s=min(sound.fade_out_s, duration_s - fade_in_s),
        points=tuple(replace(point, at_s=point.at_s - by_s) for point in sound.points if point.at_s >= by_s),
    )


# --- copying ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Copied:
    """Something that was copied.

    Attributes:
        home: the id of its layer or sound track; empty for clips and markers.
        offset: frames from the first thing copied.
    """

    value: Value
    home: str
    offset: int
    length: int


def copied(project: Project, items: Iterable[Placed]) -> tuple[Copied, ...]:
    """Return what a paste needs of items; each once."""
    homes = {item.id: layer.id for layer in project.layers for item in layer.items}
    homes |= {sound.id: track.id for track in project.tracks for sound in track.items}
    first: dict[str, Placed] = {}
    for placed in items:
        first.setdefault(placed.id, placed)
    start = min((placed.frames.start for placed in first.values()), default=0)
    ordered = sorted(first.values(), key=lambda placed: placed.frames.start)
    return tuple(Copied(one.value, homes.get(one.id, ""), one.frames.start - start, len(one.frames)) for one in ordered)


def pasted(project: Project, timeline: TimelineMap, things: Sequence[Copied], at: int) -> tuple[Edit, tuple[str, ...]]:
    """Return the edit that puts copies in at a frame, and their ids; clips one after the other, the rest as it stood.

    Raises:
        EditRefused: nothing was copied, or its layer is gone.
    """
    edits: list[SingleEdit] = []
    ids: list[str] = []
    clip_at = min(at, timeline.frame_count)
    # Clips first: each moves on what follows it, also what is pasted beside it.
    for thing in sorted(things, key=lambda thing: not isinstance(thing.value, Clip | Gap)):
        if _comes_with_a_clip(thing, things):
            continue
        id = new_id()
        ids.append(id)
        value = thing.value
        frames = Range(at + thing.offset, at + thing.offset + thing.length)
        match value:
            case Clip() | Gap():
                edits.append(InsertClip(replace(value, id=id), clip_at))
                clip_at += len(value)
            case Marker():
                edits.append(AddMarkers((replace(value, id=id, place=OnTimeline(frames)),)))
            case AudioItem():
                position = AtTime(timeline.time_of(frames.start))
                edits.append(AddSounds(thing.home, (replace(value, id=id, position=position),)))
            case Overlay():
                made = replace(value, id=id, place=OnTimeline(frames))
                edits.append(AddItems(_home(project, thing.home, LayerKind.OVERLAYS), (made,)))
            case Caption(place=place):
                start_s = timeline.time_of(frames.start)
                moved = AtTimeline(start_s, start_s + place.stop_s - place.start_s)
                edits.append(
                    AddItems(_home(project, thing.home, LayerKind.CAPTIONS), (replace(value, id=id, place=moved),))
                )
            case Patch():
                edits.append(_pasted_patch(project, timeline, value, thing.home, id, frames.start))
            case Subject():
                raise EditRefused("a subject belongs to its frames; it cannot be pasted elsewhere")
    return step("Paste", edits), tuple(ids)


def _comes_with_a_clip(thing: Copied, things: Sequence[Copied]) -> bool:
    """Tell whether a patch belongs to frames that are copied too: it stands on the copy of them by itself."""
    return isinstance(thing.value, Patch) and any(
        isinstance(clip.value, Clip)
        and clip.value.source_id == thing.value.source_id
        and clip.offset < thing.offset + thing.length
        and thing.offset < clip.offset + clip.length
        for clip in things
    )


def _pasted_patch(project: Project, timeline: TimelineMap, patch: Patch, home: str, id: str, at: int) -> SingleEdit:
    shown = timeline.source_at(at)
    if shown is None:
        raise EditRefused("a patch needs a film under it; move the playhead onto a clip")
    count = project.source(shown.source_id).frame_count
    by = min(shown.frame, count - len(patch.frames)) - patch.frames.start
    if patch.frames.start + by < 0:
        raise EditRefused(f"the clip under the playhead has {count} frames; the patch needs {len(patch.frames)}")
    motion = replace(patch.motion, anchors=(), nudges=())
    made = replace(
        patch,
        id=id,
        source_id=shown.source_id,
        frames=patch.frames.shifted(by),
        anchor=patch.anchor + by,
        motion=motion,
    )
    return AddItems(_home(project, home, LayerKind.PATCHES), (made,))


def _home(project: Project, layer_id: str, kind: LayerKind) -> str:
    layers = [layer for layer in project.layers if layer.kind is kind]
    if any(layer.id == layer_id for layer in project.layers):
        return layer_id
    if not layers:
        raise EditRefused(f"the project has no layer for {kind.value}; add one first")
    return layers[-1].id


def is_moved_alone(value: Value) -> bool:
    """Tell whether an item can be moved without its frames."""
    if isinstance(value, Caption):
        return isinstance(value.place, AtTimeline | AtSource)
    return isinstance(value, Overlay | Marker) or (isinstance(value, AudioItem) and isinstance(value.position, AtTime))
