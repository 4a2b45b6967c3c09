"""Turn an earlier export into a new one in place: only what differs is written.

The rules, in the order in which bytes reach the disk:

1. New samples and a new header are written where the earlier export has nothing: behind its end, or into the free place
   it keeps for a second header. That header is a `free` box for now.
2. Everything is synced; the caller looks at the result through `Staged.view` and decides.
3. Four bytes make the new header a `moov`; synced; four bytes make the old one `skip`; synced.
4. What nobody needs any more is wiped, and four bytes make the old header `free`.

A reader takes the first `moov` box of a file, and there is always at least one. So whenever the machine stops, the file
is the earlier export or the new one: before 3 with bytes behind it that belong to nothing, within 3 with two headers
that are both true, within 4 with a `skip` box that says that something may be left to wipe. The next export cuts off
the first, turns the second and sees to the third.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.control import CancelToken
from engine.media.coded import Splice
from engine.media.mp4 import layout as layouts
from engine.media.mp4.boxes import Malformed, Parts
from engine.media.mp4.copying import CopyMethod, clone, storage_error
from engine.media.mp4.earlier import SECTOR, EarlierExport
from engine.media.mp4.edit import CannotPatch, TrackEdit, track_edit
from engine.media.mp4.header import check, finished, fits, length, movie_header
from engine.media.mp4.movie import Movie
from engine.media.mp4.patch import MOST_UNUSED, PatchReport
from engine.media.mp4.record import SIZE as RECORD_SIZE
from engine.media.mp4.record import Record, Slot
from engine.media.mp4.samples import SampleReader
from engine.media.mp4.tables import Bool, Int64
from engine.media.mp4.unused import Span, unused_spans
from engine.media.mp4.writing import Appendix, wipe, write_at


def stage(
    movie: Movie,
    track_id: int,
    splices: Sequence[Splice],
    extradata: bytes | None,
    earlier: EarlierExport,
    cancel: CancelToken,
) -> Staged | CannotPatch:
    """Write everything of a new export into an earlier one of the same source, short of making it valid.

    Args:
        movie: the source.
        track_id: the edited track.
        splices: all of the new export's, not only those that differ from the earlier one's.
        extradata: as for patch.
        earlier: an export of that source; it stays what it is until `Staged.commit`.
        cancel: looked at before anything is written.

    Raises:
        NoSpace, StorageError: the file cannot be written; it is still the earlier export.
        Cancelled: on request.
        ValueError: the splices do not fit the track.
    """
    edit = track_edit(movie, track_id, splices, extradata)
    if isinstance(edit, CannotPatch):
        return edit
    plan = _plan(movie, edit, earlier)
    if isinstance(plan, CannotPatch):
        return plan
    cancel.check()
    reason = earlier.why_not_written()
    if reason is not None:
        return CannotPatch(reason)
    staged = Staged(movie, edit, earlier, plan)
    try:
        staged.write()
    except BaseException as error:
        with suppress(OSError):
            staged.abandon()
        if isinstance(error, OSError):
            raise storage_error(earlier.movie.path, error) from error
        raise
    return staged


def stage_clone(
    movie: Movie,
    track_id: int,
    splices: Sequence[Splice],
    extradata: bytes | None,
    earlier: EarlierExport,
    target: Path,
    cancel: CancelToken,
) -> Staged | CannotPatch:
    """As `stage`, on a clone of the earlier export; `target` must not exist.

    Where the file system cannot clone, copying the earlier export would cost as much as patching the source afresh.
    """
    if not clone(earlier.movie.path, target):
        return CannotPatch(f"{target.parent} is on a file system that cannot clone files")
    try:
        staged = stage(movie, track_id, splices, extradata, earlier.at(target), cancel)
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    if isinstance(staged, CannotPatch):
        with suppress(OSError):
            target.unlink()
    return staged


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What will be written where.

    Attributes:
        appendix: the new samples, at the end of the earlier export.
        appended: the units in it, by their number in the edit.
        slot: where the new header goes.
        moov: the new header.
        restored: (offset in the source, bytes, offset in the file) of samples that are the source's again.
        wiped: ranges of the file that nobody needs once the new header is valid.
        report: what will have been done.
    """

    appendix: Appendix
    appended: Int64
    slot: Slot
    moov: bytes
    restored: tuple[tuple[int, int, int], ...]
    wiped: tuple[Span, ...]
    report: PatchReport


