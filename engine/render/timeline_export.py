"""The export of a timeline: plan, render what cannot be copied, stitch a new file, check it, and only then name it.

A join that fails its check is rendered wider, at last everything, and the report says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import UnsupportedMedia, VerificationFailed
from engine.media.caption_track import CaptionTrack, holds_captions
from engine.media.containers import Family
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.encoders.whole import choose_whole
from engine.media.remux import NewVideo
from engine.media.stitch import CannotStitch, stitch
from engine.model.chapters import Chapter
from engine.model.frame_index import Int64
from engine.model.time import Range, merged
from engine.plan.export_plan import ExportPlan, Mode
from engine.plan.timeline_plan import TimelinePlan, coded_order, plan_timeline
from engine.plan.timeline_times import frame_starts, output_time_base
from engine.render.carried_tracks import carried_tracks
from engine.render.compose import Composer
from engine.render.export import ExportReport, beside, check_target, put_in_place
from engine.render.overlay_op import Pictures
from engine.render.patch_op import MovingPatches
from engine.render.segment import SegmentCache
from engine.render.soft_captions import add_texts, check_captions
from engine.render.timeline import Joined, Timeline, films_of_timeline, joined
from engine.render.timeline_check import TimelineCheck, check_timeline
from engine.render.timeline_render import RenderedPart, encoder_of, render_pieces
from engine.render.timeline_sound import SoundPlan, plan_sound, sound_outlook
from engine.render.timeline_write import stitched_units
from engine.render.write import target_family

_MEASURING, _ENCODING, _WRITING, _CHECKING = 0.02, 0.7, 0.85, 1.0
_WIDER = 12
"""Frames by which a join that failed is rendered wider on both sides; every further time four times as many."""

_MOST_WIDENINGS = 3


@dataclass(frozen=True, slots=True)
class _Job:
    """What stays the same from attempt to attempt."""

    timeline: Timeline
    stream: Joined
    starts: Int64
    time_base: Fraction
    sound: SoundPlan
    chapters: tuple[Chapter, ...]
    composer: Composer


@dataclass(frozen=True, slots=True)
class _Picture:
    """How the picture is coded: the plan, with its encoder where anything is rendered."""

    plan: TimelinePlan
    encoder: EncoderPlan | None


def plan_of_timeline(timeline: Timeline, target: Path | None = None) -> ExportPlan:
    """Return what an export of a timeline would copy and re-encode.

    Raises:
        UnsupportedMedia: neither a part nor the whole can be encoded.
    """
    stream = joined(timeline)
    described = _planned(timeline, stream, (), target).plan.described
    return replace(
        described,
        warnings=(
            *described.warnings,
            *_why_refused(timeline, stream),
            *sound_outlook(timeline, target or timeline.film.path),
        ),
    )


def export_timeline(
    timeline: Timeline,
    pictures: Pictures,
    target: Path,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
    moving: MovingPatches | None = None,
    captions: Sequence[CaptionTrack] = (),
) -> ExportReport:
    """Write the film of a timeline; `target` appears whole and checked, or not at all.

    Args:
        timeline: at least one frame long.
        pictures: looks up pictures of takes by content id.
        target: where to write; replaced at the end if it exists.
        cache: of encoded segments.
        progress: of the whole export.
        cancel: looked at often; nothing stays behind.
        moving: draws patches that move; None where no patch does.
        captions: tracks of text to go into the film.

    Raises:
        UsageError: the target is one of the sources.
        UnsupportedMedia: what is to be rendered cannot be, or the target's format cannot hold it.
        VerificationFailed: even the film rendered as a whole did not pass its check.
        NoSpace, StorageError, Cancelled: nothing was written.
    """
    began = time.monotonic()
    for film in timeline.films.values():
        check_target(film.path, target)
    check_captions(target, captions)
    stream = joined(timeline)
    time_base = output_time_base(timeline.project, timeline.reference)
    starts = frame_starts(timeline.project, time_base)
    carried = carried_tracks(timeline, cancel)
    sound = plan_sound(timeline, target, progress.part(0.0, _MEASURING), cancel)
    notes = [*carried.notes, *sound.notes]
    if carried.captions and not holds_captions(target):
        notes.append(f"the subtitles are left out: {target.suffix} files hold no tracks of text")
    else:
        captions = (*captions, *carried.captions)
    written_as = target_family(timeline.film, target)
    if carried.chapters and written_as not in (Family.ISO, Family.MATROSKA):
        notes.append(f"the chapters are left out: {target.suffix} files hold none; MP4, MOV and MKV do")
    notes += _why_refused(timeline, stream)
    widened: tuple[Range, ...] = ()
    encoding_s = 0.0
    attempt = 0
    with films_of_timeline(timeline) as films, beside(target) as draft:
        composer = Composer(timeline.film.info.video, timeline.runs, pictures, films, moving)
        # FFmpeg's muxer lets the first chapter of an MP4 begin with the film, wherever it begins.
        begins_late = any(chapter.start_s > 0 for chapter in carried.chapters[:1])
        afterwards = carried.chapters if begins_late and written_as is Family.ISO else ()
        meanwhile = () if afterwards else carried.chapters
        job = _Job(timeline, stream, starts, time_base, sound, meanwhile, composer)
        while True:
            draft.unlink(missing_ok=True)
            picture = _planned(timeline, stream, widened, target)
            before = time.monotonic()
            rendered: tuple[RenderedPart, ...] = ()
            if picture.encoder is not None:
                part = progress.part(_MEASURING, _ENCODING)
                rendered = render_pieces(timeline, picture.plan, starts, composer, picture.encoder, cache, part, cancel)
            encoding_s += time.monotonic() - before
            check = _written(job, picture, rendered, draft, progress, cancel)
            cancel.check()
            if check.report.verified:
                break
            attempt += 1
            if attempt > _MOST_WIDENINGS or picture.plan.described.frames_copied == 0 or not check.suspects:
                raise VerificationFailed(
                    f"the export of {timeline.film.path.name} did not pass its check; nothing was written: "
                    f"{check.report.problems[0]}"
                )
            notes.append(
                f"The joins were rendered wider, because the narrower ones did not pass: {check.report.problems[0]}."
            )
            widened = _wider(timeline, widened, check.suspects, attempt)
        notes += add_texts(draft, captions, afterwards, progress.part(_CHECKING, 1.0), cancel)
        put_in_place(draft, target)
    return ExportReport(
        plan=picture.plan.described,
        output=target,
        check=check.report,
        notes=tuple(notes),
        worst_psnr_db=min((part.segment.worst_psnr_db for part in rendered), default=None),
        seconds=time.monotonic() - began,
        seconds_encoding=encoding_s,
    )


def _why_refused(timeline: Timeline, stream: Joined) -> list[str]:
    return [f"{timeline.films[i].path.name} is re-encoded: {reason}" for i, reason in stream.refused.items()]


def _planned(timeline: Timeline, stream: Joined, widened: Sequence[Range], target: Path | None) -> _Picture:
    indices = {source_id: film.index for source_id, film in timeline.films.items()}
    plan = plan_timeline(timeline.runs, indices, stream.sources, widened)
    if not plan.described.frames_rendered:
        return _Picture(plan, None)
    encoder = encoder_of(timeline, stream)
    if isinstance(encoder, EncoderPlan):
        return _Picture(plan, encoder)
    film = timeline.film
    complete = choose_whole(film.info.video, target_family(film, target or film.path))
    if isinstance(complete, CannotEncode):
        raise UnsupportedMedia(f"{film.path.name} cannot be exported: {encoder.reason}, and {complete.reason}")
    plan = plan_timeline(timeline.runs, indices, ())
    described = replace(plan.described, mode=Mode.FULL, reason=encoder.reason)
    return _Picture(replace(plan, described=described), complete)


def _written(
    job: _Job,
    picture: _Picture,
    rendered: tuple[RenderedPart, ...],
    draft: Path,
    progress: Progress,
    cancel: CancelToken,
) -> TimelineCheck:
    timeline, plan = job.timeline, picture.plan
    video = timeline.film.info.video
    encoder = picture.encoder
    entry_header = encoder.entry_header if encoder is not None else b""
    order = coded_order(plan, {source_id: film.index for source_id, film in timeline.films.items()})
    new = NewVideo(
        codec=encoder.codec if encoder is not None else video.codec,
        extradata=encoder.extradata if encoder is not None else video.extradata,
        time_base=job.time_base,
        pix_fmt=video.pix_fmt,
        units=stitched_units(timeline, plan, order, job.starts, rendered, entry_header),
    )
    outcome = stitch(
        timeline.film.path,
        timeline.film.info,
        new,
        timeline.frame_count,
        [track.stitched(cancel) for track in job.sound.tracks],
        draft,
        chapters=job.chapters,
        progress=progress.part(_ENCODING, _WRITING),
        cancel=cancel,
    )
    if isinstance(outcome, CannotStitch):
        raise UnsupportedMedia(f"the film cannot be written: {outcome.reason}; export to a .mkv or .mp4 file instead")
    return check_timeline(
        timeline,
        plan,
        job.starts,
        job.time_base,
        entry_header,
        draft,
        job.sound,
        new.codec,
        job.composer,
        progress.part(_WRITING, _CHECKING),
        cancel,
    )


def _wider(timeline: Timeline, widened: Sequence[Range], suspects: Sequence[int], attempt: int) -> tuple[Range, ...]:
    """Return what to render all the same: more around each suspect join, in the last attempt everything."""
    total = timeline.frame_count
    if attempt == _MOST_WIDENINGS:
        return (Range(0, total),)
    reach = _WIDER * 4 ** (attempt - 1)
    return merged([*widened, *(Range(max(0, join - reach), min(total, join + reach)) for join in suspects)])
