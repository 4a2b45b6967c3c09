"""Plan and export the film of a project, and compare films."""

from __future__ import annotations

from pathlib import Path

from app.workflows.import_media import OpenProject, open_project
from engine.control import CancelToken, Progress
from engine.errors import MissingMedia, SourceChanged
from engine.media.picture import decode_picture
from engine.model.picture import Picture
from engine.model.recipe import recipe_runs
from engine.plan.export_plan import ExportPlan
from engine.render.export import ExportReport, export, plan_of
from engine.render.verify import VerifyReport, verify
from engine.store.connection import Access
from engine.store.identity import quick_identity


def plan_project(path: Path, progress: Progress, cancel: CancelToken) -> ExportPlan:
    """Return what an export of a project would copy and re-encode.

    Raises:
        ProjectError, MediaError: the project or its film cannot be used.
    """
    opened = open_project(path, Access.READ, progress, cancel)
    try:
        plan, _ = plan_of(opened.film, recipe_runs(opened.file.project))
        return plan
    finally:
        opened.close()


def export_project(
    path: Path, target: Path, since: Path | None, progress: Progress, cancel: CancelToken
) -> ExportReport:
    """Export the film of a project; `target` appears whole and checked, or not at all.

    Raises:
        DeltacutError: see engine.render.export; SourceChanged also where the film changed meanwhile.
    """
    if since is not None and not since.is_file():
        raise MissingMedia(f"{since} is not there: give the earlier export's place, or leave --since out")
    opened = open_project(path, Access.READ, progress.part(0.0, 0.03), cancel)
    try:
        film = opened.film
        before = quick_identity(film.path)
        report = export(
            film,
            recipe_runs(opened.file.project),
            lambda content: _picture(opened, content),
            target,
            since,
            opened.cache,
            progress.part(0.03, 1.0),
            cancel,
        )
        if quick_identity(film.path) != before:
            raise SourceChanged(f"{film.path} changed while it was exported; export it again")
        return report
    finally:
        opened.close()


def verify_films(source: Path, output: Path, progress: Progress, cancel: CancelToken) -> VerifyReport:
    """Compare a film with its source, packet by packet and around every seam.

    Raises:
        MediaError: one of them cannot be read.
    """
    return verify(source, output, progress=progress, cancel=cancel)


def _picture(opened: OpenProject, content: str) -> Picture:
    return decode_picture(opened.file.take(content).data, f"take {content[:8]}")
