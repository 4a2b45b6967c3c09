"""Paint sound: the outlines of thousands of clips in a few strokes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPen

from app.session.waveforms import Waveforms, columns
from app.ui.timeline.brush import PINNED_PX, TEXT_PX, Brush
from app.ui.timeline.content import Placed, name_of
from app.ui.timeline.fades import KNOB_PX, knobs
from app.ui.timeline.layout import Rect
from app.ui.timeline.scene import Scene
from app.ui.timeline.strokes import bars, picture
from engine.index.waveform import Waveform
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
        items: tuple[int, Sequence[int]],
        edges: tuple[Float64, Float64],
        inner: QRectF,
        exposed: QRect,
    ) -> None:
        """Draw the sound of the storyline's clips: thousands of them are drawn in a few strokes.

        Args:
            painter: on the view.
            scene: what shows.
            items: the row, and the numbers of its items that are drawn.
            edges: float64 [n] each, the left and right pixel of each of them, ascending.
            inner: top and bottom count.
            exposed: what is painted.
        """
        lefts, rights = edges
        row, numbers = items
        values = scene.content.rows[row].items.values
        if numbers:
            looks = self._brush.colour("audio.bg"), self._brush.colour("surface.app"), 1
            bars(painter, (lefts, rights), (inner.top(), inner.height()), looks, exposed)
        waves: dict[str, list[tuple[int, Clip]]] = {}
        special = scene.selected | ({scene.focused[0]} if scene.focused is not None else set())
        for number, index in enumerate(numbers):
            clip = values[index]
            assert isinstance(clip, Clip)
            is_muted = clip.sound is ClipSound.MUTED
            if not is_muted:
                waves.setdefault(clip.source_id, []).append((number, clip))
            if not is_muted and clip.id not in special:
                continue
            box = QRectF(lefts[number], inner.top(), rights[number] - lefts[number], inner.height())
            if is_muted and box.width() > TEXT_PX:
                self._brush.text(painter, box.adjusted(6, 0, -4, 0), "Muted", "audio.fg", 11)
            self._brush.ring(painter, scene, scene.content.placed(row, index), box)
        stretches = []
        for source_id, clips in waves.items():
            at = np.array([number for number, _ in clips])
            times = np.array([self._clip_seconds(scene, clip) for _, clip in clips])
            gains = np.array([10 ** (clip.gain_db / 20) for _, clip in clips])
            stretches.append(_Stretches(source_id, 0, lefts[at], rights[at], times, gains))
        self._waves(painter, stretches, inner, exposed)

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
        times, gain = np.array([[start_s, start_s + float(sound.duration_s)]]), np.array([10 ** (sound.gain_db / 20)])
        edges = np.array([box.left()]), np.array([box.right()])
        self._waves(painter, [_Stretches(sound.source_id, sound.stream, *edges, times, gain)], box, exposed)
        if box.width() > TEXT_PX:
            name = name_of(scene.content.project, sound) + (" (muted)" if sound.muted else "")
            # Beside the knob of the fade, where that shows.
            left = max(box.left() + (14 if item.id in scene.selected else 7), 4.0)
            self._brush.text(
                painter,
                QRectF(left, box.top() + 1, min(PINNED_PX, box.right() - left - 4), 14),
                name,
                "audio.fg",
                11,
                weight=QFont.Weight.Medium,
            )
        self._fades(painter, sound, box)
        if item.id in scene.selected:
            painter.setBrush(self._brush.colour("audio.fg"))
            painter.setPen(QPen(self._brush.colour("audio.bg"), 1))
            for _, at in knobs(sound, Rect(box.left(), box.top(), box.width(), box.height())):
                painter.drawEllipse(QPointF(at, box.top() + KNOB_PX + 1), KNOB_PX, KNOB_PX)
            painter.setBrush(Qt.BrushStyle.NoBrush)

    def _fades(self, painter: QPainter, sound: AudioItem, box: QRectF) -> None:
        per_s = box.width() / float(sound.duration_s)
        painter.setPen(QPen(self._brush.colour("audio.fg"), 1))
        if sound.fade_in_s:
            painter.drawLine(box.bottomLeft(), QPointF(box.left() + float(sound.fade_in_s) * per_s, box.top()))
        if sound.fade_out_s:
            painter.drawLine(QPointF(box.right() - float(sound.fade_out_s) * per_s, box.top()), box.bottomRight())

    def _waves(self, painter: QPainter, stretches: Sequence[_Stretches], box: QRectF, exposed: QRect) -> None:
        """Draw the outlines of sounds in a box, of which top and bottom count, all in one stroke."""
        colour = self._brush.colour("audio.wave")
        painter.setPen(QPen(colour, 1))
        # Drawn as an image, in the screen's own pixels: thousands of lines would each cost an object.
        ratio = painter.device().devicePixelRatioF()
        pixels = np.arange(round(exposed.left() * ratio), round((exposed.right() + 1) * ratio), dtype=np.float64)
        at = (pixels + 0.5) / ratio
        heights = np.full((2, at.size), -1.0, np.float32)
        for each in stretches:
            waveform = self._waveforms.waveform(each.source_id, each.stream)
            if waveform is not None:
                each.measure(waveform, at, 1 / ratio, heights)
                continue
            middle = round(box.center().y())
            first, stop = max(exposed.left(), int(each.lefts[0])), min(exposed.right() + 1, int(each.rights[-1] + 1))
            if stop > first:
                painter.drawLine(first, middle, stop - 1, middle)
        shown = np.flatnonzero(heights[0] >= 0)
        if not shown.size:
            return
        part = slice(int(shown[0]), int(shown[-1]) + 1)
        height = max(1, round((box.height() - 4) * ratio))
        half = (height - 1) / 2
        rows = np.arange(height, dtype=np.int16)[:, None]
        # Where there is no sound its top lies below its bottom.
        tops = np.where(heights[0, part] < 0, height, np.round(half - heights[1, part] * half)).astype(np.int16)
        bottoms = np.round(half + heights[0, part] * half).astype(np.int16)
        covered = (rows >= tops) & (rows <= bottoms)
        table = covered.astype(np.uint32) * np.uint32(colour.rgba())
        picture(painter, table, exposed.left() + part.start / ratio, box.top() + 2)


@dataclass(frozen=True, slots=True, eq=False)
class _Stretches:
    """Stretches of a sound, side by side.

    Attributes:
        source_id, stream: whose sound.
        lefts, rights: float64 [n], the left and right pixel of every stretch, ascending.
        times: float64 [n, 2], from when to when each stretch plays, in seconds of the source.
        gains: float64 [n], factors.
    """

    source_id: str
    stream: int
    lefts: Float64
    rights: Float64
    times: Float64
    gains: Float64

    def measure(self, waveform: Waveform, at: Float64, px: float, heights: NDArray[np.float32]) -> None:
        """Write how far the sound goes below and above the middle, 0 to 1, into float32 [2, n].

        It is that of n ascending places `px` points wide; where none of the stretches lies it is left as it is.
        """
        number = np.searchsorted(self.lefts, at, side="right") - 1
        here = np.flatnonzero((number >= 0) & (at < self.rights[np.maximum(number, 0)]))
        if not here.size:
            return
        at, number = at[here], number[here]
        per_px = (self.times[:, 1] - self.times[:, 0]) / np.maximum(1e-9, self.rights - self.lefts)
        starts_s = self.times[number, 0] + (at - self.lefts[number]) * per_px[number]
        found = columns(waveform, starts_s, float(per_px.max()) * px)
        # A square root keeps quiet speech visible beside loud music; the row is too low for decibels.
        heights[:, here] = np.minimum(np.sqrt(np.abs(found) * self.gains[number]), 1)
