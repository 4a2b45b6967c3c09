"""Open a project to work on it for a while: what is missing is told, not refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.workflows.caches import project_cache
from app.workflows.import_media import film_of, new_project
from engine.control import CancelToken, Progress
from engine.errors import DeltacutError, MediaError, MissingMedia, StorageError
from engine.model.project import Project
from engine.render.film import Film
from engine.store.cache import Cache
from engine.store.connection import Access
from engine.store.identity import content_hash
from engine.store.project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class Opened:
    """A project file with what is at hand of its films.

    Attributes:
        films: by source id. missing: why the others are not at hand, by source id.
    """

    file: ProjectFile
    cache: Cache
    films: Mapping[str, Film]
    missing: Mapping[str, MediaError]

    def close(self) -> None:
        """Close the file and the cache."""
        self.file.close()
        self.cache.close()


def open_for_editing(path: Path, progress: Progress, cancel: CancelToken) -> Opened:
    """Open a project for writing, with all films that are at hand.

    Raises:
        ProjectError, StorageError: the project cannot be used.
        Cancelled: on request.
    """
    file = ProjectFile.open(path, Access.WRITE)
    try:
        cache = project_cache(file.project.id)
        films, missing = films_at_hand(file, file.project, cache, {}, progress, cancel)
    except BaseException:
        file.close()
        raise
    return Opened(file, cache, films, missing)


def films_at_hand(
    file: ProjectFile,
    project: Project,
    cache: Cache,
    known: Mapping[str, Film],
    progress: Progress,
    cancel: CancelToken,
) -> tuple[dict[str, Film], dict[str, MediaError]]:
    """Return the films of a project's sources, and why the others are not at hand, by source id.

    Those in `known` were found before; they are not looked at again.
    """
    films: dict[str, Film] = {}
    missing: dict[str, MediaError] = {}
    pictured = [source for source in project.sources if source.picture is not None]
    for number, source in enumerate(pictured):
        part = progress.part(number / len(pictured), (number + 1) / len(pictured))
        if source.id in known:
            films[source.id] = known[source.id]
            continue
        try:
            films[source.id] = film_of(file, source.id, cache, part, cancel)
        except MediaError as error:
            missing[source.id] = error
    return films, missing


def project_for_film(media: Path, progress: Progress, cancel: CancelToken) -> Path:
    """Return the project of a film: the one beside it, or a new one; nothing else is made or changed.

    It stands beside the film under the film's name, or with a number where that is another film's.

    Raises:
        MediaError: the film cannot be used.
        StorageError: nothing can be written beside the film; the person must name another place.
        Cancelled: on request.
    """
    if not media.is_file():
        raise MissingMedia(f"there is no film at {media}")
    identity: str | None = None
    for number in range(1, 100):
        name = media.stem if number == 1 else f"{media.stem} {number}"
        path = media.with_name(f"{name}.dcut")
        if not path.exists():
            new_project(path, media, progress, cancel)
            return path
        identity = identity or content_hash(media, progress.part(0.0, 0.3), cancel)
        if _is_project_of(path, identity):
            return path
    raise StorageError(f"{media.parent} holds 99 projects named after {media.stem}; name another place for this one")


def _is_project_of(path: Path, identity: str) -> bool:
    try:
        with ProjectFile.open(path, Access.READ) as file:
            return bool(file.project.sources) and file.place(file.project.sources[0].id).content_hash == identity
    except DeltacutError:
        return False
