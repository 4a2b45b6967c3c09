"""Export for a purpose: the presets that come along, and the export of a project with one of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from app.workflows.captions import soft_tracks
from app.workflows.export import check_output, export_project
from app.workflows.follow import moving_patches, pictures_of, prepared_for_export
from app.workflows.import_media import open_project
from engine.control import CancelToken, Progress
from engine.errors import SourceChanged, UsageError
from engine.model.excerpt import excerpt
from engine.model.export_preset import MatchSource, Preset, read_preset
from engine.model.recipe import recipe_runs
from engine.model.storyline import Clip
from engine.model.time import Range
from engine.render import preset_export
from engine.render.compose import Composer
from engine.render.export import ExportReport
from engine.render.preset_export import PresetReport
from engine.render.sound_source import sounds_of
from engine.render.timeline import Timeline, films_of_timeline, reference_of
from engine.store.connection import Access
from engine.store.identity import quick_identity


@cache
def presets() -> tuple[Preset, ...]:
    """Return the presets that come along, in the order in which they are offered."""
    folder = files("resources") / "presets"
    found = [read_preset(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".json")]
    return tuple(sorted(found, key=lambda preset: preset.order))


def preset(name: str) -> Preset:
    """Return a preset by name.

    Raises:
        UsageError: there is none.
    """
    for known in presets():
        if known.name == name:
            return known
    raise UsageError(f"there is no preset {name!r}; there are {', '.join(known.name for known in presets())}")


def export_with_preset(
    path: Path, target: Path, chosen: Preset, frames: Range | None, progress: Progress, cancel: CancelToken
) -> ExportReport | PresetReport:
    """Export a project in a preset's form; `target` appears whole and checked, or not at all.

    Args:
        path: of the project.
        target: a file, or a new folder for pictures.
        chosen: the preset; for "match source" everything unchanged is copied.
        frames: of the timeline; all of it where None.
        progress: of the whole export.
        cancel: looked at often.

    Raises:
        DeltacutError: see engine.render.preset_export and app.workflows.export.
    """
    if isinstance(chosen.form, MatchSource):
        return export_project(path, target, None, progress, cancel, frames)
    opened = open_project(path, Access.READ, progress.part(0.0, 0.03), cancel)
    try:
        check_output(path, opened.file, target)
        project = opened.file.project
        if not any(isinstance(item, Clip) for item in project.storyline):
            raise UsageError("the storyline shows no film; put a clip on it first")
        if frames is not None:
            project = excerpt(project, frames)
        runs = recipe_runs(project)
        timeline = Timeline(project, opened.films, runs, reference_of(project, runs))
        before = {film.path: quick_identity(film.path) for film in opened.films.values()}
        with films_of_timeline(timeline) as films:
            moving = moving_patches(opened, films)
            share = 0.4 if moving.missing(runs) else 0.03
            notes = prepared_for_export(project, runs, moving, progress.part(0.03, share), cancel)
            composer = Composer(timeline.film.info.video, runs, pictures_of(opened), films, moving)
            rest, captions = progress.part(share, 1.0), soft_tracks(project)
            sounds = sounds_of(opened.films) | dict(opened.further_sounds)
            report = preset_export.export_with_preset(
                timeline, chosen, composer, sounds, target, rest, cancel, captions
            )
        for film, identity in before.items():
            if quick_identity(film) != identity:
                raise SourceChanged(f"{film} changed while it was exported; export it again")
        return replace(report, notes=(*report.notes, *notes))
    finally:
        opened.close()
