"""The arguments of `deltacut patch`, and the request that they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import UsageError
from engine.model.patch import Follow, Nudge, ReviewState, WhenLost
from engine.model.region import Region
from engine.model.time import Range
from engine.model.tool import FitStep, Rgb

if TYPE_CHECKING:
    from app.workflows.edit import PatchRequest, TakeRequest
    from app.workflows.patch_tools import ToolSettings

TOOLS = ("blur", "pixelate", "fill", "grade", "remove", "inpaint", "clone", "heal", "image", "sticker", "text")
_FITS = {"none": (), "register": (FitStep.REGISTER,), "colour": (FitStep.COLOUR,), "both": tuple(FitStep)}
WINDOW = 30
"""Frames on each side of the anchor that a patch covers unless it is said otherwise."""


@dataclass(frozen=True, slots=True)
class PatchReaders:
    """Read values that other commands take too; each raises argparse's own error."""

    checked: Callable[[Callable[[str], Any]], Callable[[str], Any]]
    box: Callable[[str], Region]
    lasso: Callable[[str], Region]
    frames: Callable[[str], Range]
    colour: Callable[[str], Rgb]


def add_patch_arguments(patch: argparse.ArgumentParser, read: PatchReaders) -> None:
    """Add the arguments of a patch.

    Args:
        patch: the command's parser.
        read: readers of values.
    """
    checked = read.checked
    patch.add_argument("project", metavar="PROJECT.dcut", type=Path)
    when = patch.add_argument_group("when and where")
    time = when.add_mutually_exclusive_group()
    time.add_argument("--frames", metavar="A:B", type=checked(read.frames), help="from frame A up to, not including, B")
    time.add_argument(
        "--window",
        metavar="BEFORE:AFTER",
        type=checked(window),
        help=f"frames before and after the anchor (default with --anchor: {WINDOW}:{WINDOW})",
    )
    when.add_argument("--anchor", metavar="N", type=int, help="the frame it was drawn on (default: A)")
    where = when.add_mutually_exclusive_group()
    where.add_argument("--roi", metavar="X0,Y0,X1,Y1", type=checked(read.box), dest="region", help="a box, 0 to 1")
    where.add_argument(
        "--ellipse", metavar="X0,Y0,X1,Y1", type=checked(ellipse), dest="region", help="the ellipse in a box"
    )
    where.add_argument(
        "--lasso", metavar='"X,Y X,Y X,Y ..."', type=checked(read.lasso), dest="region", help="an outline"
    )
    when.add_argument("--source", metavar="ID", help="the film, where the project has several")
    when.add_argument("--feather", metavar="PX", type=float, default=0.0, help="soften the edge outwards (default: 0)")
    when.add_argument(
        "--grow", metavar="PX", type=float, default=0.0, help="widen the region, or narrow it if negative"
    )
    when.add_argument("--edge", choices=("refine",), help="draw the region in to the edge of the object in it")
    stroke: dict[str, Any] = {"metavar": '"X,Y X,Y ..."', "type": checked(points), "action": "append", "default": []}
    when.add_argument("--keep", **stroke, help="for --edge refine: a brush stroke over the object")
    when.add_argument("--drop", **stroke, help="for --edge refine: a brush stroke over what is not the object")

    what = patch.add_argument_group("what")
    what.add_argument("--tool", required=True, choices=TOOLS)
    what.add_argument("--image", metavar="PICTURE", type=Path, help="for image and sticker (PNG, JPEG, ...)")
    what.add_argument(
        "--fit", choices=tuple(_FITS), help="for image: what to match to the surroundings (default: none)"
    )
    what.add_argument("--radius", metavar="PX", type=float, help="for blur (default: by the region's size) and inpaint")
    what.add_argument("--block", metavar="PX", type=int, help="for pixelate (default: by the region's size)")
    what.add_argument(
        "--colour", metavar="#RRGGBB", type=checked(read.colour), help="for fill (default: black) and text (white)"
    )
    what.add_argument("--exposure", metavar="STOPS", type=float, help="for grade, -8 to 8")
    what.add_argument("--contrast", metavar="FACTOR", type=float, help="for grade, 0 to 4")
    what.add_argument("--saturation", metavar="FACTOR", type=float, help="for grade, 0 to 4")
    what.add_argument("--temperature", metavar="T", type=float, help="for grade, -1 (blue) to 1 (amber)")
    what.add_argument("--hue", metavar="DEGREES", type=float, help="for grade, -180 to 180")
    what.add_argument("--reach", metavar="N", type=int, help="for remove: frames looked at on each side (default: 60)")
    what.add_argument(
        "--from", metavar="DX,DY", type=checked(pair), dest="shift", help="for clone and heal: the place, in pictures"
    )
    what.add_argument("--from-frame", metavar="N", type=int, help="for clone and heal: copy from so many frames later")
    what.add_argument("--text", metavar="TEXT", help="for text")
    what.add_argument(
        "--size", metavar="SHARE", type=float, help="for text: a line's share of the height (default: 0.6)"
    )
    what.add_argument("--font", metavar="FONT", help="for text: sans, italic, uni, or a TrueType file")

    how = patch.add_argument_group("how it follows")
    how.add_argument("--follow", choices=("static", "planar", "hybrid"), help="default: static")
    how.add_argument(
        "--when-lost", choices=("fade", "cover"), help="default: cover more for blur, pixelate and fill, else fade out"
    )
    how.add_argument(
        "--also",
        metavar="N:X0,Y0,X1,Y1",
        type=checked(lambda text: _at_frame(text, read.box)),
        action="append",
        default=[],
        help="a further anchor: the region on frame N",
    )
    how.add_argument(
        "--nudge",
        metavar="N:DX,DY[,SCALE[,DEGREES]]",
        type=checked(nudge),
        action="append",
        default=[],
        help="a correction by hand on frame N; it wins over what was followed",
    )
    result = patch.add_argument_group("as what")
    as_what = result.add_mutually_exclusive_group()
    as_what.add_argument("--take-of", metavar="PATCH", help="make it a further take of a patch: no time, no place")
    as_what.add_argument("--draft", action="store_true", help="leave it a draft, for `deltacut takes ... approve`")


