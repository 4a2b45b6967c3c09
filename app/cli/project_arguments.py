"""The arguments of the commands that carry a project from place to place and film from form to form."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

AS_THE_SOURCE = "source"
"""The preset that copies all that is unchanged."""

PROJECT_COMMAND_NAMES = ("relink", "collect", "recover", "otio", "presets")

AddCommand = Callable[[str, str], argparse.ArgumentParser]
AddGroup = Callable[[str, str], AddCommand]


def add_project_commands(command: AddCommand, group: AddGroup) -> None:
    """Add the commands.

    Args:
        command: makes the parser of a command, given its name and what it does.
        group: makes a command of several ways, and returns what adds a way.
    """
    relink = command("relink", "find the films of a project again after they moved")
    relink.add_argument("project", metavar="PROJECT.dcut", type=Path)
    relink.add_argument(
        "folder", metavar="FOLDER", type=Path, nargs="?", help="where to look, and in all folders in it"
    )

    collect = command("collect", "copy a project and its films into a new folder")
    collect.add_argument("project", metavar="PROJECT.dcut", type=Path)
    collect.add_argument("folder", metavar="DIR", type=Path)

    recover = command("recover", "bring what is readable of a damaged project into a new one")
    recover.add_argument("project", metavar="DAMAGED.dcut", type=Path)
    recover.add_argument("into", metavar="NEW.dcut", type=Path)

    way = group("otio", "exchange a timeline with other editors (OpenTimelineIO)")
    out = way("export", "write the timeline of a project to an .otio file")
    out.add_argument("project", metavar="PROJECT.dcut", type=Path)
    out.add_argument("file", metavar="FILE.otio", type=Path)
    bring = way("import", "make a project of an .otio file")
    bring.add_argument("file", metavar="FILE.otio", type=Path)
    bring.add_argument("project", metavar="PROJECT.dcut", type=Path)
    bring.add_argument("--media", metavar="FOLDER", type=Path, help="where else to look for its films")

    command("presets", "list what a film can be exported for")
