"""Where a patch is on each frame of its window, and how sure that is: the track, corrected by the person.

Data about places only; pixels are engine.patches.carry and the tools.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.patch import Follow, Nudge
from engine.model.time import Range
from engine.motion.chain import (
    Bending,
    Ending,
    Subject,
    found_on,
    is_even,
    manner_of,
    needed_support,
)
from engine.motion.chart import Chart
from engine.motion.exposure import Exposure, Look, measure
from engine.motion.frame import Float32, Float64, FrameReader
from engine.motion.mesh import Grid
from engine.motion.place import Place, Surface
from engine.motion.shot import shot_around
from engine.motion.track import Found, Track, track

FADE_FRAMES = 4
"""A patch fades over so many frames beside those on which it is lost."""
_SUGGEST_ABOVE = 0.1
_LOOKS_WANTED = 24
_GOOD_SUPPORT = 0.6
_WHOLE = 0.68
"""Where less of a region matches, a part of it is hidden or goes its own way."""
_SNAP_PX = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A frame on which a person said where the region is.

    Attributes:
        frame: its number. alpha: float32 [H, W], the region's matte on it.
        bounds: (left, top, right, bottom) of the region's outline, in pixels of the frame.
    """

    frame: int
    alpha: Float32
    bounds: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """A patch's places over its window. The rows of all sequences are the frames of `frames`.

    Attributes:
        anchor: the frame whose pixels the places map to.
        asked: the window asked for; frames: the part that could be followed (it ends at cuts).
        surface: the region's coordinates. places: one per frame.
        found: uint8, a Found. confidence: float64, 0 to 1. sigma_px: float64, how far off each may be.
        opacity: float64, 0 to 1, for a patch that fades out where it is lost.
        exposure: shutter and noise. cuts: (before, after), whether a cut ended it.
        tracks: from which a longer window goes on; one per anchor, empty where nothing moves.
        suggestion: a frame on which a further anchor would help most, None where none is needed.
        even: whether the region has nothing to be followed by, so that it stays.
        support: float64, the share of the region that matched, 0 to 1; None where nothing was looked at.
    """

    anchor: int
    asked: Range
    frames: Range
    surface: Surface
    places: tuple[Place, ...]
    found: Float64
    confidence: Float64
    sigma_px: Float64
    opacity: Float64
    exposure: Exposure
    cuts: tuple[bool, bool]
    tracks: tuple[Track, ...]
    suggestion: int | None
    even: bool = False
    support: Float64 | None = None

    def row(self, frame: int) -> int:
        """Return the row of a frame.

        Raises:
            EditRefused: the patch was not followed there.
        """
        if frame not in self.frames:
            raise EditRefused(
                f"the patch is not followed on frame {frame}, only on {self.frames.start}:{self.frames.stop}"
            )
        return frame - self.frames.start

    def beside(self, frame: int) -> tuple[Place, Place]:
        """Return the places one frame before and one after; past the window's ends, as if it went on."""
        row = self.row(frame)
        here = self.places[row]
        before = self.places[row - 1] if row else None
        after = self.places[row + 1] if row + 1 < len(self.places) else None
        if before is None and after is None:
            return here, here
        return (
            before if before is not None else self.surface.ahead(after or here, here),
            after if after is not None else self.surface.ahead(before or here, here),
        )

    def parted_for(self, row: int) -> int:
        """Return for how many frames, up to a row, a good part of a region that is seen has not matched.

        Something passes in front of it, or what was drawn holds two things that go different ways.
        """
        if self.support is None:
            return 0
        away = -1 if row > self.anchor - self.frames.start else 1
        count = 0
        while 0 <= row < len(self.support) and self.support[row] < _WHOLE and row != self.anchor - self.frames.start:
            count += 1
            row += away
        return count

    @property
    def parted(self) -> tuple[Range, ...]:
        """Return the runs of frames on which a good part of a region that is seen does not match."""
        rows = [row for row in range(len(self.found)) if self.found[row] == Found.SEEN and self.parted_for(row)]
        return _runs(self.frames.start, rows)

    @property
    def lost(self) -> tuple[Range, ...]:
        """Return the runs of frames on which the region was lost."""
        return _runs(self.frames.start, np.flatnonzero(self.found == Found.LOST).tolist())


