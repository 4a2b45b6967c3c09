"""Finding media that moved: one look through a folder for all missing sources, by size first and content then."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import MediaError, MissingMedia, SourceChanged
from engine.store.identity import content_hash, quick_identity
from engine.store.places import Place
from engine.store.project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class Relinked:
    """The outcome of a search: where each found source is now, and which were not found (by source id)."""

    found: Mapping[str, Path]
    missing: tuple[str, ...]


def missing_sources(file: ProjectFile) -> tuple[str, ...]:
    """Return the sources of a project whose media is not where it was, or is another file there."""
    missing = []
    for source in file.project.sources:
        try:
            file.media(source.id)
        except (MissingMedia, SourceChanged):
            missing.append(source.id)
    return tuple(missing)


def relink(
    file: ProjectFile, folder: Path, progress: Progress | None = None, cancel: CancelToken | None = None
) -> Relinked:
    """Look for all missing media of a project in a folder and below, and note where it is.

    A source whose content hash is known is found under any name; one whose hash is not, by size and name or time.
    Symbolic links to folders are not followed, so the search ends.

    Raises:
        Cancelled: on request; what was found until then is noted.
    """
    wanted = {source_id: file.place(source_id) for source_id in missing_sources(file)}
    found: dict[str, Path] = {}
    for path in _files(folder):
        if cancel is not None:
            cancel.check()
        if progress is not None:
            progress.report(f"Searching {path.parent}", len(found) / max(1, len(wanted) + len(found)))
        for source_id in _matching(path, wanted, progress, cancel):
            file.place_media(source_id, path, wanted.pop(source_id).content_hash)
            found[source_id] = path
        if not wanted:
            break
    return Relinked(found, tuple(wanted))


def _files(folder: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(base, name)


def _matching(
    path: Path, wanted: Mapping[str, Place], progress: Progress | None, cancel: CancelToken | None
) -> list[str]:
    """Return the sources that a file is."""
    try:
        identity = quick_identity(path)
        right_size = [place for place in wanted.values() if place.identity.size == identity.size]
        known = content_hash(path, progress, cancel) if any(place.content_hash for place in right_size) else ""
    except MediaError:  # Unreadable, or it went away: not the one.
        return []
    return [
        place.source_id
        for place in right_size
        if (
            place.content_hash == known
            if place.content_hash
            else path.name == Path(place.absolute).name or identity == place.identity
        )
    ]
