"""Where rows and items lie in the view, and what lies under a point.

From top to bottom: the ruler, the markers, the rows and the feature lanes (which scroll together), and the export strip
at the foot. Where not all of them have room, the feature lanes shrink first, then the rows around the film, the film's
own row last; only what still does not fit then scrolls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from app.ui.timeline.content import Content, Int64, Placed, RowKind
from app.ui.timeline.row_heights import Heights, heights_within
from app.ui.timeline.scale import Scale

RULER = 26
MARKERS = 20
STRIP = 28
EDGE_PX = 6
"""An edge is caught so far inside its item."""
_OUTSIDE_PX = 3
_LEAST_PX = 10
"""A narrower item has no edges to catch, only a body."""


class Area(Enum):
    """A part of the view."""

    RULER = "ruler"
    MARKERS = "markers"
    ROWS = "rows"
    LANES = "lanes"
    STRIP = "strip"


class Grip(Enum):
    """By what an item is held."""

    BODY = "body"
    LEFT = "left"
    RIGHT = "right"
    FADE_IN = "fade in"
    FADE_OUT = "fade out"


@dataclass(frozen=True, slots=True)
class RowPlace:
    """A row in the view; points from the top of the view, scrolled."""

    row: int
    top: int
    height: int

    @property
    def bottom(self) -> int:
        """Return the first point below."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels of the view."""

    left: float
    top: float
    width: float
    height: float

    def meets(self, other: Rect) -> bool:
        """Tell whether the two share a point."""
        across = self.left < other.left + other.width and other.left < self.left + self.width
        return across and self.top < other.top + other.height and other.top < self.top + self.height


