"""OpenTimelineIO files: an exchanged timeline written as one, and one read.

The library is native code that can be crashed by a file; strangers' files are read in a child process.
"""

# ruff: noqa: ANN401 (the library has no types)

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio

from engine.errors import DeltacutError, InterchangeError
from engine.model.interchange import (
    ExchangedItem,
    ExchangedMarker,
    ExchangedTimeline,
    ExchangedTrack,
    TrackUse,
    gap,
)

OURS = "deltacut"
"""The name under which our notes stand in the metadata, as OpenTimelineIO asks of every program."""

FORMAT = 1
LARGEST_BYTES = 512 << 20
_DEEPEST = 64
_LONGEST_S = 1 << 30
_MOST_ITEMS = 200_000
_NTSC = 1001
_COLOURS = {"plain": "GREEN", "chapter": "BLUE", "cta": "ORANGE"}
_KINDS = {colour: kind for kind, colour in _COLOURS.items()}


@dataclass(frozen=True, slots=True)
class CarriedTake:
    """The bytes of a take that the project refers to."""

    media_type: str
    data: bytes = field(repr=False)
    details: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CarriedPlace:
    """What was known of a source's file: its path then, its size in bytes, its time of change and its digest."""

    path: str
    size: int
    mtime_ns: int
    content_hash: str


@dataclass(frozen=True, slots=True)
class OtioFile:
    """A timeline, and what an .otio file of ours carries beside it."""

    timeline: ExchangedTimeline
    takes: Mapping[str, CarriedTake] = field(default_factory=dict)
    places: Mapping[str, CarriedPlace] = field(default_factory=dict)


# --- writing --------------------------------------------------------------------------------------------------------


def otio_text(file: OtioFile) -> str:
    """Return the text of an .otio file."""
    timeline = file.timeline
    written = otio.schema.Timeline(timeline.name)
    notes: dict[str, Any] = {
        "format": FORMAT,
        "project": timeline.project,
        "takes": {
            id: {
                "media_type": take.media_type,
                "data": base64.b64encode(take.data).decode("ascii"),
                "details": dict(take.details),
            }
            for id, take in file.takes.items()
        },
        "places": {
            id: {
                "path": place.path,
                "size": place.size,
                "mtime_ns": place.mtime_ns,
                "content_hash": place.content_hash,
            }
            for id, place in file.places.items()
        },
    }
    written.metadata[OURS] = notes
    for track in timeline.tracks:
        written.tracks.append(_track(track))
    for marker in timeline.markers:
        written.tracks.markers.append(_marker(marker))
    text: str = written.to_json_string(indent=2)
    return text


def _track(track: ExchangedTrack) -> Any:
    written = otio.schema.Track(track.name, kind=track.kind)
    written.metadata[OURS] = {"use": track.use.value, "owner": track.owner}
    for item in track.items:
        written.append(_item(item, track.use))
    return written


def _item(item: ExchangedItem, use: TrackUse) -> Any:
    times = otio.opentime.TimeRange(_time(item.start_s, item.rate), _time(item.length_s, item.rate))
    if item.gap:
        written = otio.schema.Gap(source_range=times)
    else:
        written = otio.schema.Clip(item.name, source_range=times, media_reference=_reference(item, use))
    if item.id:
        written.metadata[OURS] = {"id": item.id}
    return written


def _reference(item: ExchangedItem, use: TrackUse) -> Any:
    if item.url:
        return otio.schema.ExternalReference(target_url=item.url)
    if use is TrackUse.CAPTIONS:
        return otio.schema.GeneratorReference(
            name=item.name, generator_kind=f"{OURS}.caption", parameters={"text": item.text}
        )
    return otio.schema.GeneratorReference(name=item.name, generator_kind=f"{OURS}.overlay")


def _marker(marker: ExchangedMarker) -> Any:
    times = otio.opentime.TimeRange(_time(marker.start_s, marker.rate), _time(marker.length_s, marker.rate))
    written = otio.schema.Marker(marker.name, marked_range=times, color=_COLOURS.get(marker.kind, "GREEN"))
    written.comment = marker.note
    written.metadata[OURS] = {"id": marker.id, "kind": marker.kind}
    return written


