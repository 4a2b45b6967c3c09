"""Take something out of the picture: put there the background that other frames show.

What no frame shows is invented, once, and carried along; how much that is gets reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.patch import Follow, WhenLost
from engine.model.pixel_format import PixelFormat
from engine.model.time import Range
from engine.motion.camera import CameraPath, camera_path
from engine.motion.frame import Float32, FrameReader, UInt8
from engine.motion.track import Found
from engine.patches.blend import Planes, blend, to_chroma_sites, windows
from engine.patches.carrier import carrier_path
from engine.patches.complete import Invention, completed
from engine.patches.matte import Matte
from engine.patches.moving import matte_on
from engine.patches.propagate import Anchor, Journey, propagate
from engine.patches.surroundings import Surroundings, copied, pixels_of, through, with_ring

WARN_ABOVE = 0.05
"""Share of the region that no frame shows, above which the person should know."""
_MOST_SOURCES = 7
_WANTED_VIEWS = 5
_MOST_CANDIDATES = 40
_LATTICE_POINTS = 300
_PLATE = -1
_NEAR_PX = 14
_OBJECT_MARGIN_PX = 4
_STRUCTURE_PX = 21
_SAME_CORRELATION = 0.5
_LEAST_TOLD = 0.3
"""Share of a region that other frames must show before it can be told what stands there."""
_SAME_REACH_PX, _SAME_LEVELS, _SAME_SHARE = 5, 10.0, 0.02
"""What lies within so many pixels is the same if it is within so many levels, but for this share of the region."""

PlaneReader = Callable[[int], Planes]
"""Returns a frame's planes, by its number."""


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """What is known before the frames are filled.

    Attributes:
        pixel_format: of the film. matte: of what goes, on the anchor. journey: where that is, on all source frames too.
        camera: the motion of the background, or of what carries the thing.
        clear: frames on which the thing is not, so that all of them is background.
        plate: the filled anchor, from which other frames take what none of them shows; None while it is being made.
    """

    pixel_format: PixelFormat
    matte: Matte
    journey: Journey
    camera: CameraPath
    clear: frozenset[int]
    plate: Planes | None


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """A frame without the thing.

    Attributes:
        planes: the frame. invented: share of the region that no other frame showed, 0 to 1.
        sources: the frames that were taken from.
        shown: where in the region other frames showed something, bool [H, W]; None where there is no region.
    """

    planes: Planes
    invented: float
    sources: tuple[int, ...]
    shown: NDArray[np.bool_] | None = None


