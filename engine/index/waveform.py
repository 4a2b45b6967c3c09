"""The outline of a source's sound for drawing: least and greatest sample of each stretch, at several sizes of stretch.

The finest level has BASE_SAMPLES samples per peak, every further one FACTOR times as many.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.index.index_blob import IndexCache
from engine.media.sound_read import SoundReader
from engine.model.media import AudioStream

BASE_SAMPLES = 256
FACTOR = 8
_LEVELS = 4
_MOST_RATE = 48_000
_BLOCK = BASE_SAMPLES * FACTOR**3
_KIND = "waveform"
_VERSION = 1
_MAGIC = b"DCWF"
_SCALE = 32767
_LONGEST = 1 << 29

Peaks = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """The outline of one sound stream, all channels together.

    Attributes:
        rate: samples per second that were looked at.
        start_s: second of the source at which the first peak begins.
        levels: finest first; int16 [2, n] each, the least and greatest sample (32767 is full scale) of every stretch.
    """

    rate: int
    start_s: Fraction
    levels: tuple[Peaks, ...]

    def peaks(self, start_s: float, stop_s: float, columns: int) -> NDArray[np.float32]:
        """Return float32 [2, columns]: the least and greatest sample in each column of a time of the source.

        Columns are as wide as one another; those outside the sound are 0.
        """
        wide_s = (stop_s - start_s) / max(1, columns)
        level = 0
        while level + 1 < len(self.levels) and self._stretch_s(level + 1) <= wide_s:
            level += 1
        table, step_s = self.levels[level], self._stretch_s(level)
        edges = (start_s - float(self.start_s) + np.arange(columns + 1) * wide_s) / step_s
        result = np.zeros((2, columns), np.float32)
        firsts = np.floor(edges[:-1]).astype(np.int64)
        stops = np.maximum(np.ceil(edges[1:]).astype(np.int64), firsts + 1)
        inside = np.flatnonzero((stops > 0) & (firsts < table.shape[1]))
        for column in inside.tolist():
            part = table[:, max(0, firsts[column]) : stops[column]]
            result[:, column] = part[0].min() / _SCALE, part[1].max() / _SCALE
        return result

    def _stretch_s(self, level: int) -> float:
        return float(BASE_SAMPLES * FACTOR**level) / self.rate


def load_or_measure(
    path: Path, sound: AudioStream, identity_key: str, cache: IndexCache, progress: Progress, cancel: CancelToken
) -> Waveform:
    """Return the outline of a sound stream from the cache, or measure it and put it there.

    Args:
        path: the file.
        sound: one of its streams.
        identity_key: changes whenever the file does.
        cache: where outlines are kept; what fails its digest is measured anew.
        progress: cannot know the end beforehand where the file does not say; reports what is decoded.
        cancel: looked at on the way.

    Raises:
        MissingMedia, DamagedMedia: the sound cannot be read.
        Cancelled: on request.
    """
    key = f"{identity_key}:{sound.stream}:{_VERSION}"
    kept = cache.get(_KIND, key)
    found = from_bytes(kept) if kept is not None else None
    if found is None:
        found = measured(path, sound, progress, cancel)
        cache.put(_KIND, key, to_bytes(found))
    return found


def measured(path: Path, sound: AudioStream, progress: Progress, cancel: CancelToken) -> Waveform:
    """Decode a sound stream once and return its outline.

    Raises:
        MissingMedia, DamagedMedia: the sound cannot be read.
        Cancelled: on request.
    """
    rate = min(sound.sample_rate, _MOST_RATE) or _MOST_RATE
    start_s = sound.start_pts * sound.time_base
    base = [_extremes(block, BASE_SAMPLES) for block in _mono(path, sound, rate, start_s, progress, cancel)]
    levels = [np.concatenate(base, axis=1) if base else np.zeros((2, 0), np.int16)]
    for _ in range(_LEVELS - 1):
        levels.append(_coarser(levels[-1]))
    return Waveform(rate, start_s, tuple(levels))


def _mono(
    path: Path, sound: AudioStream, rate: int, start_s: Fraction, progress: Progress, cancel: CancelToken
) -> Iterator[NDArray[np.float32]]:
    with SoundReader(path, sound.stream, rate, sound.layout or "stereo") as reader:
        at = first = round(start_s * rate)
        while not reader.ended:
            cancel.check()
            block = reader.read(at, _BLOCK)
            # The loudest channel draws the outline: a sum could cancel out.
            loudest = np.abs(block).argmax(axis=0)
            yield block[loudest, np.arange(block.shape[1])]
            at += _BLOCK
            progress.report("Drawing the sound", 1 - 1 / (1 + (at - first) / rate / 60))


def _extremes(wave: NDArray[np.float32], size: int) -> Peaks:
    stretches = wave[: wave.size - wave.size % size].reshape(-1, size)
    both = np.stack([stretches.min(axis=1), stretches.max(axis=1)])
    result: Peaks = np.rint(np.clip(both, -1, 1) * _SCALE).astype(np.int16)
    return result


def _coarser(peaks: Peaks) -> Peaks:
    count = -(-peaks.shape[1] // FACTOR)
    padded = np.pad(peaks, ((0, 0), (0, count * FACTOR - peaks.shape[1])), mode="edge") if count else peaks
    groups = padded.reshape(2, count, FACTOR)
    result: Peaks = np.stack([groups[0].min(axis=1), groups[1].max(axis=1)])
    return result


def to_bytes(waveform: Waveform) -> bytes:
    """Return an outline as bytes; the coarser levels are made again from the finest."""
    start = waveform.start_s
    head = json.dumps([waveform.rate, start.numerator, start.denominator]).encode()
    body = zlib.compress(len(head).to_bytes(2, "big") + head + waveform.levels[0].astype("<i2").tobytes(), 1)
    return _MAGIC + hashlib.blake2b(body, digest_size=16).digest() + body


def from_bytes(data: bytes) -> Waveform | None:
    """Return the outline, None where the bytes are not one."""
    body = data[len(_MAGIC) + 16 :]
    if not data.startswith(_MAGIC) or hashlib.blake2b(body, digest_size=16).digest() != data[len(_MAGIC) :][:16]:
        return None
    try:
        plain = zlib.decompressobj().decompress(body, _LONGEST)
        size = int.from_bytes(plain[:2], "big")
        rate, over, under = json.loads(plain[2 : 2 + size])
        finest = np.frombuffer(plain[2 + size :], "<i2").reshape(2, -1).astype(np.int16)
        levels = [finest]
        for _ in range(_LEVELS - 1):
            levels.append(_coarser(levels[-1]))
        return Waveform(int(rate), Fraction(over, under), tuple(levels))
    except (zlib.error, ValueError, TypeError, ZeroDivisionError):
        return None
