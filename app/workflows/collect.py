"""Make a folder that holds a project and all of its media, to be moved to another machine as it is."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from engine.control import CancelToken, Progress
from engine.errors import MediaError, NoSpace, SourceChanged, StorageError, UsageError
from engine.store.identity import BLOCK, quick_identity
from engine.store.places import Place
from engine.store.project_file import ProjectFile

MEDIA_FOLDER = "media"


@dataclass(frozen=True, slots=True)
class Collected:
    """What was collected.

    Attributes:
        project: the copy of the project. media: the copies of its films, by source id.
    """

    project: Path
    media: Mapping[str, Path]
    bytes_copied: int


def collect(path: Path, folder: Path, progress: Progress, cancel: CancelToken) -> Collected:
    """Copy a project and its media into a new folder.

    Raises:
        ProjectBusy: it is open elsewhere. DeltacutError: as `collect_open`.
    """
    with ProjectFile.open(path) as file:
        return collect_open(file, folder, progress, cancel)


def collect_open(file: ProjectFile, folder: Path, progress: Progress, cancel: CancelToken) -> Collected:
    """Copy a project that is open for writing, and its media, into a new folder, where the copy finds them.

    The folder appears whole or not at all. The copies keep their times of change, and are compared with the known
    digest of each film while they are written.

    Raises:
        UsageError: something is in the folder already. MissingMedia, SourceChanged: a film is not there any more.
        ProjectError: it was opened for reading only. StorageError, NoSpace: the folder cannot be written.
        Cancelled: on request; nothing stays.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty; name a new folder")
    parent = folder.absolute().parent
    if not parent.is_dir():
        raise StorageError(f"there is no folder {parent}; make it first, or choose another one")
    draft = parent / f".{folder.name}.{secrets.token_hex(4)}.new"
    try:
        found = _collected(file, draft, progress, cancel)
        with ProjectFile.open(draft / file.path.name) as copy:
            for place in found:
                copy.keep_place(replace(place, absolute=str(folder.absolute() / place.relative)))
        cancel.check()
        if folder.exists():
            folder.rmdir()
        os.replace(draft, folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}; choose another folder") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Collected(
        folder / file.path.name,
        {place.source_id: folder / place.relative for place in found},
        sum(place.identity.size for place in found),
    )


def _collected(file: ProjectFile, draft: Path, progress: Progress, cancel: CancelToken) -> list[Place]:
    """Copy everything into the draft folder; return where each film is, from the folder."""
    originals = {source.id: file.media(source.id) for source in file.project.sources}
    sizes = {source_id: quick_identity(media).size for source_id, media in originals.items()}
    total, free = sum(sizes.values()), shutil.disk_usage(draft.parent).free
    if free < total:
        raise NoSpace(
            f"{draft.parent} has {free / 1e6:,.0f} MB left, and the films take {total / 1e6:,.0f} MB: "
            "free some, or choose another folder"
        )
    (draft / MEDIA_FOLDER).mkdir(parents=True)
    places, names, done = [], set[str](), 0
    for source_id, media in originals.items():
        name = _free_name(media.name, names)
        names.add(name.casefold())
        target = draft / MEDIA_FOLDER / name
        after = done + sizes[source_id]
        share = progress.part(done / max(1, total), after / max(1, total))
        digest = _copy(media, target, share, cancel)
        known = file.place(source_id).content_hash
        if known and digest != known:
            raise SourceChanged(f"{media} is not the file that the project was made from; put the original back")
        relative = str(PurePosixPath(MEDIA_FOLDER, name))
        places.append(Place(source_id, str(target), relative, quick_identity(target), digest))
        done = after
    file.copy_to(draft / file.path.name)
    return places


def _free_name(name: str, taken: set[str]) -> str:
    """Return a name that no other has, whatever the file system thinks of capital letters."""
    stem, suffix = os.path.splitext(name)
    number = 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def _copy(media: Path, target: Path, progress: Progress, cancel: CancelToken) -> str:
    """Copy a file with its time of change; return the digest of what was copied, as engine.store.identity has it."""
    before = quick_identity(media)
    digest = hashlib.blake2b(digest_size=32)
    done = 0
    try:
        source = media.open("rb", buffering=0)
    except OSError as error:
        raise MediaError(f"{media} cannot be read: {error.strerror or error}") from error
    with source, target.open("xb") as copy:
        while block := source.read(BLOCK):
            cancel.check()
            digest.update(block)
            copy.write(block)
            done += len(block)
            progress.report(f"Copying {media.name}", done / max(1, before.size))
        copy.flush()
        os.fsync(copy.fileno())
    os.utime(target, ns=(before.mtime_ns, before.mtime_ns))
    if quick_identity(media) != before or done != before.size:
        raise SourceChanged(f"{media} changed while it was copied; wait until it is complete")
    return digest.hexdigest()
