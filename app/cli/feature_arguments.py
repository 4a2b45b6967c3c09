"""The arguments of the commands that find things in films and tighten them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

FEATURE_COMMAND_NAMES = ("features", "pauses", "fillers", "words", "vision")

FEATURE_NAMES = ("cuts", "shots", "pauses", "energy", "emotion", "beats", "calls", "cards")

AddCommand = Callable[[str, str], argparse.ArgumentParser]


def add_feature_commands(command: AddCommand) -> None:
    """Add the commands.

    Args:
        command: makes the parser of a command, given its name and what it does.
    """
    features = command("features", "find cuts, pauses, energy, beats and calls to action in a project or a film")
    features.add_argument("file", metavar="PROJECT|FILE", type=Path)
    features.add_argument(
        "--only", metavar="A,B,...", type=feature_names, help=f"of {', '.join(FEATURE_NAMES)} (default: all)"
    )
    features.add_argument("--markers", action="store_true", help="set markers for them in the project")
    features.add_argument(
        "--sensitivity", metavar="S", type=share, default=0.5, help="of cuts, 0 to 1; more finds more (default: 0.5)"
    )
    features.add_argument("--phrases", metavar="FILE.json", type=Path, help="the phrases of calls to action")

    _add_speech(features)

    pauses = command("pauses", "list the pauses of who speaks, or take them out")
    pauses.add_argument("project", metavar="PROJECT.dcut", type=Path)
    pauses.add_argument(
        "--at-least", metavar="S", type=float, default=0.5, help="seconds that a pause lasts (default: 0.5)"
    )
    pauses.add_argument(
        "--keep", metavar="S", type=float, default=0.12, help="seconds that stay on either side (default: 0.12)"
    )
    _add_speech(pauses)
    _add_choosing(pauses)

    fillers = command("fillers", "list the filler words that are said, or take them out")
    fillers.add_argument("project", metavar="PROJECT.dcut", type=Path)
    fillers.add_argument("--list", metavar="FILE.json", type=Path, dest="fillers", help="the filler words")
    _add_choosing(fillers)

    words = command("words", "list the words that are said, search them, cut them out, or make captions of them")
    words.add_argument("project", metavar="PROJECT.dcut", type=Path)
    way = words.add_mutually_exclusive_group()
    way.add_argument("--search", metavar="TEXT", help="in transcripts, captions and markers")
    way.add_argument("--cut", metavar="A:B", type=numbers, help="take the words from A up to, not including, B out")
    way.add_argument("--caption", metavar="A:B", type=numbers, help="make captions of these words")
    words.add_argument("--source", metavar="ID", help="whose words, where there are several films")
    words.add_argument("--layer", metavar="NAME", default="Words", help="for --caption (default: Words)")

    vision = command("vision", "see depth or pose in a frame, by a network of yours")
    vision.add_argument("file", metavar="FILE", type=Path)
    vision.add_argument("--frame", metavar="N", type=int, default=0, help="which frame (default: 0)")
    network = vision.add_mutually_exclusive_group()
    network.add_argument("--depth", metavar="MODEL.onnx", type=Path, help="write how near everything is, as a picture")
    network.add_argument("--pose", metavar="MODEL.onnx", type=Path, help="tell where the joints of a body are")
    vision.add_argument("--size", metavar="PX", type=int, default=256, help="side of its input (default: 256)")
    vision.add_argument("-o", "--output", metavar="OUT.png", type=Path, help="for --depth (default: depth.png)")


def _add_speech(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--speech",
        choices=("auto", "classic", "neural"),
        help="what hears speech where there are no words; auto is neural where it is installed (default: the settings)",
    )


def _add_choosing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--remove", action="store_true", help="take them out; what follows moves up")
    command.add_argument("--choose", metavar="N,N,...", type=chosen, help="only these, by their numbers in the list")


def feature_names(text: str) -> tuple[str, ...]:
    """Return the features of "cuts,pauses".

    Raises:
        argparse.ArgumentTypeError: one is none.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [name for name in names if name not in FEATURE_NAMES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"there is no feature {unknown[0] if unknown else text!r}")
    return names


def share(text: str) -> float:
    """Return a number from 0 to 1.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a number from 0 to 1 is needed, not {text!r}")
    return value


def numbers(text: str) -> range:
    """Return the numbers of "A:B", A up to but not including B.

    Raises:
        argparse.ArgumentTypeError: not two whole numbers with 0 <= A < B.
    """
    try:
        start, stop = (int(part) for part in text.split(":"))
    except ValueError:
        start, stop = 0, 0
    if not 0 <= start < stop:
        raise argparse.ArgumentTypeError(f"words are given as A:B with 0 <= A < B, not {text!r}")
    return range(start, stop)


def chosen(text: str) -> tuple[int, ...]:
    """Return the whole numbers of "0,2,5".

    Raises:
        argparse.ArgumentTypeError: they are none.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"numbers are given as 0,2,5, not {text!r}") from None
