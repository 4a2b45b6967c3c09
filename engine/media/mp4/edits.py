"""What an edit list makes of a track's samples: the packets that a demuxer gives, with their times.

The rules are those of FFmpeg's mov demuxer (libavformat 62, advanced_editlist), since its times are the ones every
other stage works with. They are not the standard's: FFmpeg starts an edit at the key frame before it and hides the
samples in between, runs on behind its end until a key frame (two where frames are reordered), and moves a video
track so that its first shown frame stands at 0 or behind the empty edits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.media.mp4.boxes import Malformed
from engine.media.mp4.tables import Bool, Int64, Samples

MAX_EDITS = 256
"""More edits than this are not followed: the caller has to demux."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list (ISO/IEC 14496-12, 8.6.6).

    Attributes:
        duration: ticks of the movie timescale.
        media_time: ticks of the media timescale, -1 for an empty edit.
    """

    duration: int
    media_time: int


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """The packets of a track in the order a demuxer gives them. All arrays have one length.

    Tracks that FFmpeg never gives packets of (chapter texts, data of no duration) are listed like any other.

    Attributes:
        sample: int64, the row of the packet in the track's Samples.
        pts, dts, duration: int64, ticks of the media timescale.
        size, position: int64, bytes and byte offset in the file.
        sync: bool, a decoder may start here.
        hidden: bool, decoded but not shown: the edit list leaves it out.
    """

    sample: Int64
    pts: Int64
    dts: Int64
    duration: Int64
    size: Int64
    position: Int64
    sync: Bool
    hidden: Bool

    @property
    def count(self) -> int:
        """Return the number of packets."""
        return int(self.sample.size)

    @property
    def linear(self) -> bool:
        """Whether no sample is given twice or before one that precedes it."""
        return bool((np.diff(self.sample) > 0).all())


def edit_list(body: bytes) -> tuple[Edit, ...]:
    """Read `elst`."""
    if len(body) < 8:
        raise Malformed(f"box 'elst' has only {len(body)} bytes")
    wide = body[0] == 1
    fields = np.dtype([("duration", ">u8" if wide else ">u4"), ("time", ">i8" if wide else ">i4"), ("rate", ">u4")])
    count = min(int.from_bytes(body[4:8], "big"), (len(body) - 8) // fields.itemsize)
    entries = np.frombuffer(body, fields, count, 8)
    if wide and bool((entries["duration"] > 0x7FFFFFFFFFFFFFFF).any()):
        raise Malformed("box 'elst' has a negative duration")
    return tuple(Edit(int(e["duration"]), int(e["time"])) for e in entries[: MAX_EDITS + 1])


def packets(samples: Samples, edits: Sequence[Edit], handler: str, timescale: int, movie_timescale: int) -> Packets:
    """Apply an edit list.

    Args:
        samples: the rows of the track.
        edits: at most MAX_EDITS of them.
        handler: the track's handler: 'vide' and 'soun' have rules of their own.
        timescale: ticks per second of the media.
        movie_timescale: ticks per second of the edits' durations.
    """
    index_dts = samples.dts - samples.dts_shift
    if not edits or not samples.count or samples.lists_more:
        rows = np.arange(samples.count)
        return _packets(samples, rows, index_dts, np.zeros(samples.count, np.bool_))
    walk = _Walk(samples, index_dts, handler, timescale, movie_timescale)
    for edit in edits[:MAX_EDITS]:
        walk.take(edit)
        if walk.taken > 4 * samples.count:
            # Replayed over and over: nobody can use these packets but a demuxer, and it would cost memory without end.
            break
    return walk.result()


def unedited(samples: Samples, edits: Sequence[Edit], timescale: int, movie_timescale: int) -> Packets:
    """Shift a track by its edit list and apply nothing else of it: what FFmpeg does once a track has no samples."""
    empty = edits[0].duration if edits and edits[0].media_time == -1 else 0
    first = next(iter(edits[1:] if edits and edits[0].media_time == -1 else edits), Edit(0, 0))
    offset = max(0, first.media_time) - rescaled(empty, timescale, movie_timescale)
    dts = samples.dts - samples.dts_shift - offset
    return _packets(samples, np.arange(samples.count), dts, np.zeros(samples.count, np.bool_))


def rescaled(value: int, to: int, base: int) -> int:
    """Return value * to / base, rounded to the nearest, halves away from zero (value is not negative)."""
    return (value * to + base // 2) // base


class _Walk:
    """FFmpeg's walk over the edits, one edit at a time, with whole arrays instead of samples."""

    def __init__(self, samples: Samples, dts: Int64, handler: str, timescale: int, movie_timescale: int) -> None:
        self._samples = samples
        self._dts = dts
        self._handler = handler
        self._timescale = timescale
        self._movie_timescale = movie_timescale
        self._shown_at = samples.dts + samples.offset
        self._step = np.diff(dts, append=0)
        self._end = -samples.dts_shift
        self._empty = 0
        self._begun = False
        self._lowest_pts = -1
        self.taken = 0
        self._rows: list[Int64] = []
        self._times: list[Int64] = []
        self._hidden: list[Bool] = []

    def take(self, edit: Edit) -> None:
        duration = rescaled(edit.duration, self._timescale, self._movie_timescale)
        if duration + edit.media_time > 0x7FFFFFFFFFFFFFFF:
            duration = 0
        at = self._end
        self._end += duration
        if edit.media_time == -1 and not self._begun:
            self._empty += duration
            return
        first_edit, self._begun = not self._begun, True
        start = self._first_row(edit.media_time)
        stop = self._last_row(start, edit.media_time + duration, duration) + 1
        rows = np.arange(start, stop)
        shown_at = self._shown_at[start:stop]
        inside = (shown_at >= edit.media_time) & (shown_at < edit.media_time + duration)
        hidden = ~inside
        anchors = np.flatnonzero(inside)
        anchor = int(anchors[0]) if anchors.size else -1
        if self._handler == "soun" and first_edit:
            step = self._stepped(start, stop, duration)
            # Of the packet that reaches into the edit only the first part is skipped, so it stays and begins earlier.
            across = np.flatnonzero(hidden & (shown_at < edit.media_time) & (shown_at + step > edit.media_time))
            if across.size and (anchor < 0 or across[0] < anchor):
                anchor = int(across[0])
                hidden[anchor] = False
                at -= edit.media_time - int(shown_at[anchor])
        times = np.full(rows.size, at) if anchor < 0 else at + self._dts[start:stop] - self._dts[start + anchor]
        self.taken += rows.size
        self._rows.append(rows)
        self._times.append(times)
        self._hidden.append(hidden)
        if anchors.size:
            self._note_pts((times + self._samples.offset[start:stop] + self._samples.dts_shift)[inside])

    def result(self) -> Packets:
        none = np.zeros(0, np.int64)
        rows = np.concatenate([none, *self._rows])
        times = np.concatenate([none, *self._times])
        hidden = np.concatenate([np.zeros(0, np.bool_), *self._hidden])
        if self._handler == "vide":
            times = times - max(0, self._lowest_pts - self._empty)
        return _packets(self._samples, rows, times, hidden)

    def _first_row(self, media_time: int) -> int:
        """Return the row an edit starts from: the sync sample at or before it."""
        wanted = media_time
        if self._handler == "soun":
            # A sound decoder needs a lead-in; FFmpeg takes one second of it.
            wanted = max(wanted - self._timescale, int(self._dts[0]))
        wanted -= self._samples.dts_shift
        sync = self._samples.sync
        at_or_before = np.flatnonzero(sync[: self._search(wanted) + 1])
        row = int(at_or_before[-1]) if at_or_before.size else -1
        if row < 0:
            return self._first_row_any(wanted)
        row = self._start_of_equal_dts(row, sync)
        if not self._samples.has_offsets:
            return row
        early = np.flatnonzero(sync[: row + 1] & (self._dts[: row + 1] + self._samples.offset[: row + 1] <= wanted))
        return int(early[-1]) if early.size else self._first_row_any(wanted)

    def _first_row_any(self, wanted: int) -> int:
        """Return the row an edit starts from where no sync sample precedes it."""
        row = self._search(wanted)
        if row < 0 or self._samples.has_offsets:
            return 0
        return self._start_of_equal_dts(row, np.ones(self._dts.size, np.bool_))

    def _search(self, wanted: int) -> int:
        """Return the row that FFmpeg's binary search finds at or before a dts, -1 where there is none.

        Which one it is of several with that very dts depends on where its steps fall.
        """
        low, high = -1, self._dts.size
        if int(self._dts[-1]) < wanted:
            low = high - 1
        while high - low > 1:
            middle = (low + high) // 2
            found = int(self._dts[middle])
            if found >= wanted:
                high = middle
            if found <= wanted:
                low = middle
        return low

    def _start_of_equal_dts(self, row: int, allowed: Bool) -> int:
        """Return the first allowed row of those that share a row's dts."""
        first = int(np.searchsorted(self._dts, self._dts[row], side="left"))
        return first + int(np.flatnonzero(allowed[first : row + 1])[0])

    def _last_row(self, start: int, end_time: int, duration: int) -> int:
        """Return the last row of an edit: the sync sample behind its end, the second one where frames are reordered."""
        step = self._stepped(start, self._dts.size, duration)
        over = self._shown_at[start:] + step >= end_time
        if self._handler == "soun":
            ends = np.flatnonzero(over)
        else:
            ends = np.flatnonzero(over & self._samples.sync[start:])
            if self._samples.has_offsets:
                ends = ends[1:]
        return start + int(ends[0]) if ends.size else self._dts.size - 1

    def _stepped(self, start: int, stop: int, duration: int) -> Int64:
        """Return the ticks from each row to the next; the very last one lasts as long as the edit."""
        step = self._step[start:stop].copy()
        if stop == self._dts.size and step.size:
            step[-1] = duration
        return step

    def _note_pts(self, pts: Int64) -> None:
        """Follow FFmpeg's lowest pts, which forgets all it has seen whenever it is negative."""
        negative = np.flatnonzero(pts < 0)
        after = pts[negative[-1] + 1 :] if negative.size else pts
        if negative.size and not after.size:
            self._lowest_pts = int(pts[-1])
        elif negative.size or self._lowest_pts < 0:
            self._lowest_pts = int(after.min())
        else:
            self._lowest_pts = min(self._lowest_pts, int(after.min()))


def _packets(samples: Samples, rows: Int64, dts: Int64, hidden: Bool) -> Packets:
    # One run of rows, which nearly every track is, needs no copies.
    run = rows.size > 0 and int(rows[-1]) - int(rows[0]) == rows.size - 1 and bool((np.diff(rows) == 1).all())
    pick = slice(int(rows[0]), int(rows[-1]) + 1) if run else rows
    pts = dts + samples.dts_shift + samples.offset[pick] if samples.has_offsets else dts
    return Packets(
        sample=rows,
        pts=pts,
        # Where a damaged table puts showing before decoding, libavformat moves the decoding.
        dts=np.minimum(dts, pts),
        duration=samples.duration[pick],
        size=samples.size[pick],
        position=samples.position[pick],
        sync=samples.sync[pick],
        hidden=hidden,
    )
