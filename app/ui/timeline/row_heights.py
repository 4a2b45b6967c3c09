"""How high rows and feature lanes are in the room there is; no row is lower than can be used."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from app.ui.timeline.content import HEIGHTS, LEAST_HEIGHTS, RowKind

FEATURE, LEAST_FEATURE = 22, 16
"""Points of a feature lane, and the least of it in which a word can be read."""


@dataclass(frozen=True, slots=True)
class Heights:
    """Points: of one lane of each row, from top to bottom, and of a feature lane."""

    rows: tuple[int, ...]
    feature: int


@lru_cache(maxsize=32)
def heights_within(room: int, rows: tuple[tuple[RowKind, int], ...], features: int, roomier: int) -> Heights:
    """Return heights that fit into some room, or the least ones where nothing fits.

    Feature lanes give way first, then the rows around the film, all by the same share, and the film last.

    Args:
        room: points for all rows and feature lanes.
        rows: kind and number of lanes of each row.
        features: how many feature lanes show.
        roomier: points by which a lane of a row is higher than in the compact density, where there is room.
    """
    heights = [HEIGHTS[kind] + roomier for kind, _ in rows]
    excess = sum(height * lanes for height, (_, lanes) in zip(heights, rows, strict=True)) + features * FEATURE - room
    feature = FEATURE
    if excess > 0 and features:
        feature = max(LEAST_FEATURE, FEATURE - -(-excess // features))
        excess -= features * (FEATURE - feature)
    is_film = [kind is RowKind.FILM for kind, _ in rows]
    for film in (False, True):
        chosen = [number for number, here in enumerate(is_film) if here is film]
        excess -= _shrunk(heights, rows, chosen, excess)
    return Heights(tuple(heights), feature)


def _shrunk(heights: list[int], rows: tuple[tuple[RowKind, int], ...], chosen: list[int], excess: int) -> int:
    """Lower some rows by up to `excess` points in all, each by the same share; return the points."""
    can_give = {number: heights[number] - LEAST_HEIGHTS[rows[number][0]] for number in chosen}
    most = sum(give * rows[number][1] for number, give in can_give.items())
    if excess <= 0 or not most:
        return 0
    share = min(1.0, excess / most)
    given = 0
    for number, give in can_give.items():
        lower = min(give, -int(-give * share // 1))
        heights[number] -= lower
        given += lower * rows[number][1]
    return given