def _time(seconds: Fraction, rate: Fraction) -> Any:
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))


# --- reading --------------------------------------------------------------------------------------------------------


def read_otio(path: Path) -> OtioFile:
    """Return what an .otio file holds.

    Raises:
        InterchangeError: it cannot be read, or is no timeline; the message says where.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise InterchangeError(f"{path} is larger than any timeline ({path.stat().st_size:,} bytes)")
        text = path.read_text("utf-8")
    except OSError as error:
        raise InterchangeError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise InterchangeError(f"{path} is not UTF-8 text ({error.reason} at byte {error.start})") from error
    return parse_otio(text, path.name)


def parse_otio(text: str, name: str) -> OtioFile:
    """Return what the text of an .otio file holds.

    Raises:
        InterchangeError: it is no timeline; the message says where.
    """
    _check_text(text, name)
    try:
        found = otio.core.deserialize_json_from_string(text)
        if isinstance(found, otio.schema.SerializableCollection):
            found = next((child for child in found if isinstance(child, otio.schema.Timeline)), None)
        if not isinstance(found, otio.schema.Timeline):
            raise InterchangeError(f"{name} holds no timeline")
        return _read(found)
    except DeltacutError:
        raise
    except Exception as error:  # the library's own errors, and those of its binding
        raise InterchangeError(f"{name} is no timeline that can be read: {error}") from error


def _check_text(text: str, name: str) -> None:
    """Refuse what the library would crash on: it descends as deep as a text says, and follows every reference."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InterchangeError(f"{name} is no .otio file: {error}") from error
    if not isinstance(data, dict) or not isinstance(data.get("OTIO_SCHEMA"), str):
        raise InterchangeError(f"{name} is no .otio file: it does not begin with an OTIO_SCHEMA")
    level: list[Any] = [data]
    for _ in range(_DEEPEST):
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                if str(value.get("OTIO_SCHEMA", "")).startswith("SerializableObjectRef"):
                    raise InterchangeError(f"{name} refers from one part of itself to another; save it without that")
                below += value.values()
            elif isinstance(value, list):
                below += value
        if not below:
            return
        level = below
    raise InterchangeError(f"{name} is nested more than {_DEEPEST} levels deep; no timeline is")


class _Reader:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self._count = 0

    def track(self, track: Any) -> ExchangedTrack:
        ours = _notes(track)
        use = _use(ours, str(track.kind))
        items = [item for child in track for item in self.items(child)]
        return ExchangedTrack(use, str(track.name), tuple(items), _text(ours, "owner"))

    def items(self, child: Any) -> Iterator[ExchangedItem]:
        self._count += 1
        if self._count > _MOST_ITEMS:
            raise InterchangeError(f"the timeline has more than {_MOST_ITEMS:,} items")
        name = str(child.name)
        if isinstance(child, otio.schema.Transition):
            self.notes.append(f"the transition {name!r} became a cut")
            return
        times = child.trimmed_range()
        length_s, rate = _seconds(times.duration), _rate(times.duration.rate)
        if length_s <= 0:
            return
        id = _text(_notes(child), "id")
        if isinstance(child, otio.schema.Gap) or not getattr(child, "enabled", True):
            yield gap(length_s, rate, id)
            return
        if not isinstance(child, otio.schema.Clip):
            self.notes.append(f"{name!r} is a {type(child).__name__} within the track; a gap stands in its place")
            yield gap(length_s, rate)
            return
        if child.effects:
            self.notes.append(f"the effects of the clip {name!r} are left out")
        yield self._clip(child, times, length_s, rate, name, id)

    def _clip(self, clip: Any, times: Any, length_s: Fraction, rate: Fraction, name: str, id: str) -> ExchangedItem:
        reference = clip.media_reference
        url, text, start_s = "", "", _seconds(times.start_time)
        if isinstance(reference, otio.schema.ExternalReference):
            url = str(reference.target_url or "")
            # Elsewhere frames are counted by timecode: what is available tells the first one's.
            if reference.available_range is not None:
                start_s -= _seconds(reference.available_range.start_time)
        elif isinstance(reference, otio.schema.GeneratorReference):
            text = _text(reference.parameters, "text")
        elif isinstance(reference, otio.schema.ImageSequenceReference):
            self.notes.append(f"the clip {name!r} is a sequence of pictures; it is left out")
        return ExchangedItem(url, max(start_s, Fraction(0)), length_s, rate, name, id, text)


