"""Small coded clips, and decoders for spliced ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
import pytest

_GLOBAL_HEADER = 1 << 22


@dataclass(frozen=True)
class Clip:
    """Packets in decode order, with the number of the frame that each shows.

    Frame n has pts n. `shows` holds None for a packet that carries no frame of its own.
    """

    codec: str
    extradata: bytes
    packets: tuple[bytes, ...]
    shows: tuple[int | None, ...]

    def packet_of(self, frame: int) -> int:
        return self.shows.index(frame)


def frame(number: int, pix_fmt: str, width: int, height: int) -> av.VideoFrame:
    """Draw frame `number` of the one film all clips show: stripes that move, over noise that stays."""
    noise = np.random.default_rng(7).integers(0, 40, (height, width, 3))
    across, down = np.arange(width), np.arange(height)[:, None]
    stripes = 90 + 80 * np.sin((across + 3 * number) / 9 + down / 23)
    picture = np.clip(stripes[:, :, None] + noise, 0, 255).astype(np.uint8)
    return av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)


@lru_cache(maxsize=64)
def _clip(
    encoder: str, first: int, count: int, pix_fmt: str, size: tuple[int, int], options: tuple[tuple[str, str], ...],
    flags: int, bframes: int | None, gop: int | None,
) -> Clip:  # fmt: skip
    context = av.VideoCodecContext.create(encoder, "w")
    context.width, context.height = size
    context.pix_fmt = pix_fmt
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    context.thread_count = 1
    # PyAV takes the flags as a signed number.
    context.flags = ((context.flags | flags) + (1 << 31)) % (1 << 32) - (1 << 31)
    if gop is not None:
        context.gop_size = gop
    if bframes is not None:
        context.max_b_frames = bframes
    context.options = dict(options)
    packets: list[bytes] = []
    shows: list[int | None] = []
    for number in [*range(first, first + count), None]:
        picture = None
        if number is not None:
            picture = frame(number, pix_fmt, *size)
            picture.pts = number
            picture.pict_type = 0
        for packet in context.encode(picture):
            packets.append(bytes(packet))
            shows.append(packet.pts)
    return Clip(context.codec.canonical_name, bytes(context.extradata or b""), tuple(packets), tuple(shows))


@pytest.fixture(scope="session")
def coded() -> Callable[..., Clip]:
    """Return a function that encodes frames [first, first + count) of the film; clips are made once."""

    def encode(
        encoder: str,
        count: int,
        *,
        first: int = 0,
        pix_fmt: str = "yuv420p",
        size: tuple[int, int] = (160, 96),
        options: Mapping[str, str] | None = None,
        flags: int = _GLOBAL_HEADER,
        bframes: int | None = None,
        gop: int | None = None,
    ) -> Clip:
        return _clip(encoder, first, count, pix_fmt, size, tuple((options or {}).items()), flags, bframes, gop)

    return encode


def decode(codec: str, extradata: bytes, packets: Iterable[bytes]) -> list[str]:
    """Return a digest of each decoded frame's planes, in output order."""
    context = av.VideoCodecContext.create(codec, "r")
    context.thread_count = 1
    context.extradata = extradata or None
    digests = []
    for data in [*packets, None]:
        packet = None if data is None else av.Packet(data)
        digests += [hashlib.sha256(f.to_ndarray().tobytes()).hexdigest() for f in context.decode(packet)]
    return digests


@pytest.fixture(scope="session")
def decoded() -> Callable[[str, bytes, Iterable[bytes]], list[str]]:
    """Return a function that decodes packets to a digest per frame, in output order."""
    return decode
