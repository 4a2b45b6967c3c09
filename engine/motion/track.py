"""Follow a region over a window of frames, from its anchor both ways: the whole of the two passes.

Compositing what is carried is engine.patches.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from threading import Lock

import numpy as np

from engine.control import CancelToken, Progress
from engine.errors import EditRefused
from engine.model.time import Range
from engine.motion.chain import Bending, Chain, Ending, Step, Subject, first_step, follow, found_on, manner_of
from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64, FrameReader
from engine.motion.mesh import Grid
from engine.motion.smooth import CornerPath, smoothed

VERSION = 5
"""Part of every cache key: raised whenever the same input gives another track."""
_WEAK_SUPPORT = 0.5
_INTERPOLATED_PX = 6.0
"""A filled-in frame that may be further off than this counts as lost."""
_SURPRISE = 0.12
"""How far off a filled-in frame may be, as a share of how far the region came out from where it was bound for."""
_GOES_ON = 5
"""Frames for which a lost region is thought to go on as it did."""
_RUN_OUT = 0.85
"""Share of its speed that it keeps from frame to frame after that."""


class Found(IntEnum):
    """How a frame's place is known."""

    LOST = 0
    """It is a guess; nothing should be shown there."""
    BETWEEN = 1
    """Filled in from the frames before and after."""
    SEEN = 2
    """Measured on the frame itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where a region is on each frame of a window. The arrays have one row per frame of `frames`.

    Attributes:
        anchor: the frame on which the region was drawn; its homography is the identity.
        chart, grid: the region's coordinates, and the spline of its bending.
        homographies: float64 [n, 3, 3], anchor pixels to frame pixels.
        coefficients: float64 [n, 2, rows, columns], the bending that comes before the homography.
        found: uint8 [n], a Found. sigma_px: float64 [n], how far off it may be.
        support: float64 [n], share of the region that matched; correlation: float64 [n], of that part.
        before, after: why it ends where it does.
        chains: the first pass, from which a longer window goes on.
    """

    anchor: int
    frames: Range
    chart: Chart
    grid: Grid
    homographies: Float64
    coefficients: Float64
    found: Float64
    sigma_px: Float64
    support: Float64
    correlation: Float64
    before: Ending
    after: Ending
    chains: tuple[Chain, Chain]

    def row(self, frame: int) -> int:
        """Return the row of a frame.

        Raises:
            EditRefused: it is not in the track.
        """
        if frame not in self.frames:
            raise EditRefused(f"frame {frame} is not among the followed frames {self.frames.start}:{self.frames.stop}")
        return frame - self.frames.start

    def answers(self, frames: Range) -> bool:
        """Tell whether this is the track over a window: it reaches from end to end, or to the cuts in between."""
        from_start = self.frames.start == frames.start or (
            self.before is Ending.CUT and self.frames.start > frames.start
        )
        to_stop = self.frames.stop == frames.stop or (self.after is Ending.CUT and self.frames.stop < frames.stop)
        return from_start and to_stop


def track(
    read: FrameReader,
    anchor: int,
    alpha: Float32,
    frames: Range,
    bending: Bending,
    progress: Progress,
    cancel: CancelToken,
    shorter: Track | None = None,
) -> Track:
    """Follow a region from its anchor over a window; both directions run at once.

    Args:
        read: returns a frame; called from two threads.
        anchor: the frame on which the region was drawn.
        alpha: float32 [H, W], the region's matte on it.
        frames: the window, which holds the anchor.
        bending: a plane, or a surface that may bend.
        progress: is told of each frame.
        cancel: checked before each frame.
        shorter: a track of the same region and anchor over another window, whose work is used again.

    Raises:
        EditRefused: the anchor is not in the window, or the region covers nothing.
        Cancelled: the work was asked to stop.
    """
    if anchor not in frames:
        raise EditRefused(f"the anchor frame {anchor} is not among the frames {frames.start}:{frames.stop}")
    first = read(anchor)
    if alpha.shape != first.luma.shape:
        raise EditRefused(f"the matte is {alpha.shape[1]}x{alpha.shape[0]}, the frame {first.width}x{first.height}")
    if not (alpha > 0).any():
        raise EditRefused("the region covers no pixel of the picture")
    if shorter is not None and shorter.anchor == anchor and shorter.answers(frames):
        return shorter
    subject = Subject(first, alpha)
    done = _Counter(progress.part(0.0, 0.85), len(frames) - 1)
    former = shorter.chains if shorter is not None and shorter.anchor == anchor else (Chain(), Chain())
    ways = (list(range(anchor - 1, frames.start - 1, -1)), list(range(anchor + 1, frames.stop)))
    with ThreadPoolExecutor(2, thread_name_prefix="follow") as pool:
        jobs = [
            pool.submit(follow, subject, read, numbers, chain, bending, done.one, cancel)
            for numbers, chain in zip(ways, former, strict=True)
        ]
        backward, forward = (job.result() for job in jobs)
    covered = Range(anchor - len(backward.steps), anchor + 1 + len(forward.steps))
    steps = [*reversed(backward.steps), first_step(subject), *forward.steps]
    bends = _bends(steps)
    steps, path = _second_pass(subject, read, covered, steps, bends, progress.part(0.85, 1.0), cancel)
    return _assembled(subject, anchor, covered, steps, path, bends, (backward, forward))


