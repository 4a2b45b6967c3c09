"""A project of a timeline that was exchanged: the project it was made of, with what another editor changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.checks import check
from engine.model.interchange import (
    NEAR,
    ExchangedItem,
    ExchangedTimeline,
    ExchangedTrack,
    TrackUse,
    same_item,
    starts,
)
from engine.model.interchange_out import described
from engine.model.layers import Item, Layer, LayerKind, LayerSettings
from engine.model.markers import Marker, MarkerKind
from engine.model.overlay import Film, Overlay
from engine.model.place import AtTimeline, OnTimeline
from engine.model.placement import nearest_frame
from engine.model.project import Project
from engine.model.sound import AtTime, AudioItem, AudioTrack, ClipSound, SoundRole, TrackSettings
from engine.model.source import EvenTimes, Source
from engine.model.storyline import Clip, Conformed, Gap, Native, StoryItem, Timing
from engine.model.time import Range
from engine.model.timeline import TimelineMap

NewId = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A project, and what could not be taken over."""

    project: Project
    notes: tuple[str, ...]


def rebuilt(base: Project, found: ExchangedTimeline, sources: Mapping[str, str], new_id: NewId) -> Rebuilt:
    """Return a project with an exchanged timeline's clips, captions, markers and sounds.

    What is as it was written comes back exactly as it was in the project; only what differs is made anew.

    Args:
        base: the project that the timeline was made of, or an empty one; it holds all sources.
        found: the timeline.
        sources: the source of each URL of the timeline.
        new_id: makes ids.

    Raises:
        EditRefused: the timeline cannot be a project's; the message names the first thing that is wrong.
    """
    written = described(base, {})
    if _alike(written, found):
        return Rebuilt(base, found.notes)
    maker = _Maker(base, written, sources, new_id, list(found.notes))
    project = maker.project(found)
    check(project)
    return Rebuilt(project, tuple(maker.notes))


def _alike(written: ExchangedTimeline, found: ExchangedTimeline) -> bool:
    if len(written.tracks) != len(found.tracks) or len(written.markers) != len(found.markers):
        return False
    for one, other in zip(written.tracks, found.tracks, strict=True):
        if (one.use, one.owner, len(one.items)) != (other.use, other.owner, len(other.items)):
            return False
        if not all(same_item(a, b) for a, b in zip(one.items, other.items, strict=True)):
            return False
    for a, b in zip(written.markers, found.markers, strict=True):
        near = abs(a.start_s - b.start_s) <= NEAR and abs(a.length_s - b.length_s) <= NEAR
        if not near or (a.id, a.name, a.note, a.kind) != (b.id, b.name, b.note, b.kind):
            return False
    return True


