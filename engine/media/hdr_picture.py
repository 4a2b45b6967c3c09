"""HDR pictures on an SDR screen: PQ and HLG in BT.2020 to sRGB, for looking at, never for what is exported."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

PQ, HLG = 16, 18
"""transfer_characteristics of ISO/IEC 23091-2."""

_REFERENCE_WHITE_NITS = 203.0  # ITU-R BT.2408
_HLG_PEAK_NITS = 1000.0
_KNEE = 0.6  # of reference white: as it is up to here, rolled off above
_PQ_PEAK_NITS = 2000.0  # what is brighter is white: films are graded for screens of 1000 nits and little more

# ITU-R BT.2087: linear BT.2020 to linear BT.709.
_TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)


def to_srgb(picture: NDArray[np.uint16], transfer: int) -> NDArray[np.uint8]:
    """Map an HDR picture to sRGB.

    Args:
        picture: uint16 [H, W, 3], full-scale RGB in BT.2020 under the transfer function.
        transfer: PQ or HLG.

    Returns:
        uint8 [H, W, 3].
    """
    linear = _linear(transfer)[picture]
    brightest = linear.max(axis=2, keepdims=True)
    # One factor for all three keeps the hue.
    peak = (_HLG_PEAK_NITS if transfer == HLG else _PQ_PEAK_NITS) / _REFERENCE_WHITE_NITS
    linear *= _rolled_off(brightest, peak) / np.maximum(brightest, 1e-6)
    mapped = np.clip(linear @ _TO_709.T, 0.0, 1.0)
    codes: NDArray[np.uint8] = _srgb_codes()[(mapped * 4095 + 0.5).astype(np.uint16)]
    return codes


def _rolled_off(light: NDArray[np.float32], peak: float) -> NDArray[np.float32]:
    """Compress light above the knee; continuous in value and slope, 1 at the peak and above."""
    over = np.maximum(light - _KNEE, 0.0)
    room, span = 1.0 - _KNEE, peak - _KNEE
    # over / (1 + over * k) has slope 1 at the knee; k makes it fill the room at the peak.
    k = 1.0 / room - 1.0 / span
    rolled: NDArray[np.float32] = np.minimum(light, _KNEE) + over / (1.0 + over * k)
    return np.minimum(rolled, np.float32(1.0))


@cache
def _linear(transfer: int) -> NDArray[np.float32]:
    """Return the light of each 16-bit code, 1 at reference white."""
    signal = np.arange(65536) / 65535
    if transfer == PQ:  # SMPTE ST 2084
        m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
        root = signal ** (1 / m2)
        nits = 10000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    else:  # ARIB STD-B67 / ITU-R BT.2100, with the system gamma of a 1000-nit screen applied to each component
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        nits = _HLG_PEAK_NITS * scene**1.2
    return (nits / _REFERENCE_WHITE_NITS).astype(np.float32)


@cache
def _srgb_codes() -> NDArray[np.uint8]:
    """Return the sRGB code of each of 4096 steps of light (IEC 61966-2-1)."""
    light = np.arange(4096) / 4095
    coded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (coded * 255 + 0.5).astype(np.uint8)
