"""Where Deltacut starts and where its parts are put together."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from app.cli import console
from app.cli.arguments import parser
from engine.errors import DeltacutError


def asks_for_window(words: Sequence[str]) -> bool:
    """Tell whether the arguments are just the path of a project or a film; no command has a dot or a separator."""
    return len(words) == 1 and not words[0].startswith("-") and (Path(words[0]).name != words[0] or "." in words[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name; return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or asks_for_window(words):
        # Qt takes a tenth of a second to load, which no command should pay for.
        from app.ui.start import run

        try:
            return run(Path(words[0]) if words else None)
        except DeltacutError as error:
            print(f"deltacut: {error}", file=sys.stderr)
            return error.exit_status
    given = parser().parse_args(words)

    def command(terminal: console.Console) -> int:
        # The engine's libraries take a third of a second to load, which `--help` should not pay for.
        from app.cli import commands

        return commands.COMMANDS[given.command](given, terminal)

    return console.run(command, json_output=given.json)


if __name__ == "__main__":
    sys.exit(main())