def _read(found: Any) -> OtioFile:
    ours = _notes(found)
    reader = _Reader()
    tracks, seen = [], set[TrackUse]()
    for child in found.tracks:
        if not isinstance(child, otio.schema.Track):
            reader.notes.append(f"{child.name!r} is no track; it is left out")
            continue
        track = reader.track(child)
        if track.use is TrackUse.STORYLINE and track.use in seen:
            track = ExchangedTrack(TrackUse.PICTURE, track.name, track.items)
        seen.add(track.use)
        tracks.append(track)
    holders = [found.tracks, *(child for child in found.tracks if isinstance(child, otio.schema.Track))]
    markers = tuple(_read_marker(marker) for holder in holders for marker in holder.markers)
    project = _text(ours, "project") if ours.get("format") == FORMAT else ""
    timeline = ExchangedTimeline(str(found.name), tuple(tracks), markers, project, tuple(reader.notes))
    return OtioFile(timeline, dict(_takes(ours)), dict(_places(ours)))


def _read_marker(marker: Any) -> ExchangedMarker:
    ours, times = _notes(marker), marker.marked_range
    kind = _text(ours, "kind") or _KINDS.get(str(marker.color), "plain")
    return ExchangedMarker(
        str(marker.name),
        str(marker.comment),
        _seconds(times.start_time),
        _seconds(times.duration),
        _rate(times.duration.rate),
        kind,
        _text(ours, "id"),
    )


def _takes(ours: Mapping[str, Any]) -> Iterator[tuple[str, CarriedTake]]:
    for id, value in _mapping(ours, "takes").items():
        entry = value if isinstance(value, Mapping) else {}
        try:
            data = base64.b64decode(_text(entry, "data"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InterchangeError(f"the picture {str(id)[:40]!r} in the file is damaged: {error}") from error
        details = {str(key): str(text) for key, text in _mapping(entry, "details").items()}
        yield str(id), CarriedTake(_text(entry, "media_type") or "image/png", data, details)


def _places(ours: Mapping[str, Any]) -> Iterator[tuple[str, CarriedPlace]]:
    for id, value in _mapping(ours, "places").items():
        entry = value if isinstance(value, Mapping) else {}
        size, mtime_ns = (entry.get(name, 0) for name in ("size", "mtime_ns"))
        if isinstance(size, int) and isinstance(mtime_ns, int) and 0 <= size < 1 << 62 and abs(mtime_ns) < 1 << 62:
            yield str(id), CarriedPlace(_text(entry, "path"), size, mtime_ns, _text(entry, "content_hash"))


def _use(ours: Mapping[str, Any], kind: str) -> TrackUse:
    said = _text(ours, "use")
    if said in {use.value for use in TrackUse}:
        return TrackUse(said)
    return {"Video": TrackUse.PICTURE, "Audio": TrackUse.SOUNDS}.get(kind, TrackUse.OTHER)


def _seconds(time: Any) -> Fraction:
    value, rate = float(time.value), float(time.rate)
    if not (math.isfinite(value) and math.isfinite(rate)) or rate <= 0 or abs(value) > _LONGEST_S * rate:
        raise InterchangeError(f"the timeline has an impossible time: {value:g} at {rate:g} per second")
    return Fraction(value) / _rate(rate)


def _rate(rate: float) -> Fraction:
    """Return a rate exactly, which a file gives in floating point: 23.976... means 24000/1001."""
    if not math.isfinite(rate) or not 1e-6 < rate < 1e9:
        raise InterchangeError(f"the timeline has an impossible rate: {rate:g} per second")
    near = Fraction(rate).limit_denominator(_NTSC)
    return near if abs(float(near) - rate) < 1e-5 * max(1.0, rate) else Fraction(rate)


def _notes(thing: Any) -> Mapping[str, Any]:
    return _mapping(thing.metadata, OURS)


def _mapping(values: Any, name: str) -> Mapping[str, Any]:
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(values: Any, name: str) -> str:
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, str) else ""