def plan_removal(
    read: FrameReader,
    read_planes: PlaneReader,
    pixel_format: PixelFormat,
    matte: Matte,
    journey: Journey,
    there: Range | None,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[Removal, float]:
    """Return what filling needs, and the share of the region on the anchor that no frame shows.

    Args:
        read: returns frames for comparing.
        read_planes: returns frames for copying.
        pixel_format: of the film.
        matte: of what goes, on the anchor.
        journey: where it is: on the frames to be filled, and on those before and after that may show the background.
        there: for a region that stays: the frames on which the thing is in it. Others show the background, unless they
            look the same. Where the thing stands in the scene and the camera moves, it is followed; see the removal's
            journey. None: it is wherever the journey goes.
        progress: is told of each frame.
        cancel: checked before each frame.

    Raises:
        EditRefused: the region covers more than nine tenths of the frame.
        Cancelled: the work was asked to stop.
    """
    if float(matte.alpha.sum()) > 0.9 * matte.width * matte.height:
        raise EditRefused("the region covers nearly the whole picture: there is no background left to see")

    clear = frozenset[int]() if there is None else _clear_frames(read, matte, journey, there)

    def hidden(frame: int) -> UInt8 | None:
        if frame in clear:
            return None
        cover = matte_on(matte, journey, WhenLost.COVER, frame)
        return None if cover is None else (cover.full() > 0).astype(np.uint8)

    camera = camera_path(read, journey.frames, hidden, progress, cancel)
    removal = Removal(pixel_format, matte, journey, camera, clear, None)
    if not clear:
        # What lies behind a label on a cup is the cup, whatever the camera does, and no frame shows that.
        carrier = carrier_path(read, matte, journey, camera, partial(_visible, removal), cancel)
        removal = replace(removal, camera=carrier or camera)
    before = read_planes(journey.anchor)
    filled = remove(removal, journey.anchor, before, read, read_planes, cancel)
    if _stayed_by_itself(journey, there) and not camera.still and _is_same(pixel_format, before, filled, matte):
        # What the background shows there is the thing itself: it stands in the scene, and the camera moves past it.
        with_it = _followed(read, matte, journey, progress, cancel)
        return plan_removal(read, read_planes, pixel_format, matte, with_it, None, progress, cancel)
    return replace(removal, plate=filled.planes), filled.invented


def _stayed_by_itself(journey: Journey, there: Range | None) -> bool:
    """Tell whether the region stays where it was drawn, with nobody having moved it."""
    rest = journey.surface.at_rest()
    return there is not None and all(np.array_equal(place.homography, rest.homography) for place in journey.places)


def _is_same(pixel_format: PixelFormat, before: Planes, filled: Filled, matte: Matte) -> bool:
    """Tell whether other frames brought back what was there, give or take its alignment."""
    kernel = np.ones((_SAME_REACH_PX, _SAME_REACH_PX), np.uint8)
    unit = np.float32(1 << (pixel_format.bit_depth - 8))
    was, now = (windows(planes, pixel_format, matte)[0] / unit for planes in (before, filled.planes))
    beyond = np.maximum(now - cv2.dilate(was, kernel), cv2.erode(was, kernel) - now)
    gone = cv2.morphologyEx((beyond > _SAME_LEVELS).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    inside = matte.alpha > 0.5
    if filled.shown is None:
        return False
    height, width = inside.shape
    told = inside & filled.shown[matte.y : matte.y + height, matte.x : matte.x + width]
    if told.sum() < _LEAST_TOLD * inside.sum():
        return False
    return float((gone[told] > 0).mean()) < _SAME_SHARE


def _followed(read: FrameReader, matte: Matte, journey: Journey, progress: Progress, cancel: CancelToken) -> Journey:
    anchor = Anchor(journey.anchor, matte.full(), matte.bounds)
    size = matte.width, matte.height
    return propagate(read, (anchor,), journey.frames, Follow.HYBRID, (), size, progress, cancel)


def _clear_frames(read: FrameReader, matte: Matte, journey: Journey, there: Range) -> frozenset[int]:
    """Return the frames beside those where the thing is on which the region looks different: there it is gone."""
    rows, columns = np.nonzero(matte.alpha > 0.5)
    window = slice(matte.y, matte.y + matte.alpha.shape[0]), slice(matte.x, matte.x + matte.alpha.shape[1])

    def structure(frame: int) -> Float32:
        luma = read(frame).luma[window].astype(np.float32)
        values = (luma - cv2.blur(luma, (_STRUCTURE_PX, _STRUCTURE_PX)))[rows, columns]
        return np.asarray(values / max(float(np.sqrt(np.square(values).sum())), 1.0), np.float32)

    thing = structure(journey.anchor)
    beside = [frame for frame in journey.frames if frame not in there]
    return frozenset(frame for frame in beside if float(thing @ structure(frame)) < _SAME_CORRELATION)


def remove(
    removal: Removal,
    frame: int,
    planes: Planes,
    read: FrameReader,
    read_planes: PlaneReader,
    cancel: CancelToken | None = None,
) -> Filled:
    """Return a frame with the region filled from what other frames show behind it.

    Args:
        removal: what was planned.
        frame: the frame's number.
        planes: the frame; not modified.
        read: returns frames for comparing.
        read_planes: returns frames for copying.
        cancel: checked between the steps of what takes long.

    Raises:
        Cancelled: the work was asked to stop.
    """
    cover = matte_on(removal.matte, removal.journey, WhenLost.COVER, frame)
    if cover is None or frame not in removal.camera.frames:
        return Filled(planes, 0.0, ())
    if removal.plate is not None and frame == removal.journey.anchor:
        return Filled(removal.plate, 0.0, ())
    area = with_ring(cover)
    sight = None if removal.camera.still else Surroundings(read(frame), area)
    views = [_view(removal, frame, area, sight, source, read, read_planes) for source in _sources(removal, frame, area)]
    if removal.plate is not None:
        views.append(_plate_view(removal, frame, area, sight, read))
    known = _best_first(windows(planes, removal.pixel_format, area)[0], area, [view for view in views if view])
    values, unknown, invented = _gathered(removal.pixel_format, planes, area, known)
    # What is invented is invented once, on the anchor: made anew on every frame it would flicker.
    invention = Invention.BY_LIKENESS if removal.plate is None else Invention.SMOOTH
    patch = completed(removal.pixel_format, planes, area, values, unknown, invention, cancel or CancelToken())
    shown = np.zeros((area.height, area.width), bool)
    height, width = unknown.shape
    shown[area.y : area.y + height, area.x : area.x + width] = (area.alpha > 0) & (unknown == 0)
    return Filled(
        blend(planes, removal.pixel_format, area, patch),
        invented,
        tuple(view.frame for view in known if view.frame != _PLATE),
        shown,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Another frame's background on this frame's area.

    Attributes:
        planes: float32 per colour plane. seen: float32 at luma size, 1 where the background is visible there.
        tier: 0 for those whose surroundings look most alike; the others serve where these show nothing.
    """

    frame: int
    planes: tuple[Float32, ...]
    seen: Float32
    tier: int = 0


def _sources(removal: Removal, frame: int, area: Matte) -> list[int]:
    """Return the frames that show most of the hole, near ones first; every part of it several times if it can be."""
    rows, columns = np.nonzero(area.alpha > 0)
    step = max(1, len(rows) // _LATTICE_POINTS)
    x, y = (columns[::step] + area.x).astype(np.float32)[None], (rows[::step] + area.y).astype(np.float32)[None]
    journey, camera = removal.journey, removal.camera
    usable = [
        number
        for number in camera.frames
        if number != frame and journey.found[journey.row(number)] != Found.LOST and abs(number - frame) >= 2
    ]
    stride = max(1, len(usable) // _MOST_CANDIDATES)
    shows = {}
    for number in usable[::stride]:
        at_x, at_y = through(camera.between(frame, number), x, y)
        shows[number] = (_visible(removal, number, at_x, at_y) > 0.5).ravel()
    count = np.zeros(x.size)
    chosen: list[int] = []
    while shows and len(chosen) < _MOST_SOURCES:
        worth = {
            number: float((seen * np.maximum(_WANTED_VIEWS - count, 0)).sum()) / (1 + abs(number - frame) / 20)
            for number, seen in shows.items()
        }
        best = max(worth, key=lambda number: worth[number])
        if worth[best] < 0.01 * x.size:
            break
        chosen.append(best)
        count += shows.pop(best)
    return chosen


def _visible(removal: Removal, frame: int, x: Float32, y: Float32) -> Float32:
    """Return 1 where pixels (x, y) of a frame lie inside it and clear of what is to go."""
    matte, journey = removal.matte, removal.journey
    inside = (x >= 0) & (y >= 0) & (x <= matte.width - 1) & (y <= matte.height - 1)
    if frame in removal.clear:
        return np.asarray(inside, np.float32)
    at_x, at_y = journey.surface.anchor_pixels(journey.places[journey.row(frame)], x, y)
    reach = 2 * _OBJECT_MARGIN_PX + 1
    grown = cv2.dilate(matte.alpha, np.ones((reach, reach), np.uint8))
    covered = cv2.remap(
        np.asarray(grown, np.float32), at_x - np.float32(matte.x), at_y - np.float32(matte.y), cv2.INTER_LINEAR
    )
    return np.asarray(inside & (np.asarray(covered) < 0.02), np.float32)


def _view(
    removal: Removal,
    frame: int,
    area: Matte,
    sight: Surroundings | None,
    source: int,
    read: FrameReader,
    read_planes: PlaneReader,
) -> _View | None:
    start = removal.camera.between(frame, source)
    x, y = pixels_of(area)
    at = (x, y) if sight is None else sight.on(read(source), start)
    if at is None:
        return None
    return _View(source, copied(removal.pixel_format, read_planes(source), *at), _visible(removal, source, *at))


def _plate_view(
    removal: Removal, frame: int, area: Matte, sight: Surroundings | None, read: FrameReader
) -> _View | None:
    """Return the filled anchor on the frame's area, as what to take when no frame shows a place."""
    assert removal.plate is not None
    anchor = removal.journey.anchor
    x, y = pixels_of(area)
    at = (x, y) if sight is None else sight.on(read(anchor), removal.camera.between(frame, anchor))
    if at is None:
        return None
    inside = (at[0] >= 0) & (at[1] >= 0) & (at[0] <= area.width - 1) & (at[1] <= area.height - 1)
    return _View(_PLATE, copied(removal.pixel_format, removal.plate, *at), np.asarray(inside, np.float32))


def _best_first(luma: Float32, area: Matte, views: list[_View]) -> list[_View]:
    """Return the views with those put second whose surroundings differ most: something moved there in between."""
    hole = (area.alpha > 0).astype(np.uint8)
    near = (cv2.dilate(hole, np.ones((2 * _NEAR_PX + 1, 2 * _NEAR_PX + 1), np.uint8)) > 0) & (hole == 0)
    errors = {}
    for view in views:
        ring = near & (view.seen > 0.5)
        if view.frame != _PLATE and ring.sum() > 64:
            apart = luma[ring] - view.planes[0][ring]
            errors[view.frame] = float(np.minimum(np.abs(apart - np.median(apart)), 4096.0).mean())
    if not errors:
        return views
    limit = 1.5 * min(errors.values()) + 0.005 * float(luma.max())
    return [replace(view, tier=int(errors.get(view.frame, np.inf) > limit)) for view in views]


def _gathered(
    pixel_format: PixelFormat, planes: Planes, area: Matte, views: list[_View]
) -> tuple[tuple[Float32, ...], Float32, float]:
    """Return per plane the middle of what the views show; where none shows anything; and that share of the hole."""
    hole = area.alpha > 0
    frames = [view for view in views if view.frame != _PLATE]
    shown = np.zeros(hole.shape, np.float32)
    for view in frames:
        shown = np.maximum(shown, view.seen)
    invented = float((hole & (shown < 0.5)).sum()) / max(1, int(hole.sum()))
    values = []
    for index, plane in enumerate(windows(planes, pixel_format, area)):
        chroma = pixel_format.shift_of(index) != (0, 0)
        result = plane
        # What is worse comes first and is overwritten by what is better.
        for view in views:
            if view.frame == _PLATE:
                result = view.planes[index]
                shown = np.maximum(shown, view.seen)
        for tier in (1, 0):
            levels, seen = [], []
            for view in frames:
                if view.tier == tier:
                    visible = to_chroma_sites(view.seen, pixel_format) if chroma else view.seen
                    levels.append(_lit(plane, view.planes[index], visible, area, pixel_format, index))
                    seen.append(visible > 0.99)
            result = _middle(levels, seen, result)
        values.append(np.asarray(result, np.float32))
    return tuple(values), np.asarray(hole & (shown < 0.5), np.float32), invented


def _middle(levels: list[Float32], seen: list[NDArray[np.bool_]], otherwise: Float32) -> Float32:
    """Return the lower median of what is seen: one frame's own value, with its grain, never a mean."""
    if not levels:
        return otherwise
    stack = np.where(np.array(seen), np.array(levels), np.float32(np.inf))
    count = np.array(seen).sum(axis=0)
    stack.sort(axis=0)
    chosen = np.take_along_axis(stack, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    return np.asarray(np.where(count > 0, chosen, otherwise), np.float32)


def _lit(frame: Float32, view: Float32, seen: Float32, area: Matte, pixel_format: PixelFormat, plane: int) -> Float32:
    """Return a view with its level brought to the frame's, by the middle difference along the ring."""
    hole = area.alpha > 0
    outside = (
        to_chroma_sites(hole.astype(np.float32), pixel_format) if pixel_format.shift_of(plane) != (0, 0) else hole
    ) == 0
    ring = outside & (seen > 0.99)
    if ring.sum() < 64:
        return view
    return view + np.float32(np.median(frame[ring] - view[ring]))