def _runs(start: int, rows: list[int]) -> tuple[Range, ...]:
    runs: list[Range] = []
    for frame in (start + row for row in rows):
        if runs and runs[-1].stop == frame:
            runs[-1] = Range(runs[-1].start, frame + 1)
        else:
            runs.append(Range(frame, frame + 1))
    return tuple(runs)


def stay(anchor: Anchor, frames: Range, noise: float = 1.5) -> Journey:
    """Return the journey of a patch that stays where it was drawn."""
    chart = _chart(anchor)
    surface = Surface(chart, Grid.over(chart))
    count = len(frames)
    return Journey(
        anchor.frame,
        frames,
        frames,
        surface,
        (surface.at_rest(),) * count,
        np.full(count, Found.SEEN, np.uint8),
        np.ones(count),
        np.zeros(count),
        np.ones(count),
        Exposure(0.0, 0.0, noise),
        (False, False),
        (),
        None,
    )


def propagate(
    read: FrameReader,
    anchors: tuple[Anchor, ...],
    frames: Range,
    follow: Follow,
    nudges: tuple[Nudge, ...],
    picture_size: tuple[int, int],
    progress: Progress,
    cancel: CancelToken,
    former: tuple[Track, ...] = (),
) -> Journey:
    """Follow a region over a window and return its places.

    Args:
        read: returns a frame; called from two threads.
        anchors: where a person said the region is; the first is the one the patch was made on.
        frames: the window, which holds all anchors.
        follow: STATIC, PLANAR or HYBRID.
        nudges: corrections by hand, at most one per frame; they win over what was tracked.
        picture_size: (width, height) of a frame in pixels, which a nudge's shift counts in, before rotation.
        progress: is told of each frame.
        cancel: checked between frames.
        former: tracks of other windows from the same anchors, whose work is used again.

    Raises:
        EditRefused: no anchor, an anchor outside the window, or a way to follow that is not done here.
        Cancelled: the work was asked to stop.
    """
    if not anchors:
        raise EditRefused("a patch that follows needs an anchor")
    for anchor in anchors:
        if anchor.frame not in frames:
            raise EditRefused(f"the anchor frame {anchor.frame} lies outside the window {frames.start}:{frames.stop}")
    match follow:
        case Follow.STATIC:
            return _nudged(stay(anchors[0], frames), nudges, picture_size)
        case Follow.PLANAR:
            bending = Bending.PLANE
        case Follow.HYBRID:
            bending = Bending.SURFACE
        case _:
            raise EditRefused(f"a patch cannot be followed by way of {follow.value} here")
    if is_even(read(anchors[0].frame), anchors[0].alpha):
        shot, cuts = shot_around(read, anchors[0].frame, frames, cancel)
        held = replace(stay(anchors[0], shot), asked=frames, cuts=cuts, even=True)
        return _nudged(held, (*_as_nudges(anchors, nudges, picture_size), *nudges), picture_size)
    tracks = []
    for number, anchor in enumerate(anchors):
        part = progress.part(0.9 * number / len(anchors), 0.9 * (number + 1) / len(anchors))
        shorter = next((item for item in former if item.anchor == anchor.frame), None)
        tracks.append(track(read, anchor.frame, anchor.alpha, frames, bending, part, cancel, shorter))
    joined = tracks[0] if len(tracks) == 1 else _joined(read, anchors, tracks)
    journey = _journey(frames, joined, tuple(tracks))
    journey = _nudged(journey, nudges, picture_size)
    if follow is Follow.PLANAR:
        return journey
    progress.report("measuring the camera", 0.95)
    return _exposed(read, journey, joined)


