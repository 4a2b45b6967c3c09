"""Choose the writer of an export: patch the sample tables where the container allows, else write the packets anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia
from engine.media.bitstream.nal import Framing
from engine.media.coded import EncodedSegment, Splice
from engine.media.containers import Family, family, muxer_for
from engine.media.encoders import whole
from engine.media.mp4.edit import CannotPatch
from engine.media.mp4.movie import read_movie
from engine.media.mp4.patch import patch
from engine.media.remux import CannotRemux, NewVideo, RemuxReport, remux, remux_with_new_video
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
    if family(film.info.container) is Family.ISO and family(_muxer(film, target)) is Family.ISO:
        outcome = _patched(film, splices, extradata, draft, since, progress, cancel)
        if not isinstance(outcome, CannotPatch):
            return Written(draft, (), ())
        notes.append(f"the film was written anew instead of patched: {outcome.reason}")
    report = remux(film.path, film.info, film.index, splices, extradata, draft, progress=progress, cancel=cancel)
    if isinstance(report, CannotRemux):
        raise UnsupportedMedia(f"{target.name} cannot be written from {film.path.name}: {report.reason}")
    return Written(draft, tuple(track.stream for track in report.dropped), (*notes, *_left_out(report)))


def write_whole(
    film: Film,
    segment: EncodedSegment,
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
    video = NewVideo(whole.CODEC, segment.extradata, film.index.time_base, film.info.video.pix_fmt, segment.units)
    report = remux_with_new_video(film.path, film.info, video, draft, progress=progress, cancel=cancel)
    if isinstance(report, CannotRemux):
        raise UnsupportedMedia(
            f"{target.name} cannot hold the re-encoded picture ({report.reason}); export to a .mkv or .mp4 file instead"
        )
    return Written(draft, tuple(track.stream for track in report.dropped), _left_out(report))


def whole_framing(film: Film, target: Path) -> Framing:
    """Return how the target's container frames H.264 packets."""
    in_band = (Family.TRANSPORT, Family.PROGRAM, Family.AVI)
    return Framing.START_CODES if family(_muxer(film, target)) in in_band else Framing.LENGTH_4


def _muxer(film: Film, target: Path) -> str:
    try:
        return muxer_for(target, film.info)
    except KeyError:
        raise UnsupportedMedia(f"nothing here writes {film.info.container}; give the export another suffix") from None


def _left_out(report: RemuxReport) -> tuple[str, ...]:
    return tuple(
        f"track {track.stream} ({track.kind}, {track.codec}) is left out: {track.reason}" for track in report.dropped
    )


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
