"""What is done inside a region: one frozen value per tool, holding everything that its pixels depend on.

Values only; the tools themselves are engine.patches. Lengths in pixels are those of the displayed source picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.errors import EditRefused
from engine.model.region import Box


@dataclass(frozen=True, slots=True)
class Rgb:
    """An sRGB colour, 0 to 255 per channel.

    Raises:
        EditRefused: a channel lies outside.
    """

    red: int
    green: int
    blue: int

    def __post_init__(self) -> None:
        for value in (self.red, self.green, self.blue):
            if not 0 <= value <= 255:
                raise EditRefused(f"a colour channel is 0 to 255, not {value}")


BLACK = Rgb(0, 0, 0)
WHITE = Rgb(255, 255, 255)


@dataclass(frozen=True, slots=True)
class Blur:
    """Gaussian blur; radius_px is its sigma."""

    radius_px: float = 24.0

    def __post_init__(self) -> None:
        _within("blur radius", self.radius_px, 0.5, 1000)


@dataclass(frozen=True, slots=True)
class Pixelate:
    """Square blocks of the mean colour, block_px wide."""

    block_px: int = 24

    def __post_init__(self) -> None:
        _within("block size", self.block_px, 2, 1000)


@dataclass(frozen=True, slots=True)
class Fill:
    """One flat colour."""

    colour: Rgb = BLACK


@dataclass(frozen=True, slots=True)
class Grade:
    """A change of tone that keeps the texture.

    Attributes:
        exposure: stops. contrast, saturation: factors, 1 = unchanged. temperature: -1 (blue) to 1 (amber).
        hue_deg: turn of the hue in degrees.
    """

    exposure: float = 0.0
    contrast: float = 1.0
    saturation: float = 1.0
    temperature: float = 0.0
    hue_deg: float = 0.0

    def __post_init__(self) -> None:
        _within("exposure", self.exposure, -8, 8)
        _within("contrast", self.contrast, 0, 4)
        _within("saturation", self.saturation, 0, 4)
        _within("temperature", self.temperature, -1, 1)
        _within("hue", self.hue_deg, -180, 180)


@dataclass(frozen=True, slots=True)
class Remove:
    """The background that other frames reveal; reach is how many frames are looked at on each side."""

    reach: int = 60

    def __post_init__(self) -> None:
        _within("reach", self.reach, 1, 2000)


@dataclass(frozen=True, slots=True)
class Inpaint:
    """Filled from its own frame's surroundings (wires, dust, small logos)."""

    radius_px: float = 4.0

    def __post_init__(self) -> None:
        _within("inpainting radius", self.radius_px, 1, 100)


@dataclass(frozen=True, slots=True)
class Clone:
    """Copied from another place, (dx, dy) away in picture sizes, or from another source frame, `frames` later.

    Attributes:
        heal: keep only the texture and take the tone from the surroundings.
    """

    dx: float = 0.0
    dy: float = 0.0
    frames: int = 0
    heal: bool = False

    def __post_init__(self) -> None:
        _within("distance", self.dx, -2, 2)
        _within("distance", self.dy, -2, 2)
        if self.dx == self.dy == 0.0 and self.frames == 0:
            raise EditRefused("cloning a place onto itself changes nothing: choose another place or another frame")


class FitStep(Enum):
    """A step that fits a picture into its surroundings; each can be left out."""

    REGISTER = "register"
    """Shift, turn and scale it until it meets the surroundings."""
    COLOUR = "colour"
    """Match its colour to the surroundings."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in place of the region: a dropped image, a sticker, or what a provider returned.

    Attributes:
        content: the id of its bytes in the project file (what `add_take` returned).
        fit: the fitting steps to take; empty for a sticker that shall stay as it is.
    """

    content: str
    fit: tuple[FitStep, ...] = (FitStep.REGISTER, FitStep.COLOUR)


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A film in place of the region, fitted already; what it does not cover is transparent in it.

    Attributes:
        content: the id of its bytes in the project file.
        box: where it lies on the displayed picture; None: on the region's bounds.
        first: the source frame on which its frame 0 stands; None: the patch's first frame.
    """

    content: str
    box: Box | None = None
    first: int | None = None


def film_frame(content: str, number: int) -> str:
    """Return the name under which a frame of a film that a project holds is looked up as a picture."""
    return f"{content}#{number}"


@dataclass(frozen=True, slots=True)
class Lettering:
    """A line or more of text set into the region. size: height of a line as a share of the region's height."""

    text: str
    colour: Rgb = WHITE
    size: float = 0.6
    font: str = ""

    def __post_init__(self) -> None:
        _within("text size", self.size, 0.01, 1)


Tool = Blur | Pixelate | Fill | Grade | Remove | Inpaint | Clone | Picture | MovingPicture | Lettering


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise EditRefused(f"the {name} is {value:g}; it must be {low:g} to {high:g}")
