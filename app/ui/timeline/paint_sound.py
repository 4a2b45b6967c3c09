"""Paint sound: the outlines of thousands of clips in a few strokes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF
from PySide6.QtGui import QFont, QPainter, QPen

from app.session.waveforms import Waveforms, columns
from app.ui.timeline.brush import PINNED_PX, TEXT_PX, Brush
from app.ui.timeline.content import Placed, name_of
from app.ui.timeline.scene import Scene
from app.ui.timeline.strokes import bars, picture
from engine.model.sound import AudioItem, ClipSound
from engine.model.storyline import Clip, source_time

Float64 = NDArray[np.float64]

_KEPT_TIMES = 20_000


class SoundPainting:
    """Paints the sound of clips and of sound tracks."""

    def __init__(self, brush: Brush, waveforms: Waveforms) -> None:
        self._brush = brush
        self._waveforms = waveforms
        self._seconds: dict[int, tuple[Clip, float, float]] = {}

    def forget(self) -> None:
        """Let go of the clips whose times are kept."""
        self._seconds.clear()

    def film_sound(
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
        if len(items):
            looks = self._brush.colour("audio.bg"), self._brush.colour("surface.app"), 1
            bars(painter, (lefts, rights), (inner.top(), inner.height()), looks, exposed)
        waves: dict[str, list[tuple[int, Clip]]] = {}
        special = scene.selected | ({scene.focused[0]} if scene.focused is not None else set())
        for number, item in enumerate(items):
            clip = item.value
            assert isinstance(clip, Clip)
            is_muted = clip.sound is ClipSound.MUTED
            if not is_muted:
                waves.setdefault(clip.source_id, []).append((number, clip))
            if not is_muted and item.id not in special:
                continue
            box = QRectF(lefts[number], inner.top(), rights[number] - lefts[number], inner.height())
            if is_muted and box.width() > TEXT_PX:
                self._brush.text(painter, box.adjusted(6, 0, -4, 0), "Muted", "audio.fg", 11)
            self._brush.ring(painter, scene, item, box)
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

    def sound(self, painter: QPainter, scene: Scene, item: Placed, box: QRectF, exposed: QRect) -> None:
        """Draw an item of a sound track."""
        sound = item.value
        assert isinstance(sound, AudioItem)
        box = box.adjusted(0, 1, 0, -1)
        painter.fillRect(box, self._brush.colour("audio.bg"))
        painter.fillRect(QRectF(box.left(), box.top(), 2, box.height()), self._brush.colour("audio.wave"))
        start_s = float(sound.source_start_s)
        edges = np.array([box.left()]), np.array([box.right()])
        times, gain = np.array([[start_s, start_s + float(sound.duration_s)]]), np.array([10 ** (sound.gain_db / 20)])
        self._wave(painter, sound.source_id, sound.stream, edges, times, gain, box, exposed)
        if box.width() > TEXT_PX:
            name = name_of(scene.content.project, sound) + (" (muted)" if sound.muted else "")
            left = max(box.left() + 7, 4.0)
            self._brush.text(
                painter,
                QRectF(left, box.top() + 1, min(PINNED_PX, box.right() - left - 4), 14),
                name,
                "audio.fg",
                11,
                weight=QFont.Weight.Medium,
            )
        self._fades(painter, sound, box)

    def _fades(self, painter: QPainter, sound: AudioItem, box: QRectF) -> None:
        per_s = box.width() / float(sound.duration_s)
        painter.setPen(QPen(self._brush.colour("audio.fg"), 1))
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
        painter.setPen(QPen(self._brush.colour("audio.wave"), 1))
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
        table = np.where(covered & shows, np.uint32(self._brush.colour("audio.wave").rgba()), np.uint32(0))
        picture(painter, table, first, box.top() + 2)
