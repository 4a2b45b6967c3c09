"""Put a patch onto a film, or another take into a patch; what follows the picture is followed before it is saved."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.workflows.edges import Brush, refined_matte
from app.workflows.follow import films_of_project, follow, moving_patches, operation_of
from app.workflows.import_media import open_project
from app.workflows.patch_tools import COVERING, NO_SETTINGS, ToolSettings, check_settings, tool_of
from app.workflows.take_names import found_patch
from engine.control import CancelToken, Progress
from engine.errors import PictureError, UsageError
from engine.media.picture import decode_picture
from engine.model.edits import AddPatch, AddTake, Compound, ReviewPatch
from engine.model.ids import new_id
from engine.model.patch import Follow, Motion, Nudge, Patch, Provenance, ReviewState, Take, WhenLost
from engine.model.project import Project
from engine.model.region import Region
from engine.model.source import Source
from engine.model.time import Range
from engine.model.tool import Clone, Tool
from engine.render.moving import Followed
from engine.render.patch_op import needs_others
from engine.store.connection import Access
from engine.store.project_file import ProjectFile

_MEDIA_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
_LARGE = 0.5
"""Share of the picture above which a region leaves little to follow it by."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Draw the region in to the object's edge; strokes say what belongs to it and what does not."""

    keep: tuple[Brush, ...] = ()
    drop: tuple[Brush, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """How many frames before and after its anchor a patch covers."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PatchRequest:
    """What to do where, as a person says it; None leaves a choice to the tool.

    Attributes:
        frames: source frames, or how many before and after the anchor; those that the film does not have are left out.
        region: on the anchor. tool: one of app.workflows.patch_tools.TOOL_NAMES.
        anchor: the frame it was drawn on; the first of `frames` where None.
        when_lost: None for what suits the tool: COVER for tools that hide something.
        anchors, nudges: see engine.model.patch.Motion.
        source_id: the film; may be None where the project has one.
        state: of the new patch.
    """

    frames: Range | Window
    region: Region
    tool: str
    settings: ToolSettings = NO_SETTINGS
    feather_px: float = 0.0
    grow_px: float = 0.0
    anchor: int | None = None
    follow: Follow = Follow.STATIC
    when_lost: WhenLost | None = None
    anchors: tuple[tuple[int, Region], ...] = ()
    nudges: tuple[Nudge, ...] = ()
    edge: Edge | None = None
    source_id: str | None = None
    state: ReviewState = ReviewState.APPROVED


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """A further take of a patch: another tool, or another way to follow.

    Attributes:
        patch: its id, the beginning of it, or its number from 1.
    """

    patch: str
    tool: str
    settings: ToolSettings = NO_SETTINGS
    follow: Follow | None = None
    when_lost: WhenLost | None = None


@dataclass(frozen=True, slots=True)
class Patched:
    """What came of a request.

    Attributes:
        followed: how following went; None where nothing had to be followed.
        notes: what a person should know.
    """

    project: Project
    patch: Patch
    take: Take
    followed: Followed | None = None
    notes: tuple[str, ...] = field(default=())


def add_patch(path: Path, request: PatchRequest, progress: Progress, cancel: CancelToken) -> Patched:
    """Put a patch onto the film of a project.

    It is followed first: what cannot be followed, and what is cancelled, leaves the project as it is.

    Raises:
        UsageError: the request does not fit the tool or the film.
        EditRefused: the project does not allow it. PictureError: the image cannot be used.
        MediaError: the film cannot be read. ProjectError, StorageError: the project cannot be written.
        Cancelled: on request.
    """
    check_settings(request.tool, request.settings)
    if request.follow is Follow.STATIC and request.anchors:
        raise UsageError("further anchors are for patches that follow: add --follow planar or hybrid")
    with ProjectFile.open(path) as file:
        project = file.project
        source = _source(project, request.source_id)
        notes: list[str] = []
        frames, anchor = _frames(request, source, notes)
        started = time.monotonic()
        tool = _tool(request.tool, request.settings, request.region, project, source, file)
        _check_copied_from(tool, anchor, source)
        motion = Motion(
            request.follow,
            _when_lost(request.tool, request.when_lost, request.follow),
            request.anchors,
            request.nudges,
        )
        patch = Patch(
            id=new_id(),
            source_id=source.id,
            region=request.region,
            frames=frames,
            anchor=anchor,
            name=request.tool.capitalize(),
            feather_px=request.feather_px,
            grow_px=request.grow_px,
            motion=motion,
            state=request.state,
        )
        if request.edge is not None:
            matte = _refined(path, source, patch, request.edge, progress.part(0.0, 0.1), cancel)
            patch = replace(patch, matte=file.add_take(matte, "image/png", {"name": "refined edge"}))
        take = Take(new_id(), tool, provenance=_provenance(request.tool, request.settings, request.follow))
        AddPatch(replace(patch, takes=(take,), pick=take.id)).apply(project)
        patch = replace(patch, takes=(take,), pick=take.id)
        followed = _followed(path, AddPatch(patch).apply(project), patch.id, progress.part(0.1, 1.0), cancel)
        if followed is not None:
            notes += [*_large(request), *followed.doubts]
        take = _timed(take, started)
        patch = replace(patch, takes=(take,), pick=take.id)
        cancel.check()
        return Patched(file.commit(AddPatch(patch)), patch, take, followed, tuple(notes))


def add_take(path: Path, request: TakeRequest, progress: Progress, cancel: CancelToken) -> Patched:
    """Make a further take of a patch and pick it; the others stay.

    Raises:
        UsageError: there is no such patch, or the request does not fit the tool.
        EditRefused, PictureError, MediaError, ProjectError, StorageError, Cancelled: see `add_patch`.
    """
    check_settings(request.tool, request.settings)
    with ProjectFile.open(path) as file:
        project = file.project
        patch = found_patch(project, request.patch)
        source = project.source(patch.source_id)
        started = time.monotonic()
        tool = _tool(request.tool, request.settings, patch.region, project, source, file)
        _check_copied_from(tool, patch.anchor, source)
        motion = None
        if request.follow is not None or request.when_lost is not None:
            kept = patch.motion
            way = request.follow or kept.follow
            motion = replace(kept, follow=way, when_lost=_when_lost(request.tool, request.when_lost, way))
        used = (motion or patch.motion).follow
        take = Take(new_id(), tool, motion=motion, provenance=_provenance(request.tool, request.settings, used))
        tried = AddTake(patch.id, take).apply(project)
        followed = _followed(path, tried, patch.id, progress, cancel)
        take = _timed(take, started)
        cancel.check()
        edit = Compound("New take", (AddTake(patch.id, take), ReviewPatch(patch.id, ReviewState.PROPOSED)))
        project = file.commit(edit)
        notes = followed.doubts if followed is not None else ()
        return Patched(project, found_patch(project, patch.id), take, followed, notes)


def _source(project: Project, source_id: str | None) -> Source:
    films = [source for source in project.sources if source.picture is not None]
    if source_id is not None:
        return project.source(source_id)
    if len(films) != 1:
        names = ", ".join(f"{source.id} ({source.name})" for source in films)
        raise UsageError(f"the project has {len(films)} films; name one with --source: {names}")
    return films[0]


def _frames(request: PatchRequest, source: Source, notes: list[str]) -> tuple[Range, int]:
    """Return the frames and the anchor; a window that leaves the film ends with it."""
    if isinstance(request.frames, Range):
        return request.frames, request.frames.start if request.anchor is None else request.anchor
    if request.anchor is None:
        raise UsageError("a window counts from the frame it was drawn on; name it with --anchor N")
    if not 0 <= request.anchor < source.frame_count:
        raise UsageError(f"there is no frame {request.anchor}: {source.name} has the frames 0:{source.frame_count}")
    start, stop = request.anchor - request.frames.before, request.anchor + request.frames.after + 1
    inside = Range(max(0, start), min(source.frame_count, stop))
    if (inside.start, inside.stop) != (start, stop):
        notes.append(
            f"the window {start}:{stop} leaves the film, which has the frames 0:{source.frame_count}; "
            f"the patch covers {inside.start}:{inside.stop}"
        )
    return inside, request.anchor


def _tool(
    name: str, settings: ToolSettings, region: Region, project: Project, source: Source, file: ProjectFile
) -> Tool:
    picture = project.picture(source.id)
    bounds = region.bounds
    smaller_px = min((bounds.x1 - bounds.x0) * picture.width, (bounds.y1 - bounds.y0) * picture.height)
    return tool_of(name, settings, smaller_px, lambda image: _kept(image, file))


def _check_copied_from(tool: Tool, anchor: int, source: Source) -> None:
    if isinstance(tool, Clone) and not 0 <= anchor + tool.frames < source.frame_count:
        raise UsageError(
            f"there is no frame {anchor + tool.frames} to copy from: {source.name} has 0:{source.frame_count}"
        )


def _when_lost(tool: str, asked: WhenLost | None, way: Follow) -> WhenLost:
    if asked is not None:
        return asked
    return WhenLost.COVER if tool in COVERING and way is not Follow.STATIC else WhenLost.FADE


def _refined(path: Path, source: Source, patch: Patch, edge: Edge, progress: Progress, cancel: CancelToken) -> bytes:
    opened = open_project(path, Access.READ, progress, cancel)
    try:
        with films_of_project(opened) as films:
            video = films.video(source.id)
            return refined_matte(films.frame(source.id, patch.anchor), video, patch.region, edge.keep, edge.drop)
    finally:
        opened.close()


def _followed(path: Path, project: Project, patch_id: str, progress: Progress, cancel: CancelToken) -> Followed | None:
    """Follow a patch that is not saved yet; None where it needs no other frame than its own."""
    op, _ = operation_of(project, patch_id)
    if not needs_others(op):
        return None
    opened = open_project(path, Access.READ, progress.part(0.0, 0.05), cancel)
    try:
        with films_of_project(opened) as films:
            return follow(project, patch_id, moving_patches(opened, films), progress.part(0.05, 1.0), cancel)
    finally:
        opened.close()


def _large(request: PatchRequest) -> list[str]:
    box = request.region.bounds
    share = max(0.0, min(1.0, box.x1) - max(0.0, box.x0)) * max(0.0, min(1.0, box.y1) - max(0.0, box.y0))
    if share <= _LARGE:
        return []
    return [f"the region takes {share:.0%} of the picture: little is left around it to match light and colour by"]


def _provenance(tool: str, settings: ToolSettings, way: Follow) -> Provenance:
    told = {name: str(value) for name, value in settings.given().items()} | {"follow": way.value}
    return Provenance(maker=tool, settings=tuple(sorted(told.items())), made_at_ms=time.time_ns() // 1_000_000)


def _timed(take: Take, started: float) -> Take:
    elapsed_ms = round((time.monotonic() - started) * 1000)
    return replace(take, provenance=replace(take.provenance, elapsed_ms=elapsed_ms))


def _kept(image: Path, file: ProjectFile) -> str:
    """Keep a picture's file in the project, once it is known to be readable; return its id."""
    try:
        data = image.read_bytes()
    except OSError as error:
        raise PictureError(f"the picture {image} cannot be read: {error.strerror}") from error
    decode_picture(data, image.name)
    return file.add_take(data, _MEDIA_TYPES.get(image.suffix.lower(), "image/png"), {"name": image.name})