class _Maker:
    def __init__(
        self, base: Project, written: ExchangedTimeline, sources: Mapping[str, str], new_id: NewId, notes: list[str]
    ) -> None:
        self._base = base
        self._written = written
        self._sources = sources
        self._new_id = new_id
        self.notes = notes
        self._used: set[str] = set()

    def project(self, found: ExchangedTimeline) -> Project:
        story = next((track for track in found.tracks if track.use is TrackUse.STORYLINE), None)
        if story is None:
            story = next((track for track in found.tracks if track.use is TrackUse.PICTURE), None)
        if story is None:
            raise EditRefused("the timeline has no picture track")
        project = replace(self._base, storyline=self._storyline(story, found.tracks))
        timeline = TimelineMap(project)
        rest = [track for track in found.tracks if track is not story]
        layers = [self._layer(project, layer, rest, timeline) for layer in project.layers]
        project = replace(project, layers=tuple(layers))
        for track in rest:
            if track.use is TrackUse.PICTURE:
                project = self._with_overlays(project, track, timeline)
        in_out = project.in_out
        if in_out is not None and in_out.stop > project.frame_count:
            in_out = None
        return replace(
            project,
            tracks=self._tracks(project, rest, timeline),
            markers=self._markers(found, timeline),
            in_out=in_out,
        )

    # --- the storyline ----------------------------------------------------------------------------------------------

    def _storyline(self, story: ExchangedTrack, tracks: Sequence[ExchangedTrack]) -> tuple[StoryItem, ...]:
        known = {item.id: item for item in self._base.storyline}
        as_written = {item.id: item for track in self._written.tracks[:1] for item in track.items}
        foreign = not self._base.storyline
        heard = [track for track in tracks if track.kind == "Audio"]
        result: list[StoryItem] = []
        at = Fraction(0)
        for item in story.items:
            old = known.get(item.id)
            free = item.id not in self._used
            if old is not None and free and same_item(as_written[item.id], item):
                made: StoryItem | None = old
            elif item.gap:
                frames = round(item.length_s * self._base.canvas.rate)
                made = Gap(self._id(item.id), frames) if frames > 0 else None
            else:
                made = self._clip(item, old if isinstance(old, Clip) else None)
                if isinstance(made, Clip) and foreign and heard and not _sounds_with(item, at, heard):
                    made = replace(made, sound=ClipSound.MUTED)
            if made is not None:
                self._used.add(made.id)
                result.append(made)
            at += item.length_s
        return tuple(result)

    def _clip(self, item: ExchangedItem, old: Clip | None) -> Clip | None:
        source_id = self._source_of(item, None if old is None else old.source_id)
        if source_id is None:
            return None
        source = self._base.source(source_id)
        timing = self._timing(item, source)
        if timing is None:
            self.notes.append(f"the clip {item.name!r} shows nothing of {source.name}; it is left out")
            return None
        if old is not None and old.source_id == source_id:
            return replace(old, id=self._id(old.id), timing=timing)
        return Clip(self._id(item.id), source_id, timing, item.name)

    def _source_of(self, item: ExchangedItem, known: str | None) -> str | None:
        found = self._sources.get(item.url) or known
        if found is None:
            self.notes.append(f"the clip {item.name!r} has no media; it is left out")
        return found

    def _timing(self, item: ExchangedItem, source: Source) -> Timing | None:
        picture, rate = source.picture, self._base.canvas.rate
        if picture is None or picture.frame_count == 0:
            return None
        times = picture.times
        if isinstance(times, EvenTimes) and picture.rate == rate:
            start = round(item.start_s * rate)
            frames = Range(max(0, start), max(start, start + round(item.length_s * rate)))
            frames = frames.intersection(Range(0, picture.frame_count))
            return Native(frames) if frames else None
        first_s, end_s = times.time_of(0), times.time_of(times.count)
        start_s = min(max(first_s + _kept(item.start_s), first_s), end_s)
        count = round(min(item.length_s, end_s - start_s) * rate)
        return Conformed(start_s, count) if count > 0 else None

    def _id(self, wanted: str) -> str:
        return wanted if wanted and wanted not in self._used else self._new_id()

    # --- layers -----------------------------------------------------------------------------------------------------

    def _layer(self, project: Project, layer: Layer, tracks: Sequence[ExchangedTrack], timeline: TimelineMap) -> Layer:
        if layer.kind not in (LayerKind.CAPTIONS, LayerKind.OVERLAYS, LayerKind.BACKGROUND):
            return layer
        was = [pair for track in self._written.tracks if track.owner == layer.id for pair in starts(track)]
        now = [pair for track in tracks if track.owner == layer.id for pair in starts(track)]
        known = {item.id: item for item in layer.items}
        kept: dict[str, Item] = {}
        written, found = _by_id(was), _by_id(now)
        for id, item in known.items():
            before, after = written.get(id, []), found.get(id, [])
            if not before or _same_places(before, after):
                kept[id] = item
            elif after:
                moved = self._moved(item, after, timeline)
                kept[moved.id] = moved
        new = [self._caption(at, item) for at, item in now if item.id not in known and item.text]
        items = (*kept.values(), *(caption for caption in new if caption is not None))
        return layer if items == layer.items else replace(layer, items=items)

    def _moved(self, item: Item, places: list[tuple[Fraction, ExchangedItem]], timeline: TimelineMap) -> Item:
        start_s, shown = places[0]
        if isinstance(item, Caption):
            place = AtTimeline(_kept(start_s), _kept(start_s + shown.length_s))
            return replace(item, place=place, text=shown.text or item.text)
        if isinstance(item, Overlay):
            return replace(item, place=OnTimeline(_frames(start_s, shown.length_s, timeline)))
        return item

    def _caption(self, start_s: Fraction, item: ExchangedItem) -> Caption | None:
        if item.length_s <= 0:
            return None
        return Caption(self._new_id(), AtTimeline(_kept(start_s), _kept(start_s + item.length_s)), item.text)

    def _with_overlays(self, project: Project, track: ExchangedTrack, timeline: TimelineMap) -> Project:
        """Return the project with a further picture track of another editor as films laid over the storyline."""
        made = []
        for start_s, item in starts(track):
            source_id = self._source_of(item, None)
            frames = _frames(start_s, item.length_s, timeline)
            if source_id is not None and project.source(source_id).picture is not None:
                first_s = project.picture(source_id).times.time_of(0)
                made.append(
                    Overlay(
                        self._new_id(),
                        OnTimeline(frames),
                        Film(source_id, first_s + _kept(item.start_s)),
                        name=item.name,
                    )
                )
        if not made:
            return project
        layer = Layer(self._new_id(), LayerKind.OVERLAYS, LayerSettings(track.name or "Overlays"), tuple(made))
        return replace(project, layers=(*project.layers, layer))

    # --- sound and markers ------------------------------------------------------------------------------------------

    def _tracks(
        self, project: Project, tracks: Sequence[ExchangedTrack], timeline: TimelineMap
    ) -> tuple[AudioTrack, ...]:
        clips = {item.id for item in project.storyline}
        result = []
        for track in project.tracks:
            was = [pair for other in self._written.tracks if other.owner == track.id for pair in starts(other)]
            now = [pair for other in tracks if other.owner == track.id for pair in starts(other)]
            items = []
            written, found = _by_id(was), _by_id(now)
            for item in track.items:
                before, after = written.get(item.id, []), found.get(item.id, [])
                tied = getattr(item.position, "clip_id", None)
                if (not before or _same_places(before, after)) and (tied is None or tied in clips):
                    items.append(item)
                elif after:
                    items.append(_heard_at(item, *after[0]))
            result.append(replace(track, items=tuple(items)))
        known = {track.id for track in project.tracks}
        for other in tracks:
            if other.kind == "Audio" and other.use is not TrackUse.ORIGINAL_SOUND and other.owner not in known:
                made = self._new_sounds(project, other)
                if made:
                    settings = TrackSettings(other.name or "Sound", SoundRole.MUSIC)
                    result.append(AudioTrack(self._new_id(), settings, made))
        return tuple(result)

    def _new_sounds(self, project: Project, track: ExchangedTrack) -> tuple[AudioItem, ...]:
        """Return the sounds of another editor's track, but for those that a clip of the storyline brings along."""
        timeline = TimelineMap(project)
        made = []
        for start_s, item in starts(track):
            source_id = self._sources.get(item.url)
            if source_id is None or not project.source(source_id).sound or item.length_s <= 0:
                continue
            span = timeline.span_at(timeline.frame_at(start_s)) if timeline.frame_count else None
            if span is not None and isinstance(span.item, Clip) and span.item.source_id == source_id:
                begun_s = timeline.time_of(span.timeline_range.start)
                if abs(begun_s - start_s) <= NEAR and span.item.sound is ClipSound.LINKED:
                    continue
            made.append(
                AudioItem(
                    self._new_id(),
                    source_id,
                    AtTime(_kept(start_s)),
                    _kept(item.start_s),
                    _kept(item.length_s),
                    name=item.name,
                )
            )
        return tuple(made)

    def _markers(self, found: ExchangedTimeline, timeline: TimelineMap) -> tuple[Marker, ...]:
        known = {marker.id: marker for marker in self._base.markers}
        was = {marker.id: marker for marker in self._written.markers}
        kinds = {kind.value: kind for kind in MarkerKind}
        result, used = [], set[str]()
        # A marker whose frames are cut out stands nowhere; other editors never saw it.
        result += [marker for id, marker in known.items() if id not in was]
        for marker in found.markers:
            old, before = known.get(marker.id), was.get(marker.id)
            if old is not None and before is not None and marker.id not in used:
                used.add(marker.id)
                place = old.place
                if abs(before.start_s - marker.start_s) > NEAR or abs(before.length_s - marker.length_s) > NEAR:
                    place = OnTimeline(_frames(marker.start_s, marker.length_s, timeline))
                result.append(replace(old, place=place, name=marker.name, note=marker.note))
                continue
            place = OnTimeline(_frames(marker.start_s, marker.length_s, timeline))
            kind = kinds.get(marker.kind, MarkerKind.PLAIN)
            result.append(Marker(self._new_id(), place, kind, marker.name, marker.note))
        return tuple(result)


