"""The whole way on one film: change what moves, export only that, check it, and show what it cost.

On the sample a mug's logo is replaced for one second and a rolling ball is taken out for another; both follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from app.workflows.edit import PatchRequest, Window, add_patch
from app.workflows.export import export_project
from app.workflows.first_look import look_at
from app.workflows.import_media import new_project
from app.workflows.patch_tools import ToolSettings
from engine.control import CancelToken, Progress
from engine.errors import StorageError, UsageError
from engine.media.decode import FrameReader
from engine.media.full_encode import seconds_per_frame
from engine.media.pixels import Frame
from engine.media.sample import RATE, ball_box, logo_box, make_sample
from engine.model.patch import Follow
from engine.model.region import Box, Ellipse
from engine.model.time import Range
from engine.render.comparison_pictures import before_after, heat_map, write_png
from engine.render.export import ExportReport

_SAMPLED_FRAMES = 60
_LOGO_AT_S, _BALL_AT_S = 1.5, 4.5
_HALF_SECOND = Window(RATE // 2, RATE // 2)
_BALL_REACH = 14
"""Frames in which a ball that rolls ten pixels a frame has left its place."""
_BADGE_PX = 360


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo left behind.

    Attributes:
        report: of the export.
        full_s: seconds that re-encoding the whole film would take, estimated from `sampled_frames` of it.
        files: what was written, by what it is.
        notes: what following found.
    """

    report: ExportReport
    full_s: float
    sampled_frames: int
    files: dict[str, Path]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """What is done, and a frame on which it shows well; label: for its pictures' names."""

    label: str
    request: PatchRequest
    frame: int


def run_demo(video: Path | None, folder: Path, progress: Progress, cancel: CancelToken) -> DemoResult:
    """Run the demo on a film, or on the sample film where none is given, into a folder.

    Raises:
        UsageError: the film lies where the demo's own files go.
        DeltacutError: as the single steps.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the folder {folder} cannot be made: {error.strerror}; choose another with --out"
        ) from error
    source = video or _sample(folder, progress.part(0.0, 0.3), cancel)
    project, film = folder / "demo.dcut", folder / f"{source.stem}-edited{source.suffix}"
    if source.absolute() in (project.absolute(), film.absolute()):
        raise UsageError(f"{source} is where the demo writes its own files; choose another folder with --out")
    project.unlink(missing_ok=True)
    new_project(project, source, progress.part(0.3, 0.35), cancel)
    changes = _on_sample(folder) if video is None else _on_film(source, progress.part(0.35, 0.4), cancel)
    notes: list[str] = []
    for number, change in enumerate(changes):
        start, stop = (0.4 + 0.2 * at / len(changes) for at in (number, number + 1))
        notes += add_patch(project, change.request, progress.part(start, stop), cancel).notes
    report = export_project(project, film, None, progress.part(0.6, 0.85), cancel)
    files = {"project": project, "film": film}
    for change in changes:
        files |= _pictures(source, film, change, folder, progress.part(0.85, 0.9), cancel)
    info, index = look_at(source, progress, cancel)
    sampled = min(_SAMPLED_FRAMES, index.frame_count)
    each_s = seconds_per_frame(source, info, index, sampled, progress.part(0.9, 1.0), cancel)
    return DemoResult(report, each_s * index.frame_count, sampled, files, tuple(notes))


def _sample(folder: Path, progress: Progress, cancel: CancelToken) -> Path:
    source = folder / "sample.mp4"
    if not source.exists():
        draft = folder / ".sample.part.mp4"
        try:
            make_sample(draft, progress, cancel)
            draft.replace(source)
        finally:
            draft.unlink(missing_ok=True)
    return source


def _on_sample(folder: Path) -> tuple[_Change, ...]:
    badge = folder / "badge.png"
    _draw_badge(badge)
    logo = PatchRequest(
        _HALF_SECOND,
        Ellipse(*logo_box(_LOGO_AT_S)),
        "sticker",
        ToolSettings(image=badge),
        feather_px=1.5,
        anchor=round(_LOGO_AT_S * RATE),
        follow=Follow.HYBRID,
    )
    ball = PatchRequest(
        _HALF_SECOND,
        Ellipse(*ball_box(_BALL_AT_S)),
        "remove",
        ToolSettings(reach=_BALL_REACH),
        anchor=round(_BALL_AT_S * RATE),
        follow=Follow.HYBRID,
    )
    return (
        _Change("logo", logo, round(_LOGO_AT_S * RATE) + RATE // 4),
        _Change("ball", ball, round(_BALL_AT_S * RATE) + RATE // 4),
    )


def _on_film(source: Path, progress: Progress, cancel: CancelToken) -> tuple[_Change, ...]:
    """Return a blur that follows whatever is in the middle of the picture, for a second from the film's middle."""
    info, index = look_at(source, progress, cancel)
    rate = max(1, round(info.video.rate))
    start = min(index.frame_count // 2, max(0, index.frame_count - rate))
    frames = Range(start, min(index.frame_count, start + rate))
    middle = (frames.start + frames.stop) // 2
    request = PatchRequest(frames, Box(0.4, 0.4, 0.6, 0.6), "blur", feather_px=8.0, anchor=middle, follow=Follow.HYBRID)
    return (_Change("blur", request, middle),)


def _draw_badge(path: Path) -> None:
    """Write the new logo as a PNG."""
    middle = _BADGE_PX // 2
    picture = np.zeros((_BADGE_PX, _BADGE_PX, 3), np.uint8)
    picture[:] = (24, 74, 132)
    cv2.circle(picture, (middle, middle), round(0.44 * _BADGE_PX), (244, 196, 72), 8, cv2.LINE_AA)
    outline = np.array([[0.5, 0.19], [0.74, 0.6], [0.26, 0.6]]) * _BADGE_PX
    cv2.polylines(picture, [np.rint(outline).astype(np.int32)], True, (250, 246, 238), 16, cv2.LINE_AA)
    (across, _), _ = cv2.getTextSize("DELTA", cv2.FONT_HERSHEY_DUPLEX, 1.9, 5)
    origin = middle - across // 2, round(0.79 * _BADGE_PX)
    cv2.putText(picture, "DELTA", origin, cv2.FONT_HERSHEY_DUPLEX, 1.9, (250, 246, 238), 5, cv2.LINE_AA)
    write_png(path, picture)


def _pictures(
    source: Path, film: Path, change: _Change, folder: Path, progress: Progress, cancel: CancelToken
) -> dict[str, Path]:
    """Write the before/after picture and the heat map of one frame; return their places."""
    frames: list[Frame] = []
    rotation = 0
    for path in (source, film):
        info, index = look_at(path, progress, cancel)
        rotation = info.video.rotation
        with FrameReader(path, info, index) as reader:
            frames.append(reader.frame(change.frame))
    places = {
        f"{change.label}, before and after": folder / f"{change.label}-before-after.png",
        f"{change.label}, heat map": folder / f"{change.label}-heat-map.png",
    }
    both, heat = places.values()
    write_png(both, before_after(frames[0], frames[1], rotation))
    write_png(heat, heat_map(frames[0], frames[1], rotation))
    return places
