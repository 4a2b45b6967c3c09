"""Paint the timeline from a scene: only what is exposed, and items narrower than a few pixels as one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLine, QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetrics, QImage, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QApplication

from app.session.thumbnails import Thumbnails
from app.session.waveforms import Waveforms, columns
from app.ui.theme import Theme
from app.ui.theme.theme import PICTURE_LABEL
from app.ui.timeline.content import Placed, Row, RowKind, name_of
from app.ui.timeline.filmstrip import slots
from app.ui.timeline.layout import LANE, MARKERS, RULER, STRIP, RowPlace, merged_runs
from app.ui.timeline.ruler import ticks
from app.ui.timeline.scene import FeatureLane, Scene
from app.ui.widgets.badge import GLYPHS
from app.ui.words import timecode
from engine.model.markers import Marker, MarkerKind
from engine.model.patch import Patch
from engine.model.sound import AudioItem, ClipSound
from engine.model.storyline import Clip, Gap, source_time
from engine.model.time import Range

Float64 = NDArray[np.float64]

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
_TEXT_PX = 26.0
_LABEL_PX = 32
_PINNED_PX = 200
"""Labels that stay at the left edge while their item scrolls are no longer; the view paints that much anew."""
_BAR = 14
"""Height of the export strip's bar."""
_PIXMAPS = 700
_KEPT_TIMES = 20_000
_FLAG_PX = 7
"""Of markers that stand closer together, the first one's flag shows."""


