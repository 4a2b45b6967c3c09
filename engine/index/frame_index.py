"""Build the frame index of a film: read its packets, join them into units, order them as they are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.errors import DamagedMedia, UnsupportedMedia
from engine.index.timestamps import Timestamps, apart, decode_times, repaired
from engine.index.units import Units, joined
from engine.media.demux import NO_TIME, PacketTable, ShownSamples, is_mov, read_packets, read_shown_samples
from engine.media.output_order import output_order
from engine.media.sample_table import SampleTable, read_sample_table
from engine.model.frame_index import FrameIndex, Int64, UnitKind
from engine.model.media import MediaInfo

# The head of a film is decoded to see which of its pictures a decoder shows: up to its third entry, and so many units.
_HEAD_LEAST, _HEAD_MOST = 48, 600
_HEAD_ENTRIES = (UnitKind.IDR, UnitKind.CRA, UnitKind.BLA, UnitKind.OPEN_I)


def build_index(path: Path, info: MediaInfo, progress: Progress, cancel: CancelToken) -> FrameIndex:
    """Find every coded unit of a film and the order in which they are shown.

    The units of an MP4 or QuickTime file that is not fragmented are the samples of its track, those that its edit list
    leaves out among them.

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
    if _is_decode_order(path, info, table.pts, cancel):
        return by_demuxing(path, info, progress, cancel)
    times = repaired(table.pts, table.dts, _usual_step(np.sort(table.pts, kind="stable"), info), _second(info))
    times = as_edited(times, table.shown_pts)
    presented = table.shown_pts != NO_TIME
    presented &= ~_hidden_at_head(path, info, units, times, progress, cancel)
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
    units = joined(packets)
    times = _timestamps(path, info, packets, units, progress.part(0.6, 0.9), cancel)
    positions = packets.position[units.first_packet]
    presented = units.shown & ~np.logical_or.reduceat(packets.discard, units.first_packet)
    if is_mov(info.container) and not info.fragmented:
        shown_pts = _shown_pts(path, positions, read_shown_samples(path, info, cancel))
        if not _shown_in_order(times.pts, shown_pts):
            raise UnsupportedMedia(
                f"{path}: its edit list shows pictures in another order than the file's; convert it first, then edit "
                "the result"
            )
        times = as_edited(times, shown_pts)
        presented &= shown_pts != NO_TIME
    presented &= ~_hidden_at_head(path, info, units, times, progress.part(0.9, 1.0), cancel)
    return assembled(
        info,
        times,
        sizes=np.add.reduceat(packets.size, units.first_packet),
        positions=positions,
        durations=packets.duration[units.timed_packet],
        units=units,
        presented=presented,
    )


def _shown_pts(path: Path, positions: Int64, shown: ShownSamples) -> Int64:
    """Return the edited time of each unit, NO_TIME for those that are not shown.

    Raises:
        UnsupportedMedia: units are shown twice.
    """
    order = np.argsort(positions, kind="stable")
    at = np.minimum(np.searchsorted(positions[order], shown.position), positions.size - 1)
    known = positions[order][at] == shown.position
    units = order[at[known]]
    stored_apart = np.unique(positions).size == positions.size
    if stored_apart and np.unique(units).size < units.size:
        raise UnsupportedMedia(
            f"{path}: its edit list, as it is read here, shows pictures twice; convert it first, then edit the result"
        )
    result = np.full(positions.size, NO_TIME, np.int64)
    result[units] = shown.pts[known]
    return result


def _shown_in_order(pts: Int64, shown_pts: Int64) -> bool:
    """Tell whether units are shown in the order of their media times."""
    shown = np.flatnonzero(shown_pts != NO_TIME)
    return bool((np.diff(shown_pts[shown[np.argsort(pts[shown], kind="stable")]]) > 0).all())


