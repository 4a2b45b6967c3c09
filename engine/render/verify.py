"""The verifier: whether an export is the source but for what was to change, found from the two files alone.

Knows nothing of how the export was written. It reads both files with FFmpeg, compares every packet, and plays both
around each seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.control import CancelToken, Progress
from engine.media.containers import Family
from engine.media.film_file import FilmFile, open_film
from engine.media.movie_survey import survey_movies, tables_of
from engine.media.mp4.movie import Movie
from engine.media.survey import Reading, reading_for, survey
from engine.model.frame_index import FrameIndex
from engine.model.time import Range
from engine.plan.seam import Cut
from engine.render.fact_check import check_facts, track_name
from engine.render.packet_check import DecodeTimes, Plan, frame_ranges, match_copied, match_stills, match_video
from engine.render.seam_check import SeamFindings, check_seams
from engine.render.seam_windows import Depth, PlayedAhead
from engine.render.source_ahead import played, stretches_around

_DECODE_TIMES = {
    Family.ISO: DecodeTimes.ALL,
    Family.FLASH: DecodeTimes.ALL,
    # ISO/IEC 13818-1 2.7.5: a DTS stands beside a PTS only where the two differ.
    Family.TRANSPORT: DecodeTimes.WHERE_THEY_DIFFER,
    Family.PROGRAM: DecodeTimes.WHERE_THEY_DIFFER,
}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What the check of an export found.

    Attributes:
        verified: nothing is wrong.
        packets_identical: packets of the picture that are the source's, byte for byte.
        packets_restated: packets that hold the source's coded picture with parameter sets put in front, or with an HEVC
            entry renamed.
        packets_total: packets of the picture.
        audio_identical: every sound packet is the source's, in number, bytes and time.
        audio_packets: number of them.
        changed_runs: re-encoded frames of the source, as ranges.
        frames_compared: decoded frames around the seams that were compared with the source's, bit for bit.
        seeks: places that were played after a seek.
        worst_psnr_db: of a re-encoded frame against the source's, None where it was not measured.
        problems: what is wrong, in sentences. notes: what is worth knowing and is not wrong.
    """

    verified: bool
    packets_identical: int
    packets_restated: int
    packets_total: int
    audio_identical: bool
    audio_packets: int
    changed_runs: tuple[Range, ...]
    frames_compared: int
    seeks: int
    worst_psnr_db: float | None
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def verify(
    source: Path,
    out: Path,
    plan: Plan | None = None,
    depth: Depth = Depth.FULL,
    *,
    view: Callable[[], BinaryIO] | None = None,
    progress: Progress,
    cancel: CancelToken,
) -> VerifyReport:
    """Compare an export with its source.

    Args:
        source: the film it was made from.
        out: the export.
        plan: what was to be changed; None accepts every re-encoded run that is one by its form.
        depth: how much is decoded around the seams.
        view: opens the export as it will be, where that is not yet what its file shows.
        progress: reports the share of the work.
        cancel: looked at between packets and frames.

    Raises:
        MissingMedia, DamagedMedia, UnsupportedMedia: one of the files cannot be read.
        Cancelled: on request.
    """
    with prepared(source) as checked:
        return verify_prepared(checked, out, plan, depth, view=view, progress=progress, cancel=cancel)


class PreparedSource:
    """A source that is being opened, read and played on threads of their own, for a check that comes later."""

    def __init__(self, film: Future[FilmFile], tables: Future[Movie | None], ahead: Future[PlayedAhead]) -> None:
        self._film = film
        self._tables = tables
        self._ahead = ahead

    @property
    def film(self) -> FilmFile:
        """Return it open, as soon as it is.

        Raises:
            MissingMedia, DamagedMedia, UnsupportedMedia: it cannot be opened.
        """
        return self._film.result()

    def tables(self) -> Movie | None:
        """Return its sample tables, as soon as they are read; None where it has none that can be."""
        return self._tables.result()

    def ahead(self) -> PlayedAhead:
        """Return what was played of it, as soon as that is done."""
        return self._ahead.result()


