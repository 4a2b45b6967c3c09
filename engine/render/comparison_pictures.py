"""Before, after, and where they differ, as pictures for a person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import StorageError
from engine.media.pixels import Frame, planes, to_rgb

Rgb = NDArray[np.uint8]

AMPLIFIED = 8
"""How many times a difference of code values is amplified before it becomes heat."""

_CAPTION = 34


def before_after(before: Frame, after: Frame, rotation: int) -> Rgb:
    """Return the two frames side by side with captions, uint8 [H, W, 3] RGB, as displayed."""
    sides = [
        _captioned(to_rgb(frame, rotation=rotation), text) for frame, text in ((before, "Before"), (after, "After"))
    ]
    gap = np.full((sides[0].shape[0], 8, 3), 17, np.uint8)
    return np.concatenate([sides[0], gap, sides[1]], axis=1)


def heat_map(before: Frame, after: Frame, rotation: int) -> Rgb:
    """Return the amplified difference as inferno over the grey frame at 30 %, uint8 [H, W, 3] RGB, as displayed.

    The difference is taken in the frames' own luma and chroma, so that nothing is lost or added by a conversion.
    """
    grey = to_rgb(before, rotation=rotation).mean(axis=2)
    heat = np.zeros((before.height, before.width), np.float32)
    for old, new in zip(planes(before), planes(after), strict=True):
        depth = 255.0 / float(np.iinfo(old.dtype).max if old.dtype == np.uint8 else _peak(before))
        difference = np.abs(old.astype(np.float32) - new.astype(np.float32)) * np.float32(depth)
        size = (before.width, before.height)
        heat = np.maximum(heat, np.asarray(cv2.resize(difference, size, interpolation=cv2.INTER_NEAREST), np.float32))
    amount = np.clip(heat * AMPLIFIED, 0, 255).astype(np.uint8)
    amount = np.ascontiguousarray(np.rot90(amount, -(rotation // 90)))
    colours = cv2.cvtColor(cv2.applyColorMap(amount, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    result: Rgb = np.clip(colours + 0.3 * grey[..., None], 0, 255).astype(np.uint8)
    return result


def write_png(path: Path, picture: Rgb) -> None:
    """Write a picture, uint8 [H, W, 3] RGB.

    Raises:
        StorageError: it cannot be written.
    """
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise StorageError(f"{path} cannot be written: {error.strerror}") from error


def _peak(frame: Frame) -> int:
    return (1 << max(component.bits for component in frame.format.components)) - 1


def _captioned(picture: Rgb, text: str) -> Rgb:
    band = np.full((_CAPTION, picture.shape[1], 3), 17, np.uint8)
    cv2.putText(band, text, (12, 23), cv2.FONT_HERSHEY_DUPLEX, 0.6, (236, 238, 241), 1, cv2.LINE_AA)
    return np.concatenate([band, picture], axis=0)
