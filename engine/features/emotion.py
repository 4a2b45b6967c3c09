"""Emotions as a model labelled them; nothing here is measured, and without a model's word there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class LabelledStretch:
    """A time of the source, in its milliseconds, and the emotion that the model heard; confidence from 0 to 1."""

    start_ms: int
    stop_ms: int
    emotion: str
    confidence: float


@dataclass(frozen=True, slots=True)
class EmotionLabels:
    """What a model heard in a source, in order of time."""

    model: str
    stretches: tuple[LabelledStretch, ...]


def labels_from_note(note: Mapping[str, Any]) -> EmotionLabels | None:
    """Return the labels of a kept note, None where it is none."""
    try:
        stretches = tuple(
            LabelledStretch(
                int(entry["start_ms"]), int(entry["end_ms"]), str(entry["emotion"]), float(entry["confidence"])
            )
            for entry in note["stretches"]
        )
        return EmotionLabels(str(note["model"]), stretches)
    except (KeyError, TypeError, ValueError):
        return None
