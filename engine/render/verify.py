"""The verifier: whether an export is the source but for what was to change, found from the two files alone.

Knows nothing of how the export was written. It reads both files with FFmpeg, compares every packet, and plays both
around each seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine.control import CancelToken, Progress
from engine.media.containers import Family
from engine.media.film_file import FilmFile, open_film, open_to_play
from engine.media.movie_survey import PairedMovies, Same, agrees, paired_movies, tables_of
from engine.media.mp4.movie import Movie
from engine.media.replay import Replay
from engine.media.survey import PacketRows, Reading, Survey, described, reading_for, survey
from engine.model.frame_index import FrameIndex
from engine.model.time import Range
from engine.plan.seam import Cut
from engine.render.fact_check import check_facts, track_name
from engine.render.packet_check import (
    DecodeTimes,
    Plan,
    VideoMatch,
    frame_ranges,
    match_copied,
    match_stills,
    match_video,
    planned_packets,
)
from engine.render.seam_check import Players, SeamFindings, check_seams
from engine.render.seam_windows import Depth, PlayedAhead
from engine.render.source_ahead import played, stretches_around

View = Callable[[], BinaryIO] | None
"""Opens a film as it will be, where that is not yet what its file shows."""

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
    view: View = None,
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

    def __init__(
        self,
        film: Future[FilmFile],
        tables: Future[Movie | None],
        agrees: Future[bool],
        ahead: Future[PlayedAhead],
    ) -> None:
        self._film = film
        self._tables = tables
        self._agrees = agrees
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

    def agrees(self) -> bool:
        """Tell whether FFmpeg makes the same packets of its tables."""
        return self._agrees.result()

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
        agreed = pool.submit(lambda: agrees(film.result(), tables.result()))
        stretches = stretches_around(index, cuts) if index is not None else ()
        try:
            yield PreparedSource(film, tables, agreed, pool.submit(played, source, stretches, unwanted))
        finally:
            unwanted.cancel()


def verify_prepared(
    source: PreparedSource,
    out: Path,
    plan: Plan | None,
    depth: Depth,
    *,
    view: View,
    progress: Progress,
    cancel: CancelToken,
) -> VerifyReport:
    """Compare an export with its source, as `verify`."""
    with ExitStack() as opened, ThreadPoolExecutor(4, thread_name_prefix="check") as pool:

        def opening(open_it: Callable[[Path, View], AbstractContextManager[FilmFile]]) -> Future[FilmFile]:
            return pool.submit(opened.enter_context, open_it(out, view))

        theirs, sought = source.film, None
        if theirs.family is Family.ISO:
            tables, sought, player = pool.submit(tables_of, out, view), opening(open_to_play), opening(open_to_play)
            movie = source.tables()
            paired = None if movie is None else paired_movies(theirs, movie, player.result(), tables.result())
            if paired is not None and source.agrees():
                players = Players(Replay(theirs), Replay(player.result()), Replay(sought.result()))
                check = _Check(source, theirs, player.result(), plan, depth, cancel)
                whole = partial(opening, open_film)
                report = check.by_tables(paired, players, whole, tables.result(), pool, progress)
                if report is not None:
                    return report
                # They are played already: the source's other tracks are put aside, and decoders are open.
                theirs, sought = opened.enter_context(open_film(theirs.path)), opening(open_to_play)
        film = opened.enter_context(open_film(out, view))
        # In other families a seek is as good as what was read of the file before.
        again = sought.result() if sought is not None and film.family is Family.ISO else None
        return _Check(source, theirs, film, plan, depth, cancel).by_reading(again, progress)


class _Check:
    """A check of an export.

    Args:
        prepared: the source, as it was prepared.
        source, out: both films, to be read.
        plan, depth, cancel: as of `verify`.
    """

    def __init__(
        self,
        prepared: PreparedSource,
        source: FilmFile,
        out: FilmFile,
        plan: Plan | None,
        depth: Depth,
        cancel: CancelToken,
    ) -> None:
        self._prepared = prepared
        self._source = source
        self._out = out
        self._plan = plan
        self._depth = depth
        self._cancel = cancel
        self._same_format = reading_for(source, out) is Reading.BYTES

    def by_reading(self, sought: FilmFile | None, progress: Progress) -> VerifyReport:
        """Check what a demuxer gives of both films.

        Args:
            sought: the export, opened once more to be played after seeks; None to seek in the one that is read.
            progress: reports the share of the work.
        """
        source, out = self._source, self._out
        reading = reading_for(source, out)
        theirs = survey(source, reading, progress.part(0.0, 0.3), self._cancel)
        ours = survey(out, reading, progress.part(0.3, 0.6), self._cancel)
        match = self._match(theirs, ours)
        # Made only now: what plays a film reads no other track of it.
        players = Players(Replay(source), Replay(out), None if sought is None else Replay(sought))
        seams = self._seams(players, theirs, ours, match, progress.part(0.6, 1.0), self._cancel)
        progress.report("Checked", 1.0)
        return self._report(theirs, ours, match, seams)

    def by_tables(
        self,
        paired: PairedMovies,
        players: Players,
        opening: Callable[[], Future[FilmFile]],
        tables: Movie | None,
        pool: Executor,
        progress: Progress,
    ) -> VerifyReport | None:
        """Check what stands in the sample tables of both films; None where FFmpeg makes something else of them.

        While all bytes are compared, it is played already as if they differed only where they were to; if they differ
        elsewhere, it is played again.

        Args:
            paired: both films.
            players: of both.
            opening: begins to open the export in full.
            tables: of the export.
            pool: with a thread to spare.
            progress: reports the share of the work.
        """
        if not self._same_format:
            return None
        comparing, playing = progress.shares(0.6, 0.4)
        expected = self._expected(paired)
        unwanted = self._cancel.child()
        early: Future[SeamFindings] | None = None
        surveys: tuple[Survey, Survey] | None = None
        if expected is not None:
            surveys = paired.surveys(expected)
            match = self._match(*surveys)
            early = pool.submit(self._seams, players, *surveys, match, playing, unwanted)
        film = opening()
        try:
            agreed = agrees(film.result(), tables)
            inherited_bytes = self._plan.inherited_bytes if self._plan is not None else 0
            same = paired.compared(inherited_bytes, comparing, self._cancel) if agreed else None
            was_expected = same is not None and expected is not None and all(map(np.array_equal, expected, same))
        except BaseException:
            unwanted.cancel()
            raise
        if early is not None and not was_expected:
            unwanted.cancel()
            wait((early,))
        if same is None:
            return None
        if early is not None and surveys is not None and was_expected:
            seams = early.result()
        else:
            surveys = paired.surveys(same)
            match = self._match(*surveys)
            seams = self._seams(players, *surveys, match, playing, self._cancel)
        theirs, ours = surveys
        progress.report("Checked", 1.0)
        # What it says of itself is read from the film that was opened in full.
        return self._report(theirs, described(film.result(), {t.stream: t.rows for t in ours.tracks}, {}), match, seams)

    def _expected(self, paired: PairedMovies) -> Same | None:
        """Return what should be found to be the same, None where that is not known."""
        planned = None if self._plan is None else planned_packets(self._plan)
        return paired.expected(planned) if planned is not None and planned.size == paired.edited_count else None

    def _match(self, theirs: Survey, ours: Survey) -> VideoMatch:
        stored = _DECODE_TIMES.get(self._out.family, DecodeTimes.NONE) if self._same_format else DecodeTimes.NONE
        return match_video(theirs.video, ours.video, self._plan, stored, same_format=self._same_format)

    def _seams(
        self,
        players: Players,
        theirs: Survey,
        ours: Survey,
        match: VideoMatch,
        progress: Progress,
        cancel: CancelToken,
    ) -> SeamFindings:
        rows = theirs.video.rows, ours.video.rows
        if not (match.anew or len(rows[0]) == len(rows[1]) or _shown(rows[0]) == _shown(rows[1])):
            return SeamFindings()
        decoded = self._plan.decoded if self._plan is not None else frozenset()
        return check_seams(players, rows, match, self._depth, decoded, self._prepared.ahead(), progress, cancel)

    def _report(self, theirs: Survey, ours: Survey, match: VideoMatch, seams: SeamFindings) -> VerifyReport:
        dropped = self._plan.dropped if self._plan is not None else frozenset()
        facts = check_facts(theirs, ours, dropped, same_format=self._same_format)
        problems = [*facts.problems, *match.problems]
        sound: list[str] = []
        for pair in facts.pairs:
            if pair.source.stream == theirs.edited:
                continue
            name = track_name(pair.source)
            if pair.source.still:
                problems += match_stills(pair.source.rows, pair.out.rows, name)
                continue
            found = match_copied(pair.source.rows, pair.out.rows, name, same_format=self._same_format)
            problems += found
            if pair.source.kind == "audio":
                sound += found
        paired_sound = sum(pair.source.kind == "audio" for pair in facts.pairs)
        lost_sound = paired_sound < sum(track.kind == "audio" for track in theirs.tracks)
        problems += seams.problems
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


def _shown(rows: PacketRows) -> int:
    return int((~rows.hidden).sum())
