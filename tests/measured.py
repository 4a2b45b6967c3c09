"""Measures of films and sounds that are never written: arrays in, measures out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from engine.features.measures import PictureMeasures, SoundMeasures
from engine.features.picture_measures import PictureMeter
from engine.features.sound_measures import SoundMeter
from engine.media.analysis_sound import SoundBlock
from tests.shots import Truth, film


@dataclass(frozen=True)
class ArrayPicture:
    """A picture as the meter takes it."""

    luma: np.ndarray
    chroma: tuple[np.ndarray, ...] = ()


def measured_pictures(frames, text_every=25) -> PictureMeasures:
    """Measure uint8 [height, width, 3] Y Cb Cr frames."""
    pictures = [
        ArrayPicture(
            *(np.ascontiguousarray(frame[..., 0]), tuple(np.ascontiguousarray(frame[::2, ::2, c]) for c in (1, 2)))
        )
        for frame in frames
    ]
    return PictureMeter(text_every).measured(enumerate(pictures), len(pictures)).rows


def measured_film(plan, **facts) -> tuple[PictureMeasures, Truth]:
    """Make the film of a plan (tests.shots) and measure it."""
    frames = []
    maker = film(plan, **facts)
    while True:
        try:
            frames.append(next(maker))
        except StopIteration as end:
            return measured_pictures(frames), end.value


def measured_sound(sound, start_s=Fraction(0), channels=("FC",)) -> SoundMeasures:
    """Measure float sound at 16 kHz, in blocks as they come from a film."""
    meter = SoundMeter()
    samples = np.clip(np.rint(np.asarray(sound) * 32767), -32768, 32767).astype(np.int16)
    for first in range(0, samples.size, 160_000):
        part = samples[first : first + 160_000]
        wide = np.repeat(part, 3)[None].astype(np.float32) / 32768
        meter.take(SoundBlock(np.repeat(wide, len(channels), axis=0), channels, part))
    return meter.result(start_s, len(channels))
