"""The commands and their arguments; what they do is app.cli.commands.

Values are checked for form here; what they mean for a project is checked where the edit is applied.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.cli.feature_arguments import add_feature_commands
from app.cli.patch_arguments import PatchReaders, add_patch_arguments, window
from app.cli.project_arguments import AS_THE_SOURCE, add_project_commands
from app.cli.provider_arguments import Readers, add_provider_commands
from app.cli.sound_arguments import add_sound_commands
from app.cli.take_commands import add_take_commands
from engine.errors import UsageError
from engine.model.region import Box, Lasso, Region
from engine.model.time import Range
from engine.model.tool import Rgb

Value = TypeVar("Value")


_EDITS = """\
each edit is one step to undo; if one does not fit, none is applied. Frames are the timeline's, ids those that
`deltacut show --json` prints. Split at frame 120, take frames 300 to 399 out, begin a chapter on frame 120:

  [{"is": "SplitClip", "at": 120, "new_id": "second"},
   {"is": "ExtractRange", "frames": [300, 400]},
   {"is": "AddMarkers", "markers": [{"id": "m", "kind": "chapter", "name": "Act 2",
                                     "place": {"is": "OnTimeline", "frames": [120, 121]}}]}]

an edit of a kind that does not exist names all that do, one without a needed value names the value."""


class _Version(argparse.Action):
    """Prints the version; it is looked up only here, which costs as much time as all else in this module."""

    def __call__(self, parser: argparse.ArgumentParser, *_given: object) -> None:
        from importlib.metadata import version

        print(f"deltacut {version('deltacut')}")
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the `deltacut` command."""
    top = argparse.ArgumentParser(
        prog="deltacut",
        description="Change part of the picture in a finished film and re-encode only what changed.",
        epilog="Exit status: 0 done, 1 a provider gave no result or a job waits for an answer, 2 usage, "
        "3 bad or unsupported input, 4 the export did not pass its check and "
        "nothing was written, 5 no space or another disk error, 130 stopped.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="show the version")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    info = _command(commands, "info", "show what a media file is")
    info.add_argument("file", metavar="FILE", type=Path)

    new = _command(commands, "new", "make a project for a film")
    new.add_argument("project", metavar="PROJECT.dcut", type=Path)
    new.add_argument("file", metavar="FILE", type=Path)

    add = _command(commands, "add", "take a further film into a project")
    add.add_argument("project", metavar="PROJECT.dcut", type=Path)
    add.add_argument("file", metavar="FILE", type=Path)

    patch = _command(commands, "patch", "change a region of the picture over some frames")
    add_patch_arguments(patch, PatchReaders(_checked, box, lasso, frames, colour))

    edit = _command(commands, "edit", "apply edits to a project")
    edit.add_argument("project", metavar="PROJECT.dcut", type=Path)
    edit.add_argument("edits", metavar="EDITS.json", help="a list of edits as the journal writes them; - reads stdin")
    edit.formatter_class = argparse.RawDescriptionHelpFormatter
    edit.epilog = _EDITS

    show = _command(commands, "show", "show what a project holds")
    show.add_argument("project", metavar="PROJECT.dcut", type=Path)

    for name, summary in (("undo", "take back the last steps"), ("redo", "do undone steps again")):
        back = _command(commands, name, summary)
        back.add_argument("project", metavar="PROJECT.dcut", type=Path)
        back.add_argument("steps", metavar="N", type=int, nargs="?", default=1, help="how many steps (default: 1)")

    ways = _group(commands, "captions", "bring captions in or out")
    bring = _command(ways, "import", "put the captions of an SRT or WebVTT file into a project")
    bring.add_argument("project", metavar="PROJECT.dcut", type=Path)
    bring.add_argument("file", metavar="FILE", type=Path)
    bring.add_argument("--layer", metavar="NAME", help="the layer they go to; made if there is none of this name")
    how = bring.add_mutually_exclusive_group()
    how.add_argument("--burn", dest="mode", action="store_const", const="burned", help="draw them into the picture")
    how.add_argument(
        "--soft", dest="mode", action="store_const", const="soft", help="keep them as text: no picture is re-encoded"
    )
    bring.add_argument("--encoding", metavar="NAME", help="of the file's text (default: found out)")
    take = _command(ways, "export", "write captions to an SRT or WebVTT file")
    take.add_argument("project", metavar="PROJECT.dcut", type=Path)
    take.add_argument("file", metavar="FILE", type=Path)
    take.add_argument("--layer", metavar="NAME", help="the layer they come from (default: the lowest)")

    plan = _command(commands, "plan", "show what an export will copy and re-encode")
    plan.add_argument("project", metavar="PROJECT.dcut", type=Path)
    plan.add_argument("--range", metavar="A:B", type=_checked(frames), help="only these frames of the timeline")

    export = _command(commands, "export", "write the film; only what changed is re-encoded")
    export.add_argument("project", metavar="PROJECT.dcut", type=Path)
    export.add_argument("-o", "--output", metavar="OUT", type=Path, required=True)
    export.add_argument("--since", metavar="EARLIER_OUT", type=Path, help="build on an earlier export of this project")
    export.add_argument("--range", metavar="A:B", type=_checked(frames), help="only these frames of the timeline")
    preset_help = f"see deltacut presets (default: {AS_THE_SOURCE})"
    export.add_argument("--preset", metavar="NAME", default=AS_THE_SOURCE, help=preset_help)

    verify = _command(commands, "verify", "compare a film with its source, packet by packet")
    verify.add_argument("source", metavar="SOURCE", type=Path)
    verify.add_argument("output", metavar="OUT", type=Path)

    demo = _command(commands, "demo", "show the whole way on a film, or on a sample that it makes")
    demo.add_argument("file", metavar="VIDEO", type=Path, nargs="?")
    demo.add_argument("--out", metavar="DIR", type=Path, default=Path("deltacut-demo"), help="default: deltacut-demo")
    add_sound_commands(commands, _command)
    readers = Readers(_checked(box), _checked(lasso), _checked(frames), _checked(window))
    add_feature_commands(partial(_command, commands))
    add_provider_commands(partial(_command, commands), readers)
    add_take_commands(partial(_command, commands))
    add_project_commands(
        partial(_command, commands), lambda name, does: partial(_command, _group(commands, name, does))
    )
    return top


def _group(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    """Return what adds the ways of a command that has several."""
    group = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    return group.add_subparsers(dest="way", metavar="WAY", required=True)


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=summary + ".")
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout, and nothing else there")
    return command


def frames(text: str) -> Range:
    """Return the frames of "A:B", A up to but not including B.

    Raises:
        UsageError: not two whole numbers, or B is not above A.
    """
    try:
        start, stop = (int(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"frames are given as A:B with whole numbers, for example 120:150, not {text!r}") from None
    if start < 0 or stop <= start:
        raise UsageError(f"frames A:B need 0 <= A < B, not {text!r}")
    return Range(start, stop)


def box(text: str) -> Region:
    """Return the region of "x0,y0,x1,y1".

    Raises:
        UsageError: not four numbers, or no area.
    """
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"a box is given as x0,y0,x1,y1 in 0 to 1, for example 0.4,0.4,0.6,0.6, not {text!r}"
        ) from None
    return Box(x0, y0, x1, y1)


def lasso(text: str) -> Region:
    """Return the region of "x,y x,y x,y ...".

    Raises:
        UsageError: not pairs of numbers, or no area.
    """
    try:
        points = tuple((float(x), float(y)) for x, y in (pair.split(",") for pair in text.split()))
    except ValueError:
        raise UsageError(f'a lasso is given as "x,y x,y x,y ..." in 0 to 1, not {text!r}') from None
    return Lasso(points)


def colour(text: str) -> Rgb:
    """Return the colour of "#rrggbb".

    Raises:
        UsageError: not six hexadecimal digits.
    """
    digits = text.removeprefix("#")
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        raise UsageError(f"a colour is given as #rrggbb, for example #c83430, not {text!r}") from None
    return Rgb(red, green, blue)


def _checked(read: Callable[[str], Value]) -> Callable[[str], Value]:
    """Return a reader whose UsageError argparse shows as its own."""

    def checked(text: str) -> Value:
        try:
            return read(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked
