"""Take media into a project that is open: what a file is, found out beside the person's work; the edits come after.

Nothing here commits an edit: the caller does, so that all of it is one step to undo. The files stay where they are.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from app.workflows.import_media import film_of
from app.workflows.sound_sources import PROBE_TIMEOUT_S, known_sound, sound_only_source
from engine.control import CancelToken, Progress
from engine.errors import ProjectError, StorageError, UsageError
from engine.media.guard import run_guarded
from engine.media.picture import decode_picture
from engine.media.sound_probe import has_picture
from engine.model.caption_cues import captions_from_cues
from engine.model.caption_files import CaptionFile, read_captions
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddLayer
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.layers import LayerKind, LayerSettings
from engine.model.project import Project
from engine.model.source import Source, source_from_media
from engine.store.cache import Cache
from engine.store.identity import content_hash
from engine.store.project_file import ProjectFile

PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
"""What counts as a picture, by suffix, and its media type."""
CAPTIONS = frozenset({".srt", ".vtt"})
RECORD = "bin-picture"
"""The notes in a project file that say which pictures its bin shows, by the id of their bytes."""


@dataclass(frozen=True, slots=True)
class FoundSource:
    """A film or a sound; is_new: the project does not have it yet."""

    path: Path
    source: Source
    is_new: bool


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture, kept in the project; content: the id of its bytes. Sizes in pixels, the right way up."""

    content: str
    name: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FoundCaptions:
    """A caption file that was read."""

    name: str
    file: CaptionFile


Found = FoundSource | FoundPicture | FoundCaptions


def find_media(file: ProjectFile, cache: Cache, path: Path, progress: Progress, cancel: CancelToken) -> Found:
    """Return what a file is, and note in the project where it is; pictures are kept in it.

    Args:
        file: the open project.
        cache: its cache.
        path: a film, a sound, a picture or captions.
        progress: told on the way.
        cancel: looked at on the way.

    Raises:
        MediaError, PictureError, CaptionError: it cannot be used; the message says why.
        UsageError: it is a folder, or another project.
        StorageError: the project cannot be written.
        Cancelled: on request.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        raise UsageError(f"{path.name} is a folder; drop the files in it")
    if suffix == ".dcut":
        raise UsageError(f"{path.name} is a project; open it instead")
    if suffix in PICTURES:
        return _picture(file, path)
    if suffix in CAPTIONS:
        return _captions(path)
    return _source(file, cache, path, progress, cancel)


def _source(file: ProjectFile, cache: Cache, path: Path, progress: Progress, cancel: CancelToken) -> FoundSource:
    progress.report(f"Reading {path.name}", 0.0)
    identity = content_hash(path, progress.part(0.0, 0.5), cancel)
    source_id = identity[:16]
    known = next((source for source in file.project.sources if source.id == source_id), None)
    if known is not None:
        # Perhaps it was missing, and this is where it is now.
        file.place_media(source_id, path, identity)
        return FoundSource(path, known, is_new=False)
    if not run_guarded(has_picture, path, timeout_s=PROBE_TIMEOUT_S):
        info = known_sound(path, source_id, cache)
        file.place_media(source_id, path, identity)
        return FoundSource(path, sound_only_source(source_id, path.name, info), is_new=True)
    file.place_media(source_id, path, identity)
    film = film_of(file, source_id, cache, progress.part(0.5, 1.0), cancel)
    return FoundSource(path, source_from_media(source_id, path.name, film.info, film.index), is_new=True)


def _picture(file: ProjectFile, path: Path) -> FoundPicture:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the picture {path} cannot be read: {error.strerror}") from error
    picture = decode_picture(data, path.name)
    content = file.add_take(data, PICTURES[path.suffix.lower()], {"name": path.name})
    found = FoundPicture(content, path.name, picture.width, picture.height)
    note = {"name": found.name, "width": found.width, "height": found.height}
    file.put_record(RECORD, content, json.dumps(note, ensure_ascii=False))
    return found


def _captions(path: Path) -> FoundCaptions:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"the captions {path} cannot be read: {error.strerror}") from error
    return FoundCaptions(path.name, read_captions(data, path.name))


def pictures_of_bin(file: ProjectFile) -> tuple[FoundPicture, ...]:
    """Return the pictures that were taken into a project, by name; notes that cannot be read are left out."""
    found = []
    try:
        records = file.records(RECORD)
    except (ProjectError, StorageError):
        return ()
    for content, text in records.items():
        try:
            note = json.loads(text)
            found.append(FoundPicture(content, str(note["name"]), int(note["width"]), int(note["height"])))
        except (ValueError, KeyError, TypeError):
            continue
    return tuple(sorted(found, key=lambda picture: picture.name.casefold()))


def drop_picture(file: ProjectFile, content: str) -> None:
    """Take a picture off the bin; overlays and takes that show it keep it."""
    file.drop_record(RECORD, content)


def caption_edits(project: Project, found: FoundCaptions) -> tuple[SingleEdit, ...]:
    """Return the edits that put captions onto a layer: an empty one, else a new one named after the file."""
    items: tuple[Caption, ...] = captions_from_cues(project, found.file, new_id)
    layers = [layer for layer in project.layers if layer.kind is LayerKind.CAPTIONS]
    empty = next((layer for layer in layers if not layer.items and not layer.settings.locked), None)
    if empty is not None:
        return (AddItems(empty.id, items),)
    layer_id = new_id()
    settings = LayerSettings(Path(found.name).stem)
    return AddLayer(layer_id, LayerKind.CAPTIONS, settings), AddItems(layer_id, items)
