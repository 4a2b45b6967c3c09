"""Where copying may stop and begin again: the seams of a coded video stream.

Pure: reads a FrameIndex, opens no file, knows no encoder.

Display ranks count *all* units in the order of their timestamps, shown or not. The rules (H.264 clause 8.2.1, HEVC
8.1.3, MPEG-2 6.1.1.11):

* Copying may stop before unit `s` when units [0, s) are exactly the display ranks [0, s): nothing that is copied is
  shown after something that is not, and by decode order nothing that is copied needs something that is not.
* Copying may begin again at an entry. Its leading pictures (after it in decode order, before it in display order) are
  copied with it when they do not need the former pictures and none of them changed; else they are re-encoded with what
  lies before the entry, and the entry stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.model.frame_index import FrameIndex, Int64, UnitKind
from engine.model.time import Range


class Restart(Enum):
    """The strategy by which copying begins again behind a rendered run."""

    AT_ENTRY = "the next picture is a keyframe"
    AT_RENAMED_ENTRY = "the next keyframe stands alone once it is marked as the start of a new sequence"
    AT_END = "no keyframe follows at which a copy may begin again"


@dataclass(frozen=True, slots=True)
class Cut:
    """A run of the stream that is coded anew.

    Attributes:
        units: the units in decode order that the new ones replace.
        ranks: the display ranks that are encoded.
        restart: how copying begins again behind it.
        entry: the unit at which it begins again, or the unit count at the end. Where `units` contains it, it takes the
            last of their time slots: it is renamed, or its leading pictures went before it.
    """

    units: Range
    ranks: Range
    restart: Restart
    entry: int


@dataclass(frozen=True, slots=True, eq=False)
class SeamMap:
    """Every legal seam of a stream.

    Attributes:
        rank_of: int64 [units], display rank of each unit.
        unit_at: int64 [units], unit of each display rank.
        heads: int64, ascending decode positions before which copying may stop (0 included).
        entries: int64, ascending units at which copying may begin again.
        entry_ranks: int64 [entries], their display ranks.
        leading: int64 [entries], how many leading pictures each has.
        keeps_leading: bool [entries], whether the leading pictures can be decoded without the former pictures.
        renamed: bool [entries], whether the entry must be marked as the start of a new sequence.
    """

    rank_of: Int64
    unit_at: Int64
    heads: Int64
    entries: Int64
    entry_ranks: Int64
    leading: Int64
    keeps_leading: NDArray[np.bool_]
    renamed: NDArray[np.bool_]


def seam_map(index: FrameIndex) -> SeamMap:
    """Find every legal seam of a stream."""
    count = index.unit_count
    unit_at = np.argsort(index.pts, kind="stable")
    rank_of = np.empty(count, np.int64)
    rank_of[unit_at] = np.arange(count)
    highest = np.maximum.accumulate(rank_of) if count else rank_of
    closed = highest == np.arange(count)
    heads = np.concatenate([[0], np.flatnonzero(closed) + 1]).astype(np.int64)
    heads = heads[heads < max(count, 1)]

    kinds = index.kind
    usable = np.isin(kinds, (UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I))
    entries = np.flatnonzero(usable).astype(np.int64)
    leading = rank_of[entries] - entries
    # Units before the entry plus its leading pictures must be exactly the ranks below the entry's.
    sound = leading >= 0
    ends = np.minimum(entries + np.maximum(leading, 0), count - 1)
    sound &= highest[ends] == rank_of[entries]
    entries, leading = entries[sound], leading[sound]
    closed_before = np.concatenate([[True], closed])[entries] if count else np.zeros(0, bool)
    return SeamMap(
        rank_of=rank_of,
        unit_at=unit_at,
        heads=heads,
        entries=entries,
        entry_ranks=rank_of[entries],
        leading=leading,
        keeps_leading=(kinds[entries] == UnitKind.IDR) & closed_before,
        renamed=kinds[entries] == UnitKind.CRA,
    )


def cut_around(seams: SeamMap, changed: Range) -> Cut:
    """Return the smallest cut that encodes the display ranks `changed` anew.

    Args:
        seams: the stream's seams.
        changed: display ranks; not empty.
    """
    head = int(seams.heads[np.searchsorted(seams.heads, changed.start, side="right") - 1])
    count = int(seams.rank_of.size)
    first = int(np.searchsorted(seams.entry_ranks, changed.stop, side="left"))
    for number in range(first, seams.entries.size):
        entry = int(seams.entries[number])
        if entry < head:
            continue
        leading = int(seams.leading[number])
        if seams.keeps_leading[number] and changed.stop <= entry:
            # The entry comes with its own leading pictures: ranks [entry, entry + leading].
            return Cut(Range(head, entry), Range(head, entry), Restart.AT_ENTRY, entry)
        behind = entry + leading
        if seams.renamed[number]:
            return Cut(Range(head, behind + 1), Range(head, behind), Restart.AT_RENAMED_ENTRY, entry)
        if leading:
            # The entry moves behind the pictures that were its leading ones, so it takes a later time slot.
            return Cut(Range(head, behind + 1), Range(head, behind), Restart.AT_ENTRY, entry)
        return Cut(Range(head, entry), Range(head, entry), Restart.AT_ENTRY, entry)
    return Cut(Range(head, count), Range(head, count), Restart.AT_END, count)
