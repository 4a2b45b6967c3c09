"""Carry an edited anchor onto one frame: warp, light, hide, grain, blend. One frame in, one frame out.

Where the region goes is engine.motion.track; which edit is carried is engine.patches.propagate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.model.pixel_format import Family, PixelFormat
from engine.motion.appearance import Appearance, compare
from engine.motion.exposure import TAPS
from engine.motion.frame import Float32
from engine.motion.place import Place, Surface, blurred_maps
from engine.motion.template import noise_sigma
from engine.patches.blend import Planes, blend, to_chroma_sites, windows
from engine.patches.colour import ranges
from engine.patches.matte import Matte, window


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What is carried: the anchor frame, without and with the edit.

    Attributes:
        pixel_format: of both. anchor, edited: planes of the whole frame. matte: of the edit, on the anchor.
        grain: how much of a frame's own grain the edit takes, 0 to 1, float32 [h, w] in the matte's window.
        surface: the region's coordinates, from its track.
        noise: standard deviation of the film's noise, in 8-bit code values.
    """

    pixel_format: PixelFormat
    anchor: Planes
    edited: Planes
    matte: Matte
    surface: Surface
    noise: float
    grain: Float32 = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "grain", _wanted_grain(self))


@dataclass(frozen=True, slots=True, eq=False)
class Warped:
    """The anchor, plain and edited, on a frame's window: float32 code values per plane; and the matte there."""

    window: Matte
    anchor: tuple[Float32, ...]
    edited: tuple[Float32, ...]
    grain: Float32


