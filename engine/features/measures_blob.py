"""Measures as bytes for the cache: NumPy's own archive, in half precision, which is finer than what they mean."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.features.measures import PICTURE_ROWS, Float32, PictureMeasures, SoundMeasures
from engine.features.picture_measures import Look, Measured

_SOUND_ARRAYS = ("voice_db", "bands", "voted", "flux", "pitch_hz", "steady")
_UNREADABLE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, IndexError)


def picture_bytes(measured: Measured) -> bytes:
    """Return a measured run of frames as bytes."""
    arrays = {name: _half(getattr(measured.rows, name)) for name in PICTURE_ROWS}
    for end, look in (("first", measured.first), ("last", measured.last)):
        arrays |= {f"{end}.luma": look.luma, f"{end}.histogram": look.histogram, f"{end}.signature": look.signature}
    return _packed(arrays)


def picture_from_bytes(data: bytes, count: int) -> Measured | None:
    """Return the measured run that bytes hold, or None where they hold no run of `count` frames."""
    try:
        found = _unpacked(data)
        rows = PictureMeasures(**{name: _single(found[name]) for name in PICTURE_ROWS})
        looks = [
            Look(found[f"{end}.luma"], found[f"{end}.histogram"], found[f"{end}.signature"])
            for end in ("first", "last")
        ]
    except _UNREADABLE:
        return None
    if any(getattr(rows, name).shape[0] != count for name in PICTURE_ROWS):
        return None
    return Measured(rows, *looks)


def sound_bytes(sound: SoundMeasures) -> bytes:
    """Return a measured sound as bytes."""
    facts = np.array([sound.start_s.numerator, sound.start_s.denominator, sound.channels], np.int64)
    arrays = {name: _half(getattr(sound, name)) for name in _SOUND_ARRAYS}
    # Powers span more than half precision holds.
    return _packed({"facts": facts, "loudness": sound.loudness, **arrays})


def sound_from_bytes(data: bytes) -> SoundMeasures | None:
    """Return the measured sound that bytes hold, or None."""
    try:
        found = _unpacked(data)
        over, under, channels = found["facts"].tolist()
        arrays = {name: _single(found[name]) for name in _SOUND_ARRAYS}
        return SoundMeasures(Fraction(over, under), loudness=found["loudness"], channels=channels, **arrays)
    except (*_UNREADABLE, ZeroDivisionError):
        return None


def scores_bytes(scores: Float32) -> bytes:
    """Return a neural detector's scores as bytes."""
    return _packed({"scores": _half(scores)})


def scores_from_bytes(data: bytes) -> Float32 | None:
    """Return the scores that bytes hold, or None."""
    try:
        return np.asarray(_unpacked(data)["scores"], np.float32)
    except _UNREADABLE:
        return None


def _half(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float16) if values.dtype == np.float32 else values


def _single(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _packed(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
