"""What was found in films, as JSON types and as text for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from app.workflows.features import ProjectFeatures
from app.workflows.talking_head import RemovalList
from app.workflows.transcript import ShownWord
from engine.features.energy import STEP_S
from engine.features.film_features import FilmFeatures
from engine.features.measures import Float32
from engine.features.search import SearchHit
from engine.features.timeline_features import FeatureKind, TimelineEvent, timeline_events
from engine.model.time import Range
from engine.model.timeline import TimelineMap


def features_facts(features: ProjectFeatures, kinds: Sequence[FeatureKind]) -> dict[str, Any]:
    """Return features as JSON types.

    `sources` tells them in each film's own frames and seconds, `timeline` where the project shows them.
    """
    project = features.project
    return {
        "sources": [
            {"source": source_id, "name": project.source(source_id).name, **_film_facts(film, kinds)}
            for source_id, film in features.films.items()
        ],
        "timeline": [
            {
                "kind": event.kind.value,
                "frames": [event.frames.start, event.frames.stop],
                "label": event.label,
                "score": round(event.score, 4),
                "source": event.source_id,
            }
            for event in timeline_events(project, features.films, kinds)
        ],
    }


def _film_facts(film: FilmFeatures, kinds: Sequence[FeatureKind]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "frames": film.frame_times_s.size - 1,
        "duration_s": round(float(film.frame_times_s[-1] - film.frame_times_s[0]), 3),
        "loudness_lufs": None if film.loudness_lufs is None else round(film.loudness_lufs, 2),
        "notes": list(film.notes),
    }
    makers: dict[FeatureKind, Callable[[], object]] = {
        FeatureKind.CUTS: lambda: [
            _timed(film, item.frames) | {"kind": item.kind.value, "score": round(item.score, 3)}
            for item in film.transitions
        ],
        FeatureKind.SHOTS: lambda: [
            _timed(film, item.frames)
            | {"camera": item.camera.value, "speed": round(item.speed, 4), "activity": round(item.activity, 4)}
            for item in film.shots
        ],
        FeatureKind.PAUSES: lambda: {
            "basis": film.speech.basis.value,
            "spoken_share": round(float(film.speech.spoken.mean()), 4) if film.speech.spoken.size else None,
            "music_share": round(film.speech.music, 4),
            "pauses": [{"start_s": round(p.start_s, 3), "stop_s": round(p.stop_s, 3)} for p in film.speech.pauses],
        },
        FeatureKind.ENERGY: lambda: {
            "start_s": round(film.energy.start_s, 3),
            "step_s": STEP_S,
            "total": _rounded(film.energy.total),
            "scores": {name: _rounded(part) for name, part in film.energy.scores.items()},
            "values": {name: _rounded(part) for name, part in film.energy.values.items()},
        },
        FeatureKind.EMOTION: lambda: (
            None
            if film.emotions is None
            else {
                "model": film.emotions.model,
                "stretches": [asdict(stretch) for stretch in film.emotions.stretches],
            }
        ),
        FeatureKind.BEATS: lambda: {
            "tempo_bpm": round(film.beats.tempo_bpm, 1),
            "clarity": round(film.beats.clarity, 3),
            "times_s": list(film.beats.times_s),
        },
        FeatureKind.CALLS: lambda: [
            {
                "start_s": round(call.start_s, 3),
                "stop_s": round(call.stop_s, 3),
                "score": round(call.score, 3),
                "phrases": list(call.phrases),
                "text": call.text,
                "reasons": list(call.reasons),
            }
            for call in film.calls
        ],
        FeatureKind.CARDS: lambda: [_timed(film, card) for card in film.cards],
    }
    return facts | {kind.value: makers[kind]() for kind in kinds}


def _timed(film: FilmFeatures, frames: Range) -> dict[str, Any]:
    return {
        "frames": [frames.start, frames.stop],
        "start_s": round(float(film.frame_times_s[frames.start]), 3),
        "stop_s": round(float(film.frame_times_s[frames.stop]), 3),
    }


def _rounded(values: Float32) -> list[float]:
    return [round(float(value), 3) for value in values.tolist()]


def features_text(features: ProjectFeatures, kinds: Sequence[FeatureKind], marked: int | None) -> str:
    """Return features for a person."""
    lines = []
    events = timeline_events(features.project, features.films, kinds)
    timeline = TimelineMap(features.project)
    for source_id, film in features.films.items():
        name = features.project.source(source_id).name
        lasts = clock(float(film.frame_times_s[-1] - film.frame_times_s[0]))
        loud = "silent" if film.loudness_lufs is None else f"{film.loudness_lufs:.1f} LUFS"
        count = film.frame_times_s.size - 1
        lines.append(f"{name}: {count:,} {'frame' if count == 1 else 'frames'}, {lasts}, {loud}")
        lines += [f"  {note}" for note in film.notes]
    for kind in kinds:
        found = [event for event in events if event.kind is kind]
        unasked = kind is FeatureKind.EMOTION and all(film.emotions is None for film in features.films.values())
        lines.append(f"{kind.value}: " + ("no model was asked (deltacut emotions)" if unasked else f"{len(found)}"))
        lines += [_event_line(event, timeline) for event in found[:_MOST_LINES]]
        if len(found) > _MOST_LINES:
            lines.append(f"  ... and {len(found) - _MOST_LINES} more; --json lists all")
    if marked is not None:
        lines.append(f"{marked} markers set, as one step to undo")
    return "\n".join(lines)


_MOST_LINES = 40


def _event_line(event: TimelineEvent, timeline: TimelineMap) -> str:
    at = clock(float(timeline.time_of(event.frames.start)))
    return f"  {at}  frame {event.frames.start:<8} {event.label} ({event.score:.2f})"


def clock(seconds: float) -> str:
    """Return a time as "0:07.32", or with hours as "1:02:03.45"."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 100:02}.{rest % 100:02}"


