"""Let patches follow the picture: find where they go, make them ready, say how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.workflows.follow_speed import timed_follow
from app.workflows.import_media import OpenProject, open_project
from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.media.picture import decode_picture
from engine.media.take_film import TakeFilm
from engine.model.ops import PatchOp, op_of
from engine.model.patch import Patch, ReviewState
from engine.model.picture import Picture
from engine.model.project import Project
from engine.model.recipe import RecipeRun
from engine.render.films import FilmReaders, Films
from engine.render.moving import Followed, Late, Moving
from engine.render.overlay_op import Pictures
from engine.store.connection import Access
from engine.store.project_file import ProjectFile

_OPEN_FILMS = 8
_NOTHING = Picture(np.zeros((1, 1, 4), np.uint8))
"""What a film shows beyond its ends."""


def pictures_of(opened: OpenProject) -> Pictures:
    """Return what looks up the pictures that a project holds."""
    return pictures_in(opened.file)


def pictures_in(file: ProjectFile) -> Pictures:
    """Return what looks up the pictures that a project file holds, the frames of its takes' films among them."""
    open_film = lru_cache(maxsize=_OPEN_FILMS)(lambda content: TakeFilm(file.take(content).data, f"take {content[:8]}"))

    def picture(content: str) -> Picture:
        film, mark, number = content.partition("#")
        if not mark:
            return decode_picture(file.take(content).data, f"take {content[:8]}")
        return open_film(film).picture(int(number)) or _NOTHING

    return picture


def moving_patches(opened: OpenProject, films: Films, late: Late = Late.WAIT) -> Moving:
    """Return what draws a project's moving patches, for an export or a viewer.

    Args:
        opened: the project; it must stay open as long as this is used.
        films: the frames of its sources; thread-safe.
        late: what drawing does with patches that are not followed yet.
    """
    identities = {source_id: film.identity for source_id, film in opened.films.items()}
    return Moving(films, pictures_of(opened), opened.cache, identities, late)


def films_of_project(opened: OpenProject) -> FilmReaders:
    """Return readers of a project's films; the caller closes them."""
    project = opened.file.project
    return FilmReaders(opened.films, {source_id: project.picture(source_id).times for source_id in opened.films})


def operation_of(project: Project, patch_id: str) -> tuple[PatchOp, str]:
    """Return what a patch draws, as its recipe names it, and its source's id.

    Raises:
        EditRefused: there is no such patch, or nothing of it shows.
    """
    layer = project.layer_of(patch_id)
    patch = next(item for item in layer.items if item.id == patch_id)
    op = op_of(layer, patch, project.canvas.rate)
    if not isinstance(patch, Patch) or not isinstance(op, PatchOp):
        raise EditRefused(f"{patch_id} shows nothing: it is no patch, is hidden, or has no take picked")
    return op, patch.source_id


def must_be_open(opened: OpenProject, patch_id: str) -> None:
    """Say so where a patch stands on a film that is not open because the storyline shows nothing of it.

    Raises:
        EditRefused: it does, or there is no such patch.
    """
    project = opened.file.project
    _, source_id = operation_of(project, patch_id)
    if source_id not in opened.films:
        name = project.source(source_id).name
        raise EditRefused(f"the patch is on {name}, which is not on the storyline; put a clip of it there first")


def follow(project: Project, patch_id: str, moving: Moving, progress: Progress, cancel: CancelToken) -> Followed:
    """Follow a patch over its window, both ways at once; what was followed before is not followed again.

    Args:
        project: a snapshot that holds the patch.
        patch_id: the patch.
        moving: draws it afterwards without waiting.
        progress: is told of each frame.
        cancel: looked at before each frame.

    Raises:
        EditRefused, MediaError, Cancelled: see engine.render.moving.Moving.follow.
    """
    op, source_id = operation_of(project, patch_id)
    return timed_follow(moving, op, source_id, progress, cancel)


def follow_patch(path: Path, patch_id: str, progress: Progress, cancel: CancelToken) -> Followed:
    """Follow a patch of a project file; what is found is kept in the project's cache.

    Raises:
        ProjectError, MediaError: they cannot be used. EditRefused: its film is not on the storyline.
        EditRefused, Cancelled: see `follow`.
    """
    opened = open_project(path, Access.READ, progress.part(0.0, 0.1), cancel)
    try:
        must_be_open(opened, patch_id)
        with films_of_project(opened) as films:
            moving = moving_patches(opened, films)
            return follow(opened.file.project, patch_id, moving, progress.part(0.1, 1.0), cancel)
    finally:
        opened.close()


def prepared_for_export(
    project: Project, runs: Sequence[RecipeRun], moving: Moving, progress: Progress, cancel: CancelToken
) -> tuple[str, ...]:
    """Make all moving patches of a film ready; return what a person should know, unapproved takes included.

    Raises:
        EditRefused, MediaError, Cancelled: see `follow`.
    """
    return (*moving.prepare(runs, progress, cancel), *unapproved(project))


def unapproved(project: Project) -> tuple[str, ...]:
    """Say which patches show in the film though nobody has approved them."""
    waiting = [patch for patch in project.patches if patch.shows and patch.state is not ReviewState.APPROVED]
    return tuple(f"the patch {patch.name or patch.id} shows, but is {patch.state.value}" for patch in waiting)
