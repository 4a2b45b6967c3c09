"""The stretches of an export that are played around its seams, told in moments.

A moment is a row of the VideoMatch: a pair of packets of both films, in the order of their time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

import numpy as np

from engine.control import CancelToken
from engine.media.compare import Watched, watch
from engine.media.replay import Broken, Entry, Replay, Seen, Shown
from engine.media.survey import PacketRows
from engine.model.frame_index import Int64
from engine.model.time import Range
from engine.render.packet_check import VideoMatch, clock_runs_back

BEHIND = 8
"""Frames looked at behind an entry: the first ones that refer to it, and what a decoder holds back for reordering."""

_LONGEST_WHOLE = 1500
"""A re-encoded run of more packets is looked at from its start and to its end, not all through."""

FOREVER = int(np.iinfo(np.int64).max)
"""The time at which a stretch stops that goes to the end of the film."""

Frames = TypeVar("Frames", Shown, Seen, Shown | Seen)


class Depth(Enum):
    """How much is decoded."""

    EXPORT = "up to each seam and a little behind it"
    FULL = "to the end of the group of pictures behind each run, and the loss of every re-encoded frame is measured"


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


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a film by its own clock: from an entry up to a time in ticks, which is left out."""

    entry: Entry
    stop_pts: int


PlayedAhead = Mapping[Stretch, tuple[Seen | Broken, ...]]
"""What stretches showed that were played before."""


class PlayedFilm:
    """One of the two films, played by moments, whatever its clock says.

    Args:
        player: plays it.
        rows: the packets of its picture.
        at: which packet each moment is.
        ahead: what was played of it before.
    """

    def __init__(self, player: Replay, rows: PacketRows, at: Int64, ahead: PlayedAhead | None = None) -> None:
        self._player = player
        self._ahead = ahead or {}
        self._rows = rows
        self._at = at
        self.keys = np.flatnonzero(rows.key)
        self.moment_of = np.full(len(rows), -1, np.int64)
        self.moment_of[at] = np.arange(at.size)
        self._runs_back = clock_runs_back(rows)
        self._times = rows.pts[at]

    def ordinals(self, moments: Sequence[int]) -> Int64:
        """Return which packets of the film are shown at some moments."""
        found: Int64 = self._at[np.asarray(moments, np.int64)]
        return found

    @property
    def can_leave_out(self) -> bool:
        """Tell whether it can be played without some of its packets."""
        return not self._runs_back

    def play(
        self, entry: int, stop: int, leave_out: Callable[[int, bytes], bool] | None = None
    ) -> Iterator[Shown | Broken]:
        """Yield the frames from an entry (an ordinal) up to a moment (left out); their pts are moments.

        Args:
            entry: where to begin.
            stop: where to end.
            leave_out: says of a packet, by its ordinal and its bytes, that the decoder is not to see it; only where
                `can_leave_out`.
        """
        first = int(self.moment_of[entry])
        if self._runs_back:
            yield from self._play_counted(entry, first, stop)
            return
        stretch = self._stretch(entry, stop)
        left_out = None if leave_out is None else lambda n, data: leave_out(entry + n, data)
        yield from self._told(self._player.stretch(stretch.entry, stretch.stop_pts, left_out), first, stop)

    def watch(self, entry: int, stop: int, wanted: Callable[[int], bool], cancel: CancelToken) -> Watched:
        """Return what is shown from an entry (an ordinal) up to a moment, by moments; hashed where it is wanted.

        Raises:
            DamagedMedia: the entry is not found, or the file fails.
            Cancelled: on request.
        """
        known = None if self._runs_back else self._ahead.get(self._stretch(entry, stop))
        if known is None:
            return watch(self.play(entry, stop), wanted, cancel)
        return watch(self._told(known, int(self.moment_of[entry]), stop), wanted, cancel)

    def _stretch(self, entry: int, stop: int) -> Stretch:
        row = Entry(int(self._rows.pts[entry]), int(self._rows.dts[entry]), int(self._rows.size[entry]))
        return Stretch(row, int(self._rows.pts[self._at[stop]]) if stop < self._at.size else FOREVER)

    def _told(self, frames: Iterable[Frames | Broken], first: int, stop: int) -> Iterator[Frames | Broken]:
        """Yield the frames of the moments [first, stop), with moments for times."""
        now = first - 1
        for shown in frames:
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


class Moments:
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


def windows_of(moments: Moments, runs: Sequence[Range], depth: Depth) -> list[Window]:
    """Return the windows to play, in the order of time; runs that share a group of pictures share one."""
    keys = moments.keys
    copied_keys = keys[moments.copied[keys]]
    windows: list[Window] = []
    for run in runs:
        before = copied_keys[copied_keys < run.start]
        behind = copied_keys[copied_keys >= run.stop]
        entry = int(before[-1]) if before.size else run.start
        restart = int(behind[0]) if behind.size else None
        further = behind[1:2] if depth is Depth.FULL else behind[:1]
        stop = moments.after(int(moments.moment_of[further[0]]), BEHIND) if further.size else moments.end
        if len(run) > _LONGEST_WHOLE:
            head_stop = moments.after(int(moments.moment_of[run.start]), _LONGEST_WHOLE // 4)
            windows.append(Window(entry, None, head_stop, (Range(run.start, run.start + 1),)))
            late = int(keys[(keys >= run.start) & (keys <= run.stop - BEHIND)][-1])
            windows.append(Window(late, restart, stop, (Range(late, run.stop),)))
            continue
        last = windows[-1] if windows else None
        if last is not None and last.restart is not None and entry < last.restart:
            windows[-1] = Window(last.entry, restart, max(last.stop, stop), (*last.runs, run))
        else:
            windows.append(Window(entry, restart, stop, (run,)))
    return windows