@contextmanager
def prepared(source: Path, cuts: tuple[Cut, ...] = (), index: FrameIndex | None = None) -> Iterator[PreparedSource]:
    """Begin to open a source for a check; what goes wrong is raised when it is asked for.

    Args:
        source: the film.
        cuts: where an export of it will be coded anew; it is played around them.
        index: of its frames, where there are cuts.
    """
    unwanted = CancelToken()
    with ExitStack() as opened_film, ThreadPoolExecutor(1, thread_name_prefix="check") as pool:
        tables = pool.submit(tables_of, source)
        film = pool.submit(opened_film.enter_context, open_film(source))
        stretches = stretches_around(index, cuts) if index is not None else ()
        try:
            yield PreparedSource(film, tables, pool.submit(played, source, stretches, unwanted))
        finally:
            unwanted.cancel()


def verify_prepared(
    source: PreparedSource,
    out: Path,
    plan: Plan | None,
    depth: Depth,
    *,
    view: Callable[[], BinaryIO] | None,
    progress: Progress,
    cancel: CancelToken,
) -> VerifyReport:
    """Compare an export with its source, as `verify`."""
    with ExitStack() as opened, ThreadPoolExecutor(2, thread_name_prefix="check") as pool:
        tables = pool.submit(tables_of, out, view)
        sought = pool.submit(opened.enter_context, open_film(out, view))
        film = opened.enter_context(open_film(out, view))
        # In other families a seek is as good as what was read of the file before.
        again = sought if film.family is Family.ISO else None
        return _verified(source, film, tables, again, plan, depth, progress, cancel)


def _verified(
    prepared_source: PreparedSource,
    out: FilmFile,
    tables: Future[Movie | None],
    again: Future[FilmFile] | None,
    plan: Plan | None,
    depth: Depth,
    progress: Progress,
    cancel: CancelToken,
) -> VerifyReport:
    source = prepared_source.film
    reading = reading_for(source, out)
    same_format = reading is Reading.BYTES
    inherited_bytes = plan.inherited_bytes if plan is not None else 0
    both = None
    if same_format and (movie := prepared_source.tables()) is not None:
        both = survey_movies(source, movie, out, tables.result(), inherited_bytes, progress.part(0.0, 0.6), cancel)
    theirs, ours = both or (
        survey(source, reading, progress.part(0.0, 0.3), cancel),
        survey(out, reading, progress.part(0.3, 0.6), cancel),
    )
    stored = _DECODE_TIMES.get(out.family, DecodeTimes.NONE) if same_format else DecodeTimes.NONE
    facts = check_facts(theirs, ours, plan.dropped if plan else frozenset(), same_format=same_format)
    match = match_video(theirs.video, ours.video, plan, stored, same_format=same_format)
    problems = [*facts.problems, *match.problems]
    sound: list[str] = []
    for pair in facts.pairs:
        if pair.source.stream == theirs.edited:
            continue
        name = track_name(pair.source)
        if pair.source.still:
            problems += match_stills(pair.source.rows, pair.out.rows, name)
            continue
        found = match_copied(pair.source.rows, pair.out.rows, name, same_format=same_format)
        problems += found
        if pair.source.kind == "audio":
            sound += found
    paired_sound = sum(pair.source.kind == "audio" for pair in facts.pairs)
    lost_sound = paired_sound < sum(track.kind == "audio" for track in theirs.tracks)
    seams = SeamFindings()
    rows = theirs.video.rows, ours.video.rows
    if match.anew or len(rows[0]) == len(rows[1]) or int((~rows[0].hidden).sum()) == int((~rows[1].hidden).sum()):
        sought = again.result() if again is not None else None
        decoded = plan.decoded if plan is not None else frozenset()
        seams = check_seams(
            (source, out), sought, rows, match, depth, decoded, prepared_source.ahead(), progress.part(0.6, 1.0), cancel
        )
        problems += seams.problems
    progress.report("Checked", 1.0)
    return VerifyReport(
        verified=not problems,
        packets_identical=int(match.identical.sum()),
        packets_restated=int(match.restated.sum()),
        packets_total=len(ours.video.rows),
        audio_identical=not sound and not lost_sound,
        audio_packets=sum(len(t.rows) for t in ours.tracks if t.kind == "audio"),
        changed_runs=frame_ranges(match.frame_of[match.recoded]),
        frames_compared=seams.frames_compared,
        seeks=seams.seeks,
        worst_psnr_db=seams.worst_psnr_db,
        problems=tuple(problems),
        notes=facts.notes,
    )
