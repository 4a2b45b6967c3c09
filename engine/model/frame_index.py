"""The frame index: what every coded unit of a video stream is, and which frame it shows.

Data only. Building it from a file is engine.index; deciding with it is engine.plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]


class UnitKind(IntEnum):
    """What a decoder may do at a coded unit."""

    OTHER = 0
    """Needs what came before."""
    IDR = 1
    """A clean entry: nothing from here on refers back (H.264/HEVC IDR, VP8/VP9/AV1 key frame, MPEG I in a closed GOP
    with no leading picture, every frame of an intra-only codec)."""
    CRA = 2
    """HEVC CRA: an entry once its leading pictures are gone and it is renamed to BLA_N_LP."""
    BLA = 3
    """HEVC BLA: a clean entry by definition; leading pictures, if any, are re-encoded like a CRA's."""
    OPEN_I = 4
    """MPEG-1/2/4 I picture whose leading B pictures need the former GOP: an entry once those are gone."""
    INTRA = 5
    """An intra picture behind which later pictures may still refer across it (H.264 non-IDR I): no entry."""
    RECOVERY = 6
    """H.264 recovery point: pictures are right only some frames later, or refer across it: no entry."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """One row per coded unit in decode order, and the order in which units are shown.

    A unit is what one shown frame is made of: one packet, or several (two field packets, a hidden reference
    frame and the frame after it). All arrays have length `unit_count` unless noted.

    Attributes:
        codec: FFmpeg's name of the codec, e.g. "h264".
        time_base: seconds per tick of pts, dts and duration.
        pts: int64, presentation time in ticks, as the demuxer gives it (edit list applied); unique per unit.
        dts: int64, decode time in ticks, non-decreasing, at most the unit's pts (made up where the file has none).
        duration: int64, ticks until the next shown frame.
        size: int64, bytes of all packets of the unit.
        position: int64, byte offset of the first packet in the file, -1 where unknown.
        kind: uint8, a UnitKind.
        presented: bool, False for units that are decoded but never shown (an edit list or a skip hides them).
        first_packet: int64, ordinal of the unit's first packet among the stream's packets.
        packet_count: int64, packets of the unit.
        order: int64 [frame_count], the unit of each shown frame, in presentation order.
        frame_of: int64, the frame number of each unit, -1 when it is not presented.
        exact_timestamps: False where the file gave no usable timestamps and they were made up.
    """

    codec: str
    time_base: Fraction
    pts: Int64
    dts: Int64
    duration: Int64
    size: Int64
    position: Int64
    kind: NDArray[np.uint8]
    presented: NDArray[np.bool_]
    first_packet: Int64
    packet_count: Int64
    order: Int64
    frame_of: Int64
    exact_timestamps: bool

    @property
    def unit_count(self) -> int:
        """Return the number of coded units."""
        return int(self.pts.size)

    @property
    def frame_count(self) -> int:
        """Return the number of shown frames."""
        return int(self.order.size)

    @property
    def packet_total(self) -> int:
        """Return the number of packets of the stream."""
        return int(self.packet_count.sum())

    @property
    def frame_pts(self) -> Int64:
        """Return the presentation time of each frame, in ticks, increasing."""
        return self.pts[self.order]

    def frame_at(self, ticks: int) -> int:
        """Return the frame shown at a time: the last one that starts at or before it, else the first."""
        return max(0, int(np.searchsorted(self.frame_pts, ticks, side="right")) - 1)
