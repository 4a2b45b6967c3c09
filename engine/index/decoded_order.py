"""What only the decoder knows: the order of frames where no timestamps tell it, and which of the first never show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.index.timestamps import Timestamps, usual_step
from engine.index.units import Units
from engine.media.demux import NO_TIME, PacketTable
from engine.media.output_order import output_order
from engine.model.frame_index import Int64, UnitKind
from engine.model.media import MediaInfo

# The head of a film is decoded to see which of its pictures come out: up to its third entry, and so many units.
_HEAD_LEAST, _HEAD_MOST = 48, 600
_HEAD_ENTRIES = (UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I)


def is_decode_order(path: Path, info: MediaInfo, begin: int, pts: Int64, cancel: CancelToken) -> bool:
    """Tell whether the presentation times only count packets while the decoder shows them in another order.

    So it is with reordered H.264 in AVI, which knows no presentation times, and with careless writers of others.

    Args:
        path: the film.
        info: what probing it gave.
        begin: byte position of the first unit.
        pts: int64 ticks of each unit in decode order, none missing.
        cancel: looked at on the way.
    """
    if not info.video.reorder_depth or (np.diff(pts) <= 0).any():
        return False
    shown = output_order(path, info, begin, min(pts.size, _HEAD_LEAST), Progress(), cancel)
    return bool((np.diff(shown) < 0).any())


def timestamps_of_order(
    path: Path, info: MediaInfo, packets: PacketTable, units: Units, progress: Progress, cancel: CancelToken
) -> Timestamps:
    """Time a stream whose file does not: the decoder tells the order, decode times or the frame rate the rest.

    Decodes the whole film.
    """
    count = units.kind.size
    shown = output_order(path, info, int(packets.position[0]), int(packets.pts.size) + 1, progress, cancel)
    unit_of_packet = np.repeat(np.arange(count), units.packet_count)
    shown_units = list(dict.fromkeys(unit_of_packet[shown].tolist()))
    # Units without a picture keep their place in decode order, behind all that was decoded before them.
    rank_of = np.full(count, -1, np.int64)
    rank_of[shown_units] = np.arange(len(shown_units))
    keys = np.where(rank_of >= 0, rank_of, np.maximum.accumulate(rank_of))
    rank = np.empty(count, np.int64)
    rank[np.lexsort((np.arange(count), rank_of < 0, keys))] = np.arange(count)
    step = usual_step(np.zeros(0, np.int64), info)
    clock = packets.dts[units.first_packet]
    if (clock == NO_TIME).any() or (np.diff(clock) <= 0).any():
        clock = np.arange(count) * step
    # Shown in rank order at the times at which they are decoded, as much later as reordering needs.
    depth = int(np.max(np.arange(count) - rank, initial=0))
    return Timestamps(clock[rank] + depth * step, clock, exact=False)


def hidden_at_head(
    path: Path,
    info: MediaInfo,
    begin: int,
    units: Units,
    times: Timestamps,
    progress: Progress,
    cancel: CancelToken,
) -> NDArray[np.bool_]:
    """Find the first units of which no picture comes because what they need lies before the film's start.

    Such are the leading pictures of an open GOP at which a recording was cut. A film that begins with an IDR has none.
    """
    hidden = np.zeros(units.kind.size, np.bool_)
    if units.kind[0] == UnitKind.IDR:
        return hidden
    entries = np.flatnonzero(np.isin(units.kind, _HEAD_ENTRIES))
    head = int(entries[2]) if entries.size > 2 else units.kind.size
    head = min(max(head, _HEAD_LEAST), _HEAD_MOST, units.kind.size)
    packet_total = int(units.packet_count.sum())
    unit_of_packet = np.repeat(np.arange(units.kind.size), units.packet_count)
    while True:
        packets = int(units.packet_count[:head].sum())
        # One more than there are reads to the end, where the decoder gives what it held back.
        asked = packets + (packets == packet_total)
        shown = unit_of_packet[output_order(path, info, begin, asked, progress, cancel)]
        if shown.size or packets == packet_total:
            break
        head = min(head * 4, units.kind.size)
    if shown.size:
        hidden = times.pts < times.pts[shown].max()
        hidden[shown] = False
    return hidden
