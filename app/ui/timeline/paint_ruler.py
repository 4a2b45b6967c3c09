"""Paint what stands above the rows: the ruler with in and out, and the markers."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap, QPolygonF

from app.ui.timeline.brush import Brush
from app.ui.timeline.content import Placed
from app.ui.timeline.layout import MARKERS, RULER
from app.ui.timeline.ruler import ticks
from app.ui.timeline.scene import Scene
from app.ui.timeline.strokes import lines
from engine.model.markers import Marker, MarkerKind
from engine.model.patch import Patch

_FLAG_PX = 7
"""Of markers that stand closer together, the first one's flag shows."""


class RulerPainting:
    """Paints ruler and markers."""

    def __init__(self, brush: Brush) -> None:
        self._brush = brush
        self._flags: dict[tuple[MarkerKind, bool, float], QPixmap] = {}
        brush.theme.changed.connect(self._flags.clear)

    def ruler(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        """Draw the ruler."""
        colour = self._brush.colour
        scale = scene.scale
        painter.fillRect(QRect(exposed.left(), 0, exposed.width(), RULER), colour("surface.2"))
        marked = scene.content.project.in_out
        if marked is not None:
            left, right = scale.x(marked.start), scale.x(marked.stop)
            painter.fillRect(QRectF(left, 0, right - left, RULER), colour("accent.selected"))
            painter.fillRect(QRectF(left, 0, 2, RULER), colour("focus"))
            painter.fillRect(QRectF(right - 2, 0, 2, RULER), colour("focus"))
        first = scale.frame(exposed.left() - 130)
        found = ticks(first, scale.frame(exposed.right() + 2) + 1, scene.rate, scale.frames_per_px)
        frames = np.array([tick.frame for tick in found], np.float64)
        places = np.round(frames / scale.frames_per_px) - scale.scroll_px
        tall = np.array([bool(tick.label) for tick in found], np.bool_)
        for at, top in ((places[tall], RULER - 9), (places[~tall], RULER - 4)):
            lines(painter, (top, RULER - 1 - top), ((at, colour("line.control")),), exposed)
        for tick in found:
            if tick.label:
                box = QRectF(round(scale.x(tick.frame)) + 5, 1, 120, 18)
                self._brush.text(painter, box, tick.label, "text.2", 11)
        for item in self._chosen_windows(scene):
            left, right = scale.x(item.frames.start), scale.x(item.frames.stop)
            painter.fillRect(QRectF(left, RULER - 3, max(2.0, right - left), 2), colour("patch.line"))
        painter.fillRect(exposed.left(), RULER - 1, exposed.width(), 1, colour("line.subtle"))

    def _chosen_windows(self, scene: Scene) -> list[Placed]:
        found = (scene.content.find(id) for id in scene.selected) if len(scene.selected) < 20 else ()
        return [item for item in found if item is not None and isinstance(item.value, Patch)]

    def markers(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        """Draw the markers with their names."""
        colour = self._brush.colour
        painter.fillRect(QRect(exposed.left(), RULER, exposed.width(), MARKERS), colour("surface.1"))
        painter.fillRect(exposed.left(), RULER + MARKERS - 1, exposed.width(), 1, colour("line.subtle"))
        scale, row = scene.scale, scene.content.rows[0]
        low, high = row.items.within(scale.position(exposed.left() - 200), scale.position(exposed.right() + 10))
        last = -1e9
        for index in range(low, high):
            item = scene.content.placed(0, index)
            left = scale.x(item.frames.start)
            marker = item.value
            assert isinstance(marker, Marker)
            if len(item.frames) > 1:
                width = scale.x(item.frames.stop) - left
                painter.fillRect(QRectF(left, RULER + MARKERS - 5, max(1.0, width), 3), colour("marker"))
            if left - last < _FLAG_PX:
                continue
            last = left
            self._flag(painter, left, marker, selected=item.id in scene.selected)
            behind = scale.x(int(row.items.starts[index + 1])) if index + 1 < len(row.items) else left + 400
            if marker.name and behind - left > 30:
                box = QRectF(left + 9, RULER, min(behind - left - 16, 220), MARKERS - 1)
                self._brush.text(painter, box, marker.name, "text.2", 11)

    def _flag(self, painter: QPainter, left: float, marker: Marker, *, selected: bool) -> None:
        ratio = painter.device().devicePixelRatioF()
        key = marker.kind, selected, ratio
        if key not in self._flags:
            self._flags[key] = self._drawn_flag(marker.kind, ratio, selected=selected)
        painter.drawPixmap(QPointF(left - 8, RULER + 2), self._flags[key])

    def _drawn_flag(self, kind: MarkerKind, ratio: float, *, selected: bool) -> QPixmap:
        points: tuple[tuple[float, float], ...]
        if kind is MarkerKind.CHAPTER:
            points = ((-5, 0), (5, 0), (5, 11), (0, 7), (-5, 11))
        elif kind is MarkerKind.CALL_TO_ACTION:
            points = ((-5, 5.5), (0, 0), (5, 5.5), (0, 11))
        else:
            points = ((-4.5, 0), (4.5, 0), (4.5, 7), (0, 11), (-4.5, 7))
        flag = QPixmap(round(16 * ratio), round(16 * ratio))
        flag.fill(Qt.GlobalColor.transparent)
        flag.setDevicePixelRatio(ratio)
        painter = QPainter(flag)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self._brush.colour("marker"))
        painter.setPen(QPen(self._brush.colour("focus"), 1.5) if selected else QPen(Qt.PenStyle.NoPen))
        painter.drawPolygon(QPolygonF([QPointF(8 + dx, 2 + dy) for dx, dy in points]))
        painter.end()
        return flag
