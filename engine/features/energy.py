"""How lively a film is from moment to moment: five measured parts, each against the film's own mean. Not an emotion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.features.cuts import Transition, TransitionKind
from engine.features.loudness import SILENT_LUFS, momentary
from engine.features.measures import (
    HOP_S,
    LOUDNESS_HOP_S,
    PITCH_HOP_S,
    Float32,
    Float64,
    PictureMeasures,
    SoundMeasures,
)

STEP_S = 0.5
_SHORT_S = 2.0
_LONG_S = 4.0
_CUTS_S = 20.0
_LEAST_VOICED = 15
_OCTAVE_OFF = 9.0
_AT_ONCE = 4096
_DIP_DB = 2.0
"""Two vowels are two syllables if the level between them falls by this much (de Jong and Wempe 2009)."""


@dataclass(frozen=True, slots=True, eq=False)
class Energy:
    """A value every STEP_S, at start_s + n * STEP_S seconds of the source.

    Attributes:
        total: float32 [n], mean of the parts' z-scores.
        scores: the z-score of each part over the film, float32 [n] each: "loudness", "pitch variance", "syllable
            rate", "motion", "cut rate"; the first three only where there is sound.
        values: the same parts in their units: LUFS, semitones, syllables/s, picture widths/s, cuts/min.
    """

    start_s: float
    total: Float32
    scores: Mapping[str, Float32]
    values: Mapping[str, Float32]


def energy(
    picture: PictureMeasures,
    frame_times_s: Float64,
    sound: SoundMeasures | None,
    changes: tuple[Transition, ...],
) -> Energy:
    """Return a film's energy.

    Args:
        picture: its measures.
        frame_times_s: float64 [frames + 1], when each frame begins, and the end of the last one; source seconds.
        sound: its measures, None for a source without.
        changes: of its shots.
    """
    start_s, stop_s = float(frame_times_s[0]), float(frame_times_s[-1])
    count = max(1, int(np.ceil((stop_s - start_s) / STEP_S)))
    at: Float64 = np.asarray(start_s + STEP_S * np.arange(count), np.float64)
    values: dict[str, Float32] = {}
    if sound is not None and sound.voice_db.size:
        first_s = float(sound.start_s)
        values["loudness"] = _mean_around(
            np.maximum(momentary(sound.loudness), SILENT_LUFS), first_s, float(LOUDNESS_HOP_S), at, _SHORT_S
        )
        values["pitch variance"] = _pitch_variance(sound, at)
        values["syllable rate"] = _rate_around(
            np.asarray(syllables(sound) * float(HOP_S) + first_s, np.float64), at, _LONG_S
        )
    values["motion"] = _motion(picture, frame_times_s, changes, at)
    cuts_s = np.array([frame_times_s[change.frames.start] for change in changes if _is_change(change)], np.float64)
    values["cut rate"] = _rate_around(cuts_s, at, _CUTS_S) * np.float32(60)
    scores = {name: _z(part) for name, part in values.items()}
    total = np.mean(list(scores.values()), axis=0)
    return Energy(start_s, np.asarray(total, np.float32), scores, values)


def _is_change(change: Transition) -> bool:
    return change.kind is not TransitionKind.FADE_OUT


def _z(values: Float32) -> Float32:
    deviation = float(values.std())
    # A part that hardly varies says nothing about where the film is lively.
    if deviation < 1e-3 * (1 + abs(float(values.mean()))):
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / deviation, np.float32)


def _mean_around(values: Float32, start_s: float, hop_s: float, at: Float64, window_s: float) -> Float32:
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    low = np.clip(np.round((at - window_s / 2 - start_s) / hop_s), 0, values.size - 1).astype(np.int64)
    high = np.clip(np.round((at + window_s / 2 - start_s) / hop_s), low + 1, values.size).astype(np.int64)
    return np.asarray((sums[high] - sums[low]) / (high - low), np.float32)


def _rate_around(times_s: Float64, at: Float64, window_s: float) -> Float32:
    """Return how many of the times lie around each moment, per second; at the film's ends in what there is of it."""
    times = np.sort(times_s)
    low, high = at - window_s / 2, at + window_s / 2
    count = np.searchsorted(times, high) - np.searchsorted(times, low)
    inside = np.minimum(high, at[-1] + STEP_S) - np.maximum(low, at[0])
    return np.asarray(count / np.maximum(inside, STEP_S), np.float32)


