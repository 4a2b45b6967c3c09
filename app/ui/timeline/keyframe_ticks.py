"""Where on the timeline a copy may begin: the keyframes of the films, through their clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.ui.timeline.content import Int64
from engine.model.gop import keyframes
from engine.model.storyline import Clip, Native
from engine.model.timeline import TimelineMap
from engine.render.film import Film


def keyframes_of(timeline: TimelineMap, films: Mapping[str, Film]) -> Int64:
    """Return the timeline frames that show a keyframe of their film, ascending; conformed clips are never copied."""
    known: dict[str, Int64] = {}
    found = []
    for span in timeline.spans:
        clip = span.item
        if not isinstance(clip, Clip) or not isinstance(clip.timing, Native) or clip.source_id not in films:
            continue
        if clip.source_id not in known:
            index = films[clip.source_id].index
            frames = index.frame_of[keyframes(index)]
            known[clip.source_id] = np.sort(frames[frames >= 0])
        shown = clip.timing.source_range
        low, high = np.searchsorted(known[clip.source_id], [shown.start, shown.stop])
        found.append(known[clip.source_id][low:high] - shown.start + span.timeline_range.start)
    return np.concatenate(found) if found else np.zeros(0, np.int64)
