"""Measure a sound stream: its level and voice for every hundredth of a second, pitch, loudness, steady tones."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import webrtcvad
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.features import loudness
from engine.features.measures import BAND_COUNT, BAND_FLOOR_DB, BAND_STEP_DB, Float32, SoundMeasures, UInt8
from engine.features.pitch import pitch_of
from engine.features.speech_scores import SpeechDetector, SpeechScorer
from engine.media.analysis_sound import VOICE_RATE, SoundBlock, sound_blocks
from engine.media.speech_sound import speech_start
from engine.model.media import AudioStream

HOP = VOICE_RATE // 100
CONTEXT = 2048
_WINDOW, _FFT = 400, 512
_VOICE_BAND_HZ = (200, 4000)
_BANDS = 2 * BAND_COUNT
_VAD_MODE = 2
_VAD_FRAME = 3 * HOP
_FLOOR = 1e-10
_TONE_FFT = 2048
_TONE_HOP = VOICE_RATE // 20
_TONE_STANDS = 8
"""A tone that stands for so many looks (0.4 s) is none of a voice, which glides."""
_TONE_ABOVE = 6.0
"""dB by which a steady tone is above what lies beside it."""


def measure_sound(
    path: Path, sound: AudioStream, detector: SpeechDetector, cancel: CancelToken
) -> SoundMeasures | None:
    """Measure a stream, decoding it once; None where it holds no sound at all.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: it cannot be read.
        UsageError: the detector is not installed.
        Cancelled: on request.
    """
    meter = SoundMeter()
    scorer = SpeechScorer() if detector is SpeechDetector.NEURAL else None
    for block in sound_blocks(path, sound, cancel):
        meter.take(block)
        if scorer is not None:
            scorer.take(block.voice)
    measured = meter.result(speech_start(sound), sound.channels)
    return measured if measured is None or scorer is None else replace(measured, speech_scores=scorer.result())


def score_speech(path: Path, sound: AudioStream, cancel: CancelToken) -> Float32:
    """Return the neural detector's scores of a stream of which everything else is measured.

    Raises:
        as `measure_sound`.
    """
    scorer = SpeechScorer()
    for block in sound_blocks(path, sound, cancel):
        scorer.take(block.voice)
    return scorer.result()


class SoundMeter:
    """Measures blocks as they come; keeps what later blocks need of earlier ones."""

    def __init__(self) -> None:
        self._vad = webrtcvad.Vad(_VAD_MODE)
        self._voice_before = np.zeros(CONTEXT, np.float32)
        self._wide_before: Float32 | None = None
        self._bands_before = np.full(_BANDS, np.log10(_FLOOR))
        self._tones_before = np.full((_TONE_STANDS - 1, _TONE_FFT // 4), -100.0)
        self._parts: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("voice_db", "bands", "voted", "flux", "pitch_hz", "loudness", "steady")
        }

    def take(self, block: SoundBlock) -> None:
        """Measure a block."""
        # Whole tenths of a second, so that all rows stay in step; only the film's end is filled up.
        step = VOICE_RATE // 10
        voice = np.pad(block.voice, (0, -block.voice.size % step))
        samples = np.concatenate([self._voice_before, voice.astype(np.float32) / 32768])
        level, bands, flux = self._spectra(samples)
        parts: dict[str, NDArray[Any]] = {
            "voice_db": level,
            "bands": bands,
            "flux": flux,
            "voted": self._votes(voice),
            "pitch_hz": pitch_of(samples, CONTEXT),
            "steady": self._steady(samples),
            "loudness": self._loudness(block)[: voice.size // step],
        }
        for name, part in parts.items():
            self._parts[name].append(part)
        self._voice_before = samples[-CONTEXT:]

    def result(self, start_s: Fraction, channels: int) -> SoundMeasures | None:
        """Return everything that was measured."""
        if not self._parts["voted"]:
            return None
        whole = {name: np.concatenate(parts) for name, parts in self._parts.items()}
        return SoundMeasures(start_s=start_s, channels=channels, **whole)

    def _votes(self, voice: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Ask the detector about every 30 ms, its longest and surest look."""
        padded = np.pad(voice, (0, -voice.size % _VAD_FRAME))
        data = padded.tobytes()
        size = 2 * _VAD_FRAME
        votes = [self._vad.is_speech(data[at : at + size], VOICE_RATE) for at in range(0, len(data), size)]
        return np.repeat(np.array(votes, np.bool_), 3)[: voice.size // HOP]

    def _spectra(self, samples: Float32) -> tuple[Float32, UInt8, Float32]:
        """Return the voice band's level in dB, the bands, and the onset strength, of every hundredth of a second."""
        windows = sliding_window_view(samples[CONTEXT + HOP - _WINDOW :], _WINDOW)[::HOP]
        power = np.abs(np.fft.rfft(windows * _HANN, _FFT)) ** 2 / (_HANN @ _HANN * _FFT / 2)
        level = 10 * np.log10(power[:, _VOICE_BINS].sum(axis=1) + _FLOOR)
        bands = power @ _BAND_WEIGHTS
        fine = np.log10(bands + 1e-8)
        growth = np.diff(fine, axis=0, prepend=self._bands_before[None])
        self._bands_before = fine[-1]
        pairs = 10 * np.log10(bands.reshape(-1, BAND_COUNT, 2).sum(axis=2) + 1e-12)
        coded = np.clip(np.rint((pairs - BAND_FLOOR_DB) / BAND_STEP_DB), 0, 255).astype(np.uint8)
        return np.asarray(level, np.float32), coded, np.asarray(np.maximum(growth, 0).mean(axis=1), np.float32)

    def _loudness(self, block: SoundBlock) -> Float32:
        before = self._wide_before
        if before is None or before.shape[0] != block.wide.shape[0]:
            before = np.zeros((block.wide.shape[0], loudness.CONTEXT), np.float32)
        samples = np.concatenate([before, block.wide], axis=1)
        self._wide_before = samples[:, -loudness.CONTEXT :]
        return loudness.weighted_powers(samples, block.channels)

    def _steady(self, samples: Float32) -> Float32:
        """Return the share of the power in tones that stood still for 0.4 s, every tenth of a second."""
        windows = sliding_window_view(samples[CONTEXT + _TONE_HOP - _TONE_FFT :], _TONE_FFT)[::_TONE_HOP]
        power = np.abs(np.fft.rfft(windows * np.hanning(_TONE_FFT))) ** 2
        decibels = 10 * np.log10(power[:, 1 : _TONE_FFT // 4 + 1] + _FLOOR)
        history = np.concatenate([self._tones_before, decibels])
        self._tones_before = history[-(_TONE_STANDS - 1) :]
        standing = sliding_window_view(history, _TONE_STANDS, axis=0).min(axis=2)
        beside = np.maximum(np.roll(decibels, 4, axis=1), np.roll(decibels, -4, axis=1))
        tones = (standing > beside + _TONE_ABOVE) & (standing > decibels.max(axis=1, keepdims=True) - 40)
        linear = 10 ** (decibels / 10)
        share = (linear * tones).sum(axis=1) / (linear.sum(axis=1) + 1e-6)
        return np.asarray(share.reshape(-1, 2).mean(axis=1), np.float32)


_HANN = np.hanning(_WINDOW)
_FREQUENCIES = np.fft.rfftfreq(_FFT, 1 / VOICE_RATE)
_VOICE_BINS = (_VOICE_BAND_HZ[0] <= _FREQUENCIES) & (_VOICE_BAND_HZ[1] >= _FREQUENCIES)


def _band_weights() -> NDArray[np.float64]:
    """Return which bins each of _BANDS bands between 50 Hz and 7.5 kHz sums, evenly spaced to the ear (mel scale)."""
    mel = np.linspace(2595 * np.log10(1 + 50 / 700), 2595 * np.log10(1 + 7500 / 700), _BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    rising = (_FREQUENCIES[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - _FREQUENCIES[:, None]) / (edges[2:] - edges[1:-1])
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None))


_BAND_WEIGHTS = _band_weights()
