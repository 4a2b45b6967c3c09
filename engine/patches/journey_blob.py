"""A journey as bytes and back, for a cache: what does not read is made anew. Its tracks are kept on their own."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from engine.model.time import Range
from engine.motion.chart import Chart
from engine.motion.exposure import Exposure
from engine.motion.place import Place, Surface
from engine.motion.track_blob import grid_of, packed, unpacked
from engine.patches.propagate import Journey

_NO_SUGGESTION = -1


def journey_to_bytes(journey: Journey) -> bytes:
    """Return a journey as bytes, without its tracks."""
    suggestion = _NO_SUGGESTION if journey.suggestion is None else journey.suggestion
    asked, frames = journey.asked, journey.frames
    numbers = [
        journey.anchor,
        asked.start,
        asked.stop,
        frames.start,
        frames.stop,
        *journey.cuts,
        suggestion,
        journey.even,
    ]
    return packed(
        {
            "numbers": np.array(numbers, np.int64),
            "chart": np.array(astuple(journey.surface.chart)),
            "grid": np.array(astuple(journey.surface.grid)),
            "homographies": np.array([place.homography for place in journey.places]),
            "coefficients": np.array([place.coefficients for place in journey.places]),
            "found": journey.found,
            "confidence": journey.confidence,
            "sigma_px": journey.sigma_px,
            "opacity": journey.opacity,
            "support": np.zeros(0) if journey.support is None else journey.support,
            "exposure": np.array(astuple(journey.exposure)),
        }
    )


def journey_from_bytes(data: bytes) -> Journey | None:
    """Return the journey of some bytes, None where they are none."""
    arrays = unpacked(data)
    if arrays is None:
        return None
    try:
        anchor, asked_start, asked_stop, start, stop, before, after, suggestion, even = arrays["numbers"].tolist()
        return Journey(
            anchor,
            Range(asked_start, asked_stop),
            Range(start, stop),
            Surface(Chart(*arrays["chart"].tolist()), grid_of(arrays["grid"])),
            tuple(Place(h, c) for h, c in zip(arrays["homographies"], arrays["coefficients"], strict=True)),
            arrays["found"],
            arrays["confidence"],
            arrays["sigma_px"],
            arrays["opacity"],
            Exposure(*arrays["exposure"].tolist()),
            (bool(before), bool(after)),
            (),
            None if suggestion == _NO_SUGGESTION else suggestion,
            bool(even),
            arrays["support"] if arrays["support"].size else None,
        )
    except (KeyError, ValueError, TypeError):
        return None
