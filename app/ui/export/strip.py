"""A plan as a strip: copied, changed, and unchanged but re-encoded."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from engine.plan.export_plan import CopySegment, ExportPlan, Reason, RenderSegment

CHANGED = (Reason.CHANGED, Reason.BLACK, Reason.OTHER_RATE, Reason.OTHER_SHAPE, Reason.OTHER_FILM)


class PlanStrip(QWidget):
    """The whole film from left to right; the reason of a part is in its tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._plan: ExportPlan | None = None
        self.setFixedHeight(22)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(400, 22)

    def show_plan(self, plan: ExportPlan | None) -> None:
        """Show a plan, or none."""
        self._plan = plan
        if plan is not None:
            self.setAccessibleName(f"{plan.frames_copied:,} frames copied, {plan.frames_rendered:,} re-encoded")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), 3, 3)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), self._theme.colour("surface.2"))
        plan = self._plan
        if plan is not None and plan.frames_total:
            painter.fillRect(self.rect(), self._theme.colour("strip.copied"))
            for segment in plan.segments:
                if isinstance(segment, RenderSegment):
                    self._paint_rendered(painter, segment, plan.frames_total)
        painter.end()

    def _paint_rendered(self, painter: QPainter, segment: RenderSegment, total: int) -> None:
        left = segment.frames.start * self.width() / total
        # A single frame of a long film would be no pixel wide, and it is what the person looks for.
        width = max(2.0, len(segment.frames) * self.width() / total)
        place = QRectF(left, 0, width, self.height())
        if segment.reason in CHANGED:
            painter.fillRect(place, self._theme.colour("strip.reencoded"))
            return
        painter.fillRect(place, self._theme.colour("strip.tail"))
        painter.fillRect(place, QBrush(self._theme.colour("strip.reencoded"), Qt.BrushStyle.BDiagPattern))

    def event(self, event: object) -> bool:
        from PySide6.QtGui import QHelpEvent

        if isinstance(event, QHelpEvent) and self._plan is not None and self._plan.frames_total:
            frame = int(event.pos().x() * self._plan.frames_total / max(1, self.width()))
            for segment in self._plan.segments:
                if segment.frames.start <= frame < segment.frames.stop:
                    what = "copied" if isinstance(segment, CopySegment) else f"re-encoded: {segment.reason.value}"
                    QToolTip.showText(event.globalPos(), f"{len(segment.frames):,} frames {what}", self)
            return True
        return super().event(event)  # type: ignore[arg-type]
