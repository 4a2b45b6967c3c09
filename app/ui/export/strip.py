"""A plan as a strip: copied, changed, and unchanged but re-encoded."""

from __future__ import annotations

from fractions import Fraction

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QFont, QHelpEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from app.ui.words import timecode
from engine.plan.export_plan import CopySegment, ExportPlan, Reason, RenderSegment

CHANGED = (Reason.CHANGED, Reason.BLACK, Reason.OTHER_RATE, Reason.OTHER_SHAPE, Reason.OTHER_FILM)
_STRIP, _LABELS, _QUARTERS = 22, 18, 4


class PlanStrip(QWidget):
    """The whole film from left to right; the reason of a part is in its tooltip."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._plan: ExportPlan | None = None
        self._rate = Fraction(25)
        self._first = 0
        self.setFixedHeight(_STRIP + _LABELS)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(400, _STRIP + _LABELS)

    def show_plan(self, plan: ExportPlan | None, rate: Fraction, first: int = 0) -> None:
        """Show a plan, or none; its timecodes are of `rate` and begin with the timeline's frame `first`."""
        self._plan, self._rate, self._first = plan, rate, first
        if plan is not None:
            self.setAccessibleName(f"{plan.frames_copied:,} frames copied, {plan.frames_rendered:,} re-encoded")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        strip = QRectF(0, 0, self.width(), _STRIP)
        outline = QPainterPath()
        outline.addRoundedRect(strip, 3, 3)
        painter.save()
        painter.setClipPath(outline)
        painter.fillRect(strip, self._theme.colour("surface.2"))
        plan = self._plan
        if plan is not None and plan.frames_total:
            painter.fillRect(strip, self._theme.colour("strip.copied"))
            for segment in plan.segments:
                if isinstance(segment, RenderSegment):
                    self._paint_rendered(painter, segment, plan.frames_total)
        painter.restore()
        if plan is not None and plan.frames_total:
            self._paint_times(painter, plan.frames_total)
        painter.end()

    def _paint_times(self, painter: QPainter, total: int) -> None:
        """Write the timecodes of the film's quarters below the strip, those at its ends inside of it."""
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(self._theme.colour("text.2"))
        for number in range(_QUARTERS + 1):
            text = timecode(self._first + total * number // _QUARTERS, self._rate)
            wide = painter.fontMetrics().horizontalAdvance(text)
            middle = self.width() * number / _QUARTERS - wide / 2
            left = min(max(0.0, middle), self.width() - wide)
            place = QRectF(left, _STRIP + 4, wide + 1, _LABELS - 4)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _paint_rendered(self, painter: QPainter, segment: RenderSegment, total: int) -> None:
        left = segment.frames.start * self.width() / total
        # A single frame of a long film would be no pixel wide, and it is what the person looks for.
        width = max(2.0, len(segment.frames) * self.width() / total)
        place = QRectF(left, 0, width, _STRIP)
        if segment.reason in CHANGED:
            painter.fillRect(place, self._theme.colour("strip.reencoded"))
            return
        painter.fillRect(place, self._theme.colour("strip.tail"))
        painter.fillRect(place, QBrush(self._theme.colour("strip.reencoded"), Qt.BrushStyle.BDiagPattern))

    def event(self, event: object) -> bool:
        if isinstance(event, QHelpEvent) and self._plan is not None and self._plan.frames_total:
            frame = int(event.pos().x() * self._plan.frames_total / max(1, self.width()))
            for segment in self._plan.segments:
                if segment.frames.start <= frame < segment.frames.stop:
                    what = "copied" if isinstance(segment, CopySegment) else f"re-encoded: {segment.reason.value}"
                    QToolTip.showText(event.globalPos(), f"{len(segment.frames):,} frames {what}", self)
            return True
        return super().event(event)  # type: ignore[arg-type]
