"""The outline of sound for drawing."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.session.waveforms import columns
from engine.index.waveform import BASE_SAMPLES, FACTOR, Waveform

RATE = BASE_SAMPLES * 100
"""So that a stretch is 10 ms long."""


def outline(samples: np.ndarray, start_s: Fraction = Fraction(0)) -> Waveform:
    """Return the outline whose finest stretches reach from minus to plus these values."""
    levels = [np.stack([-samples, samples]).astype(np.int16)]
    for _ in range(3):
        count = -(-levels[-1].shape[1] // FACTOR)
        padded = np.pad(levels[-1], ((0, 0), (0, count * FACTOR - levels[-1].shape[1])), mode="edge")
        groups = padded.reshape(2, count, FACTOR)
        levels.append(np.stack([groups[0].min(axis=1), groups[1].max(axis=1)]))
    return Waveform(RATE, start_s, tuple(levels))


@given(st.lists(st.integers(0, 32767), min_size=1, max_size=400), st.integers(1, 60))
def test_a_column_holds_every_peak_of_its_time(values, stretches):
    samples = np.array(values)
    part_s = stretches / 100
    starts = np.arange(0, len(values) / 100, part_s) + 1e-6
    found = columns(outline(samples), starts, part_s)
    for number in range(starts.size):
        inside = samples[number * stretches : (number + 1) * stretches]
        if inside.size:
            assert found[1, number] * 32767 >= inside.max() - 1
            assert found[0, number] == -found[1, number]


def test_outside_the_sound_there_is_silence():
    waveform = outline(np.full(100, 20000), Fraction(1))
    found = columns(waveform, np.array([0.5, 1.5, 2.5]), 0.01)
    assert found[1].tolist() == [0.0, pytest.approx(20000 / 32767), 0.0]


def test_the_outline_of_a_film_comes_by_itself_and_only_once(stage, qtbot):
    waveforms = stage.session.waveforms
    source = stage.project.sources[0].id
    arrived = []
    waveforms.arrived.connect(arrived.append)
    assert waveforms.waveform(source) is None
    assert waveforms.waveform(source) is None
    qtbot.waitUntil(lambda: bool(arrived), timeout=10_000)
    qtbot.wait(50)
    assert arrived == [source]


def test_a_source_without_such_a_stream_is_not_asked_again(stage, qtbot):
    waveforms = stage.session.waveforms
    source = stage.project.sources[0].id
    with qtbot.waitSignal(waveforms.arrived, timeout=10_000):
        waveforms.waveform(source, 7)
    assert waveforms.waveform(source, 7) is None
    assert not waveforms._queue
