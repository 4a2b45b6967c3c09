"""Where Deltacut starts and where its parts are put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version

from app.cli import console
from app.cli.arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit status."""
    given = parser(version("deltacut")).parse_args(arguments)

    def command(terminal: console.Console) -> int:
        # The engine's libraries take a third of a second to load, which `--help` should not pay for.
        from app.cli import commands

        return commands.COMMANDS[given.command](given, terminal)

    return console.run(command, json_output=given.json)


if __name__ == "__main__":
    sys.exit(main())
