"""Find a project's media again after it moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UsageError
from engine.store.connection import Access
from engine.store.project_file import ProjectFile
from engine.store.relink import Relinked, missing_sources, relink


@dataclass(frozen=True, slots=True)
class MissingSource:
    """A source whose file is not where it was; last_seen: its path then, empty where none was ever noted."""

    source_id: str
    name: str
    last_seen: str


def missing_media(path: Path) -> tuple[MissingSource, ...]:
    """Return the sources of a project whose files are not there, or are other files now.

    Raises:
        ProjectError: the project cannot be read.
    """
    with ProjectFile.open(path, Access.READ) as file:
        return tuple(
            MissingSource(source_id, file.project.source(source_id).name, file.place(source_id).absolute)
            for source_id in missing_sources(file)
        )


def relink_media(path: Path, folder: Path, progress: Progress, cancel: CancelToken) -> Relinked:
    """Look once through a folder, and all below it, for the project's missing media, and note where it is.

    Raises:
        UsageError: there is no such folder. ProjectError, StorageError: the project cannot be written.
        Cancelled: on request; what was found until then is noted.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder} to search")
    with ProjectFile.open(path) as file:
        return relink(file, folder, progress, cancel)
