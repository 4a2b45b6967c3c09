"""Shows frames of the timeline: after, before, both with a wipe, or where they differ; zoomed and panned.

The number that it tells is always that of the picture that shows. Nothing can be changed here; see Canvas.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.session.shown_pictures import Look, Show, Shown, Want
from app.ui.context import Context
from app.ui.theme.theme import HANDLE, PICTURE_LABEL
from app.ui.viewer.view_map import ViewMap

_LOG = logging.getLogger(__name__)
_WIPE_EDGE = QColor(0, 0, 0, 110)
_FLICKER_MS = 500
_GRIP = 12.0
GAINS = (4, 8, 16)


class Compare(Enum):
    """How before and after are shown."""

    BEFORE = "before"
    WIPE = "wipe"
    AFTER = "after"
    HEAT = "heat"
    SIDE_BY_SIDE = "side"
    FLICKER = "flicker"


class PictureView(QWidget):
    """A view of the frame under the playhead.

    Signals:
        frame_shown(int): the frame whose picture is painted now. view_changed: zoom, place or way to compare.
        message_changed(str): what is said in place of a picture, empty where there is one.
    """

    frame_shown = Signal(int)
    view_changed = Signal()
    message_changed = Signal(str)

    def __init__(self, context: Context, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        # It paints all of itself: what stands behind need not be painted first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(80, 60)
        self._context = context
        self._name = name
        self._preview = context.session.preview
        self._transport = context.session.transport
        self._compare = Compare.AFTER
        self._held = False
        self._flickered = False
        self._gain = 8
        self._wipe = 0.5
        self._wiping = False
        self._panning: QPointF | None = None
        self._map = ViewMap(1920, 1080, QRectF(0, 0, 640, 360))
        self._pictures: dict[Show, Shown] = {}
        self._frame: int | None = None
        self._late: tuple[Want, ...] = ()
        self._message = ""
        self._label = ""
        self._flicker = QTimer(self)
        self._flicker.setInterval(_FLICKER_MS)
        self._flicker.timeout.connect(self._turn_flicker)
        self._transport.frame_changed.connect(self.refresh)
        self._transport.playing_changed.connect(self.refresh)
        self._preview.scene_changed.connect(self._scene_changed)
        self._preview.trial_changed.connect(self.refresh)
        self._preview.arrived.connect(self._arrived)
        self._preview.failed.connect(self._failed)
        context.session.settings.changed.connect(self._setting_changed)
        context.theme.changed.connect(self.update)
        self._scene_changed()

    # --- how it looks -----------------------------------------------------------------------------------------------

    @property
    def compare(self) -> Compare:
        """Return how before and after are shown."""
        return self._compare

    def set_compare(self, compare: Compare) -> None:
        """Show before and after another way."""
        self._compare = compare
        if compare is Compare.FLICKER:
            self._flicker.start()
        else:
            self._flicker.stop()
            self._flickered = False
        self.refresh()
        self.view_changed.emit()

    def hold_before(self, held: bool) -> None:
        """Show the film alone for as long as a key is held."""
        if held != self._held:
            self._held = held
            self.refresh()

    @property
    def gain(self) -> int:
        """Return by how much the heat map amplifies."""
        return self._gain

    def set_gain(self, gain: int) -> None:
        """Amplify the heat map by another factor."""
        self._gain = gain
        self.refresh()
        self.view_changed.emit()

    def set_label(self, text: str) -> None:
        """Name what is shown, in the picture's corner."""
        self._label = text
        self.update()

    @property
    def wipe(self) -> float:
        """Return where the wipe stands, 0 to 1 of the picture's width."""
        return self._wipe

    def set_wipe(self, at: float) -> None:
        """Move the wipe."""
        self._wipe = min(max(at, 0.0), 1.0)
        self.update()
        self.view_changed.emit()

    @property
    def shown_frame(self) -> int | None:
        """Return the timeline frame whose picture shows, None where none does."""
        return self._frame

    @property
    def message(self) -> str:
        """Return what is said in place of a picture."""
        return self._message

    @property
    def view_map(self) -> ViewMap:
        """Return where the picture lies."""
        return self._map

    def set_view(self, view: ViewMap) -> None:
        """Zoom and place the picture as another view has it."""
        self._set_map(replace(self._map, zoom=view.zoom, x=view.x, y=view.y))

    def set_zoom(self, percent: float | None) -> None:
        """Zoom about the middle, 100 for a pixel on a pixel, None to fit."""
        if percent is None:
            self._set_map(self._map.fitted())
        else:
            self._set_map(self._map.zoomed(percent / 100, self._map.room.center()))

    def step_zoom(self, steps: int, about: QPointF | None = None) -> None:
        """Zoom in or out by a usual step."""
        self._set_map(self._map.stepped(steps, about or self._map.room.center()))

    def _set_map(self, view: ViewMap) -> None:
        if view != self._map:
            self._map = view
            self.refresh()
            self.update()
            self.view_changed.emit()

    # --- pictures ---------------------------------------------------------------------------------------------------

    @property
    def _mode(self) -> Compare:
        if self._held:
            return Compare.BEFORE
        if self._compare is Compare.FLICKER:
            return Compare.BEFORE if self._flickered else Compare.AFTER
        return self._compare

    def _shows(self) -> tuple[Show, ...]:
        match self._mode:
            case Compare.BEFORE:
                return (Show.BEFORE,)
            case Compare.HEAT:
                return (Show.HEAT,)
            case Compare.WIPE | Compare.SIDE_BY_SIDE:
                return Show.AFTER, Show.BEFORE
            case _:
                return (Show.AFTER,)

    def panes(self) -> tuple[tuple[Show, ViewMap], ...]:
        """Return what stands where; the first is what lies below."""
        if self._mode is Compare.SIDE_BY_SIDE:
            room = self._map.room
            half = QRectF(room.left(), room.top(), room.width() / 2 - 2, room.height())
            other = half.translated(room.width() / 2 + 2, 0)
            return (Show.BEFORE, replace(self._map, room=half)), (Show.AFTER, replace(self._map, room=other))
        return tuple((show, self._map) for show in self._shows())

    def map_at(self, point: QPointF) -> ViewMap:
        """Return where the picture lies whose pane is under a point."""
        for _, view in self.panes():
            if view.room.contains(point):
                return view
        return self._map

    def _look(self, show: Show, view: ViewMap) -> Look:
        canvas = self._context.session.document.project.canvas
        scale = max(1, self._context.session.settings.choices.preview_scale)
        width, height = view.device_size
        size = (
            max(2, min(width, -(-canvas.width // scale))),
            max(2, min(height, -(-canvas.height // scale))),
        )
        return Look(show, size, self._gain if show is Show.HEAT else 1)

    def _wants(self, frame: int) -> tuple[Want, ...]:
        return tuple(Want(frame, self._look(show, view)) for show, view in self.panes())

    @Slot()
    def refresh(self) -> None:
        """Show the frame under the playhead, or have its picture made."""
        if self._preview.scene is None or not self.isVisible():
            return
        wants = self._wants(self._transport.frame)
        if self._take(wants):
            self._late = ()
        else:
            self._say(next((text for want in wants if (text := self._preview.failure(want))), ""))
            if self._message:
                self._show_none(self._transport.frame)
        further: tuple[Want, ...] = ()
        if self._frame != self._transport.frame:
            # While the playhead is dragged every frame comes too late: the one on its way shows nevertheless.
            further = tuple(want for want in self._late if self._preview.find(want) is None)
            if not further:
                self._late = wants
        if self._transport.is_playing:
            further = ()
        self._preview.ask(self._name, (*wants, *further), tuple(want.look for want in wants))

    def _take(self, wants: tuple[Want, ...]) -> bool:
        """Show pictures if all of them are there."""
        found = [self._preview.find(want) for want in wants]
        pictures = {shown.want.look.show: shown for shown in found if shown is not None}
        if len(pictures) != len(wants):
            return False
        self._say("")
        frame = wants[0].frame
        changed = self._frame != frame
        before = {show: id(shown.pixels) for show, shown in self._pictures.items()}
        same = before == {show: id(shown.pixels) for show, shown in pictures.items()}
        self._pictures = pictures
        self._frame = frame
        if not same or changed:
            self.update()
        if changed:
            self.frame_shown.emit(frame)
        return True

    def _show_none(self, frame: int) -> None:
        """Show that there is no picture of a frame; the number that is told is its number all the same."""
        self._pictures = {}
        self.update()
        if self._frame != frame:
            self._frame = frame
            self.frame_shown.emit(frame)

    def _say(self, text: str) -> None:
        if text != self._message:
            self._message = text
            self.message_changed.emit(text)

    @Slot(object)
    def _arrived(self, shown: Shown) -> None:
        if not self.isVisible():
            return
        wants = self._wants(self._transport.frame)
        if shown.want in wants:
            if self._take(wants):
                self._late = ()
        elif self._frame != self._transport.frame and shown.want in self._late and self._take(self._late):
            self._late = ()

    @Slot(object, str)
    def _failed(self, want: Want, text: str) -> None:
        if self.isVisible() and want in self._wants(self._transport.frame):
            self._say(text)
            self._show_none(want.frame)

    @Slot()
    def _scene_changed(self) -> None:
        scene = self._preview.scene
        if scene is None:
            self._pictures, self._frame = {}, None
            self._say(self._preview.why_not)
            self.update()
            return
        canvas = scene.project.canvas
        width = canvas.width * float(canvas.sar)
        if (self._map.width, self._map.height) != (width, canvas.height):
            self._map = replace(self._map, width=width, height=canvas.height).fitted()
            self.view_changed.emit()
        self.refresh()
        self.update()

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name == "preview_scale":
            self.refresh()

    @Slot()
    def _turn_flicker(self) -> None:
        self._flickered = not self._flickered
        self.refresh()

    # --- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("the viewer could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        painter.fillRect(self.rect(), self._context.theme.colour("surface.well"))
        if self._message:
            self.paint_message(painter)
            return
        if not self._pictures:
            return
        mode = self._mode
        for show, view in self.panes():
            shown = self._pictures.get(show)
            if shown is None:
                continue
            clip = view.room
            if mode is Compare.WIPE and show is Show.BEFORE:
                edge = view.to_view(self._wipe, 0).x()
                clip = QRectF(clip.left(), clip.top(), max(0.0, edge - clip.left()), clip.height())
            painter.save()
            painter.setClipRect(clip)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, view.scale * view.ratio < 2)
            painter.drawImage(view.picture, shown.image)
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint_over(painter)
        self._paint_labels(painter, mode)
        if mode is Compare.WIPE:
            self._paint_wipe(painter)
        if mode is Compare.HEAT:
            self._paint_scale(painter)

    def paint_over(self, painter: QPainter) -> None:
        """Paint what lies on the picture; nothing here."""

    def after_label(self) -> str:
        """Return what the picture with everything on it is called."""
        return "After"

    def _paint_labels(self, painter: QPainter, mode: Compare) -> None:
        seen = self._seen(self._map)
        match mode:
            case Compare.WIPE:
                edge = min(max(self._map.to_view(self._wipe, 0).x(), seen.left()), seen.right())
                self.chip(painter, QPointF(edge - 12, seen.top() + 8), "Before", Qt.AlignmentFlag.AlignRight)
                self.chip(painter, QPointF(edge + 12, seen.top() + 8), self.after_label())
            case Compare.SIDE_BY_SIDE:
                for show, view in self.panes():
                    place = self._seen(view)
                    text = "Before" if show is Show.BEFORE else self.after_label()
                    self.chip(painter, QPointF(place.left() + 8, place.top() + 8), text)
            case Compare.BEFORE:
                self.chip(painter, QPointF(seen.left() + 8, seen.top() + 8), "Before")
            case Compare.HEAT:
                self.chip(painter, QPointF(seen.left() + 8, seen.top() + 8), f"Heat map × {self._gain}")
            case _:
                if self._label:
                    self.chip(painter, QPointF(seen.left() + 8, seen.top() + 8), self._label)

    def _seen(self, view: ViewMap) -> QRectF:
        """Return the part of the picture that is inside the widget."""
        return view.picture.intersected(view.room)

    def chip(
        self,
        painter: QPainter,
        at: QPointF,
        text: str,
        side: Qt.AlignmentFlag = Qt.AlignmentFlag.AlignLeft,
        icon: str = "",
        token: str = "",
    ) -> QRectF:
        """Paint a label that can be read on any picture, from its upper left (or right) corner; return its place."""
        font = QFont(self.font())
        font.setPixelSize(11)
        font.setWeight(QFont.Weight.Medium)
        painter.setFont(font)
        width = painter.fontMetrics().horizontalAdvance(text) + 16 + (18 if icon else 0)
        left = at.x() - width if side is Qt.AlignmentFlag.AlignRight else at.x()
        place = QRectF(left, at.y(), width, 22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PICTURE_LABEL)
        painter.drawRoundedRect(place, 4, 4)
        words = place.adjusted(8, 0, -8, 0)
        if icon:
            # The label is dark in both themes, so the icon is white there unless it says a state.
            pixmap = self._context.theme.pixmap(icon, token or "accent.on", 12, self.devicePixelRatioF())
            painter.drawPixmap(QPointF(place.left() + 7, place.top() + 5), pixmap)
            words.setLeft(place.left() + 24)
        painter.setPen(HANDLE)
        painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        return place

    def _paint_wipe(self, painter: QPainter) -> None:
        picture = self._seen(self._map)
        x = self._map.to_view(self._wipe, 0).x()
        if not picture.left() - 1 <= x <= picture.right() + 1:
            return
        top, bottom = QPointF(x, picture.top()), QPointF(x, picture.bottom())
        painter.setPen(QPen(_WIPE_EDGE, 4))
        painter.drawLine(top, bottom)
        painter.setPen(QPen(HANDLE, 1.5))
        painter.drawLine(top, bottom)
        middle = self._wipe_grip()
        painter.setPen(QPen(_WIPE_EDGE, 1))
        painter.setBrush(HANDLE)
        painter.drawEllipse(middle, _GRIP, _GRIP)
        painter.setPen(QPen(QColor(PICTURE_LABEL.rgb()), 1.5))
        for way in (-1, 1):
            tip = QPointF(middle.x() + way * 7, middle.y())
            painter.drawLine(tip, QPointF(middle.x() + way * 3.5, middle.y() - 3.5))
            painter.drawLine(tip, QPointF(middle.x() + way * 3.5, middle.y() + 3.5))

    def _wipe_grip(self) -> QPointF:
        picture = self._seen(self._map)
        return QPointF(self._map.to_view(self._wipe, 0).x(), picture.top() + picture.height() / 3)

    def _paint_scale(self, painter: QPainter) -> None:
        """Paint what the colours of the heat map mean, in code values."""
        seen = self._seen(self._map)
        place = self.chip(
            painter,
            QPointF(seen.right() - 8, seen.bottom() - 30),
            f"0                              {256 // self._gain}+",
            Qt.AlignmentFlag.AlignRight,
        )
        ramp = QRectF(place.left() + 20, place.top() + 7, place.width() - 52, 8)
        for step, colour in enumerate(_INFERNO):
            width = ramp.width() / len(_INFERNO)
            painter.fillRect(QRectF(ramp.left() + step * width, ramp.top(), width + 0.5, ramp.height()), colour)

    def paint_message(self, painter: QPainter) -> None:
        """Paint what is said in place of a picture."""
        font = QFont(self.font())
        font.setPixelSize(12)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        room = QRectF(self.rect()).adjusted(32, 16, -32, -16)
        bounds = painter.boundingRect(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PICTURE_LABEL)
        painter.drawRoundedRect(bounds.adjusted(-16, -12, 16, 12), 6, 6)
        painter.setPen(HANDLE)
        painter.drawText(bounds, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._message)

    # --- gestures ---------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        room = QRectF(self.rect())
        self._map = replace(self._map, room=room, ratio=self.devicePixelRatioF())
        self.refresh()
        self.view_changed.emit()

    def showEvent(self, event: object) -> None:
        self._map = replace(self._map, room=QRectF(self.rect()), ratio=self.devicePixelRatioF())
        self._scene_changed()

    def hideEvent(self, event: object) -> None:
        self._preview.ask(self._name, [])

    def wheelEvent(self, event: QWheelEvent) -> None:
        # With Alt held, Qt turns the wheel's axis.
        turned = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            view = self.map_at(event.position())
            zoomed = view.zoomed(view.scale * view.ratio * 1.0015**turned, event.position())
            self._set_map(replace(zoomed, room=self._map.room))
        elif self._map.zoom is not None:
            pixels = event.pixelDelta() if not event.pixelDelta().isNull() else event.angleDelta() / 2
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._set_map(self._map.panned(pixels.y() or pixels.x(), 0))
            else:
                self._set_map(self._map.panned(pixels.x(), pixels.y()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if event.button() is Qt.MouseButton.MiddleButton:
            self._panning = point
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() is Qt.MouseButton.LeftButton and self.is_on_wipe(point):
            self._wiping = True
        elif event.button() is Qt.MouseButton.LeftButton:
            self._panning = point
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._wiping:
            self.set_wipe(self._map.to_canvas(point)[0])
        elif self._panning is not None:
            self._set_map(self._map.panned(point.x() - self._panning.x(), point.y() - self._panning.y()))
            self._panning = point
        else:
            on_wipe = self.is_on_wipe(point)
            self.setCursor(Qt.CursorShape.SplitHCursor if on_wipe else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._wiping, self._panning = False, None
        self.setCursor(Qt.CursorShape.ArrowCursor)

    def is_on_wipe(self, point: QPointF) -> bool:
        """Tell whether a point is where the wipe can be taken hold of: its line or its handle."""
        if self._mode is not Compare.WIPE or not self._pictures:
            return False
        grip = self._wipe_grip()
        near_grip = (point - grip).manhattanLength() <= _GRIP + 4
        return near_grip or (
            abs(point.x() - grip.x()) <= 4 and self._map.picture.top() <= point.y() <= self._map.picture.bottom()
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 0.05 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 0.01
        if self._mode is Compare.WIPE and event.key() in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight):
            self.set_wipe(self._wipe + (step if event.key() == Qt.Key.Key_BracketRight else -step))
        else:
            super().keyPressEvent(event)


_INFERNO = tuple(
    QColor(*rgb)
    for rgb in (
        (0, 0, 4),
        (31, 12, 72),
        (85, 15, 109),
        (136, 34, 106),
        (186, 54, 85),
        (227, 89, 51),
        (249, 140, 10),
        (249, 201, 50),
        (252, 255, 164),
    )
)
"""Nine colours of matplotlib's inferno (CC0), from the lowest on."""