def removal_facts(listed: RemovalList, done: bool) -> dict[str, Any]:
    """Return a list of what could go, or went, as JSON types."""
    return {
        "removed": done,
        "saved_s": round(listed.saved_s, 3),
        "notes": list(listed.notes),
        "removals": [
            {
                "number": number,
                "kind": removal.kind.value,
                "frames": [removal.frames.start, removal.frames.stop],
                "saved_s": round(removal.saved_s, 3),
                "text": removal.text,
            }
            for number, removal in enumerate(listed.removals)
        ],
    }


def removal_text(listed: RemovalList, done: bool) -> str:
    """Return the same for a person."""
    timeline = TimelineMap(listed.project)
    lines = [*listed.notes]
    for number, removal in enumerate(listed.removals):
        at = clock(float(timeline.time_of(removal.frames.start)))
        lines.append(f"{number:4}  {at}  {removal.saved_s:5.2f} s  {removal.text or removal.kind.value}")
    what = "taken out, as one step to undo" if done else "could go; --remove takes them out"
    lines.append(f"{len(listed.removals)} {what}: {listed.saved_s:.1f} s" if listed.removals else "nothing could go")
    return "\n".join(lines)


def words_facts(words: Sequence[ShownWord]) -> Mapping[str, Any]:
    """Return words as JSON types."""
    return {
        "words": [
            {
                "source": word.source_id,
                "number": word.number,
                "text": word.text,
                "speaker": word.speaker,
                "frames": None if word.frames is None else [word.frames.start, word.frames.stop],
            }
            for word in words
        ]
    }


def words_text(words: Sequence[ShownWord]) -> str:
    """Return words for a person, ten to a line, each line with its first word's number."""
    lines = []
    for first in range(0, len(words), 10):
        row = words[first : first + 10]
        said = " ".join(word.text if word.frames is not None else f"({word.text})" for word in row)
        lines.append(f"{row[0].number:6}  {said}")
    return "\n".join(lines)


def search_facts(hits: Sequence[SearchHit]) -> Mapping[str, Any]:
    """Return what was found as JSON types."""
    return {
        "hits": [
            {
                "found": hit.found.value,
                "frames": [hit.frames.start, hit.frames.stop],
                "text": hit.text,
                "item": hit.item_id or None,
            }
            for hit in hits
        ]
    }


def search_text(hits: Sequence[SearchHit]) -> str:
    """Return what was found for a person."""
    lines = [f"frame {hit.frames.start:<8} {hit.found.value:<10}  {' '.join(hit.text.split())}" for hit in hits]
    return "\n".join(lines) or "nothing found"
