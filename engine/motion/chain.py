"""Follow a region frame by frame from its anchor in one direction: the first of two passes.

Each step needs only the former frame and the steps so far, so a longer window goes on where a shorter one stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.motion.align import (
    LOOSE,
    TIGHT,
    Alignment,
    Sight,
    align,
    chance,
    corner_information,
    likeness,
    sampled,
)
from engine.motion.chart import Chart
from engine.motion.frame import Float32, Float64, FrameReader, MotionFrame
from engine.motion.increment import corners_of_texture, increment
from engine.motion.mesh import Bender
from engine.motion.redetect import Redetector
from engine.motion.shot import is_cut
from engine.motion.smooth import SHAPE, Belief, ahead, at_rest, jolt_px, told
from engine.motion.template import Template, make_template

LEAST_SUPPORT = 0.12
LEAST_CORRELATION = 0.6
SURE_CORRELATION = 0.95
_SUPPORT_PER_CORRELATION = 2.8
ANCHOR_INFORMATION = 1e6
_SPREAD_AT_MATCH_PX, _SPREAD_PER_MISMATCH_PX = 0.3, 25.0
_LEAST_STRUCTURE = 1.2
_MOST_PERSPECTIVE = 3.0
"""No corner of a region is so many times as near as another: what seems so has been pulled out of shape."""
_BEND_RESIDUAL = 0.008
_BEND_SUPPORT = 0.97
"""A match this good leaves nothing for bending to explain."""


class Ending(IntEnum):
    """Why following stopped."""

    WINDOW = 0
    """The end of what was asked for."""
    CUT = 1
    """The next frame is another shot."""


class Bending(IntEnum):
    """What may happen to the region."""

    PLANE = 0
    SURFACE = 1


@dataclass(frozen=True, slots=True)
class Manner:
    """How to look for the region.

    Attributes:
        bending: what may happen to it. tolerance: how much difference is still a match, LOOSE to TIGHT.
        as_plane: the same while it is taken for a plane, which leaves more difference where it bends.
    """

    bending: Bending
    tolerance: float
    as_plane: float


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """What one frame told.

    Attributes:
        homography: 3x3, anchor to frame pixels; a prediction where the region was not found.
        information: float64 [8, 8] about the corners, zero where the region was not found.
        support, correlation: see Alignment. found: whether the region was found.
        coefficients: the bending, float64 [2, rows, columns].
        residual: mean square of the differences; bent_support, bent_residual: the match with bending.
        visible: bool [points], which of the subject's points were seen.
    """

    homography: Float64
    information: Float64
    support: float
    correlation: float
    residual: float
    found: bool
    coefficients: Float64
    bent_support: float
    bent_residual: float
    visible: NDArray[np.bool_]

    @property
    def matched(self) -> float:
        """Return the share of the region that matched, bent or not."""
        return max(self.support, self.bent_support)

    @property
    def bends(self) -> bool:
        """Whether bending explains the frame clearly better than a plane."""
        better = self.bent_support > self.support + 0.03 or self.bent_residual < 0.7 * self.residual
        return self.found and better and bool(np.abs(self.coefficients).max() > 0.25)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Consecutive steps away from the anchor, the first one frame from it."""

    steps: tuple[Step, ...] = ()
    ending: Ending = Ending.WINDOW


@dataclass(eq=False)
class Subject:
    """A region on its anchor frame, prepared for being followed."""

    frame: MotionFrame
    alpha: Float32
    template: Template = field(init=False)
    bender: Bender = field(init=False)
    points: Float64 = field(init=False)
    redetector: Redetector = field(init=False)

    def __post_init__(self) -> None:
        self.template = make_template(self.frame, self.alpha)
        self.bender = Bender(self.template)
        self.points = corners_of_texture(self.frame, self.alpha, self.chart)
        self.redetector = Redetector(self.frame, self.alpha, self.chart, self.template.levels[0].scale)

    @property
    def chart(self) -> Chart:
        """Return the region's coordinates."""
        return self.template.chart


def follow(
    subject: Subject,
    read: FrameReader,
    numbers: list[int],
    so_far: Chain,
    bending: Bending,
    report: Callable[[int], None],
    cancel: CancelToken,
) -> Chain:
    """Return the chain along `numbers`, going on after the steps there are.

    Args:
        subject: the region on its anchor.
        read: returns a frame.
        numbers: the frames in order, without the anchor.
        so_far: steps already made along the same numbers.
        bending: whether to look for it.
        report: is told the number of each frame done.
        cancel: checked before each frame.

    Raises:
        Cancelled: the work was asked to stop.
    """
    steps = list(so_far.steps[: len(numbers)])
    if so_far.ending is Ending.CUT and len(steps) < len(numbers):
        return Chain(tuple(steps), Ending.CUT)
    before = read(numbers[len(steps) - 1]) if steps else subject.frame
    belief = at_rest(subject.chart.corners_of(np.eye(3)))
    for k, step in enumerate(steps):
        belief = _told(subject, steps[:k], belief, step)
    for number in numbers[len(steps) :]:
        cancel.check()
        after = read(number)
        if is_cut(before, after):
            return Chain(tuple(steps), Ending.CUT)
        step = _step(subject, before, after, steps, _ahead(subject, steps, belief), bending)
        belief = _told(subject, steps, belief, step)
        steps.append(step)
        before = after
        report(number)
    return Chain(tuple(steps))


