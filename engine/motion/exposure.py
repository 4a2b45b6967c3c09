"""What the camera did to a followed region: how long its shutter was open, and how noisy two looks at it are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.motion.frame import Float32, FrameReader, MotionFrame
from engine.motion.place import Place, Surface, blurred_maps
from engine.motion.template import noise_sigma, normalised

TAPS = 7
LEAST_SPEED_PX = 6.0
"""Slower motion, in pixels per frame at 720 lines, does not blur visibly."""
_SHUTTERS = (0.0, 0.25, 0.5, 0.75, 1.0)
_LEAST_PROFIT = 0.1
_LOOKS = 5


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a region was filmed.

    Attributes:
        shutter: share of the time between two frames that the shutter is open, 0 to 1; 0 where it does not show.
        anchor_speed_px: how fast the region moves on its anchor, which blurs the anchor itself.
        noise: standard deviation of what differs between two well-aligned looks, in 8-bit code values.
    """

    shutter: float
    anchor_speed_px: float
    noise: float

    def shutter_at(self, speed_px: float, lines: int) -> float:
        """Return the shutter that blurs the (already blurred) anchor as a frame of that speed is blurred."""
        if self.shutter <= 0 or speed_px * 720 / lines < LEAST_SPEED_PX or speed_px <= self.anchor_speed_px:
            return 0.0
        return float(self.shutter * np.sqrt(1 - (self.anchor_speed_px / speed_px) ** 2))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame on which the region was seen well: its number, its place, and the places beside it."""

    frame: int
    place: Place
    beside: tuple[Place, Place]


def measure(
    read: FrameReader, anchor: MotionFrame, surface: Surface, looks: list[Look], anchor_beside: tuple[Place, Place]
) -> Exposure:
    """Return how a region was filmed, from some frames on which it was seen well.

    Args:
        read: returns a frame.
        anchor: the anchor frame.
        surface: the region's coordinates.
        looks: frames to measure on.
        anchor_beside: the places one frame before and after the anchor.
    """
    chart = surface.chart
    y0, y1 = int(chart.y - chart.half_height), int(chart.y + chart.half_height) + 1
    x0, x1 = int(chart.x - chart.half_width), int(chart.x + chart.half_width) + 1
    own_noise = noise_sigma(anchor.luma[max(0, y0) : y1, max(0, x0) : x1].astype(np.float32))
    anchor_speed = surface.speed_px(*anchor_beside) / 2
    if not looks:
        return Exposure(0.0, anchor_speed, own_noise)
    fastest = sorted(looks, key=lambda look: -surface.speed_px(*look.beside))[:_LOOKS]
    fast = [
        look
        for look in fastest
        if surface.speed_px(*look.beside) / 2 > max(LEAST_SPEED_PX * anchor.height / 720, 1.5 * anchor_speed)
    ]
    shutter = _shutter(read, anchor, surface, fast, anchor_speed) if fast else 0.0
    calmest = sorted(looks, key=lambda look: surface.speed_px(*look.beside))[:_LOOKS]
    spread = [_spread(read(look.frame), anchor, surface, look) for look in calmest]
    return Exposure(shutter, anchor_speed, float(np.clip(np.median(spread) / np.sqrt(2), 0.5, 8.0)))


def _shutter(read: FrameReader, anchor: MotionFrame, surface: Surface, looks: list[Look], anchor_speed: float) -> float:
    costs = np.zeros(len(_SHUTTERS))
    for look in looks:
        x, y = _lattice(surface, look.place, anchor)
        if x.size < 256:
            continue
        seen = normalised(_at(read(look.frame), x, y), 4.0)
        speed = surface.speed_px(*look.beside) / 2
        for number, shutter in enumerate(_SHUTTERS):
            effective = Exposure(shutter, anchor_speed, 0.0).shutter_at(speed, anchor.height)
            maps = blurred_maps(surface, look.place, look.beside, effective, x, y, TAPS)
            expected = np.mean([_at(anchor, *item) for item in maps], axis=0)
            difference = seen - normalised(np.asarray(expected, np.float32), 4.0)
            costs[number] += float(np.minimum(difference * difference, 1.0).mean())
    best = int(np.argmin(costs))
    if costs[0] <= 0 or costs[best] > (1 - _LEAST_PROFIT) * costs[0]:
        return 0.0
    if 0 < best < len(_SHUTTERS) - 1:
        low, mid, high = costs[best - 1 : best + 2]
        bend = low - 2 * mid + high
        return float(_SHUTTERS[best] + (0.125 * (low - high) / bend if bend > 0 else 0.0))
    return float(_SHUTTERS[best])


def _spread(frame: MotionFrame, anchor: MotionFrame, surface: Surface, look: Look) -> float:
    """Return the robust deviation of the fine differences between a frame and the warped anchor."""
    x, y = _lattice(surface, look.place, frame)
    if x.size < 256:
        return 1.5
    seen, then = _at(frame, x, y), _at(anchor, *surface.anchor_pixels(look.place, x, y))
    light = (cv2.blur(seen, (15, 15)) + 1) / (cv2.blur(then, (15, 15)) + 1)
    difference = seen - then * light
    fine = difference - cv2.blur(difference, (9, 9))
    return 1.4826 * float(np.median(np.abs(fine)))


def _lattice(surface: Surface, place: Place, frame: MotionFrame) -> tuple[Float32, Float32]:
    """Return the frame pixels of the upright box inside the region, not more than some 40,000."""
    chart = surface.chart
    inner_x = np.array([chart.x - 0.6 * chart.half_width, chart.x + 0.6 * chart.half_width])
    inner_y = np.array([chart.y - 0.6 * chart.half_height, chart.y + 0.6 * chart.half_height])
    points = surface.frame_points(place, inner_x, inner_y)
    if points is None:
        return np.zeros((0, 0), np.float32), np.zeros((0, 0), np.float32)
    low = np.clip(np.floor(points.min(axis=0)), 0, (frame.width - 1, frame.height - 1)).astype(int)
    high = np.clip(np.ceil(points.max(axis=0)), 0, (frame.width - 1, frame.height - 1)).astype(int)
    low, high = np.maximum(low, (low + high) // 2 - 100), np.minimum(high, (low + high) // 2 + 100)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    return x, y


def _at(frame: MotionFrame, x: Float32, y: Float32) -> Float32:
    """Return the luma at float positions, float32."""
    x0, y0 = max(0, int(x.min()) - 2), max(0, int(y.min()) - 2)
    x1, y1 = min(frame.width, int(x.max()) + 3), min(frame.height, int(y.max()) + 3)
    if x1 <= x0 or y1 <= y0:
        return np.zeros(x.shape, np.float32)
    part = frame.luma[y0:y1, x0:x1].astype(np.float32)
    values = cv2.remap(part, x - np.float32(x0), y - np.float32(y0), cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32)
