"""Before, after, and where they differ, as pictures for a person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.errors import StorageError
from engine.media.pixels import Frame, planes, to_rgb
from engine.patches.matte import Float32

Rgb = NDArray[np.uint8]

AMPLIFIED = 8
"""How many times a difference of code values is amplified before it becomes heat."""

_CAPTION = 34
_UNDER_HEAT = (0.3 * (np.arange(3 * 255 + 1) / 3)).astype(np.uint8)
"""30 % of the mean of three colours, by their sum."""
_TINT = (255.0, 122.0, 26.0)


def before_after(before: Frame, after: Frame, rotation: int) -> Rgb:
    """Return the two frames side by side with captions, uint8 [H, W, 3] RGB, as displayed."""
    sides = [
        _captioned(to_rgb(frame, rotation=rotation), text) for frame, text in ((before, "Before"), (after, "After"))
    ]
    gap = np.full((sides[0].shape[0], 8, 3), 17, np.uint8)
    return np.concatenate([sides[0], gap, sides[1]], axis=1)


def heat_map(before: Frame, after: Frame, rotation: int, amplified: int = AMPLIFIED) -> Rgb:
    """Return the amplified difference as inferno over the grey frame at 30 %, uint8 [H, W, 3] RGB, as displayed.

    The difference is taken in the frames' own luma and chroma, so that nothing is lost or added by a conversion.
    """
    size = (before.width, before.height)
    amount = np.zeros((before.height, before.width), np.uint8)
    for old, new in zip(planes(before), planes(after), strict=True):
        depth = 255.0 / float(np.iinfo(old.dtype).max if old.dtype == np.uint8 else _peak(before))
        difference = cv2.resize(cv2.absdiff(old, new), size, interpolation=cv2.INTER_NEAREST)
        amount = np.maximum(amount, cv2.convertScaleAbs(difference, alpha=depth * amplified))
    amount = np.ascontiguousarray(np.rot90(amount, -(rotation // 90)))
    rgb = to_rgb(before, rotation=rotation)
    # By a table, since three colours of a large frame in floating point take a hundred megabytes.
    sums = rgb[..., 0].astype(np.uint16)
    sums += rgb[..., 1]
    sums += rgb[..., 2]
    under = _UNDER_HEAT[sums]
    heat = cv2.cvtColor(cv2.applyColorMap(amount, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    result: Rgb = np.asarray(cv2.add(heat, cv2.merge([under, under, under])), np.uint8)
    return result


def wipe(before: Frame, after: Frame, rotation: int) -> Rgb:
    """Return the frame before on the left and after on the right of a line, uint8 [H, W, 3] RGB, as displayed."""
    left, right = (to_rgb(frame, rotation=rotation) for frame in (before, after))
    middle = left.shape[1] // 2
    result = right.copy()
    result[:, :middle] = left[:, :middle]
    result[:, max(0, middle - 1) : middle + 1] = 255
    return result


def alpha_overlay(frame: Frame, alpha: Float32, rotation: int) -> Rgb:
    """Return a frame with a matte over it in orange, its edge in white, uint8 [H, W, 3] RGB, as displayed.

    Args:
        frame: the decoded frame.
        alpha: float32 [H, W] in 0..1, of the decoded frame.
        rotation: degrees clockwise by which a player turns it.
    """
    matte = np.ascontiguousarray(np.rot90(alpha, -(rotation // 90)))
    picture = to_rgb(frame, rotation=rotation).astype(np.float32)
    strength = (np.float32(0.6) * matte)[..., None]
    tinted = picture + strength * (np.array(_TINT, np.float32) - picture)
    inside = (matte > 0.5).astype(np.uint8)
    edge = cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    tinted[edge] = 255
    result: Rgb = np.clip(np.rint(tinted), 0, 255).astype(np.uint8)
    return result


def changed_outside(before: Frame, after: Frame, alpha: Float32) -> int:
    """Return how many pixels differ in any plane though no patch may change them.

    A chroma sample lies outside where none of the pixels that share it is inside.
    """
    outside = np.zeros(alpha.shape, bool)
    free = (alpha <= 0).astype(np.uint8)
    for old, new in zip(planes(before), planes(after), strict=True):
        size = old.shape[1], old.shape[0]
        differs = (old != new).astype(np.uint8)
        shared = cv2.resize(differs, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_NEAREST)
        if size != (alpha.shape[1], alpha.shape[0]):
            across, down = -(-alpha.shape[1] // size[0]), -(-alpha.shape[0] // size[1])
            near = cv2.erode(free, np.ones((2 * down - 1, 2 * across - 1), np.uint8))
        else:
            near = free
        outside |= (np.asarray(shared) > 0) & (np.asarray(near) > 0)
    return int(outside.sum())


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