def _journey(asked: Range, whole: Track, tracks: tuple[Track, ...]) -> Journey:
    found = whole.found
    needed = np.array([needed_support(value) for value in whole.correlation])
    sure = np.clip(0.3 + (whole.support - needed) / 0.5, 0.0, 1.0) * np.clip(1.0 - whole.sigma_px / 8.0, 0.25, 1.0)
    between = 0.5 * np.clip(1.0 - whole.sigma_px / 8.0, 0.0, 1.0)
    confidence = np.where(found == Found.SEEN, sure, np.where(found == Found.BETWEEN, between, 0.0))
    return Journey(
        whole.anchor,
        asked,
        whole.frames,
        Surface(whole.chart, whole.grid),
        tuple(Place(h, c) for h, c in zip(whole.homographies, whole.coefficients, strict=True)),
        found,
        confidence,
        whole.sigma_px,
        _faded(found),
        Exposure(0.0, 0.0, 1.5),
        (whole.before is Ending.CUT, whole.after is Ending.CUT),
        tracks,
        _suggested(whole.frames, found, confidence, whole.anchor),
        support=whole.support,
    )


def _faded(found: Float64) -> Float64:
    """Return 0 where lost, rising over a few frames beside."""
    opacity = np.ones(len(found))
    for row in np.flatnonzero(found == Found.LOST).tolist():
        low, high = max(0, row - FADE_FRAMES), min(len(found), row + FADE_FRAMES + 1)
        distance = np.abs(np.arange(low, high) - row) / (FADE_FRAMES + 1)
        opacity[low:high] = np.minimum(opacity[low:high], distance)
    return opacity


