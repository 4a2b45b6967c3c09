"""Where a region is on one frame, and which anchor pixel is seen at each of the frame's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64
from engine.motion.mesh import Grid, inverse_map

_REACH = 1.6
_ROOM_PX = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Anchor pixel x lies at homography(x + bending(x)) on the frame.

    Attributes:
        homography: float64 [3, 3]. coefficients: float64 [2, rows, columns], of the bending's grid.
    """

    homography: Float64
    coefficients: Float64


@dataclass(frozen=True, slots=True)
class Surface:
    """What the places of a region have in common."""

    chart: Chart
    grid: Grid

    def anchor_pixels(self, place: Place, x: Float32, y: Float32) -> tuple[Float32, Float32]:
        """Return the anchor pixels seen at frame pixels (x, y), float32 arrays of one shape."""
        chart = self.chart
        reach_x, reach_y = _REACH * chart.half_width + _ROOM_PX, _REACH * chart.half_height + _ROOM_PX
        box = (chart.x - reach_x, chart.y - reach_y, chart.x + reach_x, chart.y + reach_y)
        return inverse_map(self.grid, place.coefficients, place.homography, x, y, box)

    def frame_points(self, place: Place, x: Float64, y: Float64) -> Float64 | None:
        """Return where the lattice of anchor columns x [w] and rows y [h] lies on the frame, float64 [h * w, 2].

        None where a part of it would lie behind the camera.
        """
        dx, dy = self.grid.displacement(place.coefficients, x, y)
        lattice = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        moved = lattice + np.stack([dx.ravel(), dy.ravel()], axis=1)
        depth = moved @ place.homography[2, :2] + place.homography[2, 2]
        if (depth <= 1e-6).any():
            return None
        return np.asarray((moved @ place.homography[:2, :2].T + place.homography[:2, 2]) / depth[:, None])

    def at_rest(self) -> Place:
        """Return the place on the anchor itself."""
        return Place(np.eye(3), self.grid.flat())

    def ahead(self, before: Place, now: Place) -> Place:
        """Return the place one frame on, were it to go on as it did."""
        corners = 2 * self.chart.corners_of(now.homography) - self.chart.corners_of(before.homography)
        return Place(self.chart.of_corners(corners), now.coefficients)

    def speed_px(self, before: Place, after: Place) -> float:
        """Return how far the region's corners lie apart on average between two places, in frame pixels."""
        apart = self.chart.corners_of(after.homography) - self.chart.corners_of(before.homography)
        return float(np.hypot(apart[0::2], apart[1::2]).mean())

    def mixed(self, one: Place, other: Place, share: float) -> Place:
        """Return the place `share` of the way from one to the other."""
        if share <= 0:
            return one
        if share >= 1:
            return other
        corners = (1 - share) * self.chart.corners_of(one.homography) + share * self.chart.corners_of(other.homography)
        return Place(self.chart.of_corners(corners), (1 - share) * one.coefficients + share * other.coefficients)


def blurred_maps(
    surface: Surface,
    place: Place,
    beside: tuple[Place, Place] | None,
    shutter: float,
    x: Float32,
    y: Float32,
    taps: int,
) -> list[tuple[Float32, Float32]]:
    """Return the anchor pixels seen at frame pixels at several moments while the shutter is open.

    Args:
        surface: the region's coordinates.
        place: at the frame's own time.
        beside: one frame before and after; None for a shutter that does not matter.
        shutter: share of the time between frames that it is open, 0 to 1.
        x: float32 frame pixels, likewise y.
        y: of the same shape.
        taps: moments.
    """
    now = surface.anchor_pixels(place, x, y)
    if beside is None or shutter <= 0:
        return [now]
    before, after = (surface.anchor_pixels(other, x, y) for other in beside)
    slope_x, slope_y = (after[0] - before[0]) * np.float32(0.5), (after[1] - before[1]) * np.float32(0.5)
    moments = [np.float32(((k + 0.5) / taps - 0.5) * shutter) for k in range(taps)]
    return [(now[0] + moment * slope_x, now[1] + moment * slope_y) for moment in moments]
