"""How the camera stood in each shot: still, panning, zooming, held by hand; from the measured motion."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from engine.features.measures import PictureMeasures
from engine.model.time import Range

_STILL_PER_S = 0.012
"""Shares of the picture's long side per second; what moves less stands still."""
_STEADY = 0.65
"""A pan goes one way: the sum of its steps is this share of their lengths."""
_ZOOM_PER_S = 0.03


class CameraMotion(Enum):
    """What the camera does."""

    STATIC = "static"
    PAN = "pan"
    """It turns or travels one way, sideways or up and down."""
    ZOOM = "zoom"
    HANDHELD = "handheld"
    """It moves to and fro."""


@dataclass(frozen=True, slots=True)
class ShotMotion:
    """A shot and what moves in it.

    Attributes:
        speed: of the whole picture, and activity: of what moves beside that; shares of the long side per second.
    """

    frames: Range
    camera: CameraMotion
    speed: float
    activity: float


def shot_motion(picture: PictureMeasures, shot: Range, rate: float) -> ShotMotion:
    """Return what moves in a shot.

    Args:
        picture: measures of the source.
        shot: its frames; the step to its first frame is not looked at.
        rate: frames per second.
    """
    inside = slice(shot.start + 1, shot.stop)
    x, y, zoom = (getattr(picture, name)[inside] for name in ("pan_x", "pan_y", "zoom"))
    activity = float(picture.local[inside].mean()) * rate if x.size else 0.0
    if x.size < 3:
        return ShotMotion(shot, CameraMotion.STATIC, 0.0, activity)
    steps = np.hypot(x, y)
    speed = float(np.median(steps)) * rate
    # Half the picture's edge moves by half of the growth.
    growth = abs(float(zoom.mean())) * rate
    one_way = float(np.hypot(x.sum(), y.sum()) / max(1e-9, steps.sum()))
    if growth > _ZOOM_PER_S and growth / 2 > speed * one_way:
        camera = CameraMotion.ZOOM
    elif float(steps.mean()) * rate < _STILL_PER_S:
        camera = CameraMotion.STATIC
    elif one_way > _STEADY:
        camera = CameraMotion.PAN
    else:
        camera = CameraMotion.HANDHELD
    return ShotMotion(shot, camera, speed, activity)
