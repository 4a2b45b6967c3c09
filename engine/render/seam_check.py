"""What a player shows around the seams of an export, compared with what it shows of the source.

Each film is decoded from an entry before a re-encoded run across to behind it, and again after seeks in random order
with the decoder kept open: a parameter set that stays behind from the run spoils pictures after a backward seek only.
What looks wrong is looked at in the source too: a fault that the source has is no fault of the export.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.compare import Watched, psnr_of_pairs, watch
from engine.media.film_file import FilmFile
from engine.media.replay import Broken, Entry, Replay, Shown
from engine.media.survey import PacketRows
from engine.model.frame_index import Int64
from engine.model.time import Range
from engine.render.packet_check import VideoMatch, clock_runs_back

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
        worst_psnr_db: of a re-encoded frame that was measured, None where none was.
        problems: what is wrong, in sentences.
    """

    frames_compared: int = 0
    seeks: int = 0
    worst_psnr_db: float | None = None
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch around re-encoded runs. Ordinals count the output's packets; a moment is a row of the VideoMatch.

    Attributes:
        entry: ordinal of the packet at which decoding starts.
        restart: ordinal of the entry at which copied pictures begin again; None when none follows or it is not reached.
        stop: the moment at which decoding stops.
        runs: the re-encoded runs inside, or the part of one, in ordinals.
    """

    entry: int
    restart: int | None
    stop: int
    runs: tuple[Range, ...]


def check_seams(
    films: tuple[FilmFile, FilmFile],
    sought: FilmFile,
    rows: tuple[PacketRows, PacketRows],
    match: VideoMatch,
    depth: Depth,
    progress: Progress,
    cancel: CancelToken,
) -> SeamFindings:
    """Decode both films around every re-encoded run, and compare.

    Args:
        films: the source and the export; their other tracks are not read any more.
        sought: the export, to be played after seeks: opened once more, or the same again.
        rows: the packets of their pictures.
        match: which of these belong together.
        depth: how much is decoded.
        progress: reports the share of the seams.
        cancel: looked at before each frame.

    Raises:
        DamagedMedia: a film cannot be read.
        Cancelled: on request.
    """
    findings = SeamFindings()
    timeline = _Timeline(rows[1], match)
    windows = _windows(timeline, match.runs, depth)
    source = _Film(Replay(films[0]), rows[0], match.source_at)
    out = _Film(Replay(films[1]), rows[1], match.out_at)
    other = out if sought is films[1] else _Film(Replay(sought), rows[1], match.out_at)
    with ThreadPoolExecutor(2, thread_name_prefix="play") as pool:
        for n, window in enumerate(windows):
            progress.report("Playing around the seams", n / len(windows))
            _Seam(timeline, source, out, other, window, depth, findings, pool, cancel).check()
            if len(findings.problems) >= _ENOUGH_PROBLEMS:
                break
    return findings


class _Film:
    """One of the two films, played by moments, whatever its clock says."""

    def __init__(self, player: Replay, rows: PacketRows, at: Int64) -> None:
        self._player = player
        self._rows = rows
        self._at = at
        self.keys = np.flatnonzero(rows.key)
        self.moment_of = np.full(len(rows), -1, np.int64)
        self.moment_of[at] = np.arange(at.size)
        self._runs_back = clock_runs_back(rows)
        self._times = rows.pts[at]

    def play(self, entry: int, stop: int) -> Iterator[Shown | Broken]:
        """Yield the frames from an entry (an ordinal) up to a moment (left out); their pts are moments."""
        first = int(self.moment_of[entry])
        if self._runs_back:
            yield from self._play_counted(entry, first, stop)
            return
        stop_pts = int(self._rows.pts[self._at[stop]]) if stop < self._at.size else _FOREVER
        row = Entry(int(self._rows.pts[entry]), int(self._rows.dts[entry]), int(self._rows.size[entry]))
        now = first - 1
        for shown in self._player.stretch(row, stop_pts):
            if isinstance(shown, Broken):
                yield shown
            elif first <= (moment := self._moment(shown.pts, now)) < stop:
                now = moment
                yield replace(shown, pts=moment)

    def _play_counted(self, entry: int, first: int, stop: int) -> Iterator[Shown | Broken]:
        """Play by counting packets; a time that occurs twice is told apart by the order of frames."""
        inside = self._at[max(0, first) : stop]
        last = max(entry, int(inside.max())) if inside.size else entry
        moments: dict[int, list[int]] = {}
        for moment in sorted(self.moment_of[entry : last + 1].tolist()):
            moments.setdefault(int(self._times[moment]), []).append(moment)
        now = -1
        for shown in self._player.counted(entry, last + 1):
            if isinstance(shown, Broken):
                yield shown
                continue
            moment = next((at for at in moments.get(shown.pts, ()) if at > now), -1)
            if first <= moment < stop:
                now = moment
                yield replace(shown, pts=moment)

    def _moment(self, pts: int, now: int) -> int:
        """Return the moment of a time, -1 where no packet has it.

        Of packets with the same time the first gives a frame its time (they are its fields), unless that frame was
        already shown: then they are frames of their own, under the clock of a careless recorder.
        """
        at = int(np.searchsorted(self._times, pts))
        if at <= now and now + 1 < self._times.size and int(self._times[now + 1]) == pts:
            return now + 1
        return at if at < self._times.size and int(self._times[at]) == pts else -1


class _Timeline:
    """The output's packets and the moments at which they are shown."""

    def __init__(self, rows: PacketRows, match: VideoMatch) -> None:
        self.keys = np.flatnonzero(rows.key)
        self.copied = np.zeros(len(rows), np.bool_)
        self.copied[match.out_at[~match.recoded]] = True
        self.source_of = np.full(len(rows), -1, np.int64)
        self.source_of[match.out_at] = match.source_at
        self.moment_of = np.full(len(rows), -1, np.int64)
        self.moment_of[match.out_at] = np.arange(match.out_at.size)
        self.exact = ~match.recoded
        self.frame_of = match.frame_of
        times = rows.pts[match.out_at]
        is_first = np.r_[True, times[1:] != times[:-1]] if times.size else np.zeros(0, np.bool_)
        self.shown = np.flatnonzero(is_first & ~rows.hidden[match.out_at])
        self.end = int(match.out_at.size)

    def after(self, moment: int, frames: int) -> int:
        """Return the moment of the frame `frames` behind the one shown at `moment`."""
        at = int(np.searchsorted(self.shown, moment)) + frames
        return int(self.shown[at]) if at < self.shown.size else self.end

    def shown_between(self, start: int, stop: int) -> set[int]:
        """Return the moments of [start, stop) that should show a frame."""
        first, last = np.searchsorted(self.shown, [start, stop])
        return set(self.shown[first:last].tolist())


