"""Newly encoded sound packets that fit between copied ones: what a decoder gives goes on without a seam.

A packet of a transform codec covers two frames of sound, and what a decoder gives for a frame is the sum of two
packets. So what is encoded beside a copied packet must be the copied packet's own sound over that frame; and in AAC its
window must have the slope that the neighbour has (ISO/IEC 14496-3 4.6.11). The encoder's slope is a Kaiser-Bessel one;
for neighbours with a sine slope the sound is bent before it is encoded so that the sum comes out right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from engine.errors import UnsupportedMedia
from engine.media.coded import CodedUnit
from engine.media.samples import Samples, frame_of
from engine.media.sound_cut import SoundForm, coded_units, open_sound_encoder
from engine.media.sound_packets import FRAME_SAMPLES, aac_window

_PRE_ROLL = 3
_BEHIND = 2
_SINE, _KAISER_BESSEL = 0, 1
_KAISER_ALPHA = 4
"""Of long windows (ISO/IEC 14496-3 4.6.11.3.2)."""

Read = Callable[[int, int], Samples]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The window shapes that an encoded run must fit: of the packet before it, and of the one behind's rising half.

    None where nothing is there, or the codec has no choice of shapes.
    """

    before: int | None = None
    behind: int | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """A run whose first or last packet has a short window where its neighbour needs a long one."""

    at_start: bool
    at_end: bool


def encoded_run(read: Read, count: int, form: SoundForm, neighbours: Neighbours) -> tuple[bytes, ...] | Misfit:
    """Encode `count` packets.

    Args:
        read: gives float32 [channels, n] from a sample on; sample 0 is the first that a decoder gives for the first
            packet, and negative ones come before it.
        count: of packets.
        form: codec, rate and channels.
        neighbours: what stands before and behind.

    Raises:
        UnsupportedMedia: the encoder fails.
    """
    frame = FRAME_SAMPLES[form.codec]
    delay = encoder_delay(form)
    first = delay - _PRE_ROLL * frame
    stop = (count + _BEHIND) * frame
    wave = np.array(read(first, stop - first), np.float32)
    aac = form.codec == "aac"
    if aac and neighbours.before == _SINE:
        _bend_rising(wave[:, -first : frame - first])
    if aac and neighbours.behind == _SINE:
        _bend_falling(wave[:, count * frame - first : (count + 1) * frame - first])
    units = {unit.pts: unit.data for unit in _encoded(wave, first, form, frame)}
    try:
        run = [units[number * frame] for number in range(-1, count)]
    except KeyError:
        raise UnsupportedMedia(f"the encoder {form.encoder} leaves packets out") from None
    if not aac:
        return tuple(run[1:])
    channels = wave.shape[0]
    before, start, end = (aac_window(data, channels) for data in (run[0], run[1], run[-1]))
    long_start = before is not None and start is not None and start.rises_long and before.shape == _KAISER_BESSEL
    long_end = end is not None and end.falls_long and end.shape == _KAISER_BESSEL
    misfit = Misfit(neighbours.before is not None and not long_start, neighbours.behind is not None and not long_end)
    if misfit.at_start or misfit.at_end:
        return misfit
    if end is not None and neighbours.behind is not None and end.shape != neighbours.behind:
        run[-1] = _with_bit_flipped(run[-1], end.shape_bit)
    return tuple(run[1:])


@lru_cache(maxsize=32)
def encoder_delay(form: SoundForm) -> int:
    """Return how many samples before its sound an encoder's first packet begins."""
    frame = FRAME_SAMPLES[form.codec]
    channels = av.AudioLayout(form.layout).nb_channels
    units = list(_encoded(np.zeros((channels, 4 * frame), np.float32), 0, form, frame))
    return -units[0].pts


def _encoded(wave: Samples, first: int, form: SoundForm, frame: int) -> list[CodedUnit]:
    context = open_sound_encoder(form)
    resampler = AudioResampler(format=context.format.name, layout=form.layout, rate=form.rate)
    units: list[CodedUnit] = []
    for at in range(0, wave.shape[1], frame):
        block = frame_of(wave[:, at : at + frame], form.layout)
        block.sample_rate, block.pts, block.time_base = form.rate, at, Fraction(1, form.rate)
        for converted in resampler.resample(block):
            units += coded_units(context, converted, form)
    units += coded_units(context, None, form)
    return [CodedUnit(u.data, u.pts + first, u.dts + first, u.duration, u.key) for u in units]


@lru_cache(maxsize=1)
def _slopes() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the rising halves of the sine and the Kaiser-Bessel window, float64 [1024] each."""
    size = FRAME_SAMPLES["aac"]
    sine = np.sin((np.arange(size) + 0.5) * np.pi / (2 * size))
    kernel = np.kaiser(size + 1, np.pi * _KAISER_ALPHA)
    return sine, np.sqrt(np.cumsum(kernel)[:size] / kernel.sum())


def _bend_rising(wave: Samples) -> None:
    """Change a frame so that, windowed with the Kaiser-Bessel slope and folded, it is what the sine slope makes of it.

    Folding subtracts the mirrored frame: one equation for each pair of samples, met by the one with more weight.
    """
    sine, kaiser = _slopes()
    half = wave.shape[1] // 2
    low = wave[:, :half].astype(np.float64)
    high = wave[:, half:][:, ::-1].astype(np.float64)
    wanted = sine[half:][::-1] * high - sine[:half] * low
    wave[:, half:] = ((wanted + kaiser[:half] * low) / kaiser[half:][::-1])[:, ::-1].astype(np.float32)


def _bend_falling(wave: Samples) -> None:
    """The same for the falling half, where folding adds the mirrored frame."""
    sine, kaiser = (slope[::-1] for slope in _slopes())
    half = wave.shape[1] // 2
    low = wave[:, :half].astype(np.float64)
    high = wave[:, half:][:, ::-1].astype(np.float64)
    wanted = sine[:half] * low + sine[half:][::-1] * high
    wave[:, :half] = ((wanted - kaiser[half:][::-1] * high) / kaiser[:half]).astype(np.float32)


def _with_bit_flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 0x80 >> bit % 8
    return bytes(changed)