def as_edited(times: Timestamps, shown_pts: Int64) -> Timestamps:
    """Apply an MP4's edit list: move the times of the media to those of the film.

    All units are moved alike, so that what the list hides keeps its place between what it shows. Where the list leaves
    out a piece in the middle, that is not possible: then what it hides goes before the film's start, and the times are
    not exact.

    Args:
        times: of the media.
        shown_pts: int64 ticks of each unit as shown, NO_TIME where it is hidden.
    """
    shown = np.flatnonzero(shown_pts != NO_TIME)
    if not shown.size:
        return times
    moves = shown_pts[shown] - times.pts[shown]
    if (moves == moves[0]).all():
        return Timestamps(times.pts + moves[0], times.dts + moves[0], times.exact)
    in_order = shown[np.argsort(times.pts[shown], kind="stable")]
    hidden = np.flatnonzero(shown_pts == NO_TIME)
    hidden = hidden[np.argsort(times.pts[hidden], kind="stable")]
    pts = shown_pts.copy()
    pts[in_order] = apart(shown_pts[in_order])
    pts[hidden] = pts[shown].min() - np.arange(hidden.size, 0, -1)
    return Timestamps(pts, decode_times(pts, np.full(pts.size, NO_TIME), 1), exact=False)


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
    step = _usual_step(times.pts[order], info)
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
    if (pts == NO_TIME).any() or _is_decode_order(path, info, pts, cancel):
        return _made_timestamps(path, info, packets, units, progress, cancel)
    return repaired(pts, dts, _usual_step(np.sort(pts, kind="stable"), info), _second(info))


def _is_decode_order(path: Path, info: MediaInfo, pts: Int64, cancel: CancelToken) -> bool:
    """Tell whether the presentation times only count packets while the decoder shows them in another order.

    So it is with reordered H.264 in AVI, which knows no presentation times, and with careless writers of others.
    """
    if not info.video.reorder_depth or (np.diff(pts) <= 0).any():
        return False
    shown = output_order(path, info, min(pts.size, _HEAD_LEAST), Progress(), cancel)
    return bool((np.diff(shown) < 0).any())


def _made_timestamps(
    path: Path, info: MediaInfo, packets: PacketTable, units: Units, progress: Progress, cancel: CancelToken
) -> Timestamps:
    """Time a stream whose file does not: the decoder tells the order, the frame rate the distance."""
    count = units.kind.size
    shown = output_order(path, info, int(packets.pts.size) + 1, progress, cancel)
    unit_of_packet = np.repeat(np.arange(count), units.packet_count)
    shown_units = list(dict.fromkeys(unit_of_packet[shown].tolist()))
    # Units without a picture keep their place in decode order, behind all that was decoded before them.
    rank_of = np.full(count, -1, np.int64)
    rank_of[shown_units] = np.arange(len(shown_units))
    keys = np.where(rank_of >= 0, rank_of, np.maximum.accumulate(rank_of))
    rank = np.empty(count, np.int64)
    rank[np.lexsort((np.arange(count), rank_of < 0, keys))] = np.arange(count)
    step = _usual_step(np.zeros(0, np.int64), info)
    clock = packets.dts[units.first_packet]
    if (clock == NO_TIME).any() or (np.diff(clock) <= 0).any():
        clock = np.arange(count) * step
    # Shown in rank order at the times at which they are decoded, as much later as reordering needs.
    depth = int(np.max(np.arange(count) - rank, initial=0))
    return Timestamps(clock[rank] + depth * step, clock, exact=False)


def _hidden_at_head(
    path: Path, info: MediaInfo, units: Units, times: Timestamps, progress: Progress, cancel: CancelToken
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
        shown = unit_of_packet[output_order(path, info, packets + (packets == packet_total), progress, cancel)]
        if shown.size or packets == packet_total:
            break
        head = min(head * 4, units.kind.size)
    if shown.size:
        hidden = times.pts < times.pts[shown].max()
        hidden[shown] = False
    return hidden


def _usual_step(sorted_pts: Int64, info: MediaInfo) -> int:
    """Return the usual ticks from frame to frame, at least 1."""
    gaps = np.diff(sorted_pts)
    gaps = gaps[gaps > 0]
    if gaps.size:
        return max(1, int(np.median(gaps)))
    return max(1, round(1 / (info.video.rate * info.video.time_base)))


def _second(info: MediaInfo) -> int:
    """Return the ticks of a second."""
    return max(1, round(1 / info.video.time_base))
