"""Caption files for the open project: read in and written out in the background."""

from __future__ import annotations

import os
from pathlib import Path

from app.session.document import Document
from app.session.jobs import Job, JobKind, Jobs
from engine.control import CancelToken, Progress
from engine.errors import CaptionError, StorageError, UsageError
from engine.model.caption_cues import captions_from_cues, file_of
from engine.model.caption_files import CaptionFormat, read_captions, write_captions
from engine.model.edits import AddItems, AddLayer, Compound, Edit
from engine.model.ids import new_id
from engine.model.layers import LayerKind, LayerSettings


def start_import(document: Document, jobs: Jobs, path: Path, layer_id: str | None) -> Job:
    """Read a caption file; the job's result is the edit, and what was passed over in the file.

    Args:
        document: the open project.
        jobs: runs it.
        path: an SRT or WebVTT file.
        layer_id: where the captions go; None for a layer of their own, named after the file.
    """
    project = document.project

    def work(_progress: Progress, cancel: CancelToken) -> tuple[Edit, tuple[str, ...]]:
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"the captions {path} cannot be read: {error.strerror}") from error
        file = read_captions(data, path.name)
        items = captions_from_cues(project, file, new_id)
        cancel.check()
        if layer_id is not None:
            return AddItems(layer_id, items), file.warnings
        layer = new_id()
        add = AddLayer(layer, LayerKind.CAPTIONS, LayerSettings(path.stem))
        return Compound("Import captions", (add, AddItems(layer, items))), file.warnings

    return jobs.start(f"Import {path.name}", JobKind.IMPORT, work)


def start_export(document: Document, jobs: Jobs, target: Path, layer_id: str) -> Job:
    """Write a layer's captions to an SRT or WebVTT file, as they show on the timeline; the job's result is its path."""
    project = document.project
    layer = project.layer(layer_id)

    def work(_progress: Progress, cancel: CancelToken) -> Path:
        try:
            form = CaptionFormat(target.suffix.lower().removeprefix("."))
        except ValueError:
            raise UsageError(f"captions are written as .srt or .vtt, not as {target.suffix or 'that'}") from None
        file = file_of(project, layer, form)
        if not file.cues:
            raise CaptionError(f"the layer {layer.settings.name!r} shows no captions")
        cancel.check()
        draft = target.with_name(f".{target.name}.part")
        try:
            draft.write_text(write_captions(file), "utf-8", newline="\n")
            os.replace(draft, target)
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror}; choose another folder") from error
        finally:
            draft.unlink(missing_ok=True)
        return target

    return jobs.start(f"Export {target.name}", JobKind.EXPORT, work)