def _sounds_with(item: ExchangedItem, at: Fraction, heard: Sequence[ExchangedTrack]) -> bool:
    """Tell whether a clip's own sound lies under it."""
    return any(
        other.url == item.url and abs(start_s - at) <= NEAR and abs(other.start_s - item.start_s) <= NEAR
        for track in heard
        for start_s, other in starts(track)
    )


def _by_id(pairs: Sequence[tuple[Fraction, ExchangedItem]]) -> dict[str, list[tuple[Fraction, ExchangedItem]]]:
    found: dict[str, list[tuple[Fraction, ExchangedItem]]] = {}
    for start_s, item in pairs:
        found.setdefault(item.id, []).append((start_s, item))
    return found


def _same_places(
    before: Sequence[tuple[Fraction, ExchangedItem]], after: Sequence[tuple[Fraction, ExchangedItem]]
) -> bool:
    return len(before) == len(after) and all(
        abs(a - b) <= NEAR and same_item(one, other) for (a, one), (b, other) in zip(before, after, strict=True)
    )


def _heard_at(item: AudioItem, start_s: Fraction, heard: ExchangedItem) -> AudioItem:
    length_s = _kept(heard.length_s)
    return replace(
        item,
        position=AtTime(_kept(start_s)),
        source_start_s=_kept(heard.start_s),
        duration_s=length_s,
        fade_in_s=min(item.fade_in_s, length_s / 2),
        fade_out_s=min(item.fade_out_s, length_s / 2),
    )


def _kept(time_s: Fraction) -> Fraction:
    """Return a time that a project can keep: other editors count in floating point."""
    return time_s.limit_denominator(1_000_000)


def _frames(start_s: Fraction, length_s: Fraction, timeline: TimelineMap) -> Range:
    start = nearest_frame(max(Fraction(0), start_s), timeline)
    return Range(start, max(start + 1, nearest_frame(max(Fraction(0), start_s + length_s), timeline)))
