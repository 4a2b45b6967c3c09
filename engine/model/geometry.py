"""How a picture lies on the canvas; each figure may be animated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from engine.errors import EditRefused
from engine.model.keyframes import Curve, Value, check_value, shifted


class Fit(Enum):
    """How a picture of another shape is laid on the canvas."""

    FIT = "fit"
    """All of it, with bars."""
    FILL = "fill"
    """No bars: what reaches over the edge is cut off."""
    STRETCH = "stretch"
    """The canvas's shape, whatever the picture's."""
    CROP = "crop"
    """Pixel for pixel, centred; what reaches over the edge is cut off."""


@dataclass(frozen=True, slots=True)
class Crop:
    """What is cut off at each side, as a share of the picture's width or height.

    Raises:
        EditRefused: nothing would be left.
    """

    left: Value = 0.0
    top: Value = 0.0
    right: Value = 0.0
    bottom: Value = 0.0

    def __post_init__(self) -> None:
        for name, value in (("left", self.left), ("top", self.top), ("right", self.right), ("bottom", self.bottom)):
            check_value(f"crop at the {name}", value, 0.0, 1.0)
        for one, other in ((self.left, self.right), (self.top, self.bottom)):
            if isinstance(one, float | int) and isinstance(other, float | int) and one + other >= 1:
                raise EditRefused(f"the crop leaves nothing of the picture: {one:g} and {other:g} are cut off")

    @property
    def is_animated(self) -> bool:
        """Whether any side has keyframes."""
        return any(isinstance(value, Curve) for value in (self.left, self.top, self.right, self.bottom))

    def shifted(self, by: int) -> Crop:
        """Return the crop with every keyframe `by` frames later."""
        return Crop(shifted(self.left, by), shifted(self.top, by), shifted(self.right, by), shifted(self.bottom, by))


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a picture lies on the canvas.

    Attributes:
        x, y: where its middle lies, 0..1 of the canvas. scale: factor after the fit. turn_deg: clockwise.

    Raises:
        EditRefused: a figure out of bounds.
    """

    fit: Fit = Fit.FIT
    crop: Crop | None = None
    x: Value = 0.5
    y: Value = 0.5
    scale: Value = 1.0
    turn_deg: Value = 0.0

    def __post_init__(self) -> None:
        check_value("horizontal position", self.x, -100, 100)
        check_value("vertical position", self.y, -100, 100)
        check_value("scale", self.scale, 0.001, 1000)
        check_value("turn", self.turn_deg, -36000, 36000)

    @property
    def is_animated(self) -> bool:
        """Whether any figure has keyframes."""
        return (
            isinstance(self.x, Curve)
            or isinstance(self.y, Curve)
            or isinstance(self.scale, Curve)
            or isinstance(self.turn_deg, Curve)
            or (self.crop is not None and self.crop.is_animated)
        )

    def shifted(self, by: int) -> Geometry:
        """Return the geometry with every keyframe `by` frames later."""
        if by == 0 or not self.is_animated:
            return self
        return replace(
            self,
            crop=None if self.crop is None else self.crop.shifted(by),
            x=shifted(self.x, by),
            y=shifted(self.y, by),
            scale=shifted(self.scale, by),
            turn_deg=shifted(self.turn_deg, by),
        )


AS_IT_IS = Geometry()
