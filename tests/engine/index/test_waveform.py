"""The outline of a source's sound."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from engine.control import CancelToken, Progress
from engine.errors import Cancelled
from engine.index.waveform import BASE_SAMPLES, FACTOR, from_bytes, load_or_measure, measured, to_bytes
from engine.media.sound_probe import probe_sound

RATE = 44100


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """Return 20 s of silence with a positive peak at second 5 and a negative one, in one channel, at second 12."""
    path = tmp_path_factory.mktemp("sounds") / "sound.wav"
    samples = np.zeros((20 * RATE, 2))
    samples[5 * RATE] = 0.5
    samples[12 * RATE, 1] = -0.75
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return path


class Kept(dict):
    def get(self, kind: str, key: str) -> bytes | None:
        return super().get((kind, key))

    def put(self, kind: str, key: str, data: bytes) -> None:
        self[kind, key] = data


def outline(path: Path):
    return measured(path, probe_sound(path).audio[0], Progress(), CancelToken())


def test_every_level_keeps_the_extremes(sound):
    found = outline(sound)
    for number, level in enumerate(found.levels):
        size = BASE_SAMPLES * FACTOR**number
        assert level[1].argmax() == 5 * RATE // size
        assert level[0].argmin() == 12 * RATE // size
        assert level[1].max() == pytest.approx(0.5 * 32767, abs=2)
        assert level[0].min() == pytest.approx(-0.75 * 32767, abs=2)


@pytest.mark.parametrize("columns", [20, 200, 4000])
def test_columns_show_the_extremes_of_their_time(sound, columns):
    peaks = outline(sound).peaks(0.0, 20.0, columns)
    assert peaks.shape == (2, columns)
    assert abs(int(peaks[1].argmax()) - columns * 5 / 20) <= 1
    assert abs(int(peaks[0].argmin()) - columns * 12 / 20) <= 1


def test_columns_outside_the_sound_are_empty(sound):
    found = outline(sound)
    assert not found.peaks(-10.0, -1.0, 50).any()
    assert not found.peaks(30.0, 40.0, 50).any()
    assert found.peaks(-5.0, 30.0, 70)[1].max() > 0.4


def test_an_outline_comes_back_from_the_cache_and_a_damaged_one_is_measured_anew(sound):
    cache, stream = Kept(), probe_sound(sound).audio[0]
    first = load_or_measure(sound, stream, "key", cache, Progress(), CancelToken())
    ((place, blob),) = cache.items()
    again = load_or_measure(Path("nowhere"), stream, "key", cache, Progress(), CancelToken())
    assert again.start_s == first.start_s == Fraction(0)
    assert all(np.array_equal(a, b) for a, b in zip(first.levels, again.levels, strict=True))
    for damaged in (b"", blob[:40], blob[:-1], blob[:30] + b"x" + blob[31:]):
        assert from_bytes(damaged) is None
        cache[place] = damaged
        assert load_or_measure(sound, stream, "key", cache, Progress(), CancelToken()).rate == RATE
    assert from_bytes(to_bytes(first)) is not None


def test_measuring_stops_when_asked(sound):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        measured(sound, probe_sound(sound).audio[0], Progress(), cancel)
