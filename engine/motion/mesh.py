"""Bend a template onto a frame: a smooth displacement on a cubic B-spline grid over the region.

The displacement comes before the homography: anchor pixel x lies at homography(x + displacement(x)) on the frame.
Follows Rueckert et al., "Nonrigid registration using free-form deformations" (1999), with Gauss-Newton steps whose
normal equations are built separably.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.motion.align import LOOSE, Alignment, Sight, figures, match_weight
from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64
from engine.motion.linear import product, solved
from engine.motion.template import Level, Template

SPANS = 6
"""Grid cells along the region's longer side."""
_MARGIN = 0.2
"""How far the grid reaches beyond the region's box, as a share of its half sides: a feather needs it."""
_CORRELATED_PIXELS = 12.0
_BEND_SIGMA = 0.12
"""Likely second difference of neighbouring grid points, in grid spacings."""
_SHEAR_SIGMA = 0.35
"""Likely first difference, in grid spacings."""
_CHANGE_SIGMA_PX = 2.0
"""Likely change of a grid point from frame to frame, in pixels at the finest level."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The spline's grid over a region, in anchor pixels.

    Attributes:
        x, y: where the first cell begins. spacing: a cell's side. columns, rows: control points.
    """

    x: float
    y: float
    spacing: float
    columns: int
    rows: int

    @classmethod
    def over(cls, chart: Chart) -> Grid:
        """Return the grid that covers a region."""
        half_width, half_height = chart.half_width * (1 + _MARGIN), chart.half_height * (1 + _MARGIN)
        spacing = 2 * chart.radius / SPANS
        across, down = int(np.ceil(2 * half_width / spacing)), int(np.ceil(2 * half_height / spacing))
        return cls(chart.x - across * spacing / 2, chart.y - down * spacing / 2, spacing, across + 3, down + 3)

    def basis(self, positions: Float64, origin: float, count: int) -> Float64:
        """Return the spline basis at positions along one axis, float64 [n, count]; the border goes on flat."""
        at = np.clip((positions - origin) / self.spacing, 0.0, count - 3 - 1e-9)
        cell = np.floor(at).astype(np.int64)
        t = at - cell
        weights = (
            np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6.0
        )
        basis = np.zeros((len(positions), count))
        rows = np.arange(len(positions))
        for k in range(4):
            basis[rows, cell + k] = weights[:, k]
        return basis

    def bases(self, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return the bases of columns at x and of rows at y, anchor pixels."""
        return self.basis(x, self.x, self.columns), self.basis(y, self.y, self.rows)

    def displacement(self, coefficients: Float64, x: Float64, y: Float64) -> tuple[Float32, Float32]:
        """Return the displacement in anchor pixels on the lattice of x [w] and y [h], float32 [h, w] each."""
        across, down = self.bases(x, y)
        dx, dy = (
            product(product(down.astype(np.float32), part.astype(np.float32)), across.T.astype(np.float32))
            for part in coefficients
        )
        return dx, dy

    def displacement_at(self, coefficients: Float64, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return the displacement in anchor pixels at points (x, y), float64 [n] each."""
        across, down = self.bases(x, y)
        dx, dy = (np.asarray(((down @ part) * across).sum(axis=1)) for part in coefficients)
        return dx, dy

    def flat(self) -> Float64:
        """Return the coefficients of no displacement, float64 [2, rows, columns]."""
        return np.zeros((2, self.rows, self.columns))


class Bender:
    """Fits the displacement of one template to frames; holds what does not change from frame to frame."""

    def __init__(self, template: Template) -> None:
        self.grid = Grid.over(template.chart)
        self._template = template
        self._levels = [_Lattice(level, self.grid) for level in template.levels[:2]]
        self._roughness = _roughness(self.grid)

    def bend(
        self, sight: Sight, homography: Float64, start: Float64, *, tolerance: float, steps: int = 3
    ) -> tuple[Float64, Alignment]:
        """Return the coefficients that bend the template onto the frame best, and the figures of the match.

        Args:
            sight: the frame.
            homography: 3x3, the plane motion that follows the displacement.
            start: float64 [2, rows, columns], the last frame's coefficients.
            tolerance: how much difference counts as a match in the figures, LOOSE to TIGHT.
            steps: Gauss-Newton steps per level.
        """
        coefficients = start.copy()
        grid = self.grid
        count = grid.columns * grid.rows
        change = 1.0 / (_CHANGE_SIGMA_PX / self._template.levels[0].scale) ** 2
        prior = self._roughness + change * np.eye(count)
        pull_to = change * start
        for number in range(len(self._levels) - 1, -1, -1):
            lattice = self._levels[number]
            level = self._template.levels[number]
            for _ in range(steps):
                values, seen = sight.sampled(number, *lattice.map(coefficients), homography)
                difference, weight = match_weight(values, seen, level, LOOSE)
                total = float(weight.sum())
                if total < 16:
                    break
                noise = max(float((weight * difference * difference).sum()) / total, 2e-3) * _CORRELATED_PIXELS
                normal, right = lattice.equations(weight, difference, noise)
                for axis in (0, 1):
                    part = slice(axis * count, (axis + 1) * count)
                    normal[part, part] += prior
                    right[part] += prior @ coefficients[axis].ravel() - pull_to[axis].ravel()
                step = -solved(normal, right).reshape(coefficients.shape)
                coefficients = coefficients + step
                if np.abs(step).max() * level.scale < 0.03:
                    break
        level = self._template.levels[0]
        values, seen = sight.sampled(0, *self._levels[0].map(coefficients), homography)
        difference, weight = match_weight(values, seen, level, tolerance)
        nothing = np.zeros((8, 8))
        return coefficients, figures(homography, nothing, values, difference, weight, level, seen)


class _Lattice:
    """A template level's pixels on the grid: bases, and the products from which normal equations are built."""

    def __init__(self, level: Level, grid: Grid) -> None:
        height, width = level.values.shape
        self._level = level
        self._grid = grid
        x = np.arange(width) * level.to_anchor[0, 0] + level.to_anchor[0, 2]
        y = np.arange(height) * level.to_anchor[1, 1] + level.to_anchor[1, 2]
        across, down = grid.bases(x, y)
        self._across, self._down = across.astype(np.float32), down.astype(np.float32)
        self._across_t, self._down_t = np.ascontiguousarray(self._across.T), np.ascontiguousarray(self._down.T)
        self._pixel_x, self._pixel_y = (
            np.asarray(value, np.float32) for value in np.meshgrid(np.arange(width), np.arange(height))
        )
        columns, rows = grid.columns, grid.rows
        self._pairs_x, self._pairs_y = _pairs(columns), _pairs(rows)
        self._across_pairs = self._across[:, self._pairs_x[0]] * self._across[:, self._pairs_x[1]]
        down_pairs = self._down[:, self._pairs_y[0]] * self._down[:, self._pairs_y[1]]
        self._down_pairs_t = np.ascontiguousarray(down_pairs.T)
        # Where the product of a pair of rows and a pair of columns stands in the normal matrix.
        self._first = self._pairs_y[0][:, None] * columns + self._pairs_x[0][None, :]
        self._second = self._pairs_y[1][:, None] * columns + self._pairs_x[1][None, :]
        # Gradients per anchor pixel.
        self._gx, self._gy = level.gradient_x * np.float32(level.scale), level.gradient_y * np.float32(level.scale)

    def map(self, coefficients: Float64) -> tuple[Float32, Float32]:
        """Return where each pixel of the level is displaced to, in pixels of the level."""
        scale = np.float32(self._level.scale)
        dx, dy = (product(product(self._down, part.astype(np.float32)), self._across_t) for part in coefficients)
        return self._pixel_x + dx * scale, self._pixel_y + dy * scale

    def equations(self, weight: Float32, difference: Float32, noise: float) -> tuple[Float64, Float64]:
        """Return the normal matrix and right side of a Gauss-Newton step for both displacements."""
        count = self._grid.columns * self._grid.rows
        normal = np.zeros((2 * count, 2 * count))
        wx, wy = weight * self._gx, weight * self._gy
        for weighted, i, j in ((wx * self._gx, 0, 0), (wx * self._gy, 0, 1), (wy * self._gy, 1, 1)):
            block = np.zeros((count, count))
            block[self._first, self._second] = (
                product(product(self._down_pairs_t, weighted), self._across_pairs) / noise
            )
            normal[i * count : (i + 1) * count, j * count : (j + 1) * count] = block
            if i != j:
                normal[j * count : (j + 1) * count, i * count : (i + 1) * count] = block.T
        right = np.concatenate(
            [product(product(self._down_t, w * difference), self._across).ravel() / noise for w in (wx, wy)]
        ).astype(np.float64)
        return normal, right


def _pairs(count: int) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return the pairs of control points along one axis that share a cell."""
    first, second = np.divmod(np.arange(count * count), count)
    near = np.abs(first - second) <= 3
    return first[near], second[near]


def _roughness(grid: Grid) -> Float64:
    """Return the inverse covariance of one displacement's coefficients when nothing is seen: smooth, and small."""
    bend = 1.0 / (_BEND_SIGMA * grid.spacing) ** 2
    shear = 1.0 / (_SHEAR_SIGMA * grid.spacing) ** 2

    def differences(count: int, order: int) -> Float64:
        return np.diff(np.eye(count), n=order, axis=0)

    def gram(matrix: Float64) -> Float64:
        return np.asarray(matrix.T @ matrix)

    rows, columns = np.eye(grid.rows), np.eye(grid.columns)
    first_x, first_y = differences(grid.columns, 1), differences(grid.rows, 1)
    second_x, second_y = differences(grid.columns, 2), differences(grid.rows, 2)
    return np.asarray(
        bend * (np.kron(rows, gram(second_x)) + np.kron(gram(second_y), columns))
        + 2 * bend * np.kron(gram(first_y), gram(first_x))
        + shear * 0.05 * (np.kron(rows, gram(first_x)) + np.kron(gram(first_y), columns))
        + 1e-4 / grid.spacing * np.eye(grid.rows * grid.columns)
    )


def inverse_map(
    grid: Grid,
    coefficients: Float64,
    homography: Float64,
    x: Float32,
    y: Float32,
    box: tuple[float, float, float, float],
) -> tuple[Float32, Float32]:
    """Return the anchor pixels seen at frame pixels (x, y), float32 arrays of one shape.

    The displacement is undone by fixed-point iteration, which converges while neighbouring pixels keep their order.
    """
    inverse = np.linalg.inv(homography)
    depth = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2]
    at_x = ((inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]) / depth).astype(np.float32)
    at_y = ((inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]) / depth).astype(np.float32)
    if not coefficients.any():
        return at_x, at_y
    left, top, right, bottom = box
    # The displacement on a lattice of its own, every second pixel: it is smooth.
    step = 2.0
    lattice_x, lattice_y = np.arange(left, right + step, step), np.arange(top, bottom + step, step)
    dx, dy = grid.displacement(coefficients, lattice_x, lattice_y)
    from_x, from_y = at_x, at_y
    for _ in range(8):
        u = ((from_x - np.float32(left)) / np.float32(step)).astype(np.float32)
        v = ((from_y - np.float32(top)) / np.float32(step)).astype(np.float32)
        next_x = at_x - cv2.remap(dx, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        next_y = at_y - cv2.remap(dy, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        moved = max(float(np.abs(next_x - from_x).max()), float(np.abs(next_y - from_y).max()))
        from_x, from_y = next_x, next_y
        if moved < 0.01:
            break
    return np.asarray(from_x, np.float32), np.asarray(from_y, np.float32)
