"""Which frames' small pictures stand where along a clip.

They stand on frames that are multiples of a power of two, so that zooming and scrolling ask for the same ones again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from engine.model.source import FrameTimes
from engine.model.storyline import Clip, Native, source_frame
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class Slot:
    """Room for a picture: pixels from the left edge of the view; frame: of the source."""

    left: float
    right: float
    frame: int


def slots(
    clip: Clip,
    frames: Range,
    times: FrameTimes,
    rate: Fraction,
    frames_per_px: float,
    scroll_px: int,
    picture_px: float,
    exposed: tuple[float, float],
) -> Iterator[Slot]:
    """Yield the slots of a clip that lie in a part of the view, from the left.

    Args:
        clip: what shows.
        frames: where it stands on the timeline.
        times: its source's frame times.
        rate: the canvas's.
        frames_per_px: the zoom.
        scroll_px: pixels scrolled away at the left.
        picture_px: how wide a picture is.
        exposed: the left and right pixel of the part.
    """
    step = 1 << max(0, math.floor(math.log2(max(1.0, picture_px * frames_per_px))))
    offset = clip.timing.source_range.start if isinstance(clip.timing, Native) else 0
    first = max(0, int((exposed[0] + scroll_px) * frames_per_px) - frames.start - step) + offset
    at = first // step * step
    while at < offset + len(frames):
        begun = max(0, at - offset)
        left = (frames.start + begun) / frames_per_px - scroll_px
        stop = min(len(frames), at + step - offset)
        right = (frames.start + stop) / frames_per_px - scroll_px
        if left >= exposed[1]:
            return
        if right > exposed[0] and stop > begun:
            yield Slot(left, right, source_frame(clip.timing, begun, times, rate))
        at += step
