"""What the commands that carry a project from place to place do: call a workflow, print its result."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.cli.console import Console
from app.cli.loading import loading
from app.cli.project_arguments import AS_THE_SOURCE
from engine.errors import MissingMedia, UsageError


def relink(given: argparse.Namespace, console: Console) -> int:
    """Look for missing films once: in the folder that is named, else beside the project and where a person says."""
    from app.workflows.relink import missing_media, relink_media

    missing = missing_media(given.project)
    found: dict[str, Path] = {}
    if missing:
        folder = given.folder or given.project.absolute().parent
        found |= relink_media(given.project, folder, console.progress, console.cancel).found
        if given.folder is None and len(found) < len(missing):
            folder = _asked(f"{len(missing) - len(found)} films are missing. In which folder are they? ", console)
            if folder is not None:
                found |= relink_media(given.project, folder, console.progress, console.cancel).found
    names = {source.source_id: source.name for source in missing}
    left = [source for source in missing if source.source_id not in found]
    facts = {
        "found": {source_id: str(path) for source_id, path in found.items()},
        "missing": [
            {"source": source.source_id, "name": source.name, "last_seen": source.last_seen} for source in left
        ],
    }
    lines = [f"{names[source_id]}: found at {path}" for source_id, path in found.items()]
    lines += [f"{source.name}: missing; it was at {source.last_seen}" for source in left]
    console.result(facts, "\n".join(lines) or f"{given.project}: all of its films are where they were")
    if left:
        console.say(f"deltacut: name a folder to search: deltacut relink {given.project} FOLDER")
    return MissingMedia.exit_status if left else 0


def _asked(question: str, console: Console) -> Path | None:
    """Return the folder that a person names; None where nobody is there, or nothing is named. It is asked once."""
    if not sys.stdin.isatty():
        return None
    console.finish()
    print(question, end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    return Path(answer).expanduser() if answer else None


def collect(given: argparse.Namespace, console: Console) -> int:
    """Copy a project and its films into a new folder."""
    from app.workflows.collect import collect as collected

    done = collected(given.project, given.folder, console.progress, console.cancel)
    facts = {
        "project": str(done.project),
        "media": {source_id: str(path) for source_id, path in done.media.items()},
        "bytes": done.bytes_copied,
    }
    console.result(facts, f"{done.project}: with {len(done.media)} films, {done.bytes_copied / 1e6:,.1f} MB")
    return 0


def recover(given: argparse.Namespace, console: Console) -> int:
    """Bring what is readable of a damaged project into a new one, and say what is not."""
    from app.workflows.recover import recover_project

    found = recover_project(given.project, given.into, console.progress, console.cancel)
    facts = {
        "project": str(given.into),
        "frames": found.project.frame_count,
        "takes": len(found.take_ids),
        "losses": list(found.losses),
    }
    lines = [
        f"{given.into}: {found.project.frame_count:,} frames, {len(found.take_ids)} takes; steps to undo stay behind"
    ]
    lines += [f"  lost: {loss}" for loss in found.losses] or ["  nothing of what a project holds is missing"]
    console.result(facts, "\n".join(lines))
    return 0


def otio(given: argparse.Namespace, console: Console) -> int:
    """Write a timeline for other editors, or make a project of one."""
    from app.workflows.interchange import export_otio, import_otio

    if given.way == "export":
        report = export_otio(given.project, given.file, console.progress, console.cancel)
        done = f"{given.file}: {report.clips} clips"
    else:
        report = import_otio(given.file, given.project, given.media, console.progress, console.cancel)
        done = f"{given.project}: {report.clips} clips"
    facts = {"clips": report.clips, "notes": list(report.notes), "missing": list(report.missing)}
    console.result(facts, "\n".join([done, *(f"  note: {note}" for note in report.notes)]))
    return 0


def presets(given: argparse.Namespace, console: Console) -> int:
    """List the presets."""
    from app.workflows.presets import presets as known

    found = known()
    facts = [
        {
            "name": preset.name,
            "title": preset.title,
            "description": preset.description,
            "suffix": preset.suffix,
            "form": type(preset.form).__name__,
        }
        for preset in found
    ]
    width = max(len(preset.name) for preset in found)
    lines = [f"{preset.name:<{width}}  {preset.title}: {preset.description}" for preset in found]
    console.result({"presets": facts}, "\n".join(lines))
    return 0


def export(given: argparse.Namespace, console: Console) -> int:
    """Write the film, all of it or a part, in the form of a preset."""
    if given.preset != AS_THE_SOURCE:
        return _export_with_preset(given, console)
    with loading():
        from app.cli.report import export_facts, export_text
        from app.workflows.export import export_project
        from engine.media.heap import large_blocks
    large_blocks.return_while_encoding()
    report = export_project(given.project, given.output, given.since, console.progress, console.cancel, given.range)
    console.result(export_facts(report), export_text(report))
    return 0


def _export_with_preset(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.preset_report import preset_facts, preset_text
        from app.workflows.presets import export_with_preset, preset
        from engine.render.preset_export import PresetReport
    chosen = preset(given.preset)
    if given.since is not None:
        raise UsageError(f"--since is for --preset {AS_THE_SOURCE}: {chosen.name} encodes everything anew")
    done = export_with_preset(given.project, given.output, chosen, given.range, console.progress, console.cancel)
    assert isinstance(done, PresetReport)
    console.result(preset_facts(done), preset_text(done))
    return 0


PROJECT_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {
    "relink": relink,
    "collect": collect,
    "recover": recover,
    "otio": otio,
    "presets": presets,
}
