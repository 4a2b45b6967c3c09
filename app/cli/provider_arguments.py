"""The arguments of the commands that have to do with providers."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.model.region import Region
from engine.model.time import Range

PROVIDER_COMMAND_NAMES = ("generate", "motion", "transcribe", "emotions", "jobs", "keys", "ledger", "workflow", "trace")

AddCommand = Callable[[str, str], argparse.ArgumentParser]


@dataclass(frozen=True, slots=True)
class Readers:
    """Read a box, a lasso, a range of frames, and frames before and after one."""

    box: Callable[[str], Region]
    lasso: Callable[[str], Region]
    frames: Callable[[str], Range]
    window: Callable[[str], tuple[int, int]]


def add_provider_commands(command: AddCommand, readers: Readers) -> None:
    """Add the commands.

    Args:
        command: makes the parser of a command, given its name and what it does.
        readers: of values that other commands take too.
    """
    generate = command("generate", "let a provider change a region of a frame")
    generate.add_argument("project", metavar="PROJECT.dcut", type=Path)
    generate.add_argument("--frame", metavar="N", type=int, required=True, help="the frame that the provider is shown")
    where = generate.add_mutually_exclusive_group(required=True)
    where.add_argument("--roi", metavar="X0,Y0,X1,Y1", type=readers.box, dest="region", help="a box, 0 to 1")
    where.add_argument(
        "--lasso", metavar='"X,Y X,Y X,Y ..."', type=readers.lasso, dest="region", help="an outline, 0 to 1"
    )
    generate.add_argument("--prompt", metavar="TEXT", required=True, help="what the region shall show")
    time = generate.add_mutually_exclusive_group()
    time.add_argument("--frames", metavar="A:B", type=readers.frames, help="the frames that show it (default: N)")
    time.add_argument("--window", metavar="BEFORE:AFTER", type=readers.window, help="frames before and after N")
    generate.add_argument(
        "--reference", metavar="PICTURE", type=Path, action="append", default=[], help="to go by; may be repeated"
    )
    generate.add_argument(
        "--follow",
        choices=("static", "planar", "hybrid", "provider"),
        default="static",
        help="how it moves with the picture; provider: a service films it (default: static)",
    )
    generate.add_argument(
        "--motion", metavar="NAME", help="the service that films it (veo, omni, kling, kling-legacy or auto)"
    )
    generate.add_argument("--source", metavar="ID", help="the film, where the project has several")
    _add_asking(generate)
    generate.add_argument("--review", action="store_true", help="wait for jobs approve before it goes into the film")

    motion = command("motion", "let a service film how a patch moves; the film becomes a take of it")
    motion.add_argument("project", metavar="PROJECT.dcut", type=Path)
    motion.add_argument("patch", metavar="PATCH", help="its number in deltacut takes, or its id")
    motion.add_argument(
        "--prompt", metavar="TEXT", default="", help="what happens (default: what the patch was made with)"
    )
    _add_asking(motion)
    motion.add_argument("--review", action="store_true", help="wait for jobs approve before it becomes a take")

    transcribe = command("transcribe", "write down what is said, with the times of the words")
    transcribe.add_argument("project", metavar="PROJECT.dcut", type=Path)
    transcribe.add_argument("--language", metavar="CODE", help="what is spoken (default: found out)")
    transcribe.add_argument("--captions", action="store_true", help="make a layer of captions of the words")
    transcribe.add_argument("--source", metavar="ID", help="the film, where the project has several")
    _add_asking(transcribe)

    emotions = command("emotions", "have a model label how those who are heard feel; features shows it")
    emotions.add_argument("project", metavar="PROJECT.dcut", type=Path)
    emotions.add_argument("--source", metavar="ID", help="the film, where the project has several")
    _add_asking(emotions)

    jobs = command("jobs", "list, show, cancel, try again or approve the jobs of a project")
    jobs.add_argument("project", metavar="PROJECT.dcut", type=Path)
    jobs.add_argument("action", choices=("list", "show", "cancel", "retry", "approve"))
    jobs.add_argument("job", metavar="JOB", nargs="?")
    jobs.add_argument(
        "--choice",
        choices=("agree", "try again", "next provider", "use cached", "accept", "give up"),
        help="for approve: the answer to what the job asks",
    )
    jobs.add_argument("--yes", action="store_true", help="for retry: agree to send what will be shown")

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
    ledger.add_argument("--cap-project", metavar="USD", help="from now on spend at most so much on a project, or none")
    ledger.add_argument("--cap-month", metavar="USD", help="from now on spend at most so much in a month, or none")

    workflow = command("workflow", "show a workflow, or check one")
    workflow.add_argument("action", choices=("show", "check"))
    workflow.add_argument("file", metavar="FILE", help="a workflow's file, or the name of one that comes along")

    trace = command("trace", "show what was done for a job, step by step; without a job, the latest runs")
    trace.add_argument("job", metavar="JOB", nargs="?", help="or the word export, to send traces to a collector")
    trace.add_argument("--otlp", metavar="URL", help="for export: the collector (default: the settings')")
    trace.add_argument("--yes", action="store_true", help="for export: agree to send what is shown, this once")


def _add_asking(command: argparse.ArgumentParser) -> None:
    command.add_argument("--provider", metavar="NAME", default="auto", help="default: the workflow's, in its order")
    command.add_argument("--workflow", metavar="FILE", help="a workflow of your own (see deltacut workflow show edit)")
    command.add_argument("--yes", action="store_true", help="agree to send what is shown, this once")
