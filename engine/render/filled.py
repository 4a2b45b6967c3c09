"""Frames that took long to draw, kept as what changed on them: drawing one again is a copy."""

from __future__ import annotations

import numpy as np

from engine.motion.track_blob import packed, unpacked
from engine.patches.blend import Plane, Planes
from engine.render.segment import SegmentCache

_KIND = "drawn"
_ALL = "all"


class FilledFrames:
    """What a patch does to source frames, in a cache.

    Args:
        cache: where it is kept.
    """

    def __init__(self, cache: SegmentCache) -> None:
        self._cache = cache

    def drawn(self, key: str, number: int, before: Planes) -> Planes | None:
        """Return a frame with a patch on it; None where that is not kept.

        Args:
            key: of everything that the patch's pixels depend on.
            number: the source frame.
            before: its planes.
        """
        blob = self._cache.get(_KIND, f"{key}:{number}")
        arrays = None if blob is None else unpacked(blob)
        if arrays is None:
            return None
        result: list[Plane] = []
        for index, plane in enumerate(before):
            part, place = arrays.get(f"{index}.part"), arrays.get(f"{index}.place")
            if part is None or place is None:
                result.append(plane)
                continue
            y, x = place.tolist()
            if part.dtype != plane.dtype or y + part.shape[0] > plane.shape[0] or x + part.shape[1] > plane.shape[1]:
                return None
            changed = plane.copy()
            changed[y : y + part.shape[0], x : x + part.shape[1]] = part
            result.append(changed)
        return tuple(result)

    def keep(self, key: str, number: int, before: Planes, after: Planes) -> None:
        """Keep what a patch does to a frame."""
        arrays: dict[str, object] = {"planes": np.array(len(before))}
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            differs = old != new
            rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
            if rows.size:
                window = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
                arrays[f"{index}.part"] = new[window]
                arrays[f"{index}.place"] = np.array([rows[0], columns[0]])
        self._cache.put(_KIND, f"{key}:{number}", packed(arrays))

    def note_all(self, key: str) -> None:
        """Say that all frames of a patch's window are kept."""
        self._cache.put(_KIND, f"{key}:{_ALL}", b"1")

    def has_all(self, key: str) -> bool:
        """Tell whether all frames of a patch's window were kept."""
        return self._cache.get(_KIND, f"{key}:{_ALL}") is not None
