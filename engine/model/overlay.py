"""Things laid over the film, or behind its subject: pictures, films, text and shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction

from engine.model.geometry import AS_IT_IS, Geometry
from engine.model.keyframes import Curve, Value, check_value
from engine.model.place import Place
from engine.model.text_style import TextStyle
from engine.model.tool import WHITE, Rgb


@dataclass(frozen=True, slots=True)
class Still:
    """A picture; content: the id of its bytes in the project file."""

    content: str


@dataclass(frozen=True, slots=True)
class Film:
    """Another source's picture, at the canvas rate, from start_s seconds of it."""

    source_id: str
    start_s: Fraction = Fraction(0)


CENTRED = TextStyle(y=0.55)


@dataclass(frozen=True, slots=True)
class Title:
    """Text; its style's x, y and width are relative to the canvas before the item's geometry is applied."""

    text: str
    style: TextStyle = CENTRED


class ShapeForm(Enum):
    """What a shape is."""

    RECTANGLE = "rectangle"
    ELLIPSE = "ellipse"
    LINE = "line"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class Shape:
    """A drawn shape around the middle of the canvas.

    Attributes:
        width, height: shares of the canvas's; a line or arrow goes from the upper left to the lower right corner.
        fill, stroke: None for none. stroke_width: share of the canvas's height. corner: rounding, share of the height.
    """

    form: ShapeForm
    width: float = 0.3
    height: float = 0.3
    fill: Rgb | None = None
    stroke: Rgb | None = WHITE
    stroke_width: float = 0.005
    corner: float = 0.0

    def __post_init__(self) -> None:
        check_value("width of the shape", self.width, 0, 10)
        check_value("height of the shape", self.height, 0, 10)
        check_value("stroke", self.stroke_width, 0, 1)
        check_value("corner", self.corner, 0, 1)


@dataclass(frozen=True, slots=True)
class Flat:
    """One colour all over."""

    colour: Rgb


Content = Still | Film | Title | Shape | Flat


def later(content: Content, frames: int, rate: Fraction) -> Content:
    """Return what a thing shows from `frames` frames later on; rate: the canvas's."""
    return replace(content, start_s=content.start_s + frames / rate) if isinstance(content, Film) else content


@dataclass(frozen=True, slots=True)
class Overlay:
    """A thing on a layer of overlays, or on the background behind the subject.

    Attributes:
        place: where in time. Keyframes count from the place's first frame (timeline frames, or source frames).
        opacity: 0 to 1.
    """

    id: str
    place: Place
    content: Content
    geometry: Geometry = AS_IT_IS
    opacity: Value = 1.0
    name: str = ""
    visible: bool = True

    def __post_init__(self) -> None:
        check_value("opacity", self.opacity, 0, 1)

    @property
    def is_animated(self) -> bool:
        """Whether it looks different from frame to frame."""
        return isinstance(self.content, Film) or isinstance(self.opacity, Curve) or self.geometry.is_animated
