"""What an export would copy and re-encode, kept true while the project changes, with an estimate of time and size.

The plan is made in the background a moment after a change; of several changes only the newest is planned.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.session.document import Document
from app.session.following import Following
from app.session.jobs import Job, Jobs
from app.session.preview import Preview
from app.workflows.caches import films_cache
from app.workflows.follow_speed import NOTHING_TO_FOLLOW, ToFollow, still_to_follow
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, MissingMedia, UsageError
from engine.media.quality import MOST_GROWTH
from engine.model.edits import Compound, ReplacePatch
from engine.model.excerpt import excerpt
from engine.model.patch import ReviewState
from engine.model.project import Project
from engine.model.recipe import RecipeRun, recipe_runs
from engine.model.storyline import Clip
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.plan.export_plan import CopySegment, ExportPlan, RenderSegment
from engine.render.export import ExportReport, plan_of
from engine.render.film import Film
from engine.render.moving import Moving
from engine.render.timeline import Timeline, is_whole_film, reference_of
from engine.render.timeline_export import plan_of_timeline
from engine.store.cache import Cache

UNDECIDED = (ReviewState.DRAFT, ReviewState.PROPOSED, ReviewState.STALE)
"""The states of patches about which nobody has decided; they are in the film all the same."""

_SETTLE_MS = 120
_KIND = "export-speed"
_DEFAULT_PIXELS_PER_S = 40e6
"""Before anything was exported here: decoding, drawing, encoding and checking 1080p H.264 on four cores."""
_COPIED_BYTES_PER_S = 150e6
"""Reading, writing and reading again to check."""
_LEAST_S = 0.3
_GROWTH = "export-growth"
_NOT_MUCH_MORE = 1.25
_TELLING_SHARE = 0.1
"""Of a file that has to be encoded anew before its size tells how the film's frames grow."""
_BLACK_BYTES = 400.0


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an export will take; seconds of wall time, bytes of the file.

    Attributes:
        to_follow: what has to be followed first; its measured part is in the seconds.
        most_bytes: that the file may take; 0 where it will not take much more than `size_bytes`.
        replaced_bytes: of the source's frames that are encoded anew. other_bytes: of the file without those frames.
    """

    seconds: float
    size_bytes: float
    to_follow: ToFollow = NOTHING_TO_FOLLOW
    most_bytes: float = 0.0
    replaced_bytes: float = 0.0
    other_bytes: float = 0.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for a value of the project.

    Attributes:
        plan: None where there is nothing to export, or where a film is missing.
        estimate: None where there is no plan.
        problem: why there is no plan, as a sentence; else empty.
        spared: frames that would be copied as well if the patches that nobody has decided about were left out.
    """

    project: Project
    plan: ExportPlan | None
    estimate: Estimate | None
    problem: str = ""
    spared: int = 0


def planned(
    project: Project,
    films: Mapping[str, Film],
    pixels_per_s: float = _DEFAULT_PIXELS_PER_S,
    follows: Callable[[tuple[RecipeRun, ...]], ToFollow] = lambda _: NOTHING_TO_FOLLOW,
    growth: float | None = None,
) -> Planned:
    """Return the plan of a project's export; for any thread.

    Args:
        project: what to export.
        films: those at hand, by source id.
        pixels_per_s: how fast pictures are re-encoded here.
        growth: how many times the source's bytes re-encoded frames took before; None where that is not known.
        follows: returns what some recipes have to follow first.
    """
    clips = [item for item in project.storyline if isinstance(item, Clip)]
    if not clips:
        return Planned(project, None, None, "The timeline shows no film.")
    absent = next((clip.source_id for clip in clips if clip.source_id not in films), None)
    if absent is not None:
        return Planned(project, None, None, f"“{project.source(absent).name}” is not at hand.")
    runs = recipe_runs(project)
    try:
        plan = plan_of_project(project, runs, films)
    except DeltacutError as error:
        return Planned(project, None, None, str(error))
    found = estimate(project, plan, runs, films, pixels_per_s, growth)
    before = follows(runs)
    estimated = replace(found, seconds=found.seconds + before.seconds, to_follow=before)
    return Planned(project, plan, estimated, spared=_spared(project, plan, films))


def _spared(project: Project, plan: ExportPlan, films: Mapping[str, Film]) -> int:
    """Return how many frames more are copied without the undecided patches: other things may change them too."""
    hidden = tuple(
        ReplacePatch(replace(patch, visible=False))
        for patch in project.patches
        if patch.shows and patch.state in UNDECIDED
    )
    if not hidden:
        return 0
    try:
        without = Compound("Leave out of the film", hidden).apply(project)
        return max(0, plan_of_project(without, recipe_runs(without), films).frames_copied - plan.frames_copied)
    except DeltacutError:
        # A locked layer keeps its patches in the film.
        return 0


