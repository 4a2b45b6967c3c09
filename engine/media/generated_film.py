"""The film that a service made: its pictures at chosen moments. Nothing that it says of itself is believed."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.errors import DamagedMedia, DeltacutError
from engine.media.pixels import to_rgb

_MOST_PICTURES = 5000
_LARGEST_PIXELS = 40_000_000

Rgb = NDArray[np.uint8]


def pictures_at(data: bytes, shares: Sequence[float], cancel: CancelToken) -> Iterator[Rgb]:
    """Yield the pictures of a film that show nearest to shares of its way, uint8 [h, w, 3] in sRGB.

    Args:
        data: the file.
        shares: 0 is its first picture, 1 its last; in ascending order.
        cancel: looked at between pictures.

    Raises:
        DamagedMedia: it cannot be read, or has no pictures.
        Cancelled: on request.
    """
    try:
        times = _times(data)
        if not times:
            raise DamagedMedia("the service's film holds no picture")
        first, length = times[0], times[-1] - times[0]
        wanted = [min(range(len(times)), key=lambda i: abs(times[i] - first - Fraction(s) * length)) for s in shares]
        yield from _chosen(data, wanted, cancel)
    except DeltacutError:
        raise
    except Exception as error:  # the edge to FFmpeg, whose binding lets many kinds escape
        raise DamagedMedia(f"the service's film cannot be read: {error}") from error


def _times(data: bytes) -> list[Fraction]:
    with av.open(io.BytesIO(data), "r") as container:
        if not container.streams.video:
            return []
        stream = container.streams.video[0]
        if stream.width * stream.height > _LARGEST_PIXELS:
            raise DamagedMedia(f"the service's film is {stream.width}x{stream.height}: too large")
        base = stream.time_base or Fraction(1)
        times = sorted(
            packet.pts * base for packet in container.demux(stream) if packet.size and packet.pts is not None
        )
    if len(times) > _MOST_PICTURES:
        raise DamagedMedia(f"the service's film holds {len(times)} pictures, more than {_MOST_PICTURES}")
    return times


def _chosen(data: bytes, wanted: Sequence[int], cancel: CancelToken) -> Iterator[Rgb]:
    """Yield pictures by their numbers, which ascend and may repeat; the last one stands in for those beyond it."""
    left = list(wanted)
    shown: Rgb | None = None
    with av.open(io.BytesIO(data), "r") as container:
        for number, frame in enumerate(container.decode(container.streams.video[0])):
            cancel.check()
            if number < left[0]:
                continue
            shown = to_rgb(frame)
            while left and left[0] <= number:
                yield shown
                left.pop(0)
            if not left:
                return
    if shown is None:
        raise DamagedMedia("the service's film gives no picture that is needed")
    for _ in left:
        yield shown