class Painting:
    """Paints scenes in the colours of the theme."""

    def __init__(self, theme: Theme, thumbnails: Thumbnails, waveforms: Waveforms) -> None:
        self._theme = theme
        self._thumbnails = thumbnails
        self._waveforms = waveforms
        self._icons: dict[tuple[str, str, int, float], QPixmap] = {}
        self._pictures: OrderedDict[tuple[int, int, int], QPixmap] = OrderedDict()
        self._hatch: dict[float, QBrush] = {}
        self._flags: dict[tuple[MarkerKind, bool, float], QPixmap] = {}
        self._seconds: dict[int, tuple[Clip, float, float]] = {}
        theme.changed.connect(self.forget_colours)

    def forget_colours(self) -> None:
        """Draw icons and hatches anew at the next time: the theme is another."""
        self._icons.clear()
        self._hatch.clear()
        self._flags.clear()
        for kept in (_font, _metrics, _elided):
            kept.cache_clear()

    def paint(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        """Paint the part of a scene that is exposed."""
        painter.setClipRect(exposed)
        colour = self._theme.colour
        painter.fillRect(exposed, colour("surface.1"))
        layout = scene.layout
        for place in layout.places()[1:]:
            bottom = min(place.bottom, layout.lanes_top)
            top = max(place.top, layout.rows_top)
            if bottom > top and top < exposed.bottom() + 1 and bottom > exposed.top():
                painter.save()
                painter.setClipRect(exposed.intersected(QRect(0, top, scene.width, bottom - top)))
                self._row(painter, scene, place, exposed)
                painter.restore()
        for number, lane in enumerate(scene.lanes):
            self._lane(painter, scene, lane, layout.lanes_top + number * LANE, exposed)
        painter.fillRect(QRect(0, layout.strip_top + STRIP, scene.width, scene.height), colour("surface.1"))
        if exposed.bottom() >= layout.strip_top:
            self._strip(painter, scene, exposed)
        if exposed.top() < RULER + MARKERS:
            self._markers(painter, scene, exposed)
        if exposed.top() < RULER:
            self._ruler(painter, scene, exposed)
        self._over(painter, scene, exposed)

    # --- rows -------------------------------------------------------------------------------------------------------

    def _row(self, painter: QPainter, scene: Scene, place: RowPlace, exposed: QRect) -> None:
        row = scene.content.rows[place.row]
        painter.fillRect(exposed.left(), place.bottom - 1, exposed.width(), 1, self._theme.colour("line.subtle"))
        if row.kind is RowKind.PATCHES and not len(row.items):
            self._text(painter, QRectF(8, place.top, 300, place.height - 1), "Patches appear here.", "text.3", 11)
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
            items = [scene.content.placed(place.row, low + offset) for offset in singly.tolist()]
            self._film_sound(painter, scene, items, (lefts[singly], rights[singly]), inner, exposed)
            painter.setOpacity(1.0)
            return
        lanes = row.items.lane_count
        lane_height = place.height / lanes
        dim = scene.dimmed
        visible = row.visible
        painter.setOpacity(1.0 if visible else 0.45)
        wide = ~narrow
        if row.kind in _TONES and row.kind is not RowKind.SOUND:
            wide &= ~self._plain(painter, scene, row, low, (lefts, rights), place)
        for offset in np.flatnonzero(wide).tolist():
            item = scene.content.placed(place.row, low + offset)
            if item.frames.stop <= first:
                continue
            top = place.top + item.lane * lane_height
            box = QRectF(lefts[offset], top + 1, rights[offset] - lefts[offset], lane_height - 3)
            if item.id in dim:
                painter.setOpacity(0.35)
            self._item(painter, scene, row, item, box, exposed)
            if item.id in dim:
                painter.setOpacity(1.0 if visible else 0.45)
        painter.setOpacity(1.0)

    def _plain(
        self, painter: QPainter, scene: Scene, row: Row, low: int, edges: tuple[Float64, Float64], place: RowPlace
    ) -> NDArray[np.bool_]:
        """Draw the items that are too narrow for a text and not chosen; return bool [n], which were drawn."""
        lefts, rights = edges
        width = rights - lefts
        plain = (width >= _BLOCK_PX) & (width < _TEXT_PX)
        values, lanes = row.items.values, row.items.lanes
        height = place.height / row.items.lane_count
        fill, line = self._theme.colour(f"{_TONES[row.kind]}.bg"), self._theme.colour(_line_of(_TONES[row.kind]))
        special = scene.selected | scene.dimmed | {scene.focused[0] if scene.focused is not None else ""}
        for offset in np.flatnonzero(plain).tolist():
            if values[low + offset].id in special:
                plain[offset] = False
                continue
            top = place.top + int(lanes[low + offset]) * height + 2
            left = float(lefts[offset])
            painter.fillRect(QRectF(left, top, float(width[offset]), height - 5), fill)
            painter.fillRect(QRectF(left, top, 2, height - 5), line)
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
        fill = self._theme.colour(f"{tone}.bg" if tone else ("video.bg" if row.kind is RowKind.FILM else "audio.bg"))
        edge = self._theme.colour(_line_of(tone) if tone else "line.strong")
        top, height = int(inner.top()), int(inner.height())
        for left, width in zip(runs.lefts.tolist(), runs.widths.tolist(), strict=True):
            if left <= exposed.right() and left + width > exposed.left():
                painter.fillRect(left, top, width, height, fill)
                painter.fillRect(left, top, 1, height, edge)

    def _item(self, painter: QPainter, scene: Scene, row: Row, item: Placed, box: QRectF, exposed: QRect) -> None:
        match row.kind:
            case RowKind.FILM:
                self._clip(painter, scene, item, box, exposed)
            case RowKind.SOUND:
                self._sound(painter, scene, item, box, exposed)
            case _:
                self._layer_item(painter, scene, row, item, box)
        self._ring(painter, scene, item, box)

    def _ring(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF) -> None:
        selected = item.id in scene.selected
        focused = scene.focused == (item.id, item.part) and scene.has_focus
        if not selected and not focused:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected:
            painter.setPen(QPen(self._theme.colour("focus"), 1.5))
            painter.drawRoundedRect(box.adjusted(0.75, 0.75, -0.75, -0.75), 3, 3)
        if focused:
            painter.setPen(QPen(self._theme.colour("text.1"), 1.5, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(box.adjusted(2.5, 2.5, -2.5, -2.5), 2, 2)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    def _layer_item(self, painter: QPainter, scene: Scene, row: Row, item: Placed, box: QRectF) -> None:
        tone = _TONES[row.kind]
        colour = self._theme.colour
        box = box.adjusted(0, 1, 0, -1)
        painter.fillRect(box, colour(f"{tone}.bg"))
        painter.fillRect(QRectF(box.left(), box.top(), min(2.0, box.width()), box.height()), colour(_line_of(tone)))
        if box.width() < _TEXT_PX:
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
                    QPointF(right - 13, box.top() + 3), self._icon(painter, glyph, f"{item.value.state.value}.fg", 12)
                )
                right -= 20
            take = item.value.picked
            number = item.value.takes.index(take) + 1 if take is not None else 0
            if take is not None and len(item.value.takes) > 1 and right - box.left() > 110:
                name = take.name or f"Take {number}"
                self._text(
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
        self._text(
            painter,
            QRectF(left, box.top(), right - left, text_height),
            name,
            f"{tone}.fg",
            11,
            weight=QFont.Weight.Medium,
        )

    def _confidence(self, painter: QPainter, scene: Scene, item: Placed, patch: Patch, box: QRectF) -> None:
        """Draw how surely the patch was followed, and its anchor."""
        known = scene.confidence.get(patch.id)
        line = self._theme.colour("patch.line")
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
        anchor = box.left() + (patch.anchor + 0.5 - patch.frames.start) / max(1, len(patch.frames)) * box.width()
        if box.width() > 12:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.colour("patch.fg"))
            painter.drawPolygon(
                QPolygonF([QPointF(anchor + dx, base + dy) for dx, dy in ((0, -3.5), (3.5, 0), (0, 3.5), (-3.5, 0))])
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)

    # --- the film ---------------------------------------------------------------------------------------------------

    def _clip(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF, exposed: QRect) -> None:
        colour = self._theme.colour
        if isinstance(item.value, Gap):
            painter.fillRect(box, colour("surface.2"))
            if box.width() > 40:
                self._text(painter, box.adjusted(8, 0, -4, 0), "Gap", "text.3", 11)
            painter.fillRect(QRectF(box.left(), box.top(), 1, box.height()), colour("line.strong"))
            return
        clip = item.value
        assert isinstance(clip, Clip)
        painter.fillRect(box, colour("video.bg"))
        if clip.source_id in scene.missing:
            label = f"“{scene.content.project.source(clip.source_id).name}” is not at hand"
            if box.width() > 60:
                self._text(painter, box.adjusted(8, 0, -4, 0), label, "stale.fg", 11)
        elif box.width() > 8:
            self._film(painter, scene, clip, item.frames, box, exposed)
        painter.fillRect(QRectF(box.left(), box.top(), 1, box.height()), colour("surface.app"))
        if box.width() > _TEXT_PX * 1.5:
            name = name_of(scene.content.project, clip)
            left = max(box.left() + 4, 4.0)
            metrics = _metrics(11, QFont.Weight.Medium)
            width = min(metrics.horizontalAdvance(name) + 10.0, box.right() - left - 4, _PINNED_PX)
            if width > 20:
                chip = QRectF(left, box.top() + 3, width, 16)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(PICTURE_LABEL)
                painter.drawRoundedRect(chip, 3, 3)
                painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setFont(_font(11, QFont.Weight.Medium))
                painter.setPen(QColor(Qt.GlobalColor.white))
                text = _elided(name, int(width - 9), 11, QFont.Weight.Medium)
                painter.drawText(chip.adjusted(5, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), text)

    def _film(self, painter: QPainter, scene: Scene, clip: Clip, frames: Range, box: QRectF, exposed: QRect) -> None:
        picture = scene.content.project.picture(clip.source_id)
        height = int(box.height())
        width = picture_width(picture.width * float(picture.sar), picture.height, height)
        ratio = painter.device().devicePixelRatioF()
        part = (max(box.left(), float(exposed.left())), min(box.right(), float(exposed.right() + 1)))
        rate = scene.content.project.canvas.rate
        scale = scene.scale
        found = slots(clip, frames, picture.times, rate, scale.frames_per_px, scale.scroll_px, width, part)
        for slot in found:
            image = self._thumbnails.picture(clip.source_id, self._thumbnails.nearest(clip.source_id, slot.frame))
            if image is None:
                continue
            shown = min(width, slot.right - slot.left)
            pixmap = self._picture(image, round(width * ratio), round(height * ratio))
            inset = (width - shown) / 2 * ratio
            painter.drawPixmap(
                QRectF(slot.left, box.top(), shown, height),
                pixmap,
                QRectF(inset, 0, shown * ratio, pixmap.height()),
            )
            painter.fillRect(QRectF(slot.left, box.top(), 1, height), QColor(0, 0, 0, 60))

    def _picture(self, image: QImage, width: int, height: int) -> QPixmap:
        key = image.cacheKey(), width, height
        found = self._pictures.get(key)
        if found is None:
            scaled = image.scaled(
                width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
            found = QPixmap.fromImage(scaled)
            self._pictures[key] = found
            while len(self._pictures) > _PIXMAPS:
                self._pictures.popitem(last=False)
        else:
            self._pictures.move_to_end(key)
        return found

    # --- sound ------------------------------------------------------------------------------------------------------

    def _film_sound(
        self,
        painter: QPainter,
        scene: Scene,
        items: Sequence[Placed],
        edges: tuple[Float64, Float64],
        inner: QRectF,
        exposed: QRect,
    ) -> None:
        """Draw the sound of the storyline's clips: thousands of them are drawn in a few strokes."""
        lefts, rights = edges
        back, edge = self._theme.colour("audio.bg"), self._theme.colour("surface.app")
        waves: dict[str, list[tuple[int, Clip]]] = {}
        for number, item in enumerate(items):
            clip = item.value
            assert isinstance(clip, Clip)
            box = QRectF(lefts[number], inner.top(), rights[number] - lefts[number], inner.height())
            painter.fillRect(box, back)
            painter.fillRect(QRectF(box.left(), box.top(), 1, box.height()), edge)
            if clip.sound is not ClipSound.MUTED:
                waves.setdefault(clip.source_id, []).append((number, clip))
            elif box.width() > _TEXT_PX:
                self._text(painter, box.adjusted(6, 0, -4, 0), "Muted", "audio.fg", 11)
            self._ring(painter, scene, item, box)
        for source_id, clips in waves.items():
            numbers = np.array([number for number, _ in clips])
            times = [self._clip_seconds(scene, clip) for _, clip in clips]
            gains = np.array([10 ** (clip.gain_db / 20) for _, clip in clips])
            self._wave(painter, source_id, 0, (lefts[numbers], rights[numbers]), np.array(times), gains, inner, exposed)

    def _clip_seconds(self, scene: Scene, clip: Clip) -> tuple[float, float]:
        """Return from when to when in its source a clip plays, in seconds; kept, since exact fractions are slow."""
        known = self._seconds.get(id(clip))
        if known is not None and known[0] is clip:
            return known[1:]
        project = scene.content.project
        times, rate = project.picture(clip.source_id).times, project.canvas.rate
        first_s = float(source_time(clip.timing, 0, times, rate))
        stop_s = float(source_time(clip.timing, len(clip), times, rate))
        if len(self._seconds) > _KEPT_TIMES:
            self._seconds.clear()
        self._seconds[id(clip)] = clip, first_s, stop_s
        return first_s, stop_s

    def _sound(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF, exposed: QRect) -> None:
        sound = item.value
        assert isinstance(sound, AudioItem)
        box = box.adjusted(0, 1, 0, -1)
        painter.fillRect(box, self._theme.colour("audio.bg"))
        painter.fillRect(QRectF(box.left(), box.top(), 2, box.height()), self._theme.colour("audio.wave"))
        start_s = float(sound.source_start_s)
        edges = np.array([box.left()]), np.array([box.right()])
        times, gain = np.array([[start_s, start_s + float(sound.duration_s)]]), np.array([10 ** (sound.gain_db / 20)])
        self._wave(painter, sound.source_id, sound.stream, edges, times, gain, box, exposed)
        if box.width() > _TEXT_PX:
            name = name_of(scene.content.project, sound) + (" (muted)" if sound.muted else "")
            left = max(box.left() + 7, 4.0)
            self._text(
                painter,
                QRectF(left, box.top() + 1, min(_PINNED_PX, box.right() - left - 4), 14),
                name,
                "audio.fg",
                11,
                weight=QFont.Weight.Medium,
            )
        self._fades(painter, sound, box)

    def _fades(self, painter: QPainter, sound: AudioItem, box: QRectF) -> None:
        per_s = box.width() / float(sound.duration_s)
        painter.setPen(QPen(self._theme.colour("audio.fg"), 1))
        if sound.fade_in_s:
            painter.drawLine(box.bottomLeft(), QPointF(box.left() + float(sound.fade_in_s) * per_s, box.top()))
        if sound.fade_out_s:
            painter.drawLine(QPointF(box.right() - float(sound.fade_out_s) * per_s, box.top()), box.bottomRight())

    def _wave(
        self,
        painter: QPainter,
        source_id: str,
        stream: int,
        edges: tuple[Float64, Float64],
        times: Float64,
        gains: Float64,
        box: QRectF,
        exposed: QRect,
    ) -> None:
        """Draw the outline of stretches of a sound, side by side in a box.

        Args:
            painter: on the view.
            source_id: whose sound.
            stream: which of its sound streams.
            edges: float64 [n] each, the left and right pixel of every stretch, ascending.
            times: float64 [n, 2], from when to when each stretch plays, in seconds of the source.
            gains: float64 [n], factors.
            box: its top and bottom count.
            exposed: what is painted.
        """
        lefts, rights = edges
        first, stop = max(exposed.left(), int(lefts[0])), min(exposed.right() + 1, int(np.ceil(rights[-1])))
        middle = round(box.center().y())
        painter.setPen(QPen(self._theme.colour("audio.wave"), 1))
        if stop <= first:
            return
        waveform = self._waveforms.waveform(source_id, stream)
        if waveform is None:
            painter.drawLine(first, middle, stop - 1, middle)
            return
        # Drawn as an image, in the screen's own pixels: thousands of lines would each cost an object.
        ratio = painter.device().devicePixelRatioF()
        at = (np.arange(round(first * ratio), round(stop * ratio)) + 0.5) / ratio
        number = np.clip(np.searchsorted(lefts, at, side="right") - 1, 0, lefts.size - 1)
        shows = (at >= lefts[number]) & (at < rights[number])
        per_px = (times[:, 1] - times[:, 0]) / np.maximum(1e-9, rights - lefts)
        starts_s = times[number, 0] + (at - lefts[number]) * per_px[number]
        found = columns(waveform, starts_s, float(per_px.max()) / ratio)
        # A square root keeps quiet speech visible beside loud music; the row is too low for decibels.
        shown = np.minimum(np.sqrt(np.abs(found) * gains[number]), 1)
        height = max(1, round((box.height() - 4) * ratio))
        half = (height - 1) / 2
        lines = np.arange(height)[:, None]
        covered = (lines >= np.round(half - shown[1] * half)) & (lines <= np.round(half + shown[0] * half))
        table = np.where(covered & shows, np.uint32(self._theme.colour("audio.wave").rgba()), np.uint32(0))
        table = np.ascontiguousarray(table)
        image = QImage(table.data, at.size, height, at.size * 4, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(round(first * ratio) / ratio, box.top() + 2), image)

    # --- lanes, strip -----------------------------------------------------------------------------------------------

    def _lane(self, painter: QPainter, scene: Scene, lane: FeatureLane, top: int, exposed: QRect) -> None:
        area = QRect(0, top, scene.width, LANE)
        if not area.intersects(exposed):
            return
        colour = self._theme.colour
        painter.fillRect(area.intersected(exposed), colour("surface.1"))
        painter.fillRect(exposed.left(), top, exposed.width(), 1, colour("line.subtle"))
        scale = scene.scale
        if lane.curve:
            self._curve(painter, scene, lane, top, exposed)
        for mark in lane.marks:
            left, right = scale.x(mark.frames.start), scale.x(mark.frames.stop)
            if right < exposed.left() or left > exposed.right():
                continue
            tone = colour("text.3")
            tone.setAlphaF(0.35 + 0.65 * mark.value)
            painter.fillRect(QRectF(left, top + 4, max(2.0, right - left), LANE - 7), tone)

    def _curve(self, painter: QPainter, scene: Scene, lane: FeatureLane, top: int, exposed: QRect) -> None:
        first, stop = max(0, exposed.left()), min(scene.width, exposed.right() + 2)
        if stop <= first:
            return
        at = (np.arange(first, stop) + scene.scale.scroll_px) * scene.scale.frames_per_px / lane.step
        values = np.interp(at, np.arange(len(lane.curve)), np.array(lane.curve), right=0.0)
        heights = (np.clip(values, 0, 1) * (LANE - 5)).astype(np.int64).tolist()
        painter.setPen(QPen(self._theme.colour("line.control"), 1))
        foot = top + LANE - 2
        lines = [QLine(x, foot - height, x, foot) for x, height in zip(range(first, stop), heights, strict=True)]
        painter.drawLines(lines)

    def _strip(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        colour = self._theme.colour
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
            for at, width in zip(runs.lefts.tolist(), runs.widths.tolist(), strict=True):
                painter.fillRect(at, bar, width, _BAR, brush)
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
            room = min(_PINNED_PX, rights[index] - lefts[index] - 8)
            # A number is never cut: where the words have no room it stands alone.
            if _metrics(10, QFont.Weight.DemiBold).horizontalAdvance(text) > room:
                text = text.split(" ")[0] if changed else ""
            box = QRectF(lefts[index] + 5, bar, room, _BAR)
            tone = "strip.reencoded.on" if changed else "strip.copied.on"
            self._text(painter, box, text, tone, 10, weight=QFont.Weight.DemiBold)

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
        painter.setPen(QPen(self._theme.colour("text.3"), 1))
        painter.drawLines([QLine(x, top + 3, x, top + 9) for x in pixels.tolist()])

    def _hatched(self, painter: QPainter) -> QBrush:
        ratio = painter.device().devicePixelRatioF()
        if ratio not in self._hatch:
            size = round(8 * ratio)
            tile = QPixmap(size, size)
            tile.fill(self._theme.colour("strip.tail"))
            tile.setDevicePixelRatio(ratio)
            drawn = QPainter(tile)
            drawn.setRenderHint(QPainter.RenderHint.Antialiasing)
            drawn.setPen(QPen(self._theme.colour("strip.reencoded"), 1.6))
            for shift in (-8, 0, 8):
                drawn.drawLine(QPointF(shift - 1, 9), QPointF(shift + 9, -1))
            drawn.end()
            self._hatch[ratio] = QBrush(tile)
        return self._hatch[ratio]

    # --- ruler, markers ---------------------------------------------------------------------------------------------

    def _ruler(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        colour = self._theme.colour
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
        painter.setPen(QPen(colour("line.control"), 1))
        painter.drawLines(
            [
                QLine(x, RULER - (9 if tick.label else 4), x, RULER - 2)
                for tick in found
                for x in (round(scale.x(tick.frame)),)
            ]
        )
        for tick in found:
            if tick.label:
                box = QRectF(round(scale.x(tick.frame)) + 5, 1, 120, 18)
                self._text(painter, box, tick.label, "text.2", 11)
        for item in self._chosen_windows(scene):
            left, right = scale.x(item.frames.start), scale.x(item.frames.stop)
            painter.fillRect(QRectF(left, RULER - 3, max(2.0, right - left), 2), colour("patch.line"))
        painter.fillRect(exposed.left(), RULER - 1, exposed.width(), 1, colour("line.subtle"))

    def _chosen_windows(self, scene: Scene) -> list[Placed]:
        found = (scene.content.find(id) for id in scene.selected) if len(scene.selected) < 20 else ()
        return [item for item in found if item is not None and isinstance(item.value, Patch)]

    def _markers(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        colour = self._theme.colour
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
                self._text(painter, box, marker.name, "text.2", 11)

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
        painter.setBrush(self._theme.colour("marker"))
        painter.setPen(QPen(self._theme.colour("focus"), 1.5) if selected else QPen(Qt.PenStyle.NoPen))
        painter.drawPolygon(QPolygonF([QPointF(8 + dx, 2 + dy) for dx, dy in points]))
        painter.end()
        return flag

    # --- over all ---------------------------------------------------------------------------------------------------

    def _over(self, painter: QPainter, scene: Scene, exposed: QRect) -> None:
        colour, scale, layout = self._theme.colour, scene.scale, scene.layout
        for ghost in scene.ghosts:
            place = layout.place(ghost.row)
            height = place.height / scene.content.rows[ghost.row].items.lane_count
            left = scale.x(ghost.frames.start)
            width = max(2.0, scale.x(ghost.frames.stop) - left)
            box = QRectF(left, place.top + ghost.lane * height + 1, width, height - 3)
            fill = colour("focus")
            fill.setAlphaF(0.28)
            painter.fillRect(box, fill)
            painter.setPen(QPen(colour("focus"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(0.75, 0.75, -0.75, -0.75))
            if ghost.label:
                self._chip(painter, ghost.label, box.left() + 4, box.center().y() - 8)
        for frame, tone in ((scene.snap_line, "marker"), (scene.drop_line, "focus")):
            if frame is not None:
                painter.fillRect(QRectF(round(scale.x(frame)) - 0.5, RULER, 1.5, scene.height), colour(tone))
        if scene.band is not None:
            band = QRectF(scene.band.left, scene.band.top, scene.band.width, scene.band.height)
            fill = colour("focus")
            fill.setAlphaF(0.15)
            painter.fillRect(band, fill)
            painter.setPen(QPen(colour("focus"), 1))
            painter.drawRect(band)
        x = round(scale.x(scene.playhead))
        bottom = layout.strip_top + STRIP
        painter.fillRect(QRectF(x - 0.5, RULER - 4, 1.5, bottom - RULER + 4), colour("playhead"))
        if exposed.top() < RULER:
            text = timecode(scene.playhead, scene.rate)
            width = _metrics(11, QFont.Weight.DemiBold).horizontalAdvance(text) + 12
            chip = QRectF(x - width / 2, 3, width, 18)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent.fill"))
            painter.drawRoundedRect(chip, 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
            self._text(
                painter, chip, text, "accent.on", 11, weight=QFont.Weight.DemiBold, align=Qt.AlignmentFlag.AlignHCenter
            )

    def _chip(self, painter: QPainter, text: str, left: float, top: float) -> None:
        width = _metrics(11, QFont.Weight.Medium).horizontalAdvance(text) + 10
        painter.fillRect(QRectF(left, top, width, 16), PICTURE_LABEL)
        painter.setFont(_font(11, QFont.Weight.Medium))
        painter.setPen(QColor(Qt.GlobalColor.white))
        painter.drawText(QRectF(left + 5, top, width, 16), int(Qt.AlignmentFlag.AlignVCenter), text)

    # --- small things -----------------------------------------------------------------------------------------------

    def _text(
        self,
        painter: QPainter,
        box: QRectF,
        text: str,
        tone: str,
        size: int,
        *,
        weight: QFont.Weight = QFont.Weight.Normal,
        align: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
    ) -> None:
        painter.setFont(_font(size, weight))
        painter.setPen(self._theme.colour(tone))
        shown = _elided(text, max(0, int(box.width()) + 1), size, weight)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | align), shown)

    def _icon(self, painter: QPainter, name: str, tone: str, size: int) -> QPixmap:
        key = name, tone, size, painter.device().devicePixelRatioF()
        if key not in self._icons:
            self._icons[key] = self._theme.pixmap(*key)
        return self._icons[key]


def playhead_columns(scene_before: Scene, scene_after: Scene) -> list[QRect]:
    """Return what to paint anew when the playhead moves."""
    found = []
    for scene in (scene_before, scene_after):
        x = round(scene.scale.x(scene.playhead))
        found += [QRect(x - 2, RULER - 4, 5, scene.height), QRect(x - 60, 0, 120, RULER)]
    return found


def picture_width(width: float, height: float, shown_height: int) -> float:
    """Return how wide a picture is when it is shown at a height, in whole points."""
    return max(4.0, float(round(width / max(1.0, height) * shown_height)))


def _line_of(tone: str) -> str:
    return "audio.wave" if tone == "audio" else f"{tone}.line"


@lru_cache(maxsize=16)
def _font(size: int, weight: QFont.Weight) -> QFont:
    font = QFont(QApplication.font())
    font.setPixelSize(size)
    font.setWeight(weight)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


@lru_cache(maxsize=16)
def _metrics(size: int, weight: QFont.Weight) -> QFontMetrics:
    return QFontMetrics(_font(size, weight))


@lru_cache(maxsize=4096)
def _elided(text: str, width: int, size: int, weight: QFont.Weight) -> str:
    return _metrics(size, weight).elidedText(text, Qt.TextElideMode.ElideRight, width)
