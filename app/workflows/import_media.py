"""Make a project for a film, take further ones in, and open it again later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.workflows.caches import project_cache
from app.workflows.first_look import known_film
from app.workflows.sound_sources import heard_sources, known_sound, sound_only_source, sound_sources
from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia, UsageError
from engine.model.edits import AddSource
from engine.model.ids import new_id
from engine.model.overlay import Film as OverlayFilm
from engine.model.overlay import Overlay
from engine.model.project import Project
from engine.model.source import Source, source_from_media
from engine.model.storyline import Clip
from engine.model.subject import FilmMatte, Subject
from engine.render.film import Film
from engine.render.sound_source import SoundSource
from engine.store.cache import Cache
from engine.store.connection import Access
from engine.store.identity import content_hash
from engine.store.project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class OpenProject:
    """A project file with its films and its cache.

    Attributes:
        films: by source id, those that the film shows, first those of the storyline; all of them where it shows none.
        further_sounds: by source id, those of which only the sound is used.
    """

    file: ProjectFile
    films: Mapping[str, Film]
    cache: Cache
    further_sounds: Mapping[str, SoundSource] = field(default_factory=dict)

    @property
    def film(self) -> Film:
        """Return the first film."""
        return next(iter(self.films.values()))

    def close(self) -> None:
        """Close the file and the cache."""
        self.file.close()
        self.cache.close()


def new_project(path: Path, media: Path, progress: Progress, cancel: CancelToken) -> Project:
    """Make a project for a film; the film stays where it is.

    Raises:
        UsageError: something is at `path` already. MediaError: the film cannot be used.
        StorageError: the project cannot be written.
        Cancelled: on request; nothing stays behind.
    """
    if path.exists():
        raise UsageError(f"{path} exists already; choose another name, or work on it with the other commands")
    identity = content_hash(media, progress.part(0.0, 0.6), cancel)
    project_id, source_id = new_id(), identity[:16]
    with project_cache(project_id) as cache:
        info, index = known_film(media, identity, cache, progress.part(0.6, 1.0), cancel)
    project = Project.of_source(project_id, source_from_media(source_id, media.name, info, index))
    with ProjectFile.create(path, project, {source_id: media}) as file:
        file.note_content_hash(source_id, identity)
    return project


def add_media(path: Path, media: Path, progress: Progress, cancel: CancelToken) -> Project:
    """Take a film, or sound alone, into a project; it stays where it is, and is put into the film by later edits.

    Raises:
        EditRefused: the project has it already. MediaError: the film cannot be used.
        ProjectError, StorageError: the project cannot be written.
        Cancelled: on request; nothing changed.
    """
    identity = content_hash(media, progress.part(0.0, 0.6), cancel)
    with ProjectFile.open(path) as file, project_cache(file.project.id) as cache:
        edit = AddSource(source_of(media, identity, cache, progress.part(0.6, 1.0), cancel))
        edit.apply(file.project)
        file.place_media(identity[:16], media, identity)
        return file.commit(edit)


def source_of(media: Path, identity: str, cache: Cache, progress: Progress, cancel: CancelToken) -> Source:
    """Return the source that a file is, under the id that its digest gives it: a film, or sound alone.

    Raises:
        MediaError: it cannot be used.
        Cancelled: on request.
    """
    try:
        info, index = known_film(media, identity, cache, progress, cancel)
    except UnsupportedMedia as no_film:
        try:
            return sound_only_source(identity[:16], media.name, known_sound(media, identity[:16], cache))
        except UnsupportedMedia:
            raise no_film from None
    return source_from_media(identity[:16], media.name, info, index)


def open_project(path: Path, access: Access, progress: Progress, cancel: CancelToken) -> OpenProject:
    """Open a project with the films that it is made from.

    Raises:
        ProjectError: the project cannot be used. MissingMedia, SourceChanged: one of its films cannot.
        Cancelled: on request.
    """
    file = ProjectFile.open(path, access)
    try:
        project = file.project
        sources = list(_shown_sources(project)) or [s.id for s in project.sources if s.picture is not None]
        cache = project_cache(project.id)
        films = {}
        for number, source_id in enumerate(sources):
            part = progress.part(number / len(sources), (number + 1) / len(sources))
            films[source_id] = film_of(file, source_id, cache, part, cancel)
        further = sound_sources(file, heard_sources(project) - films.keys(), cache)
    except BaseException:
        file.close()
        raise
    return OpenProject(file, films, cache, further)


def _shown_sources(project: Project) -> dict[str, None]:
    """Return the ids of the sources whose pictures the film shows, each once."""
    shown = {item.source_id: None for item in project.storyline if isinstance(item, Clip)}
    for layer in project.layers:
        for item in layer.items:
            if isinstance(item, Overlay) and isinstance(item.content, OverlayFilm):
                shown[item.content.source_id] = None
            if isinstance(item, Subject) and isinstance(item.matte, FilmMatte):
                shown[item.matte.source_id] = None
    return shown


def film_of(file: ProjectFile, source_id: str, cache: Cache, progress: Progress, cancel: CancelToken) -> Film:
    """Return a source of an open project with what is known of its file.

    Raises:
        MissingMedia: it is not where it was. MediaError: it cannot be used.
        Cancelled: on request.
    """
    media = file.media(source_id)
    identity = file.place(source_id).content_hash or content_hash(media, progress.part(0.0, 0.5), cancel)
    info, index = known_film(media, identity, cache, progress.part(0.5, 1.0), cancel)
    return Film(media, info, index, identity)
