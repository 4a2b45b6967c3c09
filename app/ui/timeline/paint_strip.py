"""Paint what stands below the rows: the feature lanes, and the strip of what an export copies and re-encodes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QLine, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPainter, QPen, QPixmap

from app.ui.timeline.brush import PINNED_PX, TEXT_PX, Brush, elided, font_of, metrics
from app.ui.timeline.layout import STRIP, merged_runs
from app.ui.timeline.row_heights import FEATURE
from app.ui.timeline.scene import FeatureLane, Scene

_LABEL_PX = 32
_WORD_PX = 11
_BAR = 14
"""Height of the export strip's bar."""


class StripPainting:
    """Paints lanes and strip."""

    def __init__(self, brush: Brush) -> None:
        self._brush = brush
        self._hatch: dict[float, QBrush] = {}
        brush.theme.changed.connect(self._hatch.clear)

    def lane(self, painter: QPainter, scene: Scene, lane: FeatureLane, top: int, exposed: QRect) -> None:
        """Draw a feature lane whose upper edge is at `top`."""
        height = scene.layout.feature_height
        area = QRect(0, top, scene.width, height)
        if not area.intersects(exposed):
            return
        colour = self._brush.colour
        painter.fillRect(area.intersected(exposed), colour("surface.1"))
        painter.fillRect(exposed.left(), top, exposed.width(), 1, colour("line.subtle"))
        scale = scene.scale
        if lane.curve:
            self._curve(painter, scene, lane, top, exposed)
        for mark in lane.marks:
            left, right = scale.x(mark.frames.start), scale.x(mark.frames.stop)
            if right < exposed.left() or left > exposed.right():
                continue
            tone = QColor(colour("text.3"))
            tone.setAlphaF(0.15 + 0.25 * mark.value if mark.word else 0.35 + 0.65 * mark.value)
            # A lane that had to shrink gives its margins first.
            margin = 4 if height == FEATURE else 2
            bar = QRectF(left, top + margin, max(2.0, right - left - 1), height - 2 * margin + 1)
            painter.fillRect(bar, tone)
            if mark.word and bar.width() >= TEXT_PX:
                painter.setPen(colour("text.1"))
                painter.setFont(font_of(_WORD_PX, QFont.Weight.Normal))
                word = elided(mark.word, int(bar.width()) - 8, _WORD_PX, QFont.Weight.Normal)
                painter.drawText(bar.adjusted(4, 0, -4, 0), int(Qt.AlignmentFlag.AlignVCenter), word)

    def _curve(self, painter: QPainter, scene: Scene, lane: FeatureLane, top: int, exposed: QRect) -> None:
        first, stop = max(0, exposed.left()), min(scene.width, exposed.right() + 2)
        if stop <= first:
            return
        at = (np.arange(first, stop) + scene.scale.scroll_px) * scene.scale.frames_per_px / lane.step
        values = np.interp(at, np.arange(len(lane.curve)), np.array(lane.curve), right=0.0)
        heights = (np.clip(values, 0, 1) * (scene.layout.feature_height - 5)).astype(np.int64).tolist()
        painter.setPen(QPen(self._brush.colour("line.control"), 1))
        foot = top + scene.layout.feature_height - 2
        lines = [QLine(x, foot - height, x, foot) for x, height in zip(range(first, stop), heights, strict=True)]
        painter.drawLines(lines)

    def strip(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        """Draw the export strip with the keyframes above it."""
        colour = self._brush.colour
        top = scene.layout.strip_top
        painter.fillRect(QRect(exposed.left(), top, exposed.width(), STRIP), colour("surface.1"))
        painter.fillRect(exposed.left(), top, exposed.width(), 1, colour("line.subtle"))
        scale = scene.scale
        bar = top + STRIP - _BAR - 2
        end = min(scene.width, round(scale.x(scene.content.timeline.frame_count)))
        if scene.strip is None or end <= 0:
            return
        painter.setOpacity(1.0 if scene.strip_is_current else 0.55)
        left = max(exposed.left(), round(scale.x(0)))
        right = min(exposed.right() + 1, end)
        painter.fillRect(QRect(left, bar, max(0, right - left), _BAR), colour("strip.copied"))
        for (starts, stops), brush in (
            (scene.strip.unchanged, self._hatched(painter)),
            (scene.strip.changed, QBrush(colour("strip.reencoded"))),
        ):
            if not starts.size:
                continue
            low = int(np.searchsorted(stops, scale.position(exposed.left() - 1)))
            high = int(np.searchsorted(starts, scale.position(exposed.right() + 2)))
            if high <= low:
                continue
            painter.setBrushOrigin(QPoint(-scale.scroll_px % 8, 0))
            shift = scale.scroll_px
            lefts = starts[low:high] / scale.frames_per_px - shift
            runs = merged_runs(lefts, stops[low:high] / scale.frames_per_px - shift, scene.width)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(brush)
            painter.drawRects(
                [
                    QRect(at, bar, width, _BAR)
                    for at, width in zip(runs.lefts.tolist(), runs.widths.tolist(), strict=True)
                ]
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
        self._strip_labels(painter, scene, bar, exposed)
        painter.setOpacity(1.0)
        self._keyframes(painter, scene, top, exposed)

    def _strip_labels(self, painter: QPainter, scene: Scene, bar: int, exposed: QRect) -> None:
        strip, scale = scene.strip, scene.scale
        assert strip is not None
        lefts = np.maximum(0.0, strip.label_starts / scale.frames_per_px - scale.scroll_px)
        rights = strip.label_stops / scale.frames_per_px - scale.scroll_px
        shown = (rights - lefts >= _LABEL_PX) & (lefts <= exposed.right()) & (rights >= exposed.left())
        for index in np.flatnonzero(shown).tolist():
            text, changed = strip.labels[index]
            room = min(PINNED_PX, rights[index] - lefts[index] - 8)
            # A number is never cut: where the words have no room it stands alone.
            if metrics(10, QFont.Weight.DemiBold).horizontalAdvance(text) > room:
                text = text.split(" ")[0] if changed else ""
            box = QRectF(lefts[index] + 5, bar, room, _BAR)
            tone = "strip.reencoded.on" if changed else "strip.copied.on"
            self._brush.text(painter, box, text, tone, 10, weight=QFont.Weight.DemiBold)

    def _keyframes(self, painter: QPainter, scene: Scene, top: int, exposed: QRect) -> None:
        found = scene.keyframes
        if not found.size:
            return
        scale = scene.scale
        low = int(np.searchsorted(found, scale.position(exposed.left() - 1)))
        high = int(np.searchsorted(found, scale.position(exposed.right() + 2)))
        pixels = np.unique(np.round(found[low:high] / scale.frames_per_px - scale.scroll_px).astype(np.int64))
        # Closer than this they say nothing; the tooltip counts them.
        if pixels.size > 2 and np.median(np.diff(pixels)) < 4:
            return
        painter.setPen(QPen(self._brush.colour("text.3"), 1))
        painter.drawLines([QLine(x, top + 3, x, top + 9) for x in pixels.tolist()])

    def _hatched(self, painter: QPainter) -> QBrush:
        ratio = painter.device().devicePixelRatioF()
        if ratio not in self._hatch:
            size = round(8 * ratio)
            tile = QPixmap(size, size)
            tile.fill(self._brush.colour("strip.tail"))
            tile.setDevicePixelRatio(ratio)
            drawn = QPainter(tile)
            drawn.setRenderHint(QPainter.RenderHint.Antialiasing)
            drawn.setPen(QPen(self._brush.colour("strip.reencoded"), 1.6))
            for shift in (-8, 0, 8):
                drawn.drawLine(QPointF(shift - 1, 9), QPointF(shift + 9, -1))
            drawn.end()
            self._hatch[ratio] = QBrush(tile)
        return self._hatch[ratio]
