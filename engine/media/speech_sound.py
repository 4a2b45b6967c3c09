"""The sound of a film as a small file for listening to what is said and how: mono, 16 kHz."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream as AvAudioStream
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import DamagedMedia
from engine.media.demux import opened, translated
from engine.model.media import AudioStream

RATE = 16_000
"""What recognisers of speech work with; more is sent for nothing."""
_COMPACT_BITS_PER_S = 32_000
_BLOCK = 4096
_LEAST_GAP = RATE // 50


class SoundForm(Enum):
    """How a sound is encoded: container, encoder, MIME type."""

    LOSSLESS = ("flac", "flac", "audio/flac")
    COMPACT = ("mp3", "libmp3lame", "audio/mpeg")
    """An hour takes 14 MB; voices keep how they sound."""

    @property
    def mime(self) -> str:
        """Return the MIME type."""
        return self.value[2]


@dataclass(frozen=True, slots=True)
class SpeechSound:
    """An encoded sound; its first sample stands at `start_s` of the film's own time, and it lasts `duration_ms`."""

    data: bytes = field(repr=False)
    mime: str
    start_s: Fraction
    duration_ms: int


def speech_start(sound: AudioStream) -> Fraction:
    """Return the second of the film at which a sound stream's first sample stands."""
    return sound.start_pts * sound.time_base


def speech_sound(path: Path, sound: AudioStream, form: SoundForm, cancel: CancelToken) -> SpeechSound:
    """Return a sound stream as a file of its own, gaps in it filled with silence, so that positions are times.

    Raises:
        DamagedMedia: there is nothing to hear in it. MissingMedia, UnsupportedMedia: it cannot be read.
        Cancelled: on request.
    """
    start_s = speech_start(sound)
    buffer = io.BytesIO()
    written = 0
    container, encoder, mime = form.value
    with translated(path), opened(path) as source, av.open(buffer, "w", format=container) as target:
        stream = source.streams[sound.stream]
        assert isinstance(stream, AvAudioStream)
        track = target.add_stream(encoder, rate=RATE, layout="mono")
        assert isinstance(track, AvAudioStream)
        track.format = "s16p" if form is SoundForm.COMPACT else "s16"
        if form is SoundForm.COMPACT:
            track.bit_rate = _COMPACT_BITS_PER_S
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE)

        def write(samples: NDArray[np.int16]) -> None:
            nonlocal written
            for first in range(0, samples.size, _BLOCK):
                target.mux(track.encode(_frame(samples[first : first + _BLOCK], written, str(track.format.name))))
                written += min(_BLOCK, samples.size - first)

        def take(frame: AudioFrame | None, at: Fraction | None) -> None:
            parts: list[NDArray[Any]] = [made.to_ndarray()[0] for made in resampler.resample(frame)]
            if not parts:
                return
            samples = np.concatenate(parts)
            gap = 0 if at is None else round((at - start_s) * RATE) - written
            if gap >= _LEAST_GAP:
                write(np.zeros(gap, np.int16))
            write(samples)

        for frame in source.decode(stream):
            cancel.check()
            known = frame.pts is not None and frame.time_base is not None
            take(frame, Fraction(frame.pts or 0) * Fraction(frame.time_base or 1) if known else None)
        take(None, None)
        target.mux(track.encode(None))
    if not written:
        raise DamagedMedia(f"{path}: stream {sound.stream} holds no sound")
    return SpeechSound(buffer.getvalue(), mime, start_s, written * 1000 // RATE)


def _frame(samples: NDArray[np.int16], at: int, sample_format: str) -> AudioFrame:
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, :]), format=sample_format, layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
    return frame