def _ahead(subject: Subject, steps: list[Step], belief: Belief) -> Belief:
    recent = [first_step(subject), *steps][-24:]
    corners = np.array([subject.chart.corners_of(step.homography) for step in recent])
    jolt = jolt_px(corners, np.array([step.information for step in recent]))
    # What was lost seldom keeps its speed for long.
    return ahead(belief, subject.chart, recent[-1].homography, jolt, 0.85 if _lost_for(steps) > 2 else 1.0)


def _told(subject: Subject, steps: list[Step], belief: Belief, step: Step) -> Belief:
    return told(_ahead(subject, steps, belief), subject.chart.corners_of(step.homography), step.information)


def found_on(
    subject: Subject,
    frame: MotionFrame,
    start: Float64,
    spread_px: float,
    coefficients: Float64,
    manner: Manner,
) -> Step:
    """Return what a frame tells when the region is expected near `start`, give or take `spread_px`."""
    sight = Sight(frame, subject.template, [subject.chart.corners_of(start)])
    if sight.empty:
        return nothing(subject, start, coefficients)
    return _looked(subject, sight, start, spread_px, coefficients, manner)


def manner_of(steps: Sequence[Step], bending: Bending) -> Manner:
    """Return how to look, given how the region has matched so far."""
    good = [step for step in steps if step.found and step.matched > 0.5][-12:]
    if len(good) < 2:
        return Manner(bending, LOOSE, LOOSE)
    residual = float(np.median([min(step.residual, step.bent_residual) for step in good]))
    tolerance = float(np.clip(0.04 + 4 * residual, TIGHT, LOOSE))
    return Manner(bending, tolerance, LOOSE if sum(step.bends for step in good) >= 2 else tolerance)


def _step(
    subject: Subject, before: MotionFrame, after: MotionFrame, steps: list[Step], belief: Belief, bending: Bending
) -> Step:
    """Look for the region where it is expected, where its points went, and where it was; if lost, by its features."""
    chart, template = subject.chart, subject.template
    last = steps[-1].homography if steps else np.eye(3)
    coefficients = steps[-1].coefficients if steps else subject.bender.grid.flat()
    manner = manner_of(steps, bending)
    lost = _lost_for(steps)
    expected = _moved(chart, belief.corners, last)
    guesses = [(expected, float(np.clip(1.5 * belief.sigma_px, 1.0, 25.0)))]
    if not lost:
        guesses.append((last, guesses[0][1]))
        points = subject.points if not steps else subject.points[steps[-1].visible]
        motion = increment(before, after, points, last, expected)
        if motion is not None and motion.share > 0.3:
            guesses.insert(0, (motion.motion @ last, 1.5 + 4.0 * (1.0 - motion.share)))
    sight = Sight(after, template, [chart.corners_of(guess) for guess, _ in guesses])
    best = nothing(subject, expected, coefficients)
    if not sight.empty:
        level = min(1, len(template.levels) - 1)
        start, spread = max(guesses, key=lambda guess: likeness(sight, template, level, guess[0]))
        # What matches already has hardly moved: where nothing holds it, as along an edge, it must not wander.
        apart = 1.0 - likeness(sight, template, level, start)
        spread = min(spread, _SPREAD_AT_MATCH_PX + _SPREAD_PER_MISMATCH_PX * apart)
        best = _looked(subject, sight, start, spread, coefficients, manner)
    if not best.found and lost % 2 == 0:
        speed = float(np.abs(belief.state[8:]).max())
        reach = chart.radius * (1.0 + 0.15 * lost) + 2 * speed * (lost + 1)
        known = next((step.homography for step in reversed(steps) if step.found), np.eye(3))
        places = np.concatenate([belief.corners, chart.corners_of(known)]).reshape(-1, 2)
        again = subject.redetector.find(after, places, min(reach, 4 * chart.radius))
        if again is not None:
            best = found_on(subject, after, again, 6.0, coefficients, manner)
    return best if best.found else nothing(subject, expected, coefficients)


