"""The beats of music, from the measured onsets: a tempo, and the run of onsets that keeps it best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.features.measures import HOP_S, Float64, SoundMeasures
from engine.features.speech import music_share

_SLOWEST_BPM, _FASTEST_BPM = 60.0, 190.0
_USUAL_BPM = 120.0
_SPREAD_OCTAVES = 0.9
_TIGHTNESS = 100.0
_LEAST_CLARITY = 0.25
_DRUMS_CLARITY = 0.75
_MUSIC = 0.3
_LONGEST_S = 3 * 3600


@dataclass(frozen=True, slots=True)
class Beats:
    """When the beats fall.

    Attributes:
        times_s: seconds of the source; none where no tempo is clear.
        tempo_bpm: beats a minute, 0 where none is clear. clarity: 0 to 1.
    """

    times_s: tuple[float, ...]
    tempo_bpm: float
    clarity: float


def beats(sound: SoundMeasures | None) -> Beats:
    """Return the beats of a sound (Ellis 2007, "Beat tracking by dynamic programming")."""
    if sound is None or sound.flux.size < 400:
        return Beats((), 0.0, 0.0)
    hop = float(HOP_S)
    # Speech has onsets without a tempo; a lecture of hours need not be searched for one to its end.
    onset = _onsets(sound.flux[: round(_LONGEST_S / hop)].astype(np.float64))
    period, clarity = _period(onset)
    # Syllables have a rhythm too, but seldom such an even one: without notes only a clear beat counts.
    if clarity < (_LEAST_CLARITY if music_share(sound) > _MUSIC else _DRUMS_CLARITY):
        return Beats((), 0.0, clarity)
    at = _tracked(onset, period)
    times = tuple(round(float(sound.start_s) + hop * (float(hit) + 0.5), 3) for hit in at)
    return Beats(times, 60.0 / (period * hop), clarity)


def _onsets(flux: Float64) -> Float64:
    """Return onset strength without its slow part, in units of its own deviation."""
    slow = np.convolve(np.pad(flux, 20, mode="edge"), np.full(41, 1 / 41), "valid")
    strength = np.maximum(flux - slow, 0)
    strength = np.convolve(strength, np.hanning(7)[1:-1] / np.hanning(7)[1:-1].sum(), "same")
    return np.asarray(strength / max(1e-9, float(strength.std())))


def _period(onset: Float64) -> tuple[float, float]:
    """Return the beat's period in hops and how clear it is: the best lag of the autocorrelation, usual tempi first."""
    hop = float(HOP_S)
    centred = onset - onset.mean()
    power = np.abs(np.fft.rfft(centred, 2 * centred.size)) ** 2
    correlation = np.fft.irfft(power)[: round(240 / _SLOWEST_BPM / hop) + 2]
    correlation = correlation / max(1e-9, float(correlation[0]))
    lags = np.arange(round(60 / _FASTEST_BPM / hop), round(60 / _SLOWEST_BPM / hop) + 1)
    # A beat comes again after two and after four of its periods too.
    support = (
        correlation[lags] + 0.5 * correlation[2 * lags] + 0.25 * correlation[np.minimum(4 * lags, correlation.size - 1)]
    )
    usual = np.exp(-0.5 * (np.log2(60 / (lags * hop) / _USUAL_BPM) / _SPREAD_OCTAVES) ** 2)
    best = int(np.argmax(support * usual))
    fine = float(lags[best])
    if 0 < best < lags.size - 1:
        low, mid, high = (support * usual)[best - 1 : best + 2]
        bend = low - 2 * mid + high
        fine += float(np.clip(0.5 * (low - high) / bend, -0.5, 0.5)) if bend < 0 else 0.0
    return fine, float(np.clip(correlation[lags[best]], 0, 1))


def _tracked(onset: Float64, period: float) -> list[int]:
    """Return the hops of the run of beats with the best sum of onsets, less what it deviates from the period."""
    low, high = round(period / 2), round(2 * period)
    offsets = np.arange(-high, -low + 1)
    cost = -_TIGHTNESS * np.log(-offsets / period) ** 2
    score = onset.copy()
    before = np.full(onset.size, -1, np.int64)
    for at in range(high, onset.size):
        found = score[at + offsets] + cost
        best = int(np.argmax(found))
        if found[best] > 0:
            score[at] += found[best]
            before[at] = at + offsets[best]
    run = [int(np.argmax(score[-high:])) + onset.size - high] if onset.size > high else []
    while run and before[run[-1]] >= 0:
        run.append(int(before[run[-1]]))
    return run[::-1]
