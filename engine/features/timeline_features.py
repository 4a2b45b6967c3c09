"""The features of a project's sources where its timeline shows them: events in timeline frames, curves over seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.features.emotion import NEUTRAL
from engine.features.energy import STEP_S
from engine.features.film_features import FilmFeatures
from engine.features.measures import Float32, Float64
from engine.features.speech import HOP
from engine.model.markers import Marker, MarkerKind
from engine.model.place import OnSource
from engine.model.project import Project
from engine.model.time import Range
from engine.model.timeline import TimelineMap


class FeatureKind(Enum):
    """The features that can be asked for by name."""

    CUTS = "cuts"
    """Hard cuts, dissolves and fades."""
    SHOTS = "shots"
    """The runs between them, named by what the camera does."""
    PAUSES = "pauses"
    ENERGY = "energy"
    """The liveliest moments."""
    EMOTION = "emotion"
    """What a model labelled beside neutral; nothing where none was asked."""
    BEATS = "beats"
    CALLS = "calls"
    CARDS = "cards"


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """Something in a source.

    Attributes:
        frames: of the source. label: for a person. score: of the feature's own kind.
    """

    kind: FeatureKind
    frames: Range
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """Something on the timeline; as SourceEvent, but frames are the timeline's."""

    kind: FeatureKind
    frames: Range
    label: str
    score: float
    source_id: str


def source_events(features: FilmFeatures, kinds: Iterable[FeatureKind]) -> tuple[SourceEvent, ...]:
    """Return the events of some kinds in a source, kind by kind in order of time."""
    events: list[SourceEvent] = []
    for kind in kinds:
        events += _MAKERS[kind](features)
    return tuple(events)


def timeline_events(
    project: Project, features: Mapping[str, FilmFeatures], kinds: Iterable[FeatureKind]
) -> tuple[TimelineEvent, ...]:
    """Return the events of a project's sources where its timeline shows them, in order.

    A change of shots, or a beat, is where its first frame shows; what lasts may show in several pieces.
    """
    timeline = TimelineMap(project)
    wanted = tuple(kinds)
    found: list[TimelineEvent] = []
    for source_id, film in features.items():
        for event in source_events(film, wanted):
            found += [
                TimelineEvent(event.kind, frames, event.label, event.score, source_id)
                for frames in timeline.showing(source_id, event.frames)
            ]
    return tuple(sorted(found, key=lambda event: (event.frames, event.kind.value)))


def event_markers(
    features: Mapping[str, FilmFeatures], kinds: Iterable[FeatureKind], new_id: Callable[[], str]
) -> tuple[Marker, ...]:
    """Return markers for the events of sources, on their frames, so that they stay with the content."""
    wanted = tuple(kinds)
    return tuple(
        Marker(
            new_id(),
            OnSource(source_id, event.frames),
            MarkerKind.CALL_TO_ACTION if event.kind is FeatureKind.CALLS else MarkerKind.PLAIN,
            event.label,
            f"{event.kind.value}, score {event.score:.2f}",
        )
        for source_id, film in features.items()
        for event in source_events(film, wanted)
    )


class Curve(Enum):
    """The values that can be drawn over the timeline."""

    ENERGY = "energy"
    SPEECH = "speech"
    """Share of the time in which somebody speaks, 0 to 1."""
    LOUDNESS = "loudness"
    PITCH_VARIANCE = "pitch variance"
    SYLLABLE_RATE = "syllable rate"
    MOTION = "motion"
    CUT_RATE = "cut rate"


@dataclass(frozen=True, slots=True, eq=False)
class TimelineCurve:
    """Values over the timeline.

    Attributes:
        values: float32 [n], at n * step_s seconds; NaN where nothing is known (gaps, sources without sound).
    """

    curve: Curve
    step_s: float
    values: Float32


def timeline_curve(
    project: Project, features: Mapping[str, FilmFeatures], curve: Curve, step_s: float = 0.1
) -> TimelineCurve:
    """Return a curve over the whole timeline: energy and its parts as z-scores, speech as a share."""
    timeline = TimelineMap(project)
    end_s = float(timeline.time_of(timeline.frame_count))
    values = np.full(int(np.ceil(end_s / step_s)) if end_s else 0, np.nan, np.float32)
    at_s = (np.arange(values.size) + 0.5) * step_s
    for span in timeline.spans:
        source = timeline.source_at(span.timeline_range.start)
        film = None if source is None else features.get(source.source_id)
        if source is None or film is None:
            continue
        begun_s, ended_s = (
            float(timeline.time_of(frame)) for frame in (span.timeline_range.start, span.timeline_range.stop)
        )
        inside = slice(*np.searchsorted(at_s, (begun_s, ended_s)).tolist())
        times_s = np.asarray(at_s[inside] - begun_s + film.frame_times_s[source.frame], np.float64)
        values[inside] = _curve_at(film, curve, times_s)
    return TimelineCurve(curve, step_s, values)


