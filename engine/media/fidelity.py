"""How near a decoded frame is to the one that was encoded."""

from __future__ import annotations

import math

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

Plane = NDArray[np.uint8 | np.uint16]

IDENTICAL_DB = 100.0
"""What stands for "no difference", and the highest figure there is."""


def planes(frame: VideoFrame) -> list[Plane]:
    """Return the frame's planes as views, without padding: uint8 or, above 8 bits, uint16 [H, W].

    A packed format is one plane whose rows hold the components side by side.
    """
    components = frame.format.components
    depth = components[0].bits
    dtype: np.dtype[np.uint8 | np.uint16] = np.dtype(np.uint8) if depth <= 8 else np.dtype(np.uint16)
    packed = len(frame.planes) == 1 and len(components) > 1
    result: list[Plane] = []
    for plane in frame.planes:
        width = plane.width
        if packed:
            width = width * frame.format.padded_bits_per_pixel // (8 * dtype.itemsize)
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
        result.append(rows[:, :width])
    return result


def psnr_db(reference: VideoFrame, decoded: VideoFrame) -> float:
    """Return the PSNR of the plane that fares worst, at most IDENTICAL_DB.

    PSNR = 10 log10(peak^2 / mean squared error), peak = 2 ** bits - 1.
    """
    peak = (1 << reference.format.components[0].bits) - 1
    worst = IDENTICAL_DB
    for ours, theirs in zip(planes(reference), planes(decoded), strict=True):
        squared = cv2.norm(ours, theirs, cv2.NORM_L2SQR)
        if squared:
            worst = min(worst, 10 * math.log10(peak * peak * ours.size / squared))
    return worst


def luma_only(frame: VideoFrame, pix_fmt: str) -> VideoFrame:
    """Return a grey frame of the first plane's samples."""
    result = VideoFrame(frame.width, frame.height, pix_fmt)
    planes(result)[0][...] = planes(frame)[0]
    return result


def in_format(frame: VideoFrame, pix_fmt: str) -> VideoFrame:
    """Return a frame as an encoder takes it: its luma alone for a grey format, else the same planes in fewer bits.

    Codes of fewer bits are the nearest ones; the planes of both formats must be the same in number and size.
    """
    if pix_fmt.startswith("gray"):
        return luma_only(frame, pix_fmt)
    result = VideoFrame(frame.width, frame.height, pix_fmt)
    shift = frame.format.components[0].bits - result.format.components[0].bits
    peak = (1 << result.format.components[0].bits) - 1
    for ours, theirs in zip(planes(result), planes(frame), strict=True):
        ours[...] = np.minimum((theirs + (1 << shift >> 1)) >> shift, peak)
    return result


def noise_frame(width: int, height: int, pix_fmt: str) -> VideoFrame:
    """Return a frame of even noise over all code values, the same at every call."""
    result = VideoFrame(width, height, pix_fmt)
    rng = np.random.default_rng(1)
    peak = 1 << result.format.components[0].bits
    for plane in planes(result):
        plane[...] = rng.integers(0, peak, plane.shape, dtype=plane.dtype)
    return result
