"""The times a file gives to the packets of its edited stream, where the index had to make up others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.control import CancelToken
from engine.errors import SourceChanged
from engine.media.coded import CodedUnit, Splice
from engine.media.demux import media_packets, opened, reading_options, video_stream
from engine.model.frame_index import FrameIndex, Int64
from engine.model.media import MediaInfo


def in_file_times(
    source: Path, info: MediaInfo, index: FrameIndex, splices: Sequence[Splice], cancel: CancelToken
) -> tuple[Splice, ...]:
    """Return the splices with the times that the file itself has in their places.

    An index makes times unique and monotonic (equal ones of a millisecond clock, a clock that runs back); what is
    written beside copied packets has to keep the file's own.

    Raises:
        SourceChanged: the file has other packets than its index.
        DamagedMedia, MissingMedia: it cannot be read.
        Cancelled: on request.
    """
    if index.exact_timestamps:
        return tuple(splices)
    pts, dts = _file_times(source, info, index, cancel)
    unit_at = {ticks: unit for unit, ticks in enumerate(index.pts.tolist())}

    def moved(slot: int, unit: CodedUnit) -> CodedUnit:
        # A container that keeps one time a packet is read back with other ones than these; its order is what counts.
        return replace(unit, pts=max(int(pts[unit_at[unit.pts]]), int(dts[slot])), dts=int(dts[slot]))

    return tuple(
        replace(splice, units=tuple(moved(splice.start + n, unit) for n, unit in enumerate(splice.units)))
        for splice in splices
    )


def _file_times(source: Path, info: MediaInfo, index: FrameIndex, cancel: CancelToken) -> tuple[Int64, Int64]:
    """Return pts and dts of each unit's first packet; a missing one is the other's, or the index's."""
    first = {ordinal: unit for unit, ordinal in enumerate(index.first_packet.tolist())}
    pts, dts = index.pts.copy(), index.dts.copy()
    count = 0
    with opened(source, reading_options(info.container)) as container:
        for packet in media_packets(container, video_stream(container, info.video.stream)):
            cancel.check()
            unit = first.get(count)
            count += 1
            if unit is None:
                continue
            if packet.pts is not None:
                pts[unit] = dts[unit] = packet.pts
            if packet.dts is not None:
                dts[unit] = packet.dts
    if count != index.packet_total:
        raise SourceChanged(f"{source} has {count} video packets, its index {index.packet_total}; open it again")
    return pts, np.minimum(dts, pts)