@dataclass(frozen=True, slots=True)
class Hit:
    """What is under a point; lane: which feature lane, from the top."""

    area: Area
    row: int | None = None
    item: Placed | None = None
    grip: Grip = Grip.BODY
    lane: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The places of rows in a view of some height.

    Attributes:
        extra: points by which a person made rows higher, by row id. lanes: how many feature lanes show.
        roomier: points by which every lane of a row is higher than in the compact density.
    """

    content: Content
    view_height: int
    scroll_y: int = 0
    extra: Mapping[str, int] = field(default_factory=dict)
    lanes: int = 0
    roomier: int = 0

    @property
    def rows_top(self) -> int:
        """Return where the scrolling rows begin."""
        return RULER + MARKERS

    @property
    def lanes_top(self) -> int:
        """Return where the feature lanes begin, scrolled, which is where the last row ends."""
        return self.rows_top + self.rows_height - self.scroll_y

    @property
    def rows_bottom(self) -> int:
        """Return where the part of the view ends in which rows show."""
        return max(self.rows_top, min(self.lanes_top, self.strip_top))

    @property
    def strip_top(self) -> int:
        """Return where the export strip begins: below the last lane, at the foot of the view at the latest."""
        foot = self.view_height - STRIP
        return max(self.rows_top, foot if self.overflow else self.lanes_top + self.lanes * self.feature_height)

    @property
    def overflow(self) -> int:
        """Return by how many points rows and lanes are higher than their room, which is how far they scroll."""
        wanted = self.rows_top + self.rows_height + self.lanes * self.feature_height + STRIP
        return max(0, wanted - self.view_height)

    @property
    def rows_height(self) -> int:
        """Return the height of all scrolling rows."""
        heights = self._heights
        return sum(self._height(row, heights) for row in range(1, len(self.content.rows)))

    @property
    def feature_height(self) -> int:
        """Return the height of a feature lane."""
        return self._heights.feature

    def row_height(self, row: int) -> int:
        """Return the height of a row."""
        return MARKERS if row == 0 else self._height(row, self._heights)

    def lane_height(self, row: int) -> int:
        """Return the height of one lane of a row that scrolls, unless a person made it higher."""
        return self._heights.rows[row - 1]

    @property
    def _heights(self) -> Heights:
        rows = tuple((row.kind, row.items.lane_count) for row in self.content.rows[1:])
        return heights_within(self.view_height - self.rows_top - STRIP, rows, self.lanes, self.roomier)

    def _height(self, row: int, heights: Heights) -> int:
        shown = self.content.rows[row]
        return heights.rows[row - 1] * shown.items.lane_count + self.extra.get(shown.id, 0)

    def places(self) -> list[RowPlace]:
        """Return the rows from top to bottom, the markers first."""
        found = [RowPlace(0, RULER, MARKERS)]
        top = self.rows_top - self.scroll_y
        heights = self._heights
        for row in range(1, len(self.content.rows)):
            height = self._height(row, heights)
            found.append(RowPlace(row, top, height))
            top += height
        return found

    def place(self, row: int) -> RowPlace:
        """Return the place of a row."""
        return self.places()[row]

    def opening_scroll(self) -> int:
        """Return the least scroll position in which the film's row shows whole and no row above it is cut."""
        film = next((row for row, shown in enumerate(self.content.rows) if shown.kind is RowKind.FILM), None)
        if film is None or not self.overflow:
            return 0
        places = [RowPlace(place.row, place.top + self.scroll_y, place.height) for place in self.places()]
        hidden = places[film].bottom - (self.view_height - STRIP)
        tops = [place.top - self.rows_top for place in places[1 : film + 1]]
        return min(self.overflow, next((top for top in tops if top >= hidden), tops[-1]))

    def rect(self, item: Placed, scale: Scale) -> Rect:
        """Return the rectangle of an item, at least one pixel wide."""
        place = self.place(item.row)
        lanes = self.content.rows[item.row].items.lane_count
        height = place.height / lanes
        left = scale.x(item.frames.start)
        return Rect(left, place.top + item.lane * height, max(1.0, scale.x(item.frames.stop) - left), height)

    def area(self, y: float) -> Area:
        """Return the part of the view at a height."""
        if y < RULER:
            return Area.RULER
        if y < self.rows_top:
            return Area.MARKERS
        if y >= self.strip_top:
            return Area.STRIP
        return Area.LANES if y >= self.lanes_top else Area.ROWS

    def row_at(self, y: float) -> RowPlace | None:
        """Return the row at a height."""
        area = self.area(y)
        if area is Area.MARKERS:
            return RowPlace(0, RULER, MARKERS)
        if area is not Area.ROWS:
            return None
        return next((place for place in self.places()[1:] if place.top <= y < place.bottom), None)

    def hit(self, x: float, y: float, scale: Scale) -> Hit:
        """Return what is under a point: of items that overlap, the one drawn last; of edges, the nearest."""
        area = self.area(y)
        place = self.row_at(y)
        if place is None:
            return Hit(area, lane=int((y - self.lanes_top) // self.feature_height) if area is Area.LANES else None)
        row = self.content.rows[place.row]
        lanes = row.items.lane_count
        lane = min(lanes - 1, int((y - place.top) * lanes / max(1, place.height)))
        reach = scale.frames_per_px * _OUTSIDE_PX
        # A marker is caught by its name and flag, which stand to the right of its frame.
        before = scale.frames_per_px * (12 if row.kind is RowKind.MARKERS else _OUTSIDE_PX)
        at = scale.position(x)
        low, high = row.items.within(at - before, at + reach + 1)
        best: tuple[float, Placed, Grip] | None = None
        for index in range(low, high):
            if int(row.items.lanes[index]) != lane:
                continue
            item = self.content.placed(place.row, index)
            found = _grip(item, x, scale, movable=row.kind is not RowKind.MARKERS)
            if found is not None and (best is None or found[0] <= best[0]):
                best = (found[0], item, found[1])
        return Hit(area, place.row) if best is None else Hit(area, place.row, best[1], best[2])

    def items_in(self, rect: Rect, scale: Scale) -> list[Placed]:
        """Return the items that a rectangle touches, the film's sound left out: it goes with its clip."""
        found = []
        for place in self.places():
            row = self.content.rows[place.row]
            if row.kind is RowKind.FILM_SOUND or place.bottom <= rect.top or place.top >= rect.top + rect.height:
                continue
            low, high = row.items.within(scale.position(rect.left), scale.position(rect.left + rect.width))
            items = (self.content.placed(place.row, index) for index in range(low, high))
            found += [item for item in items if self.rect(item, scale).meets(rect)]
        return found


def _grip(item: Placed, x: float, scale: Scale, *, movable: bool) -> tuple[float, Grip] | None:
    """Return how far a point is from what it would catch of an item, and what that is."""
    left, right = scale.x(item.frames.start), scale.x(item.frames.stop)
    if not movable:
        return (abs(x - left), Grip.BODY) if left - 8 <= x <= max(right, left + 12) else None
    inside = left <= x < max(right, left + 1)
    if right - left < _LEAST_PX:
        return (0.0, Grip.BODY) if inside or min(abs(x - left), abs(x - right)) <= 1 else None
    edge = min(EDGE_PX, (right - left) / 4)
    for distance, grip, is_inside in (
        (abs(x - left), Grip.LEFT, x >= left),
        (abs(x - right), Grip.RIGHT, x < right),
    ):
        if distance <= (edge if is_inside else _OUTSIDE_PX):
            # Where two items touch, the side of the cut on which the pointer is decides.
            return (distance / 100 + (0.0 if is_inside else 1.0), grip)
    return (0.5, Grip.BODY) if inside else None


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Pixels of a row in which items stand that are too narrow to be drawn one by one; int64 [n] each."""

    lefts: Int64
    widths: Int64


def merged_runs(lefts_px: NDArray[np.float64], rights_px: NDArray[np.float64], view_px: int) -> Runs:
    """Return runs of whole pixels that items cover, each item at least one pixel.

    Args:
        lefts_px: float64 [n], the items' left edges.
        rights_px: float64 [n], their right edges.
        view_px: the width of the view; what lies outside is left out.
    """
    lefts = np.clip(np.floor(lefts_px), 0, view_px).astype(np.int64)
    rights = np.clip(np.maximum(np.ceil(rights_px), np.floor(lefts_px) + 1), 0, view_px).astype(np.int64)
    depth = np.zeros(view_px + 2, np.int64)
    np.add.at(depth, lefts, 1)
    np.add.at(depth, rights, -1)
    covered = np.concatenate([[0], (np.cumsum(depth[:-1]) > 0).astype(np.int64), [0]])
    edges = np.diff(covered)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return Runs(starts, stops - starts)
