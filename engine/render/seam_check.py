"""What a player shows around the seams of an export, compared with what it shows of the source.

Each film is decoded from an entry before a re-encoded run across to behind it, and again after seeks in random order
with the decoder kept open: a parameter set that stays behind from the run spoils pictures after a backward seek only.
What looks wrong is looked at in the source too: a fault that the source has is no fault of the export.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.compare import Watched, psnr_of_pairs, watch
from engine.media.replay import Entry, Replay, replay
from engine.media.survey import NO_TIME, Survey
from engine.model.time import Range
from engine.render.packet_check import VideoMatch

_BEHIND = 8
"""Frames looked at behind an entry: the first ones that refer to it, and what a decoder holds back for reordering."""

_LONGEST_WHOLE = 1500
"""A re-encoded run of more packets is looked at from its start and to its end, not all through."""

_FURTHER_BACK = 3
"""Keyframes to go back for a second opinion, where decoding from the nearest one shows a difference."""

_ENOUGH_PROBLEMS = 12
_FOREVER = int(np.iinfo(np.int64).max)


class Depth(Enum):
    """How much is decoded."""

    EXPORT = "up to each seam and a little behind it"
    FULL = "to the end of the group of pictures behind each run, and the loss of every re-encoded frame is measured"


@dataclass(slots=True)
class SeamFindings:
    """What decoding around the seams gave.

    Attributes:
        frames_compared: decoded frames of the output that were compared with the source's, bit for bit.
        seeks: places that were decoded after a seek.
        psnr_db: of each re-encoded frame that was measured, by output pts.
        problems: what is wrong, in sentences.
    """

    frames_compared: int = 0
    seeks: int = 0
    psnr_db: dict[int, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch around re-encoded runs, in output ordinals and output ticks.

    Attributes:
        entry: ordinal of the packet at which decoding starts.
        restart: ordinal of the entry at which copied pictures begin again; None when none follows or it is not reached.
        stop_pts: where decoding stops.
        runs: the re-encoded runs inside, or the part of one.
    """

    entry: int
    restart: int | None
    stop_pts: int
    runs: tuple[Range, ...]


def check_seams(
    source: Survey, out: Survey, match: VideoMatch, depth: Depth, progress: Progress, cancel: CancelToken
) -> SeamFindings:
    """Decode both films around every re-encoded run, and compare.

    Raises:
        DamagedMedia: a film cannot be read.
        Cancelled: on request.
    """
    findings = SeamFindings()
    timeline = _Timeline(source, out, match)
    windows = _windows(timeline, match.runs, depth)
    with replay(source.path, source.edited) as theirs, replay(out.path, out.edited) as ours:
        for n, window in enumerate(windows):
            progress.report("Playing around the seams", n / len(windows))
            _Seam(timeline, theirs, ours, window, depth, findings, cancel).check()
            if len(findings.problems) >= _ENOUGH_PROBLEMS:
                break
    return findings