def plan_of_project(project: Project, runs: tuple[RecipeRun, ...], films: Mapping[str, Film]) -> ExportPlan:
    """Return the plan of a project whose films are at hand.

    Raises:
        DeltacutError: it cannot be exported.
    """
    if not runs:
        raise UsageError("the storyline shows no film; put a clip on it first")
    if is_whole_film(project, runs):
        first = project.storyline[0]
        if not isinstance(first, Clip):
            raise MissingMedia("the storyline begins with no film")
        return plan_of(films[first.source_id], runs)[0]
    return plan_of_timeline(Timeline(project, films, runs, reference_of(project, runs)))


def estimate(
    project: Project,
    plan: ExportPlan,
    runs: tuple[RecipeRun, ...],
    films: Mapping[str, Film],
    pixels_per_s: float = _DEFAULT_PIXELS_PER_S,
    growth: float | None = None,
) -> Estimate:
    """Return what an export will take.

    Size: copied frames have their own bytes; a re-encoded frame gets the mean of the source's frames it stands for,
    since the encoder aims at the source's quality, by what such frames of the film took before. Before that is known
    they may take twice as much. Everything that is not picture is the source files' share by time.
    Time: re-encoded pixels by the measured speed, and the file's bytes by the speed of a disk.

    Args:
        project: what is exported.
        plan: how.
        runs: its recipes.
        films: by source id.
        pixels_per_s: pixels that are decoded, drawn, encoded and checked in a second.
        growth: see planned.
    """
    copied, replaced = _picture_bytes(plan, project, films)
    others = copied + _sound_bytes(project, films)
    size = others + replaced * (1.0 if growth is None else growth)
    most = others + replaced * MOST_GROWTH
    if growth is not None or most < _NOT_MUCH_MORE * size:
        most = 0.0
    pixels = plan.frames_rendered * project.canvas.width * project.canvas.height
    seconds = pixels / max(1.0, pixels_per_s) + size / _COPIED_BYTES_PER_S
    return Estimate(max(_LEAST_S, seconds), size, most_bytes=most, replaced_bytes=replaced, other_bytes=others)


def _picture_bytes(plan: ExportPlan, project: Project, films: Mapping[str, Film]) -> tuple[float, float]:
    """Return the bytes of the source's frames that are copied, and of those that are encoded anew."""
    timeline = TimelineMap(project)
    sums = {
        source_id: np.concatenate([[0], np.cumsum(film.index.size[film.index.order])])
        for source_id, film in films.items()
    }
    copied = replaced = 0.0
    for segment in plan.segments:
        for span in timeline.spans_within(segment.frames):
            common = span.timeline_range.intersection(segment.frames)
            if not isinstance(span.item, Clip) or span.item.source_id not in sums:
                copied += _BLACK_BYTES * len(common)
                continue
            table = sums[span.item.source_id]
            first, last = timeline.source_at(common.start), timeline.source_at(common.stop - 1)
            assert first is not None
            assert last is not None
            shown = int(table[last.frame + 1] - table[first.frame])
            mean = shown * len(common) / max(1, last.frame + 1 - first.frame)
            if isinstance(segment, CopySegment):
                copied += mean
            else:
                replaced += mean
    return copied, replaced


def _sound_bytes(project: Project, films: Mapping[str, Film]) -> float:
    """Return the bytes beside the picture: what the sources' files hold of them, by the time that is shown."""
    timeline = TimelineMap(project)
    total = 0.0
    for span in timeline.spans:
        film = films.get(span.item.source_id) if isinstance(span.item, Clip) else None
        if film is None or not film.info.duration_s:
            continue
        beside = max(0.0, float(film.info.bit_rate) / 8 * float(film.info.duration_s) - float(film.index.size.sum()))
        shown = timeline.time_of(span.timeline_range.stop) - timeline.time_of(span.timeline_range.start)
        total += beside * float(shown / film.info.duration_s)
    return total


def measured_speed(cache: Cache, codec: str) -> float:
    """Return how many pixels per second were re-encoded here in the last exports, or what is usual."""
    kept = cache.get(_KIND, codec)
    try:
        return max(1e5, float(json.loads(kept))) if kept else _DEFAULT_PIXELS_PER_S
    except (ValueError, TypeError):
        return _DEFAULT_PIXELS_PER_S


def learn_speed(cache: Cache, codec: str, report: ExportReport, pixels_per_frame: int) -> None:
    """Remember how fast an export went; small ones say little and are left out."""
    pixels = report.plan.frames_rendered * pixels_per_frame
    seconds = report.seconds - report.output.stat().st_size / _COPIED_BYTES_PER_S if report.output.exists() else 0.0
    if report.plan.frames_rendered < 12 or seconds <= 0.1:
        return
    before = cache.get(_KIND, codec)
    speed = pixels / seconds
    if before is not None:
        speed = (speed + measured_speed(cache, codec)) / 2
    cache.put(_KIND, codec, json.dumps(speed).encode())


def known_growth(cache: Cache, film: str) -> float | None:
    """Return how many times the film's bytes its re-encoded frames took in the last export, None before the first.

    Args:
        cache: of films.
        film: the identity of its content.
    """
    kept = cache.get(_GROWTH, film)
    try:
        return min(max(0.1, float(json.loads(kept))), 2 * MOST_GROWTH) if kept else None
    except (ValueError, TypeError):
        return None