def patch_request(given: argparse.Namespace) -> PatchRequest:
    """Return the request that the arguments make.

    Raises:
        UsageError: they do not fit together.
    """
    from app.workflows.edges import Brush
    from app.workflows.edit import Edge, PatchRequest, Window

    if given.region is None:
        raise UsageError("say where: --roi, --ellipse or --lasso")
    if given.frames is None and given.anchor is None:
        raise UsageError("say when: --frames A:B, or --anchor N with --window BEFORE:AFTER")
    if (given.keep or given.drop) and given.edge is None:
        raise UsageError("--keep and --drop are strokes for --edge refine")
    before, after = given.window or (WINDOW, WINDOW)
    edge = Edge(*(tuple(map(Brush, strokes)) for strokes in (given.keep, given.drop))) if given.edge else None
    return PatchRequest(
        frames=given.frames or Window(before, after),
        region=given.region,
        tool=given.tool,
        settings=_settings(given),
        feather_px=given.feather,
        grow_px=given.grow,
        anchor=given.anchor,
        follow=Follow(given.follow or "static"),
        when_lost=None if given.when_lost is None else WhenLost(given.when_lost),
        anchors=tuple(given.also),
        nudges=tuple(given.nudge),
        edge=edge,
        source_id=given.source,
        state=ReviewState.DRAFT if given.draft else ReviewState.APPROVED,
    )