def _suggested(frames: Range, found: Float64, confidence: Float64, anchor: int) -> int | None:
    """Return the frame after the loss at which the region can be drawn again, if more than a tenth is lost."""
    lost = np.flatnonzero(found == Found.LOST)
    if len(lost) <= _SUGGEST_ABOVE * len(found):
        weak = int(np.argmin(confidence))
        return frames.start + weak if confidence[weak] < 0.25 and len(lost) else None
    runs = np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1)
    longest = max(runs, key=len)
    # The middle of what is missing halves the distance on either side.
    middle = int(longest[len(longest) // 2])
    return frames.start + middle if frames.start + middle != anchor else None


def _nudged(journey: Journey, nudges: tuple[Nudge, ...], picture_size: tuple[int, int]) -> Journey:
    """Apply corrections: exact on their own frames, in between in proportion, and held after the last."""
    inside = sorted((nudge for nudge in nudges if nudge.frame in journey.frames), key=lambda nudge: nudge.frame)
    if not inside:
        return journey
    fixed: dict[int, Float64] = {journey.anchor: np.zeros(4)}
    for nudge in inside:
        fixed[nudge.frame] = np.array(
            [nudge.dx * picture_size[0], nudge.dy * picture_size[1], np.log(nudge.scale), np.radians(nudge.turn_deg)]
        )
    at = sorted(fixed)
    values = np.array([fixed[frame] for frame in at])
    places = list(journey.places)
    found, opacity, confidence = journey.found.copy(), journey.opacity.copy(), journey.confidence.copy()
    support = None if journey.support is None else journey.support.copy()
    for row, frame in enumerate(journey.frames):
        change = np.array([np.interp(frame, at, values[:, k]) for k in range(4)])
        places[row] = Place(_turned(journey.surface.chart, places[row].homography, change), places[row].coefficients)
    for nudge in inside:
        row = journey.row(nudge.frame)
        found[row], opacity[row], confidence[row] = Found.SEEN, 1.0, 1.0
        if support is not None:
            support[row] = 1.0
    return replace(journey, places=tuple(places), found=found, opacity=opacity, confidence=confidence, support=support)


def _as_nudges(
    anchors: tuple[Anchor, ...], nudges: tuple[Nudge, ...], picture_size: tuple[int, int]
) -> tuple[Nudge, ...]:
    """Return what takes the first anchor's box to the others', but for frames that were corrected by hand anyway."""
    corrected = {nudge.frame for nudge in nudges}
    left, top, right, bottom = anchors[0].bounds
    found = []
    for anchor in anchors[1:]:
        if anchor.frame in corrected:
            continue
        x0, y0, x1, y1 = anchor.bounds
        shift = ((x0 + x1) - (left + right)) / 2, ((y0 + y1) - (top + bottom)) / 2
        scale = float(np.sqrt((x1 - x0) * (y1 - y0) / ((right - left) * (bottom - top))))
        found.append(Nudge(anchor.frame, shift[0] / picture_size[0], shift[1] / picture_size[1], scale))
    return tuple(found)


def _turned(chart: Chart, homography: Float64, change: Float64) -> Float64:
    """Return a place shifted (pixels), grown (log) and turned (radians) about the region's own centre on the frame."""
    corners = chart.corners_of(homography).reshape(4, 2)
    x, y = corners.mean(axis=0)
    c, s = np.cos(change[3]) * np.exp(change[2]), np.sin(change[3]) * np.exp(change[2])
    about = np.array([[c, -s, x - c * x + s * y + change[0]], [s, c, y - s * x - c * y + change[1]], [0, 0, 1.0]])
    return np.asarray(about @ homography)


def _joined(read: FrameReader, anchors: tuple[Anchor, ...], tracks: list[Track]) -> Track:
    """Return the first anchor's track, pulled onto the others: exactly there, in proportion to the time in between."""
    first = tracks[0]
    surface = Surface(first.chart, first.grid)
    start = min(item.frames.start for item in tracks)
    stop = max(item.frames.stop for item in tracks)
    moved = {first.anchor: (first, np.eye(3))}
    subject = Subject(read(first.anchor), anchors[0].alpha)
    for anchor, item in zip(anchors[1:], tracks[1:], strict=True):
        guess = _box_to_box(anchors[0].bounds, anchor.bounds)
        step = found_on(
            subject, read(anchor.frame), guess, _SNAP_PX, subject.bender.grid.flat(), manner_of([], Bending.PLANE)
        )
        snapped = step.found and step.support > _GOOD_SUPPORT
        moved[anchor.frame] = (item, step.homography if snapped else guess)
    order: list[int] = sorted(moved)
    rows = []
    for frame in range(start, stop):
        left = max((a for a in order if a <= frame), default=order[0])
        right = min((a for a in order if a >= frame), default=order[-1])
        options = [(a, *moved[a]) for a in dict.fromkeys((left, right)) if frame in moved[a][0].frames]
        if not options:
            options = [(a, *moved[a]) for a in order if frame in moved[a][0].frames][:1]
        rows.append(_between(surface, frame, options))
    return Track(
        first.anchor,
        Range(start, start + len(rows)),
        first.chart,
        first.grid,
        np.array([row[0].homography for row in rows]),
        np.array([row[0].coefficients for row in rows]),
        np.array([row[1] for row in rows], np.uint8),
        np.array([row[2] for row in rows]),
        np.array([row[3] for row in rows]),
        np.array([row[4] for row in rows]),
        min(tracks, key=lambda item: item.frames.start).before,
        max(tracks, key=lambda item: item.frames.stop).after,
        first.chains,
    )


def _between(
    surface: Surface, frame: int, options: list[tuple[int, Track, Float64]]
) -> tuple[Place, int, float, float, float]:
    """Return (place, found, sigma, support, correlation) from one or two anchors' tracks."""
    places, weights, rows = [], [], []
    far = [abs(frame - anchor) for anchor, _, _ in options]
    for number, (_, item, to_anchor) in enumerate(options):
        row = item.row(frame)
        places.append(_through(surface, item, row, to_anchor))
        share = 1.0 if len(options) == 1 else far[1 - number] / max(1, sum(far))
        # What was seen counts for more than what was filled in, however near its anchor is.
        belief = {Found.SEEN: 1.0, Found.BETWEEN: 0.01, Found.LOST: 1e-4}[Found(int(item.found[row]))]
        weights.append((share + 1e-6) * belief)
        rows.append(
            (int(item.found[row]), float(item.sigma_px[row]), float(item.support[row]), float(item.correlation[row]))
        )
    share = weights[-1] / sum(weights) if len(options) > 1 else 0.0
    best = rows[int(np.argmax(weights))]
    return surface.mixed(places[0], places[-1], share), *best


def _through(surface: Surface, item: Track, row: int, to_anchor: Float64) -> Place:
    """Return a place of another anchor's track in the first anchor's coordinates.

    Args:
        surface: the first anchor's.
        item: the other's track.
        row: the frame.
        to_anchor: 3x3, the first anchor's pixels to the other's.
    """
    homography = item.homographies[row] @ to_anchor
    coefficients = item.coefficients[row]
    if not coefficients.any():
        return Place(homography / homography[2, 2], surface.grid.flat())
    grid = surface.grid
    x = grid.x + (np.arange(grid.columns) - 1) * grid.spacing
    y = grid.y + (np.arange(grid.rows) - 1) * grid.spacing
    lattice = np.stack([*(axis.ravel() for axis in np.meshgrid(x, y)), np.ones(len(x) * len(y))])
    there = to_anchor @ lattice
    there_x, there_y = there[0] / there[2], there[1] / there[2]
    dx, dy = item.grid.displacement_at(coefficients, there_x, there_y)
    back = np.linalg.inv(to_anchor)
    moved = back @ np.stack([there_x + dx, there_y + dy, np.ones_like(there_x)])
    offset = np.stack([moved[0] / moved[2] - lattice[0], moved[1] / moved[2] - lattice[1]])
    return Place(homography / homography[2, 2], offset.reshape(2, grid.rows, grid.columns))


def _box_to_box(source: tuple[float, float, float, float], goal: tuple[float, float, float, float]) -> Float64:
    across = (goal[2] - goal[0]) / (source[2] - source[0])
    down = (goal[3] - goal[1]) / (source[3] - source[1])
    return np.array([[across, 0, goal[0] - across * source[0]], [0, down, goal[1] - down * source[1]], [0, 0, 1.0]])


def _exposed(read: FrameReader, journey: Journey, whole: Track) -> Journey:
    """Return the journey with shutter and noise measured on frames where the region was seen well."""
    rows = [
        row
        for row in range(len(journey.frames))
        if journey.found[row] == Found.SEEN
        and whole.support[row] > _GOOD_SUPPORT
        and journey.frames.start + row != journey.anchor
    ]
    speeds = [journey.surface.speed_px(*journey.beside(journey.frames.start + row)) for row in rows]
    by_speed = [rows[index] for index in np.argsort(speeds)]
    half = _LOOKS_WANTED // 2
    chosen = by_speed if len(by_speed) <= _LOOKS_WANTED else by_speed[:half] + by_speed[-half:]
    looks = [
        Look(journey.frames.start + row, journey.places[row], journey.beside(journey.frames.start + row))
        for row in chosen
    ]
    exposure = measure(read, read(journey.anchor), journey.surface, looks, journey.beside(journey.anchor))
    return replace(journey, exposure=exposure)


def _chart(anchor: Anchor) -> Chart:
    left, top, right, bottom = anchor.bounds
    return Chart(
        (left + right - 1) / 2,
        (top + bottom - 1) / 2,
        max(right - left, bottom - top, 2) / 2,
        max(right - left, 2) / 2,
        max(bottom - top, 2) / 2,
    )
