"""Choose the writer of an export: patch the sample tables where the container allows, else write the packets anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.coded import EncodedSegment, Splice
from engine.media.containers import Family, family, muxer_for
from engine.media.mp4.copying import clone
from engine.media.mp4.earlier import EarlierExport, read_earlier
from engine.media.mp4.early import EarlyCopy, copied_early
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import Movie, check_unchanged, read_movie
from engine.media.mp4.patch import MOST_UNUSED, patch
from engine.media.mp4.repatch import Staged, stage, stage_clone
from engine.media.remux import CannotRemux, NewVideo, RemuxReport, remux, remux_with_new_video
from engine.model.codec_names import codec_name
from engine.plan.export_plan import ExportPlan
from engine.render.film import Film


@dataclass(frozen=True, slots=True)
class Begun:
    """What of the writing is done while the splices are made; made by `begun_meanwhile`.

    Attributes:
        movie: the film's sample tables, as soon as they are read; None where it has none that can be read.
        copy: a copy of the film under the draft name, where patching one is how it will be written.
        earlier: the earlier export to write on top of, where there is one, as soon as it is read.
    """

    movie: Callable[[], Movie | None]
    copy: EarlyCopy | None = None
    earlier: Future[EarlierExport | CannotPatch] | None = None


@contextmanager
def begun_meanwhile(
    film: Film, plan: ExportPlan, draft: Path, target: Path, since: Path | None, movie: Callable[[], Movie | None]
) -> Iterator[Begun]:
    """Begin with what does not need the splices; `movie` gives the film's sample tables, waiting for them."""
    patched = family(film.info.container) is Family.ISO and target_family(film, target) is Family.ISO
    replaced_bytes = sum(int(film.index.size[cut.units.start : cut.units.stop].sum()) for cut in plan.cuts)
    mostly_kept = replaced_bytes < MOST_UNUSED * film.path.stat().st_size
    if not patched or film.info.fragmented:
        yield Begun(movie)
    elif since is not None:
        with ThreadPoolExecutor(1, thread_name_prefix="earlier") as pool:
            yield Begun(movie, earlier=pool.submit(_read_earlier, film, since, movie))
    elif mostly_kept and (tables := movie()) is not None:
        with copied_early(tables, draft) as copy:
            yield Begun(movie, copy)
    else:
        yield Begun(movie)


def _read_earlier(film: Film, since: Path, movie: Callable[[], Movie | None]) -> EarlierExport | CannotPatch:
    tables = movie()
    if tables is None:
        return CannotPatch(f"the tables of {film.path.name} cannot be read")
    return read_earlier(tables, film.info.video.track_id, since, bytes.fromhex(film.identity))


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
    progress: Progress,
    cancel: CancelToken,
    begun: Begun,
) -> Written | CannotWrite:
    """Write the film with its splices under a draft name, on top of an earlier export where that was begun.

    Raises:
        UnsupportedMedia: no writer can make the target's container from this film, whatever its picture.
        NoSpace, StorageError, Cancelled.
    """
    notes: list[str] = []
    if family(film.info.container) is Family.ISO and target_family(film, target) is Family.ISO:
        movie = begun.movie() or read_movie(film.path)
        if begun.earlier is not None:
            staged = _staged(film, movie, splices, extradata, draft, target, begun.earlier.result(), cancel)
            if isinstance(staged, Staged):
                return Written(staged.path, (), (), staged)
            notes.append(f"the export was made afresh, not on top of the earlier one: {staged.reason}")
        outcome = _patched(film, movie, splices, extradata, draft, progress, cancel, begun.copy)
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
        f"track {track.stream} ({track.kind}, {codec_name(track.codec)}) is left out: {track.reason}"
        for track in report.dropped
    )


def _staged(
    film: Film,
    movie: Movie,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    target: Path,
    earlier: EarlierExport | CannotPatch,
    cancel: CancelToken,
) -> Staged | CannotPatch:
    if isinstance(earlier, CannotPatch):
        return earlier
    track, changed = film.info.video.track_id, _changed(film, extradata)
    with film.path.open("rb") as source:
        check_unchanged(movie, source)
    if target.exists() and earlier.movie.path.samefile(target):
        return stage(movie, track, splices, changed, earlier, cancel)
    return stage_clone(movie, track, splices, changed, earlier, draft, cancel)


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