def _windows(timeline: _Timeline, runs: Sequence[Range], depth: Depth) -> list[Window]:
    keys = timeline.keys
    copied_keys = keys[timeline.copied[keys]]
    windows: list[Window] = []
    for run in runs:
        before = copied_keys[copied_keys < run.start]
        behind = copied_keys[copied_keys >= run.stop]
        entry = int(before[-1]) if before.size else run.start
        restart = int(behind[0]) if behind.size else None
        further = behind[1:2] if depth is Depth.FULL else behind[:1]
        stop = timeline.after(int(timeline.moment_of[further[0]]), _BEHIND) if further.size else timeline.end
        if len(run) > _LONGEST_WHOLE:
            head_stop = timeline.after(int(timeline.moment_of[run.start]), _LONGEST_WHOLE // 4)
            windows.append(Window(entry, None, head_stop, (Range(run.start, run.start + 1),)))
            late = int(keys[(keys >= run.start) & (keys <= run.stop - _BEHIND)][-1])
            windows.append(Window(late, restart, stop, (Range(late, run.stop),)))
            continue
        last = windows[-1] if windows else None
        if last is not None and last.restart is not None and entry < last.restart:
            windows[-1] = Window(last.entry, restart, max(last.stop, stop), (*last.runs, run))
        else:
            windows.append(Window(entry, restart, stop, (run,)))
    return windows


class _Seam:
    """One window of both films. Everything is told in moments."""

    def __init__(
        self,
        timeline: _Timeline,
        source: _Film,
        out: _Film,
        sought: _Film,
        window: Window,
        depth: Depth,
        findings: SeamFindings,
        pool: Executor,
        cancel: CancelToken,
    ) -> None:
        self._timeline = timeline
        self._source = source
        self._out = out
        self._sought = sought
        self._window = window
        self._depth = depth
        self._findings = findings
        self._pool = pool
        self._cancel = cancel
        self._whole: Watched | None = None

    def check(self) -> None:
        """Compare the window played through, then after seeks."""
        window = self._window
        entries = self._seek_entries()
        start = self._moment(window.entry)
        soon_after: set[int] = set()
        for entry in entries:
            soon_after.update(range(self._moment(entry), self._stop_after(entry)))
        # Each film that is open is played on a thread of its own.
        waited: list[Future[Any]] = [theirs := self._pool.submit(self._source_parts)]
        try:
            if self._sought is not self._out:
                waited.append(after_seeks := self._pool.submit(self._after_seeks, entries))
            ours = self._watch(self._out, window.entry, window.stop, lambda at: self._is_exact(at) or at in soon_after)
            seen = self._after_seeks(entries) if self._sought is self._out else after_seeks.result()
        finally:
            wait(waited)
        reference = self._reference(ours, theirs.result())
        self._check_presence(ours, start)
        self._check_decoder(ours)
        self._check_pictures(ours, reference)
        if self._findings.problems:
            return
        for entry, found in zip(entries, seen, strict=True):
            self._check_seek(entry, found, ours, reference)
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
        order = sorted(entry for entry in entries if self._moment(entry) >= 0)
        random.Random(window.entry).shuffle(order)
        # The last seek leads back across the run, from behind it.
        order.sort(key=lambda ordinal: ordinal == window.entry)
        return order

    def _after_seeks(self, entries: Sequence[int]) -> list[Watched]:
        """Return what is shown after a seek to each entry, one after the other by one decoder."""
        return [self._watch(self._sought, entry, self._stop_after(entry), lambda _: True) for entry in entries]

    def _source_parts(self) -> dict[int, int]:
        """Return the digests of the source's frames before and behind the run, or of all, where that is looked at."""
        window = self._window
        if self._depth is Depth.FULL or len(window.runs) > 1:
            return dict(self._source_whole().digests)
        found: dict[int, int] = {}
        run = window.runs[0]
        before = self._source_entry(window.entry)
        if before is not None and window.entry < run.start:
            stop = min(at for at in self._timeline.moment_of[run.start : run.stop].tolist() if at >= 0)
            found |= self._watch(self._source, before, stop, self._is_exact).digests
        behind = None if window.restart is None else self._source_entry(window.restart)
        if behind is not None:
            found |= self._watch(self._source, behind, window.stop, self._is_exact).digests
        return found

    def _reference(self, ours: Watched, found: dict[int, int]) -> dict[int, int]:
        """Return the digests of the source's frames, for every frame that was copied."""
        exact = {at for at in ours.digests if self._is_exact(at)}
        return found if exact <= found.keys() else dict(self._source_whole().digests)

    def _source_whole(self) -> Watched:
        """Return the whole window of the source."""
        if self._whole is None:
            self._whole = self._watch(self._source, self._source_start(), self._window.stop, self._is_exact)
        return self._whole

    def _source_start(self) -> int:
        """Return the source's last entry at or before the window's, as an ordinal of the source."""
        at = max(0, int(self._timeline.source_of[self._window.entry]))
        earlier = self._source.keys[self._source.keys <= at]
        return int(earlier[-1]) if earlier.size else 0

    def _source_entry(self, entry: int) -> int | None:
        """Return the source's ordinal of the same picture, None where it is no entry there."""
        at = int(self._timeline.source_of[entry])
        return at if at >= 0 and at in self._source.keys else None

    def _watch(self, film: _Film, entry: int, stop: int, wanted: Callable[[int], bool]) -> Watched:
        return watch(film.play(entry, stop), wanted, self._cancel)

    def _is_exact(self, moment: int) -> bool:
        return bool(self._timeline.exact[moment])

    def _moment(self, ordinal: int) -> int:
        return int(self._timeline.moment_of[ordinal])

    def _stop_after(self, entry: int) -> int:
        return min(self._window.stop, self._timeline.after(self._moment(entry), _BEHIND))

    def _check_presence(self, ours: Watched, start: int) -> None:
        if ours.digests.keys() == self._timeline.shown_between(start, self._window.stop):
            return
        # Not every packet gives a frame (hidden ones, second fields): then the source says which do.
        expected = {at for at in self._source_whole().digests if at >= start}
        self._tell("is missing when played", expected - ours.digests.keys())
        self._tell("is shown although the source hides it", self._hidden(ours.digests.keys() - expected))

    def _hidden(self, moments: set[int]) -> set[int]:
        """Return which of the frames the source does not show either when it is decoded from further back.

        A picture that recovers bit by bit (H.264 recovery point) is not shown until it is whole; the re-encoded one is.
        """
        earlier = self._source.keys[self._source.keys < self._source_start()].tolist()[-_FURTHER_BACK:]
        if not moments or not earlier:
            return moments
        stop = self._timeline.after(max(moments), 1)
        return moments - self._watch(self._source, earlier[0], stop, lambda _: False).digests.keys()

    def _check_decoder(self, ours: Watched) -> None:
        if ours.broken and not self._source_whole().broken:
            self._findings.problems.append(f"the decoder refuses a packet near {self._place()}: {ours.broken[0]}")
        if ours.corrupt:
            self._tell("is incomplete, says the decoder", ours.corrupt - self._source_whole().corrupt)

    def _check_pictures(self, ours: Watched, reference: dict[int, int]) -> None:
        compared = {at for at in ours.digests if self._is_exact(at) and at in reference}
        self._findings.frames_compared += len(compared)
        wrong = {at for at in compared if ours.digests[at] != reference[at]}
        if wrong:
            wrong = self._second_opinion(wrong)
        self._tell("is a copy and looks different from the source", wrong)

    def _second_opinion(self, wrong: set[int]) -> set[int]:
        """Return which of the frames still differ when both films are decoded from further back.

        An entry into an open group of pictures gives its first frames with references missing; what a decoder makes of
        them is not defined.
        """
        earlier = self._timeline.keys[self._timeline.keys < self._window.entry].tolist()
        usable = [(key, its) for key in earlier[-_FURTHER_BACK:] if (its := self._source_entry(key)) is not None]
        if not usable:
            return wrong
        stop = self._timeline.after(max(wrong), 1)
        ours = self._watch(self._out, usable[0][0], stop, wrong.__contains__)
        theirs = self._watch(self._source, usable[0][1], stop, wrong.__contains__)
        return {at for at in wrong if ours.digests.get(at) != theirs.digests.get(at)}

    def _check_seek(self, entry: int, seen: Watched, linear: Watched, reference: dict[int, int]) -> None:
        start, stop = self._moment(entry), self._stop_after(entry)
        self._findings.seeks += 1
        right = {
            at: reference[at] if self._is_exact(at) and at in reference else digest
            for at, digest in linear.digests.items()
            if start <= at < stop
        }
        if seen.digests == right and not seen.broken:
            return
        baseline = self._source_after_seek(entry, stop)
        missing = right.keys() - seen.digests.keys()
        wrong = {at for at in right.keys() & seen.digests.keys() if seen.digests[at] != right[at]}
        if baseline is not None:
            missing = missing & baseline.digests.keys()
            wrong = {at for at in wrong if seen.digests[at] != baseline.digests.get(at)}
        self._tell("is missing after a seek", missing)
        self._tell("looks different after a seek", wrong)
        if seen.broken and not (baseline is not None and baseline.broken):
            self._findings.problems.append(
                f"the decoder refuses a packet after a seek to {self._place()}: {seen.broken[0]}"
            )

    def _source_after_seek(self, entry: int, stop: int) -> Watched | None:
        theirs = self._source_entry(entry) if self._timeline.copied[entry] else None
        return None if theirs is None else self._watch(self._source, theirs, stop, lambda _: True)

    def _measure(self) -> None:
        window = self._window
        wanted = {self._moment(n) for run in window.runs for n in run}
        found = psnr_of_pairs(
            self._source.play(self._source_start(), window.stop),
            self._out.play(window.entry, window.stop),
            wanted,
            self._cancel,
        )
        worst = [figure for figure in (self._findings.worst_psnr_db, *found.values()) if figure is not None]
        self._findings.worst_psnr_db = min(worst, default=None)

    def _tell(self, what: str, moments: set[int] | frozenset[int]) -> None:
        if not moments:
            return
        frames = sorted(int(self._timeline.frame_of[at]) for at in moments)
        more = f" and {len(frames) - 3} more" if len(frames) > 3 else ""
        self._findings.problems.append(f"frame {', '.join(map(str, frames[:3]))}{more} {what}")

    def _place(self) -> str:
        return f"frame {int(self._timeline.frame_of[self._moment(self._window.runs[0].start)])}"
