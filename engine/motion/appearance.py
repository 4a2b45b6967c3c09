"""How a region's look on a frame differs from its look on the anchor: lit otherwise, partly hidden.

Both pictures are given on the same pixels, the anchor's already warped. Nothing here moves anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.motion.frame import Float32, Float64
from engine.motion.template import normalised, smoothed

GAIN_SIGMA_PX = 10.0
"""Width over which light is taken to be even, in pixels at 720 lines."""
_GAIN_LIMITS = (0.25, 4.0)
_STRUCTURE_RADIUS_PX = 8.0
_STRUCTURE_TOLERANCE = 0.3
_DETAIL_RADIUS_PX = 4.0
_REGISTRATION_PX = 0.15
"""How far off a good registration may be: it explains differences in proportion to the gradient."""
_LIGHT_SHARE = 0.08
"""How far off the light may be, as a share of the contrast."""
_MOST_EVIDENCE = 3.0
_LEVEL_TOLERANCE = 6.0
_GUIDED_RADIUS_PX = 5.0
_GUIDED_EPSILON = 60.0
_LEAST_LIGHT = 4.0
_EDGE_PX = 5.0
_RIM_PX, _RIM_SHARE = 4.0, 0.025
"""What lies no deeper on average, or than this share of the region's size, is its outline and not in front."""
_THROUGH_STRENGTH, _THROUGH_SHARE = 0.4, 0.12
"""From these on the region's own structure is seen through what lies on it: unrelated pictures have about 0."""
_SEARCH_SIZE, _SEARCH_PATCH, _SEARCH_REACH = 112, 9, 0.25
"""The region's larger side and the patches compared, in pixels; how far to look, as a share of the region's size."""
_SEARCH_LEVEL, _SEARCH_UNEXPLAINED = 4.0, 0.25
"""How far off a patch may be: in levels, and as a share of its contrast."""
_STRANGE_SHARE, _MUCH, _LITTLE = 0.85, 0.3, 0.01
"""What is in front is strange to the region nearly all over, or so much of it is that it hides this share of it; what
is smaller than the last is noise."""
_EVIDENCE_PIXELS = 6.0
"""Of the pixels of a guided filter's window, how many count as independent."""


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """A region on a frame, against its anchor.

    Attributes:
        gain: float32 [h, w], light on the frame over light on the anchor.
        visibility: float32 [h, w], 1 where the region is seen, 0 where something is before it.
        tint: per chroma plane float32 [h, w], what is added to the gained colour.
    """

    gain: Float32
    visibility: Float32
    tint: tuple[Float32, ...]


def compare(
    frame: tuple[Float32, ...],
    anchor: tuple[Float32, ...],
    inside: Float32,
    noise: float,
    scale: float,
    limits: tuple[float, float],
) -> Appearance:
    """Return how the anchor's look must be changed to become the frame's, and where it is hidden.

    Args:
        frame: luma, then chroma, float32 [h, w] each, in 8-bit code values with black and neutral at zero.
        anchor: the same, the anchor's warped onto the frame.
        inside: float32 [h, w], 1 where the region was on the anchor.
        noise: standard deviation of what differs between two looks at the same thing: grain, coding.
        scale: lines of the frame over 720.
        limits: the luma values at which the film clips.
    """
    sigma = max(2.0, GAIN_SIGMA_PX * scale)
    # Clipped light says nothing about the light.
    telling = inside * (frame[0] < limits[1] - 2) * (frame[0] > limits[0] + 2)
    weight = telling * _likeness(frame[0], anchor[0], noise, scale)
    for _ in range(2):
        gain = _gain(frame[0], anchor[0], weight, sigma)
        tint = tuple(_tint(f, gain * a, weight, sigma) for f, a in zip(frame[1:], anchor[1:], strict=True))
        visibility = _visibility(frame, anchor, gain, tint, noise, scale, limits)
        weight = telling * np.square(visibility)
    expected = (gain * anchor[0], *(gain * a + t for a, t in zip(anchor[1:], tint, strict=True)))
    return Appearance(gain, _of_occluders(visibility, inside, frame, expected, noise, scale), tint)


