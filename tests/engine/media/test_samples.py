"""Samples go into sound frames and come out again, for any number of channels that a film may have."""

from __future__ import annotations

import numpy as np
import pytest
from av.audio.resampler import AudioResampler

from engine.media.samples import PACKED, frame_of, samples_of


@pytest.mark.parametrize(
    ("layout", "channels"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("7.1", 8), ("hexadecagonal", 16)]
)
def test_what_goes_in_comes_out_channel_by_channel(layout, channels):
    wave = np.arange(channels * 48, dtype=np.float32).reshape(channels, 48) / 1000
    assert np.array_equal(samples_of(frame_of(wave, layout)), wave)


def test_eight_channels_survive_the_way_through_planar_frames():
    wave = np.random.default_rng(2).uniform(-1, 1, (8, 1024)).astype(np.float32)
    frame = frame_of(wave, "7.1")
    frame.sample_rate = 48000
    (planar,) = AudioResampler(format="fltp", layout="7.1", rate=48000).resample(frame)
    (packed,) = AudioResampler(format=PACKED, layout="7.1", rate=48000).resample(planar)
    assert np.array_equal(samples_of(packed), wave)
