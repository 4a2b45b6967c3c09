"""Paint the timeline from a scene: only what is exposed, and items narrower than a few pixels as one."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen, QPixmap, QPolygonF

from app.session.thumbnails import Thumbnails
from app.session.waveforms import Waveforms
from app.ui.theme import Theme
from app.ui.theme.theme import PICTURE_LABEL
from app.ui.timeline.brush import PINNED_PX, TEXT_PX, Brush, elided, font_of, line_of, metrics, text_of
from app.ui.timeline.content import Placed, Row, RowKind, name_of
from app.ui.timeline.filmstrip import slots
from app.ui.timeline.layout import MARKERS, RULER, STRIP, RowPlace, merged_runs
from app.ui.timeline.paint_ruler import RulerPainting
from app.ui.timeline.paint_sound import Float64, SoundPainting
from app.ui.timeline.paint_strip import StripPainting
from app.ui.timeline.scene import Scene
from app.ui.timeline.strokes import bars, lines
from app.ui.widgets.badge import GLYPHS
from app.ui.words import timecode
from engine.model.patch import Patch
from engine.model.project import Project
from engine.model.source import FrameTimes
from engine.model.storyline import Clip, Gap
from engine.model.time import Range

_TONES = {
    RowKind.CAPTIONS: "caption",
    RowKind.OVERLAYS: "overlay",
    RowKind.BACKGROUND: "overlay",
    RowKind.SUBJECT: "patch",
    RowKind.PATCHES: "patch",
    RowKind.SOUND: "audio",
}
_BLOCK_PX = 3.0
"""Narrower items are merged."""
_NAMED_PX = TEXT_PX * 1.5
"""A narrower clip has no name."""
_PIXMAP_BYTES = 24 << 20
_WHITE = QColor(Qt.GlobalColor.white)
_SEAM = QColor(0, 0, 0, 60)
"""Between two pictures of a film."""


class Painting:
    """Paints scenes in the colours of the theme."""

    def __init__(self, theme: Theme, thumbnails: Thumbnails, waveforms: Waveforms) -> None:
        self._thumbnails = thumbnails
        self._brush = Brush(theme)
        self._sounds = SoundPainting(self._brush, waveforms)
        self._below = StripPainting(self._brush)
        self._above = RulerPainting(self._brush)
        self._pictures: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()
        self._picture_bytes = 0
        self._measured_of: Project | None = None
        self._measured: dict[tuple[str, int], tuple[float, FrameTimes]] = {}

    def forget(self) -> None:
        """Let go of what was kept of a project; another one is shown."""
        self._pictures.clear()
        self._picture_bytes = 0
        self._measured.clear()
        self._measured_of = None
        self._sounds.forget()

    def paint(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        """Paint the part of a scene that is exposed."""
        painter.setClipRect(exposed)
        colour = self._brush.colour
        painter.fillRect(exposed, colour("surface.1"))
        layout = scene.layout
        for place in layout.places()[1:]:
            bottom = min(place.bottom, layout.rows_bottom)
            top = max(place.top, layout.rows_top)
            if bottom > top and top < exposed.bottom() + 1 and bottom > exposed.top():
                painter.save()
                painter.setClipRect(exposed.intersected(QRect(0, top, scene.width, bottom - top)))
                self._row(painter, scene, place, exposed)
                painter.restore()
        painter.save()
        painter.setClipRect(
            exposed.intersected(QRect(0, layout.rows_top, scene.width, layout.strip_top - layout.rows_top))
        )
        for number, lane in enumerate(scene.lanes):
            self._below.lane(painter, scene, lane, layout.lanes_top + number * layout.feature_height, exposed)
        painter.restore()
        painter.fillRect(QRect(0, layout.strip_top + STRIP, scene.width, scene.height), colour("surface.1"))
        if exposed.bottom() >= layout.strip_top:
            self._below.strip(painter, scene, exposed)
        if exposed.top() < RULER + MARKERS:
            self._above.markers(painter, scene, exposed)
        if exposed.top() < RULER:
            self._above.ruler(painter, scene, exposed)
        self._over(painter, scene, exposed)

    def _row(self, painter: QPainter, scene: Scene, place: RowPlace, exposed: QRect) -> None:
        row = scene.content.rows[place.row]
        painter.fillRect(exposed.left(), place.bottom - 1, exposed.width(), 1, self._brush.colour("line.subtle"))
        if row.kind is RowKind.PATCHES and not len(row.items):
            self._brush.text(painter, QRectF(8, place.top, 300, place.height - 1), "Patches appear here.", "text.3", 11)
        first, stop = scene.scale.position(exposed.left() - 2), scene.scale.position(exposed.right() + 3)
        low, high = row.items.within(first, stop)
        if low == high:
            return
        per_px = scene.scale.frames_per_px
        starts, stops = row.items.starts[low:high], row.items.stops[low:high]
        lefts, rights = starts / per_px - scene.scale.scroll_px, stops / per_px - scene.scale.scroll_px
        narrow = (rights - lefts) < _BLOCK_PX
        inner = QRectF(0, place.top + 1, 0, place.height - 3)
        if narrow.any():
            self._merged(painter, scene, row, lefts[narrow], rights[narrow], inner, exposed)
        if row.kind is RowKind.FILM_SOUND:
            painter.setOpacity(1.0 if row.visible else 0.45)
            singly = np.flatnonzero(~narrow)
            numbers = [low + offset for offset in singly.tolist()]
            edges = lefts[singly], rights[singly]
            self._sounds.film_sound(painter, scene, (place.row, numbers), edges, inner, exposed)
            painter.setOpacity(1.0)
            return
        lanes = row.items.lane_count
        lane_height = place.height / lanes
        dim = scene.dimmed
        visible = row.visible
        painter.setOpacity(1.0 if visible else 0.45)
        wide = ~narrow
        if row.kind in _TONES and row.kind is not RowKind.SOUND:
            wide &= ~self._plain(painter, scene, row, low, (lefts, rights), place, exposed)
        left_of, right_of = lefts.tolist(), rights.tolist()
        items = [scene.content.placed(place.row, low + offset) for offset in np.flatnonzero(wide).tolist()]
        shown = [
            (
                item,
                QRectF(
                    left_of[item.index - low],
                    place.top + item.lane * lane_height + 1,
                    right_of[item.index - low] - left_of[item.index - low],
                    lane_height - 3,
                ),
            )
            for item in items
            if item.frames.stop > first
        ]
        if row.kind is RowKind.FILM:
            self._films(painter, scene, shown, exposed)
            shown = [(item, box) for item, box in shown if self._has_more(scene, item, box)]
        for item, box in shown:
            if item.id in dim:
                painter.setOpacity(0.35)
            self._item(painter, scene, row, item, box, exposed)
            if item.id in dim:
                painter.setOpacity(1.0 if visible else 0.45)
        painter.setOpacity(1.0)

    def _plain(
        self,
        painter: QPainter,
        scene: Scene,
        row: Row,
        low: int,
        edges: tuple[Float64, Float64],
        place: RowPlace,
        exposed: QRect,
    ) -> NDArray[np.bool_]:
        """Draw the items that are too narrow for a text and not chosen; return bool [n], which were drawn."""
        lefts, rights = edges
        width = rights - lefts
        plain = (width >= _BLOCK_PX) & (width < TEXT_PX)
        special = scene.selected | scene.dimmed | {scene.focused[0] if scene.focused is not None else ""}
        if special:
            values = row.items.values
            for offset in np.flatnonzero(plain).tolist():
                plain[offset] = values[low + offset].id not in special
        height = place.height / row.items.lane_count
        lanes = row.items.lanes[low : low + plain.size]
        for lane in range(row.items.lane_count):
            here = plain & (lanes == lane)
            if here.any():
                bars(
                    painter,
                    (lefts[here], rights[here]),
                    (place.top + lane * height + 2, height - 5),
                    (self._brush.colour(f"{_TONES[row.kind]}.bg"), self._brush.colour(line_of(_TONES[row.kind])), 2),
                    exposed,
                )
        return plain

    def _merged(
        self,
        painter: QPainter,
        scene: Scene,
        row: Row,
        lefts: Float64,
        rights: Float64,
        inner: QRectF,
        exposed: QRect,
    ) -> None:
        runs = merged_runs(lefts, rights, scene.width)
        tone = _TONES.get(row.kind)
        fill = self._brush.colour(f"{tone}.bg" if tone else ("video.bg" if row.kind is RowKind.FILM else "audio.bg"))
        edge = self._brush.colour(line_of(tone) if tone else "line.strong")
        top, height = int(inner.top()), int(inner.height())
        for left, width in zip(runs.lefts.tolist(), runs.widths.tolist(), strict=True):
            if left <= exposed.right() and left + width > exposed.left():
                painter.fillRect(left, top, width, height, fill)
                painter.fillRect(left, top, 1, height, edge)

    def _item(self, painter: QPainter, scene: Scene, row: Row, item: Placed, box: QRectF, exposed: QRect) -> None:
        match row.kind:
            case RowKind.FILM:
                self._clip(painter, scene, item, box)
            case RowKind.SOUND:
                self._sounds.sound(painter, scene, item, box, exposed)
            case _:
                self._layer_item(painter, scene, row, item, box)
        self._brush.ring(painter, scene, item, box)

    def _layer_item(self, painter: QPainter, scene: Scene, row: Row, item: Placed, box: QRectF) -> None:
        tone = _TONES[row.kind]
        colour = self._brush.colour
        box = box.adjusted(0, 1, 0, -1)
        painter.fillRect(box, colour(f"{tone}.bg"))
        painter.fillRect(QRectF(box.left(), box.top(), min(2.0, box.width()), box.height()), colour(line_of(tone)))
        if box.width() < TEXT_PX:
            return
        right = box.right() - 4
        text_height = box.height()
        if isinstance(item.value, Patch):
            if box.height() > 30:
                text_height = 17.0
                self._confidence(painter, scene, item, item.value, box)
            glyph = GLYPHS[item.value.state]
            if box.width() > 44:
                chip = QRectF(right - 15, box.top() + 1.5, 16, 15)
                painter.fillRect(chip, colour(f"{item.value.state.value}.bg"))
                painter.drawPixmap(
                    QPointF(right - 13, box.top() + 3),
                    self._brush.icon(painter, glyph, f"{item.value.state.value}.fg", 12),
                )
                right -= 20
            take = item.value.picked
            number = item.value.takes.index(take) + 1 if take is not None else 0
            if take is not None and len(item.value.takes) > 1 and right - box.left() > 110:
                name = take.name or f"Take {number}"
                self._brush.text(
                    painter,
                    QRectF(right - 52, box.top(), 50, text_height),
                    name,
                    "patch.fg",
                    11,
                    align=Qt.AlignmentFlag.AlignRight,
                )
                right -= 56
        name = name_of(scene.content.project, item.value)
        left = max(box.left() + 7, 4.0 if box.left() < 0 else 0.0)
        painter.setOpacity(painter.opacity() * (1.0 if getattr(item.value, "visible", True) else 0.5))
        self._brush.text(
            painter,
            QRectF(left, box.top(), right - left, text_height),
            name,
            f"{tone}.fg",
            11,
            weight=QFont.Weight.Medium,
        )

    def _confidence(self, painter: QPainter, scene: Scene, item: Placed, patch: Patch, box: QRectF) -> None:
        """Draw how surely the patch was followed, its anchors (diamonds) and its nudges (dots)."""
        known = scene.confidence.get(patch.id)
        line = self._brush.colour("patch.line")
        base, room = box.bottom() - 5, box.height() - 23
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if known is not None and len(known[1]) > 1:
            first, values = known
            count = len(values)
            wanted = int(max(2, min(count, box.width() / 2)))
            at = np.linspace(0, count - 1, wanted)
            y = base - np.interp(at, np.arange(count), np.array(values)) * room
            x = box.left() + (at + first - patch.frames.start) / max(1, len(patch.frames)) * box.width()
            painter.setPen(QPen(line, 1.2))
            painter.drawPolyline(QPolygonF([QPointF(px, py) for px, py in zip(x.tolist(), y.tolist(), strict=True)]))
        else:
            painter.setPen(QPen(line, 1.2))
            painter.drawLine(QPointF(box.left() + 3, base), QPointF(box.right() - 2, base))
        if box.width() > 12:
            motion = patch.effective_motion

            def place(frame: int) -> float:
                return box.left() + (frame + 0.5 - patch.frames.start) / max(1, len(patch.frames)) * box.width()

            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._brush.colour("patch.fg"))
            for nudge in motion.nudges:
                painter.drawEllipse(QPointF(place(nudge.frame), base), 2, 2)
            for frame in (patch.anchor, *(frame for frame, _ in motion.anchors)):
                middle = place(frame)
                corners = ((0, -3.5), (3.5, 0), (0, 3.5), (-3.5, 0))
                painter.drawPolygon(QPolygonF([QPointF(middle + dx, base + dy) for dx, dy in corners]))
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _films(self, painter: QPainter, scene: Scene, shown: list[tuple[Placed, QRectF]], exposed: QRect) -> None:
        """Draw the pictures of the clips, and then all edges and seams in one stroke."""
        dim, opacity = scene.dimmed, painter.opacity()
        edges: list[float] = []
        seams: list[float] = []
        ground = self._brush.colour("video.bg")
        for item, box in shown:
            clip = item.value
            if not isinstance(clip, Clip):
                continue
            edges.append(box.left())
            if item.id in dim:
                painter.setOpacity(0.35)
            if clip.source_id in scene.missing or box.width() <= 8:
                painter.fillRect(box, ground)
            else:
                self._film(painter, scene, clip, item.frames, box, exposed, seams)
            if item.id in dim:
                painter.setOpacity(opacity)
        if edges:
            box = shown[0][1]
            place = box.top(), box.height()
            lines(painter, place, ((seams, _SEAM), (edges, self._brush.colour("surface.app"))), exposed)

    def _has_more(self, scene: Scene, item: Placed, box: QRectF) -> bool:
        """Tell whether something lies over a clip's pictures: a name, a ring; or it has none."""
        marked = item.id in scene.selected or scene.focused == (item.id, item.part)
        return box.width() > _NAMED_PX or marked or not isinstance(item.value, Clip)

    def _clip(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF) -> None:
        """Draw what lies over a clip's pictures, or a gap."""
        colour = self._brush.colour
        if isinstance(item.value, Gap):
            painter.fillRect(box, colour("surface.2"))
            if box.width() > 40:
                self._brush.text(painter, box.adjusted(8, 0, -4, 0), "Gap", "text.3", 11)
            painter.fillRect(QRectF(box.left(), box.top(), 1, box.height()), colour("line.strong"))
            return
        clip = item.value
        assert isinstance(clip, Clip)
        if clip.source_id in scene.missing and box.width() > 60:
            label = f"“{scene.content.project.source(clip.source_id).name}” is not at hand"
            self._brush.text(painter, box.adjusted(8, 0, -4, 0), label, "stale.fg", 11)
        if box.width() > _NAMED_PX:
            name = name_of(scene.content.project, clip)
            left = max(box.left() + 4, 4.0)
            wide = metrics(11, QFont.Weight.Medium).horizontalAdvance(name)
            width = min(wide + 10.0, box.right() - left - 4, PINNED_PX)
            if width > 20:
                chip = QRectF(left, box.top() + 3, width, 16)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(PICTURE_LABEL)
                painter.drawRoundedRect(chip, 3, 3)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setFont(font_of(11, QFont.Weight.Medium))
                painter.setPen(_WHITE)
                text = elided(name, int(width - 9), 11, QFont.Weight.Medium)
                text_of(painter, chip.adjusted(5, 0, 0, 0), text, 11, QFont.Weight.Medium)

    def _film(
        self,
        painter: QPainter,
        scene: Scene,
        clip: Clip,
        frames: Range,
        box: QRectF,
        exposed: QRect,
        seams: list[float],
    ) -> None:
        """Draw a clip's pictures; where one begins is added to `seams`."""
        height = int(box.height())
        width, times = self._measures(scene, clip.source_id, height)
        ratio = painter.device().devicePixelRatioF()
        size = round(width * ratio), round(height * ratio)
        part = (max(box.left(), float(exposed.left())), min(box.right(), float(exposed.right() + 1)))
        rate = scene.content.project.canvas.rate
        scale, thumbnails, top = scene.scale, self._thumbnails, box.top()
        found = slots(clip, frames, times, rate, scale.frames_per_px, scale.scroll_px, width, part)
        bare = self._brush.colour("video.bg")
        for slot in found:
            image = thumbnails.picture(clip.source_id, thumbnails.nearest(clip.source_id, slot.frame))
            shown = slot.right - slot.left
            if image is None or shown > width:
                painter.fillRect(QRectF(slot.left, top, shown, height), bare)
            if image is None:
                continue
            seams.append(slot.left)
            pixmap = self._picture(image, *size, ratio)
            if shown >= width:
                painter.drawPixmap(QPointF(slot.left, top), pixmap)
                continue
            inset = (width - shown) / 2 * ratio
            painter.drawPixmap(
                QRectF(slot.left, top, shown, height), pixmap, QRectF(inset, 0, shown * ratio, pixmap.height())
            )

    def _measures(self, scene: Scene, source_id: str, height: int) -> tuple[float, FrameTimes]:
        """Return how wide a source's pictures are at a height, and when its frames show."""
        project = scene.content.project
        if self._measured_of is not project:
            self._measured_of = project
            self._measured.clear()
        key = source_id, height
        found = self._measured.get(key)
        if found is None:
            picture = project.picture(source_id)
            width = picture_width(picture.width * float(picture.sar), picture.height, height)
            found = self._measured[key] = width, picture.times
        return found

    def _picture(self, image: QImage, width: int, height: int, ratio: float) -> QPixmap:
        """Return a picture in the device's own pixels."""
        key = image.cacheKey(), width, height
        found = self._pictures.get(key)
        if found is None:
            scaled = image.scaled(
                width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            found = QPixmap.fromImage(scaled)
            found.setDevicePixelRatio(ratio)
            self._pictures[key] = found
            self._picture_bytes += 4 * width * height
            while self._picture_bytes > _PIXMAP_BYTES and len(self._pictures) > 1:
                (_, gone_width, gone_height), _ = self._pictures.popitem(last=False)
                self._picture_bytes -= 4 * gone_width * gone_height
        else:
            self._pictures.move_to_end(key)
        return found

    def _over(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        colour, scale, layout = self._brush.colour, scene.scale, scene.layout
        for ghost in scene.ghosts:
            place = layout.place(ghost.row)
            height = place.height / scene.content.rows[ghost.row].items.lane_count
            left = scale.x(ghost.frames.start)
            width = max(2.0, scale.x(ghost.frames.stop) - left)
            box = QRectF(left, place.top + ghost.lane * height + 1, width, height - 3)
            fill = QColor(colour("focus"))
            fill.setAlphaF(0.28)
            painter.fillRect(box, fill)
            painter.setPen(QPen(colour("focus"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.75, 0.75, -0.75, -0.75))
            if ghost.label:
                self._brush.chip(painter, ghost.label, box.left() + 4, box.center().y() - 8)
        for frame, tone in ((scene.snap_line, "marker"), (scene.drop_line, "focus")):
            if frame is not None:
                painter.fillRect(QRectF(round(scale.x(frame)) - 0.5, RULER, 1.5, scene.height), colour(tone))
        if scene.band is not None:
            band = QRectF(scene.band.left, scene.band.top, scene.band.width, scene.band.height)
            fill = QColor(colour("focus"))
            fill.setAlphaF(0.15)
            painter.fillRect(band, fill)
            painter.setPen(QPen(colour("focus"), 1))
            painter.drawRect(band)
        x = round(scale.x(scene.playhead))
        bottom = layout.strip_top + STRIP
        painter.fillRect(QRectF(x - 0.5, RULER - 4, 1.5, bottom - RULER + 4), colour("playhead"))
        if exposed.top() < RULER:
            text = timecode(scene.playhead, scene.rate)
            width = metrics(11, QFont.Weight.DemiBold).horizontalAdvance(text) + 12
            # At either end it stays whole, beside its line.
            left = min(max(x - width / 2, 2.0), max(2.0, scene.width - width - 2))
            chip = QRectF(left, 3, width, 18)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent.fill"))
            painter.drawRoundedRect(chip, 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            self._brush.text(
                painter, chip, text, "accent.on", 11, weight=QFont.Weight.DemiBold, align=Qt.AlignmentFlag.AlignHCenter
            )


def picture_width(width: float, height: float, shown_height: int) -> float:
    """Return how wide a picture is when it is shown at a height, in whole points."""
    return max(4.0, float(round(width / max(1.0, height) * shown_height)))