def warp(content: Content, place: Place, beside: tuple[Place, Place] | None, shutter: float) -> Warped | None:
    """Return the anchor and the edit as they would be seen on a frame, or None where the region is off it.

    Args:
        content: what is carried.
        place: where the region is on the frame.
        beside: where it is one frame before and after, for motion blur; None for none.
        shutter: share of a frame's time that the shutter is open, 0 to 1.
    """
    box = target(content.surface, content.matte, place, beside if shutter > 0 else None)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    y, x = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    maps = blurred_maps(content.surface, place, beside, shutter, x, y, TAPS)
    alpha = np.zeros(x.shape, np.float32)
    left, top = np.float32(content.matte.x), np.float32(content.matte.y)
    middle_x, middle_y = maps[len(maps) // 2]
    grain = _sample(content.grain, middle_x - left, middle_y - top)
    for map_x, map_y in maps:
        alpha += _sample(content.matte.alpha, map_x - left, map_y - top)
    pairs = [
        sample_planes(
            (content.anchor[plane], content.edited[plane]),
            [plane_map(content.pixel_format, plane, map_x, map_y) for map_x, map_y in maps],
        )
        for plane in range(content.pixel_format.colour_planes)
    ]
    anchor, edited = zip(*pairs, strict=True)
    bounds = (float(x0), float(y0), float(x1), float(y1))
    matte = Matte(content.matte.width, content.matte.height, x0, y0, alpha * np.float32(1 / len(maps)), bounds)
    return Warped(matte, anchor, edited, grain)


def looked_at(content: Content, warped: Warped, planes: Planes) -> Appearance:
    """Return how the region looks on a frame against the warped anchor, at luma size.

    Args:
        content: what is carried.
        warped: it, on the frame.
        planes: the frame.
    """
    pixel_format = content.pixel_format
    here = windows(planes, pixel_format, warped.window)
    shape = warped.window.alpha.shape
    frame = _eight_bit_levels(here, pixel_format, shape)
    anchor = _eight_bit_levels(warped.anchor, pixel_format, shape)
    inside = (warped.window.alpha > 0.02).astype(np.float32)
    black, span, _ = ranges(pixel_format)
    unit = 1.0 / (1 << (pixel_format.bit_depth - 8))
    limits = (0.0, span * unit) if pixel_format.full_range else (-black * unit, 255 - black * unit)
    return compare(frame, anchor, inside, content.noise, content.matte.height / 720, limits)


def carried(
    content: Content,
    warped: Warped,
    planes: Planes,
    filmed: Planes,
    appearance: Appearance | None,
    opacity: float,
) -> Planes:
    """Return the frame with the edit on it.

    Args:
        content: what is carried.
        warped: it, on the frame.
        planes: the frame, perhaps with other patches on it already.
        filmed: the frame as it was filmed, for its grain.
        appearance: how it looks there; None to put the edit on as it is.
        opacity: of the whole, 0 to 1.
    """
    if opacity <= 0 or not warped.window.alpha.any():
        return planes
    pixel_format = content.pixel_format
    if appearance is None:
        return blend(planes, pixel_format, warped.window, warped.edited, np.full_like(warped.window.alpha, opacity))
    here = windows(filmed, pixel_format, warped.window)
    gain = appearance.gain
    tint_scale = np.float32(1 << (pixel_format.bit_depth - 8))
    patch = []
    for index, (frame, anchor, edited) in enumerate(zip(here, warped.anchor, warped.edited, strict=True)):
        neutral = np.float32(_neutral(pixel_format, index))
        chroma = pixel_format.shift_of(index) != (0, 0)
        light = to_chroma_sites(gain, pixel_format) if chroma else gain
        offset: Float32 = np.zeros_like(frame)
        if index and appearance.tint:
            tint = appearance.tint[index - 1] * tint_scale
            offset = to_chroma_sites(tint, pixel_format) if chroma else tint
        left_over = frame - (light * (anchor - neutral) + neutral + offset)
        wanted = to_chroma_sites(warped.grain, pixel_format) if chroma else warped.grain
        grain = wanted * _grain(left_over, content.noise * float(tint_scale))
        patch.append(light * (edited - neutral) + neutral + offset + grain)
    return blend(planes, pixel_format, warped.window, patch, appearance.visibility * np.float32(opacity))


def _wanted_grain(content: Content) -> Float32:
    """Return how much of the frames' own grain each pixel of the edit should take.

    All of it where the edit left the anchor nearly as it was: there the anchor's grain is in both and cancels. Else as
    much as the edit lacks; what is added carries the grain of two frames.
    """
    matte = content.matte
    height, width = matte.alpha.shape
    rows, columns = slice(matte.y, matte.y + height), slice(matte.x, matte.x + width)
    unit = np.float32(1.0 / (1 << (content.pixel_format.bit_depth - 8)))
    anchor, edited = (planes[0][rows, columns].astype(np.float32) * unit for planes in (content.anchor, content.edited))
    own = noise_sigma(edited) if min(edited.shape) > 8 else content.noise
    lacking = float(np.sqrt(np.clip((content.noise**2 - own**2) / (2 * content.noise**2), 0.0, 1.0)))
    apart = np.abs(cv2.GaussianBlur(edited - anchor, (0, 0), 1.5))
    kept = np.exp(-np.square(apart / np.float32(2 * content.noise + 2)))
    return np.asarray(kept + (1 - kept) * np.float32(lacking), np.float32)


def _grain(left_over: Float32, noise: float) -> Float32:
    """Return what is noise of the unexplained difference: the film's own grain, at its own place.

    Larger differences are errors of registration or light, which the edit must not inherit.
    """
    limit = np.float32(3.0 * noise + 1.0)
    return np.asarray(left_over / (1 + np.square(np.square(left_over / limit))), np.float32)


def target(
    surface: Surface, matte: Matte, place: Place, beside: tuple[Place, Place] | None
) -> tuple[int, int, int, int] | None:
    """Return the window (left, top, right, bottom) of the frame that a matte on the anchor can reach, None if none."""
    height, width = matte.alpha.shape
    edge_x, edge_y = np.linspace(matte.x, matte.x + width, 9), np.linspace(matte.y, matte.y + height, 9)
    points = [surface.frame_points(item, edge_x, edge_y) for item in (place, *(beside or ()))]
    known = [item for item in points if item is not None]
    if len(known) < len(points):
        return None
    every = np.concatenate(known)
    low, high = np.floor(every.min(axis=0)), np.ceil(every.max(axis=0))
    if high[0] <= 0 or high[1] <= 0 or low[0] >= matte.width or low[1] >= matte.height:
        return None
    low, high = np.maximum(low, 0).astype(int), np.minimum(high, (matte.width, matte.height)).astype(int)
    return window(int(low[0]), int(low[1]), int(high[0]), int(high[1]), matte.width, matte.height)


def plane_map(pixel_format: PixelFormat, plane: int, x: Float32, y: Float32) -> tuple[Float32, Float32]:
    """Return the map of one plane: luma coordinates at its own samples, in its own pixels."""
    shift_x, shift_y = pixel_format.shift_of(plane)
    if not (shift_x or shift_y):
        return x, y
    left, top = pixel_format.chroma_site
    u = (to_chroma_sites(x, pixel_format) - np.float32(left)) / np.float32(1 << shift_x)
    v = (to_chroma_sites(y, pixel_format) - np.float32(top)) / np.float32(1 << shift_y)
    return u.astype(np.float32), v.astype(np.float32)


def _sample(values: Float32, x: Float32, y: Float32) -> Float32:
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def sample_planes(planes: Sequence[NDArray[Any]], maps: Sequence[tuple[Float32, Float32]]) -> tuple[Float32, ...]:
    """Return planes of one size at float positions, float32 code values; over several maps their mean.

    Only the part that the maps reach is read. A mean over several moments is smooth along the motion, and across it a
    shorter filter does; it takes a quarter of the time.
    """
    height, width = planes[0].shape
    edges = [(float(part.min()), float(part.max())) for u, v in maps for part in (u, v)]
    (low_x, high_x), (low_y, high_y) = (
        (min(low for low, _ in side), max(high for _, high in side)) for side in (edges[::2], edges[1::2])
    )
    x0, y0 = max(0, int(np.floor(low_x)) - 3), max(0, int(np.floor(low_y)) - 3)
    x1, y1 = min(width, int(np.ceil(high_x)) + 4), min(height, int(np.ceil(high_y)) + 4)
    if x1 <= x0 or y1 <= y0:
        x0, y0, x1, y1 = 0, 0, width, height
    part = cv2.merge([plane[y0:y1, x0:x1].astype(np.float32) for plane in planes])
    sharp = cv2.INTER_LANCZOS4 if len(maps) == 1 else cv2.INTER_CUBIC
    total: Float32 | None = None
    for u, v in maps:
        one = cv2.remap(part, u - np.float32(x0), v - np.float32(y0), sharp, borderMode=cv2.BORDER_REPLICATE)
        total = np.asarray(one, np.float32) if total is None else np.asarray(cv2.add(total, one), np.float32)
    if total is None:
        raise ValueError("no map to sample by")
    return tuple(np.asarray(item, np.float32) for item in cv2.split(total * np.float32(1 / len(maps))))


def _eight_bit_levels(
    planes: tuple[Float32, ...], pixel_format: PixelFormat, shape: tuple[int, ...]
) -> tuple[Float32, ...]:
    """Return planes at luma size in 8-bit steps, black and neutral at zero; of GBR its brightness alone."""
    unit = np.float32(1.0 / (1 << (pixel_format.bit_depth - 8)))
    if pixel_format.family is Family.GBR:
        return (np.asarray((0.6 * planes[0] + 0.1 * planes[1] + 0.3 * planes[2]) * unit, np.float32),)
    levels = []
    for index, plane in enumerate(planes):
        values = (plane - np.float32(_neutral(pixel_format, index))) * unit
        if values.shape != shape:
            values = np.asarray(cv2.resize(values, (shape[1], shape[0])), np.float32)
        levels.append(np.asarray(values, np.float32))
    return tuple(levels)


def _neutral(pixel_format: PixelFormat, plane: int) -> float:
    if pixel_format.family is Family.YUV and plane in (1, 2):
        return float(1 << (pixel_format.bit_depth - 1))
    return ranges(pixel_format)[0] if pixel_format.family is not Family.GBR else 0.0