def learn_growth(cache: Cache, film: str, report: ExportReport, before: Estimate) -> None:
    """Remember how large an export became; where little was encoded anew it says little, and is left out.

    Args:
        cache: of films.
        film: the identity of its content.
        report: of the export.
        before: what was estimated for it.
    """
    real = report.output.stat().st_size if report.output.exists() else 0
    if before.replaced_bytes < _TELLING_SHARE * before.size_bytes or not real:
        return
    cache.put(_GROWTH, film, json.dumps((real - before.other_bytes) / before.replaced_bytes).encode())


def reason_of(segment: CopySegment | RenderSegment) -> str:
    """Return what happens to a segment's frames, for a tooltip."""
    count = f"{len(segment.frames):,} frame{'s' if len(segment.frames) != 1 else ''}"
    if isinstance(segment, CopySegment):
        return f"{count}: copied, packet for packet"
    return f"{count} re-encoded: {segment.reason.value}"


class LivePlan(QObject):
    """The plan of the open project.

    Signals:
        plan_changed(Planned): another plan, or none. planning_changed(bool): whether one is being made.
    """

    plan_changed = Signal(object)
    planning_changed = Signal(bool)

    def __init__(
        self, document: Document, jobs: Jobs, preview: Preview, following: Following, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._jobs = jobs
        self._preview = preview
        self._planned_with: Moving | None = None
        self._planned: Planned | None = None
        self._running: Job | None = None
        self._again = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self._start)
        document.opened.connect(self._timer.start)
        document.changed.connect(self._changed)
        document.films_changed.connect(self._changed)
        document.closed.connect(self._closed)
        following.changed.connect(self._followed)
        preview.scene_changed.connect(self._followed)

    @property
    def planned(self) -> Planned | None:
        """Return the last plan, None before the first."""
        return self._planned

    def estimate_anew(self) -> None:
        """Estimate once more: an export has told more of its films than was known."""
        if self._document.is_open:
            self._timer.start()

    @property
    def is_current(self) -> bool:
        """Whether the plan is that of the project as it shows now."""
        return self._planned is not None and self._planned.project is self._document.project

    @Slot()
    @Slot(object)
    def _changed(self, _change: object = None) -> None:
        if self._document.is_open:
            self._timer.start()

    @Slot()
    def _start(self) -> None:
        if not self._document.is_open:
            return
        if self._running is not None:
            self._again = True
            return
        self._planned_with = self._preview.moving
        work = planning(self._document, self._preview)
        self.planning_changed.emit(True)
        self._running = self._jobs.start_quietly("Plan the export", work).then(self._done, self._failed)

    @Slot()
    @Slot(str)
    def _followed(self, _patch_id: str = "") -> None:
        """Estimate anew where something was to be followed, or it could not be told yet."""
        found = None if self._planned is None else self._planned.estimate
        if found is not None and (found.to_follow.frames or self._planned_with is not self._preview.moving):
            self._timer.start()

    def _done(self, found: Planned) -> None:
        self._running = None
        if self._again:
            # What was planned is no longer what shows; the newest wins.
            self._again = False
            self._start()
            return
        if self._document.is_open:
            self._planned = found
            self.plan_changed.emit(found)
        self.planning_changed.emit(False)

    def _failed(self, error: DeltacutError) -> None:
        self._done(Planned(self._document.project, None, None, str(error)))

    @Slot()
    def _closed(self) -> None:
        self._timer.stop()
        self._again = False
        self._planned = None
        self.plan_changed.emit(None)


def planning(
    document: Document, preview: Preview, frames: Range | None = None
) -> Callable[[Progress, CancelToken], Planned]:
    """Return the work that plans the export of a project as it is now, or of some frames of its timeline."""
    whole, films, moving = document.project, dict(document.films), preview.moving

    def work(_progress: Progress, _cancel: CancelToken) -> Planned:
        project = whole if frames is None else excerpt(whole, frames)
        shown = next((item.source_id for item in project.storyline if isinstance(item, Clip)), "")
        codec = films[shown].info.video.codec if shown in films else ""
        identity = films[shown].identity if shown in films else ""
        with films_cache() as cache:

            def follows(runs: tuple[RecipeRun, ...]) -> ToFollow:
                return NOTHING_TO_FOLLOW if moving is None else still_to_follow(moving, runs, cache)

            return planned(project, films, measured_speed(cache, codec), follows, known_growth(cache, identity))

    return work


def segment_at(plan: ExportPlan, frame: int) -> CopySegment | RenderSegment | None:
    """Return the segment of a plan that holds a frame."""
    low, high = 0, len(plan.segments)
    while low < high:
        middle = (low + high) // 2
        frames: Range = plan.segments[middle].frames
        if frame < frames.start:
            high = middle
        elif frame >= frames.stop:
            low = middle + 1
        else:
            return plan.segments[middle]
    return None
