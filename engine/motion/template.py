"""The region as the anchor frame shows it, prepared for comparing: scaled, smoothed, normalised, at several sizes.

A template is compared with warped frames by engine.motion.align and engine.motion.mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64, MotionFrame

WORKING_PX = 232
"""The longest side of a region at the finest level; larger regions are tracked at a smaller size."""
_SMALLEST_PX = 20
_SMOOTH_SIGMA = 0.8
NORMALISE_RADIUS = 10
"""Half the box, in pixels of a level, over which brightness and contrast are levelled out."""


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One size of the template.

    Attributes:
        scale: pixels of this level per anchor pixel.
        to_anchor: 3x3 float64, pixels of this level to anchor pixels.
        values: float32 [h, w], normalised. weight: float32 [h, w], 1 inside the region, 0 outside.
        gradient_x, gradient_y: float32 [h, w], of `values`, per pixel of this level.
        index: flat indices of the pixels with weight; jacobian: float32 [n, 8], change of value per chart parameter.
        floor: the contrast below which there is nothing but noise, in code values.
    """

    scale: float
    to_anchor: Float64
    values: Float32
    weight: Float32
    gradient_x: Float32
    gradient_y: Float32
    index: NDArray[np.int64]
    jacobian: Float32
    floor: float


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """The region on its anchor frame.

    Attributes:
        chart: its coordinates. levels: finest first.
        noise: standard deviation of the anchor's noise, in code values.
    """

    chart: Chart
    levels: tuple[Level, ...]
    noise: float


def make_template(frame: MotionFrame, alpha: Float32) -> Template:
    """Return the template of a region.

    Args:
        frame: the anchor frame.
        alpha: float32 [H, W], the region's matte on it; pixels of at least one half count.
    """
    inside = (alpha >= 0.5).astype(np.float32)
    if not inside.any():
        inside = (alpha > 0).astype(np.float32)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    width, height = right - left, bottom - top
    chart = Chart(
        (left + right - 1) / 2, (top + bottom - 1) / 2, max(width, height) / 2, max(width, 2) / 2, max(height, 2) / 2
    )
    noise = noise_sigma(frame.luma[max(0, top - 32) : bottom + 32, max(0, left - 32) : right + 32].astype(np.float32))
    finest = min(1.0, WORKING_PX / max(width, height))
    levels = []
    scale = finest
    while True:
        levels.append(_level(frame, inside, chart, scale, (left, top, right, bottom), noise))
        scale /= 2
        if max(width, height) * scale < _SMALLEST_PX or len(levels) == 5:
            break
    return Template(chart, tuple(levels), noise)


def normalised(values: Float32, floor: float) -> Float32:
    """Return values with local mean and contrast levelled out; contrast below `floor` fades to nothing."""
    size = (2 * NORMALISE_RADIUS + 1, 2 * NORMALISE_RADIUS + 1)
    mean = cv2.blur(values, size, borderType=cv2.BORDER_REFLECT)
    square = cv2.blur(values * values, size, borderType=cv2.BORDER_REFLECT)
    spread = np.sqrt(np.maximum(square - mean * mean, 0.0) + np.float32(floor * floor))
    return np.asarray((values - mean) / spread, np.float32)


def noise_sigma(values: Float32) -> float:
    """Return the noise of a picture (Immerkaer, "Fast noise variance estimation", 1996), robust to texture."""
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(cv2.filter2D(values, -1, kernel))[1:-1, 1:-1]
    if not response.size:
        return 1.0
    # The flattest third: elsewhere the response is texture.
    return float(np.clip(np.percentile(response, 33) / 0.43 / 6.0, 0.3, 12.0))


def smoothed(values: Float32) -> Float32:
    """Return values smoothed as template and frame both are before they are compared."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), _SMOOTH_SIGMA), np.float32)


def _level(
    frame: MotionFrame,
    inside: Float32,
    chart: Chart,
    scale: float,
    box: tuple[int, int, int, int],
    noise: float,
) -> Level:
    left, top, right, bottom = box
    # Room around the region for the normalisation's box, as far as the frame goes.
    room = int(np.ceil((NORMALISE_RADIUS + 3) / scale))
    x0, y0 = max(0, left - room), max(0, top - room)
    x1, y1 = min(frame.width, right + room), min(frame.height, bottom + room)
    size = max(2, round((x1 - x0) * scale)), max(2, round((y1 - y0) * scale))
    sx, sy = (x1 - x0) / size[0], (y1 - y0) / size[1]
    to_anchor = np.array([[sx, 0, x0 + sx / 2 - 0.5], [0, sy, y0 + sy / 2 - 0.5], [0, 0, 1.0]])
    window = frame.luma[y0:y1, x0:x1].astype(np.float32)
    small = cv2.resize(window, size, interpolation=cv2.INTER_AREA) if scale < 1 else window
    weight = cv2.resize(inside[y0:y1, x0:x1], size, interpolation=cv2.INTER_AREA) if scale < 1 else inside[y0:y1, x0:x1]
    floor = 2.0 + 2.0 * noise * min(1.0, scale * 1.5)
    values = normalised(smoothed(np.asarray(small, np.float32)), floor)
    gradient_x = cv2.Scharr(values, cv2.CV_32F, 1, 0, scale=1 / 32)
    gradient_y = cv2.Scharr(values, cv2.CV_32F, 0, 1, scale=1 / 32)
    weight = np.ascontiguousarray(weight, np.float32)
    weight[weight < 0.5] = 0
    index = np.flatnonzero(weight).astype(np.int64)
    rows, columns = np.divmod(index, size[0])
    x = ((columns * sx + to_anchor[0, 2]) - chart.x) / chart.radius
    y = ((rows * sy + to_anchor[1, 2]) - chart.y) / chart.radius
    gx = gradient_x.ravel()[index] * (chart.radius / sx)
    gy = gradient_y.ravel()[index] * (chart.radius / sy)
    jacobian = np.stack(
        [
            gx,
            gy,
            gx * x + gy * y,
            gy * x - gx * y,
            gx * x - gy * y,
            gx * y + gy * x,
            -(gx * x * x + gy * x * y),
            -(gx * x * y + gy * y * y),
        ],
        axis=1,
    ).astype(np.float32)
    return Level(
        1 / sx,
        to_anchor,
        values,
        weight,
        np.asarray(gradient_x, np.float32),
        np.asarray(gradient_y, np.float32),
        index,
        jacobian,
        floor,
    )
