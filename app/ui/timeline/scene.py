"""Everything that a picture of the timeline is painted from, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from app.ui.timeline.content import Content, Int64
from app.ui.timeline.layout import Layout, Rect
from app.ui.timeline.scale import Scale
from engine.model.time import Range
from engine.plan.export_plan import ExportPlan, Reason, RenderSegment


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A plan, ready to be drawn; int64 frames.

    Attributes:
        changed, unchanged: starts and stops of the re-encoded segments, by whether their pixels changed.
        label_starts, label_stops: where labels have room. labels: their text, and whether they stand on changed frames.
    """

    plan: ExportPlan
    changed: tuple[Int64, Int64]
    unchanged: tuple[Int64, Int64]
    label_starts: Int64
    label_stops: Int64
    labels: tuple[tuple[str, bool], ...]

    @classmethod
    def of(cls, plan: ExportPlan) -> Strip:
        """Return a plan in the form that is drawn; re-encoded segments that touch have one label."""
        rendered = [segment for segment in plan.segments if isinstance(segment, RenderSegment)]
        changed = [segment.frames for segment in rendered if segment.reason in _CHANGES]
        rest = [segment.frames for segment in rendered if segment.reason not in _CHANGES]
        groups: list[tuple[Range, Range]] = []
        places: list[Range] = []
        for segment in plan.segments:
            frames = segment.frames
            if not isinstance(segment, RenderSegment):
                places.append(frames)
            elif groups and groups[-1][0].stop == frames.start:
                whole, label = groups[-1]
                wider = segment.reason in _CHANGES and len(frames) > len(label)
                groups[-1] = (Range(whole.start, frames.stop), frames if wider else label)
            else:
                groups.append((frames, frames))
        labels = [("Copied", False)] * len(places) + [(f"{len(whole):,} re-encoded", True) for whole, _ in groups]
        starts, stops = _arrays([*places, *(label for _, label in groups)])
        return cls(plan, _arrays(changed), _arrays(rest), starts, stops, tuple(labels))


_CHANGES = frozenset({Reason.CHANGED, Reason.OTHER_RATE, Reason.OTHER_SHAPE, Reason.BLACK})
"""Reasons for which the picture itself is another than the source's."""


def _arrays(ranges: list[Range]) -> tuple[Int64, Int64]:
    return (
        np.array([frames.start for frames in ranges], np.int64),
        np.array([frames.stop for frames in ranges], np.int64),
    )


@dataclass(frozen=True, slots=True)
class Ghost:
    """Where a dragged item would come to stand: a row and frames; label: what is told beside it."""

    row: int
    frames: Range
    lane: int = 0
    label: str = ""


@dataclass(frozen=True, slots=True)
class LaneMark:
    """Something found in a feature lane: frames and how strongly (0 to 1); `word` stands in the mark itself."""

    frames: Range
    value: float = 1.0
    label: str = ""
    word: str = ""


@dataclass(frozen=True, slots=True)
class FeatureLane:
    """A lane of features below the rows.

    Attributes:
        curve: 0 to 1 over the timeline, one value per `step` frames; empty for none.
    """

    key: str
    name: str
    marks: tuple[LaneMark, ...] = ()
    curve: tuple[float, ...] = ()
    step: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What shows.

    Attributes:
        width, height: of the view, in points.
        selected: ids. focused: the item that the keyboard is on: id and part.
        ghosts: what a drag would do. dimmed: ids of what is being dragged away.
        snap_line, drop_line: frames at which a line shows while something is dragged.
        band: the rubber band. keyframes: timeline frames at which a copy may begin, ascending.
        confidence: by patch id, the first source frame and how surely each frame from it on was followed, 0 to 1.
    """

    content: Content
    layout: Layout
    scale: Scale
    width: int
    height: int
    rate: Fraction
    playhead: int = 0
    selected: frozenset[str] = frozenset()
    focused: tuple[str, int] | None = None
    has_focus: bool = False
    ghosts: tuple[Ghost, ...] = ()
    dimmed: frozenset[str] = frozenset()
    snap_line: int | None = None
    drop_line: int | None = None
    band: Rect | None = None
    strip: Strip | None = None
    strip_is_current: bool = True
    keyframes: Int64 = field(default_factory=lambda: np.zeros(0, np.int64))
    lanes: tuple[FeatureLane, ...] = ()
    confidence: Mapping[str, tuple[int, tuple[float, ...]]] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
