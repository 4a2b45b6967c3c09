"""Choose the writer of an export: patch the sample tables where the container allows, else write the packets anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.coded import Splice
from engine.media.containers import Family, family, muxer_for
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import read_movie
from engine.media.mp4.patch import patch
from engine.media.remux import CannotRemux, remux
from engine.render.film import Film


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file under its draft name.

    Attributes:
        dropped: streams of the source that the target's container cannot hold.
        notes: sentences for the report.
    """

    path: Path
    dropped: tuple[int, ...]
    notes: tuple[str, ...]


def write(
    film: Film,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    target: Path,
    since: Path | None,
    progress: Progress,
    cancel: CancelToken,
) -> Written:
    """Write the film with its splices under a draft name.

    Raises:
        UnsupportedMedia: no writer can make the target's container from this film.
        NoSpace, StorageError, Cancelled.
    """
    notes: list[str] = []
    if family(film.info.container) is Family.ISO and family(muxer_for(target, film.info)) is Family.ISO:
        outcome = _patched(film, splices, extradata, draft, since, progress, cancel)
        if not isinstance(outcome, CannotPatch):
            return Written(draft, (), ())
        notes.append(f"the film was written anew instead of patched: {outcome.reason}")
    report = remux(film.path, film.info, film.index, splices, extradata, draft, progress=progress, cancel=cancel)
    if isinstance(report, CannotRemux):
        raise UnsupportedMedia(f"{target.name} cannot be written from {film.path.name}: {report.reason}")
    notes += [
        f"track {track.stream} ({track.kind}, {track.codec}) is left out: {track.reason}" for track in report.dropped
    ]
    return Written(draft, tuple(track.stream for track in report.dropped), tuple(notes))


def _patched(
    film: Film,
    splices: Sequence[Splice],
    extradata: bytes,
    draft: Path,
    since: Path | None,
    progress: Progress,
    cancel: CancelToken,
) -> CannotPatch | None:
    movie = read_movie(film.path)
    identity = bytes.fromhex(film.identity)
    changed = extradata if extradata != film.info.video.extradata else None
    report = patch(movie, film.info.video.track_id, splices, changed, draft, identity, progress, cancel)
    return report if isinstance(report, CannotPatch) else None
