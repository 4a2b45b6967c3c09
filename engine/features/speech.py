"""When somebody speaks and when not: speech from the measured sound, pauses, and how dense the speech is.

The noise floor follows the sound, so that a quiet voice in a quiet room and a loud one beside a road are both heard.
Where music plays, a detector of voices hears it too: then nothing is guessed, and words are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.features.measures import BAND_STEP_DB, HOP_S, SCORE_S, Bool, Float32, SoundMeasures

HOP = float(HOP_S)
_FLOOR_REACH_S = 8.0
_FLOOR_SHARE = 0.1
_SPARSE = 5
"""Every fifth value is enough for a quantile."""
_QUANTILE_STEP = 50
_FLOOR_BIAS_DB = 2.0
"""A low share of noise is lower than the noise by about this."""
_MOST_PER_BAND_DB = 15.0
_RANGE_DB = 38.0
_CLOSED_S = 0.15
_LEAST_VOTES = 0.15
_SILENCE_DB = -65.0
"""Nothing below this is heard as speech, whatever the floor."""
_LEAST_SPEECH_S = 0.12
_MUSIC_STEADY = 0.12
_MUSIC_REACH_S = 4.0
_SCORE_SLACK = 0.1
"""Beside its surest moment an utterance may score so much less."""
_SCORES_LATE_S = 0.06
"""The network hears beginnings and ends later by this, in the mean: it needs to have heard some of what comes."""
_SCORES_REACH_S = 0.12


class Basis(Enum):
    """What pauses were found from."""

    WORDS = "words"
    SOUND = "sound"
    NOTHING = "nothing"
    """There is no sound, or music plays and there are no words."""


@dataclass(frozen=True, slots=True)
class PauseSettings:
    """What is a pause.

    Attributes:
        shortest_s: shorter ones are part of speaking.
        above_noise_db: by how much speech is above the noise, in the mean of all bands.
        sure_score: what the neural detector gives speech at least somewhere in an utterance, 0 to 1, where it is used.
    """

    shortest_s: float = 0.3
    above_noise_db: float = 0.4
    sure_score: float = 0.6


@dataclass(frozen=True, slots=True)
class Pause:
    """A time without speech; seconds of the source."""

    start_s: float
    stop_s: float

    @property
    def duration_s(self) -> float:
        """Return how long it is."""
        return self.stop_s - self.start_s


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """When speech is heard.

    Attributes:
        spoken: bool [n] every HOP_S from start_s of the source on.
        basis: what it was found from.
        pauses: in order; none where basis is NOTHING.
        music: share of the sound's time at which music plays, 0 to 1.
        note: what a person should know, "" for nothing.
    """

    start_s: float
    spoken: Bool
    basis: Basis
    pauses: tuple[Pause, ...]
    music: float = 0.0
    note: str = ""

    def density(self, step_s: float, window_s: float = 4.0) -> Float32:
        """Return float32: the share of the window around each step in which somebody speaks."""
        if not self.spoken.size:
            return np.zeros(0, np.float32)
        reach = max(1, round(window_s / HOP / 2))
        sums = np.concatenate([[0], np.cumsum(self.spoken)])
        at = np.arange(0, self.spoken.size, max(1, round(step_s / HOP)))
        low, high = np.maximum(at - reach, 0), np.minimum(at + reach, self.spoken.size)
        return np.asarray((sums[high] - sums[low]) / (high - low), np.float32)


def speech_of_sound(sound: SoundMeasures | None, settings: PauseSettings = PauseSettings()) -> Speech:
    """Return when speech is heard in a sound; no pauses, and why, where that cannot be told."""
    if sound is None or not sound.voice_db.size:
        return Speech(0.0, np.zeros(0, np.bool_), Basis.NOTHING, (), note="there is no sound")
    start_s = float(sound.start_s)
    music = music_share(sound)
    if music > 0.5 and sound.speech_scores is None:
        note = "music plays under it: pauses need the words, from a transcript or captions, or the neural detector"
        return Speech(start_s, np.zeros(sound.voice_db.size, np.bool_), Basis.NOTHING, (), music, note)
    spoken = spoken_hops(sound, settings) if sound.speech_scores is None else _surely_spoken(sound, settings)
    if not spoken.any():
        return Speech(start_s, spoken, Basis.NOTHING, (), music, "nobody speaks")
    return Speech(start_s, spoken, Basis.SOUND, pauses_of(spoken, start_s, settings), music)


def speech_of_words(
    words: tuple[tuple[float, float], ...], start_s: float, duration_s: float, settings: PauseSettings = PauseSettings()
) -> Speech:
    """Return when words are spoken.

    Args:
        words: start and stop of each, seconds of the source, in order.
        start_s: of the sound, in the source's time.
        duration_s: of the sound.
        settings: what is a pause.
    """
    if not words:
        return Speech(start_s, np.zeros(round(duration_s / HOP), np.bool_), Basis.NOTHING, (), note="no word is spoken")
    spoken = np.zeros(max(1, round(max(duration_s, words[-1][1] - start_s) / HOP)), np.bool_)
    for start, stop in words:
        spoken[max(0, round((start - start_s) / HOP)) : max(0, round((stop - start_s) / HOP))] = True
    return Speech(start_s, spoken, Basis.WORDS, pauses_of(spoken, start_s, settings))


def pauses_of(spoken: Bool, start_s: float, settings: PauseSettings) -> tuple[Pause, ...]:
    """Return the times of at least the shortest length in which nothing is spoken."""
    least = settings.shortest_s / HOP - 0.5
    return tuple(
        Pause(start_s + start * HOP, start_s + stop * HOP) for start, stop in _runs(~spoken) if stop - start >= least
    )


def spoken_hops(sound: SoundMeasures, settings: PauseSettings) -> Bool:
    """Return bool [n] every HOP_S: something is above the noise, and the detector hears a voice in it."""
    above = evidence(sound) > settings.above_noise_db
    # Far below what was said around it, it is breath and room.
    loudest = _envelope(sound.voice_db)
    above &= _smoothed(sound.voice_db, 3) > np.maximum(loudest - _RANGE_DB, _SILENCE_DB)
    above = _closed(above, round(_CLOSED_S / HOP))
    spoken = np.zeros_like(above)
    for start, stop in _runs(above):
        # The detector is sure of vowels; what hangs together with one is the same utterance.
        if sound.voted[start:stop].mean() > _LEAST_VOTES and stop - start >= round(_LEAST_SPEECH_S / HOP):
            spoken[start:stop] = True
    return spoken


def _surely_spoken(sound: SoundMeasures, settings: PauseSettings) -> Bool:
    """Return bool [n] every HOP_S: the neural detector hears speech, within the bounds that the level tells.

    The network knows a voice from other sounds, and the level knows more closely where it begins and ends; where music
    plays, the level tells nothing.
    """
    hops = (np.arange(sound.voice_db.size) + 0.5) * HOP
    scores = sound.speech_scores if sound.speech_scores is not None and sound.speech_scores.size else np.zeros(1)
    at = (np.arange(scores.size) + 0.5) * float(SCORE_S) - _SCORES_LATE_S
    score = np.interp(hops, at, scores)
    heard = np.zeros(hops.size, np.bool_)
    for start, stop in _runs(score > settings.sure_score - _SCORE_SLACK):
        heard[start:stop] = bool(score[start:stop].max() > settings.sure_score)
    heard = _closed(heard, round(_CLOSED_S / HOP))
    near = _grown(heard, round(_SCORES_REACH_S / HOP))
    level = spoken_hops(replace(sound, voted=score > settings.sure_score), settings) & near
    music = np.repeat(_musical(sound), 10)[: hops.size]
    music = np.pad(music, (0, hops.size - music.size), mode="edge" if music.size else "constant")
    return _closed(np.where(music, heard, level), round(_CLOSED_S / HOP))


def evidence(sound: SoundMeasures) -> Float32:
    """Return float32 [n] every HOP_S: by how many dB the bands are above their noise, on average.

    The noise of each band is a low share of its levels around each time (minimum statistics, Martin 2001, with a
    quantile in place of the minimum). Consonants are loud in a few bands only, and noise
    is steady in the mean of all, so the mean tells them apart where one level does not.
    """
    count = sound.bands.shape[0]
    total = np.zeros(count, np.float32)
    for band in range(sound.bands.shape[1]):
        level = _smoothed(sound.bands[:, band].astype(np.float32) * np.float32(BAND_STEP_DB), 5)
        floor = _local_quantile(level, _FLOOR_SHARE, smooth=5)
        total += np.clip(level - floor - _FLOOR_BIAS_DB, 0, _MOST_PER_BAND_DB)
    return np.asarray(total / sound.bands.shape[1], np.float32)


def _local_quantile(values: Float32, share: float, *, smooth: int = 1) -> Float32:
    """Return a quantile of the values within _FLOOR_REACH_S of each hop, found every half second, between by lines."""
    reach = round(_FLOOR_REACH_S / HOP) // _SPARSE
    sparse = np.pad(values[::_SPARSE], reach, mode="reflect" if values.size > _SPARSE * (reach + 1) else "edge")
    windows = sliding_window_view(sparse, 2 * reach + 1)[:: _QUANTILE_STEP // _SPARSE]
    rank = round(share * 2 * reach)
    # A window at a time of hours of film would be many times the film's own size.
    found = np.concatenate(
        [np.partition(windows[at : at + 4096], rank, axis=1)[:, rank] for at in range(0, windows.shape[0], 4096)]
    )
    at = np.arange(found.size) * _QUANTILE_STEP
    return np.asarray(np.interp(np.arange(values.size), at, _smoothed(found, smooth)), np.float32)


def _envelope(voice_db: Float32) -> Float32:
    """Return how loud the loudest speech around each time is, in dB."""
    return _local_quantile(voice_db, 0.95)


def music_share(sound: SoundMeasures) -> float:
    """Return the share of the audible time in which tones stand still, as notes do and voices do not."""
    musical = _musical(sound)
    if not musical.size:
        return 0.0
    audible = sound.voice_db[: musical.size * 10].reshape(-1, 10).max(axis=1) > _SILENCE_DB
    return float(musical[audible].mean()) if audible.any() else 0.0


def _musical(sound: SoundMeasures) -> Bool:
    """Return bool [k] every tenth of a second: tones stand still around there."""
    steady = sound.steady[: sound.voice_db.size // 10]
    width = max(1, round(_MUSIC_REACH_S * 10))
    if steady.size < width:
        return np.full(steady.size, steady.size > 0 and steady.mean() > _MUSIC_STEADY, np.bool_)
    return np.asarray(np.convolve(steady, np.full(width, 1 / width), "same") > _MUSIC_STEADY, np.bool_)


def _smoothed(values: Float32, width: int) -> Float32:
    """Return the moving mean over an odd number of values."""
    if values.size < width:
        return values
    padded = np.pad(values, width // 2, mode="edge")
    return np.asarray(np.convolve(padded, np.full(width, 1 / width), "valid"), np.float32)


def _closed(mask: Bool, most: int) -> Bool:
    """Return the mask with gaps of up to `most` values between true ones filled."""
    changed = mask.copy()
    for start, stop in _runs(~mask):
        if stop - start <= most and start > 0 and stop < mask.size:
            changed[start:stop] = True
    return changed


def _grown(mask: Bool, by: int) -> Bool:
    """Return the mask with each run of true values longer by `by` at either end."""
    changed = mask.copy()
    for start, stop in _runs(mask):
        changed[max(0, start - by) : stop + by] = True
    return changed


def _runs(mask: Bool) -> list[tuple[int, int]]:
    """Return start and stop of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