def _second_pass(
    subject: Subject,
    read: FrameReader,
    frames: Range,
    steps: list[Step],
    bends: Bending,
    progress: Progress,
    cancel: CancelToken,
) -> tuple[list[Step], CornerPath]:
    """Look again at the frames that told little, now that it is known where the region went on."""
    path = _path(subject.chart, steps)
    weak = [k for k, step in enumerate(steps) if step.matched < _WEAK_SUPPORT]
    if not weak or len(weak) == len(steps) - 1:
        return steps, path
    coefficients = _filled(steps)
    known = [k for k, step in enumerate(steps) if step.found]
    manner = manner_of([step for step in steps if step.found], bends)
    for count, k in enumerate(weak):
        cancel.check()
        progress.report("refining", count / len(weak))
        if not (known[0] < k < known[-1]):
            continue
        start = subject.chart.of_corners(path.corners[k])
        spread = float(np.clip(2.0 * path.sigma_px[k], 1.0, 12.0))
        again = found_on(subject, read(frames.start + k), start, spread, coefficients[k], manner)
        if again.found or not steps[k].found:
            steps[k] = again
    return steps, _path(subject.chart, steps)


def _path(chart: Chart, steps: list[Step]) -> CornerPath:
    corners = np.array([chart.corners_of(step.homography) for step in steps])
    return smoothed(chart, corners, np.array([step.information for step in steps]))


def _bends(steps: list[Step]) -> Bending:
    """Return whether the region bends: on a fair share of the frames, or else not at all, so that nothing flickers."""
    found = [step for step in steps[:] if step.found]
    return Bending.SURFACE if sum(step.bends for step in found) >= max(2, 0.1 * len(found)) else Bending.PLANE


def _filled(steps: list[Step]) -> Float64:
    """Return the bending of each frame, carried in a straight line over the frames that were not found."""
    values = np.array([step.coefficients for step in steps])
    known = np.flatnonzero([step.found for step in steps])
    flat = values.reshape(len(values), -1)
    positions = np.arange(len(values))
    right = np.clip(np.searchsorted(known, positions), 0, len(known) - 1)
    left = np.clip(right - 1, 0, len(known) - 1)
    left = np.where(known[right] == positions, right, left)
    span = np.maximum(known[right] - known[left], 1)
    share = np.clip((positions - known[left]) / span, 0.0, 1.0)[:, None]
    return np.asarray((flat[known[left]] * (1 - share) + flat[known[right]] * share).reshape(values.shape))


def _assembled(
    subject: Subject,
    anchor: int,
    frames: Range,
    steps: list[Step],
    path: CornerPath,
    bending: Bending,
    chains: tuple[Chain, Chain],
) -> Track:
    homographies, found = [], []
    coefficients = (
        _filled(steps) if bending is Bending.SURFACE else np.zeros((len(steps), *steps[0].coefficients.shape))
    )
    known = [k for k, step in enumerate(steps) if step.found]
    places = _held(path.corners, known[0], known[-1])
    sigma_px = np.maximum(path.sigma_px, _surprises(path.corners, known))
    for k, step in enumerate(steps):
        homographies.append(subject.chart.of_corners(places[k]))
        between = known[0] < k < known[-1] and sigma_px[k] < _INTERPOLATED_PX
        found.append(Found.SEEN if step.found else Found.BETWEEN if between else Found.LOST)
    homographies[anchor - frames.start] = np.eye(3)
    return Track(
        anchor,
        frames,
        subject.chart,
        subject.bender.grid,
        np.array(homographies),
        coefficients,
        np.array(found, np.uint8),
        sigma_px,
        np.array([step.matched for step in steps]),
        np.array([step.correlation for step in steps]),
        chains[0].ending,
        chains[1].ending,
        chains,
    )


def _surprises(corners: Float64, known: list[int]) -> Float64:
    """Return how far off the filled-in frames may be because of how the region came out of a gap, float64 [n].

    A path that is smooth is drawn through any gap. Where the region comes out elsewhere than it was bound for, it did
    something in between that nobody saw: it whipped aside, or left the picture and returned on the other side.
    """
    centres = corners.reshape(len(corners), 4, 2).mean(axis=1)
    seen = set(known)
    result = np.zeros(len(corners))
    for first, last in pairwise(known):
        if last - first < 2:
            continue
        onward = centres[first] - centres[first - 1] if first - 1 in seen else np.zeros(2)
        back = centres[last + 1] - centres[last] if last + 1 in seen else onward
        onward = onward if first - 1 in seen else back
        apart = centres[last] - centres[first]
        gap = last - first
        off = np.hypot(*(apart - gap * onward)) + np.hypot(*(apart - gap * back))
        share = np.arange(1, gap) / gap
        result[first + 1 : last] = _SURPRISE * 0.5 * off * 4 * share * (1 - share)
    return result


def _held(corners: Float64, first: int, last: int) -> Float64:
    """Return the corners with those long before and after anything known held in shape, their motion running out.

    Going on as before is the best guess for some frames; later it would turn the region inside out, and who covers it
    needs a place.
    """
    result = corners.copy()
    count = len(corners)
    for start, step in ((max(0, first - _GOES_ON), -1), (min(count - 1, last + _GOES_ON), 1)):
        beside = start - step
        inner = first if step < 0 else last
        if start == inner or not 0 <= start + step < count:
            continue
        speed = (corners[start] - corners[beside]).reshape(4, 2).mean(axis=0)
        shift = np.zeros(2)
        for k in range(start + step, -1 if step < 0 else count, step):
            speed = speed * _RUN_OUT
            shift = shift + speed
            result[k] = corners[start] + np.tile(shift, 4)
    return result


class _Counter:
    """Counts frames from two threads."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, max(total, 1)
        self._done = 0
        self._lock = Lock()

    def one(self, _: int) -> None:
        with self._lock:
            self._done += 1
            share = self._done / self._total
        self._progress.report("following", share)