def take_request(given: argparse.Namespace) -> TakeRequest:
    """Return the request for a further take that the arguments make.

    Raises:
        UsageError: an argument belongs to the patch, which is there already.
    """
    from app.workflows.edit import TakeRequest

    fixed = {
        "--frames": given.frames,
        "--window": given.window,
        "--anchor": given.anchor,
        "--roi, --ellipse and --lasso": given.region,
        "--feather": given.feather,
        "--grow": given.grow,
        "--edge": given.edge,
        "--also": given.also,
        "--nudge": given.nudge,
        "--source": given.source,
    }
    for option, value in fixed.items():
        if value:
            raise UsageError(f"{option} cannot go with --take-of: a take stands where its patch stands")
    return TakeRequest(
        given.take_of,
        given.tool,
        _settings(given),
        None if given.follow is None else Follow(given.follow),
        None if given.when_lost is None else WhenLost(given.when_lost),
    )


def _settings(given: argparse.Namespace) -> ToolSettings:
    from app.workflows.patch_tools import ToolSettings

    return ToolSettings(
        image=given.image,
        fit=None if given.fit is None else _FITS[given.fit],
        radius_px=given.radius,
        block_px=given.block,
        colour=given.colour,
        exposure=given.exposure,
        contrast=given.contrast,
        saturation=given.saturation,
        temperature=given.temperature,
        hue_deg=given.hue,
        reach=given.reach,
        shift=given.shift,
        frames_away=given.from_frame,
        text=given.text,
        size=given.size,
        font=given.font,
    )


def window(text: str) -> tuple[int, int]:
    """Return the frames of "BEFORE:AFTER".

    Raises:
        UsageError: not two whole numbers from 0 on.
    """
    try:
        before, after = (int(part) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"a window is given as BEFORE:AFTER, for example 30:30, not {text!r}") from None
    if before < 0 or after < 0:
        raise UsageError(f"a window BEFORE:AFTER counts frames from 0 on, not {text!r}")
    return before, after


def ellipse(text: str) -> Region:
    """Return the ellipse in the box "x0,y0,x1,y1".

    Raises:
        UsageError, EditRefused: not four numbers, or no area.
    """
    from engine.model.region import Ellipse

    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f"an ellipse is given as its box x0,y0,x1,y1, for example 0.4,0.4,0.6,0.6, not {text!r}"
        ) from None
    return Ellipse(x0, y0, x1, y1)


def points(text: str) -> tuple[tuple[float, float], ...]:
    """Return the points of "x,y x,y ...".

    Raises:
        UsageError: not pairs of numbers, or none.
    """
    found = tuple(pair(item) for item in text.split())
    if not found:
        raise UsageError('a stroke is given as "x,y x,y ..." in 0 to 1, and needs a point')
    return found


def pair(text: str) -> tuple[float, float]:
    """Return the numbers of "x,y".

    Raises:
        UsageError: not two finite numbers.
    """
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"two numbers are given as X,Y, for example 0.2,-0.1, not {text!r}") from None
    if not (abs(x) < 100 and abs(y) < 100):
        raise UsageError(f"{text!r} lies far outside the picture, which is 0 to 1")
    return x, y


def nudge(text: str) -> Nudge:
    """Return the correction of "N:DX,DY[,SCALE[,DEGREES]]".

    Raises:
        UsageError: not of that form, or no scale.
    """
    try:
        frame, _, values = text.partition(":")
        numbers = [float(part) for part in values.split(",")]
        if not 2 <= len(numbers) <= 4 or not all(abs(number) < 1000 for number in numbers):
            raise ValueError
        found = Nudge(int(frame), *numbers)
    except ValueError:
        raise UsageError(
            f"a nudge is given as N:DX,DY[,SCALE[,DEGREES]], for example 140:0.01,-0.005, not {text!r}"
        ) from None
    if found.scale <= 0:
        raise UsageError(f"a nudge's scale is above 0, not {found.scale:g}")
    return found


def _at_frame(text: str, read: Callable[[str], Region]) -> tuple[int, Region]:
    frame, colon, box = text.partition(":")
    if not colon or not frame.isdecimal():
        raise UsageError(f"a further anchor is given as N:X0,Y0,X1,Y1, for example 160:0.3,0.3,0.5,0.5, not {text!r}")
    return int(frame), read(box)
