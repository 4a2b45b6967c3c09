"""Exports for a purpose: a film for the web or for editing, the sound alone, pictures, a GIF. All of it encoded anew.

Only the preset "match source" copies the picture; that one is engine.render.export. `target` appears whole or not at
all, and is read back before it gets its name.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import UsageError, VerificationFailed
from engine.media.caption_track import CaptionTrack
from engine.media.deliver import PictureEncoder, deliver_film, deliver_gif
from engine.media.delivered import read_back
from engine.media.mp4.front import index_first
from engine.media.pixels import Frame, to_rgb
from engine.media.shape import Look, Shape, master_shape, screen_shape, shaped, square_size
from engine.model.export_preset import Animation, FilmForm, PictureCodec, Pictures, Preset, SoundOnly
from engine.model.frame_index import Int64
from engine.model.media import VideoStream
from engine.plan.timeline_times import frame_starts, output_time_base
from engine.render.carried_tracks import film_chapters
from engine.render.comparison_pictures import write_png
from engine.render.compose import Composer
from engine.render.export import beside, check_target, put_in_place
from engine.render.preset_sound import film_sounds, sound_alone
from engine.render.soft_captions import DRAFT_MARK, add_texts, check_captions
from engine.render.sound_source import SoundSource
from engine.render.timeline import Timeline

_WRITING = 0.95
_KEYFRAME_S = 2


@dataclass(frozen=True, slots=True)
class PresetReport:
    """What an export with a preset did.

    Attributes:
        frames: how many pictures were written; 0 for sound alone.
        sound: a sentence on what became of the sound, empty where there is none.
        notes: what a person should know.
    """

    preset: str
    output: Path
    frames: int
    sound: str
    size_bytes: int
    seconds: float
    notes: tuple[str, ...] = ()


def export_with_preset(
    timeline: Timeline,
    preset: Preset,
    composer: Composer,
    sounds: Mapping[str, SoundSource],
    target: Path,
    progress: Progress,
    cancel: CancelToken,
    captions: Sequence[CaptionTrack] = (),
) -> PresetReport:
    """Write a timeline in a preset's form.

    Args:
        timeline: at least one frame long.
        preset: any but "match source".
        composer: makes the frames.
        sounds: the sources that are heard, by id.
        target: where to write: a file, replaced at the end if it exists; for pictures a folder, new or empty.
        progress: of the whole export.
        cancel: looked at often; nothing stays behind.
        captions: tracks of text; only a film holds them.

    Raises:
        UsageError: the target is a source, has a suffix that the preset does not write, or the preset is no encoder.
        UnsupportedMedia: the film cannot be written in this form. VerificationFailed: it reads back wrong.
        NoSpace, StorageError, Cancelled: nothing was written.
    """
    began = time.monotonic()
    notes: tuple[str, ...] = ("captions that are kept as text are left out",) if captions else ()
    match preset.form:
        case FilmForm():
            frames, sound, notes = _film(timeline, preset.form, composer, sounds, target, captions, progress, cancel)
        case SoundOnly():
            frames, sound = 0, _sound(timeline, preset.form, sounds, target, progress, cancel)
        case Animation():
            frames, sound = _animation(timeline, preset.form, composer, target, progress, cancel), ""
        case Pictures():
            frames, sound = _pictures(timeline, composer, target, progress, cancel), ""
        case _:
            raise UsageError(f"the preset {preset.name} copies the source; it is no encoding")
    files = target.iterdir() if target.is_dir() else (target,)
    size = sum(file.stat().st_size for file in files)
    return PresetReport(preset.name, target, frames, sound, size, time.monotonic() - began, notes)


def _film(
    timeline: Timeline,
    form: FilmForm,
    composer: Composer,
    sounds: Mapping[str, SoundSource],
    target: Path,
    captions: Sequence[CaptionTrack],
    progress: Progress,
    cancel: CancelToken,
) -> tuple[int, str, tuple[str, ...]]:
    _check(timeline, target, (form.suffix,))
    check_captions(target, captions)
    video = timeline.film.info.video
    shape, encoder = _coded(form, video, timeline.project.canvas.rate)
    base = output_time_base(timeline.project, timeline.reference)
    starts = frame_starts(timeline.project, base)
    times = (starts - starts[0]).tolist()
    durations = dict(zip(times, np.diff(starts).tolist(), strict=False))
    with beside(target) as draft:
        heard, told = film_sounds(timeline, sounds, form.sound, form.sound_kbit, cancel)
        numbers = range(timeline.frame_count)
        frames = _composed(composer, numbers, times, base, progress.part(0.0, _WRITING), cancel)
        pictures = shaped(frames, video, shape)
        rate = timeline.project.canvas.rate
        deliver_film(pictures, durations, shape, encoder, rate, base, heard, draft, cancel)
        _check_written(draft, timeline.frame_count, len(heard), times[-2] * base, progress, cancel)
        notes = add_texts(draft, captions, film_chapters(timeline), progress.part(_WRITING, 1.0), cancel)
        if notes:
            _index_first(draft, cancel)
        put_in_place(draft, target)
    return timeline.frame_count, told, notes


def _index_first(draft: Path, cancel: CancelToken) -> None:
    """Put the index in front again: with captions and chapters a new one was written behind everything."""
    moved = draft.with_stem(draft.stem + DRAFT_MARK)
    try:
        if index_first(draft, moved, cancel):
            moved.replace(draft)
    finally:
        moved.unlink(missing_ok=True)


def _coded(form: FilmForm, video: VideoStream, rate: Fraction) -> tuple[Shape, PictureEncoder]:
    interval = max(1, round(rate * _KEYFRAME_S))
    match form.picture:
        case PictureCodec.H264:
            options = (("preset", form.speed), ("crf", f"{form.crf:g}"), ("profile", "high"))
            return screen_shape(video, "yuv420p", form.most_px), PictureEncoder("libx264", options, interval)
        case PictureCodec.PRORES:
            # RDD 36: 4444 carries every chroma sample, 422 half of them.
            whole = video.pix_fmt.startswith(("gbr", "rgb", "bgr")) or "444" in video.pix_fmt
            profile, pix_fmt = ("4444", "yuv444p10le") if whole else ("hq", "yuv422p10le")
            told = (("profile", profile), ("vendor", "apl0"))
            return master_shape(video, pix_fmt), PictureEncoder("prores_ks", told, 1)


def _sound(
    timeline: Timeline,
    form: SoundOnly,
    sounds: Mapping[str, SoundSource],
    target: Path,
    progress: Progress,
    cancel: CancelToken,
) -> str:
    _check(timeline, target, None)
    with beside(target) as draft:
        part = progress.part(0.0, _WRITING)
        told = sound_alone(timeline, sounds, draft, target, form.sound_kbit, part, cancel)
        _check_written(draft, 0, 1, Fraction(0), progress, cancel)
        put_in_place(draft, target)
    return told


def _animation(
    timeline: Timeline, form: Animation, composer: Composer, target: Path, progress: Progress, cancel: CancelToken
) -> int:
    _check(timeline, target, (".gif",))
    base = output_time_base(timeline.project, timeline.reference)
    starts = frame_starts(timeline.project, base)
    length_s = int(starts[-1] - starts[0]) * base
    if length_s > form.longest_s:
        raise UsageError(
            f"the film is {float(length_s):.1f} s long, and a GIF of more than {form.longest_s} s would be huge: "
            "export a part of it instead"
        )
    numbers = _at_rate(starts, base, form.rate)
    video = timeline.film.info.video
    width, height = square_size(video, form.most_px)
    shape = Shape(width, height, "rgb24", Look.SCREEN, Fraction(1), (1, 13, 1), full_range=True)
    with beside(target) as draft:
        times = list(range(len(numbers)))
        frames = _composed(composer, numbers, times, 1 / form.rate, progress.part(0.0, _WRITING), cancel)
        deliver_gif(shaped(frames, video, shape), draft, cancel)
        _check_written(draft, len(numbers), 0, Fraction(0), progress, cancel)
        put_in_place(draft, target)
    return len(numbers)


def _at_rate(starts: Int64, base: Fraction, rate: Fraction) -> list[int]:
    """Return the frame that shows at the middle of each step of a constant rate."""
    steps = max(1, round(int(starts[-1] - starts[0]) * base * rate))
    middles = [int(starts[0]) + int((2 * step + 1) / (2 * rate * base)) for step in range(steps)]
    found = np.searchsorted(starts, middles, side="right") - 1
    return [int(frame) for frame in np.clip(found, 0, starts.size - 2)]


def _pictures(timeline: Timeline, composer: Composer, target: Path, progress: Progress, cancel: CancelToken) -> int:
    if target.is_dir() and any(target.iterdir()):
        raise UsageError(f"the folder {target} is not empty; name a new one for the pictures")
    if target.suffix or target.is_file():
        raise UsageError(f"pictures go into a folder of their own; name a new folder instead of {target}")
    _check(timeline, target / "frame.png" if target.is_dir() else target, None)
    video, total = timeline.film.info.video, timeline.frame_count
    digits = max(6, len(str(total)))
    draft = target.with_name(f".{target.name}.pictures")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        draft.mkdir()
        for number in range(total):
            cancel.check()
            progress.report("Writing pictures", number / total)
            picture = to_rgb(composer.compose(number), _size_before_turn(video), video.rotation)
            write_png(draft / f"frame-{number:0{digits}}.png", picture)
        if target.is_dir():
            target.rmdir()
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return total


def _size_before_turn(video: VideoStream) -> tuple[int, int] | None:
    width, height = square_size(video, None)
    size = (height, width) if video.rotation in (90, 270) else (width, height)
    return None if size == (video.width, video.height) else size


def _composed(
    composer: Composer,
    numbers: Sequence[int],
    times: Sequence[int],
    base: Fraction,
    progress: Progress,
    cancel: CancelToken,
) -> Iterator[Frame]:
    """Yield the frames of a timeline with the times of the output."""
    for count, (number, at) in enumerate(zip(numbers, times, strict=False)):
        cancel.check()
        progress.report("Encoding", count / len(numbers))
        frame = composer.compose(number)
        frame.pts, frame.time_base = at, base
        yield frame


def _check(timeline: Timeline, target: Path, suffixes: tuple[str, ...] | None) -> None:
    if suffixes is not None and target.suffix.lower() not in suffixes:
        raise UsageError(f"this preset writes {' or '.join(suffixes)}, not {target.suffix or 'a file without suffix'}")
    for film in timeline.films.values():
        check_target(film.path, target)


def _check_written(
    draft: Path, frames: int, sounds: int, last_s: Fraction, progress: Progress, cancel: CancelToken
) -> None:
    progress.report("Checking", _WRITING)
    found = read_back(draft, cancel)
    wrong = []
    if found.pictures != frames:
        wrong.append(f"it holds {found.pictures} pictures, not {frames}")
    if found.sounds != sounds:
        wrong.append(f"it holds {found.sounds} sound tracks, not {sounds}")
    if frames and last_s and abs(found.last_picture_s - last_s) > Fraction(1, 100):
        wrong.append(f"its last picture shows at {float(found.last_picture_s):.3f} s, not at {float(last_s):.3f} s")
    if wrong:
        raise VerificationFailed(f"what was written reads back wrong: {'; '.join(wrong)}; nothing was kept")
    progress.report("Checking", 1.0)
