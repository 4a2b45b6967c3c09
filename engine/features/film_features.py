"""All features of one source, decided from its measures and its words; quick, so that settings can be turned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.features.analyse import Analysis
from engine.features.beats import Beats, beats
from engine.features.calls import CallWindow, ScreenFacts, call_windows
from engine.features.camera import ShotMotion, shot_motion
from engine.features.cuts import CutSettings, Transition, shots, transitions
from engine.features.emotion import EmotionLabels
from engine.features.end_cards import end_cards, lettered_frames
from engine.features.energy import Energy, energy
from engine.features.loudness import integrated
from engine.features.measures import Bool, Float64
from engine.features.phrases import CallPhrases
from engine.features.speech import PauseSettings, Speech, speech_of_sound, speech_of_words
from engine.features.spoken import SpokenText
from engine.model.source import FrameTimes, ListedTimes
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What a person can turn; nothing is decoded again for it."""

    cuts: CutSettings = field(default_factory=CutSettings)
    pauses: PauseSettings = field(default_factory=PauseSettings)


USUAL = FeatureSettings()
"""As everything is tuned."""


@dataclass(frozen=True, slots=True, eq=False)
class FilmFeatures:
    """What was found in a source; frames and seconds are the source's own.

    Attributes:
        frame_times_s: float64 [frames + 1], when each frame begins, and the end of the last one.
        transitions: changes of shots. shots: the runs between them, with what moves.
        speech: when somebody speaks, and the pauses.
        cards: still cards with lettering near the end.
        calls: windows with a call to action.
        loudness_lufs: integrated, None for silence.
        spoken: its words, None where there are none.
        emotions: what a model labelled, None where none did.
        notes: what a person should know.
    """

    frame_times_s: Float64
    transitions: tuple[Transition, ...]
    shots: tuple[ShotMotion, ...]
    speech: Speech
    energy: Energy
    beats: Beats
    cards: tuple[Range, ...]
    calls: tuple[CallWindow, ...]
    loudness_lufs: float | None
    spoken: SpokenText | None = None
    notes: tuple[str, ...] = field(default=())
    emotions: EmotionLabels | None = None

    @property
    def rate(self) -> float:
        """Return the mean frames per second."""
        return mean_rate(self.frame_times_s)


def features_of(
    analysis: Analysis,
    times: FrameTimes,
    spoken: SpokenText | None,
    phrases: Mapping[str, CallPhrases],
    settings: FeatureSettings = USUAL,
    emotions: EmotionLabels | None = None,
) -> FilmFeatures:
    """Return the features of a source.

    Args:
        analysis: its measures.
        times: of its frames.
        spoken: its words, which take the place of what the sound tells of speech.
        phrases: of calls to action.
        settings: what a person turned.
        emotions: as a model labelled them.
    """
    picture, sound = analysis.measures.picture, analysis.measures.sound
    seconds = frame_times(times)
    rate = mean_rate(seconds)
    changes = transitions(picture, rate, settings.cuts)
    cards = end_cards(picture, seconds)
    if spoken is None:
        speech = speech_of_sound(sound, settings.pauses)
    else:
        start_s = float(seconds[0]) if sound is None else float(sound.start_s)
        lasts_s = float(seconds[-1] - seconds[0]) if sound is None else sound.duration_s
        speech = speech_of_words(spoken.times_s, start_s, lasts_s, settings.pauses)
    screen = ScreenFacts(
        float(seconds[0]),
        float(seconds[-1]),
        tuple((float(seconds[card.start]), float(seconds[card.stop])) for card in cards),
        _lettered(lettered_frames(picture), seconds),
    )
    words = () if spoken is None else spoken.words
    language = "" if spoken is None else spoken.language
    return FilmFeatures(
        seconds,
        changes,
        tuple(shot_motion(picture, shot, rate) for shot in shots(changes, picture.count)),
        speech,
        energy(picture, seconds, sound, changes),
        beats(sound),
        cards,
        call_windows(words, language, phrases, screen),
        None if sound is None else integrated(sound.loudness),
        spoken,
        (*analysis.troubles, *([speech.note] if speech.note else [])),
        emotions,
    )


def frame_times(times: FrameTimes) -> Float64:
    """Return float64 [frames + 1]: when each frame begins, and the end of the last one, in seconds of the source."""
    if isinstance(times, ListedTimes):
        return np.asarray(times.ticks * float(times.time_base), np.float64)
    ticks = times.start + np.arange(times.count + 1, dtype=np.int64) * times.step
    return np.asarray(ticks * float(times.time_base), np.float64)


def mean_rate(frame_times_s: Float64) -> float:
    """Return the mean frames per second, at least 1: a film of one frame has no rate of its own."""
    lasts_s = float(frame_times_s[-1] - frame_times_s[0])
    return max(1.0, (frame_times_s.size - 1) / lasts_s) if lasts_s > 0 else 25.0


def _lettered(mask: Bool, seconds: Float64) -> tuple[tuple[float, float], ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return tuple((float(seconds[a]), float(seconds[b])) for a, b in zip(edges[::2], edges[1::2], strict=True))
