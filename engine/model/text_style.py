"""How text looks, in titles and captions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.model.keyframes import check_value
from engine.model.tool import BLACK, WHITE, Rgb


class Align(Enum):
    """Where lines begin."""

    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How text looks.

    Attributes:
        font: a family; empty for the one that comes with the program.
        size: height of a line, outline: width of the outline; both as shares of the canvas's height.
        box: colour behind the text, None for none. box_opacity: 0 to 1.
        x, y: where the text block's anchor lies on the canvas, 0..1; y is its lower edge (captions grow upwards).
        width: the widest a line may be, as a share of the canvas's width.
    """

    font: str = ""
    size: float = 0.05
    bold: bool = False
    italic: bool = False
    colour: Rgb = WHITE
    outline: float = 0.0035
    outline_colour: Rgb = BLACK
    box: Rgb | None = None
    box_opacity: float = 0.6
    align: Align = Align.CENTRE
    x: float = 0.5
    y: float = 0.92
    width: float = 0.8

    def __post_init__(self) -> None:
        check_value("text size", self.size, 0.005, 1)
        check_value("outline", self.outline, 0, 0.1)
        check_value("opacity of the box", self.box_opacity, 0, 1)
        check_value("horizontal position", self.x, 0, 1)
        check_value("vertical position", self.y, 0, 1)
        check_value("width of the text", self.width, 0.05, 1)


READABLE = TextStyle()
"""The default of captions: white with a dark outline, inside the title-safe area (EBU R 95: 90 % of the picture)."""
