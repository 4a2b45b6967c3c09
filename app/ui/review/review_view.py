"""A view of the review grid: the picture, and where the patch lies on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPainterPath, QTransform
from PySide6.QtWidgets import QWidget

from app.session.comparison import Changes
from app.ui.context import Context
from app.ui.viewer import marks
from app.ui.viewer.findings import Findings, placed_map
from app.ui.viewer.picture_view import Compare, PictureView
from engine.model.region import Point

_CLOSE_SHARE = 0.55
"""Of a close-up's room that the region takes."""


class ReviewView(PictureView):
    """Shows what it is told about the chosen patch."""

    def __init__(self, context: Context, name: str, compare: Compare, parent: QWidget | None = None) -> None:
        super().__init__(context, name, parent)
        self.set_compare(compare)
        self._outlines: Sequence[Sequence[Point]] = ()
        self._outlined_frame: int | None = None
        self._shows_outline = True
        self._changes: Changes | None = None
        self._after = "After"

    def show_outline(self, shows: bool) -> None:
        """Draw the patch's outline, or not."""
        self._shows_outline = shows
        self.update()

    def take(self, found: Findings | None, after: str, *, counts: bool = False) -> None:
        """Show what was found on a frame; counts: say how many pixels changed outside the region."""
        self._outlines = () if found is None else found.outlines
        self._outlined_frame = None if found is None else found.frame
        self._changes = found.changes if found is not None and counts else None
        self._after = after
        self.update()

    def after_label(self) -> str:
        return self._after

    def close_up(self) -> None:
        """Zoom to the outline."""
        points = [point for outline in self._outlines for point in outline]
        if not points:
            return
        placed = placed_map(self._preview.scene, self._outlined_frame)
        at = [placed.map(QPointF(*point)) for point in points]
        left, right = min(p.x() for p in at), max(p.x() for p in at)
        top, bottom = min(p.y() for p in at), max(p.y() for p in at)
        view = self._map
        width, height = max(right - left, 0.01) * view.width, max(bottom - top, 0.01) * view.height
        scale = _CLOSE_SHARE * min(view.room.width() / width, view.room.height() / height)
        zoom = min(max(scale * view.ratio, 0.1), 8.0)
        self._set_map(replace(view, zoom=zoom, x=(left + right) / 2, y=(top + bottom) / 2))

    def paint_over(self, painter: QPainter) -> None:
        if self._shows_outline and self._outlined_frame == self._frame:
            to_canvas = placed_map(self._preview.scene, self._frame)
            for _, view in self.panes():
                picture = view.picture
                to_view = to_canvas * QTransform(picture.width(), 0, 0, picture.height(), picture.left(), picture.top())
                path = QPainterPath()
                for outline in self._outlines:
                    path.addPath(marks.closed_path(to_view.map(QPointF(*point)) for point in outline))
                painter.save()
                painter.setClipRect(view.room)
                marks.paint_outline(painter, path, dashed=True)
                painter.restore()
        changes = self._changes
        if changes is not None and changes.frame == self._frame:
            seen = self._seen(self._map)
            self.chip(
                painter,
                QPointF(seen.left() + 8, seen.bottom() - 30),
                f"Outside {changes.bounds}: {changes.outside:,} pixels changed",
                icon="shield" if changes.outside == 0 else "warning",
            )
