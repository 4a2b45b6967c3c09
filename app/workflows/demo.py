"""The whole way on one film: edit a region for one second, export only that, check it, and show what it cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.workflows.edit import PatchRequest, add_patch
from app.workflows.export import export_project
from app.workflows.import_media import look_at, new_project
from engine.control import CancelToken, Progress
from engine.errors import StorageError, UsageError
from engine.media.decode import FrameReader
from engine.media.full_encode import seconds_per_frame
from engine.media.pixels import Frame
from engine.media.sample import MUG_LOGO, make_sample
from engine.model.region import Box, Region
from engine.model.time import Range
from engine.render.comparison_pictures import before_after, heat_map, write_png
from engine.render.export import ExportReport

_SAMPLED_FRAMES = 60


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo left behind.

    Attributes:
        report: of the export.
        full_s: seconds that re-encoding the whole film would take, estimated from `sampled_frames` of it.
        files: what was written, by what it is.
    """

    report: ExportReport
    full_s: float
    sampled_frames: int
    files: dict[str, Path]


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
    source, region, start_s = video, Box(0.4, 0.4, 0.6, 0.6), None
    if source is None:
        source, region, start_s = folder / "sample.mp4", Box(*MUG_LOGO), 1.0
        if not source.exists():
            draft = folder / ".sample.part.mp4"
            try:
                make_sample(draft, progress.part(0.0, 0.4), cancel)
                draft.replace(source)
            finally:
                draft.unlink(missing_ok=True)
    project, film = folder / "demo.dcut", folder / f"{source.stem}-edited{source.suffix}"
    if source.absolute() in (project.absolute(), film.absolute()):
        raise UsageError(f"{source} is where the demo writes its own files; choose another folder with --out")
    project.unlink(missing_ok=True)
    new_project(project, source, progress.part(0.4, 0.45), cancel)
    frames = _one_second(source, start_s, progress.part(0.45, 0.5), cancel)
    add_patch(project, _blur(frames, region), progress, cancel)
    report = export_project(project, film, None, progress.part(0.5, 0.85), cancel)
    middle = (frames.start + frames.stop) // 2
    pictures = _pictures(source, film, middle, folder, progress.part(0.85, 0.9), cancel)
    info, index = look_at(source, progress, cancel)
    sampled = min(_SAMPLED_FRAMES, index.frame_count)
    each_s = seconds_per_frame(source, info, index, sampled, progress.part(0.9, 1.0), cancel)
    files = {"project": project, "film": film, **pictures}
    return DemoResult(report, each_s * index.frame_count, sampled, files)


def _pictures(
    source: Path, film: Path, number: int, folder: Path, progress: Progress, cancel: CancelToken
) -> dict[str, Path]:
    """Write the before/after picture and the heat map of one frame; return their places."""
    frames: list[Frame] = []
    rotation = 0
    for path in (source, film):
        info, index = look_at(path, progress, cancel)
        rotation = info.video.rotation
        with FrameReader(path, info, index) as reader:
            frames.append(reader.frame(number))
    places = {"before and after": folder / "before-after.png", "heat map": folder / "heat-map.png"}
    write_png(places["before and after"], before_after(frames[0], frames[1], rotation))
    write_png(places["heat map"], heat_map(frames[0], frames[1], rotation))
    return places


def _one_second(source: Path, start_s: float | None, progress: Progress, cancel: CancelToken) -> Range:
    info, index = look_at(source, progress, cancel)
    rate = max(1, round(info.video.rate))
    start = index.frame_count // 2 if start_s is None else round(start_s * rate)
    start = min(start, max(0, index.frame_count - rate))
    return Range(start, min(index.frame_count, start + rate))


def _blur(frames: Range, region: Region) -> PatchRequest:
    return PatchRequest(frames, region, "blur", feather_px=8.0)
