"""Results as JSON objects and as text for a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.model.markers import MarkerKind
from engine.model.patch import Follow
from engine.model.placement import timeline_ranges
from engine.model.storyline import Gap, source_span
from engine.model.time import Range
from engine.model.timeline import TimelineMap
from engine.plan.export_plan import CopySegment, ExportPlan

if TYPE_CHECKING:
    from app.workflows.demo import DemoResult
    from app.workflows.edit import Patched
    from engine.model.project import Project
    from engine.render.export import ExportReport
    from engine.render.moving import Followed
    from engine.render.verify import VerifyReport
    from engine.store.project_file import History


def plan_facts(plan: ExportPlan) -> dict[str, Any]:
    """Return a plan as a JSON object."""
    return {
        "mode": plan.mode.value,
        "reason": plan.reason,
        "frames_total": plan.frames_total,
        "frames_copied": plan.frames_copied,
        "frames_rendered": plan.frames_rendered,
        "segments": [
            {
                "kind": "copy" if isinstance(segment, CopySegment) else "render",
                "start": segment.frames.start,
                "stop": segment.frames.stop,
                "reason": "unchanged" if isinstance(segment, CopySegment) else segment.reason.value,
            }
            for segment in plan.segments
        ],
        "warnings": list(plan.warnings),
    }


def plan_text(plan: ExportPlan) -> str:
    """Return a plan as lines for a person."""
    share = plan.frames_copied / max(1, plan.frames_total)
    lines = [
        f"{share:.1%} copied, {plan.frames_rendered:,} of {plan.frames_total:,} frames re-encoded",
        f"{plan.mode.value}: {plan.reason}",
    ]
    for segment in plan.segments:
        frames = f"{segment.frames.start:>9,} to {segment.frames.stop - 1:>9,}"
        what = "copied" if isinstance(segment, CopySegment) else f"re-encoded: {segment.reason.value}"
        lines.append(f"  {frames}  {len(segment.frames):>9,} frames  {what}")
    lines += [f"Note: {warning}." for warning in plan.warnings]
    return "\n".join(lines)


_MARKERS = {MarkerKind.PLAIN: "marker", MarkerKind.CHAPTER: "chapter", MarkerKind.CALL_TO_ACTION: "call to action"}


def _frames(frames: Range) -> str:
    return f"{frames.start}:{frames.stop}"


def project_text(project: Project, history: History) -> str:
    """Return a project as lines for a person."""
    canvas = project.canvas
    size = f"{canvas.width}x{canvas.height}, {float(canvas.rate):.6g} frames/s"
    lines = [f"{project.name}: {project.frame_count:,} frames, {size}"]
    lines += [f"  source {source.name}: {source.frame_count:,} frames" for source in project.sources]
    timeline = TimelineMap(project)
    names = {source.id: source.name for source in project.sources}
    for span in timeline.spans:
        where = f"frames {_frames(span.timeline_range)}"
        if isinstance(span.item, Gap):
            lines.append(f"  gap {span.item.id}: {where}")
            continue
        shown = source_span(span.item.timing, project.picture(span.item.source_id).times, canvas.rate)
        name = names[span.item.source_id]
        lines.append(f"  clip {span.item.id}: {where} show {name} {_frames(shown)}")
    for marker in project.markers:
        places = ", ".join(map(_frames, timeline_ranges(marker, timeline))) or "that are cut out"
        lines.append(f"  {_MARKERS[marker.kind]} {marker.name or marker.id}: frames {places}")
    for track in project.tracks:
        lines.append(f"  sound track {track.settings.name or track.id}: {len(track.items)} items")
    for layer in project.layers:
        state = ("" if layer.settings.visible else ", hidden") + (", locked" if layer.settings.locked else "")
        lines.append(f"  layer {layer.settings.name} ({layer.kind.value}): {len(layer.items)} items{state}")
    for patch in project.patches:
        lines.append(
            f"    {patch.name or patch.id}: frames {patch.frames.start}:{patch.frames.stop}, {patch.state.value}, "
            f"{len(patch.takes)} takes"
        )
    lines.append(f"  {len(history.done)} steps to undo, {len(history.undone)} to redo")
    return "\n".join(lines)


def patched_facts(path: Path, tool: str, done: Patched) -> dict[str, Any]:
    """Return what came of a patch as a JSON object."""
    patch, followed = done.patch, done.followed
    facts: dict[str, Any] = {
        "project": str(path),
        "patch": patch.id,
        "take": done.take.id,
        "tool": tool,
        "frames": [patch.frames.start, patch.frames.stop],
        "anchor": patch.anchor,
        "state": patch.state.value,
        "notes": list(done.notes),
    }
    if followed is not None:
        facts["followed"] = followed_facts(followed)
    return facts


def followed_facts(followed: Followed) -> dict[str, Any]:
    """Return how well a patch was followed as a JSON object."""
    return {
        "frames": [followed.frames.start, followed.frames.stop],
        "confidence": [round(value, 3) for value in followed.confidence],
        "lost": [[run.start, run.stop] for run in followed.lost],
        "cut_before": followed.cuts[0],
        "cut_after": followed.cuts[1],
        "suggested_anchor": followed.suggestion,
    }


def followed_text(followed: Followed) -> str:
    """Return the same as a line for a person."""
    sure = sum(followed.confidence) / max(1, len(followed.confidence))
    return f"  followed on {len(followed.frames):,} frames, {sure:.0%} sure on average"


def patched_text(done: Patched) -> str:
    """Return what came of a patch as lines for a person."""
    patch, followed = done.patch, done.followed
    lines = [f"{patch.name} on {len(patch.frames):,} frames, {patch.frames.start}:{patch.frames.stop}"]
    if followed is not None and (done.take.motion or patch.motion).follow is not Follow.STATIC:
        lines.append(followed_text(followed))
    return "\n".join([*lines, *(f"  note: {note}" for note in done.notes)])


def export_facts(report: ExportReport) -> dict[str, Any]:
    """Return what an export did as a JSON object."""
    check = report.check
    return plan_facts(report.plan) | {
        "output": str(report.output),
        "verified": check.verified,
        "packets_identical": check.packets_identical,
        "packets_total": check.packets_total,
        "audio_identical": check.audio_identical,
        "audio_packets": check.audio_packets,
        "frames_compared": check.frames_compared,
        "worst_psnr_db": _rounded(report.worst_psnr_db),
        "seconds": round(report.seconds, 3),
        "seconds_encoding": round(report.seconds_encoding, 3),
        "notes": list(report.notes),
    }


def export_text(report: ExportReport) -> str:
    """Return what an export did as lines for a person."""
    plan, check = report.plan, report.check
    lines = [
        f"{report.output}: exported and checked in {report.seconds:.1f} s",
        f"  {plan.frames_copied:,} frames copied, {plan.frames_rendered:,} re-encoded ({plan.reason})",
        f"  {check.packets_identical:,} of {check.packets_total:,} picture packets identical to the source's",
        f"  sound: {_sound(check)}",
    ]
    if report.worst_psnr_db is not None:
        lines.append(f"  worst re-encoded frame: {report.worst_psnr_db:.1f} dB against what entered the encoder")
    lines += [f"  note: {note}" for note in (*plan.warnings, *report.notes, *check.notes)]
    return "\n".join(lines)


def demo_facts(result: DemoResult) -> dict[str, Any]:
    """Return what the demo did as a JSON object."""
    return export_facts(result.report) | {
        "full_reencode_seconds_estimated": round(result.full_s, 1),
        "full_reencode_frames_measured": result.sampled_frames,
        "files": {name: str(path) for name, path in result.files.items()},
        "followed": list(result.notes),
    }


def demo_text(result: DemoResult) -> str:
    """Return what the demo did as a short table, and how to open what it left."""
    report, plan, check = result.report, result.report.plan, result.report.check
    rows = [
        ("frames copied, packet for packet", f"{plan.frames_copied:,} of {plan.frames_total:,}"),
        ("frames re-encoded", f"{plan.frames_rendered:,}"),
        ("picture packets identical", f"{check.packets_identical:,} of {check.packets_total:,}"),
        ("sound", _sound(check)),
        ("checked against the source", "passed" if check.verified else "failed"),
        ("time of the export", f"{report.seconds:.1f} s"),
        ("a full re-encode", f"about {result.full_s:.1f} s (measured on {result.sampled_frames} frames)"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows]
    lines += [f"  note: {note}" for note in result.notes]
    lines += ["", *(f"  {name:<{width}}  {path}" for name, path in result.files.items())]
    lines += [
        "",
        "Open the film in any player and the pictures in any viewer. The project is one file: see its plan with",
        f"`deltacut plan {result.files['project']}`, change it with `deltacut patch {result.files['project']} ...`.",
    ]
    return "\n".join(lines)


def verify_facts(report: VerifyReport) -> dict[str, Any]:
    """Return a comparison as a JSON object."""
    return {
        "verified": report.verified,
        "packets_identical": report.packets_identical,
        "packets_restated": report.packets_restated,
        "packets_total": report.packets_total,
        "audio_identical": report.audio_identical,
        "audio_packets": report.audio_packets,
        "changed": [[run.start, run.stop] for run in report.changed_runs],
        "frames_compared": report.frames_compared,
        "seeks": report.seeks,
        "worst_psnr_db": _rounded(report.worst_psnr_db),
        "problems": list(report.problems),
        "notes": list(report.notes),
    }


def verify_text(report: VerifyReport) -> str:
    """Return a comparison as lines for a person."""
    runs = ", ".join(f"{run.start:,} to {run.stop - 1:,}" for run in report.changed_runs) or "none"
    lines = [
        "Verified." if report.verified else "Not verified.",
        f"  {report.packets_identical:,} of {report.packets_total:,} picture packets identical to the source's",
        f"  re-encoded frames: {runs}",
        f"  sound: {_sound(report)}",
        f"  {report.frames_compared:,} decoded frames compared around the seams, {report.seeks:,} seeks",
    ]
    lines += [f"  wrong: {problem}" for problem in report.problems]
    lines += [f"  note: {note}" for note in report.notes]
    return "\n".join(lines)


def _sound(check: VerifyReport) -> str:
    if not check.audio_packets:
        return "none"
    state = "identical" if check.audio_identical else "not identical"
    return f"{check.audio_packets:,} packets {state}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
