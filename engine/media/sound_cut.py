"""The sound of a film that was cut: parts of films' sound joined to the sample, with short fades, and encoded.

Positions count samples of the output. A part of a source begins at the sample nearest to its second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.codec.context import CodecContext

from engine.control import CancelToken
from engine.errors import UnsupportedMedia
from engine.media.coded import CodedUnit
from engine.media.samples import Samples, frame_of
from engine.media.sound_read import SoundReaders

FADE_MS = 4
"""How long the sound fades out before a join and in behind it: a step in the wave would click."""

_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus", "vorbis": "libvorbis"}
_LEAST_BIT_RATE = 96_000
"""Of a re-encoded channel: clearly above what films use, since the sound goes through a codec twice."""

_MOST_BIT_RATE = {"mp3": 320_000, "ac3": 640_000, "mp2": 384_000}
_BLOCK = 1024
_READ = 1 << 15
_GLOBAL_HEADER = 1 << 22


@dataclass(frozen=True, slots=True)
class SoundPart:
    """A run of the output's sound.

    Attributes:
        samples: how many.
        path: the film, None for silence. stream: its sound stream's index in the file.
        start_s: second of the source at which it begins.
    """

    samples: int
    path: Path | None = None
    stream: int = 0
    start_s: Fraction = Fraction(0)
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class SoundForm:
    """How a track is encoded; codec and encoder in FFmpeg's names, rate in samples per second."""

    codec: str
    encoder: str
    rate: int
    layout: str
    bit_rate: int


def form_of(codec: str, rate: int, layout: str, channels: int, bit_rate: int) -> SoundForm | None:
    """Return how to encode sound anew in a source's codec; None where there is no encoder for it here."""
    encoder = _ENCODERS.get(codec, codec)
    try:
        av.Codec(encoder, "w")
    except Exception:  # FFmpeg's word for "no such encoder"
        return None
    wanted = max(bit_rate, _LEAST_BIT_RATE * channels)
    if codec == "opus":
        rate = 48000
    return SoundForm(codec, encoder, rate, layout, min(wanted, _MOST_BIT_RATE.get(codec, wanted)))


def open_sound_encoder(form: SoundForm) -> AudioCodecContext:
    """Open the encoder of a form.

    Raises:
        UnsupportedMedia: it refuses the rate or the channels.
    """
    try:
        context = cast(AudioCodecContext, CodecContext.create(form.encoder, "w"))
        context.sample_rate, context.layout = form.rate, form.layout
        formats = av.Codec(form.encoder, "w").audio_formats
        context.format = formats[0].name if formats else "fltp"
        context.bit_rate = form.bit_rate
        context.time_base = Fraction(1, form.rate)
        context.flags |= _GLOBAL_HEADER
        context.open()
    except Exception as error:  # FFmpeg's errors and those of its wrapper
        raise UnsupportedMedia(
            f"the encoder {form.encoder} refuses {form.layout} sound at {form.rate} Hz: {error}"
        ) from error
    return context


class JoinedSound:
    """Parts one after the other, each exactly as long as it says, read in order or from anywhere; for one thread.

    Args:
        parts: in order.
        form: rate and channels.
    """

    def __init__(self, parts: Sequence[SoundPart], form: SoundForm) -> None:
        self._parts = tuple(parts)
        self._starts = list(accumulate((part.samples for part in parts), initial=0))
        self._rate = form.rate
        self._fade = form.rate * FADE_MS // 1000
        self._channels = av.AudioLayout(form.layout).nb_channels
        self._readers = SoundReaders(form.rate, form.layout)

    @property
    def sample_count(self) -> int:
        """Return the samples of all parts."""
        return self._starts[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._readers.close()

    def read(self, start: int, count: int) -> Samples:
        """Return float32 [channels, count] from sample `start` on; silence before the first part and behind the last.

        Raises:
            MissingMedia, DamagedMedia: a source's sound cannot be read.
        """
        result: Samples = np.zeros((self._channels, count), np.float32)
        number = max(0, bisect_right(self._starts, start) - 1)
        while number < len(self._parts) and self._starts[number] < start + count:
            part, begun = self._parts[number], self._starts[number]
            low, high = max(start, begun), min(start + count, begun + part.samples)
            if part.path is not None and low < high:
                reader = self._readers.reader(part.path, part.stream)
                wave = reader.read(round(part.start_s * self._rate) + low - begun, high - low)
                ends = number > 0, number + 1 < len(self._parts)
                result[:, low - start : high - start] = wave * _gain(part, low - begun, high - low, self._fade, *ends)
            number += 1
        return result


def joined_sound(parts: Sequence[SoundPart], form: SoundForm, cancel: CancelToken) -> Iterator[Samples]:
    """Yield the parts one after the other, each exactly as long as it says.

    Yields:
        float32 [channels, n].

    Raises:
        DamagedMedia: a source's sound cannot be decoded.
        Cancelled: on request.
    """
    with JoinedSound(parts, form) as joined:
        for at in range(0, joined.sample_count, _READ):
            cancel.check()
            yield joined.read(at, min(_READ, joined.sample_count - at))


def encoded_sound(blocks: Iterator[Samples], form: SoundForm) -> Iterator[CodedUnit]:
    """Encode sound from sample 0 on; times of the units in samples, negative where the codec begins before its sound.

    Raises:
        UnsupportedMedia: the encoder fails.
    """
    context = open_sound_encoder(form)
    size = context.frame_size or _BLOCK
    resampler = AudioResampler(format=context.format.name, layout=form.layout, rate=form.rate)
    at = 0
    try:
        for block in _rechunked(blocks, size):
            frame = frame_of(block, form.layout)
            frame.sample_rate, frame.pts, frame.time_base = form.rate, at, Fraction(1, form.rate)
            at += block.shape[1]
            for converted in resampler.resample(frame):
                yield from coded_units(context, converted, form)
        yield from coded_units(context, None, form)
    except (ValueError, av.error.FFmpegError) as error:
        raise UnsupportedMedia(f"the encoder {form.encoder} failed: {error}") from error


def coded_units(context: AudioCodecContext, frame: AudioFrame | None, form: SoundForm) -> Iterator[CodedUnit]:
    """Encode a frame, or what is left where it is None; times in samples."""
    for packet in context.encode(frame):
        base = packet.time_base or Fraction(1, form.rate)
        pts = round((packet.pts or 0) * base * form.rate)
        yield CodedUnit(bytes(packet), pts, pts, round((packet.duration or 0) * base * form.rate), True)


def _rechunked(blocks: Iterator[Samples], size: int) -> Iterator[Samples]:
    held: list[Samples] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += block.shape[1]
        if count < size:
            continue
        whole = np.concatenate(held, axis=1)
        stop = count - count % size
        for start in range(0, stop, size):
            yield whole[:, start : start + size]
        held, count = [whole[:, stop:]], count - stop
    if count:
        yield np.concatenate(held, axis=1)


def _gain(part: SoundPart, at: int, count: int, fade: int, joins_before: bool, joins_behind: bool) -> Samples:
    """Return the factor of each sample of a block: the part's gain, falling to nothing at its joins."""
    fade = min(fade, part.samples // 2)
    gain = np.full(count, 10.0 ** (part.gain_db / 20), np.float32)
    where = np.arange(at, at + count, dtype=np.float32) + 0.5
    if fade and joins_before:
        gain *= np.sin(np.clip(where / fade, 0, 1) * np.float32(np.pi / 2)).astype(np.float32)
    if fade and joins_behind:
        gain *= np.sin(np.clip((part.samples - where) / fade, 0, 1) * np.float32(np.pi / 2)).astype(np.float32)
    return gain