def _plan(movie: Movie, edit: TrackEdit, earlier: EarlierExport) -> _Plan | CannotPatch:
    reused = _reused(edit, earlier)
    sizes = edit.size[edit.rows]
    appendix = Appendix(earlier.record.file_size, sizes[~reused])
    position = earlier.moved(edit.track.samples.position)
    position[edit.rows[reused]] = earlier.position[edit.rows[reused]]
    position[edit.rows[~reused]] = appendix.positions
    try:
        header = movie_header(movie, edit, position, earlier.moved)
        slot = _slot(header, appendix, earlier)
        if isinstance(slot, CannotPatch):
            return slot
        file_size = max(appendix.stop, slot.stop)
        record = Record(
            source=earlier.record.source,
            track_id=edit.track.track_id,
            file_size=file_size,
            base_stop=earlier.record.base_stop,
            moved_from=earlier.record.moved_from,
            moved_by=earlier.record.moved_by,
            slots=(slot, earlier.active),
        )
        moov = finished(header, record, slot.size)
    except Malformed as error:
        return CannotPatch(str(error))
    timing = check(movie, edit, position, earlier.moved, moov, earlier.movie.path, file_size)
    if isinstance(timing, CannotPatch):
        return timing
    source_bytes = sum(stop - start for start, stop in unused_spans(movie, edit.track, edit.replaced))
    places = sum(place.size for place in (slot, earlier.active) if place.start >= record.base_stop)
    unused = source_bytes + file_size - record.base_stop - places - int(sizes.sum())
    if unused > MOST_UNUSED * file_size:
        return CannotPatch(f"{unused * 100 // file_size} % of {earlier.movie.path} would be bytes that nobody needs")
    report = PatchReport(
        method=CopyMethod.IN_PLACE,
        file_bytes=file_size,
        appended_bytes=int(sizes[~reused].sum()),
        reused_bytes=int(sizes[reused].sum()),
        header_bytes=length(header),
        unused_bytes=unused,
        timing=timing,
    )
    restored = _restored(edit, earlier)
    wiped = _wiped(movie, edit, earlier, reused)
    if earlier.wipe_pending:
        wiped = (*wiped, *_left_to_wipe(movie, edit, earlier, reused))
    return _Plan(appendix, np.flatnonzero(~reused), slot, moov, restored, wiped, report)


def _reused(edit: TrackEdit, earlier: EarlierExport) -> Bool:
    """Tell which new units the earlier export holds already, byte for byte, at the same sample."""
    reused = np.zeros(edit.rows.size, np.bool_)
    new = earlier.new
    with SampleReader(earlier.movie.path) as reader:
        for i, (row, unit) in enumerate(zip(edit.rows.tolist(), edit.units, strict=True)):
            if new[row] and earlier.size[row] == len(unit.data):
                reused[i] = reader.read(int(earlier.position[row]), len(unit.data)) == unit.data
    return reused


def _slot(header: Parts, appendix: Appendix, earlier: EarlierExport) -> Slot | CannotPatch:
    """Choose the place of the new header."""
    other = earlier.other
    if other is not None and fits(header, earlier.record, other.size) and (other.start + 4) % SECTOR <= SECTOR - 4:
        return other
    if earlier.active.start < earlier.record.base_stop:
        return CannotPatch(f"{earlier.movie.path} has no room for a second header before its media data")
    return Slot(appendix.stop, layouts.roomy(length(header) + RECORD_SIZE))


def _restored(edit: TrackEdit, earlier: EarlierExport) -> tuple[tuple[int, int, int], ...]:
    samples = edit.track.samples
    rows = np.flatnonzero(earlier.new & ~edit.replaced)
    position = samples.position[rows]
    columns = (position.tolist(), samples.size[rows].tolist(), earlier.moved(position).tolist())
    return tuple(zip(*columns, strict=True))


def _wiped(movie: Movie, edit: TrackEdit, earlier: EarlierExport, reused: Bool) -> tuple[Span, ...]:
    newly = edit.replaced & ~earlier.new
    spans = list(_moved_spans(earlier, unused_spans(movie, edit.track, newly)))
    still_used = np.zeros(newly.size, np.bool_)
    still_used[edit.rows[reused]] = True
    superseded = earlier.new & ~still_used
    for at, size in zip(earlier.position[superseded].tolist(), earlier.size[superseded].tolist(), strict=True):
        spans.append((at, at + size))
    return tuple(spans)


