"""Loudness as broadcast measures it: K-weighting, momentary and integrated loudness (ITU-R BS.1770-5, EBU R 128)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.features.measures import Float32

RATE = 48_000
STEP = RATE // 10
CONTEXT = STEP
"""Samples before a block that its filter has to have seen: the filter has forgotten all but -100 dB by then."""

SILENT_LUFS = -70.0
"""The absolute gate; what is below it counts as silence (BS.1770-5, annex 1, formula 5)."""

# BS.1770-5, annex 1, tables 1 and 2: the shelf of a head, then the high-pass; coefficients for 48 kHz.
_STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
# BS.1770-5, annex 1, table 3: surround channels count 1.5 dB more, the low-frequency one not at all.
_SURROUND = {"SL", "SR", "BL", "BR", "WL", "WR"}
_UNHEARD = {"LFE", "LFE2"}


def weighted_powers(samples: Float32, channels: tuple[str, ...]) -> Float32:
    """Return the K-weighted power of every tenth of a second of a block, summed over the channels.

    Args:
        samples: float32 [channels, CONTEXT + n]: what came before the block (or silence), then the block.
        channels: the name of each.

    Returns:
        float32 [ceil(n / STEP)]; a last part of a step counts as if silence followed.
    """
    count = samples.shape[1]
    steps = -(-(count - CONTEXT) // STEP)
    padded = CONTEXT + steps * STEP
    response = _response(padded)
    total = np.zeros(steps)
    for name, channel in zip(channels, samples, strict=True):
        weight = 0.0 if name in _UNHEARD else 10**0.15 if name in _SURROUND else 1.0
        if weight == 0 or not channel.any():
            continue
        # The filter looks back only, so what wraps around falls into the context, which is dropped.
        heard = np.fft.irfft(np.fft.rfft(channel, padded) * response, padded)[CONTEXT:]
        total += weight * (heard.reshape(steps, STEP) ** 2).mean(axis=1)
    return np.asarray(total, np.float32)


@lru_cache(maxsize=4)
def _response(length: int) -> NDArray[np.complex128]:
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(length))
    response = np.ones(z.size, np.complex128)
    for (b0, b1, b2), (a0, a1, a2) in _STAGES:
        response *= (b0 + b1 * z + b2 * z * z) / (a0 + a1 * z + a2 * z * z)
    return response


def lufs(power: NDArray[np.floating]) -> Float32:
    """Return loudness in LUFS for K-weighted powers; never below -120 (BS.1770-5, annex 1, formula 2)."""
    return np.asarray(-0.691 + 10 * np.log10(np.maximum(power, 1e-12)), np.float32)


def momentary(powers: Float32) -> Float32:
    """Return the momentary loudness in LUFS: of the 0.4 s that end with each step (EBU Tech 3341, 2.2)."""
    if not powers.size:
        return np.zeros(0, np.float32)
    sums = np.cumsum(np.concatenate([np.zeros(4), powers.astype(np.float64)]))
    return lufs(np.maximum(sums[4:] - sums[:-4], 0) / 4)


def integrated(powers: Float32) -> float | None:
    """Return the integrated loudness in LUFS, None where all is silence (BS.1770-5, annex 1, formulae 5 to 7)."""
    if powers.size < 4:
        return None
    blocks = np.convolve(powers.astype(np.float64), np.full(4, 0.25), "valid")
    loud = blocks[lufs(blocks) > SILENT_LUFS]
    if not loud.size:
        return None
    gated = loud[lufs(loud) > lufs(loud.mean()) - 10.0]
    return float(lufs(gated.mean()))
