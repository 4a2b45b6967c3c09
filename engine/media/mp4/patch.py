"""Write an edited film by patching: the source's bytes are copied, new samples appended, the tables pointed at them.

No sample that is kept is rewritten, and no metadata, no other track, no edit list is touched. The bytes of replaced
samples are wiped: whoever blurs a face does not want the sharp frames to travel along in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.media.coded import Splice
from engine.media.mp4 import layout as layouts
from engine.media.mp4.boxes import Malformed
from engine.media.mp4.copying import CopyMethod, copy_pieces, storage_error
from engine.media.mp4.early import EarlyCopy
from engine.media.mp4.edit import CannotPatch, TrackEdit, track_edit
from engine.media.mp4.header import Timing, bare_size, check, finished, fits, length, movie_header
from engine.media.mp4.layout import Layout
from engine.media.mp4.movie import Movie, check_unchanged
from engine.media.mp4.record import SIZE as RECORD_SIZE
from engine.media.mp4.record import Record, Slot, source_digest
from engine.media.mp4.unused import Span, unused_spans
from engine.media.mp4.writing import Appendix, wipe, write_at, write_free

MOST_UNUSED = 0.3
"""The largest share of a file that may be bytes nobody needs."""


@dataclass(frozen=True, slots=True)
class PatchReport:
    """What patching did.

    Attributes:
        method: how the source's bytes came there.
        file_bytes: bytes of the new file.
        appended_bytes: bytes of new samples that were written.
        reused_bytes: bytes of new samples that an earlier export had already.
        header_bytes: bytes of the movie box, without record and padding.
        unused_bytes: bytes in the file that belong to replaced or superseded samples.
        timing: what changes for a demuxer, apart from the new samples.
    """

    method: CopyMethod
    file_bytes: int
    appended_bytes: int
    reused_bytes: int
    header_bytes: int
    unused_bytes: int
    timing: Timing


def patch(
    movie: Movie,
    track_id: int,
    splices: Sequence[Splice],
    extradata: bytes | None,
    target: Path,
    identity: bytes,
    progress: Progress,
    cancel: CancelToken,
    early: EarlyCopy | None = None,
) -> PatchReport | CannotPatch:
    """Write `target` as the source with the splices in place of what they replace.

    The target is neither synced to the disk nor renamed; on any error it is removed.

    Args:
        movie: the source.
        track_id: the edited track.
        splices: in order; their indices count the track's packets, one unit each.
        extradata: the decoder's configuration for old and new units; None keeps the source's.
        target: a path that does not exist yet.
        identity: whatever stands for the source's content (a fingerprint); a later export compares it.
        progress: gets the share of bytes written.
        cancel: looked at every few megabytes.
        early: a copy of the source to `target` that is on its way; it is used or removed.

    Raises:
        SourceChanged: the source is not as `movie` says.
        NoSpace, StorageError: the target cannot be written.
        Cancelled: on request.
        ValueError: the splices do not fit the track.
    """
    edit = track_edit(movie, track_id, splices, extradata)
    plan = edit if isinstance(edit, CannotPatch) else _plan(movie, edit, target, identity)
    if early is not None and (isinstance(plan, CannotPatch) or plan.layout.pieces != early.pieces):
        early.discard()
        early = None
    if isinstance(edit, CannotPatch):
        return edit
    if isinstance(plan, CannotPatch):
        return plan
    try:
        method = _write(movie, edit, plan, target, early, progress, cancel)
    except OSError as error:
        with suppress(OSError):
            target.unlink()
        raise storage_error(target, error) from error
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return PatchReport(
        method=method,
        file_bytes=plan.file_size,
        appended_bytes=edit.new_bytes,
        reused_bytes=0,
        header_bytes=plan.header_bytes,
        unused_bytes=sum(stop - start for start, stop in plan.wiped),
        timing=plan.timing,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What will be written where; `wiped` are ranges of the new file."""

    layout: Layout
    appendix: Appendix
    slots: tuple[Slot, ...]
    moov: bytes
    header_bytes: int
    file_size: int
    wiped: tuple[Span, ...]
    timing: Timing