class _Timeline:
    """Both films' packets by output time."""

    def __init__(self, source: Survey, out: Survey, match: VideoMatch) -> None:
        theirs, self.rows = source.video.rows, out.video.rows
        self.keys = np.flatnonzero(self.rows.key)
        self.source_of = np.full(len(self.rows), -1, np.int64)
        self.source_of[match.out_at] = match.source_at
        copied = np.zeros(len(self.rows), np.bool_)
        copied[match.out_at[~match.recoded]] = True
        self.copied = copied
        self.source_rows = theirs
        self.source_keys = np.flatnonzero(theirs.key)
        self.out_pts_of = dict(
            zip(theirs.pts[match.source_at].tolist(), self.rows.pts[match.out_at].tolist(), strict=True)
        )
        self.source_pts_of: dict[int, int] = {ours: its for its, ours in self.out_pts_of.items()}
        frames = zip(self.rows.pts[match.out_at].tolist(), match.frame_of.tolist(), strict=True)
        self.frame_of = dict(frames)
        self.exact = set(self.rows.pts[copied].tolist())
        shown = self.rows.pts[~self.rows.hidden]
        self.shown_pts = np.unique(shown[shown != NO_TIME])

    def entry(self, ordinal: int) -> Entry:
        return Entry(int(self.rows.pts[ordinal]), int(self.rows.dts[ordinal]))

    def source_entry(self, ordinal: int) -> Entry | None:
        """Return the source's own entry for an output packet: the same picture, None where it is no entry there."""
        at = int(self.source_of[ordinal])
        if at < 0 or not self.source_rows.key[at]:
            return None
        return Entry(int(self.source_rows.pts[at]), int(self.source_rows.dts[at]))

    def pts_after(self, pts: int, frames: int) -> int:
        """Return the time of the frame `frames` behind the one at `pts`."""
        at = int(np.searchsorted(self.shown_pts, pts)) + frames
        return int(self.shown_pts[at]) if at < self.shown_pts.size else _FOREVER

    def source_pts(self, pts: int) -> int:
        """Return the source's time for an output time."""
        return self.source_pts_of.get(pts, _FOREVER)

    def shown_between(self, start_pts: int, stop_pts: int) -> set[int]:
        first, stop = np.searchsorted(self.shown_pts, [start_pts, stop_pts])
        return set(self.shown_pts[first:stop].tolist())


