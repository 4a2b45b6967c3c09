"""Questions about the coded structure of a film: which pictures lead an entry, from where decoding is exact. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.model.frame_index import FrameIndex, Int64, UnitKind

_STARTS = (UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I, UnitKind.RECOVERY)


def leading_units(index: FrameIndex, entry: int) -> Int64:
    """Return the units that follow an entry in decode order and are shown before it."""
    behind = index.pts[entry + 1 : entry + 1 + _reach(index, entry)]
    return np.flatnonzero(behind < index.pts[entry]) + entry + 1


def _reach(index: FrameIndex, entry: int) -> int:
    """Return how many units behind an entry may lead it: dts never exceeds pts, so none is decoded after its pts."""
    return int(np.searchsorted(index.dts, index.pts[entry], side="right")) - entry


def keyframes(index: FrameIndex) -> Int64:
    """Return the units at which a player may start, in decode order."""
    return np.flatnonzero(np.isin(index.kind, _STARTS)).astype(np.int64)


def longest_gop(index: FrameIndex) -> int:
    """Return the most units from one keyframe to the next, or to the end."""
    keys = keyframes(index)
    return int(np.diff(keys, append=index.unit_count).max()) if keys.size else index.unit_count


def is_open_gop(index: FrameIndex) -> bool:
    """Tell whether pictures shown before a keyframe but coded after it may need the pictures of the former GOP."""
    keys = keyframes(index)
    return any(index.kind[key] != UnitKind.IDR and leading_units(index, int(key)).size for key in keys)


def irregular_share(index: FrameIndex) -> float:
    """Return the share of gaps between pictures that differ from the usual one by over 2 % and more than one tick.

    All coded pictures count, those that an edit list hides too.
    """
    gaps = np.diff(np.sort(index.pts)).astype(np.float64)
    if not gaps.size:
        return 0.0
    usual = float(np.median(gaps))
    return float((np.abs(gaps - usual) > max(1.0, 0.02 * usual)).mean())


def is_vfr(index: FrameIndex) -> bool:
    """Tell whether the frame rate varies: more than 2 % of the gaps are irregular."""
    return irregular_share(index) > 0.02


@dataclass(frozen=True, slots=True, eq=False)
class EntryMap:
    """Where decoding may start so that a certain picture comes out as if decoded from the film's start.

    Attributes:
        index: the film's.
        units: int64, ascending; the units at which a decoder may start at all, 0 always among them.
    """

    index: FrameIndex
    units: Int64

    @classmethod
    def of(cls, index: FrameIndex) -> EntryMap:
        """Return the map of a film."""
        starts = np.isin(index.kind, _STARTS)
        if starts.size:
            starts[0] = True
        return cls(index, np.flatnonzero(starts).astype(np.int64))

    def starts(self, unit: int) -> Iterator[int]:
        """Yield the units from which decoding gives `unit` exactly, nearest first; the last one is 0."""
        at = int(np.searchsorted(self.units, unit, side="right")) - 1
        for entry in self.units[at::-1].tolist():
            if self.is_exact(entry, unit):
                yield entry

    def is_exact(self, entry: int, unit: int) -> bool:
        """Tell whether decoding from an entry gives the picture of a unit as if decoded from the film's start.

        A clean entry gives everything behind it. A CRA or an open GOP's I picture gives all but its leading pictures.
        An H.264 recovery point gives right pictures, but a decoder that starts there has another past (frame numbers,
        reordering), so one more entry that the picture follows has to lie between it and the picture.
        """
        if entry == 0:
            return True
        if entry > unit:
            return False
        pts = self.index.pts
        match UnitKind(self.index.kind[entry]):
            case UnitKind.IDR:
                return True
            case UnitKind.CRA | UnitKind.BLA | UnitKind.OPEN_I:
                return bool(pts[unit] >= pts[entry])
            case UnitKind.RECOVERY:
                low, high = np.searchsorted(self.units, (entry, unit), side="right")
                # Entries are shown in the order they are coded, so the first one behind is shown first.
                return bool(low < high and pts[unit] >= pts[self.units[low]])
            case _:
                return False
