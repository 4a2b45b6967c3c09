"""What a picture's values are, as figures and small pictures. Arrays only: it runs in a worker."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.session.scene import Scene
from engine.media.pixels import to_rgb

WIDTH = 384
"""Pixels across of the picture that is measured."""
LEVELS = 256
WAVE_HEIGHT = 160
VECTOR_SIZE = 220
_FAINTEST = 70
# ITU-R BT.709 luma of R'G'B'.
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Of one timeline frame.

    Attributes:
        frame: its number.
        histogram: float32 [4, LEVELS], how often each value occurs in red, green, blue and luma; 1 for the usual most.
        wave: uint8 [WAVE_HEIGHT, WIDTH], how often each luma (white on top) occurs in each column.
        vector: uint8 [VECTOR_SIZE, VECTOR_SIZE], how often each colour occurs: Cb to the right, Cr upwards.
        clipped: shares of the picture that are wholly black, and wholly white.
    """

    frame: int
    histogram: NDArray[np.float32]
    wave: NDArray[np.uint8]
    vector: NDArray[np.uint8]
    clipped: tuple[float, float]


def measures(scene: Scene, frame: int) -> Measures:
    """Return the measures of a timeline frame, as it shows.

    Raises:
        MediaError: a source cannot be read.
    """
    composed = scene.after.compose(frame)
    height = max(2, round(WIDTH * composed.height / composed.width))
    return measured(to_rgb(composed, (WIDTH, height), scene.video.rotation), frame)


def measured(rgb: NDArray[np.uint8], frame: int) -> Measures:
    """Return the measures of a picture, uint8 [H, W, 3] sRGB."""
    values = rgb.astype(np.float32)
    luma = np.clip(values @ _LUMA, 0, 255)
    planes = (*np.moveaxis(rgb, 2, 0), luma.astype(np.uint8))
    counts = np.stack([np.bincount(plane.ravel(), minlength=LEVELS) for plane in planes]).astype(np.float32)
    # One flat background would make everything else invisible: the scale is that of the usual values.
    most = max(1.0, float(np.percentile(counts, 99.5)))
    histogram = np.minimum(counts / most, 1.0).astype(np.float32)
    shares = float((luma < 1).mean()), float((luma > 254).mean())
    return Measures(frame, histogram, _wave(luma), _vector(values, luma), shares)


def _wave(luma: NDArray[np.float32]) -> NDArray[np.uint8]:
    rows, columns = luma.shape
    level = ((255 - luma) / 255 * (WAVE_HEIGHT - 1)).round().astype(np.int64)
    column = np.broadcast_to(np.arange(columns), (rows, columns))
    counts = np.bincount((level * columns + column).ravel(), minlength=WAVE_HEIGHT * columns)
    wave = counts.reshape(WAVE_HEIGHT, columns).astype(np.float32)
    if columns != WIDTH:
        wave = np.asarray(cv2.resize(wave, (WIDTH, WAVE_HEIGHT), interpolation=cv2.INTER_LINEAR), np.float32)
    return _bright(wave)


def _vector(values: NDArray[np.float32], luma: NDArray[np.float32]) -> NDArray[np.uint8]:
    # ITU-R BT.709: Cb = (B - Y) / 1.8556, Cr = (R - Y) / 1.5748, each -0.5 to 0.5 of full scale.
    cb = (values[..., 2] - luma) / np.float32(1.8556 * 255)
    cr = (values[..., 0] - luma) / np.float32(1.5748 * 255)
    x = ((cb + 0.5) * (VECTOR_SIZE - 1)).round().astype(np.int64).clip(0, VECTOR_SIZE - 1)
    y = ((0.5 - cr) * (VECTOR_SIZE - 1)).round().astype(np.int64).clip(0, VECTOR_SIZE - 1)
    counts = np.bincount((y * VECTOR_SIZE + x).ravel(), minlength=VECTOR_SIZE * VECTOR_SIZE)
    return _bright(counts.reshape(VECTOR_SIZE, VECTOR_SIZE).astype(np.float32))


def _bright(counts: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return counts as brightness: a single pixel is seen, many do not drown it."""
    most = float(counts.max())
    if most <= 0:
        return np.zeros(counts.shape, np.uint8)
    shades = _FAINTEST + np.log1p(counts) / np.log1p(most) * (255 - _FAINTEST)
    return np.asarray(np.where(counts > 0, shades, 0).round(), np.uint8)
