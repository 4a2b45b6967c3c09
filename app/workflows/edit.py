"""Put a patch onto a film."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import PictureError, UsageError
from engine.media.picture import decode_picture
from engine.model.edits import AddPatch
from engine.model.ids import new_id
from engine.model.patch import Patch, Provenance, ReviewState, Take
from engine.model.project import Project
from engine.model.region import Region
from engine.model.time import Range
from engine.model.tool import BLACK, Blur, Fill, Picture, Pixelate, Rgb, Tool
from engine.store.project_file import ProjectFile

_MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}


@dataclass(frozen=True, slots=True)
class PatchRequest:
    """What to do where, as a person says it; None leaves a choice to the tool.

    Attributes:
        frames: source frames. anchor: the frame it was drawn on; the first one where None.
    """

    frames: Range
    region: Region
    tool: str
    image: Path | None = None
    radius_px: float | None = None
    block_px: int | None = None
    colour: Rgb | None = None
    feather_px: float = 0.0
    anchor: int | None = None


def add_patch(path: Path, request: PatchRequest, _progress: Progress, cancel: CancelToken) -> Project:
    """Put a patch onto the film of a project; return the project with it.

    Raises:
        UsageError: the request does not fit the tool or the film.
        PictureError: the image cannot be used.
        ProjectError, StorageError: the project cannot be written.
    """
    _check_options(request)
    with ProjectFile.open(path) as file:
        project = file.project
        (source,) = project.sources
        tool = _tool(request, project, file)
        take = Take(new_id(), tool, provenance=Provenance(maker=request.tool, made_at_ms=time.time_ns() // 1_000_000))
        patch = Patch(
            id=new_id(),
            source_id=source.id,
            region=request.region,
            frames=request.frames,
            anchor=request.frames.start if request.anchor is None else request.anchor,
            name=request.tool.capitalize(),
            feather_px=request.feather_px,
            takes=(take,),
            pick=take.id,
            state=ReviewState.APPROVED,
        )
        cancel.check()
        return file.commit(AddPatch(patch))


def _check_options(request: PatchRequest) -> None:
    given = {"image": request.image, "radius": request.radius_px, "block": request.block_px, "colour": request.colour}
    meant_for = {"image": "image", "radius": "blur", "block": "pixelate", "colour": "fill"}
    for option, value in given.items():
        if value is not None and meant_for[option] != request.tool:
            raise UsageError(f"--{option} is for --tool {meant_for[option]}, not for {request.tool}")
    if request.tool == "image" and request.image is None:
        raise UsageError("--tool image needs --image with the picture to put there")


def _tool(request: PatchRequest, project: Project, file: ProjectFile) -> Tool:
    (source,) = project.sources
    picture = project.picture(source.id)
    bounds = request.region.bounds
    smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
    match request.tool:
        case "blur":
            return Blur(request.radius_px or min(100.0, max(4.0, smaller_px / 8)))
        case "pixelate":
            return Pixelate(request.block_px or round(min(100.0, max(4.0, smaller_px / 8))))
        case "fill":
            return Fill(request.colour or BLACK)
        case "image":
            assert request.image is not None
            return Picture(_kept(request.image, file), fit=())
        case other:
            raise UsageError(f"there is no tool {other!r}")


def _kept(image: Path, file: ProjectFile) -> str:
    """Keep a picture's file in the project, once it is known to be readable; return its id."""
    try:
        data = image.read_bytes()
    except OSError as error:
        raise PictureError(f"the picture {image} cannot be read: {error.strerror}") from error
    decode_picture(data, image.name)
    return file.add_take(data, _MEDIA_TYPES.get(image.suffix.lower(), "image/png"), {"name": image.name})
