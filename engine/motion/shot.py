"""Where one shot ends and another begins, as far as following goes: other tones in other places."""

from __future__ import annotations

import cv2
import numpy as np

from engine.control import CancelToken
from engine.model.time import Range
from engine.motion.frame import Float32, FrameReader, MotionFrame

_CUT_CHANGE, _CUT_TONES, _CUT_LIKENESS = 20.0, 0.15, 0.45


def is_cut(before: MotionFrame, after: MotionFrame) -> bool:
    """Tell whether the next frame is plainly another shot: other tones in other places."""
    small = [_overview(frame) for frame in (before, after)]
    if float(np.abs(small[0] - small[1]).mean()) < _CUT_CHANGE:
        return False
    counts = [np.histogram(item, bins=24, range=(0, 256))[0] / item.size for item in small]
    apart = float(np.abs(counts[0] - counts[1]).sum()) / 2
    blurred = [cv2.GaussianBlur(item, (0, 0), 2.0) for item in small]
    alike = (
        float(np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1]) if all(b.std() > 0 for b in blurred) else 0.0
    )
    # A camera swept around keeps its tones, a flash its places.
    return apart > _CUT_TONES and alike < _CUT_LIKENESS


def _overview(frame: MotionFrame) -> Float32:
    """Return the frame's light and dark at a glance, float32 [27, 48]; every few pixels are enough for that."""
    step = max(1, frame.width // 240)
    sparse = np.ascontiguousarray(frame.luma[::step, ::step])
    return np.asarray(cv2.resize(sparse, (48, 27), interpolation=cv2.INTER_AREA), np.float32)


def shot_around(read: FrameReader, anchor: int, frames: Range, cancel: CancelToken) -> tuple[Range, tuple[bool, bool]]:
    """Return the part of a window that is one shot with its anchor, and whether cuts end it: (before, after).

    Raises:
        Cancelled: the work was asked to stop.
    """
    ends = []
    for way in (range(anchor - 1, frames.start - 1, -1), range(anchor + 1, frames.stop)):
        last, before = anchor, read(anchor)
        for number in way:
            cancel.check()
            after = read(number)
            if is_cut(before, after):
                break
            last, before = number, after
        ends.append(last)
    shot = Range(ends[0], ends[1] + 1)
    return shot, (shot.start > frames.start, shot.stop < frames.stop)
