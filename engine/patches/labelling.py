"""Choose one label for each node of a grid so that neighbours agree, by belief propagation in four sweeps.

Min-sum belief propagation with the accelerated schedule of Tappen and Freeman, "Comparison of graph cuts with belief
propagation for stereo" (2003): a sweep carries a message across the whole grid.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from engine.control import CancelToken
from engine.motion.frame import Float32

_ROUNDS = 6


def labelled(
    nodes: NDArray[np.bool_], own: Float32, between: Float32, cancel: CancelToken, rounds: int = _ROUNDS
) -> NDArray[np.intp]:
    """Return the label of each node, int [n], in the order of the grid's rows.

    Args:
        nodes: [h, w], where the grid has nodes; n of them.
        own: float32 [n, K], what a label costs at a node.
        between: float32 [n, K, K], symmetric: what two labels that meet at a node cost; two neighbours with labels a
            and b cost this at (a, b) of both.
        cancel: checked in each sweep.
        rounds: of four sweeps each.

    Raises:
        Cancelled: the work was asked to stop.
    """
    index = np.full(nodes.shape, -1)
    index[nodes] = np.arange(int(nodes.sum()))
    sweeps = [_steps(index), _steps(index[::-1]), _steps(index.T), _steps(index.T[::-1])]
    messages = np.zeros((4, *own.shape), np.float32)
    belief = own.copy()
    for _ in range(rounds):
        for direction, steps in enumerate(sweeps):
            cancel.check()
            # What came from where the message goes to is not sent back there.
            back = direction ^ 1
            for start, end in steps:
                heard = belief[start] - messages[back, start]
                sent = (heard[:, :, None] + between[start] + between[end]).min(axis=1)
                sent -= sent.min(axis=1, keepdims=True)
                belief[end] += sent - messages[direction, end]
                messages[direction, end] = sent
    return np.asarray(belief.argmin(axis=1), np.intp)


def _steps(index: NDArray[np.intp]) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return for each line of the grid but the first the nodes before it and those on it that are neighbours."""
    steps = []
    for before, line in itertools.pairwise(index):
        both = (before >= 0) & (line >= 0)
        if both.any():
            steps.append((before[both], line[both]))
    return steps
