"""The arguments of the commands that have to do with providers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

PROVIDER_COMMAND_NAMES = ("keys", "ledger", "workflow", "trace")

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_provider_commands(command: AddCommand) -> None:
    """Add the commands.

    Args:
        command: makes the parser of a command, given its name and what it does.
    """
    keys = command("keys", "set, list, remove, test or re-seal the keys of providers")
    keys.add_argument("action", choices=("set", "list", "remove", "test", "rotate"))
    keys.add_argument(
        "provider", metavar="PROVIDER", nargs="?", help="whose key; it is asked for, or read from standard input"
    )
    keys.add_argument(
        "--to",
        choices=("keyring", "passphrase", "environment"),
        default="keyring",
        help="for rotate: where the new master key is to be (default: keyring)",
    )

    ledger = command("ledger", "show what was spent at providers")
    ledger.add_argument("--project", metavar="PROJECT.dcut", type=Path, help="only what this project spent")

    workflow = command("workflow", "show a workflow, or check one")
    workflow.add_argument("action", choices=("show", "check"))
    workflow.add_argument("file", metavar="FILE", help="a workflow's file, or the name of one that comes along")

    trace = command("trace", "show what was done for a job, step by step; without a job, the latest runs")
    trace.add_argument("job", metavar="JOB", nargs="?")
