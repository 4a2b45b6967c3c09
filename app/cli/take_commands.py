"""The commands on takes, and on what patches do to a frame: `deltacut takes`, `deltacut compare`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.console import Console
from engine.errors import UsageError

if TYPE_CHECKING:
    from app.workflows.takes import NumberedPatch
    from engine.model.patch import Patch, Take

AddCommand = Callable[[str, str], argparse.ArgumentParser]

TAKE_COMMAND_NAMES = ("takes", "compare")
_ACTIONS = ("list", "show", "pick", "approve", "reject", "star", "export")


def add_take_commands(command: AddCommand) -> None:
    """Add the commands; command: makes the parser of one, given its name and what it does."""
    takes = command("takes", "list, show, pick, approve, reject, star or export the takes of a project's patches")
    takes.add_argument("project", metavar="PROJECT.dcut", type=Path)
    takes.add_argument("action", choices=_ACTIONS)
    takes.add_argument("take", metavar="TAKE", nargs="?", help="PATCH.TAKE by number, or an id or its beginning")
    takes.add_argument("--patch", metavar="PATCH", help="for list: only this patch")
    takes.add_argument("--reason", metavar="TEXT", help="for reject: why")
    takes.add_argument("-o", "--output", metavar="DIR", type=Path, help="for export: where to")

    compare = command("compare", "write a frame before and after its patches, and where they differ")
    compare.add_argument("project", metavar="PROJECT.dcut", type=Path)
    compare.add_argument("--frame", metavar="N", type=int, required=True, help="of the film as it is edited")
    compare.add_argument("-o", "--output", metavar="DIR", type=Path, required=True)


def run_takes(given: argparse.Namespace, console: Console) -> int:
    """Carry out `deltacut takes`."""
    from app.workflows import takes

    _check(given)
    match given.action:
        case "list":
            listed = takes.list_takes(given.project, given.patch, console.progress, console.cancel)
            facts = {"patches": [_patch_facts(item) for item in listed]}
            console.result(facts, _listed_text(listed))
        case "show":
            patch, take = takes.show_take(given.project, given.take, console.progress, console.cancel)
            console.result(takes.take_facts(patch, take), _take_text(patch, take))
        case "export":
            written = takes.export_takes(given.project, given.take, given.output, console.progress, console.cancel)
            text = "\n".join([f"{given.output}: {len(written)} files", *(f"  {path.name}" for path in written)])
            console.result({"files": [str(path) for path in written]}, text)
        case action:
            if action == "reject":
                takes.reject_take(given.project, given.take, given.reason, console.progress, console.cancel)
            else:
                change = {"pick": takes.pick_take, "approve": takes.approve_take, "star": takes.star_take}[action]
                change(given.project, given.take, console.progress, console.cancel)
            patch, take = takes.show_take(given.project, given.take, console.progress, console.cancel)
            console.result(takes.take_facts(patch, take), _take_text(patch, take))
    return 0


def run_compare(given: argparse.Namespace, console: Console) -> int:
    """Carry out `deltacut compare`."""
    from app.workflows.compare import compare

    done = compare(given.project, given.frame, given.output, console.progress, console.cancel)
    facts = {
        "frame": done.frame,
        "files": {name: str(path) for name, path in done.files.items()},
        "pixels_in_the_matte": done.touched,
        "pixels_changed_outside": done.changed_outside,
        "notes": list(done.notes),
    }
    lines = [
        f"Frame {done.frame}: {done.touched:,} pixels lie in the matte, {done.changed_outside:,} changed outside it",
        *(f"  {name}: {path}" for name, path in done.files.items()),
        *(f"  note: {note}" for note in done.notes),
    ]
    console.result(facts, "\n".join(lines))
    return 0


TAKE_COMMANDS: Mapping[str, Callable[[argparse.Namespace, Console], int]] = {"takes": run_takes, "compare": run_compare}


def _check(given: argparse.Namespace) -> None:
    action = given.action
    if action not in ("list", "export") and given.take is None:
        raise UsageError(f"takes {action} needs the take: PATCH.TAKE by number, or its id; see takes list")
    if action == "list" and given.take is not None:
        raise UsageError("takes list lists all takes; use --patch for those of one patch, or takes show")
    if action != "list" and given.patch is not None:
        raise UsageError("--patch is for takes list")
    if action == "reject" and given.reason is None:
        raise UsageError("takes reject needs --reason TEXT")
    if action != "reject" and given.reason is not None:
        raise UsageError("--reason is for takes reject")
    if (action == "export") != (given.output is not None):
        raise UsageError("takes export needs -o DIR" if action == "export" else "-o is for takes export")


def _patch_facts(item: NumberedPatch) -> dict[str, Any]:
    from app.workflows.takes import take_facts

    patch = item.patch
    return {
        "number": item.number,
        "patch": patch.id,
        "name": patch.name,
        "state": patch.state.value,
        "frames": [patch.frames.start, patch.frames.stop],
        "anchor": patch.anchor,
        "takes": [take_facts(patch, take) for take in patch.takes],
    }


def _listed_text(listed: tuple[NumberedPatch, ...]) -> str:
    if not listed:
        return "The project has no patches."
    lines = []
    for item in listed:
        patch = item.patch
        name = patch.name or patch.id
        lines.append(f"{item.number}  {name}: frames {patch.frames.start}:{patch.frames.stop}, {patch.state.value}")
        for number, take in enumerate(patch.takes, 1):
            mark = "picked" if take.id == patch.pick else ""
            star = "*" if take.starred else " "
            rejected = f"rejected: {take.rejected_because}" if take.rejected_because else ""
            what = take.name or take.provenance.prompt or take.provenance.maker or type(take.tool).__name__
            way = (take.motion or patch.motion).follow.value
            line = f"  {item.number}.{number} {star} {what[:40]:<20} {way:<8} {mark:<7} {rejected}"
            lines.append(line.rstrip())
    return "\n".join(lines)


def _take_text(patch: Patch, take: Take) -> str:
    made, motion = take.provenance, take.motion or patch.motion
    rows = [
        ("patch", f"{patch.name or patch.id}, {patch.state.value}"),
        ("shows", "yes" if patch.pick == take.id and patch.shows else "no"),
        ("made by", " ".join(part for part in (made.maker, made.model) if part) or "unknown"),
        ("prompt", made.prompt),
        ("seed", "" if made.seed is None else str(made.seed)),
        ("settings", ", ".join(f"{name} {value}" for name, value in made.settings)),
        ("follows", f"{motion.follow.value}; where lost it {motion.when_lost.value}s"),
        ("cost", f"${made.cost_microusd / 1e6:.4f}" if made.cost_microusd else ""),
        ("time", f"{made.elapsed_ms / 1000:.1f} s"),
        ("starred", "yes" if take.starred else ""),
        ("rejected", take.rejected_because),
    ]
    return "\n".join([f"Take {take.id}", *(f"  {name:<9} {value}" for name, value in rows if value)])
