"""The export: plan, render what changed, stitch it into a copy, check the result, and only then give it its name.

A join that fails its check is planned wider, at last as the whole film, and the report says so.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.control import CancelToken, Progress
from engine.errors import NoSpace, StorageError, UnsupportedMedia, UsageError, VerificationFailed
from engine.media.caption_track import CaptionTrack
from engine.media.coded import EncodedSegment, Splice
from engine.media.encoders.plan import CannotEncode, EncoderPlan
from engine.media.encoders.whole import choose_whole
from engine.media.heap import large_blocks
from engine.model.chapters import Chapter
from engine.model.recipe import RecipeRun
from engine.model.time import Range, merged
from engine.plan.export_plan import ExportPlan, Mode, RenderSegment, plan_export, plan_full, wider
from engine.render.compose import Composer
from engine.render.film import Film
from engine.render.films import Films, films_of
from engine.render.overlay_op import Pictures
from engine.render.packet_check import Plan
from engine.render.patch_op import MovingPatches
from engine.render.seam_windows import Depth
from engine.render.segment import SegmentCache, encoder_for, render_cuts, render_whole
from engine.render.soft_captions import DRAFT_MARK, add_texts, check_captions
from engine.render.verify import PreparedSource, VerifyReport, prepared, verify_prepared
from engine.render.write import CannotWrite, Written, begun_meanwhile, target_family, why_afresh, write, write_whole

_ENCODING, _WRITING, _CHECKING = 0.7, 0.85, 1.0


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export did.

    Attributes:
        plan: the plan that was carried out, after any widening.
        check: what the verifier found.
        notes: what a person should know beside the figures: tracks left out, a seam that was widened, a fallback.
        worst_psnr_db: of a re-encoded frame against the frame that entered the encoder; None where none was.
        seconds, seconds_encoding: wall time of all of it, and of decoding, composing and encoding alone.
    """

    plan: ExportPlan
    output: Path
    check: VerifyReport
    notes: tuple[str, ...]
    worst_psnr_db: float | None
    seconds: float
    seconds_encoding: float


def changed_frames(runs: Sequence[RecipeRun]) -> tuple[Range, ...]:
    """Return the ranges of frames whose recipe is not the bare source frame."""
    return merged(run.timeline_range for run in runs if not run.recipe.is_bare)


def plan_of(film: Film, runs: Sequence[RecipeRun]) -> tuple[ExportPlan, EncoderPlan | CannotEncode | None]:
    """Plan an export, with the encoder it will use; None where nothing is encoded."""
    changed = changed_frames(runs)
    plan = plan_export(film.index, changed)
    if not plan.cuts:
        return plan, None
    encoder = encoder_for(film, plan)
    if isinstance(encoder, CannotEncode):
        return plan_full(film.index, changed, encoder.reason), encoder
    return plan, encoder


def export(
    film: Film,
    runs: Sequence[RecipeRun],
    pictures: Pictures,
    target: Path,
    since: Path | None,
    cache: SegmentCache,
    progress: Progress,
    cancel: CancelToken,
    films: Films | None = None,
    captions: Sequence[CaptionTrack] = (),
    moving: MovingPatches | None = None,
    chapters: Sequence[Chapter] = (),
) -> ExportReport:
    """Write a film with its changes; `target` appears whole and checked, or not at all.

    Args:
        film: the source; never modified.
        runs: the recipes of the timeline.
        pictures: looks up pictures of takes by content id.
        target: where to write; replaced at the end if it exists.
        since: an earlier export of the same project to build on, where that helps.
        cache: of encoded segments.
        progress: of the whole export.
        cancel: looked at often; nothing stays behind.
        films: the project's sources, where it has others beside the film; the caller closes them.
        captions: tracks of text to go into the film.
        moving: draws patches that look at other frames; None where none does.
        chapters: of the new film, in its seconds; none to leave it the source's.

    Raises:
        UsageError: the target is the source.
        UnsupportedMedia: neither a part nor the whole can be encoded for this target.
        VerificationFailed: even the whole film did not pass its check.
        NoSpace, StorageError, Cancelled: nothing was written.
    """
    started = time.monotonic()
    check_target(film.path, target)
    check_captions(target, captions)
    if captions or chapters:
        since = None
    composer = Composer(film.info.video, runs, pictures, films or films_of(film, runs), moving)
    changed = changed_frames(runs)
    plan, encoder = plan_of(film, runs)
    notes: list[str] = []
    encoding_s = 0.0
    with beside(target) as draft, contextlib.ExitStack() as sources:
        source = sources.enter_context(prepared(film.path, plan.cuts, film.index))
        reason = None if since is None else why_afresh(film, since, draft, target)
        if since is not None and reason is not None:
            notes.append(f"the export was made afresh, not on top of {since.name}: {reason}")
            since = None
        while True:
            draft.unlink(missing_ok=True)
            before = time.monotonic()
            part = progress.part(0.0, _ENCODING)
            rest = progress.part(_ENCODING, _WRITING)
            if isinstance(encoder, CannotEncode):
                whole = choose_whole(film.info.video, target_family(film, target))
                if isinstance(whole, CannotEncode):
                    raise UnsupportedMedia(f"{film.path.name} cannot be exported: {encoder.reason}, and {whole.reason}")
                segments = [render_whole(film, runs, composer, whole, cache, part, cancel)]
                encoding_s += time.monotonic() - before
                written = write_whole(film, segments[0], whole.codec, draft, target, rest, cancel)
            else:
                with begun_meanwhile(film, plan, draft, target, since, source.tables) as begun:
                    rendered: tuple[tuple[Splice, EncodedSegment], ...] = ()
                    if encoder is not None:
                        with large_blocks.encoding():
                            rendered = render_cuts(film, runs, composer, plan, encoder, cache, part, cancel)
                    encoding_s += time.monotonic() - before
                    segments = [segment for _, segment in rendered]
                    extradata = encoder.extradata if encoder is not None else film.info.video.extradata
                    splices = [splice for splice, _ in rendered]
                    outcome = write(film, splices, extradata, draft, target, rest, cancel, begun)
                if isinstance(outcome, CannotWrite):
                    plan, encoder = plan_full(film.index, changed, outcome.reason), CannotEncode(outcome.reason)
                    notes.append(f"The film was re-encoded as a whole: {outcome.reason}.")
                    continue
                written = outcome
            try:
                check = _checked(film, source, plan, segments, written, progress.part(_WRITING, _CHECKING), cancel)
                cancel.check()
            except BaseException:
                written.reject()
                raise
            if check.verified:
                break
            written.reject()
            since = None
            widened = _widened(film, plan, changed)
            if widened is None:
                raise VerificationFailed(
                    f"the export of {film.path.name} did not pass its check; nothing was written: {check.problems[0]}"
                )
            notes.append(
                f"The range was widened, because the narrower one did not pass its check: {check.problems[0]}."
            )
            plan = widened
            # A check leaves its source where it ended to play, with all other tracks put aside.
            source = sources.enter_context(prepared(film.path, plan.cuts, film.index))
        written.accept()
        if written.path == draft:
            notes += add_texts(draft, captions, chapters, progress.part(_CHECKING, 1.0), cancel)
            put_in_place(draft, target)
    return ExportReport(
        plan=plan,
        output=target,
        check=check,
        notes=(*written.notes, *notes),
        worst_psnr_db=min((segment.worst_psnr_db for segment in segments), default=None),
        seconds=time.monotonic() - started,
        seconds_encoding=encoding_s,
    )


