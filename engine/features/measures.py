"""What was measured of a film: values for every frame and for every hundredth of a second of its sound.

Scores, no decisions: where cuts and pauses are is decided from these, again and again if need be, without decoding.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
UInt8 = NDArray[np.uint8]

HOP_S = Fraction(1, 100)
"""The sound's finest values are this far apart."""
PITCH_HOP_S = Fraction(1, 50)
LOUDNESS_HOP_S = Fraction(1, 10)
SCORE_S = Fraction(512, 16_000)

BAND_COUNT = 12
BAND_FLOOR_DB = -120.0
BAND_STEP_DB = 0.5

SIGNATURE_LUMA = (9, 16)
SIGNATURE_CHROMA = (4, 8)
SIGNATURE_SIZE = SIGNATURE_LUMA[0] * SIGNATURE_LUMA[1] + 2 * SIGNATURE_CHROMA[0] * SIGNATURE_CHROMA[1]


@dataclass(frozen=True, slots=True, eq=False)
class PictureMeasures:
    """A row for each frame. Frames that did not decode repeat the row before them.

    Attributes:
        luma, contrast: float32 [n], mean and standard deviation of the luma, 0 to 255.
        change: float32 [n], mean absolute difference of the luma to the frame before, 0 to 255.
        unexplained: float32 [n], 0 to 1: what of the picture's structure is not the frame before, moved (and brighter
            or darker); 1 for a wholly new picture.
        colour: float32 [n], 0 to 1, how much the histogram of luma and colour differs from the frame before.
        pan_x, pan_y: float32 [n], how far the whole picture moved since the frame before, as a share of its long side.
        zoom: float32 [n], by which share it grew. local: float32 [n], mean motion beside that, in the same unit.
        text: float32 [n], share of the picture that looks like lettering; looked at twice a second and held.
        signature: uint8 [n, SIGNATURE_SIZE], the picture at 16x9 luma and twice 8x4 chroma samples.
    """

    luma: Float32
    contrast: Float32
    change: Float32
    unexplained: Float32
    colour: Float32
    pan_x: Float32
    pan_y: Float32
    zoom: Float32
    local: Float32
    text: Float32
    signature: UInt8

    @property
    def count(self) -> int:
        """Return the number of frames."""
        return int(self.luma.size)

    @property
    def motion(self) -> Float32:
        """Return float32 [n]: how fast the picture moves, as a share of its long side per frame."""
        return np.asarray(np.hypot(self.pan_x, self.pan_y) + np.abs(self.zoom) / 4 + self.local, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SoundMeasures:
    """What was measured of the first sound stream.

    Attributes:
        start_s: where in the source's time its first sample stands.
        voice_db: float32 [n] every HOP_S: level of the band of voices (200 to 4000 Hz), dB of full scale.
        bands: uint8 [n, BAND_COUNT] every HOP_S: level of bands evenly spaced to the ear from 50 Hz to 7.5 kHz, in
            steps of BAND_STEP_DB above BAND_FLOOR_DB of full scale.
        voted: bool [n] every HOP_S: the voice activity detector hears a voice.
        flux: float32 [n] every HOP_S: how much the spectrum grew, for onsets.
        pitch_hz: float32 [m] every PITCH_HOP_S: pitch of the voice, 0 where none is heard.
        loudness: float32 [k] every LOUDNESS_HOP_S: mean square after K-weighting, summed over channels with their
            weights (ITU-R BS.1770-5), of the tenth of a second.
        steady: float32 [k] every LOUDNESS_HOP_S: share of the power in tones that stand still, as notes do; 0 to 1.
        channels: how many the stream has.
        speech_scores: float32 [s] every SCORE_S: how likely a neural network finds speech there, 0 to 1; None where it
            was not asked.
    """

    start_s: Fraction
    voice_db: Float32
    bands: UInt8
    voted: Bool
    flux: Float32
    pitch_hz: Float32
    loudness: Float32
    steady: Float32
    channels: int
    speech_scores: Float32 | None = None

    @property
    def duration_s(self) -> float:
        """Return how long the sound is."""
        return self.voice_db.size * float(HOP_S)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """A source, measured; sound is None for one without sound."""

    picture: PictureMeasures
    sound: SoundMeasures | None


PICTURE_ROWS = tuple(field.name for field in fields(PictureMeasures))


def joined_rows(parts: list[PictureMeasures]) -> PictureMeasures:
    """Return the rows of successive runs of frames as one."""
    return PictureMeasures(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in PICTURE_ROWS},
    )


STEP_ROWS = ("change", "unexplained", "colour", "pan_x", "pan_y", "zoom", "local")
"""What compares a frame with the one before it."""

NO_PICTURE = PictureMeasures(
    **{name: np.zeros(1, np.float32) for name in PICTURE_ROWS[:-1]},
    signature=np.zeros((1, SIGNATURE_SIZE), np.uint8),
)
"""One black frame."""


def unchanged_rows(before: PictureMeasures, count: int) -> PictureMeasures:
    """Return the rows of `count` frames that all show the last picture of a run."""
    rows = {name: np.repeat(getattr(before, name)[-1:], count, axis=0) for name in PICTURE_ROWS}
    return PictureMeasures(**{name: np.zeros_like(row) if name in STEP_ROWS else row for name, row in rows.items()})
