"""How the numbers in a decoded frame's planes are to be read: a value made from a stream's facts.

Nothing is converted here; that is engine.patches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Self

import numpy as np

from engine.errors import UnsupportedMedia
from engine.model.media import VideoStream

_GRAY = re.compile(r"gray(?P<depth>\d*)(?:le)?")
_GBR = re.compile(r"gbr(?P<alpha>a?)p(?P<depth>\d*)(?:le)?")
_SHIFTS = {"420p": (1, 1), "422p": (1, 0), "444p": (0, 0), "440p": (0, 1), "411p": (2, 0), "410p": (2, 2)}

CENTRED, TOP, BOTTOM = (2, 4, 6), (3, 4), (5, 6)
"""Chroma locations (FFmpeg's AVChromaLocation) that lie between the columns, on the upper and on the lower line."""

HD_HEIGHT = 720
HD_WIDTH = 1280
"""At or above these a stream without a matrix is read as BT.709, below as BT.601: what players do."""


class Family(Enum):
    """What the planes hold."""

    YUV = "Y, Cb, Cr"
    GRAY = "Y"
    GBR = "G, B, R"


class Scan(Enum):
    """Whether a frame is one picture or two fields of alternating lines."""

    PROGRESSIVE = "progressive"
    INTERLACED = "interlaced"


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The planar layout and the colour of decoded frames.

    Attributes:
        name: FFmpeg's pix_fmt.
        chroma_shift: (x, y) log2 of the chroma planes' subsampling.
        has_alpha: whether a last plane holds alpha (full size, never touched by a patch).
        bit_depth: bits per component; planes are uint8 for 8, else native-endian uint16.
        full_range: whether 0..max is black to white, instead of 16..235 scaled to the depth.
        matrix, transfer, primaries: numbers of ISO/IEC 23091-2; the matrix is never 2 (unspecified).
        chroma_location: FFmpeg's AVChromaLocation; 0 is read as left, the default of MPEG-2, H.264 and HEVC.
    """

    name: str
    family: Family
    chroma_shift: tuple[int, int]
    has_alpha: bool
    bit_depth: int
    full_range: bool
    matrix: int
    transfer: int
    primaries: int
    chroma_location: int
    scan: Scan

    @classmethod
    def of(cls, stream: VideoStream) -> Self:
        """Return the format of a stream's decoded frames.

        Raises:
            UnsupportedMedia: the pix_fmt is not planar YUV, gray or GBR of 8 to 16 bits.
        """
        name = stream.pix_fmt
        colour = stream.colour
        if match := re.fullmatch(r"yuv(?P<full>j?)(?P<sampling>4\d\dp)(?P<depth>\d*)(?:le)?", name):
            family, shift, alpha = Family.YUV, _SHIFTS[match["sampling"]], False
            full = bool(match["full"]) or bool(colour.full_range)
        elif match := re.fullmatch(r"yuva(?P<sampling>4\d\dp)(?P<depth>\d*)(?:le)?", name):
            family, shift, alpha = Family.YUV, _SHIFTS[match["sampling"]], True
            full = bool(colour.full_range)
        elif match := _GRAY.fullmatch(name):
            # FFmpeg decodes gray JPEG, PNG and the like as full range; H.264 and HEVC monochrome say so themselves.
            family, shift, alpha = Family.GRAY, (0, 0), False
            full = bool(colour.full_range)
        elif match := _GBR.fullmatch(name):
            family, shift, alpha, full = Family.GBR, (0, 0), bool(match["alpha"]), True
        else:
            raise UnsupportedMedia(
                f"the pixel format {name} cannot be edited in place; planar YUV, gray and GBR of 8 to 16 bits can"
            )
        depth = int(match["depth"] or 8)
        matrix = colour.matrix
        if family is Family.GBR:
            matrix = 0
        elif matrix in (0, 2, 3):
            matrix = 1 if stream.height >= HD_HEIGHT or stream.width >= HD_WIDTH else 6
        return cls(
            name=name,
            family=family,
            chroma_shift=shift,
            has_alpha=alpha,
            bit_depth=depth,
            full_range=full,
            matrix=matrix,
            transfer=colour.transfer,
            primaries=colour.primaries,
            chroma_location=colour.chroma_location,
            scan=Scan.PROGRESSIVE if stream.field_order in ("progressive", "unknown", "") else Scan.INTERLACED,
        )

    @property
    def dtype(self) -> np.dtype[Any]:
        """Return the dtype of a plane."""
        return np.dtype(np.uint8 if self.bit_depth == 8 else np.uint16)

    @property
    def max_value(self) -> int:
        """Return the largest code value of the depth."""
        return (1 << self.bit_depth) - 1

    @property
    def colour_planes(self) -> int:
        """Return the number of planes that hold colour."""
        return 1 if self.family is Family.GRAY else 3

    @property
    def plane_count(self) -> int:
        """Return the number of planes, alpha included."""
        return self.colour_planes + self.has_alpha

    def shift_of(self, plane: int) -> tuple[int, int]:
        """Return the (x, y) log2 subsampling of a plane."""
        return self.chroma_shift if self.family is Family.YUV and plane in (1, 2) else (0, 0)

    @property
    def chroma_site(self) -> tuple[float, float]:
        """Return where a chroma sample lies among the luma pixels that share it, (x, y) from the first one's centre."""
        shift_x, shift_y = self.chroma_shift
        centre_x, centre_y = ((1 << shift_x) - 1) / 2, ((1 << shift_y) - 1) / 2
        x = 0.0 if shift_x == 1 and self.chroma_location not in CENTRED else centre_x
        y = centre_y
        if shift_y == 1 and self.scan is Scan.PROGRESSIVE:
            y = 0.0 if self.chroma_location in TOP else 1.0 if self.chroma_location in BOTTOM else centre_y
        return x, y

    def plane_size(self, width: int, height: int, plane: int) -> tuple[int, int]:
        """Return the (width, height) of a plane of a frame of that size; odd sizes round up."""
        x, y = self.shift_of(plane)
        return -(-width >> x), -(-height >> y)

    def scanned(self, scan: Scan) -> Self:
        """Return the format with the scan of one particular frame."""
        return replace(self, scan=scan)