def check_target(source: Path, target: Path) -> None:
    """Refuse a target that cannot be written, before any work is done.

    Raises:
        UsageError: it is the source, or a folder.
        StorageError: its folder does not exist or cannot be written; NoSpace: it has less room than the source takes.
    """
    if target.exists() and target.samefile(source):
        raise UsageError(f"{target} is the source itself; choose another name, the source is never overwritten")
    if target.is_dir():
        raise UsageError(f"{target} is a folder; name a file in it")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise StorageError(f"there is no folder {folder}; make it first, or choose another one")
    if not os.access(folder, os.W_OK):
        raise StorageError(f"the folder {folder} cannot be written; choose another one")
    room, needed = shutil.disk_usage(folder).free, source.stat().st_size
    if room < needed:
        # Rounded apart: numbers that look the same would explain nothing.
        left, wanted = math.floor(room / 1e5) / 10, math.ceil(needed / 1e5) / 10
        raise NoSpace(
            f"{folder} has {left:,.1f} MB left, and the export needs about {wanted:,.1f} MB: "
            "free some, or choose another folder"
        )


def _checked(
    film: Film,
    source: PreparedSource,
    plan: ExportPlan,
    segments: Sequence[EncodedSegment],
    written: Written,
    progress: Progress,
    cancel: CancelToken,
) -> VerifyReport:
    rendered = [segment.frames for segment in plan.segments if isinstance(segment, RenderSegment)]
    decoded = (unit.data for segment in segments for unit in segment.units)
    planned = Plan.of(film.index, rendered, written.dropped, written.inherited_bytes, decoded)
    return verify_prepared(
        source, written.path, planned, Depth.EXPORT, view=written.view, progress=progress, cancel=cancel
    )


def _widened(film: Film, plan: ExportPlan, changed: tuple[Range, ...]) -> ExportPlan | None:
    """Return the next wider plan: a keyframe more on both sides, then the whole film, then none."""
    if plan.mode is Mode.FULL:
        return None
    grown = plan_export(film.index, changed, widened=wider(film.index, plan))
    if sum(len(cut.ranks) for cut in grown.cuts) > sum(len(cut.ranks) for cut in plan.cuts):
        return grown
    return plan_full(film.index, changed, "no seam passed its check")


@contextlib.contextmanager
def beside(target: Path) -> Iterator[Path]:
    """Give a name beside the target to write under; whatever is there at the end is removed."""
    folder = target.absolute().parent
    _remove_stale(folder, target)
    draft = folder / f"{_draft_prefix(target)}{os.getpid()}{target.suffix}"
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _draft_prefix(target: Path) -> str:
    return f".{target.stem}.deltacut-"


def _remove_stale(folder: Path, target: Path) -> None:
    """Remove drafts of the same target whose process is gone: a kill leaves one behind."""
    prefix = _draft_prefix(target)
    for path in folder.iterdir():
        number = path.name.removeprefix(prefix).removesuffix(target.suffix).removesuffix(DRAFT_MARK)
        if path.name.startswith(prefix) and number.isdecimal() and not _runs(int(number)):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Tell whether a process of this number exists; where that cannot be asked, assume it does."""
    if os.name != "posix":
        return process == os.getpid()
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def put_in_place(draft: Path, target: Path) -> None:
    """Give the finished file its name; on any crash the target is the old file or the new one."""
    with draft.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(draft, target)
    if os.name == "posix":
        folder = os.open(target.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
