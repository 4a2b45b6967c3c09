"""The drawn region of a patch (its ROI): 0..1 of the displayed picture, rotation applied, so that it survives a resize.

x grows to the right, y downwards; a region may reach over the picture's edge, but not be empty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.errors import EditRefused

Point = tuple[float, float]

REACH = 8.0
"""How many picture sizes a region may reach beyond the picture; further out it is a slip, not a wish."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle from (x0, y0) to (x1, y1).

    Raises:
        EditRefused: it has no area.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        _check_corners(self.x0, self.y0, self.x1, self.y1, "box")

    @property
    def bounds(self) -> Box:
        """Return the box itself."""
        return self


@dataclass(frozen=True, slots=True)
class Ellipse:
    """The ellipse inside the rectangle from (x0, y0) to (x1, y1).

    Raises:
        EditRefused: it has no area.
    """

    x0: float
    y0: float
    x1: float
    y1: float

    def __post_init__(self) -> None:
        _check_corners(self.x0, self.y0, self.x1, self.y1, "ellipse")

    @property
    def bounds(self) -> Box:
        """Return the smallest box around it."""
        return Box(self.x0, self.y0, self.x1, self.y1)


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed polygon with straight sides; crossing sides follow the even-odd rule.

    Raises:
        EditRefused: fewer than three corners, or they span no area.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        _check_points(self.points, "polygon")

    @property
    def bounds(self) -> Box:
        """Return the smallest box around it."""
        return _bounds(self.points)


@dataclass(frozen=True, slots=True)
class Lasso:
    """A freehand outline, closed by itself; everything that it winds around is inside (non-zero rule).

    Raises:
        EditRefused: fewer than three points, or they span no area.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        _check_points(self.points, "lasso")

    @property
    def bounds(self) -> Box:
        """Return the smallest box around it."""
        return _bounds(self.points)


Region = Box | Ellipse | Polygon | Lasso


def _check_corners(x0: float, y0: float, x1: float, y1: float, name: str) -> None:
    _check_reach((x0, y0, x1, y1), name)
    if not (x1 > x0 and y1 > y0):
        raise EditRefused(f"the {name} has no area: {x0:g},{y0:g} to {x1:g},{y1:g}; draw it larger (x0 < x1, y0 < y1)")
    if not (x1 > 0 and y1 > 0 and x0 < 1 and y0 < 1):
        raise EditRefused(
            f"the {name} lies outside the picture: {x0:g},{y0:g} to {x1:g},{y1:g} (the picture is 0 to 1)"
        )


def _check_points(points: tuple[Point, ...], name: str) -> None:
    _check_reach([value for point in points for value in point], name)
    if len(points) < 3:
        raise EditRefused(f"a {name} needs at least three points, not {len(points)}")
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    # Not the shoelace sum: a figure of eight has a signed area of zero and still encloses something.
    origin, far = points[0], max(points, key=lambda p: math.dist(p, points[0]))
    flat = all(
        abs((far[0] - origin[0]) * (y - origin[1]) - (far[1] - origin[1]) * (x - origin[0])) < 1e-12 for x, y in points
    )
    if flat:
        raise EditRefused(f"the {name} has no area: all {len(points)} points lie on one line")
    if max(xs) <= 0 or max(ys) <= 0 or min(xs) >= 1 or min(ys) >= 1:
        raise EditRefused(f"the {name} lies outside the picture (the picture is 0 to 1)")


def _check_reach(values: tuple[float, ...] | list[float], name: str) -> None:
    for value in values:
        if not (math.isfinite(value) and -REACH <= value <= 1 + REACH):
            raise EditRefused(f"the {name} has the coordinate {value:g}; the picture is 0 to 1")


def _bounds(points: tuple[Point, ...]) -> Box:
    return Box(
        min(p[0] for p in points), min(p[1] for p in points), max(p[0] for p in points), max(p[1] for p in points)
    )
