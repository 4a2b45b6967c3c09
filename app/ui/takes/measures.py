"""What the chosen patch comes to, in four numbers: pixels outside and inside, sure frames, frames to re-encode."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.session.comparison import Changes
from app.session.following import LOOK_AGAIN_BELOW
from app.ui.context import Context
from app.ui.export.strip import CHANGED
from app.ui.viewer.findings import Findings
from app.ui.widgets import IconLabel, Role, label, line, row
from engine.model.patch import Follow, Patch
from engine.model.placement import timeline_ranges
from engine.model.time import Range
from engine.plan.export_plan import ExportPlan, RenderSegment
from engine.render.moving import Followed

_UNKNOWN = "–"
_OUTSIDE = "Pixels changed outside the region"


class PatchMeasures(QWidget):
    """The numbers of the patch that is chosen, for the frame that shows."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = context.session
        self._changes: Changes | None = None
        self._sign = IconLabel(context.theme, "shield", "approved.fg")
        self.outside = label("", Role.HEAD)
        self.inside = label("", Role.HEAD)
        self.sure = label("", Role.HEAD)
        self.reencoded = label("", Role.HEAD)
        rows = (
            (self._sign, _OUTSIDE, self.outside),
            (IconLabel(context.theme, "region", "patch.line"), "Pixels changed in this frame", self.inside),
            (IconLabel(context.theme, "follow", "patch.line"), "Follow: confident frames", self.sure),
            (IconLabel(context.theme, "film", "strip.reencoded"), "Frames to re-encode for this patch", self.reencoded),
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.setSpacing(10)
        column.addWidget(line())
        for sign, text, value in rows:
            words = _words(text, value)
            if value is self.outside:
                self._outside_of = words
            column.addLayout(row(sign, words, None, value))
        session = self._session
        session.preview.worked.connect(self._worked)
        for signal in (
            session.selection.changed,
            session.document.changed,
            session.following.changed,
            session.live_plan.plan_changed,
            session.transport.frame_changed,
        ):
            signal.connect(self.refresh)
        self.refresh()

    def showEvent(self, event: object) -> None:
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Show the numbers that are known now."""
        if not self.isVisible():
            return
        session, patch = self._session, self._session.selection.patch
        changes = self._changes
        if changes is None or changes.frame != session.transport.frame:
            self.outside.setText(_UNKNOWN)
            self.inside.setText(_UNKNOWN)
        else:
            self.outside.setText(f"{changes.outside:,}")
            self._outside_of.setText(f"Pixels changed outside {changes.bounds}")
            self.outside.setAccessibleName(self._outside_of.text())
            self.inside.setText(f"{changes.inside:,} ({changes.inside / changes.total:.2%})")
            clean = changes.outside == 0
            self._sign.show_icon(*(("shield", "approved.fg") if clean else ("warning", "stale.fg")))
        self.sure.setText(_UNKNOWN if patch is None else sure_text(patch, session.following.followed(patch.id)))
        planned = session.live_plan.planned
        plan = None if planned is None else planned.plan
        if patch is None or plan is None:
            self.reencoded.setText(_UNKNOWN)
        else:
            ranges = timeline_ranges(patch, session.document.timeline) if patch.shows else ()
            self.reencoded.setText(f"{frames_for(plan, ranges):,}")

    @Slot(str, object)
    def _worked(self, _view: str, found: object) -> None:
        if isinstance(found, Findings) and found.frame == self._session.transport.frame:
            self._changes = found.changes
            self.refresh()


def sure_text(patch: Patch, found: Followed | None) -> str:
    """Return on how many frames a patch is surely where it should be."""
    motion = patch.effective_motion
    if motion.follow is Follow.STATIC:
        return "stays in place"
    if found is None:
        return "not followed yet" if patch.shows else "not in the film"
    lost = {frame for span in found.lost for frame in range(span.start, span.stop)}
    sure = sum(
        confidence >= LOOK_AGAIN_BELOW and frame not in lost
        for frame, confidence in zip(range(found.frames.start, found.frames.stop), found.confidence, strict=True)
    )
    return f"{sure:,} of {len(found.frames):,}"


def frames_for(plan: ExportPlan, ranges: tuple[Range, ...]) -> int:
    """Return how many frames are re-encoded where a patch is, with the unchanged ones right before and behind it."""
    count = 0
    segments = plan.segments
    for number, segment in enumerate(segments):
        if not isinstance(segment, RenderSegment):
            continue
        if segment.reason in CHANGED:
            count += sum(len(segment.frames.intersection(frames)) for frames in ranges)
            continue
        beside = [
            other
            for other in (segments[number - 1 : number] + segments[number + 1 : number + 2])
            if isinstance(other, RenderSegment) and other.reason in CHANGED
        ]
        edges = [frames for frames in ranges if any(_reaches(frames, other.frames, segment.frames) for other in beside)]
        count += len(segment.frames) if edges else 0
    return count


def _reaches(frames: Range, changed: Range, unchanged: Range) -> bool:
    """Tell whether a patch stands on the changed frame that lies next to a run of unchanged ones."""
    edge = changed.stop - 1 if changed.stop == unchanged.start else changed.start
    return edge in frames


def _words(text: str, value: QLabel) -> QLabel:
    made = label(text, tone="2")
    value.setAccessibleName(text)
    return made
