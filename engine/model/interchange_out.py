"""A project as a timeline that other editors understand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from engine.model.captions import Caption
from engine.model.edits import project_to_json
from engine.model.interchange import (
    ExchangedItem,
    ExchangedMarker,
    ExchangedTimeline,
    ExchangedTrack,
    TrackUse,
    gap,
    in_rows,
)
from engine.model.layers import Layer
from engine.model.overlay import Film, Overlay
from engine.model.placement import caption_times, timeline_ranges
from engine.model.project import Project
from engine.model.sound import ClipSound
from engine.model.sound_runs import start_of
from engine.model.source import EvenTimes
from engine.model.storyline import Clip, Conformed, Native, StoryItem
from engine.model.timeline import TimelineMap


def described(project: Project, addresses: Mapping[str, str]) -> ExchangedTimeline:
    """Return a project's timeline for other editors, with its own text, so that nothing of it is lost.

    Args:
        project: what is described.
        addresses: the URL of each source's media, by source id.
    """
    out = _Described(project, addresses)
    tracks = [out.storyline()]
    for layer in project.layers:
        tracks += out.layer(layer)
    tracks += out.sounds()
    return ExchangedTimeline(project.name, tuple(tracks), tuple(out.markers()), project_to_json(project))


class _Described:
    def __init__(self, project: Project, addresses: Mapping[str, str]) -> None:
        self._project = project
        self._addresses = addresses
        self._map = TimelineMap(project)
        self._rate = project.canvas.rate

    def storyline(self) -> ExchangedTrack:
        items = tuple(self._story_item(span.timeline_range.start, span.item) for span in self._map.spans)
        return ExchangedTrack(TrackUse.STORYLINE, "Storyline", items)

    def _story_item(self, start: int, item: StoryItem) -> ExchangedItem:
        length_s = self._map.time_of(start + len(item)) - self._map.time_of(start)
        if not isinstance(item, Clip):
            return gap(length_s, self._rate, item.id)
        url, picture = self._addresses.get(item.source_id, ""), self._project.picture(item.source_id)
        first_s = picture.times.time_of(0)
        match item.timing:
            case Native(source_range) if isinstance(picture.times, EvenTimes):
                start_s, rate = source_range.start / picture.rate, picture.rate
            case Native(source_range):
                start_s, rate = picture.times.time_of(source_range.start) - first_s, self._rate
            case Conformed(begun_s, _):
                start_s, rate = begun_s - first_s, self._rate
        return ExchangedItem(url, start_s, length_s, rate, item.name, item.id)

    def layer(self, layer: Layer) -> list[ExchangedTrack]:
        """Return the tracks of a layer; patches and subjects, which belong to frames of sources, have none."""
        found: list[tuple[Fraction, ExchangedItem]] = []
        use = TrackUse.OVERLAYS
        for item in layer.items:
            if isinstance(item, Caption):
                use = TrackUse.CAPTIONS
                for start_s, stop_s in caption_times(item.place, self._map):
                    name = " ".join(item.text.split())[:60]
                    shown = ExchangedItem("", Fraction(0), stop_s - start_s, self._rate, name, item.id, item.text)
                    found.append((start_s, shown))
            elif isinstance(item, Overlay):
                found += self._overlay(item)
        return [ExchangedTrack(use, layer.settings.name, row, layer.id) for row in in_rows(found, self._rate)]

    def _overlay(self, item: Overlay) -> Iterator[tuple[Fraction, ExchangedItem]]:
        for frames in timeline_ranges(item, self._map):
            start_s, stop_s = self._map.time_of(frames.start), self._map.time_of(frames.stop)
            url, begun_s = "", Fraction(0)
            if isinstance(item.content, Film):
                url, begun_s = self._addresses.get(item.content.source_id, ""), item.content.start_s
            name = item.name or type(item.content).__name__
            yield start_s, ExchangedItem(url, begun_s, stop_s - start_s, self._rate, name, item.id)

    def sounds(self) -> list[ExchangedTrack]:
        original = tuple(self._sound_under(span.timeline_range.start, span.item) for span in self._map.spans)
        tracks = [ExchangedTrack(TrackUse.ORIGINAL_SOUND, self._project.mix.original.name, original)]
        if all(item.gap for item in original):
            tracks = []
        for track in self._project.tracks:
            found = []
            for item in track.items:
                start_s = start_of(self._project, item, self._map)
                # A sound may begin before the film; other editors see what is left of it.
                cut_s = max(Fraction(0), -start_s)
                if cut_s < item.duration_s:
                    url = self._addresses.get(item.source_id, "")
                    length_s, begun_s = item.duration_s - cut_s, item.source_start_s + cut_s
                    heard = ExchangedItem(url, begun_s, length_s, self._rate, item.name, item.id)
                    found.append((start_s + cut_s, heard))
            tracks += [
                ExchangedTrack(TrackUse.SOUNDS, track.settings.name, row, track.id)
                for row in in_rows(found, self._rate)
            ]
        return tracks

    def _sound_under(self, start: int, item: StoryItem) -> ExchangedItem:
        shown = self._story_item(start, item)
        heard = isinstance(item, Clip) and item.sound is ClipSound.LINKED
        if isinstance(item, Clip) and heard and self._project.source(item.source_id).sound:
            return shown
        return gap(shown.length_s, shown.rate)

    def markers(self) -> Iterator[ExchangedMarker]:
        for marker in self._project.markers:
            for frames in timeline_ranges(marker, self._map)[:1]:
                start_s = self._map.time_of(frames.start)
                length_s = self._map.time_of(frames.stop) - start_s
                yield ExchangedMarker(
                    marker.name, marker.note, start_s, length_s, self._rate, marker.kind.value, marker.id
                )
