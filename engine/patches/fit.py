"""Fit an edited picture into its surroundings on the anchor: size, place, colour; with figures, and doubts.

Everything is judged on the ring around the region, which the edit should have left alone. What comes out is blended by
engine.patches.pictures.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.model.picture import Picture
from engine.model.pixel_format import PixelFormat
from engine.model.tool import FitStep
from engine.motion.align import LOOSE, Alignment, Sight, align
from engine.motion.frame import Float64, MotionFrame
from engine.motion.template import make_template
from engine.patches.blend import Planes
from engine.patches.colour import picture_to_film
from engine.patches.crop import Crop, film_crop
from engine.patches.matte import Float32, Matte
from engine.patches.pictures import blend_film
from engine.patches.surface import smooth_surface

_LEAST_RING = 400
"""Pixels."""
_LIKELY_SHIFT_PX = 6.0
_LEAST_CORRELATION = 0.75
_LEAST_SUPPORT = 0.35
_MOST_SHIFT = 0.03
_MOST_GAIN = 1.6
_CLEAR_PX = 13
"""The ring for the registration keeps clear of the region: pictures are compared after levelling over such boxes."""
_OFFSET_SIGMA_PX = 6.0
_MOST_OFFSET = 0.12


@dataclass(frozen=True, slots=True)
class FitReport:
    """How an edited picture met its surroundings.

    Attributes:
        correlation: of the ring with the anchor after registration, -1 to 1; 1 where it was not asked for.
        support: share of the ring that matches, 0 to 1.
        shift_px: how far the picture was moved on average. scale: factor. turn_deg: clockwise.
        gain: per channel R, G, B. offset: likewise, of full scale.
        before_rmse, after_rmse: difference on the ring, in 8-bit steps.
        doubts: why a person should look; empty for a good fit.
    """

    correlation: float
    support: float
    shift_px: float
    scale: float
    turn_deg: float
    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    before_rmse: float
    after_rmse: float
    doubts: tuple[str, ...]


def fit(
    planes: Planes,
    pixel_format: PixelFormat,
    matte: Matte,
    picture: Picture,
    crop: Crop,
    *,
    rotation: int,
    steps: tuple[FitStep, ...],
) -> tuple[Planes, FitReport]:
    """Return the anchor frame with an edited picture of a crop of it fitted in, and the figures.

    A step that cannot be done well is left out and named as a doubt.

    Args:
        planes: the anchor frame; not modified.
        pixel_format: its format.
        matte: where the edit shows; its feather hides what is left of the seam.
        picture: the edit of the whole crop, upright, any size.
        crop: the part of the frame that the picture shows.
        rotation: degrees clockwise by which a player turns the frame.
        steps: what to fit.

    Raises:
        EditRefused: the matte does not fit the frame.
        UnsupportedMedia: the film's matrix is not a plain Y'CbCr one.
    """
    anchor = film_crop(planes, pixel_format, crop)
    edited, opacity = _resized(picture, crop, rotation)
    edited = picture_to_film(edited, picture.colour, pixel_format)
    alpha = matte.full()[crop.top : crop.bottom, crop.left : crop.right]
    ring = _ring(alpha, 2) & (opacity > 0.98)
    before = _rmse(anchor, edited, ring)
    doubts: list[str] = []
    alignment: Alignment | None = None
    if int(ring.sum()) < _LEAST_RING:
        doubts.append("there is too little picture around the region to fit to; leave more room")
    elif FitStep.REGISTER in steps:
        alignment = _registered(anchor, edited, alpha, opacity)
        reason = _doubt(alignment, crop)
        if reason:
            doubts.append(reason)
        else:
            edited, opacity, ring = _moved(edited, opacity, ring, alignment.homography)
    gain, offset = np.ones(3), np.zeros(3)
    if FitStep.COLOUR in steps and int(ring.sum()) >= _LEAST_RING:
        gain, offset = _colour(anchor, edited, ring)
        if max(gain.max(), 1 / max(gain.min(), 1e-3)) > _MOST_GAIN:
            doubts.append(f"the picture's colours differ by a factor of {max(gain.max(), 1 / gain.min()):.1f}")
            gain, offset = np.ones(3), np.zeros(3)
        edited = (edited * gain.astype(np.float32) + offset.astype(np.float32)).astype(np.float32)
        edited = edited + _evened(anchor, edited, ring)
    report = _report(alignment, gain, offset, before, _rmse(anchor, edited, ring), doubts)
    return _blended(planes, pixel_format, matte, crop, edited, opacity), report


def _resized(picture: Picture, crop: Crop, rotation: int) -> tuple[Float32, Float32]:
    """Return rgb [h, w, 3] and opacity [h, w] at the crop's size, turned like the frame."""
    turned = np.ascontiguousarray(np.rot90(picture.rgba, k=rotation // 90 % 4))
    rgba = turned.astype(np.float32) * np.float32(1.0 / np.iinfo(picture.rgba.dtype).max)
    rgba[..., :3] *= rgba[..., 3:]
    shrinks = crop.width < rgba.shape[1] or crop.height < rgba.shape[0]
    if rgba.shape[:2] != (crop.height, crop.width):
        how = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
        rgba = np.asarray(cv2.resize(rgba, (crop.width, crop.height), interpolation=how), np.float32)
    opacity: Float32 = np.clip(rgba[..., 3], 0, 1)
    rgb: Float32 = np.clip(rgba[..., :3] / np.maximum(rgba[..., 3:], np.float32(1e-4)), 0, 1)
    return rgb, opacity


def _ring(alpha: Float32, clear_px: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return the pixels of the crop that lie clear of the matte."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * clear_px + 1, 2 * clear_px + 1))
    return np.asarray(cv2.dilate((alpha > 0).astype(np.uint8), kernel) == 0)


def _luma(film: Float32) -> MotionFrame:
    grey = film @ np.array([0.25, 0.65, 0.10], np.float32)
    return MotionFrame(np.clip(np.floor(grey * 255 + 0.5), 0, 255).astype(np.uint8))


def _registered(anchor: Float32, edited: Float32, alpha: Float32, opacity: Float32) -> Alignment:
    """Align the picture's ring with the anchor's as an affinity, by the tracker's robust aligner."""
    clear = _CLEAR_PX
    while clear > 2 and int((_ring(alpha, clear) & (opacity > 0.98)).sum()) < 4 * _LEAST_RING:
        clear -= 3
    weight = (_ring(alpha, clear) & (opacity > 0.98)).astype(np.float32)
    if not weight.any():
        weight = (_ring(alpha, 0)).astype(np.float32)
    template = make_template(_luma(anchor), weight)
    frame = _luma(edited)
    identity = np.eye(3)
    best: Alignment | None = None
    # An edit drifts by a few pixels, or (a larger model's) by a share of its size.
    for likely in (_LIKELY_SHIFT_PX, max(_LIKELY_SHIFT_PX, 0.03 * max(alpha.shape))):
        spread = likely * np.array([1, 1, 0.8, 0.5, 0.5, 0.5, 1e-3, 1e-3])
        sight = Sight(frame, template, [template.chart.corners_of(identity)])
        found = align(sight, template, identity, spread, coarsest=3, tolerance=LOOSE, steps=10)
        if best is None or found.support * found.correlation > 1.05 * best.support * best.correlation:
            best = found
        if best.support > 0.8 and best.correlation > 0.9:
            break
    assert best is not None
    return best


def _doubt(alignment: Alignment, crop: Crop) -> str:
    if alignment.support < _LEAST_SUPPORT or alignment.correlation < _LEAST_CORRELATION:
        return (
            f"the picture does not match its surroundings: correlation {alignment.correlation:.2f} on "
            f"{100 * alignment.support:.0f} % of the ring"
        )
    shift = _shift(alignment.homography, crop)
    limit = _MOST_SHIFT * max(crop.width, crop.height)
    if shift > limit:
        return f"the picture seems shifted by {shift:.0f} px, more than the {limit:.0f} px that are corrected unasked"
    return ""


def _shift(homography: Float64, crop: Crop) -> float:
    corners = np.array([[0, 0, 1], [crop.width, 0, 1], [crop.width, crop.height, 1], [0, crop.height, 1.0]])
    moved = corners @ homography.T
    return float(np.hypot(*(moved[:, :2] / moved[:, 2:] - corners[:, :2]).T).mean())


def _moved(
    edited: Float32, opacity: Float32, ring: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], homography: Float64
) -> tuple[Float32, Float32, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Return picture, opacity and ring with the picture brought onto the anchor (homography: anchor to picture)."""
    size = edited.shape[1], edited.shape[0]
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    straight = cv2.warpPerspective(edited, homography, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    clear = cv2.warpPerspective(
        opacity, homography, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    inside = cv2.warpPerspective(np.ones_like(opacity), homography, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return (
        np.asarray(np.clip(straight, 0, 1), np.float32),
        np.asarray(clear, np.float32),
        np.asarray(ring & (inside > 0.99)),
    )


def _colour(
    anchor: Float32, edited: Float32, ring: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
) -> tuple[Float64, Float64]:
    """Return gain and offset per channel that bring the picture's ring to the anchor's, robust to what was changed."""
    gains, offsets = np.ones(3), np.zeros(3)
    # Smoothed, so that neither grain nor the last half pixel of registration flattens the slope.
    goal, source = cv2.blur(anchor, (5, 5))[ring].astype(np.float64), cv2.blur(edited, (5, 5))[ring].astype(np.float64)
    for channel in range(3):
        x, y = source[:, channel], goal[:, channel]
        weight = np.ones_like(x)
        gain, offset = 1.0, float(np.median(y - x))
        for _ in range(8):
            total = weight.sum()
            mean_x, mean_y = (weight * x).sum() / total, (weight * y).sum() / total
            variance = (weight * (x - mean_x) ** 2).sum() / total
            covariance = (weight * (x - mean_x) * (y - mean_y)).sum() / total
            # A flat ring says nothing about contrast: the gain stays near one.
            gain = (covariance + 2e-5) / (variance + 2e-5)
            offset = mean_y - gain * mean_x
            error = np.abs(y - gain * x - offset)
            scale = max(1.4826 * float(np.median(error)), 1e-3)
            weight = 1 / (1 + (error / (2.0 * scale)) ** 2)
        gains[channel], offsets[channel] = gain, offset
    return gains, offsets


def _evened(anchor: Float32, edited: Float32, ring: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Float32:
    """Return the smooth surface that meets what still differs along the ring: a tint that changes over the picture."""
    difference = anchor - edited
    robust = ring & (np.abs(difference).max(axis=2) < _MOST_OFFSET)
    known = robust.astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), _OFFSET_SIGMA_PX)
    surface = np.zeros_like(anchor)
    for channel in range(3):
        level = cv2.GaussianBlur(known * difference[..., channel], (0, 0), _OFFSET_SIGMA_PX) / np.maximum(weight, 1e-3)
        near = (weight > 0.15).astype(np.float32)
        surface[..., channel] = smooth_surface(np.asarray(level * near, np.float32), near)
    return np.asarray(np.clip(surface, -_MOST_OFFSET, _MOST_OFFSET), np.float32)


def _rmse(anchor: Float32, edited: Float32, ring: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    if not ring.any():
        return 0.0
    return 255.0 * float(np.sqrt(np.square(anchor[ring] - edited[ring]).mean()))


def _report(
    alignment: Alignment | None, gain: Float64, offset: Float64, before: float, after: float, doubts: list[str]
) -> FitReport:
    homography = np.eye(3) if alignment is None else alignment.homography
    linear = homography[:2, :2]
    return FitReport(
        1.0 if alignment is None else alignment.correlation,
        1.0 if alignment is None else alignment.support,
        0.0 if alignment is None else float(np.hypot(*_centre_shift(alignment))),
        1.0 / float(np.sqrt(max(abs(np.linalg.det(linear)), 1e-9))),
        -float(np.degrees(np.arctan2(linear[1, 0], linear[0, 0]))),
        (float(gain[0]), float(gain[1]), float(gain[2])),
        (float(offset[0]), float(offset[1]), float(offset[2])),
        before,
        after,
        tuple(doubts),
    )


def _centre_shift(alignment: Alignment) -> Float64:
    height, width = alignment.weight.shape
    centre = np.array([width / 2, height / 2, 1.0])
    moved = alignment.homography @ centre
    return np.asarray(moved[:2] / moved[2] - centre[:2])


def _blended(
    planes: Planes, pixel_format: PixelFormat, matte: Matte, crop: Crop, edited: Float32, opacity: Float32
) -> Planes:
    """Blend the fitted crop into the frame under the matte; beyond the crop the frame stays."""
    height, width = matte.alpha.shape
    film, clear = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    x0, y0 = max(crop.left, matte.x), max(crop.top, matte.y)
    x1, y1 = min(crop.right, matte.x + width), min(crop.bottom, matte.y + height)
    if x1 <= x0 or y1 <= y0:
        return planes
    there = slice(y0 - matte.y, y1 - matte.y), slice(x0 - matte.x, x1 - matte.x)
    here = slice(y0 - crop.top, y1 - crop.top), slice(x0 - crop.left, x1 - crop.left)
    film[there], clear[there] = np.clip(edited[here], 0, 1), opacity[here]
    return blend_film(planes, pixel_format, matte, film, clear)
