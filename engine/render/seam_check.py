"""What a player shows around the seams of an export, compared with what it shows of the source.

Each film is decoded from an entry before a re-encoded run across to behind it, and again after seeks in random order
with the decoder kept open: a parameter set that stays behind from the run spoils pictures after a backward seek only.
What an export has just decoded in the middle of a run it does not decode again, if the file holds those very packets.
What looks wrong is looked at in the source too: a fault that the source has is no fault of the export.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.compare import UNREAD, Watched, digest_of, psnr_of_pairs, watch
from engine.media.replay import Replay
from engine.media.survey import PacketRows
from engine.render.packet_check import VideoMatch
from engine.render.seam_windows import BEHIND, Depth, Moments, PlayedAhead, PlayedFilm, Window, windows_of

_FURTHER_BACK = 3
"""Keyframes to go back for a second opinion, where decoding from the nearest one shows a difference."""

_ENOUGH_PROBLEMS = 12


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

    def add(self, other: SeamFindings) -> None:
        """Add what was found elsewhere."""
        self.frames_compared += other.frames_compared
        self.seeks += other.seeks
        measured = [figure for figure in (self.worst_psnr_db, other.worst_psnr_db) if figure is not None]
        self.worst_psnr_db = min(measured, default=None)
        self.problems += other.problems


@dataclass(frozen=True, slots=True)
class Players:
    """What plays the source and the export; the other tracks of their files are not read any more.

    Attributes:
        sought: plays the export after seeks, at the same time; None to seek with `out`.
    """

    source: Replay
    out: Replay
    sought: Replay | None = None


def check_seams(
    players: Players,
    rows: tuple[PacketRows, PacketRows],
    match: VideoMatch,
    depth: Depth,
    decoded: Collection[bytes],
    ahead: PlayedAhead,
    progress: Progress,
    cancel: CancelToken,
) -> SeamFindings:
    """Decode both films around every re-encoded run, and compare.

    Args:
        players: of both films.
        rows: the packets of their pictures.
        match: which of these belong together.
        depth: how much is decoded.
        decoded: digests of new packets that were decoded in their row already; see packet_check.Plan.
        ahead: what was played of the source before.
        progress: reports the share of the seams.
        cancel: looked at before each frame.

    Raises:
        DamagedMedia: a film cannot be read.
        Cancelled: on request.
    """
    findings = SeamFindings()
    moments = Moments(rows[1], match)
    windows = windows_of(moments, match.runs, depth)
    source = PlayedFilm(players.source, rows[0], match.source_at, ahead)
    out = PlayedFilm(players.out, rows[1], match.out_at)
    other = None if players.sought is None else PlayedFilm(players.sought, rows[1], match.out_at)
    with ThreadPoolExecutor(2, thread_name_prefix="play") as pool:
        for n, window in enumerate(windows):
            progress.report("Playing around the seams", n / len(windows))
            findings.add(_Seam(moments, source, out, other, window, depth, decoded, pool, cancel).check())
            if len(findings.problems) >= _ENOUGH_PROBLEMS:
                break
    return findings


class _Seam:
    """One window of both films. Everything is told in moments."""

    def __init__(
        self,
        moments: Moments,
        source: PlayedFilm,
        out: PlayedFilm,
        sought: PlayedFilm | None,
        window: Window,
        depth: Depth,
        decoded: Collection[bytes],
        pool: Executor,
        cancel: CancelToken,
    ) -> None:
        self._moments = moments
        self._source = source
        self._out = out
        self._sought = sought
        self._window = window
        self._depth = depth
        self._decoded = decoded
        self._findings = SeamFindings()
        self._pool = pool
        self._cancel = cancel
        self._whole: Watched | None = None

    def check(self) -> SeamFindings:
        """Compare the window played through, then after seeks."""
        entries = self._seek_order()
        soon_after: set[int] = set()
        for entry in entries:
            soon_after.update(range(self._moment(entry), self._stop_after(entry)))
        seen_before = self._seen_before(soon_after)
        # Each film that is open is played on a thread of its own.
        waited: list[Future[Any]] = [theirs := self._pool.submit(self._source_parts)]
        try:
            if self._sought is not None:
                waited.append(seeks := self._pool.submit(self._after_seeks, self._sought, entries))
                ours = self._played_through(soon_after, seen_before)
                after_seeks = seeks.result()
            else:
                ours = self._played_through(soon_after, seen_before)
                after_seeks = self._after_seeks(self._out, entries)
        finally:
            wait(waited)
        self._compare(ours, theirs.result(), entries, after_seeks)
        if self._findings.problems and seen_before:
            # With packets left out it does not look as it should: all of them have to tell.
            self._findings = SeamFindings()
            self._compare(self._played_through(soon_after, frozenset()), theirs.result(), entries, after_seeks)
        if self._depth is Depth.FULL and not self._findings.problems:
            self._measure()
        return self._findings

    def _compare(
        self, ours: Watched, theirs: dict[int, int], entries: Sequence[int], after_seeks: Sequence[Watched]
    ) -> None:
        reference = self._reference(ours, theirs)
        self._check_presence(ours, self._moment(self._window.entry))
        self._check_decoder(ours)
        self._check_pictures(ours, reference)
        if self._findings.problems:
            return
        for entry, found in zip(entries, after_seeks, strict=True):
            self._check_seek(entry, found, ours, reference)

    def _seek_order(self) -> list[int]:
        """Return the entries to seek to, one after the other.

        First into the runs, then out of them: what a decoder keeps of a run must not spoil what it plays next, before
        the run and behind it.
        """
        window, keys = self._window, self._moments.keys
        inside: set[int] = set()
        for run in window.runs:
            within = keys[(keys >= run.start) & (keys < run.stop)]
            inside.update(within[[0, -1]].tolist() if within.size else [])
        outside = {window.entry} - inside
        if window.restart is not None:
            outside.add(window.restart)
            outside.update(keys[keys > window.restart][:1].tolist() if self._depth is Depth.FULL else [])
        into, out_of = (sorted(at for at in entries if self._moment(at) >= 0) for entries in (inside, outside))
        # The last seek leads back across the run, from behind it.
        out_of.reverse()
        return into + out_of

    def _seen_before(self, soon_after: Collection[int]) -> frozenset[int]:
        """Return the ordinals of the packets inside the runs that need not be decoded again.

        All but those up to the last one, in the order of decoding, of the frames that are looked at behind an entry:
        the seams are crossed all the same, by a decoder that is in the middle of the run.
        """
        if self._depth is Depth.FULL or not self._decoded or not self._out.can_leave_out:
            return frozenset()
        found: set[int] = set()
        for run in self._window.runs:
            keys = self._moments.keys
            starts = sorted({run.start, *keys[(keys > run.start) & (keys < run.stop)].tolist()})
            for start, stop in pairwise((*starts, run.stop)):
                looked_at = [ordinal for ordinal in range(start, stop) if self._moment(ordinal) in soon_after]
                found.update(range(max(looked_at, default=start - 1) + 1, stop))
        return frozenset(found)

    def _played_through(self, soon_after: Collection[int], seen_before: Collection[int]) -> Watched:
        """Return what is shown from the entry across the run to behind it.

        Args:
            soon_after: moments of the frames that are compared with what a seek shows.
            seen_before: ordinals of packets to leave out where they are, byte for byte, what was decoded when they were
                made.
        """
        left_out: dict[int, int] = {}

        def leave_out(ordinal: int, data: bytes) -> bool:
            known = ordinal in seen_before and digest_of(data) in self._decoded
            if known:
                left_out[self._moment(ordinal)] = UNREAD
            return known

        window = self._window
        played = self._out.play(window.entry, window.stop, leave_out if seen_before else None)
        found = watch(played, lambda at: self._is_exact(at) or at in soon_after, self._cancel)
        return replace(found, digests=left_out | dict(found.digests))

    def _after_seeks(self, film: PlayedFilm, entries: Sequence[int]) -> list[Watched]:
        """Return what is shown after a seek to each entry, one after the other by one decoder."""
        return [self._watch(film, entry, self._stop_after(entry), lambda _: True) for entry in entries]

    def _source_parts(self) -> dict[int, int]:
        """Return the digests of the source's frames before and behind the run, or of all, where that is looked at."""
        window = self._window
        if self._depth is Depth.FULL or len(window.runs) > 1:
            return dict(self._source_whole().digests)
        found: dict[int, int] = {}
        run = window.runs[0]
        before = self._source_entry(window.entry)
        if before is not None and window.entry < run.start:
            stop = min(at for at in self._moments.moment_of[run.start : run.stop].tolist() if at >= 0)
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
        at = max(0, int(self._moments.source_of[self._window.entry]))
        earlier = self._source.keys[self._source.keys <= at]
        return int(earlier[-1]) if earlier.size else 0

    def _source_entry(self, entry: int) -> int | None:
        """Return the source's ordinal of the same picture, None where it is no entry there."""
        at = int(self._moments.source_of[entry])
        return at if at >= 0 and at in self._source.keys else None

    def _watch(self, film: PlayedFilm, entry: int, stop: int, wanted: Callable[[int], bool]) -> Watched:
        return film.watch(entry, stop, wanted, self._cancel)

    def _is_exact(self, moment: int) -> bool:
        return bool(self._moments.exact[moment])

    def _moment(self, ordinal: int) -> int:
        return int(self._moments.moment_of[ordinal])

    def _stop_after(self, entry: int) -> int:
        return min(self._window.stop, self._moments.after(self._moment(entry), BEHIND))

    def _check_presence(self, ours: Watched, start: int) -> None:
        if ours.digests.keys() == self._moments.shown_between(start, self._window.stop):
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
        stop = self._moments.after(max(moments), 1)
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
        earlier = self._moments.keys[self._moments.keys < self._window.entry].tolist()
        usable = [(key, its) for key in earlier[-_FURTHER_BACK:] if (its := self._source_entry(key)) is not None]
        if not usable:
            return wrong
        stop = self._moments.after(max(wrong), 1)
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
        refused_before = baseline is not None and baseline.broken
        if seen.broken and not (refused_before or self._source_whole().broken):
            self._findings.problems.append(
                f"the decoder refuses a packet after a seek to {self._place()}: {seen.broken[0]}"
            )

    def _source_after_seek(self, entry: int, stop: int) -> Watched | None:
        theirs = self._source_entry(entry) if self._moments.copied[entry] else None
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
        faults = moments - self._spoilt(moments)
        if not faults:
            return
        frames = sorted(int(self._moments.frame_of[at]) for at in faults)
        more = f" and {len(frames) - 3} more" if len(frames) > 3 else ""
        self._findings.problems.append(f"frame {', '.join(map(str, frames[:3]))}{more} {what}")

    def _spoilt(self, moments: set[int] | frozenset[int]) -> set[int]:
        """Return the copied frames among them that need a picture which is damaged in the source already.

        How a decoder fills the gap hangs on the pictures before it, and on how far its threads have come.
        """
        copies = sorted(at for at in moments if self._is_exact(at))
        if not copies:
            return set()
        source, whole = self._source, self._source_whole()
        damaged = set(whole.corrupt)
        if whole.broken:
            start = int(source.moment_of[self._source_start()])
            damaged |= self._moments.shown_between(start, self._window.stop) - whole.digests.keys()
        damaged_at = np.sort(source.ordinals(sorted(damaged)))
        spoilt = set()
        for at, ordinal in zip(copies, source.ordinals(copies).tolist(), strict=True):
            keys = source.keys[(source.keys <= ordinal) & (source.moment_of[source.keys] <= at)]
            first = int(keys[-1]) if keys.size else 0
            if np.searchsorted(damaged_at, first) < np.searchsorted(damaged_at, ordinal, side="right"):
                spoilt.add(at)
        return spoilt

    def _place(self) -> str:
        return f"frame {int(self._moments.frame_of[self._moment(self._window.runs[0].start)])}"