def _windows(timeline: _Timeline, runs: Sequence[Range], depth: Depth) -> list[Window]:
    rows, keys = timeline.rows, timeline.keys
    copied_keys = keys[timeline.copied[keys]]
    windows: list[Window] = []
    for run in runs:
        before = copied_keys[copied_keys < run.start]
        behind = copied_keys[copied_keys >= run.stop]
        entry = int(before[-1]) if before.size else run.start
        restart = int(behind[0]) if behind.size else None
        stop_pts = _FOREVER
        if restart is not None:
            further = behind[1:2] if depth is Depth.FULL else behind[:1]
            stop_pts = timeline.pts_after(int(rows.pts[further[0]]), _BEHIND) if further.size else _FOREVER
        if len(run) > _LONGEST_WHOLE:
            head_stop = timeline.pts_after(int(rows.pts[run.start]), _LONGEST_WHOLE // 4)
            windows.append(Window(entry, None, head_stop, (Range(run.start, run.start + 1),)))
            late = keys[(keys >= run.start) & (keys <= run.stop - min(len(run), _BEHIND))]
            windows.append(Window(int(late[-1]), restart, stop_pts, (Range(int(late[-1]), run.stop),)))
            continue
        last = windows[-1] if windows else None
        if last is not None and last.restart is not None and entry < last.restart:
            windows[-1] = Window(last.entry, restart, max(last.stop_pts, stop_pts), (*last.runs, run))
        else:
            windows.append(Window(entry, restart, stop_pts, (run,)))
    return windows


class _Seam:
    """One window of both films."""

    def __init__(
        self,
        timeline: _Timeline,
        source: Replay,
        out: Replay,
        window: Window,
        depth: Depth,
        findings: SeamFindings,
        cancel: CancelToken,
    ) -> None:
        self._timeline = timeline
        self._source = source
        self._out = out
        self._window = window
        self._depth = depth
        self._findings = findings
        self._cancel = cancel
        self._whole: Watched | None = None

    def check(self) -> None:
        """Compare the window played through, then after seeks."""
        entries = self._seek_entries()
        soon_after = {
            pts
            for entry in entries
            for pts in self._timeline.shown_between(int(self._timeline.rows.pts[entry]), self._stop_after(entry))
        }
        exact = self._timeline.exact
        first = self._timeline.entry(self._window.entry)
        ours = self._play(self._out, first, self._window.stop_pts, lambda pts: pts in exact or pts in soon_after)
        reference = self._reference(ours)
        self._check_presence(ours, first.pts)
        self._check_decoder(ours)
        self._check_pictures(ours, reference)
        if self._findings.problems:
            return
        for entry in entries:
            self._check_seek(entry, ours, reference)
        if self._depth is Depth.FULL:
            self._measure()

    def _seek_entries(self) -> list[int]:
        window, keys = self._window, self._timeline.keys
        entries = {window.entry}
        for run in window.runs:
            inside = keys[(keys >= run.start) & (keys < run.stop)]
            entries.update(inside[[0, -1]].tolist() if inside.size else [])
        if window.restart is not None:
            entries.add(window.restart)
            entries.update(keys[keys > window.restart][:1].tolist() if self._depth is Depth.FULL else [])
        order = sorted(entries)
        random.Random(window.entry).shuffle(order)
        # The last seek leads back across the run, from behind it.
        order.sort(key=lambda ordinal: ordinal == window.entry)
        return order

    def _stop_after(self, entry: int) -> int:
        pts = int(self._timeline.rows.pts[entry])
        return min(self._window.stop_pts, self._timeline.pts_after(pts, _BEHIND))

    def _reference(self, ours: Watched) -> dict[int, int]:
        """Return the digests of the source's frames by output pts, for every frame that was copied."""
        timeline, window = self._timeline, self._window
        exact = {pts for pts in ours.digests if pts in timeline.exact}
        if self._depth is Depth.FULL or len(window.runs) > 1:
            return dict(self._source_whole().digests)
        found: dict[int, int] = {}
        changed_pts = timeline.rows.pts[window.runs[0].start : window.runs[0].stop]
        before = timeline.source_entry(window.entry)
        if before is not None and window.entry < window.runs[0].start:
            stop = timeline.source_pts(int(changed_pts.min()))
            found |= self._play_source(before, stop).digests
        if window.restart is not None:
            behind = timeline.source_entry(window.restart)
            if behind is not None:
                found |= self._play_source(behind, timeline.source_pts(window.stop_pts)).digests
        return found if exact <= found.keys() else dict(self._source_whole().digests)

    def _source_whole(self) -> Watched:
        """Return the whole window of the source."""
        if self._whole is None:
            timeline = self._timeline
            at = int(timeline.source_of[self._window.entry])
            earlier = timeline.source_keys[timeline.source_keys <= max(0, at)]
            start = int(earlier[-1]) if earlier.size else 0
            rows = timeline.source_rows
            entry = Entry(int(rows.pts[start]), int(rows.dts[start]))
            self._whole = self._play_source(entry, timeline.source_pts(self._window.stop_pts))
        return self._whole

    def _play_source(self, entry: Entry, stop_pts: int) -> Watched:
        """Play the source; the result is in output ticks."""
        to_out = self._timeline.out_pts_of
        exact = self._timeline.exact
        seen = self._play(self._source, entry, stop_pts, lambda pts: to_out.get(pts) in exact)
        digests = {to_out[pts]: digest for pts, digest in seen.digests.items() if pts in to_out}
        return Watched(digests, frozenset(to_out.get(pts, pts) for pts in seen.corrupt), seen.broken)

    def _play(self, film: Replay, entry: Entry, stop_pts: int, wanted: Callable[[int], bool]) -> Watched:
        return watch(film, entry, stop_pts, wanted, self._cancel)

    def _check_presence(self, ours: Watched, from_pts: int) -> None:
        stop_pts = self._window.stop_pts
        if ours.digests.keys() == self._timeline.shown_between(from_pts, stop_pts):
            return
        # Not every packet gives a frame (hidden ones, second fields): then the source says which do.
        known = self._timeline.source_pts_of
        expected = {pts for pts in self._source_whole().digests if from_pts <= pts < stop_pts}
        seen = {pts for pts in ours.digests if pts in known}
        self._tell("is missing when played", expected - seen)
        self._tell("is shown although the source hides it", seen - expected)

    def _check_decoder(self, ours: Watched) -> None:
        if ours.broken and not self._source_whole().broken:
            self._findings.problems.append(f"the decoder refuses a packet near {self._place()}: {ours.broken[0]}")
        if ours.corrupt:
            self._tell("is incomplete, says the decoder", ours.corrupt - self._source_whole().corrupt)

    def _check_pictures(self, ours: Watched, reference: dict[int, int]) -> None:
        compared = ours.digests.keys() & self._timeline.exact & reference.keys()
        self._findings.frames_compared += len(compared)
        wrong = {pts for pts in compared if ours.digests[pts] != reference[pts]}
        if wrong:
            wrong = self._second_opinion(wrong)
        self._tell("is a copy and looks different from the source", wrong)

    def _second_opinion(self, wrong: set[int]) -> set[int]:
        """Return which of the frames still differ when both films are decoded from further back.

        An entry into an open group of pictures gives its first frames with references missing; what a decoder makes of
        them is not defined.
        """
        timeline, window = self._timeline, self._window
        usable = [
            k for k in timeline.keys[timeline.keys < window.entry].tolist() if timeline.source_entry(k) is not None
        ]
        if not usable:
            return wrong
        start = usable[-_FURTHER_BACK:][0]
        theirs_entry = timeline.source_entry(start)
        assert theirs_entry is not None
        stop_pts = timeline.pts_after(max(wrong), 1)
        ours = self._play(self._out, timeline.entry(start), stop_pts, wrong.__contains__)
        theirs = self._play_source(theirs_entry, timeline.source_pts(stop_pts))
        return {pts for pts in wrong if ours.digests.get(pts) != theirs.digests.get(pts)}

    def _check_seek(self, entry: int, linear: Watched, reference: dict[int, int]) -> None:
        timeline = self._timeline
        stop_pts = self._stop_after(entry)
        first = timeline.entry(entry)
        seen = self._play(self._out, first, stop_pts, lambda _: True)
        self._findings.seeks += 1
        expected = {pts for pts in linear.digests if first.pts <= pts < stop_pts}
        right = {
            pts: reference.get(pts, linear.digests[pts]) if pts in timeline.exact else linear.digests[pts]
            for pts in expected
        }
        if seen.digests == right and not seen.broken:
            return
        baseline = self._source_after_seek(entry, stop_pts)
        missing = expected - seen.digests.keys()
        wrong = {pts for pts in expected & seen.digests.keys() if seen.digests[pts] != right[pts]}
        if baseline is not None:
            missing &= baseline.digests.keys()
            wrong = {pts for pts in wrong if seen.digests[pts] != baseline.digests.get(pts)}
        self._tell("is missing after a seek", missing)
        self._tell("looks different after a seek", wrong)
        if seen.broken and not (baseline is not None and baseline.broken):
            self._findings.problems.append(
                f"the decoder refuses a packet after a seek to {self._place()}: {seen.broken[0]}"
            )

    def _source_after_seek(self, entry: int, stop_pts: int) -> Watched | None:
        theirs = self._timeline.source_entry(entry) if self._timeline.copied[entry] else None
        return None if theirs is None else self._play_source(theirs, self._timeline.source_pts(stop_pts))

    def _measure(self) -> None:
        timeline, window = self._timeline, self._window
        wanted = {int(pts) for run in window.runs for pts in timeline.rows.pts[run.start : run.stop]}
        at = max(0, int(timeline.source_of[window.entry]))
        earlier = timeline.source_keys[timeline.source_keys <= at]
        start = int(earlier[-1]) if earlier.size else 0
        rows = timeline.source_rows
        self._findings.psnr_db |= psnr_of_pairs(
            self._source.stretch(
                Entry(int(rows.pts[start]), int(rows.dts[start])), timeline.source_pts(window.stop_pts)
            ),
            self._out.stretch(timeline.entry(window.entry), window.stop_pts),
            timeline.source_pts_of,
            wanted & timeline.source_pts_of.keys(),
            self._cancel,
        )

    def _tell(self, what: str, pts: set[int] | frozenset[int]) -> None:
        if not pts:
            return
        frames = sorted(self._timeline.frame_of.get(at, -1) for at in pts)
        more = f" and {len(frames) - 3} more" if len(frames) > 3 else ""
        self._findings.problems.append(f"frame {', '.join(map(str, frames[:3]))}{more} {what}")

    def _place(self) -> str:
        pts = int(self._timeline.rows.pts[self._window.runs[0].start])
        return f"frame {self._timeline.frame_of.get(pts, -1)}"
