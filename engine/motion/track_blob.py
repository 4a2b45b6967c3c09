"""A track as bytes and back, for a cache: what does not read is made anew.

Arrays only, in NumPy's own archive format without pickles, so that reading a strange file runs nothing.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import astuple
from typing import Any

import numpy as np

from engine.model.time import Range
from engine.motion.chain import Chain, Ending, Step
from engine.motion.chart import Chart
from engine.motion.mesh import Grid
from engine.motion.track import Track

Arrays = dict[str, Any]

_STEP = ("homography", "information", "support", "correlation", "residual", "found", "coefficients")
_STEP_ENDS = ("bent_support", "bent_residual", "visible")


def track_to_bytes(track: Track) -> bytes:
    """Return a track as bytes."""
    arrays: Arrays = {
        "numbers": np.array([track.anchor, track.frames.start, track.frames.stop, track.before, track.after], np.int64),
        "chart": np.array(astuple(track.chart)),
        "grid": np.array(astuple(track.grid)),
        "homographies": track.homographies,
        "coefficients": track.coefficients,
        "found": track.found,
        "sigma_px": track.sigma_px,
        "support": track.support,
        "correlation": track.correlation,
    }
    for way, chain in enumerate(track.chains):
        arrays[f"{way}.ending"] = np.array([chain.ending, len(chain.steps)], np.int64)
        if chain.steps:
            for name in (*_STEP, *_STEP_ENDS):
                arrays[f"{way}.{name}"] = np.array([getattr(step, name) for step in chain.steps])
    return packed(arrays)


def track_from_bytes(data: bytes) -> Track | None:
    """Return the track of some bytes, None where they are none."""
    arrays = unpacked(data)
    if arrays is None:
        return None
    try:
        anchor, start, stop, before, after = arrays["numbers"].tolist()
        return Track(
            anchor,
            Range(start, stop),
            Chart(*arrays["chart"].tolist()),
            grid_of(arrays["grid"]),
            arrays["homographies"],
            arrays["coefficients"],
            arrays["found"],
            arrays["sigma_px"],
            arrays["support"],
            arrays["correlation"],
            Ending(before),
            Ending(after),
            (_chain(arrays, 0), _chain(arrays, 1)),
        )
    except (KeyError, ValueError, TypeError):
        return None


def _chain(arrays: Arrays, way: int) -> Chain:
    ending, count = arrays[f"{way}.ending"].tolist()
    columns = [arrays[f"{way}.{name}"] for name in (*_STEP, *_STEP_ENDS)] if count else []
    steps = []
    for row in range(count):
        homography, information, support, correlation, residual, found, coefficients, bent, bent_residual, visible = (
            column[row] for column in columns
        )
        steps.append(
            Step(
                homography,
                information,
                float(support),
                float(correlation),
                float(residual),
                bool(found),
                coefficients,
                float(bent),
                float(bent_residual),
                visible,
            )
        )
    return Chain(tuple(steps), Ending(ending))


def grid_of(values: Any) -> Grid:  # noqa: ANN401 - whatever array the archive held
    """Return the grid of its five numbers."""
    x, y, spacing, columns, rows = values.tolist()
    return Grid(x, y, spacing, int(columns), int(rows))


def packed(arrays: Arrays) -> bytes:
    """Return named arrays as bytes."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def unpacked(data: bytes) -> Arrays | None:
    """Return the named arrays of some bytes, None where they are none."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile):
        return None
