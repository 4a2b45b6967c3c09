"""Where a project's media lies, and whether it is still the media that the project was made from."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import MissingMedia, ProjectDamaged, SourceChanged
from engine.store.identity import FileIdentity, content_hash, quick_identity
from engine.store.schema import WAY_OUT, row_digest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source's file was last seen.

    Attributes:
        relative: its path from the project's folder, with "/", when it lies in there; else empty.
        content_hash: the digest of its content, empty until it is known.
    """

    source_id: str
    absolute: str
    relative: str
    identity: FileIdentity
    content_hash: str = ""


def place_of(source_id: str, media: Path, project: Path, known_hash: str = "") -> Place:
    """Return the place of an existing media file for a project file.

    Raises:
        MissingMedia, MediaError: the media cannot be looked at.
    """
    absolute = media.absolute()
    folder = project.absolute().parent
    inside = absolute.is_relative_to(folder) and ".." not in absolute.parts
    relative = absolute.relative_to(folder).as_posix() if inside else ""
    return Place(source_id, str(absolute), relative, quick_identity(absolute), known_hash)


def find(place: Place, project: Path) -> tuple[Path, Place]:
    """Return where a source's media is now, and the place to remember (changed where the media moved along).

    A file with the right size but another time is read whole and believed by its content alone.

    Raises:
        MissingMedia: it is at neither place. SourceChanged: a file is there, but with another content.
    """
    changed: Path | None = None
    for candidate in _candidates(place, project):
        try:
            identity = quick_identity(candidate)
        except MissingMedia:
            continue
        if identity == place.identity:
            return candidate, place
        if (
            identity.size == place.identity.size
            and place.content_hash
            and content_hash(candidate) == place.content_hash
        ):
            return candidate, replace(place_of(place.source_id, candidate, project), content_hash=place.content_hash)
        changed = candidate
    if changed is not None:
        raise SourceChanged(
            f"{changed} is not the file that the project was made from (it has another size, time or content);"
            " put the original back, relink it, or replace the source"
        )
    raise MissingMedia(f"{place.absolute} is not there; put it back, or relink the project to where it is now")


def _candidates(place: Place, project: Path) -> list[Path]:
    beside = beside_project(place.relative, project)
    found = [Path(place.absolute)] if Path(place.absolute).is_absolute() else []
    return found if beside is None or beside in found else [*found, beside]


def beside_project(relative: str, project: Path) -> Path | None:
    """Return the file that a relative path names in the project's folder; None where it would lead out of it.

    A project may come from a stranger: absolute and UNC paths, "..", drive letters and symbolic links lead nowhere.
    """
    pure = PurePosixPath(relative)
    if not relative or pure.is_absolute() or ".." in pure.parts or any(c in relative for c in "\\:\0"):
        return None
    folder = project.absolute().parent
    path = folder.joinpath(*pure.parts)
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return None
    return path if inside else None


def write_place(connection: sqlite3.Connection, place: Place) -> None:
    """Remember a place, in the open transaction."""
    columns = _columns(place)
    connection.execute(
        "INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?, ?)", (*columns, row_digest("place", *columns))
    )


def read_places(connection: sqlite3.Connection, path: Path) -> dict[str, Place]:
    """Return all places by source.

    Raises:
        ProjectDamaged: one fails its digest.
    """
    places = {}
    for row in connection.execute("SELECT * FROM places"):
        place = place_from_row(list(row))
        if place is None:
            raise ProjectDamaged(f"{path} is damaged (a source's place); {WAY_OUT}")
        places[place.source_id] = place
    return places


def place_from_row(row: list[Any]) -> Place | None:
    """Return the place that a row holds, None if it fails its digest."""
    *columns, digest = row
    if not _fits(columns) or digest != row_digest("place", *columns):
        return None
    source_id, absolute, relative, size, mtime_ns, known_hash = columns
    return Place(source_id, absolute, relative, FileIdentity(size, mtime_ns), known_hash)


def _columns(place: Place) -> tuple[str, str, str, int, int, str]:
    identity = place.identity
    return (place.source_id, place.absolute, place.relative, identity.size, identity.mtime_ns, place.content_hash)


def _fits(columns: list[object]) -> bool:
    return [type(column) for column in columns] == [str, str, str, int, int, str]
