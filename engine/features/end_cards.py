"""Cards at the end of a film: pictures that stand still, with lettering; and where lettering shows at all."""

from __future__ import annotations

import numpy as np

from engine.features.measures import Bool, Float64, PictureMeasures
from engine.model.time import Range

_MOST_CHANGE = 1.5
"""Mean difference of the luma (of 255) to the frame before that the noise of an encoder makes, at a keyframe even."""
_USUAL_CHANGE = 0.2
"""In the mean over a card; somebody who talks moves more than this."""
_LEAST_CARD_S = 2.5
_LEAST_LETTERING = 0.006
_END_SHARE = 0.25
_END_S = 45.0


def end_cards(picture: PictureMeasures, frame_times_s: Float64) -> tuple[Range, ...]:
    """Return the frames of cards near a film's end, in order.

    Args:
        picture: its measures.
        frame_times_s: float64 [frames + 1], when each frame begins, and the end of the last one.
    """
    end_s, whole_s = float(frame_times_s[-1]), float(frame_times_s[-1] - frame_times_s[0])
    near_s = end_s - min(_END_S, max(_LEAST_CARD_S, _END_SHARE * whole_s))
    still = picture.change < _MOST_CHANGE
    cards = []
    for run in _runs(still):
        start = max(0, run.start - 1)
        lasts_s = float(frame_times_s[run.stop] - frame_times_s[start])
        is_whole = lasts_s > 0.9 * whole_s
        lettered = float(np.median(picture.text[start : run.stop])) >= _LEAST_LETTERING
        stands = float(picture.change[run.start : run.stop].mean()) < _USUAL_CHANGE
        if frame_times_s[run.stop] > near_s and lasts_s >= _LEAST_CARD_S and stands and lettered and not is_whole:
            cards.append(Range(start, run.stop))
    return tuple(cards)


def lettered_frames(picture: PictureMeasures) -> Bool:
    """Return bool [n]: which frames show lettering."""
    return np.asarray(picture.text >= _LEAST_LETTERING, np.bool_)


def _runs(mask: Bool) -> list[Range]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [Range(int(start), int(stop)) for start, stop in zip(edges[::2], edges[1::2], strict=True)]
