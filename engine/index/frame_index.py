"""Build the frame index of a film: read its packets, join them into units, order them as they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia
from engine.index.decoded_order import hidden_at_head, is_decode_order, timestamps_of_order
from engine.index.edited import as_edited, is_given, shown_times
from engine.index.timestamps import Timestamps, repaired, usual_step
from engine.index.units import Units, joined
from engine.media.demux import NO_TIME, PacketTable, is_mov, read_edited, read_packets
from engine.media.sample_table import SampleTable, read_sample_table
from engine.model.frame_index import FrameIndex, Int64
from engine.model.media import MediaInfo


def build_index(path: Path, info: MediaInfo, progress: Progress, cancel: CancelToken) -> FrameIndex:
    """Find every coded unit of a film and the order in which they are shown.

    The units of an MP4 or QuickTime file are the packets that FFmpeg gives, what its edit list hides among them; where
    the list makes FFmpeg give samples twice, they are the samples of the track.

    Raises:
        MissingMedia, DamagedMedia: the file cannot be read to its end.
        UnsupportedMedia: its edit list shows pictures twice or out of order.
        Cancelled: on request.
    """
    if is_mov(info.container):
        table = read_sample_table(path, info, cancel)
        if table is not None:
            return _of_samples(path, info, table, progress, cancel)
    return by_demuxing(path, info, progress, cancel)


def _of_samples(path: Path, info: MediaInfo, table: SampleTable, progress: Progress, cancel: CancelToken) -> FrameIndex:
    count = table.pts.size
    units = Units(
        first_packet=np.arange(count),
        packet_count=np.ones(count, np.int64),
        timed_packet=np.arange(count),
        kind=table.kind,
        shown=np.ones(count, np.bool_),
    )
    if is_decode_order(path, info, int(table.position[0]), table.pts, cancel):
        return by_demuxing(path, info, progress, cancel)
    times = repaired(table.pts, table.dts, usual_step(np.sort(table.pts, kind="stable"), info), _second(info))
    times = as_edited(times, table.shown_pts)
    presented = table.shown_pts != NO_TIME
    presented &= ~hidden_at_head(path, info, int(table.position[0]), units, times, progress, cancel)
    return assembled(
        info,
        times,
        sizes=table.size,
        positions=table.position,
        durations=table.duration,
        units=units,
        presented=presented,
    )


def by_demuxing(path: Path, info: MediaInfo, progress: Progress, cancel: CancelToken) -> FrameIndex:
    """Build the index by reading every packet: works for every container.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia, Cancelled: as `build_index`.
    """
    packets = read_packets(path, info, progress.part(0.0, 0.6), cancel)
    if not packets.pts.size:
        raise DamagedMedia(f"{path} holds no video packets; try another copy")
    if is_mov(info.container) and packets.truncated.any():
        raise DamagedMedia(
            f"{path} is cut off: video packet {int(np.argmax(packets.truncated))} is not all there; copy it again"
        )
    edited = read_edited(path, info, cancel) if is_mov(info.container) and not info.fragmented else None
    if edited is not None:
        packets = packets.only(is_given(packets.position, edited))
    units = joined(packets)
    times = _timestamps(path, info, packets, units, progress.part(0.6, 0.9), cancel)
    positions = packets.position[units.first_packet]
    presented = units.shown & ~np.logical_or.reduceat(packets.discard, units.first_packet)
    if edited is not None:
        shown_pts = shown_times(path, times.pts, positions, edited)
        times = as_edited(times, shown_pts)
        presented &= shown_pts != NO_TIME
    presented &= ~hidden_at_head(path, info, int(positions[0]), units, times, progress.part(0.9, 1.0), cancel)
    return assembled(
        info,
        times,
        sizes=np.add.reduceat(packets.size, units.first_packet),
        positions=positions,
        durations=packets.duration[units.timed_packet],
        units=units,
        presented=presented,
    )


def assembled(
    info: MediaInfo,
    times: Timestamps,
    *,
    sizes: Int64,
    positions: Int64,
    durations: Int64,
    units: Units,
    presented: NDArray[np.bool_],
) -> FrameIndex:
    """Put the parts of an index together: number the presented units in the order of their times.

    Raises:
        DamagedMedia: none is presented.
    """
    shown = np.flatnonzero(presented)
    if not shown.size:
        raise DamagedMedia(f"{info.path} shows none of its {presented.size} coded pictures; try another copy")
    order = shown[np.argsort(times.pts[shown], kind="stable")]
    frame_of = np.full(times.pts.size, -1, np.int64)
    frame_of[order] = np.arange(order.size)
    step = usual_step(times.pts[order], info)
    until_next = np.where(durations > 0, durations, step)
    until_next[order[:-1]] = np.diff(times.pts[order])
    return FrameIndex(
        codec=info.video.codec,
        time_base=info.video.time_base,
        pts=times.pts,
        dts=times.dts,
        duration=until_next,
        size=sizes,
        position=positions,
        kind=units.kind,
        presented=presented,
        first_packet=units.first_packet,
        packet_count=units.packet_count,
        order=order,
        frame_of=frame_of,
        exact_timestamps=times.exact,
    )


def _timestamps(
    path: Path, info: MediaInfo, packets: PacketTable, units: Units, progress: Progress, cancel: CancelToken
) -> Timestamps:
    pts = packets.pts[units.timed_packet]
    dts = packets.dts[units.first_packet]
    # What FFmpeg makes of the times of packets that hold two pictures is not the order of the frames.
    packed = any(fact.holds_next for fact in packets.facts)
    if packed or (pts == NO_TIME).any() or is_decode_order(path, info, int(packets.position[0]), pts, cancel):
        return timestamps_of_order(path, info, packets, units, progress, cancel)
    return repaired(pts, dts, usual_step(np.sort(pts, kind="stable"), info), _second(info))


def _second(info: MediaInfo) -> int:
    """Return the ticks of a second."""
    return max(1, round(1 / info.video.time_base))
