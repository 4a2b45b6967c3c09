"""A smooth surface through known samples, cheap at any size."""

from __future__ import annotations

import cv2
import numpy as np

from engine.patches.matte import Float32


def smooth_surface(values: Float32, known: Float32) -> Float32:
    """Return a surface through the known samples: pulled down a pyramid and pushed back up, then relaxed.

    Args:
        values: float32 [h, w]; anything where nothing is known.
        known: float32 [h, w], 1 where a value counts, 0 where not.
    """
    levels = [(values * known, known)]
    while min(levels[-1][0].shape) > 2 and levels[-1][1].min() == 0:
        total, weight = (np.asarray(cv2.pyrDown(item), np.float32) for item in levels[-1])
        full = np.minimum(weight * 4, 1.0)
        scale = full / np.maximum(weight, 1e-6)
        levels.append((total * scale, full))
    total, weight = levels[-1]
    mean = float(total.sum() / max(float(weight.sum()), 1e-6))
    surface = np.where(weight > 1e-4, total / np.maximum(weight, 1e-4), mean).astype(np.float32)
    for total, weight in reversed(levels[:-1]):
        # pyrDown keeps even samples in place; only pyrUp undoes it without a shift.
        raised = cv2.pyrUp(surface, dstsize=(total.shape[1], total.shape[0]))
        surface = np.asarray(total + raised * (1 - weight), np.float32)
        free = weight < 1
        for _ in range(4):
            relaxed = cv2.blur(surface, (3, 3), borderType=cv2.BORDER_REPLICATE)
            surface = np.where(free, weight * surface + (1 - weight) * relaxed, surface).astype(np.float32)
    return surface
