"""A film's sound in blocks for measuring: each channel at 48 kHz, and mono at 16 kHz as detectors of speech take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream as AvAudioStream
from av.error import InvalidDataError
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.media.demux import opened, translated
from engine.media.speech_sound import speech_start
from engine.model.media import AudioStream

WIDE_RATE = 48_000
VOICE_RATE = 16_000
BLOCK_S = 10
_LEAST_GAP_S = Fraction(1, 20)
_LONGEST_GAP_S = 24 * 3600


@dataclass(frozen=True, slots=True, eq=False)
class SoundBlock:
    """Up to BLOCK_S seconds of sound; only the last block of a film is shorter.

    Attributes:
        wide: float32 [channels, n] at WIDE_RATE, full scale is 1.
        channels: the name of each, as FFmpeg's ("FL", "LFE", ...).
        voice: int16 [n / 3], all channels mixed, at VOICE_RATE.
    """

    wide: NDArray[np.float32]
    channels: tuple[str, ...]
    voice: NDArray[np.int16]


def sound_blocks(path: Path, sound: AudioStream, cancel: CancelToken) -> Iterator[SoundBlock]:
    """Yield a sound stream from its first sample on, gaps in it filled with silence, so that positions are times.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: it cannot be read.
        Cancelled: on request.
    """
    with translated(path), opened(path) as container:
        stream = container.streams[sound.stream]
        assert isinstance(stream, AvAudioStream)
        feed = _Feed(speech_start(sound))
        for packet in container.demux(stream):
            cancel.check()
            try:
                frames = packet.decode()
            except (InvalidDataError, EOFError):
                continue  # a player is silent there and goes on
            for frame in frames:
                yield from feed.take(frame)
        yield from feed.rest()


@dataclass(slots=True)
class _Feed:
    """Turns frames as they come into blocks of one length."""

    start_s: Fraction
    channels: tuple[str, ...] = ()
    wide: list[NDArray[np.float32]] = field(default_factory=list)
    voice: list[NDArray[np.int16]] = field(default_factory=list)
    pending: int = 0
    passed: int = 0
    setup: tuple[str, str, int] | None = None
    to_wide: AudioResampler | None = None
    to_voice: AudioResampler | None = None

    def take(self, frame: AudioFrame) -> Iterator[SoundBlock]:
        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self.setup:
            yield from self._changed(frame, setup)
        if frame.pts is not None and frame.time_base is not None:
            at_s = Fraction(frame.pts) * Fraction(frame.time_base)
            gap_s = at_s - self.start_s - Fraction(self.passed + self.pending, WIDE_RATE)
            # A clock that jumps by days is a broken one, not silence.
            if _LEAST_GAP_S <= gap_s < _LONGEST_GAP_S:
                yield from self._silence(round(gap_s * 100) * (WIDE_RATE // 100))
        frame.pts = None
        self._append(frame)
        yield from self._full()

    def rest(self) -> Iterator[SoundBlock]:
        self._append(None)
        yield from self._full()
        if self.pending:
            yield self._block(self.pending)

    def _changed(self, frame: AudioFrame, setup: tuple[str, str, int]) -> Iterator[SoundBlock]:
        """Begin anew with another layout; what was held back comes first."""
        if self.setup is not None:
            self._append(None)
        channels = tuple(channel.name for channel in frame.layout.channels)
        if channels != self.channels and self.pending:
            yield self._block(self.pending)
        self.setup, self.channels = setup, channels
        # Packed: of eight planes or more PyAV reads some that are not there.
        self.to_wide = AudioResampler(format="flt", rate=WIDE_RATE)
        self.to_voice = AudioResampler(format="s16", layout="mono", rate=VOICE_RATE)

    def _append(self, frame: AudioFrame | None) -> None:
        if self.to_wide is None or self.to_voice is None:
            return
        count = len(self.channels)
        wide: list[NDArray[Any]] = [made.to_ndarray().reshape(-1, count).T for made in self.to_wide.resample(frame)]
        voice: list[NDArray[Any]] = [made.to_ndarray()[0] for made in self.to_voice.resample(frame)]
        self.wide += wide
        self.voice += voice
        self.pending += sum(part.shape[1] for part in wide)

    def _silence(self, samples: int) -> Iterator[SoundBlock]:
        while samples > 0:
            part = min(samples, BLOCK_S * WIDE_RATE)
            self.wide.append(np.zeros((len(self.channels), part), np.float32))
            self.voice.append(np.zeros(part // 3, np.int16))
            self.pending += part
            samples -= part
            yield from self._full()

    def _full(self) -> Iterator[SoundBlock]:
        while self.pending >= BLOCK_S * WIDE_RATE:
            yield self._block(BLOCK_S * WIDE_RATE)

    def _block(self, samples: int) -> SoundBlock:
        wide = np.concatenate(self.wide, axis=1)
        voice = np.concatenate(self.voice) if self.voice else np.zeros(0, np.int16)
        # The two resamplers hold back different amounts; what one is behind, it brings with the next block.
        wanted = samples // 3
        taken = voice[:wanted]
        if taken.size < wanted:
            taken = np.pad(taken, (0, wanted - taken.size))
        block = SoundBlock(wide[:, :samples], self.channels, taken)
        self.wide, self.voice = [wide[:, samples:]], [voice[wanted:]]
        self.pending -= samples
        self.passed += samples
        return block
