"""The pitch of a voice, by autocorrelation (Boersma 1993: divided by that of the window)."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from engine.features.measures import Float32, Float64

RATE = 16_000
HOP = RATE // 50
WINDOW = 2 * HOP
LOWEST_HZ, HIGHEST_HZ = 65.0, 500.0
_FFT = 2048
_BAND_HZ = 1200.0
"""Harmonics above this differ between windows; without them the periods stand out."""
_LEAST_PERIODICITY = 0.55
_LEAST_POWER = 1e-7
_OCTAVE_COST = 0.02

_LAGS = np.arange(int(RATE / HIGHEST_HZ), int(RATE / LOWEST_HZ) + 2)


def pitch_of(samples: Float32, context: int) -> Float32:
    """Return the pitch in Hz every 20 ms, 0 where nothing is periodic.

    Args:
        samples: float32 [context + n] at 16 kHz.
        context: samples before the first hop; at least WINDOW.

    Returns:
        float32 [n / HOP]; each window ends with its hop.
    """
    windows = sliding_window_view(samples[context + HOP - WINDOW :], WINDOW)[::HOP]
    centred = (windows - windows.mean(axis=1, keepdims=True)) * _HANN
    power = np.abs(np.fft.rfft(centred, _FFT)) ** 2
    power[:, _TOO_HIGH] = 0
    correlation = np.fft.irfft(power)[:, : _LAGS[-1] + 2]
    total = correlation[:, :1]
    periodic = correlation / np.maximum(total, 1e-12) / _OF_WINDOW[: correlation.shape[1]]
    # Twice the period fits as well as the period: shorter lags are preferred a little.
    cost = _OCTAVE_COST * np.log2(_LAGS / _LAGS[0])
    found = periodic[:, _LAGS] - cost
    best = _LAGS[np.argmax(found, axis=1)]
    rows = np.arange(best.size)
    low, mid, high = (periodic[rows, best + by] for by in (-1, 0, 1))
    bend = low - 2 * mid + high
    between = np.where(bend < -1e-9, 0.5 * (low - high) / np.minimum(bend, -1e-9), 0.0)
    heard = (mid > _LEAST_PERIODICITY) & (total[:, 0] / (_HANN @ _HANN) > _LEAST_POWER)
    heard &= (best > _LAGS[0]) & (best < _LAGS[-1])
    return np.asarray(np.where(heard, RATE / (best + np.clip(between, -1, 1)), 0.0), np.float32)


_HANN = np.hanning(WINDOW)
_TOO_HIGH = np.fft.rfftfreq(_FFT, 1 / RATE) > _BAND_HZ


def _autocorrelation_of_window() -> Float64:
    power = np.abs(np.fft.rfft(_HANN, _FFT)) ** 2
    power[_TOO_HIGH] = 0
    correlation = np.fft.irfft(power)
    return np.asarray(np.maximum(correlation / correlation[0], 0.05), np.float64)


_OF_WINDOW = _autocorrelation_of_window()
