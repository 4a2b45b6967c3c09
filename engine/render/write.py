"""Choose the writer of an export: patch the sample tables where the container allows, else write the packets anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.coded import EncodedSegment, Splice
from engine.media.containers import Family, family, muxer_for
from engine.media.mp4.copying import clone
from engine.media.mp4.early import EarlyCopy, copied_early
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie, read_movie
from engine.media.mp4.patch import MOST_UNUSED, patch
from engine.media.mp4.repatch import Staged, stage, stage_clone
from engine.media.remux import CannotRemux, NewVideo, RemuxReport, remux, remux_with_new_video
from engine.plan.export_plan import ExportPlan
from engine.render.film import Film


@contextmanager
def copied_meanwhile(
    film: Film, plan: ExportPlan, draft: Path, target: Path, since: Path | None
) -> Iterator[EarlyCopy | None]:
    """Copy the film to its draft name while its splices are made, where patching a copy is how it will be written."""
    patched = family(film.info.container) is Family.ISO and target_family(film, target) is Family.ISO
    replaced_bytes = sum(int(film.index.size[cut.units.start : cut.units.stop].sum()) for cut in plan.cuts)
    mostly_kept = replaced_bytes < MOST_UNUSED * film.path.stat().st_size
    if not (patched and mostly_kept) or since is not None or film.info.fragmented:
        yield None
        return
    with copied_early(read_movie(film.path, film.info.video.track_id), draft) as copy:
        yield copy


def why_afresh(film: Film, since: Path, draft: Path, target: Path) -> str | None:
    """Return why a film cannot be written on top of an earlier export, None where it can, as far as is known yet."""
    if not (family(film.info.container) is Family.ISO and target_family(film, target) is Family.ISO):
        return "only MP4 and MOV films can be built on"
    if target.exists() and since.samefile(target):
        return None
    if not clone(since, draft):
        return f"{draft.parent} is on a file system that cannot clone files"
    draft.unlink()
    return None


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file under its draft name.

    Attributes:
        dropped: streams of the source that the target's container cannot hold.
        notes: sentences for the report.
        staged: set where it was written into an earlier export, which stays valid until `accept`.
    """

    path: Path
    dropped: tuple[int, ...]
    notes: tuple[str, ...]
    staged: Staged | None = None

    @property
    def inherited_bytes(self) -> int:
        """Return how many bytes from the start an earlier export's check has covered."""
        return 0 if self.staged is None else self.staged.inherited_bytes

    @property
    def view(self) -> Callable[[], BinaryIO] | None:
        """Return what opens the file as it will be, None where it is so already."""
        return None if self.staged is None else self.staged.view

    def accept(self) -> None:
        """Make it valid, now that it passed its check."""
        if self.staged is not None:
            self.staged.commit()

    def reject(self) -> None:
        """Leave an earlier export that it was written into as it was."""
        if self.staged is not None:
            with suppress(OSError):
                self.staged.abandon()


@dataclass(frozen=True, slots=True)
class CannotWrite:
    """The new pictures do not fit between the film's own in its container; the reason is a sentence for a person."""

    reason: str


def write(
    film: Film,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    target: Path,
    since: Path | None,
    progress: Progress,
    cancel: CancelToken,
    early: EarlyCopy | None = None,
) -> Written | CannotWrite:
    """Write the film with its splices under a draft name; `early` is a copy of the film there that is on its way.

    Raises:
        UnsupportedMedia: no writer can make the target's container from this film, whatever its picture.
        NoSpace, StorageError, Cancelled.
    """
    notes: list[str] = []
    if family(film.info.container) is Family.ISO and target_family(film, target) is Family.ISO:
        movie = read_movie(film.path)
        if since is not None:
            staged = _staged(film, movie, splices, extradata, draft, target, since, cancel)
            if isinstance(staged, Staged):
                return Written(staged.path, (), (), staged)
            notes.append(f"the export was made afresh, not on top of {since.name}: {staged.reason}")
        outcome = _patched(film, movie, splices, extradata, draft, progress, cancel, early)
        if not isinstance(outcome, CannotPatch):
            return Written(draft, (), tuple(notes))
        notes.append(f"the film was written anew instead of patched: {outcome.reason}")
    report = remux(film.path, film.info, film.index, splices, extradata, draft, progress=progress, cancel=cancel)
    if isinstance(report, CannotRemux):
        if family(film.info.container) is target_family(film, target):
            return CannotWrite(report.reason)
        raise UnsupportedMedia(f"{target.name} cannot be written from {film.path.name}: {report.reason}")
    return Written(draft, tuple(track.stream for track in report.dropped), (*notes, *_left_out(report)))


def write_whole(
    film: Film,
    segment: EncodedSegment,
    codec: str,
    draft: Path,
    target: Path,
    progress: Progress,
    cancel: CancelToken,
) -> Written:
    """Write the film's other tracks beside a picture that was re-encoded as a whole.

    Raises:
        UnsupportedMedia: the target's container cannot hold it.
        NoSpace, StorageError, Cancelled.
    """
    video = NewVideo(codec, segment.extradata, film.index.time_base, film.info.video.pix_fmt, segment.units)
    report = remux_with_new_video(film.path, film.info, video, draft, progress=progress, cancel=cancel)
    if isinstance(report, CannotRemux):
        raise UnsupportedMedia(
            f"{target.name} cannot hold the re-encoded picture ({report.reason}); export to a .mkv or .mp4 file instead"
        )
    return Written(draft, tuple(track.stream for track in report.dropped), _left_out(report))


def target_family(film: Film, target: Path) -> Family:
    """Return the family of the container that a film is written to.

    Raises:
        UnsupportedMedia: nothing here writes it.
    """
    return family(_muxer(film, target))


def _muxer(film: Film, target: Path) -> str:
    try:
        return muxer_for(target, film.info)
    except KeyError:
        raise UnsupportedMedia(f"nothing here writes {film.info.container}; give the export another suffix") from None


def _left_out(report: RemuxReport) -> tuple[str, ...]:
    return tuple(
        f"track {track.stream} ({track.kind}, {track.codec}) is left out: {track.reason}" for track in report.dropped
    )


def _staged(
    film: Film,
    movie: Movie,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    target: Path,
    since: Path,
    cancel: CancelToken,
) -> Staged | CannotPatch:
    track, identity, changed = film.info.video.track_id, bytes.fromhex(film.identity), _changed(film, extradata)
    if target.exists() and since.samefile(target):
        return stage(movie, track, splices, changed, since, identity, cancel)
    return stage_clone(movie, track, splices, changed, since, draft, identity, cancel)


def _patched(
    film: Film,
    movie: Movie,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    progress: Progress,
    cancel: CancelToken,
    early: EarlyCopy | None,
) -> CannotPatch | None:
    track, identity, changed = film.info.video.track_id, bytes.fromhex(film.identity), _changed(film, extradata)
    report = patch(movie, track, splices, changed, draft, identity, progress, cancel, early)
    return report if isinstance(report, CannotPatch) else None


def _changed(film: Film, extradata: bytes) -> bytes | None:
    return extradata if extradata != film.info.video.extradata else None
