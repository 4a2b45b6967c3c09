"""Which packets of an export are the source's, found from the two files alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from engine.media.compare import digest_of
from engine.media.survey import NO_TIME, PacketRows, TrackFacts
from engine.model.distinct import distinct
from engine.model.frame_index import FrameIndex, Int64
from engine.model.time import Range

_SHOWN = 5
_CODED_IN_FIELDS = frozenset({"h264", "hevc", "mpeg2video"})
# VP8 keeps hidden reference pictures in packets of their own.
_SEVERAL_PACKETS_A_FRAME = _CODED_IN_FIELDS | {"vp8"}


class DecodeTimes(Enum):
    """Which decode times two files keep; the others are made up by the demuxer, from the pictures around."""

    ALL = "of every packet"
    WHERE_THEY_DIFFER = "where they are not the presentation time"
    NONE = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What an export was to change.

    Attributes:
        frame_pts: int64, of every frame of the source in ticks of its edited stream, increasing.
        packet_frame: int64, the frame number of every packet of that stream, -1 for what is never shown.
        has_own_times: whether `frame_pts` are the file's times, not ones that were made for it.
        frames: the frames planned to be re-encoded.
        dropped: streams of the source known not to fit into the output's format.
        inherited_bytes: the first bytes of the output, which were checked with an earlier export and not written since.
        decoded: `digest_of` the new packets, each of which was decoded in its row when it was made.
    """

    frame_pts: Int64
    packet_frame: Int64
    has_own_times: bool
    frames: tuple[Range, ...]
    dropped: frozenset[int] = frozenset()
    inherited_bytes: int = 0
    decoded: frozenset[bytes] = frozenset()

    @classmethod
    def of(
        cls,
        index: FrameIndex,
        frames: Sequence[Range],
        dropped: Sequence[int] = (),
        inherited_bytes: int = 0,
        decoded: Iterable[bytes] = (),
    ) -> Plan:
        """Return the plan for a film with this index; `decoded` are packets that were decoded when they were made."""
        return cls(
            frame_pts=index.frame_pts,
            packet_frame=np.repeat(index.frame_of, index.packet_count),
            has_own_times=index.exact_timestamps,
            frames=tuple(frames),
            dropped=frozenset(dropped),
            inherited_bytes=inherited_bytes,
            decoded=frozenset(map(digest_of, decoded)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class VideoMatch:
    """The edited track of two films, packet by packet.

    Row i of the arrays is one pair of packets with the same time, in the order of that time.

    Attributes:
        source_at, out_at: int64, ordinals of the pair's packets in each file.
        identical: bool, the same bytes.
        restated: bool, not the same bytes but the same coded picture: parameter sets were put in front of it, or an
            HEVC entry was renamed.
        recoded: bool, another picture, or one that stands inside a re-encoded run.
        anew: nothing of the source's picture was copied.
        runs: output ordinals [start, stop) of each re-encoded run, in decode order.
        frame_of: int64, the pair's frame number, -1 for what is never shown.
        problems: what is wrong, in sentences.
    """

    source_at: Int64
    out_at: Int64
    identical: NDArray[np.bool_]
    restated: NDArray[np.bool_]
    recoded: NDArray[np.bool_]
    anew: bool
    runs: tuple[Range, ...]
    frame_of: Int64
    problems: tuple[str, ...]


def match_video(
    track: TrackFacts, copy: TrackFacts, plan: Plan | None, stored: DecodeTimes, *, same_format: bool
) -> VideoMatch:
    """Pair the packets of the edited track by time, and find what differs.

    Args:
        track: the source's edited track.
        copy: the output's.
        plan: what was to be changed; None accepts every re-encoded run that is one by its form.
        stored: which decode times both formats keep.
        same_format: whether both files are of the same format.
    """
    source, out = track.rows, copy.rows
    source_at, out_at = _pairs(source, out)
    identical = source.digest[source_at] == out.digest[out_at]
    essence = source.essence[source_at]
    restated = ~identical & (essence == out.essence[out_at]) & (essence != 0)
    anew = bool(len(source)) and not identical.any() and not restated.any()
    # A film encoded anew from start to end may have a packet for each shown frame only, in slots of its own.
    anew_times = anew and plan is not None and len(out) == plan.frame_pts.size
    expected_pts, shown_pts = source.pts, out.pts
    if plan is not None:
        if anew_times:
            expected_pts = _times_anew(plan, source, out)
        elif len(out) < len(source):
            expected_pts = _times_of_frames(plan, source)
    elif len(out) < len(source) and track.codec in _SEVERAL_PACKETS_A_FRAME:
        shown_at = distinct(source.pts)
        if shown_at.size < len(source):
            expected_pts, shown_pts = shown_at, distinct(out.pts)
    problems = _timeline(source, out, expected_pts, shown_pts, DecodeTimes.NONE if anew else stored)
    frame_of = _frame_numbers(track, plan)[source_at]
    planned = _within(frame_of, plan.frames if plan is not None else ())
    recoded = ~identical & ~restated
    if plan is not None:
        # What is never shown has no number; what it does to pictures that are shown is seen where these are decoded.
        problems += _unplanned(recoded & ~planned & (frame_of >= 0), frame_of)
        # A re-encoded picture may by chance be coded in the very bytes of the source's.
        recoded |= planned
    runs, filled = _runs(out, out_at, recoded)
    recoded |= filled
    if not source.key.all():
        problems += _without_entry(out, runs)
    if same_format:
        marked = source.key[source_at] == out.key[out_at]
        problems += _listed("is marked as a keyframe in one file only", frame_of[~marked & (identical | restated)])
    return VideoMatch(source_at, out_at, identical, restated, recoded, anew, runs, frame_of, tuple(problems))


def planned_packets(plan: Plan) -> NDArray[np.bool_]:
    """Return which packets of the source's picture, in file order, were to be encoded anew."""
    return _within(plan.packet_frame, plan.frames)


def _within(frames: Int64, ranges: Iterable[Range]) -> NDArray[np.bool_]:
    found = np.zeros(frames.size, np.bool_)
    for part in ranges:
        found |= (frames >= part.start) & (frames < part.stop)
    return found


def match_stills(source: PacketRows, out: PacketRows, name: str) -> list[str]:
    """Return what differs between a cover and its copy: it has no time."""
    return [] if np.array_equal(source.digest, out.digest) else [f"{name}: the picture differs"]


def _times_of_frames(plan: Plan, source: PacketRows) -> Int64:
    """Return the source's times without those of packets that a re-encoded frame does not need.

    Where the source makes a frame of several packets (a hidden reference picture, two fields), the new one is one.
    """
    if plan.packet_frame.size != len(source):
        return source.pts
    frame_of, planned = plan.packet_frame, planned_packets(plan)
    # The packet with the frame's own time counts, else the last one.
    timed = source.pts == plan.frame_pts[frame_of]
    kept = ~planned
    rows = np.flatnonzero(planned)
    by_frame = rows[np.lexsort((rows, timed[rows], frame_of[rows]))]
    kept[by_frame[np.r_[np.diff(frame_of[by_frame]) != 0, True]]] = True
    times: Int64 = source.pts[kept]
    return times


def _times_anew(plan: Plan, source: PacketRows, out: PacketRows) -> Int64:
    """Return when a picture that was encoded anew should show each frame, in the source's ticks.

    Times that were made for the film tell how far its frames are apart, not when exactly the first one is shown.
    """
    if plan.has_own_times:
        return plan.frame_pts
    late = round(int(out.pts.min()) * out.time_base / source.time_base) - int(plan.frame_pts[0])
    depth = int(plan.frame_pts[0] - source.dts[source.dts != NO_TIME].min(initial=plan.frame_pts[0]))
    return plan.frame_pts + late if -depth <= late <= 0 else plan.frame_pts


def match_copied(source: PacketRows, out: PacketRows, name: str, *, same_format: bool) -> list[str]:
    """Return what differs between a track and its copy, in sentences."""
    if len(source) != len(out):
        return [f"{name}: {len(out)} packets instead of {len(source)}"]
    problems = []
    changed = np.flatnonzero(source.digest != out.digest)
    if changed.size:
        problems.append(f"{name}: {changed.size} of {len(source)} packets differ, the first is packet {changed[0]}")
    moved = np.flatnonzero(_off(source.pts, source.time_base, out.pts, out.time_base))
    if moved.size:
        problems.append(f"{name}: {moved.size} packets have another time, the first is packet {moved[0]}")
    if same_format:
        resized = np.flatnonzero(_off(source.duration, source.time_base, out.duration, out.time_base))
        if resized.size:
            problems.append(f"{name}: {resized.size} packets have another duration, the first is packet {resized[0]}")
    return problems


def frame_ranges(frames: Int64) -> tuple[Range, ...]:
    """Return the runs of consecutive numbers among frame numbers; negative ones are left out."""
    numbers = distinct(frames[frames >= 0])
    if not numbers.size:
        return ()
    breaks = np.flatnonzero(np.diff(numbers) > 1)
    starts = np.r_[numbers[0], numbers[breaks + 1]]
    stops = np.r_[numbers[breaks], numbers[-1]] + 1
    return tuple(Range(int(a), int(b)) for a, b in zip(starts, stops, strict=True))


def _timeline(source: PacketRows, out: PacketRows, expected_pts: Int64, shown: Int64, stored: DecodeTimes) -> list[str]:
    """Compare the times of the picture; `expected_pts` are in the source's ticks, `shown` in the output's."""
    problems = []
    if expected_pts.size != len(out) and np.array_equal(expected_pts, source.pts):
        # A new keyframe near an edit's start lets a demuxer leave out what only led up to it: what is shown counts.
        expected_pts, shown, stored = source.pts[~source.hidden], out.pts[~out.hidden], DecodeTimes.NONE
    if expected_pts.size != shown.size:
        problems.append(f"the picture has {shown.size} packets instead of {expected_pts.size}")
    else:
        # Nearly in order as they are, which a stable sort makes use of.
        theirs, ours = np.sort(expected_pts, kind="stable"), np.sort(shown, kind="stable")
        moved = np.flatnonzero(_off(theirs, source.time_base, ours, out.time_base))
        if moved.size:
            at = int(moved[0])
            seconds = [float(ours[at] * out.time_base), float(theirs[at] * source.time_base)]
            problems.append(
                f"{moved.size} pictures have another time; the first is picture {at} in order, "
                f"{seconds[0]:.6f} s instead of {seconds[1]:.6f} s"
            )
        elif stored is not DecodeTimes.NONE and len(out) == len(source):
            # One shift for all is what a demuxer makes of the deepest reordering, which may lie in a replaced run.
            shift = out.dts[0] - source.dts[0] if out.time_base == source.time_base else 0
            off = _off(source.dts, source.time_base, out.dts - shift, out.time_base)
            if stored is DecodeTimes.WHERE_THEY_DIFFER:
                off &= (source.dts != source.pts) & (out.dts != out.pts)
            slots = np.flatnonzero(off)
            if slots.size:
                problems.append(f"{slots.size} packets have another decode time, the first is packet {slots[0]}")
    if stored is not DecodeTimes.NONE and _is_ordered(source, stored) and not _is_ordered(out, stored):
        problems.append("the decode times do not increase, or one lies behind its picture's time")
    return problems


def _is_ordered(rows: PacketRows, stored: DecodeTimes) -> bool:
    """Tell whether decode times grow and none lies behind its picture's; made-up ones may stand still."""
    known = (rows.dts != NO_TIME) & (rows.pts != NO_TIME)
    dts = rows.dts[rows.dts != NO_TIME]
    least = 1 if stored is DecodeTimes.ALL else 0
    return bool((np.diff(dts) >= least).all() and (rows.dts[known] <= rows.pts[known]).all())


def clock_runs_back(rows: PacketRows) -> bool:
    """Tell whether a time does not lead to one place of the track: recordings were put one after the other."""
    dts = rows.dts[rows.dts != NO_TIME]
    return bool((np.diff(dts) < 0).any())


def _pairs(source: PacketRows, out: PacketRows) -> tuple[Int64, Int64]:
    """Return the ordinals of packets with the same time in both files, ordered by it.

    Packets that share a time (the fields of a frame, a hidden frame) are paired in file order.
    """
    by_time = np.lexsort((source.pts, _part(source)))
    out_by_time = np.lexsort((out.pts, _part(out)))
    if by_time.size == out_by_time.size:
        return by_time.astype(np.int64), out_by_time.astype(np.int64)
    ours = {key: ordinal for ordinal, key in zip(out_by_time, _keys(out, out_by_time), strict=True)}
    found = [(ordinal, ours[key]) for ordinal, key in zip(by_time, _keys(source, by_time), strict=True) if key in ours]
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _part(rows: PacketRows) -> Int64:
    """Return for each packet how often the clock ran back before it."""
    back = np.zeros(len(rows), np.int64)
    known = np.flatnonzero(rows.dts != NO_TIME)
    back[known[1:]] = np.diff(rows.dts[known]) < 0
    parts: Int64 = np.cumsum(back)
    return parts


def _keys(rows: PacketRows, order: NDArray[np.intp]) -> list[tuple[int, int]]:
    """Return each packet's time in microseconds and how many packets before it share that time."""
    times = np.round(np.where(rows.pts == NO_TIME, -1.0, _scaled(rows.pts, rows.time_base) * 1e6))[order]
    first = np.searchsorted(times, times, side="left")
    return list(zip(times.tolist(), (np.arange(times.size) - first).tolist(), strict=True))


def _frame_numbers(track: TrackFacts, plan: Plan | None) -> Int64:
    """Return the frame number of each of the source's packets, -1 for what is never shown."""
    rows = track.rows
    if plan is None:
        return _counted_frames(track)
    if not plan.has_own_times and plan.packet_frame.size == len(rows):
        return plan.packet_frame
    if not plan.frame_pts.size:
        return np.full(len(rows), -1, np.int64)
    at = np.minimum(np.searchsorted(plan.frame_pts, rows.pts), plan.frame_pts.size - 1)
    return np.where(plan.frame_pts[at] == rows.pts, at, -1).astype(np.int64)


def _counted_frames(track: TrackFacts) -> Int64:
    """Return the place of each packet among the shown ones; the fields of a frame share its time and its number."""
    rows = track.rows
    numbers = np.full(len(rows), -1, np.int64)
    in_order = np.lexsort((rows.pts, _part(rows)))
    in_order = in_order[~rows.hidden[in_order]]
    new = np.ones(in_order.size, np.bool_)
    if track.codec in _CODED_IN_FIELDS:
        new[1:] = np.diff(rows.pts[in_order]) != 0
    numbers[in_order] = np.cumsum(new) - 1
    return numbers


def _unplanned(rows: NDArray[np.bool_], frame_of: Int64) -> list[str]:
    return _listed("was to be copied and differs", frame_of[rows])


def _listed(what: str, frames: Int64) -> list[str]:
    if not frames.size:
        return []
    shown = ", ".join(str(n) for n in np.sort(frames)[:_SHOWN])
    more = f" and {frames.size - _SHOWN} more" if frames.size > _SHOWN else ""
    return [f"frame {shown}{more} {what}"]


def _runs(out: PacketRows, out_at: Int64, recoded: NDArray[np.bool_]) -> tuple[tuple[Range, ...], NDArray[np.bool_]]:
    """Return the re-encoded runs in decode order, and the pairs that stand between re-encoded ones of the same run.

    A packet that happens to equal the source's belongs to the run when no entry separates it from what goes before.
    """
    changed = np.zeros(len(out), np.bool_)
    changed[out_at[recoded]] = True
    at = np.flatnonzero(changed)
    runs: list[Range] = []
    for ordinal in at.tolist():
        last = runs[-1] if runs else None
        same_group = last is not None and out.key[last.start] and not out.key[last.stop : ordinal + 1].any()
        if last is not None and (ordinal == last.stop or same_group):
            runs[-1] = Range(last.start, ordinal + 1)
        else:
            runs.append(Range(ordinal, ordinal + 1))
    inside = np.zeros(len(out), np.bool_)
    for run in runs:
        inside[run.start : run.stop] = True
    return tuple(runs), inside[out_at]


def _without_entry(out: PacketRows, runs: Sequence[Range]) -> list[str]:
    """Find runs that begin at no keyframe: pictures that refer to others cannot be re-encoded alone."""
    lone = [run.start for run in runs if not out.key[run.start]]
    return [f"packet {start} differs, and no re-encoded run begins there" for start in lone[:_SHOWN]]


def _scaled(ticks: Int64, base: Fraction) -> NDArray[np.float64]:
    seconds: NDArray[np.float64] = ticks.astype(np.float64) * float(base)
    return seconds


def _off(before: Int64, base: Fraction, after: Int64, out_base: Fraction) -> NDArray[np.bool_]:
    """Tell which times are not the same; where the bases differ, up to half a tick of the coarser is the same."""
    off: NDArray[np.bool_] = before != after
    if base == out_base:
        return off
    known = (before != NO_TIME) & (after != NO_TIME)
    ratio = base / out_base
    # In units of 1 / denominator of an output tick everything is an integer.
    apart = np.abs(before * ratio.numerator - after * ratio.denominator)
    return np.where(known, 2 * apart > max(ratio.numerator, ratio.denominator), off)
