"""Where a picture comes to lie in the decoded frame, and the picture there: one affine map, antialiased.

Coordinates are continuous: pixel i spans i to i + 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.model.geometry import Crop, Fit, Geometry
from engine.model.keyframes import value_at
from engine.patches.matte import Float32, Float64


@dataclass(frozen=True, slots=True)
class Screen:
    """The canvas and the decoded frame that carries it.

    Attributes:
        width, height: of the canvas in pixels as displayed. sar: of those pixels.
        rotation: degrees clockwise by which a player turns the decoded frame to show the canvas.
    """

    width: int
    height: int
    sar: Fraction = Fraction(1)
    rotation: int = 0

    @property
    def decoded_size(self) -> tuple[int, int]:
        """Return (width, height) of the decoded frame."""
        return (self.height, self.width) if self.rotation % 180 else (self.width, self.height)

    @property
    def square_size(self) -> tuple[float, float]:
        """Return (width, height) of the canvas in square pixels."""
        return self.width * float(self.sar), float(self.height)

    def to_frame(self) -> Float64:
        """Return the 3x3 map from the canvas in square pixels to decoded pixels."""
        width, height = self.width, self.height
        turned = {
            0: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
            90: [[0, 1, 0], [-1, 0, width], [0, 0, 1]],
            180: [[-1, 0, width], [0, -1, height], [0, 0, 1]],
            270: [[0, -1, height], [1, 0, 0], [0, 0, 1]],
        }[self.rotation % 360]
        return np.array(turned, np.float64) @ np.diag([1.0 / float(self.sar), 1.0, 1.0])


def laid(geometry: Geometry, at: int, width: float, height: float, screen: Screen) -> Float64:
    """Return the 3x3 map from a picture's pixels to the decoded frame's.

    Args:
        geometry: how it lies; at: the frame at which its keyframes are read.
        at: see geometry.
        width: of the picture, in square pixels.
        height: likewise.
        screen: the canvas.
    """
    across, down = screen.square_size
    match geometry.fit:
        case Fit.FIT:
            fit_x = fit_y = min(across / width, down / height)
        case Fit.FILL:
            fit_x = fit_y = max(across / width, down / height)
        case Fit.STRETCH:
            fit_x, fit_y = across / width, down / height
        case Fit.CROP:
            fit_x = fit_y = 1.0
    scale = value_at(geometry.scale, at)
    angle = math.radians(value_at(geometry.turn_deg, at))
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    middle = moved(value_at(geometry.x, at) * across, value_at(geometry.y, at) * down)
    size = np.diag([fit_x * scale, fit_y * scale, 1.0])
    # Quarter turns and whole pixels are meant exactly: what they place is not to be resampled.
    placed: Float64 = screen.to_frame() @ middle @ turn @ size @ moved(-width / 2, -height / 2)
    rounded = np.round(placed, 9)
    return rounded


def moved(x: float, y: float) -> Float64:
    """Return the 3x3 map that moves by (x, y)."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def sides(crop: Crop | None, at: int) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom) of what a crop leaves, as shares of the picture; it may be nothing."""
    if crop is None:
        return 0.0, 0.0, 1.0, 1.0
    return (
        value_at(crop.left, at),
        value_at(crop.top, at),
        1.0 - value_at(crop.right, at),
        1.0 - value_at(crop.bottom, at),
    )


def scales(to_frame: Float64) -> tuple[float, float]:
    """Return by how much a map widens a picture along its own x and y."""
    return math.hypot(to_frame[0, 0], to_frame[1, 0]), math.hypot(to_frame[0, 1], to_frame[1, 1])


def shrunk_size(width: int, height: int, to_frame: Float64) -> tuple[int, int]:
    """Return the (width, height) to which a picture is to be averaged down before it is laid; never larger."""
    across, down = scales(to_frame)
    return max(1, min(width, round(width * across))), max(1, min(height, round(height * down)))


def averaged(picture: Float32, to_frame: Float64) -> tuple[Float32, Float64]:
    """Return a picture averaged down to the size at which it will be seen, and the map from its new pixels."""
    rows, columns = picture.shape[:2]
    size = shrunk_size(columns, rows, to_frame)
    if size == (columns, rows):
        return picture, to_frame
    smaller = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)
    return smaller, to_frame @ np.diag([columns / size[0], rows / size[1], 1.0])


def covered(width: int, height: int, kept: tuple[float, float, float, float]) -> Float32:
    """Return float32 [height, width]: the share of each pixel that lies within a crop's sides."""
    left, top, right, bottom = kept

    def line(count: int, low: float, high: float) -> Float32:
        at = np.arange(count, dtype=np.float32)
        share = np.minimum(at + 1, high * count) - np.maximum(at, low * count)
        return np.asarray(np.clip(share, 0, 1), np.float32)

    return np.asarray(line(height, top, bottom)[:, None] * line(width, left, right)[None, :], np.float32)


def bounds(width: float, height: float, to_frame: Float64) -> tuple[int, int, int, int]:
    """Return the whole pixels (left, top, right, bottom) of the frame that a picture touches."""
    corners = to_frame @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1]], np.float64)
    low, high = corners[:2].min(axis=1), corners[:2].max(axis=1)
    return math.floor(low[0] + 1e-6), math.floor(low[1] + 1e-6), math.ceil(high[0] - 1e-6), math.ceil(high[1] - 1e-6)


def warped(
    premultiplied: Float32, to_frame: Float64, width: int, height: int
) -> tuple[NDArray[np.float32], int, int] | None:
    """Return a picture as it lies in the frame, with its left and top there; None where it is off it.

    Args:
        premultiplied: float32 [h, w, 4] (or [h, w] of alpha alone), already no larger than it will be.
        to_frame: the 3x3 map from its pixels.
        width: of the frame.
        height: likewise.
    """
    h, w = premultiplied.shape[:2]
    left, top, right, bottom = bounds(w, h, to_frame)
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if right <= left or bottom <= top:
        return None
    # A transparent border lets the interpolation soften the edge; pixel centres lie at halves.
    map_ = moved(-left - 0.5, -top - 0.5) @ to_frame @ moved(-0.5, -0.5)
    padded = np.pad(premultiplied, ((1, 1), (1, 1)) + ((0, 0),) * (premultiplied.ndim - 2))
    enlarges = max(scales(to_frame)) > 1.001
    result = cv2.warpAffine(
        padded,
        map_[:2],
        (right - left, bottom - top),
        flags=cv2.INTER_CUBIC if enlarges else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0, 0),
    )
    drawn = np.asarray(result, np.float32)
    # Cubic interpolation overshoots; colours may leave 0..1 by themselves, as video's do, opacity may not.
    opacity = drawn if drawn.ndim == 2 else drawn[..., 3]
    np.clip(opacity, 0.0, 1.0, out=opacity)
    return drawn, left, top
