"""Samples of sound frames as arrays, channel by channel.

Frames are packed on this way: of planar frames of eight channels PyAV 18.1 reads past the planes; the process ends.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

Samples = NDArray[np.float32]
PACKED = "flt"
"""The sample format of the frames that these functions take and give."""


def samples_of(frame: AudioFrame) -> Samples:
    """Return the samples of a PACKED frame, float32 [channels, n]."""
    return cast(Samples, frame.to_ndarray()).reshape(-1, frame.layout.nb_channels).T


def frame_of(samples: Samples, layout: str) -> AudioFrame:
    """Return samples, float32 [channels, n], as a PACKED frame of a channel layout."""
    return AudioFrame.from_ndarray(np.ascontiguousarray(samples.T, np.float32).reshape(1, -1), PACKED, layout)
