"""Plan and export the film of a project, and compare films."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.workflows.captions import soft_tracks
from app.workflows.follow import moving_patches, pictures_of, prepared_for_export
from app.workflows.import_media import OpenProject, open_project
from engine.control import CancelToken, Progress
from engine.errors import MissingMedia, SourceChanged, UsageError
from engine.model.chapters import has_chapter_markers
from engine.model.excerpt import excerpt
from engine.model.project import Project
from engine.model.recipe import RecipeRun, recipe_runs
from engine.model.storyline import Clip
from engine.model.time import Range
from engine.plan.export_plan import ExportPlan
from engine.render.carried_tracks import film_chapters
from engine.render.export import ExportReport, export, plan_of
from engine.render.timeline import Timeline, films_of_timeline, is_whole_film, reference_of
from engine.render.timeline_export import export_timeline, plan_of_timeline
from engine.render.verify import VerifyReport, verify
from engine.store.connection import Access
from engine.store.identity import quick_identity
from engine.store.project_file import ProjectFile


def plan_project(path: Path, progress: Progress, cancel: CancelToken, frames: Range | None = None) -> ExportPlan:
    """Return what an export of a project, or of some frames of its timeline, would copy and re-encode.

    Raises:
        UsageError: the timeline has no such frames. ProjectError, MediaError: the project or its film cannot be used.
    """
    opened = open_project(path, Access.READ, progress, cancel)
    try:
        project = _part(opened.file.project, frames)
        runs = recipe_runs(project)
        _check_not_empty(project)
        if not is_whole_film(project, runs):
            return plan_of_timeline(_timeline(project, opened, runs))
        plan, _ = plan_of(opened.film, runs)
        return plan
    finally:
        opened.close()


def export_project(
    path: Path,
    target: Path,
    since: Path | None,
    progress: Progress,
    cancel: CancelToken,
    frames: Range | None = None,
) -> ExportReport:
    """Export the film of a project; `target` appears whole and checked, or not at all.

    Args:
        path: of the project.
        target: where to write.
        since: an earlier export to build on; not with a part of the timeline.
        progress: of the whole export.
        cancel: looked at often.
        frames: of the timeline, to export only these; None for all of it.

    Raises:
        DeltacutError: see engine.render.export; SourceChanged also where the film changed meanwhile.
    """
    if since is not None and frames is not None:
        raise UsageError("a part of the timeline cannot be built on an earlier export; leave one of the two out")
    if since is not None and not since.is_file():
        raise MissingMedia(f"{since} is not there: give the earlier export's place, or leave --since out")
    opened = open_project(path, Access.READ, progress.part(0.0, 0.03), cancel)
    try:
        check_output(path, opened.file, target)
        project = _part(opened.file.project, frames)
        runs = recipe_runs(project)
        _check_not_empty(project)
        before = {film.path: quick_identity(film.path) for film in opened.films.values()}
        pictures, cache = pictures_of(opened), opened.cache
        captions = soft_tracks(project)
        timeline = _timeline(project, opened, runs)
        with films_of_timeline(timeline) as films:
            moving = moving_patches(opened, films)
            follows = bool(moving.missing(runs))
            share = 0.4 if follows else 0.03
            notes = prepared_for_export(project, runs, moving, progress.part(0.03, share), cancel)
            rest = progress.part(share, 1.0)
            if is_whole_film(project, runs):
                chapters = film_chapters(timeline) if has_chapter_markers(project) else ()
                report = export(
                    opened.film, runs, pictures, target, since, cache, rest, cancel, films, captions, moving, chapters
                )
            else:
                report = export_timeline(timeline, pictures, target, cache, rest, cancel, moving, captions)
        report = replace(report, notes=(*report.notes, *notes))
        for film, identity in before.items():
            if quick_identity(film) != identity:
                raise SourceChanged(f"{film} changed while it was exported; export it again")
        return report
    finally:
        opened.close()


def check_output(path: Path, file: ProjectFile, target: Path) -> None:
    """Refuse to write a film over the project or over anything that it is made of.

    Args:
        path: of the project.
        file: the project, open.
        target: where a film is to be written.

    Raises:
        UsageError: the target is one of these, or has the name of a project.
    """
    if target.suffix.lower() == path.suffix.lower() == ".dcut":
        raise UsageError(f"{target} is a project's name; give the film its own, such as {target.stem}.mp4")
    if not target.exists():
        return
    used = {path: "the project itself"}
    for source in file.project.sources:
        with suppress(MissingMedia):
            used[file.media(source.id)] = f"the source itself, {source.name}"
    for place, what in used.items():
        if place.exists() and target.samefile(place):
            raise UsageError(f"{target} is {what}; choose another name, since that is never overwritten")


def verify_films(source: Path, output: Path, progress: Progress, cancel: CancelToken) -> VerifyReport:
    """Compare a film with its source, packet by packet and around every seam.

    Raises:
        MediaError: one of them cannot be read.
    """
    return verify(source, output, progress=progress, cancel=cancel)


def _check_not_empty(project: Project) -> None:
    if not any(isinstance(item, Clip) for item in project.storyline):
        raise UsageError("the storyline shows no film; put a clip on it first")


def _part(project: Project, frames: Range | None) -> Project:
    return project if frames is None else excerpt(project, frames)


def _timeline(project: Project, opened: OpenProject, runs: tuple[RecipeRun, ...]) -> Timeline:
    return Timeline(project, opened.films, runs, reference_of(project, runs), opened.further_sounds)