def _of_occluders(
    visibility: Float32,
    inside: Float32,
    frame: tuple[Float32, ...],
    expected: tuple[Float32, ...],
    noise: float,
    scale: float,
) -> Float32:
    """Return the visibility with what differs, but is nothing in front, taken for the region's own change.

    What passes in front comes from outside, reaches in, and hides what is behind it. An eye that blinks or a letter
    that was printed over is an island; hair, or an outline drawn a little wide, stays at the rim; through a
    reflection or a shadow the region's own structure goes on to be seen; and what bends or turns (a mouth, a brow, hair
    over a cheek) shows what the region itself showed close by on the anchor.
    """
    hidden = ((visibility < 0.5) & (inside > 0)).astype(np.uint8)
    if not hidden.any():
        return visibility
    count, labels = cv2.connectedComponents(hidden, connectivity=8)
    parts = np.asarray(labels, np.int32)
    rim = cv2.dilate((inside <= 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    # The picture's own edge is a rim too: what is in front may come from there.
    rim[[0, -1]] = True
    rim[:, [0, -1]] = True
    in_front = np.zeros(count, bool)
    in_front[np.unique(parts[rim])] = True
    in_front[0] = False
    if in_front.any():
        depth = np.bincount(parts.ravel(), _depth(inside).ravel(), count) / np.bincount(parts.ravel(), minlength=count)
        in_front &= depth > max(_RIM_PX * scale, _RIM_SHARE * float(np.sqrt((inside > 0).sum())))
    if in_front.any():
        in_front &= ~_shown_through(parts, count, frame[0], expected[0], noise, scale)
    if in_front.any():
        pixels = np.bincount(parts.ravel(), minlength=count)
        asked = in_front[parts]
        strange = np.bincount(parts.ravel(), ~_moved_within(frame, expected, inside, asked, noise).ravel(), count)
        area = float((inside > 0).sum())
        in_front &= (strange > _STRANGE_SHARE * pixels) | (strange > _MUCH * area)
        in_front &= pixels > _LITTLE * area
    own = (hidden > 0) & ~in_front[parts]
    if not own.any():
        return visibility
    grown = cv2.dilate(own.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    grown &= (hidden == 0) | own
    return np.where(grown, np.float32(1.0), visibility)


def _depth(inside: Float32) -> Float32:
    """Return how far inside the region each pixel lies, the picture's edge being as good as its outline."""
    framed = cv2.copyMakeBorder((inside > 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 3)[1:-1, 1:-1], np.float32)


def _shown_through(
    parts: NDArray[np.int32], count: int, frame: Float32, expected: Float32, noise: float, scale: float
) -> NDArray[np.bool_]:
    """Return for each part whether the region's own structure is still in it, with other light upon it."""
    radius = max(2, round(_DETAIL_RADIUS_PX * scale))
    size = (2 * radius + 1, 2 * radius + 1)
    seen, then = (values - cv2.blur(values, size) for values in (frame, expected))
    labels = parts.ravel()

    def summed(values: Float32) -> Float64:
        return np.bincount(labels, values.ravel(), count).astype(np.float64)

    pixels = np.bincount(labels, minlength=count)
    own, both, other = summed(then * then), summed(seen * then), summed(seen * seen)
    grain = pixels * noise * noise
    # Its strength against the anchor's, and how much of what is seen it explains.
    strength = (both / np.maximum(own - grain, 1e-6)).astype(np.float64)
    explained = both * both / np.maximum(own * np.maximum(other, 1e-6), 1e-6)
    told = own > 3 * grain + 4.0 * pixels
    return np.asarray(told & (strength > _THROUGH_STRENGTH) & (explained > _THROUGH_SHARE), np.bool_)


def _moved_within(
    frame: tuple[Float32, ...], expected: tuple[Float32, ...], inside: Float32, asked: NDArray[np.bool_], noise: float
) -> NDArray[np.bool_]:
    """Return where a frame shows what the region itself was to show close by: its own surface, moved within itself.

    Only what is asked for is looked at; elsewhere it is True.

    Every patch of the frame is compared with every patch of the anchor within reach, in the region or in its box; both
    are made small, so that a patch spans a good part of the region and what is unrelated has no equal there.
    """
    height, width = inside.shape
    factor = min(1.0, _SEARCH_SIZE / max(height, width))
    size = max(8, round(width * factor)), max(8, round(height * factor))
    seen, then = (
        [np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32) for plane in planes]
        for planes in (frame, expected)
    )
    window = (_SEARCH_PATCH, _SEARCH_PATCH)
    spread = [cv2.blur(plane * plane, window) - np.square(cv2.blur(plane, window)) for plane in seen]
    contrast = np.asarray(np.sum(spread, axis=0), np.float32)
    reach = round(_SEARCH_REACH * factor * float(np.sqrt((inside > 0).sum())))
    room = reach + reach % 2
    steps = range(-room, room + 1, 2)
    wide = [
        np.asarray(cv2.copyMakeBorder(plane, room, room, room, room, cv2.BORDER_REPLICATE), np.float32)
        for plane in then
    ]
    some = np.asarray(cv2.resize(asked.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0
    rows, columns = (_reached(np.flatnonzero(some.any(axis=axis)), some.shape[1 - axis]) for axis in (1, 0))
    near = [plane[rows, columns] for plane in seen]
    tall, broad = rows.stop - rows.start, columns.stop - columns.start
    least = np.full((tall, broad), np.inf, np.float32)
    for dy in steps:
        for dx in steps:
            apart = np.zeros_like(least)
            for plane, other in zip(near, wide, strict=True):
                down, across = room + dy + rows.start, room + dx + columns.start
                apart += np.square(plane - other[down : down + tall, across : across + broad])
            least = np.minimum(least, cv2.blur(apart, window))
    tolerance = len(seen) * (2 * noise * noise + _SEARCH_LEVEL**2) + _SEARCH_UNEXPLAINED * contrast
    own = np.ones(seen[0].shape, np.uint8)
    own[rows, columns] = least < tolerance[rows, columns]
    return np.asarray(cv2.resize(own, (width, height), interpolation=cv2.INTER_NEAREST) > 0, np.bool_)


def _reached(lines: NDArray[np.intp], count: int) -> slice:
    """Return the lines of which the patches reach the given ones, within so many."""
    if not len(lines):
        return slice(0, count)
    return slice(max(0, int(lines[0]) - _SEARCH_PATCH), min(count, int(lines[-1]) + 1 + _SEARCH_PATCH))


def _likeness(frame: Float32, anchor: Float32, noise: float, scale: float) -> Float32:
    """Return 1 where the structure of the two is the same whatever the light, falling to 0."""
    floor = 2.0 + 2.0 * noise
    difference = normalised(smoothed(frame), floor) - normalised(smoothed(anchor), floor)
    # Wide enough that two unrelated textures seldom look alike by chance.
    radius = max(3, round(_STRUCTURE_RADIUS_PX * scale))
    energy = cv2.blur(difference * difference, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(1 / np.square(1 + np.square(energy / np.float32(_STRUCTURE_TOLERANCE))), np.float32)


def _visibility(
    frame: tuple[Float32, ...],
    anchor: tuple[Float32, ...],
    gain: Float32,
    tint: tuple[Float32, ...],
    noise: float,
    scale: float,
    limits: tuple[float, float],
) -> Float32:
    """Return how likely the region itself is seen: fine detail and levels as evidence, along the frame's edges."""
    evidence = np.zeros_like(gain)
    every: list[Float32] = []
    radius = max(2, round(_DETAIL_RADIUS_PX * scale))
    size = (2 * radius + 1, 2 * radius + 1)
    for number, (seen, then) in enumerate(zip(frame, anchor, strict=True)):
        expected = gain * then
        expected = np.clip(expected, *limits) if number == 0 else expected + tint[number - 1]
        every.append(np.asarray(expected, np.float32))
        gradient = cv2.magnitude(
            cv2.Sobel(expected, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(expected, cv2.CV_32F, 0, 1, scale=1 / 8)
        )
        blurred = cv2.blur(expected, size)
        detail_seen, detail_expected = seen - cv2.blur(seen, size), expected - blurred
        difference = detail_seen - detail_expected
        grain = np.float32(2 * noise * noise)
        same = grain + np.square(_REGISTRATION_PX * gradient) + np.square(_LIGHT_SHARE * detail_expected)
        other = grain + cv2.blur(detail_seen * detail_seen, size) + cv2.blur(detail_expected * detail_expected, size)
        other = np.maximum(other, same)
        # Log likelihood of "the same, give or take" against "two unrelated things of this contrast".
        detail = 0.5 * (np.log(other / same) - np.square(difference) * (1 / same - 1 / other))
        evidence += np.clip(detail, -_MOST_EVIDENCE, _MOST_EVIDENCE)
        tolerance = np.float32(_LEVEL_TOLERANCE + noise) + np.float32(_LIGHT_SHARE) * np.abs(blurred) + gradient
        level = cv2.GaussianBlur(seen - expected, (0, 0), 1.2)
        evidence += np.clip(1.0 - np.square(level / tolerance), -_MOST_EVIDENCE, 0.5) * np.float32(0.5)
    gathered = _guided(evidence, frame[0], max(2, round(_GUIDED_RADIUS_PX * scale))) * np.float32(_EVIDENCE_PIXELS)
    likely = np.asarray(1 / (1 + np.exp(-np.clip(gathered, -12, 12))), np.float32)
    return _edge(frame, every, likely, scale)


def _edge(frame: tuple[Float32, ...], expected: list[Float32], likely: Float32, scale: float) -> Float32:
    """Return the visibility with the edges of what is in front drawn anew, as the mixture of two known colours.

    The evidence is gathered over some pixels and is vague along an edge; there the frame is a mixture of what is
    expected and of what lies in front close by.
    """
    band = max(2, round(_EDGE_PX * scale))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    shown = (likely > 0.5).astype(np.float32)
    surely_hidden = 1 - cv2.dilate(shown, kernel[::2, ::2])
    near = (cv2.dilate(shown, kernel) > 0) & (cv2.erode(shown, kernel) < 1)
    if not near.any() or not surely_hidden.any():
        return likely
    sigma = float(band)
    known = cv2.GaussianBlur(surely_hidden, (0, 0), sigma)
    along = np.zeros_like(likely)
    length = np.zeros_like(likely)
    for seen, then in zip(frame, expected, strict=True):
        before = cv2.GaussianBlur(surely_hidden * seen, (0, 0), sigma) / np.maximum(known, np.float32(1e-3))
        apart = then - before
        along += (seen - before) * apart
        length += apart * apart
    share = np.clip(along / np.maximum(length, np.float32(1.0)), 0.0, 1.0)
    share = np.clip((share - 0.1) / 0.8, 0.0, 1.0)
    # Only where the two colours differ plainly can their mixture be read.
    trust = np.clip((length - 60.0) / 300.0, 0.0, 1.0) * (known > 0.02) * near
    return np.asarray(likely * (1 - trust) + share * trust, np.float32)


def _gain(frame: Float32, anchor: Float32, weight: Float32, sigma: float) -> Float32:
    """Return the ratio of the two local means where the weight is, spread smoothly to where it is not."""
    total = float(weight.sum())
    if total < 8:
        return np.ones_like(frame)
    whole = float((weight * np.maximum(frame, 0)).sum() + _LEAST_LIGHT * total) / (
        float((weight * np.maximum(anchor, 0)).sum()) + _LEAST_LIGHT * total
    )
    above = _wide(weight * (frame + np.float32(_LEAST_LIGHT)), sigma)
    below = _wide(weight * (anchor + np.float32(_LEAST_LIGHT)), sigma)
    # Far from anything seen the whole region's light is the best guess.
    prior = np.float32(0.02) * np.maximum(_wide(anchor, sigma) + np.float32(_LEAST_LIGHT), 1.0)
    ratio = (np.maximum(above, 0) + whole * prior) / (np.maximum(below, 0) + prior)
    return np.asarray(np.clip(ratio, *_GAIN_LIMITS), np.float32)


def _tint(frame: Float32, gained: Float32, weight: Float32, sigma: float) -> Float32:
    offset = _wide(weight * (frame - gained), sigma) / (_wide(weight, sigma) + np.float32(0.02))
    return np.asarray(np.clip(offset, -24, 24), np.float32)


def _guided(values: Float32, guide: Float32, radius: int) -> Float32:
    """Smooth values along the guide's edges (He, Sun and Tang, "Guided image filtering", 2013)."""
    size = (2 * radius + 1, 2 * radius + 1)
    mean_guide, mean_values = cv2.blur(guide, size), cv2.blur(values, size)
    covariance = cv2.blur(guide * values, size) - mean_guide * mean_values
    variance = cv2.blur(guide * guide, size) - mean_guide * mean_guide
    slope = covariance / (variance + np.float32(_GUIDED_EPSILON))
    offset = mean_values - slope * mean_guide
    return np.asarray(cv2.blur(slope, size) * guide + cv2.blur(offset, size), np.float32)


def _wide(values: Float32, sigma: float) -> Float32:
    """Blur widely: three box filters cost the same at any width."""
    size = 2 * max(1, round((np.sqrt(4 * sigma * sigma + 1) - 1) / 2)) + 1
    for _ in range(3):
        values = np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REPLICATE), np.float32)
    return values
