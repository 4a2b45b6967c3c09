"""Plane motions as numbers: a homography near the identity, and where it takes the corners of a box.

Nothing here looks at pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.motion.frame import Float64

PARAMETERS = 8


@dataclass(frozen=True, slots=True)
class Chart:
    """Coordinates in which a region spans about -1..1, so that all eight parameters have like sizes.

    Attributes:
        x, y: the centre in anchor pixels. radius: half the larger side, in anchor pixels.
        half_width, half_height: half the region's box, in anchor pixels.
    """

    x: float
    y: float
    radius: float
    half_width: float
    half_height: float

    @property
    def corners(self) -> Float64:
        """Return the box's corners, float64 [4, 2] in anchor pixels."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
        return signs * (self.half_width, self.half_height) + (self.x, self.y)

    @property
    def to_unit(self) -> Float64:
        """Return the 3x3 matrix from anchor pixels to chart units."""
        return np.array(
            [[1 / self.radius, 0, -self.x / self.radius], [0, 1 / self.radius, -self.y / self.radius], [0, 0, 1.0]]
        )

    def motion(self, parameters: Float64) -> Float64:
        """Return the 3x3 homography (anchor pixels to anchor pixels) of eight parameters; zeros give the identity.

        The order is: shift x, y; growth, turn; stretch, shear; perspective x, y. Each unit moves the region's edge by
        about its radius.
        """
        tx, ty, grow, turn, stretch, shear, px, py = parameters
        unit = np.array(
            [
                [1 + grow + stretch, shear - turn, tx],
                [shear + turn, 1 + grow - stretch, ty],
                [px, py, 1.0],
            ]
        )
        back = np.array([[self.radius, 0, self.x], [0, self.radius, self.y], [0, 0, 1.0]])
        return np.asarray(back @ unit @ self.to_unit)

    def corners_of(self, homography: Float64) -> Float64:
        """Return where a homography takes the corners, float64 [8]: x, y of each in turn."""
        return project(homography, self.corners).ravel()

    def of_corners(self, corners: Float64) -> Float64:
        """Return the homography that takes the box's corners to `corners` (float64 [8])."""
        return _four_points(self.corners, corners.reshape(4, 2))

    def corner_jacobian(self, homography: Float64) -> Float64:
        """Return d corners / d parameters at zero of homography @ motion(parameters), float64 [8, 8]."""
        step = 1e-5
        at = self.corners_of(homography)
        columns = [(self.corners_of(homography @ self.motion(step * unit)) - at) / step for unit in np.eye(PARAMETERS)]
        return np.stack(columns, axis=1)


def project(homography: Float64, points: Float64) -> Float64:
    """Return points [n, 2] moved by a homography."""
    moved = points @ homography[:, :2].T + homography[:, 2]
    return np.asarray(moved[:, :2] / moved[:, 2:])


def _four_points(source: Float64, target: Float64) -> Float64:
    """Return the homography through four point pairs, in double precision."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solution = np.linalg.solve(np.array(rows), target.ravel())
    return np.append(solution, 1.0).reshape(3, 3)
