"""The arguments of the commands that have to do with sound."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from engine.errors import UsageError

SOUND_COMMAND_NAMES = ("sound", "loudness")

AddCommand = Callable[[str, str], argparse.ArgumentParser]
_ROLES = ("music", "effects", "speech")


def add_sound_commands(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    command: Callable[[argparse._SubParsersAction[argparse.ArgumentParser], str, str], argparse.ArgumentParser],
) -> None:
    """Add the commands.

    Args:
        commands: those of `deltacut`.
        command: adds a command to a set of them, given its name and what it does.
    """
    loudness = command(commands, "loudness", "measure the loudness of a film, a sound or a project's mix (EBU R 128)")
    loudness.add_argument("file", metavar="FILE", type=Path, help="a media file or a project")

    sound = commands.add_parser(
        "sound", help="add music and effects, set the mix", description="Add music and effects, set the mix."
    )
    ways = sound.add_subparsers(dest="way", metavar="WAY", required=True)

    add = command(ways, "add", "put the sound of a file on a sound track")
    add.add_argument("project", metavar="PROJECT.dcut", type=Path)
    add.add_argument("file", metavar="FILE", type=Path)
    add.add_argument("--track", metavar="NAME", help="the track; made if there is none of this name")
    add.add_argument("--role", choices=_ROLES, default="music", help="what it is (default: music)")
    add.add_argument("--at", metavar="S", type=seconds, default=Fraction(0), help="second of the film (default: 0)")
    add.add_argument(
        "--from", metavar="S", dest="start", type=seconds, default=Fraction(0), help="second of the file (default: 0)"
    )
    add.add_argument("--for", metavar="S", dest="duration", type=seconds, help="how long (default: to its end)")
    add.add_argument("--gain", metavar="DB", type=float, default=0.0)
    add.add_argument("--fade-in", metavar="S", type=seconds, default=Fraction(0))
    add.add_argument("--fade-out", metavar="S", type=seconds, default=Fraction(0))
    add.add_argument("--duck", metavar="DB", type=float, help="a new track is turned down so far under speech")

    remove = command(ways, "remove", "remove a sound from its track")
    remove.add_argument("project", metavar="PROJECT.dcut", type=Path)
    remove.add_argument("sound", metavar="ID", help="as `deltacut sound list` shows it")

    track = command(ways, "track", "change a sound track; `original` is the film's own sound")
    track.add_argument("project", metavar="PROJECT.dcut", type=Path)
    track.add_argument("name", metavar="TRACK")
    track.add_argument("--gain", metavar="DB", type=float)
    track.add_argument("--mute", action=argparse.BooleanOptionalAction, help="hear it not at all")
    track.add_argument("--solo", action=argparse.BooleanOptionalAction, help="hear nothing but this one")
    track.add_argument("--role", choices=_ROLES)
    track.add_argument("--duck", metavar="DB", type=float, help="turn it down so far under speech; 0 for not at all")

    mix = command(ways, "mix", "change how the film's sound is mixed")
    mix.add_argument("project", metavar="PROJECT.dcut", type=Path)
    mix.add_argument(
        "--loudness",
        metavar="LUFS",
        type=lufs,
        default=argparse.SUPPRESS,
        help="normalise the mix (EBU R 128: -23), or `off`",
    )
    mix.add_argument(
        "--keep-original", action=argparse.BooleanOptionalAction, help="keep the film's own sound beside the mix"
    )

    show = command(ways, "list", "show the sound tracks and the mix")
    show.add_argument("project", metavar="PROJECT.dcut", type=Path)


def seconds(text: str) -> Fraction:
    """Return the seconds of "12.5" or "1:02:03.5", exact.

    Raises:
        ArgumentTypeError: it is no time, or negative.
    """
    try:
        total = Fraction(0)
        for part in text.split(":"):
            total = total * 60 + Fraction(part)
        if total < 0 or text.count(":") > 2 or "/" in text:
            raise UsageError(text)
    except (ValueError, UsageError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"a time is seconds or [H:]M:S, not {text!r}") from None
    return total


def lufs(text: str) -> float | None:
    """Return the loudness of "-23", None for "off".

    Raises:
        ArgumentTypeError: neither.
    """
    if text == "off":
        return None
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a loudness is in LUFS, for example -23, or off, not {text!r}") from None
