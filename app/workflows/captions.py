"""Take captions from a caption file into a project, and write a project's captions to one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import CaptionError, StorageError, UsageError
from engine.media.caption_track import CaptionTrack
from engine.model.caption_cues import captions_from_cues, cues_of, file_of
from engine.model.caption_files import CaptionFormat, read_captions, write_captions
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddLayer, ChangeLayer, Compound
from engine.model.ids import new_id
from engine.model.layers import CaptionMode, Layer, LayerKind, LayerSettings
from engine.model.placement import caption_times
from engine.model.project import Project
from engine.model.timeline import TimelineMap
from engine.store.connection import Access
from engine.store.project_file import ProjectFile


@dataclass(frozen=True, slots=True)
class CaptionImport:
    """What to do with the captions of a file; None leaves it as it is.

    Attributes:
        layer: the name of the layer; one that does not exist is made. None: the lowest layer of captions.
        mode: how the layer's captions get into the exported film.
        encoding: of the file's text, a Python codec's name; None to find out.
    """

    layer: str | None = None
    mode: CaptionMode | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class CaptionsDone:
    """What was imported or exported.

    Attributes:
        warnings: what was passed over in the file, or will not show.
    """

    layer: str
    captions: int
    warnings: tuple[str, ...] = ()


def import_captions(
    path: Path, captions: Path, request: CaptionImport, _progress: Progress, cancel: CancelToken
) -> CaptionsDone:
    """Put the captions of an SRT or WebVTT file onto a layer, as one step to undo.

    Raises:
        CaptionError: the file holds no captions. UsageError: it cannot be read.
        EditRefused: the layer is locked. ProjectError, StorageError: the project cannot be written.
    """
    try:
        data = captions.read_bytes()
    except OSError as error:
        raise UsageError(f"the captions {captions} cannot be read: {error.strerror}") from error
    file = read_captions(data, captions.name, request.encoding)
    with ProjectFile.open(path) as project_file:
        project = project_file.project
        edits: list[AddLayer | ChangeLayer | AddItems] = []
        layer = _found(project, request.layer)
        if layer is None:
            settings = LayerSettings(request.layer or "Captions")
            layer = Layer(new_id(), LayerKind.CAPTIONS, settings)
            edits.append(AddLayer(layer.id, layer.kind, settings))
        if request.mode is not None and request.mode is not layer.settings.captions:
            edits.append(ChangeLayer(layer.id, replace(layer.settings, captions=request.mode)))
        items = captions_from_cues(project, file, new_id)
        edits.append(AddItems(layer.id, items))
        cancel.check()
        project_file.commit(edits[0] if len(edits) == 1 else Compound("Import captions", tuple(edits)))
    return CaptionsDone(layer.settings.name, len(items), (*file.warnings, *_behind_the_end(project, items)))


def _behind_the_end(project: Project, items: tuple[Caption, ...]) -> Iterator[str]:
    timeline = TimelineMap(project)
    unseen = sum(not caption_times(item.place, timeline) for item in items)
    if unseen:
        verb = "caption lies" if unseen == 1 else "captions lie"
        yield f"{unseen} {verb} behind the film's end and will not show unless the film grows"


def export_captions(
    path: Path, target: Path, layer: str | None, _progress: Progress, cancel: CancelToken
) -> CaptionsDone:
    """Write the captions of a layer to an SRT or WebVTT file, as they show on the timeline.

    Raises:
        UsageError: there is no such layer, or the target's name tells no format.
        CaptionError: the layer shows no captions. StorageError: the target cannot be written.
    """
    try:
        format = CaptionFormat(target.suffix.lower().removeprefix("."))
    except ValueError:
        raise UsageError(
            f"captions are written as .srt or .vtt, not as {target.suffix or 'a file without suffix'}"
        ) from None
    with ProjectFile.open(path, Access.READ) as project_file:
        project = project_file.project
    found = _found(project, layer)
    if found is None:
        names = ", ".join(repr(other.settings.name) for other in _caption_layers(project)) or "none"
        raise UsageError(f"the project has no layer of captions named {layer!r}; it has {names}")
    file = file_of(project, found, format)
    if not file.cues:
        raise CaptionError(f"the layer {found.settings.name!r} shows no captions")
    cancel.check()
    draft = target.with_name(f".{target.name}.part")
    try:
        draft.write_text(write_captions(file), "utf-8", newline="\n")
        os.replace(draft, target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return CaptionsDone(found.settings.name, len(file.cues))


def soft_tracks(project: Project) -> tuple[CaptionTrack, ...]:
    """Return the captions that go into an export as text, a track for each layer that shows any."""
    tracks = (
        CaptionTrack(cues_of(project, layer), layer.settings.name)
        for layer in _caption_layers(project)
        if layer.settings.visible and layer.settings.captions is CaptionMode.SOFT
    )
    return tuple(track for track in tracks if track.cues)


def _caption_layers(project: Project) -> tuple[Layer, ...]:
    return tuple(layer for layer in project.layers if layer.kind is LayerKind.CAPTIONS)


def _found(project: Project, name: str | None) -> Layer | None:
    layers = _caption_layers(project)
    if name is None:
        return layers[0] if layers else None
    return next((layer for layer in layers if layer.settings.name == name), None)
