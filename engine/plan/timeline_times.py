"""When each frame of a timeline begins, in ticks of one time base that holds every source's times exactly."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from engine.model.frame_index import Int64
from engine.model.project import Project
from engine.model.source import EvenTimes
from engine.model.storyline import Clip, Native
from engine.model.timeline import TimelineMap

_FINEST = 1 << 30
_USUAL = Fraction(1, 90000)


def output_time_base(project: Project, reference: str) -> Fraction:
    """Return the seconds per tick in which every frame's start is a whole number, or the nearest that players take.

    Args:
        project: the timeline.
        reference: the source whose time base is kept where it will do.
    """
    ticks = project.picture(reference).times.time_base.denominator
    for item in project.storyline:
        if isinstance(item, Clip) and isinstance(item.timing, Native):
            ticks = math.lcm(ticks, project.picture(item.source_id).times.time_base.denominator)
        else:
            ticks = math.lcm(ticks, project.canvas.rate.numerator)
    return Fraction(1, ticks) if ticks <= _FINEST else _USUAL


def frame_starts(project: Project, time_base: Fraction) -> Int64:
    """Return int64 [frames + 1]: the start of each output frame in ticks, and the end of the last one.

    Where the time base cannot hold a time, the nearest tick stands for it: errors do not add up.
    """
    timeline = TimelineMap(project)
    parts = []
    for span in timeline.spans:
        begun = timeline.time_of(span.timeline_range.start)
        item = span.item
        if isinstance(item, Clip) and isinstance(item.timing, Native):
            times, shown = project.picture(item.source_id).times, item.timing.source_range
            if isinstance(times, EvenTimes):
                ticks = np.arange(len(shown), dtype=np.int64) * times.step
            else:
                ticks = times.ticks[shown.start : shown.stop] - times.ticks[shown.start]
            parts.append(_rescaled(ticks, times.time_base / time_base, begun / time_base))
        else:
            steps = np.arange(len(item), dtype=np.int64)
            parts.append(_rescaled(steps, 1 / (project.canvas.rate * time_base), begun / time_base))
    end = round(timeline.time_of(timeline.frame_count) / time_base)
    return np.concatenate([*parts, np.array([end], np.int64)])


def _rescaled(ticks: Int64, factor: Fraction, begun: Fraction) -> Int64:
    """Return round(begun + ticks * factor), in whole numbers."""
    under = math.lcm(factor.denominator, begun.denominator)
    over, start = int(factor * under), int(begun * under)
    if ticks.size and (int(ticks[-1]) * over + start) > 1 << 61:
        exact = [(2 * (int(tick) * over + start) + under) // (2 * under) for tick in ticks]
        return np.array(exact, np.int64)
    result: Int64 = (2 * (ticks * over + start) + under) // (2 * under)
    return result
