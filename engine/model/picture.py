"""A still picture that a person gave, decoded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from numpy.typing import NDArray


class PictureColour(Enum):
    """The colour space of a picture's RGB."""

    SRGB = "sRGB"
    DISPLAY_P3 = "Display P3"
    ADOBE_RGB = "Adobe RGB (1998)"


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture the right way up.

    Attributes:
        rgba: uint8 or uint16 [h, w, 4], full scale, alpha not premultiplied.
        colour: how the RGB is to be read; the transfer curve is the sRGB one (Adobe RGB: gamma 2.2).
    """

    rgba: NDArray[Any]
    colour: PictureColour = PictureColour.SRGB

    @property
    def width(self) -> int:
        """Return the width in pixels."""
        return int(self.rgba.shape[1])

    @property
    def height(self) -> int:
        """Return the height in pixels."""
        return int(self.rgba.shape[0])
