"""What each command does: call a workflow, print its result.

Each imports its own workflow and texts, so that a command loads only the libraries it needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.cli.console import Console
from app.cli.feature_arguments import FEATURE_COMMAND_NAMES
from app.cli.loading import loading
from app.cli.project_arguments import PROJECT_COMMAND_NAMES
from app.cli.provider_arguments import PROVIDER_COMMAND_NAMES
from app.cli.sound_arguments import SOUND_COMMAND_NAMES
from app.cli.take_commands import TAKE_COMMAND_NAMES
from engine.errors import UsageError, VerificationFailed

Command = Callable[[argparse.Namespace, Console], int]


def _info(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.info_report import info_text
        from app.workflows.first_look import look_at
        from engine.index.description import describe

    facts = describe(*look_at(given.file, console.progress, console.cancel))
    console.result(facts, info_text(given.file, facts))
    return 0


def _new(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.workflows.import_media import new_project

    project = new_project(given.project, given.file, console.progress, console.cancel)
    (source,) = project.sources
    facts = {"project": str(given.project), "file": str(given.file), "frames": source.frame_count}
    console.result(facts, f"{given.project}: {source.name}, {source.frame_count:,} frames")
    return 0


def _add(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.workflows.import_media import add_media

    project = add_media(given.project, given.file, console.progress, console.cancel)
    source = project.sources[-1]
    facts = {"project": str(given.project), "file": str(given.file), "source": source.id, "frames": source.frame_count}
    console.result(facts, f"{given.project}: {source.name}, {source.frame_count:,} frames, as source {source.id}")
    return 0


def _patch(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.patch_arguments import patch_request, take_request
        from app.cli.report import patched_facts, patched_text
        from app.workflows.edit import add_patch, add_take

    if given.take_of is not None:
        done = add_take(given.project, take_request(given), console.progress, console.cancel)
    else:
        done = add_patch(given.project, patch_request(given), console.progress, console.cancel)
    console.result(patched_facts(given.project, given.tool, done), patched_text(done))
    return 0


def _edit(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.workflows.project import apply_edits, project_facts

    text = _text_of(given.edits)
    project = apply_edits(given.project, text, console.progress, console.cancel)
    console.result(project_facts(project), f"{given.project}: {project.frame_count:,} frames")
    return 0


def _text_of(name: str) -> str:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise UsageError(f"the edits {name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"the edits {name} are not UTF-8 text ({error.reason} at byte {error.start})") from error
    if not text.strip():
        raise UsageError(f"the edits {name} are empty; see deltacut edit --help for what they look like")
    return text


def _show(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.report import project_text
        from app.workflows.project import project_facts, show_project

    project, history = show_project(given.project, console.progress, console.cancel)
    steps = {"done": [step.title for step in history.done], "undone": [step.title for step in history.undone]}
    console.result(project_facts(project) | {"history": steps}, project_text(project, history))
    return 0


def _step(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.workflows.project import project_facts, redo, undo

    go = undo if given.command == "undo" else redo
    project = go(given.project, given.steps, console.progress, console.cancel)
    console.result(project_facts(project), f"{given.project}: {given.command} of {given.steps}")
    return 0


def _captions(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.workflows.captions import CaptionImport, export_captions, import_captions
        from engine.model.layers import CaptionMode

    if given.way == "import":
        mode = None if given.mode is None else CaptionMode(given.mode)
        request = CaptionImport(given.layer, mode, given.encoding)
        done = import_captions(given.project, given.file, request, console.progress, console.cancel)
        text = f"{given.project}: {done.captions} captions from {given.file} on the layer {done.layer!r}"
    else:
        done = export_captions(given.project, given.file, given.layer, console.progress, console.cancel)
        text = f"{given.file}: {done.captions} captions of the layer {done.layer!r}"
    facts = {"layer": done.layer, "captions": done.captions, "warnings": list(done.warnings)}
    console.result(facts, "\n".join([text, *(f"  {warning}" for warning in done.warnings)]))
    return 0


def _plan(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.report import plan_facts, plan_text
        from app.workflows.export import plan_project

    plan = plan_project(given.project, console.progress, console.cancel, given.range)
    console.result(plan_facts(plan), plan_text(plan))
    return 0


def _export(given: argparse.Namespace, console: Console) -> int:
    from app.cli.project_commands import export

    return export(given, console)


def _verify(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.report import verify_facts, verify_text
        from app.workflows.export import verify_films

    report = verify_films(given.source, given.output, console.progress, console.cancel)
    console.result(verify_facts(report), verify_text(report))
    return 0 if report.verified else VerificationFailed.exit_status


def _demo(given: argparse.Namespace, console: Console) -> int:
    with loading():
        from app.cli.report import demo_facts, demo_text
        from app.workflows.demo import run_demo

    result = run_demo(given.file, given.out, console.progress, console.cancel)
    console.result(demo_facts(result), demo_text(result))
    return 0


def _project_command(given: argparse.Namespace, console: Console) -> int:
    from app.cli.project_commands import PROJECT_COMMANDS

    return PROJECT_COMMANDS[given.command](given, console)


def _feature_command(given: argparse.Namespace, console: Console) -> int:
    from app.cli.feature_commands import FEATURE_COMMANDS

    return FEATURE_COMMANDS[given.command](given, console)


def _provider_command(given: argparse.Namespace, console: Console) -> int:
    from app.cli.provider_commands import PROVIDER_COMMANDS

    return PROVIDER_COMMANDS[given.command](given, console)


def _sound_command(given: argparse.Namespace, console: Console) -> int:
    from app.cli.sound_commands import SOUND_COMMANDS

    return SOUND_COMMANDS[given.command](given, console)


def _take_command(given: argparse.Namespace, console: Console) -> int:
    from app.cli.take_commands import TAKE_COMMANDS

    return TAKE_COMMANDS[given.command](given, console)


COMMANDS: Mapping[str, Command] = {
    "info": _info,
    "new": _new,
    "add": _add,
    "patch": _patch,
    "edit": _edit,
    "show": _show,
    "undo": _step,
    "redo": _step,
    "captions": _captions,
    "plan": _plan,
    "export": _export,
    "verify": _verify,
    "demo": _demo,
    **dict.fromkeys(PROJECT_COMMAND_NAMES, _project_command),
    **dict.fromkeys(FEATURE_COMMAND_NAMES, _feature_command),
    **dict.fromkeys(PROVIDER_COMMAND_NAMES, _provider_command),
    **dict.fromkeys(TAKE_COMMAND_NAMES, _take_command),
    **dict.fromkeys(SOUND_COMMAND_NAMES, _sound_command),
}