def _pitch_variance(sound: SoundMeasures, at: Float64) -> Float32:
    """Return the standard deviation of the voice's pitch around each moment, in semitones."""
    hop = float(PITCH_HOP_S)
    half = round(_LONG_S / hop / 2)
    semitones = 12 * np.log2(np.where(sound.pitch_hz > 0, sound.pitch_hz, np.nan) / 100)
    windows = sliding_window_view(np.pad(semitones, half, constant_values=np.nan), 2 * half)
    middles = np.clip(np.round((at - float(sound.start_s)) / hop), 0, windows.shape[0] - 1).astype(np.int64)
    found = [_spread(windows[middles[first : first + _AT_ONCE]]) for first in range(0, middles.size, _AT_ONCE)]
    return np.concatenate(found)


def _spread(semitones: Float32) -> Float32:
    """Return the standard deviation of each row, 0 where too little is voiced; NaN is what has no pitch."""
    count = (~np.isnan(semitones)).sum(axis=1)
    known = count >= _LEAST_VOICED
    result = np.zeros(count.size, np.float32)
    rows = semitones[known]
    if rows.size:
        # What is an octave off is a mistake of the pitch's finder, not a lively voice.
        near = np.abs(rows - np.nanmedian(rows, axis=1, keepdims=True)) < _OCTAVE_OFF
        result[known] = np.nanstd(np.where(near, rows, np.nan), axis=1)
    return result


def syllables(sound: SoundMeasures) -> Float64:
    """Return the hops at which syllables are loudest: peaks of the level of a voice, with dips between them.

    After de Jong and Wempe (2009), "Praat script to detect syllable nuclei and measure speech rate automatically".
    """
    if sound.voice_db.size < 16:
        return np.zeros(0)
    level = np.convolve(
        np.pad(sound.voice_db, 3, mode="edge"), np.hanning(9)[1:-1] / np.hanning(9)[1:-1].sum(), "valid"
    )
    peaks = np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] >= level[2:])) + 1
    voiced = np.repeat(sound.pitch_hz > 0, 2)[: level.size]
    voiced = np.pad(voiced, (0, level.size - voiced.size))
    loud = level > np.quantile(level, 0.95) - 25
    kept: list[int] = []
    for peak in peaks[voiced[peaks] & loud[peaks]].tolist():
        if not kept:
            kept.append(peak)
            continue
        dip = float(level[kept[-1] : peak].min())
        if min(level[kept[-1]], level[peak]) - dip >= _DIP_DB:
            kept.append(peak)
        elif level[peak] > level[kept[-1]]:
            kept[-1] = peak
    return np.asarray(kept, np.float64)


def _motion(picture: PictureMeasures, frame_times_s: Float64, changes: tuple[Transition, ...], at: Float64) -> Float32:
    """Return how fast the picture moves around each moment; what a change of shots looks like does not count."""
    speed = picture.motion / np.maximum(np.diff(frame_times_s), 1e-3)
    counted = np.ones(speed.size, np.bool_)
    for change in changes:
        counted[change.frames.start : change.frames.stop] = False
    times = frame_times_s[:-1]
    sums = [np.concatenate([[0.0], np.cumsum(row, dtype=np.float64)]) for row in (speed * counted, counted)]
    low, high = np.searchsorted(times, at - _SHORT_S / 2), np.searchsorted(times, at + _SHORT_S / 2)
    total, count = (row[high] - row[low] for row in sums)
    return np.asarray(total / np.maximum(count, 1), np.float32)
