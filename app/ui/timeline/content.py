"""What stands on the timeline: rows, and on each the items with their frames, ready to be searched.

Built anew for every value of the project; rows whose layer and storyline did not change are taken over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from engine.media.caption_track import plain_text
from engine.model.captions import Caption
from engine.model.layers import Item, Layer, LayerKind
from engine.model.markers import Marker
from engine.model.overlay import Film as OverlayFilm
from engine.model.overlay import Overlay, Still, Title
from engine.model.patch import Patch
from engine.model.placement import nearest_frame, timeline_ranges
from engine.model.project import Project
from engine.model.sound import AudioItem, AudioTrack, ClipSound
from engine.model.sound_runs import start_of
from engine.model.storyline import Clip, Gap
from engine.model.time import Range
from engine.model.timeline import TimelineMap

Int64 = NDArray[np.int64]
Value = Clip | Gap | Item | Marker | AudioItem


class RowKind(Enum):
    """What a row holds; the value names its icon."""

    MARKERS = "marker"
    CAPTIONS = "caption"
    OVERLAYS = "overlay"
    BACKGROUND = "image"
    SUBJECT = "mask"
    PATCHES = "region"
    FILM = "film"
    FILM_SOUND = "sound"
    SOUND = "speaker"


_OF_LAYER = {
    LayerKind.BACKGROUND: RowKind.BACKGROUND,
    LayerKind.SUBJECT: RowKind.SUBJECT,
    LayerKind.PATCHES: RowKind.PATCHES,
    LayerKind.OVERLAYS: RowKind.OVERLAYS,
    LayerKind.CAPTIONS: RowKind.CAPTIONS,
}

HEIGHTS = {
    RowKind.MARKERS: 20,
    RowKind.CAPTIONS: 26,
    RowKind.OVERLAYS: 26,
    RowKind.BACKGROUND: 26,
    RowKind.SUBJECT: 26,
    RowKind.PATCHES: 40,
    RowKind.FILM: 66,
    RowKind.FILM_SOUND: 46,
    RowKind.SOUND: 46,
}
"""Points; the heights of the design."""
LEAST_HEIGHTS = {
    RowKind.CAPTIONS: 24,
    RowKind.OVERLAYS: 24,
    RowKind.BACKGROUND: 24,
    RowKind.SUBJECT: 24,
    RowKind.PATCHES: 24,
    RowKind.FILM: 48,
    RowKind.FILM_SOUND: 26,
    RowKind.SOUND: 26,
}
"""Points; lower than this a head's buttons and a film's pictures would be too small to be used."""

_MOST_LANES = 6
FILM_ROW, FILM_SOUND_ROW, MARKER_ROW = ":film", ":sound", ":markers"
"""Ids of the rows that are no layer and no track of the project; an id of the project's own holds no colon."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An item where it shows; one that shows several times is there several times.

    Attributes:
        part: which of its showings, from 0. lane: its place among items of the row that overlap, from the top.
    """

    id: str
    row: int
    index: int
    frames: Range
    value: Value
    part: int = 0
    lane: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RowItems:
    """The items of a row in order of their first frame.

    Attributes:
        starts, stops: int64 [n], timeline frames. reach: int64 [n], the furthest stop up to each item.
        lanes: int64 [n]. values, parts: as in Placed. lane_count: how many lanes the row needs.
    """

    starts: Int64
    stops: Int64
    reach: Int64
    lanes: Int64
    values: tuple[Value, ...]
    parts: tuple[int, ...]
    lane_count: int

    @classmethod
    def of(cls, found: Iterable[tuple[Range, Value, int]]) -> RowItems:
        """Return the items in order."""
        # Of those that begin together the upper one in the stack, which comes last, stands above the other.
        rows = sorted(reversed(list(found)), key=lambda one: one[0].start)
        starts = np.array([frames.start for frames, _, _ in rows], np.int64)
        stops = np.array([frames.stop for frames, _, _ in rows], np.int64)
        reach = np.maximum.accumulate(stops) if stops.size else stops
        lanes, count = _lanes(starts, stops, reach)
        return cls(starts, stops, reach, lanes, tuple(r[1] for r in rows), tuple(r[2] for r in rows), count)

    def __len__(self) -> int:
        return len(self.values)

    def within(self, first: float, stop: float) -> tuple[int, int]:
        """Return the indices [low, high) among which all items are that show some of the frames [first, stop)."""
        low = int(np.searchsorted(self.reach, first, side="right"))
        return low, max(low, int(np.searchsorted(self.starts, stop, side="left")))


def _lanes(starts: Int64, stops: Int64, reach: Int64) -> tuple[Int64, int]:
    lanes = np.zeros(starts.size, np.int64)
    if starts.size < 2 or not (starts[1:] < reach[:-1]).any():
        return lanes, 1
    ends: list[int] = []
    for index, (start, stop) in enumerate(zip(starts.tolist(), stops.tolist(), strict=True)):
        free = next((lane for lane, end in enumerate(ends) if end <= start), None)
        if free is None and len(ends) < _MOST_LANES:
            ends.append(0)
            free = len(ends) - 1
        lane = free if free is not None else min(range(len(ends)), key=ends.__getitem__)
        ends[lane] = max(ends[lane], stop)
        lanes[index] = lane
    return lanes, len(ends)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the timeline.

    Attributes:
        id: of the layer or the sound track it shows, or FILM_ROW, FILM_SOUND_ROW, MARKER_ROW.
        visible, locked: as the head shows them; of sound, visible means heard.
    """

    kind: RowKind
    id: str
    name: str
    visible: bool
    locked: bool
    items: RowItems = field(compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """The rows from top to bottom; the markers' is the first."""

    project: Project
    timeline: TimelineMap
    rows: tuple[Row, ...]

    def placed(self, row: int, index: int) -> Placed:
        """Return an item of a row."""
        items = self.rows[row].items
        frames = Range(int(items.starts[index]), int(items.stops[index]))
        value = items.values[index]
        return Placed(value.id, row, index, frames, value, items.parts[index], int(items.lanes[index]))

    def find(self, id: str) -> Placed | None:
        """Return where an item shows first, None where nothing of that id shows."""
        for number, row in enumerate(self.rows):
            for index, value in enumerate(row.items.values):
                if value.id == id and row.kind is not RowKind.FILM_SOUND:
                    return self.placed(number, index)
        return None

    @property
    def item_count(self) -> int:
        """Return how many items there are."""
        return sum(len(row.items) for row in self.rows)


def content_of(project: Project, timeline: TimelineMap, before: Content | None = None) -> Content:
    """Return the rows of a project; what did not change since `before` is taken from there."""
    same_cut = before is not None and before.project.storyline is project.storyline
    old = {row.id: row for row in before.rows} if before is not None and same_cut else {}
    old_layers = {layer.id: layer for layer in before.project.layers} if before is not None else {}
    old_tracks = {track.id: track for track in before.project.tracks} if before is not None else {}
    markers = old.get(MARKER_ROW)
    if markers is None or before is None or before.project.markers is not project.markers:
        found = RowItems.of(_shown(project.markers, timeline))
        markers = Row(RowKind.MARKERS, MARKER_ROW, "Markers", visible=True, locked=False, items=found)
    rows = [markers]
    for layer in reversed(project.layers):
        known = old.get(layer.id)
        unchanged = known is not None and layer.id in old_layers and old_layers[layer.id].items is layer.items
        items = known.items if known is not None and unchanged else RowItems.of(_shown(layer.items, timeline))
        rows.append(_layer_row(layer, items))
    film = old.get(FILM_ROW) or _film_row(timeline)
    rows.append(film)
    sound = _film_sound_row(project, timeline, film, old.get(FILM_SOUND_ROW))
    if sound is not None:
        rows.append(sound)
    for track in project.tracks:
        known = old.get(track.id)
        unchanged = known is not None and track.id in old_tracks and old_tracks[track.id].items is track.items
        items = known.items if known is not None and unchanged else RowItems.of(_sounds(project, track, timeline))
        settings = track.settings
        rows.append(Row(RowKind.SOUND, track.id, settings.name, not settings.muted, settings.locked, items))
    return Content(project, timeline, tuple(rows))


def _shown(items: Sequence[Item | Marker], timeline: TimelineMap) -> Iterable[tuple[Range, Value, int]]:
    for item in items:
        for part, frames in enumerate(timeline_ranges(item, timeline)):
            yield frames, item, part


def _layer_row(layer: Layer, items: RowItems) -> Row:
    settings = layer.settings
    return Row(_OF_LAYER[layer.kind], layer.id, settings.name, settings.visible, settings.locked, items)


def _film_row(timeline: TimelineMap) -> Row:
    found = RowItems.of((span.timeline_range, span.item, 0) for span in timeline.spans)
    return Row(RowKind.FILM, FILM_ROW, "Film", visible=True, locked=False, items=found)


def _film_sound_row(project: Project, timeline: TimelineMap, film: Row, known: Row | None) -> Row | None:
    with_sound = {source.id: source.sound[0] for source in project.sources if source.sound}
    clips = [item for item in project.storyline if isinstance(item, Clip) and item.source_id in with_sound]
    if not clips:
        return None
    if known is None and len(clips) == len(film.items) and all(c.sound is not ClipSound.DETACHED for c in clips):
        items = film.items
    elif known is None:
        items = RowItems.of(
            (span.timeline_range, span.item, 0)
            for span in timeline.spans
            if isinstance(span.item, Clip)
            and span.item.source_id in with_sound
            and span.item.sound is not ClipSound.DETACHED
        )
    else:
        items = known.items
    original = project.mix.original
    channels = {1: "Mono", 2: "Stereo"}.get(with_sound[clips[0].source_id].channels, "Surround")
    return Row(RowKind.FILM_SOUND, FILM_SOUND_ROW, channels, not original.muted, original.locked, items)


def _sounds(project: Project, track: AudioTrack, timeline: TimelineMap) -> Iterable[tuple[Range, Value, int]]:
    for item in track.items:
        start_s = start_of(project, item, timeline)
        start = nearest_frame(max(Fraction(0), start_s), timeline)
        stop = nearest_frame(max(Fraction(0), start_s + item.duration_s), timeline)
        yield Range(start, max(start + 1, stop)), item, 0


def name_of(project: Project, value: Value) -> str:
    """Return what an item is called, for its label and for screen readers."""
    match value:
        case Gap():
            return "Gap"
        case Clip(name=name, source_id=source_id):
            return name or project.source(source_id).name
        case Caption(text=text):
            return " ".join(plain_text(text).split())
        case Overlay(name=name, content=content):
            if name:
                return name
            if isinstance(content, Title):
                return " ".join(content.text.split())
            if isinstance(content, OverlayFilm):
                return project.source(content.source_id).name
            return "Picture" if isinstance(content, Still) else type(content).__name__
        case Patch(name=name):
            return name or "Patch"
        case Marker(name=name):
            return name or "Marker"
        case AudioItem(name=name, source_id=source_id):
            return name or project.source(source_id).name
        case _:
            return value.name or "Subject"