def _curve_at(film: FilmFeatures, curve: Curve, times_s: Float64) -> Float32:
    if curve is Curve.SPEECH:
        density = film.speech.density(HOP * 10, 2.0)
        known, start_s, step_s = density, film.speech.start_s, HOP * 10
    else:
        found = film.energy.total if curve is Curve.ENERGY else film.energy.scores.get(curve.value)
        if found is None:
            return np.full(times_s.size, np.nan, np.float32)
        known, start_s, step_s = found, film.energy.start_s, STEP_S
    if not known.size:
        return np.full(times_s.size, np.nan, np.float32)
    return np.asarray(np.interp((times_s - start_s) / step_s, np.arange(known.size), known), np.float32)


# --- what each kind is made of ---------------------------------------------------------------------------------------


def _cut_events(film: FilmFeatures) -> list[SourceEvent]:
    return [
        SourceEvent(FeatureKind.CUTS, item.frames, item.kind.value.capitalize(), item.score)
        for item in film.transitions
    ]


def _shot_events(film: FilmFeatures) -> list[SourceEvent]:
    return [
        SourceEvent(FeatureKind.SHOTS, item.frames, f"Shot, {item.camera.value}", item.speed) for item in film.shots
    ]


def _pause_events(film: FilmFeatures) -> list[SourceEvent]:
    return [
        SourceEvent(FeatureKind.PAUSES, frames, f"Pause {pause.duration_s:.1f} s", pause.duration_s)
        for pause in film.speech.pauses
        if (frames := frames_within(film, pause.start_s, pause.stop_s))
    ]


def _energy_events(film: FilmFeatures) -> list[SourceEvent]:
    """Return the moments above one deviation that are the highest for ten seconds on either side."""
    total, reach = film.energy.total, round(10 / STEP_S)
    events = []
    for at in np.flatnonzero(total > 1.0).tolist():
        around = total[max(0, at - reach) : at + reach + 1]
        if total[at] >= around.max() and at == max(0, at - reach) + int(np.argmax(around)):
            start_s = film.energy.start_s + at * STEP_S
            frames = frames_within(film, start_s, start_s + 0.001)
            if frames:
                best = max(film.energy.scores, key=lambda name: float(film.energy.scores[name][at]))
                events.append(SourceEvent(FeatureKind.ENERGY, frames, f"Lively, most by its {best}", float(total[at])))
    return events


def _emotion_events(film: FilmFeatures) -> list[SourceEvent]:
    labels = film.emotions
    if labels is None:
        return []
    return [
        SourceEvent(FeatureKind.EMOTION, frames, f"{item.emotion.capitalize()}, by {labels.model}", item.confidence)
        for item in labels.stretches
        if item.emotion != NEUTRAL and (frames := frames_within(film, item.start_ms / 1000, item.stop_ms / 1000))
    ]


def _beat_events(film: FilmFeatures) -> list[SourceEvent]:
    return [
        SourceEvent(FeatureKind.BEATS, frames, "Beat", film.beats.clarity)
        for time_s in film.beats.times_s
        if (frames := frames_within(film, time_s, time_s + 0.001))
    ]


def _call_events(film: FilmFeatures) -> list[SourceEvent]:
    return [
        SourceEvent(FeatureKind.CALLS, frames, call.phrases[0] if call.phrases else "End card", call.score)
        for call in film.calls
        if (frames := frames_within(film, call.start_s, call.stop_s))
    ]


def _card_events(film: FilmFeatures) -> list[SourceEvent]:
    return [SourceEvent(FeatureKind.CARDS, card, "End card", len(card) / film.rate) for card in film.cards]


_MAKERS: Mapping[FeatureKind, Callable[[FilmFeatures], list[SourceEvent]]] = {
    FeatureKind.CUTS: _cut_events,
    FeatureKind.SHOTS: _shot_events,
    FeatureKind.PAUSES: _pause_events,
    FeatureKind.ENERGY: _energy_events,
    FeatureKind.EMOTION: _emotion_events,
    FeatureKind.BEATS: _beat_events,
    FeatureKind.CALLS: _call_events,
    FeatureKind.CARDS: _card_events,
}


def frames_within(film: FilmFeatures, start_s: float, stop_s: float) -> Range:
    """Return the source frames that show during a time of the source; empty where it lies outside."""
    times = film.frame_times_s
    first = max(0, int(np.searchsorted(times, start_s + 1e-6, side="right")) - 1)
    stop = min(times.size - 1, int(np.searchsorted(times, stop_s - 1e-6)))
    return Range(first, stop) if stop > first else Range(first, first)