def _left_to_wipe(movie: Movie, edit: TrackEdit, earlier: EarlierExport, reused: Bool) -> tuple[Span, ...]:
    """Return all that the earlier export's file holds of replaced and superseded samples."""
    rows = edit.rows[reused]
    needed = sorted(zip(earlier.position[rows].tolist(), (earlier.position + earlier.size)[rows].tolist(), strict=True))
    spans = list(_moved_spans(earlier, unused_spans(movie, edit.track, edit.replaced)))
    for box in earlier.movie.layout.boxes:
        if box.kind == b"mdat" and earlier.record.base_stop <= box.start and box.stop <= earlier.record.file_size:
            at = box.body
            for start, stop in needed:
                if box.body <= start and stop <= box.stop:
                    spans.append((at, start))
                    at = stop
            spans.append((at, box.stop))
    return tuple(span for span in spans if span[0] < span[1])


def _moved_spans(earlier: EarlierExport, spans: Sequence[Span]) -> tuple[Span, ...]:
    starts = earlier.moved(np.asarray([start for start, _ in spans], np.int64)).tolist()
    return tuple((at, at + stop - start) for at, (start, stop) in zip(starts, spans, strict=True))


class Staged:
    """A new export inside an earlier one, waiting to be made valid."""

    def __init__(self, movie: Movie, edit: TrackEdit, earlier: EarlierExport, plan: _Plan) -> None:
        self.path = earlier.movie.path
        self._movie = movie
        self._edit = edit
        self._earlier = earlier
        self._plan = plan

    def write(self) -> None:
        """Write what the earlier export does not see; `stage` has done it."""
        plan, earlier = self._plan, self._earlier
        with self.path.open("r+b", buffering=0) as file:
            file.truncate(earlier.record.file_size)
            for box in earlier.movie.layout.boxes:
                # An export that was stopped between its last two writes left two headers: the first one is valid.
                if box.kind == b"moov" and box.start != earlier.active.start and box.stop <= earlier.record.file_size:
                    write_at(file, box.start + 4, b"free")
            # From here on the file is longer than its record says, so whoever comes next knows that this has begun.
            plan.appendix.write(file, [self._edit.units[i].data for i in plan.appended.tolist()])
            with SampleReader(self._movie.path) as source:
                for start, size, target in plan.restored:
                    write_at(file, target, source.read(start, size))
            write_at(file, plan.slot.start, plan.moov[:4] + b"free" + plan.moov[8:])
            os.fsync(file.fileno())

    @property
    def inherited_bytes(self) -> int:
        """Return how many bytes from the start hold only samples that the earlier export had, untouched since."""
        return min([self._earlier.record.file_size, *(target for _, _, target in self._plan.restored)])

    def view(self) -> BinaryIO:
        """Open the file as it will be: the caller reads it like any file, and closes it."""
        overlays = ((self._plan.slot.start + 4, b"moov"), (self._earlier.active.start + 4, b"skip"))
        return io.BufferedReader(_View(self.path, overlays), 1 << 18)

    def commit(self) -> PatchReport:
        """Make the new export valid.

        Raises:
            StorageError: the disk refused; the file is the earlier export or the new one.
        """
        try:
            with self.path.open("r+b", buffering=0) as file:
                for slot, kind in ((self._plan.slot, b"moov"), (self._earlier.active, b"skip")):
                    write_at(file, slot.start + 4, kind)
                    os.fsync(file.fileno())
                wipe(file, self._plan.wiped)
                write_at(file, self._earlier.active.start + 4, b"free")
        except OSError as error:
            raise storage_error(self.path, error) from error
        return self._plan.report

    def abandon(self) -> None:
        """Leave the earlier export as it was.

        Raises:
            OSError: the disk refused; the file is the earlier export with unused bytes behind it.
        """
        with self.path.open("r+b", buffering=0) as file:
            wipe(file, [(target, target + size) for _, size, target in self._plan.restored])
            file.truncate(self._earlier.record.file_size)


class _View(io.RawIOBase):
    """A file with a few bytes shown differently."""

    def __init__(self, path: Path, overlays: Sequence[tuple[int, bytes]]) -> None:
        self._file = path.open("rb", buffering=0)
        self._overlays = overlays

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        at = self._file.tell()
        count = self._file.readinto(buffer) or 0
        for offset, data in self._overlays:
            first, last = max(at, offset), min(at + count, offset + len(data))
            if first < last:
                buffer[first - at : last - at] = data[first - offset : last - offset]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
