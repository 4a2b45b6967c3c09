"""The likeliest path of a region's corners, given what was measured on each frame and that things move smoothly.

A Kalman filter and a Rauch-Tung-Striebel smoother on place and speed: frames that were measured well stay where they
were measured, frames that were not are filled in from both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.motion.chart import PARAMETERS, Chart
from engine.motion.frame import Float64

_N = PARAMETERS
SHAPE = np.array([1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.12, 0.12])
"""How likely each parameter of Chart.motion is to change, as a share of the shift: things shift and turn more than
they change their perspective."""
_LEAST_JOLT_PX = 0.15
_FIRST_JOLT_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """Where the corners are and how fast they go.

    Attributes:
        state: float64 [16], places then speeds, pixels and pixels per frame. spread: float64 [16, 16], covariance.
    """

    state: Float64
    spread: Float64

    @property
    def corners(self) -> Float64:
        """Return the corners' places, float64 [8]."""
        return self.state[:_N]

    @property
    def sigma_px(self) -> float:
        """Return how far off a corner may be."""
        return float(np.sqrt(max(np.trace(self.spread[:_N, :_N]) / _N, 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class CornerPath:
    """Corners on consecutive frames: float64 [n, 8], and how far off each frame may be, float64 [n] pixels."""

    corners: Float64
    sigma_px: Float64


def at_rest(corners: Float64) -> Belief:
    """Return the belief about a region whose place is known and whose speed is not."""
    return Belief(
        np.concatenate([corners, np.zeros(_N)]), np.diag(np.concatenate([np.full(_N, 1e-4), np.full(_N, 400.0)]))
    )


def ahead(belief: Belief, chart: Chart, homography: Float64, jolt_px: float, pace: float = 1.0) -> Belief:
    """Return the belief one frame later.

    Args:
        belief: about this frame.
        chart: the region's coordinates.
        homography: where the region is about now, for the sense of shift, turn and perspective.
        jolt_px: the likely change of speed from frame to frame.
        pace: the share of its speed that it keeps.
    """
    one = np.eye(_N)
    forward = np.block([[one, pace * one], [0 * one, pace * one]])
    directions = chart.corner_jacobian(homography) * (jolt_px / chart.radius * SHAPE)
    noise = directions @ directions.T + (0.02 * jolt_px) ** 2 * one
    return Belief(
        forward @ belief.state, forward @ belief.spread @ forward.T + np.block([[noise, noise], [noise, noise]])
    )


def told(belief: Belief, corners: Float64, information: Float64) -> Belief:
    """Return the belief after a measurement with an inverse covariance, which may be singular."""
    if not information.any():
        return belief
    measured = np.zeros((2 * _N, 2 * _N))
    measured[:_N, :_N] = information
    spread = np.linalg.solve(np.eye(2 * _N) + belief.spread @ measured, belief.spread)
    spread = (spread + spread.T) / 2
    state = belief.state + spread[:, :_N] @ (information @ (corners - belief.corners))
    return Belief(state, spread)


def smoothed(chart: Chart, corners: Float64, information: Float64) -> CornerPath:
    """Return the likeliest path.

    Args:
        chart: the region's coordinates.
        corners: float64 [n, 8], measured; anything where the information is zero.
        information: float64 [n, 8, 8], inverse covariance of each measurement in 1/px^2; zero where there is none.
    """
    jolt = jolt_px(corners, information)
    first = int(np.argmax([item.any() for item in information]))
    belief = Belief(
        np.concatenate([corners[first], np.zeros(_N)]), np.diag(np.concatenate([np.full(_N, 1e4), np.full(_N, 1e3)]))
    )
    beliefs, predictions = [], []
    place = corners[first]
    for k in range(len(corners)):
        if k:
            belief = ahead(belief, chart, chart.of_corners(place), jolt)
        predictions.append(belief)
        belief = told(belief, corners[k], information[k])
        beliefs.append(belief)
        if information[k].any():
            place = corners[k]
    one = np.eye(_N)
    forward = np.block([[one, one], [0 * one, one]])
    for k in range(len(corners) - 2, -1, -1):
        gain = beliefs[k].spread @ forward.T @ np.linalg.inv(predictions[k + 1].spread + 1e-9 * np.eye(2 * _N))
        beliefs[k] = Belief(
            beliefs[k].state + gain @ (beliefs[k + 1].state - predictions[k + 1].state),
            beliefs[k].spread + gain @ (beliefs[k + 1].spread - predictions[k + 1].spread) @ gain.T,
        )
    return CornerPath(np.array([item.corners for item in beliefs]), np.array([item.sigma_px for item in beliefs]))


def jolt_px(corners: Float64, information: Float64) -> float:
    """Return the likely change of a corner's speed from frame to frame, from the well-measured frames."""
    if len(corners) < 3:
        return _FIRST_JOLT_PX
    sharp = np.trace(information, axis1=1, axis2=2) / _N > 1.0
    triples = sharp[:-2] & sharp[1:-1] & sharp[2:]
    if triples.sum() < 3:
        return _FIRST_JOLT_PX
    changes = np.sqrt((np.diff(corners, n=2, axis=0)[triples] ** 2).mean(axis=1))
    return max(_LEAST_JOLT_PX, float(np.percentile(changes, 80)))
