"""When speech is heard, and how far a track is turned down meanwhile.

The gain at a moment depends on the speech near it alone, never on where reading began: what is played is what is
exported.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.media.samples import Samples
from engine.model.sound import Ducking

HOP_S = 0.01
"""Speech is looked for in steps of so many seconds."""

_BAND_HZ = (150.0, 5000.0)
_SPEECH_DB = -45.0
"""Power of that band, relative to full scale, from which sound counts as speech: quiet talking in a film has more,
the noise of a room has less."""

_HOLD_S = 0.25
"""The pauses between words do not count."""

_CHUNK_HOPS = 200

Read = Callable[[int, int], Samples]


class SpeechGate:
    """Tells in which hops speech is heard, counted from the timeline's start; remembers what it has looked at.

    Args:
        read: gives float32 [channels, n] of all speech, from a sample of the timeline.
        rate: samples per second.
    """

    def __init__(self, read: Read, rate: int) -> None:
        self._read = read
        self._hop = max(1, round(rate * HOP_S))
        self._chunks: dict[int, NDArray[np.bool_]] = {}
        frequencies = np.fft.rfftfreq(2 * self._hop, 1 / rate)
        self._band = (frequencies >= _BAND_HZ[0]) & (frequencies <= _BAND_HZ[1])

    @property
    def hop(self) -> int:
        """Return the samples of a hop."""
        return self._hop

    def active(self, first: int, stop: int) -> NDArray[np.bool_]:
        """Return bool [stop - first]: whether speech is heard in each hop; none before the timeline."""
        result = np.zeros(stop - first, np.bool_)
        for number in range(max(0, first) // _CHUNK_HOPS, max(0, stop - 1) // _CHUNK_HOPS + 1):
            start = number * _CHUNK_HOPS
            low, high = max(first, start), min(stop, start + _CHUNK_HOPS)
            if low < high:
                result[low - first : high - first] = self._chunk(number)[low - start : high - start]
        return result

    def _chunk(self, number: int) -> NDArray[np.bool_]:
        found = self._chunks.get(number)
        if found is None:
            # Windows of two hops that overlap by half: the sound of one hop more than there are hops.
            wave = self._read(number * _CHUNK_HOPS * self._hop, (_CHUNK_HOPS + 1) * self._hop).mean(axis=0)
            hops = wave.reshape(_CHUNK_HOPS + 1, self._hop)
            windows = np.concatenate([hops[:-1], hops[1:]], axis=1) * np.hanning(2 * self._hop).astype(np.float32)
            power = (np.abs(np.fft.rfft(windows, axis=1)[:, self._band]) ** 2).sum(axis=1)
            # Parseval, for one side of the spectrum, over the window's own power of 3/8.
            mean_square = 2 * power / (2 * self._hop) ** 2 / 0.375
            found = self._chunks[number] = mean_square > 10 ** (_SPEECH_DB / 10)
        return found


def ducked_db(gate: SpeechGate, ducking: Ducking, start: int, count: int, rate: int) -> NDArray[np.float32]:
    """Return float32 [count], the gain in dB of each sample from `start` on: 0 without speech, -by_db under it.

    It falls in a straight line over attack_ms so that it is down when speech begins, stays down for a moment behind
    its end, and rises over release_ms.
    """
    hop_s = gate.hop / rate
    attack, hold, release = ducking.attack_ms / 1000 / hop_s, _HOLD_S / hop_s, ducking.release_ms / 1000 / hop_s
    ahead, back = math.ceil(attack) + 2, math.ceil(hold + release) + 2
    first, stop = start // gate.hop, (start + count - 1) // gate.hop + 2
    speech = np.flatnonzero(gate.active(first - back, stop + ahead)) + first - back
    hops = np.arange(first, stop)
    if not speech.size:
        return np.zeros(count, np.float32)
    behind = np.searchsorted(speech, hops, side="right") - 1
    since = np.where(behind >= 0, hops - speech[np.maximum(behind, 0)], np.inf)
    after = np.minimum(behind + 1, speech.size - 1)
    until = np.where(behind + 1 < speech.size, speech[after] - hops, np.inf)
    falling = 1 - until / attack if attack else (until <= 0).astype(float)
    rising = 1 - (since - hold) / release if release else (since <= hold).astype(float)
    depth = np.clip(np.maximum(falling, rising), 0, 1)
    where = (np.arange(start, start + count) / gate.hop).astype(np.float64)
    result: NDArray[np.float32] = (-ducking.by_db * np.interp(where, hops, depth)).astype(np.float32)
    return result
