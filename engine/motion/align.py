"""Align a template with a frame as one plane: robust Gauss-Newton on locally normalised pixels.

The template's gradients stand in for the frame's (Baker and Matthews, "Lucas-Kanade 20 years on", 2004), so they are
computed once. Bending is engine.motion.mesh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from engine.motion.chart import PARAMETERS, Chart, project
from engine.motion.frame import Float32, Float64, MotionFrame
from engine.motion.linear import product_of_transposed, solved
from engine.motion.template import Level, Template, normalised, smoothed

LOOSE = 0.35
"""Local mean square of the difference of two normalised pictures at which a pixel counts a quarter, while little is
known; unrelated pictures have about 1.5, a good match under 0.1."""
TIGHT = 0.08
"""The same where the region has matched well so far."""
_CHANCE_SHIFT = 0.35
_BORDER_PX = 0.05
_LEAST_ON_FRAME = 0.2
_ENERGY_RADIUS = 3
_CORRELATED_PIXELS = 12.0
"""How many neighbouring residuals carry the information of one: both pictures are smoothed."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """How well a homography brings the template onto the frame.

    Attributes:
        homography: 3x3, anchor pixels to frame pixels.
        information: float64 [8, 8], inverse covariance of the chart's parameters about `homography`.
        support: share of the region that matches, 0 to 1.
        correlation: of the matching part, -1 to 1.
        residual: mean square of the differences of the matching part.
        weight: float32, how far each pixel of the level was believed.
    """

    homography: Float64
    information: Float64
    support: float
    correlation: float
    residual: float
    weight: Float32


class Sight:
    """A frame prepared for being compared with a template: cropped around where the region may be, at all levels."""

    def __init__(self, frame: MotionFrame, template: Template, around: Sequence[Float64]) -> None:
        self._template = template
        corners = np.concatenate([c.reshape(4, 2) for c in around])
        size = np.ptp(corners, axis=0)
        room = 0.25 * float(size.max()) + 16
        low, high = corners.min(axis=0) - room, corners.max(axis=0) + room
        x0, y0 = (int(max(0, value)) for value in np.floor(low))
        x1, y1 = int(min(frame.width, np.ceil(high[0]))), int(min(frame.height, np.ceil(high[1])))
        self.empty = x1 - x0 < 8 or y1 - y0 < 8
        self._pictures: list[Float32] = []
        self._from_frame: list[Float64] = []
        if self.empty:
            return
        small = frame.luma[y0:y1, x0:x1].astype(np.float32)
        for level in template.levels:
            target = max(2, round((x1 - x0) * level.scale)), max(2, round((y1 - y0) * level.scale))
            if target != (small.shape[1], small.shape[0]):
                small = np.asarray(cv2.resize(small, target, interpolation=cv2.INTER_AREA), np.float32)
            sx, sy = small.shape[1] / (x1 - x0), small.shape[0] / (y1 - y0)
            self._pictures.append(smoothed(np.asarray(small, np.float32)))
            self._from_frame.append(
                np.array([[sx, 0, (0.5 - x0) * sx - 0.5], [0, sy, (0.5 - y0) * sy - 0.5], [0, 0, 1.0]])
            )

    def warped(self, level_number: int, homography: Float64) -> tuple[Float32, Float32]:
        """Return the frame seen through a homography on a level's grid: normalised values, and where it has any."""
        level = self._template.levels[level_number]
        shape = level.values.shape[1], level.values.shape[0]
        matrix = self._from_frame[level_number] @ homography @ level.to_anchor
        picture = self._pictures[level_number]
        values = cv2.warpPerspective(
            picture, matrix, shape, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        seen = np.ones(level.values.shape, np.float32)
        corners = project(
            matrix, np.array([[0.0, 0.0], [shape[0] - 1, 0], [shape[0] - 1, shape[1] - 1], [0, shape[1] - 1]])
        )
        limits = picture.shape[1] - 1, picture.shape[0] - 1
        if (corners < -_BORDER_PX).any() or (corners > np.add(limits, _BORDER_PX)).any():
            # Where the picture ends nothing is compared; the levels beyond only fill the normalising boxes.
            inside = cv2.warpPerspective(
                np.ones_like(picture), matrix, shape, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
            )
            seen = np.asarray(cv2.erode(inside, np.ones((3, 3), np.uint8)), np.float32)
        return normalised(np.asarray(values, np.float32), level.floor), seen

    def sampled(
        self, level_number: int, map_x: Float32, map_y: Float32, homography: Float64
    ) -> tuple[Float32, Float32]:
        """Return the frame on a level's grid, displaced to (map_x, map_y) in its pixels before the homography."""
        level = self._template.levels[level_number]
        matrix = self._from_frame[level_number] @ homography @ level.to_anchor
        depth = matrix[2, 0] * map_x + matrix[2, 1] * map_y + matrix[2, 2]
        x = ((matrix[0, 0] * map_x + matrix[0, 1] * map_y + matrix[0, 2]) / depth).astype(np.float32)
        y = ((matrix[1, 0] * map_x + matrix[1, 1] * map_y + matrix[1, 2]) / depth).astype(np.float32)
        picture = self._pictures[level_number]
        values = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = (x >= -_BORDER_PX) & (y >= -_BORDER_PX)
        inside &= (x <= picture.shape[1] - 1 + _BORDER_PX) & (y <= picture.shape[0] - 1 + _BORDER_PX)
        return normalised(np.asarray(values, np.float32), level.floor), inside.astype(np.float32)


def match_weight(values: Float32, seen: Float32, level: Level, tolerance: float) -> tuple[Float32, Float32]:
    """Return the difference from the template, and how far each pixel is to be believed (0 to 1)."""
    difference = values - level.values
    size = (2 * _ENERGY_RADIUS + 1, 2 * _ENERGY_RADIUS + 1)
    energy = cv2.blur(difference * difference, size)
    weight = level.weight * seen / np.square(1 + np.square(energy / np.float32(tolerance)))
    return difference, np.asarray(weight, np.float32)


def likeness(
    sight: Sight, template: Template, level_number: int, homography: Float64, tolerance: float = LOOSE
) -> float:
    """Return how much of the region matches under a homography, and how well, 0 to 1, at one level."""
    if sight.empty:
        return 0.0
    level = template.levels[level_number]
    values, seen = sight.warped(level_number, homography)
    difference, weight = match_weight(values, seen, level, tolerance)
    match = figures(homography, np.zeros((PARAMETERS, PARAMETERS)), values, difference, weight, level)
    return match.support * max(match.correlation, 0.0)


def chance(sight: Sight, template: Template, level_number: int, homography: Float64, tolerance: float) -> float:
    """Return the likeness that the region has with places where it is not: a little beside `homography`."""
    chart = template.chart
    total = 0.0
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        beside = homography @ chart.motion(np.array([x, y, 0, 0, 0, 0, 0, 0]) * _CHANCE_SHIFT)
        total += likeness(sight, template, level_number, beside, tolerance)
    return total / 4


def align(
    sight: Sight,
    template: Template,
    start: Float64,
    spread_px: Float64,
    *,
    coarsest: int,
    tolerance: float,
    steps: int = 5,
) -> Alignment:
    """Return the homography that aligns the template with the frame best, near `start`.

    Args:
        sight: the frame.
        template: the region on its anchor.
        start: 3x3, a first guess, anchor pixels to frame pixels.
        spread_px: float64 [8], how far from the guess each parameter is likely to be, in pixels at the region's edge.
        coarsest: the level to begin with.
        tolerance: how much difference is taken for a match at the finest level, LOOSE to TIGHT.
        steps: the most steps per level.
    """
    chart = template.chart
    prior = np.diag((chart.radius / spread_px) ** 2)
    parameters = np.zeros(PARAMETERS)
    information = np.zeros((PARAMETERS, PARAMETERS))
    for level_number in range(min(coarsest, len(template.levels) - 1), -1, -1):
        level = template.levels[level_number]
        for _ in range(steps):
            values, seen = sight.warped(level_number, start @ chart.motion(parameters))
            difference, weight = match_weight(values, seen, level, tolerance if level_number == 0 else LOOSE)
            w, r = weight.ravel()[level.index], difference.ravel()[level.index]
            total = float(w.sum())
            if total < 4:
                break
            noise = max(float((w * r * r).sum()) / total, 2e-3) * _CORRELATED_PIXELS
            weighted = level.jacobian * w[:, None]
            information = product_of_transposed(level.jacobian, weighted).astype(np.float64) / noise
            pull = product_of_transposed(weighted, r[:, None]).astype(np.float64).ravel() / noise
            step = -solved(information + prior, pull + prior @ parameters)
            parameters = parameters + _bounded(step)
            if np.abs(step).max() * chart.radius * level.scale < (0.004 if level_number == 0 else 0.03):
                break
    homography = start @ chart.motion(parameters)
    values, seen = sight.warped(0, homography)
    level = template.levels[0]
    difference, weight = match_weight(values, seen, level, tolerance)
    return figures(homography / homography[2, 2], information, values, difference, weight, level, seen)


def figures(
    homography: Float64,
    information: Float64,
    values: Float32,
    difference: Float32,
    weight: Float32,
    level: Level,
    seen: Float32 | None = None,
) -> Alignment:
    """Return an alignment with the figures of its difference picture.

    With `seen` (float32, 1 where the frame has anything) the support is that of the part on the frame: what has left
    the picture cannot match. A small rest is not taken for the whole.
    """
    total = float(weight.sum())
    inside = max(float(level.weight.sum()), 1.0)
    if seen is not None:
        inside = max(float((level.weight * seen).sum()), _LEAST_ON_FRAME * inside)
    if total < 4:
        return Alignment(homography, np.zeros((PARAMETERS, PARAMETERS)), 0.0, 0.0, 1.0, weight)
    cross = float((weight * values * level.values).sum())
    power = float((weight * values * values).sum()) * float((weight * level.values * level.values).sum())
    return Alignment(
        homography,
        information,
        total / inside,
        cross / max(power**0.5, 1e-6),
        float((weight * difference * difference).sum()) / total,
        weight,
    )


def sampled(values: Float32, level: Level, points: Float64) -> Float32:
    """Return a level's picture at points [n, 2] in anchor pixels, the nearest pixel's."""
    columns = np.rint((points[:, 0] - level.to_anchor[0, 2]) / level.to_anchor[0, 0]).astype(np.int64)
    rows = np.rint((points[:, 1] - level.to_anchor[1, 2]) / level.to_anchor[1, 1]).astype(np.int64)
    height, width = values.shape
    return np.asarray(values[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)], np.float32)


def corner_information(chart: Chart, alignment: Alignment) -> Float64:
    """Return an alignment's information about the corners' places, float64 [8, 8], per squared pixel."""
    jacobian = np.linalg.inv(chart.corner_jacobian(alignment.homography))
    return np.asarray(jacobian.T @ alignment.information @ jacobian)


def _bounded(step: Float64) -> Float64:
    # A step over a third of the region is a wild guess of the normal equations.
    most = float(np.abs(step).max())
    return step if most <= 0.33 else step * (0.33 / most)
