"""Show what patches do to one frame: before, after, wipe, heat map, matte, and what was left alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.workflows.follow import moving_patches, pictures_of
from app.workflows.import_media import open_project
from engine.control import CancelToken, Progress
from engine.errors import StorageError, UsageError
from engine.media.pixels import to_rgb
from engine.model.recipe import RecipeRun, recipe_runs
from engine.model.time import Range
from engine.render.comparison_pictures import alpha_overlay, changed_outside, heat_map, wipe, write_png
from engine.render.compose import Composer
from engine.render.timeline import Timeline, films_of_timeline, reference_of
from engine.store.connection import Access


@dataclass(frozen=True, slots=True)
class Comparison:
    """One frame before and after.

    Attributes:
        frame: of the timeline. files: what was written, by what it is.
        touched: pixels that the patches may change. changed_outside: pixels that differ though they may not.
        notes: what a person should know of the patches on it.
    """

    frame: int
    files: dict[str, Path]
    touched: int
    changed_outside: int
    notes: tuple[str, ...]


def compare(path: Path, frame: int, folder: Path, progress: Progress, cancel: CancelToken) -> Comparison:
    """Write pictures of a frame of a project's film with and without its patches.

    Args:
        path: the project.
        frame: of the timeline.
        folder: where to; made if it is not there.
        progress: of following what is not followed yet.
        cancel: looked at often.

    Raises:
        UsageError: there is no such frame, or it shows no film.
        EditRefused, MediaError, ProjectError: they cannot be used. StorageError: a picture cannot be written.
        Cancelled: on request.
    """
    opened = open_project(path, Access.READ, progress.part(0.0, 0.1), cancel)
    try:
        project = opened.file.project
        if not 0 <= frame < project.frame_count:
            raise UsageError(f"there is no frame {frame}: the film has the frames 0:{project.frame_count}")
        runs = recipe_runs(project)
        timeline = Timeline(project, opened.films, runs, reference_of(project, runs))
        video = timeline.film.info.video
        with films_of_timeline(timeline) as films:
            moving = moving_patches(opened, films)
            notes = moving.prepare(_at(runs, frame), progress.part(0.1, 0.9), cancel)
            composer = Composer(video, runs, pictures_of(opened), films, moving)
            before, after = composer.without_patches().compose(frame), composer.compose(frame)
            alpha = composer.touched(frame)
        cancel.check()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"the folder {folder} cannot be made: {error.strerror}") from error
        pictures = {
            "before": to_rgb(before, rotation=video.rotation),
            "after": to_rgb(after, rotation=video.rotation),
            "wipe": wipe(before, after, video.rotation),
            "heat map": heat_map(before, after, video.rotation),
            "alpha": alpha_overlay(after, alpha, video.rotation),
        }
        files = {name: folder / f"{name.replace(' ', '-')}.png" for name in pictures}
        for number, (name, picture) in enumerate(pictures.items()):
            progress.report("Writing pictures", 0.9 + 0.1 * number / len(pictures))
            write_png(files[name], picture)
        return Comparison(frame, files, int((alpha > 0).sum()), changed_outside(before, after, alpha), notes)
    finally:
        opened.close()


def _at(runs: tuple[RecipeRun, ...], frame: int) -> tuple[RecipeRun, ...]:
    return tuple(run for run in runs if run.timeline_range.intersection(Range(frame, frame + 1)))