def _plan(movie: Movie, edit: TrackEdit, target: Path, identity: bytes) -> _Plan | CannotPatch:
    for track in movie.tracks:
        if track.samples.count and int(track.samples.position.max()) >= movie.layout.tail:
            return CannotPatch(f"samples of track {track.track_id} lie behind the last box")
    unused = unused_spans(movie, edit.track, edit.replaced)
    unused_bytes = sum(stop - start for start, stop in unused)
    # Beyond that share the source is copied around what nobody needs. Such a file is nothing to build on.
    compact = unused_bytes > MOST_UNUSED * (movie.size + edit.new_bytes)
    left_out = unused if compact else ()
    in_front = layouts.wants_front(movie)
    source = source_digest(movie, identity)
    header_bytes = bare_size(movie.moov)
    for _ in range(5):
        layout = layouts.front(movie, header_bytes, left_out) if in_front else layouts.end(movie, left_out)
        if isinstance(layout, CannotPatch):
            return layout
        appendix = Appendix(layout.base_stop, edit.size[edit.rows])
        slots = layout.slots or (Slot(appendix.stop, layouts.slot_at_end(movie, header_bytes, left_out)),)
        file_size = max(appendix.stop, slots[-1].stop)
        record = None
        if not compact:
            record = Record(
                source, edit.track.track_id, file_size, layout.base_stop, layout.moved_from, layout.moved_by, slots
            )
        position = layout.moved(edit.track.samples.position)
        position[edit.rows] = appendix.positions
        try:
            header = movie_header(movie, edit, position, layout.moved)
        except Malformed as error:
            return CannotPatch(str(error))
        if fits(header, record, slots[0].size):
            break
        # A larger header moves the offsets, and 64-bit offsets make a larger header; twice round settles it.
        header_bytes = length(header) + (RECORD_SIZE if record is not None else 0)
    else:
        return CannotPatch("the size of its header does not settle")
    moov = finished(header, record, slots[0].size)
    timing = check(movie, edit, position, layout.moved, moov, target, file_size)
    if isinstance(timing, CannotPatch):
        return timing
    wiped = () if compact else layout.moved_spans(unused)
    return _Plan(layout, appendix, slots, moov, length(header), file_size, wiped, timing)


def _write(
    movie: Movie,
    edit: TrackEdit,
    plan: _Plan,
    target: Path,
    early: EarlyCopy | None,
    progress: Progress,
    cancel: CancelToken,
) -> CopyMethod:
    label = f"Copying {movie.path.name}"
    progress.report(label, 0.0)
    method = _copy(movie, plan.layout, target, early, progress, cancel, label)
    with target.open("r+b", buffering=0) as file:
        file.truncate(plan.layout.base_stop)
        for offset, data in plan.layout.overwrites:
            write_at(file, offset, data)
        plan.appendix.write(file, [unit.data for unit in edit.units])
        write_at(file, plan.slots[0].start, plan.moov)
        for slot in plan.slots[1:]:
            write_free(file, slot)
        wipe(file, plan.wiped)
        file.truncate(plan.file_size)
    progress.report(label, 1.0)
    return method


def _copy(
    movie: Movie,
    layout: Layout,
    target: Path,
    early: EarlyCopy | None,
    progress: Progress,
    cancel: CancelToken,
    label: str,
) -> CopyMethod:
    """Copy the source's bytes to where they belong, or share them."""
    if early is not None:
        return early.taken()
    total = sum(piece.size for piece in layout.pieces)
    done = 0

    def copied(step: int) -> None:
        nonlocal done
        done += step
        progress.report(label, 0.98 * done / total)

    with movie.path.open("rb", buffering=0) as source:
        check_unchanged(movie, source)
        cancel.check()
        return copy_pieces(movie.path, source, target, layout.pieces, cancel, copied)