def _looked(
    subject: Subject, sight: Sight, start: Float64, spread_px: float, coefficients: Float64, manner: Manner
) -> Step:
    chart, template = subject.chart, subject.template
    alignment = align(
        sight,
        template,
        start,
        np.maximum(spread_px * SHAPE, 0.2),
        coarsest=1 + int(spread_px > 3) + int(spread_px > 8),
        tolerance=manner.as_plane,
    )
    homography, best = alignment.homography, alignment
    if (
        manner.bending is Bending.SURFACE
        and alignment.support > 0.5 * LEAST_SUPPORT
        and (alignment.residual > _BEND_RESIDUAL or alignment.support < _BEND_SUPPORT)
    ):
        coefficients, bent = subject.bender.bend(sight, homography, coefficients, tolerance=manner.as_plane)
        if bent.support * bent.correlation > 0.9 * alignment.support * alignment.correlation:
            best = bent
    else:
        coefficients = coefficients * 0.0
        bent = alignment
    found = (
        max(alignment.support, bent.support) >= needed_support(best.correlation)
        and best.correlation >= LEAST_CORRELATION
        and _plausible(chart, homography)
        and not _by_chance(subject, sight, alignment, manner)
    )
    if not found:
        return nothing(subject, homography, coefficients)
    level = template.levels[0]
    return Step(
        homography,
        corner_information(chart, alignment),
        alignment.support,
        best.correlation,
        alignment.residual,
        True,
        coefficients,
        bent.support,
        bent.residual,
        sampled(best.weight, level, subject.points) > 0.4,
    )


def needed_support(correlation: float) -> float:
    """Return the share of a region that must match for it to be taken for found, by how well that share matches.

    What is hidden leaves a small share that matches nearly perfectly. A small share that matches so-so is what is left
    of something that has turned or bent into another shape: a patch there would smear.
    """
    if correlation >= SURE_CORRELATION:
        return LEAST_SUPPORT / 2
    return LEAST_SUPPORT + _SUPPORT_PER_CORRELATION * (SURE_CORRELATION - correlation)


def _by_chance(subject: Subject, sight: Sight, alignment: Alignment, manner: Manner) -> bool:
    """Tell whether the region matches no better there than it does a little beside."""
    if alignment.support > 0.7 and alignment.correlation > 0.9:
        return False
    level = min(1, len(subject.template.levels) - 1)
    here = likeness(sight, subject.template, level, alignment.homography, manner.tolerance)
    beside = chance(sight, subject.template, level, alignment.homography, manner.tolerance)
    return here < 2.0 * beside + 0.03


def nothing(subject: Subject, homography: Float64, coefficients: Float64) -> Step:
    """Return the step of a frame on which the region was not found."""
    unseen = np.zeros(len(subject.points), bool)
    return Step(homography, np.zeros((8, 8)), 0.0, 0.0, 1.0, False, coefficients, 0.0, 1.0, unseen)


def first_step(subject: Subject) -> Step:
    """Return the step of the anchor itself."""
    everything = np.ones(len(subject.points), bool)
    flat = subject.bender.grid.flat()
    return Step(np.eye(3), np.eye(8) * ANCHOR_INFORMATION, 1.0, 1.0, 0.0, True, flat, 1.0, 0.0, everything)


def _plausible(chart: Chart, homography: Float64) -> bool:
    """Tell whether the region is still seen from its front, at a sane size."""
    corners = chart.corners_of(homography).reshape(4, 2)
    depth = chart.corners_of(np.eye(3)).reshape(4, 2) @ homography[2, :2] + homography[2, 2]
    if not np.isfinite(corners).all() or depth.min() * _MOST_PERSPECTIVE <= depth.max():
        return False
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    turns = sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0]
    area = float(turns.sum()) / 4
    return bool((turns > 0).all()) and 0.02 < area / (4 * chart.half_width * chart.half_height) < 50


def _lost_for(steps: list[Step]) -> int:
    count = 0
    for step in reversed(steps):
        if step.found:
            break
        count += 1
    return count


def _moved(chart: Chart, corners: Float64, otherwise: Float64) -> Float64:
    homography = chart.of_corners(corners)
    return homography if _plausible(chart, homography) else otherwise


def is_even(frame: MotionFrame, alpha: Float32) -> bool:
    """Tell whether a region has nothing to be followed by: even, black, or nothing but grain."""
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows):
        return True
    room = 8
    y0, y1 = max(0, int(rows.min()) - room), int(rows.max()) + room + 1
    x0, x1 = max(0, int(columns.min()) - room), int(columns.max()) + room + 1
    luma = frame.luma[y0:y1, x0:x1].astype(np.float32)
    smooth = cv2.GaussianBlur(luma, (0, 0), 2.0)
    structure = (smooth - cv2.GaussianBlur(luma, (0, 0), 12.0))[alpha[y0:y1, x0:x1] > 0.5]
    return float(np.percentile(np.abs(structure), 98)) < _LEAST_STRUCTURE
