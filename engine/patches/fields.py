"""Interlaced frames as two pictures, each at its own moment, and back.

A field's picture keeps the field's own lines and fills the others in between; going back takes only the own lines, so
nothing of the other field is ever written.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from engine.model.media import VideoStream
from engine.model.pixel_format import PixelFormat, Scan
from engine.patches.blend import Plane, Planes


class FieldOrder(Enum):
    """Which lines of an interlaced frame come first in time; the value is the first line's number."""

    TOP_FIRST = 0
    BOTTOM_FIRST = 1

    @classmethod
    def of(cls, stream: VideoStream) -> FieldOrder:
        """Return the order in which a stream's fields are shown; FFmpeg's second letter says it."""
        return cls.BOTTOM_FIRST if stream.field_order in ("bb", "tb") else cls.TOP_FIRST


def field_picture(planes: Planes, order: FieldOrder, moment: int) -> Planes:
    """Return one field of a frame as a whole picture, progressive, its chroma sited as usual.

    Args:
        planes: of the interlaced frame.
        order: which field comes first.
        moment: 0 for the field that comes first, 1 for the other.
    """
    parity = order.value ^ moment
    return tuple(_filled(plane, parity) for plane in planes)


def with_field(planes: Planes, picture: Planes, order: FieldOrder, moment: int) -> Planes:
    """Return a frame with one field's lines taken from a field picture.

    Args:
        planes: of the interlaced frame.
        picture: what `field_picture` returned, changed.
        order: which field comes first.
        moment: 0 for the field that comes first, 1 for the other.
    """
    parity = order.value ^ moment
    result = []
    for plane, changed in zip(planes, picture, strict=True):
        woven = plane.copy()
        woven[parity::2] = changed[parity::2]
        result.append(woven)
    return tuple(result)


def as_progressive(pixel_format: PixelFormat) -> PixelFormat:
    """Return the format of a field's picture: interlaced 4:2:0 chroma comes to lie where progressive chroma does."""
    return pixel_format.scanned(Scan.PROGRESSIVE)


def _filled(plane: Plane, parity: int) -> Plane:
    picture = plane.copy()
    lines = plane[parity::2].astype(np.int32)
    if len(lines) == 0:
        return picture
    other = picture[1 - parity :: 2]
    # The missing lines lie between two own ones; at the border the nearest is repeated.
    above = lines if parity == 0 else np.concatenate([lines[:1], lines[:-1]])
    below = np.concatenate([lines[1:], lines[-1:]]) if parity == 0 else lines
    count = len(other)
    above, below = _exactly(above, count), _exactly(below, count)
    other[:] = ((above + below + 1) >> 1).astype(plane.dtype)
    return picture


def _exactly(lines: Plane, count: int) -> Plane:
    if len(lines) >= count:
        return lines[:count]
    return np.concatenate([lines, np.repeat(lines[-1:], count - len(lines), axis=0)])
