"""The painted timeline: it shows the scene, follows the pointer and the wheel, and tells what was done."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import cast

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from app.session.selection import ToolMode
from app.ui.context import Context
from app.ui.timeline.content import Content, Int64, Placed, RowKind, content_of
from app.ui.timeline.describe import tooltip_of
from app.ui.timeline.drops import Dropped, dropped_in
from app.ui.timeline.fades import knob_at
from app.ui.timeline.filmstrip import slots
from app.ui.timeline.gestures import (
    ALT,
    CTRL,
    NOTHING,
    SHIFT,
    Band,
    Gesture,
    Ground,
    Pan,
    Scrub,
    Shown,
    drag_of,
)
from app.ui.timeline.keyframe_ticks import keyframes_of
from app.ui.timeline.layout import RULER, STRIP, Area, Grip, Hit, Layout
from app.ui.timeline.painting import Painting, picture_width
from app.ui.timeline.scale import Scale, fitted
from app.ui.timeline.scene import FeatureLane, Ghost, Scene, Strip
from app.ui.timeline.snapping import snap_points
from engine.model.captions import Caption
from engine.model.edits import Edit
from engine.model.markers import Marker
from engine.model.sound import AudioItem
from engine.model.storyline import Clip
from engine.model.time import Range

_LOG = logging.getLogger(__name__)
_EDGE_PX = 24
_ZOOM_STEP = 1.25
_PINNED_PX = 240
_MOST_SNAPPING_KEYFRAMES = 400
_NO_KEYFRAMES: Int64 = np.zeros(0, np.int64)


class TimelineView(QAbstractScrollArea):
    """The timeline without its heads.

    Signals:
        scale_changed: another zoom or scroll position. rows_changed: other rows, heights or scroll position.
        split_wanted(int): the razor fell on a frame. dropped(Dropped, int, bool): something dropped at a frame; the
            flag tells whether it overwrites. menu_wanted(Hit, QPoint): a context menu at a place on the screen.
        hint_changed(str): what the pointer would do. focus_moved: the keyboard is on another item.
        name_wanted: the chosen marker is to be named.
    """

    scale_changed = Signal()
    rows_changed = Signal()
    split_wanted = Signal(int)
    dropped = Signal(object, int, bool)
    menu_wanted = Signal(object, QPoint)
    hint_changed = Signal(str)
    focus_moved = Signal()
    name_wanted = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        session = context.session
        self._document, self._selection, self._transport = session.document, session.selection, session.transport
        self._settings = session.settings
        self._thumbnails = session.thumbnails
        self._painting = Painting(context.theme, session.thumbnails, session.waveforms)
        self._content = content_of(self._document.project, self._document.timeline)
        self._scale = Scale(1.0)
        self._fit_wanted = True
        self._rows_as_opened = True
        self._extra: dict[str, int] = {}
        self._strip: Strip | None = None
        self._lanes: tuple[FeatureLane, ...] = ()
        self._confidence: Mapping[str, tuple[int, tuple[float, ...]]] = {}
        self._keyframes = _NO_KEYFRAMES
        self._focused: tuple[str, int] | None = None
        self._gesture: Gesture | None = None
        self._shown = NOTHING
        self._hint = ""
        self._pressed_at = QPointF()
        self._last_move: tuple[QPointF, Qt.KeyboardModifier] | None = None
        self._click: Callable[[], None] | None = None
        self._playhead = 0
        self._ratio = self.devicePixelRatioF()
        self.setObjectName("timelineView")
        self.setAccessibleName("Timeline")
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setAcceptDrops(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.viewport().setMouseTracking(True)
        self._edge_timer = QTimer(self)
        self._edge_timer.setInterval(30)
        self._edge_timer.timeout.connect(self._scroll_at_edge)
        self._wish_timer = QTimer(self)
        self._wish_timer.setSingleShot(True)
        self._wish_timer.setInterval(60)
        self._wish_timer.timeout.connect(self._ask_for_pictures)
        self._film_timer = QTimer(self)
        self._film_timer.setSingleShot(True)
        self._film_timer.setInterval(40)
        self._film_timer.timeout.connect(self._update_film_rows)
        document = self._document
        document.opened.connect(self._on_opened)
        document.closed.connect(self._on_opened)
        document.changed.connect(self._on_changed)
        document.films_changed.connect(self._on_films)
        self._selection.changed.connect(self._on_selection)
        self._selection.tool_changed.connect(self._on_tool)
        self._transport.frame_changed.connect(self._on_frame)
        self._thumbnails.arrived.connect(self._on_picture)
        session.waveforms.arrived.connect(self._on_picture)
        session.live_plan.plan_changed.connect(self._on_plan)
        # With the theme comes its density.
        context.theme.changed.connect(self._rows_moved)
        self.horizontalScrollBar().valueChanged.connect(self._scrolled_by_bar)
        self.verticalScrollBar().actionTriggered.connect(self._rows_were_scrolled)

    # --- what shows -------------------------------------------------------------------------------------------------

    @property
    def content(self) -> Content:
        """Return the rows."""
        return self._content

    @property
    def scale(self) -> Scale:
        """Return the zoom and the scroll position."""
        return self._scale

    @property
    def layout_of_rows(self) -> Layout:
        """Return where the rows are."""
        return Layout(
            self._content,
            self.viewport().height(),
            self.verticalScrollBar().value(),
            self._extra,
            len(self._lanes),
            self._context.theme.density_px,
        )

    @property
    def chosen(self) -> frozenset[str]:
        """Return the ids of what is selected."""
        return self._selection.items

    @property
    def focused(self) -> Placed | None:
        """Return the item that the keyboard is on."""
        if self._focused is None:
            return None
        id, part = self._focused
        for number, row in enumerate(self._content.rows):
            for index, value in enumerate(row.items.values):
                if value.id == id and row.items.parts[index] == part and row.kind is not RowKind.FILM_SOUND:
                    return self._content.placed(number, index)
        return None

    def scene(self) -> Scene:
        """Return what is painted."""
        plan = self._context.session.live_plan
        return Scene(
            content=self._content,
            layout=self.layout_of_rows,
            scale=self._scale,
            width=self.viewport().width(),
            height=self.viewport().height(),
            rate=self._content.project.canvas.rate,
            playhead=self._playhead,
            selected=self._selection.items,
            focused=self._focused,
            has_focus=self.hasFocus(),
            ghosts=self._shown.ghosts,
            dimmed=self._shown.dimmed,
            snap_line=self._shown.snap_line,
            drop_line=self._shown.drop_line,
            band=self._shown.band,
            strip=self._strip,
            strip_is_current=plan.is_current,
            keyframes=self._keyframes,
            lanes=self._lanes,
            confidence=self._confidence,
            missing=frozenset(self._document.missing),
        )

    def set_lanes(self, lanes: tuple[FeatureLane, ...]) -> None:
        """Show feature lanes above the strip."""
        self._lanes = lanes
        self._rows_moved()

    def set_confidence(self, confidence: Mapping[str, tuple[int, tuple[float, ...]]]) -> None:
        """Show how surely patches were followed; see Scene."""
        self._confidence = confidence
        self.viewport().update()

    def set_extra(self, row_id: str, points: int) -> None:
        """Make a row higher by so many points."""
        height = max(0, min(400, points))
        if self._extra.get(row_id, 0) != height:
            self._extra[row_id] = height
            self._rows_moved()

    def extra(self, row_id: str) -> int:
        """Return by how many points a row was made higher."""
        return self._extra.get(row_id, 0)

    # --- zoom and scroll --------------------------------------------------------------------------------------------

    def zoom(self, factor: float, x: float | None = None) -> None:
        """Zoom around a pixel; without one around the playhead where it shows, else the middle."""
        width = self.viewport().width()
        if x is None:
            head = self._scale.x(self._playhead)
            x = head if 0 <= head <= width else width / 2
        self._set_scale(self._scale.zoomed(factor, x, self._content.timeline.frame_count, width))

    def set_frames_per_px(self, frames_per_px: float) -> None:
        """Zoom to a scale, around the playhead."""
        self.zoom(self._scale.frames_per_px / frames_per_px)

    def fit(self) -> None:
        """Show the whole film, also when the view is made wider or narrower afterwards."""
        self._set_scale(fitted(self._content.timeline.frame_count, self.viewport().width()))
        self._fit_wanted = True

    def zoom_to(self, frames: Range) -> None:
        """Show a range with a little room beside it."""
        width = self.viewport().width()
        per_px = max(1, len(frames)) / max(1, width - 80)
        scale = Scale(per_px).zoomed(1.0, 0, self._content.timeline.frame_count, width)
        left = round(frames.start / scale.frames_per_px) - 40
        self._set_scale(scale.scrolled_to(left, self._content.timeline.frame_count, width))

    def scroll_by(self, dx: int, dy: int) -> None:
        """Scroll by pixels."""
        self.horizontalScrollBar().setValue(self._scale.scroll_px + dx)
        self._scroll_rows(dy)

    def show_frame(self, frame: int) -> None:
        """Scroll so that a frame shows, if it does not."""
        x, width = self._scale.x(frame), self.viewport().width()
        if not 0 <= x <= width - 8:
            self.horizontalScrollBar().setValue(self._scale.scroll_px + round(x - width * 0.15))

    def _scroll_rows(self, dy: int) -> None:
        if dy:
            self._rows_as_opened = False
            self.verticalScrollBar().setValue(self.verticalScrollBar().value() + dy)

    @Slot()
    def _rows_were_scrolled(self, _action: int = 0) -> None:
        self._rows_as_opened = False

    def _set_scale(self, scale: Scale) -> None:
        if scale == self._scale:
            return
        self._fit_wanted = False
        self._scale = scale
        self._set_bars()
        self.viewport().update()
        self._wish_timer.start()
        self.scale_changed.emit()

    def _set_bars(self) -> None:
        width, height = self.viewport().width(), self.viewport().height()
        bar = self.horizontalScrollBar()
        bar.blockSignals(True)
        bar.setPageStep(width)
        bar.setSingleStep(40)
        bar.setRange(0, self._scale.farthest_px(self._content.timeline.frame_count, width))
        bar.setValue(self._scale.scroll_px)
        bar.blockSignals(False)
        layout = self.layout_of_rows
        self.verticalScrollBar().setPageStep(max(1, height))
        self.verticalScrollBar().setSingleStep(20)
        self.verticalScrollBar().setRange(0, layout.overflow)
        if self._rows_as_opened:
            self.verticalScrollBar().setValue(layout.opening_scroll())

    @Slot(int)
    def _scrolled_by_bar(self, value: int) -> None:
        moved = self._scale.scroll_px - value
        if not moved:
            return
        self._scale = Scale(self._scale.frames_per_px, value)
        if self._gesture is None and abs(moved) < self.viewport().width():
            self.viewport().scroll(moved, 0)
            # Labels that stay at the left edge while their items move under them.
            self.viewport().update(
                0, 0, min(self.viewport().width(), _PINNED_PX + abs(moved)), self.viewport().height()
            )
        else:
            self.viewport().update()
        self._wish_timer.start()
        self.scale_changed.emit()

    def scrollContentsBy(self, _dx: int, dy: int) -> None:
        if dy:
            self.viewport().update()
            self.rows_changed.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._fit_wanted and self.viewport().width() > 60:
            self._scale = fitted(self._content.timeline.frame_count, self.viewport().width())
            self.scale_changed.emit()
        self._rows_moved()

    def _rows_moved(self) -> None:
        self._set_bars()
        self.viewport().update()
        self._wish_timer.start()
        self.rows_changed.emit()

    # --- following the session --------------------------------------------------------------------------------------

    @Slot()
    def _on_opened(self) -> None:
        self._cancel_gesture()
        self._painting.forget()
        self._content = content_of(self._document.project, self._document.timeline)
        self._extra, self._focused, self._strip = {}, None, None
        self._confidence, self._lanes = {}, ()
        self._playhead = self._transport.frame
        self._fit_wanted = True
        self._find_keyframes()
        if self.viewport().width() > 60 and self._content.timeline.frame_count:
            self._scale = fitted(self._content.timeline.frame_count, self.viewport().width())
        self._rows_as_opened = True
        self._rows_moved()
        self.scale_changed.emit()

    @Slot(object)
    def _on_changed(self, _change: object) -> None:
        self._cancel_gesture()
        before = self._content
        self._content = content_of(self._document.project, self._document.timeline, before)
        fresh = [row.id for row in self._content.rows if row.id not in {known.id for known in before.rows}]
        if before.project.storyline is not self._content.project.storyline:
            self._find_keyframes()
            self._keep_in_scale()
        self._rows_moved()
        if fresh:
            self._show_row(fresh[-1])

    def _keep_in_scale(self) -> None:
        """After a cut: a film that was shown whole still is, also where it became longer."""
        count, width = self._content.timeline.frame_count, self.viewport().width()
        if self._fit_wanted and width > 60 and self._scale.x(count) > width:
            self._scale = fitted(count, width)
        else:
            self._scale = self._scale.scrolled_to(self._scale.scroll_px, count, width)
        self.scale_changed.emit()

    def _show_row(self, id: str) -> None:
        """Scroll so that a row shows; one that was just made may be out of sight."""
        row = next(number for number, known in enumerate(self._content.rows) if known.id == id)
        if row:
            place = self.layout_of_rows.place(row)
            self._show_height(place.top, place.bottom)

    def _show_along(self, item: Placed) -> None:
        """Scroll along time so that an item shows, unless it does already in one of its places."""
        items, view = self._content.rows[item.row].items, self._scale
        low, high = items.within(view.position(0), view.position(self.viewport().width()))
        if all(items.values[index].id != item.id for index in range(low, high) if self._meets_view(item.row, index)):
            self.show_frame(item.frames.start)

    def _meets_view(self, row: int, index: int) -> bool:
        frames = self._content.placed(row, index).frames
        return self._scale.x(frames.stop) > 0 and self._scale.x(frames.start) < self.viewport().width()

    def show_lane(self, key: str) -> None:
        """Scroll so that a feature lane shows, if it does not."""
        layout = self.layout_of_rows
        for number, lane in enumerate(self._lanes):
            if lane.key == key:
                top = layout.lanes_top + number * layout.feature_height
                self._show_height(top, top + layout.feature_height)

    def _show_height(self, top: int, bottom: int) -> None:
        layout = self.layout_of_rows
        if bottom > layout.strip_top:
            self._scroll_rows(bottom - layout.strip_top)
        elif top < layout.rows_top:
            self._scroll_rows(top - layout.rows_top)

    @Slot()
    def _on_films(self) -> None:
        self._find_keyframes()
        self._wish_timer.start()
        self.viewport().update()

    def _find_keyframes(self) -> None:
        self._keyframes = keyframes_of(self._content.timeline, self._document.films)

    @Slot()
    def _on_selection(self) -> None:
        items = self._selection.items
        if len(items) == 1 and (self._focused is None or self._focused[0] not in items):
            self._focused = (next(iter(items)), 0)
        if len(items) == 1 and self._gesture is None:
            # What was chosen or made elsewhere, such as a text on the picture, may lie in a row out of sight.
            chosen = self._content.find(next(iter(items)))
            if chosen is not None:
                self._show_row(self._content.rows[chosen.row].id)
                self._show_along(chosen)
        self.viewport().update()

    @Slot()
    def _on_tool(self) -> None:
        self._show_cursor(self.mapFromGlobal(self.cursor().pos()).toPointF())

    @Slot(int)
    def _on_frame(self, frame: int) -> None:
        old, self._playhead = self._playhead, frame
        width = self.viewport().width()
        x = self._scale.x(frame)
        if not isinstance(self._gesture, Scrub) and not 0 <= x <= width - 8:
            target = round(self._scale.scroll_px + x - width * (0.1 if self._transport.is_playing else 0.15))
            self.horizontalScrollBar().setValue(target)
        for shown in (old, frame):
            at = round(self._scale.x(shown))
            self.viewport().update(QRect(at - 2, RULER - 4, 5, self.viewport().height()))
            # At either end the time stands beside its line, as it is painted.
            self.viewport().update(QRect(min(max(at - 62, 0), max(0, width - 124)), 0, 124, RULER))

    @Slot(str)
    def _on_picture(self, _source_id: str) -> None:
        if not self._film_timer.isActive():
            self._film_timer.start()

    @Slot()
    def _update_film_rows(self) -> None:
        for place in self.layout_of_rows.places():
            if self._content.rows[place.row].kind in (RowKind.FILM, RowKind.FILM_SOUND, RowKind.SOUND):
                self.viewport().update(QRect(0, place.top, self.viewport().width(), place.height))

    @Slot(object)
    def _on_plan(self, planned: object) -> None:
        plan = getattr(planned, "plan", None)
        self._strip = Strip.of(plan) if plan is not None else None
        self.viewport().update(QRect(0, self.layout_of_rows.strip_top, self.viewport().width(), STRIP))

    @Slot()
    def _ask_for_pictures(self) -> None:
        """Tell which small pictures show now; the others need not be made."""
        film = next((number for number, row in enumerate(self._content.rows) if row.kind is RowKind.FILM), None)
        if film is None or not self._document.is_open:
            return
        scale, width = self._scale, self.viewport().width()
        height = self.layout_of_rows.row_height(film) - 3
        items = self._content.rows[film].items
        low, high = items.within(scale.position(0), scale.position(width))
        wanted: list[tuple[str, int]] = []
        rate = self._content.project.canvas.rate
        for index in range(low, high):
            clip = items.values[index]
            placed = self._content.placed(film, index)
            if not isinstance(clip, Clip) or scale.width_px(len(placed.frames)) < 8:
                continue
            picture = self._content.project.picture(clip.source_id)
            wide = picture_width(picture.width * float(picture.sar), picture.height, height)
            found = slots(
                clip,
                placed.frames,
                picture.times,
                rate,
                scale.frames_per_px,
                scale.scroll_px,
                wide,
                (0.0, float(width)),
            )
            wanted += [(clip.source_id, self._thumbnails.nearest(clip.source_id, slot.frame)) for slot in found]
        self._thumbnails.show_lines(math.ceil(height * self.devicePixelRatioF()))
        self._thumbnails.want("timeline", wanted)

    # --- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        if self._ratio != self.devicePixelRatioF():
            # It came to another screen.
            self._ratio = self.devicePixelRatioF()
            self._wish_timer.start()
        try:
            scene = self.scene()
            for rect in cast(Iterable[QRect], event.region()):
                self._painting.paint(painter, scene, rect)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("the timeline could not be painted")
        finally:
            painter.end()

    # --- pointer ----------------------------------------------------------------------------------------------------

    def hit(self, at: QPointF) -> Hit:
        """Return what is under a point of the view."""
        hit = self.layout_of_rows.hit(at.x(), at.y(), self._scale)
        item = hit.item
        if item is None or item.id not in self._selection.items or not isinstance(item.value, AudioItem):
            return hit
        knob = knob_at(item.value, self.layout_of_rows.rect(item, self._scale), at.x(), at.y())
        return hit if knob is None else replace(hit, grip=knob)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at, keys = event.position(), event.modifiers()
        self._pressed_at, self._click = at, None
        if event.button() is Qt.MouseButton.MiddleButton:
            self._begin(Pan(self.scroll_by, at))
            return
        if event.button() is not Qt.MouseButton.LeftButton or not self._document.is_open:
            return
        hit = self.hit(at)
        tool = self._selection.tool
        if hit.area is Area.RULER or (hit.area in (Area.MARKERS, Area.STRIP, Area.LANES) and hit.item is None):
            self._begin(Scrub(lambda: self._scale, self._transport.seek, self._playhead))
            self._move(at, keys)
        elif tool is ToolMode.HAND:
            self._begin(Pan(self.scroll_by, at))
        elif tool is ToolMode.ZOOM:
            self.zoom(1 / _ZOOM_STEP**2 if keys & ALT else _ZOOM_STEP**2, at.x())
        elif tool is ToolMode.RAZOR and hit.item is not None:
            self._choose_for_razor(hit)
            self.split_wanted.emit(self._scale.boundary(at.x()))
        elif hit.item is None:
            self._begin(Band(self._ground(), self._choose, self._selection.items, at, keys))
        else:
            self._press_item(hit, hit.item, at, keys)

    def _choose_for_razor(self, hit: Hit) -> None:
        """Let the razor divide the item it falls on, and not what is selected elsewhere."""
        if hit.item is not None:
            self._selection.choose(hit.item.id)

    def _press_item(self, hit: Hit, item: Placed, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._focused = (item.id, item.part)
        selected = self._selection.items
        if keys & SHIFT and hit.grip is Grip.BODY:
            self._selection.toggle(item.id)
            self.viewport().update()
            return
        if item.id not in selected:
            self._selection.choose(item.id)
        elif len(selected) > 1:
            # A click on one of several keeps them for a drag, and chooses the one when it was none.
            self._click = lambda: self._selection.choose(item.id)
        trims = self._selection.tool is ToolMode.TRIM
        drag = drag_of(self._ground(), hit, at, self._selection.items, trims=trims)
        if drag is not None:
            self._begin(drag)
        elif self._content.rows[item.row].locked:
            self.hint_changed.emit(f"“{self._content.rows[item.row].name}” is locked; unlock it to change it")
        self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._gesture is None:
            self._show_cursor(event.position())
            return
        self._move(event.position(), event.modifiers())

    def _move(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        if self._gesture is None:
            return
        self._last_move = at, keys
        near_edge = not _EDGE_PX <= at.x() <= self.viewport().width() - _EDGE_PX
        if near_edge and not isinstance(self._gesture, Pan) and (at - self._pressed_at).manhattanLength() > 8:
            self._edge_timer.start()
        else:
            self._edge_timer.stop()
        shown = self._gesture.move(at, keys)
        if shown is not NOTHING or self._shown is not NOTHING:
            self._click = None
        self._show(shown)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        gesture, click = self._gesture, self._click
        self._end_gesture()
        if gesture is not None:
            gesture.finish()
        if click is not None:
            click()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        hit = self.hit(event.position())
        if hit.item is not None and event.button() is Qt.MouseButton.LeftButton:
            self._transport.seek(hit.item.frames.start)
            if isinstance(hit.item.value, Marker):
                self.name_wanted.emit()
            else:
                self._context.notices.show_panel("captions" if isinstance(hit.item.value, Caption) else "inspector")
        else:
            self.mousePressEvent(event)

    @Slot()
    def _scroll_at_edge(self) -> None:
        if self._gesture is None or self._last_move is None:
            self._edge_timer.stop()
            return
        at, keys = self._last_move
        beyond = at.x() - (self.viewport().width() - _EDGE_PX) if at.x() > _EDGE_PX else at.x() - _EDGE_PX
        self.scroll_by(round(max(-40, min(40, beyond / 2))), 0)
        self._show(self._gesture.move(at, keys))

    def _begin(self, gesture: Gesture) -> None:
        self._gesture = gesture

    def _end_gesture(self) -> None:
        self._edge_timer.stop()
        self._gesture, self._click, self._last_move = None, None, None
        self._show(NOTHING)

    def _cancel_gesture(self) -> None:
        gesture = self._gesture
        self._end_gesture()
        if gesture is not None:
            gesture.cancel()

    def _show(self, shown: Shown) -> None:
        if shown is not self._shown:
            self._shown = shown
            self.viewport().update()
        if shown.hint != self._hint:
            # What a drag would do is no news once it is over.
            self._hint = shown.hint
            self.hint_changed.emit(shown.hint)

    def _choose(self, ids: frozenset[str]) -> None:
        self._selection.choose(*ids)

    def _ground(self) -> Ground:
        def points(ids: frozenset[str]) -> Int64:
            if not self._settings.choices.snapping:
                return _NO_KEYFRAMES
            shown = self._keyframes_that_show()
            return snap_points(self._content, self._playhead, ids, shown)

        def do(edit: Edit) -> None:
            self._document.do(edit)

        return Ground(self._content, self.layout_of_rows, lambda: self._scale, points, do, self._context.notices.say)

    def _keyframes_that_show(self) -> Int64 | None:
        width = self.viewport().width()
        low, high = np.searchsorted(self._keyframes, [self._scale.position(0), self._scale.position(width)])
        return self._keyframes[low:high] if high - low <= _MOST_SNAPPING_KEYFRAMES else None

    def _show_cursor(self, at: QPointF) -> None:
        tool = self._selection.tool
        shape = Qt.CursorShape.ArrowCursor
        hit = self.hit(at)
        if tool is ToolMode.HAND:
            shape = Qt.CursorShape.OpenHandCursor
        elif tool is ToolMode.RAZOR and hit.area is Area.ROWS:
            shape = Qt.CursorShape.SplitHCursor
        elif hit.item is not None and hit.grip is not Grip.BODY and not self._content.rows[hit.item.row].locked:
            shape = Qt.CursorShape.SizeHorCursor
        self.viewport().setCursor(shape)

    def wheelEvent(self, event: QWheelEvent) -> None:
        keys = event.modifiers()
        turned, pixels = event.angleDelta(), event.pixelDelta()
        # Qt exchanges the axes while Alt is held.
        steps = (turned.y() or turned.x()) / 120
        if keys & (CTRL | ALT):
            self.zoom(_ZOOM_STEP**steps, event.position().x())
        elif keys & SHIFT:
            self.scroll_by(0, round(-steps * 60))
        elif not pixels.isNull():
            self.scroll_by(-pixels.x() if pixels.x() else -pixels.y(), 0)
        else:
            along = turned.x() if turned.x() else turned.y()
            self.scroll_by(round(-along / 120 * 90), 0)
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        hit = self.hit(QPointF(event.pos()))
        if hit.item is not None and hit.item.id not in self._selection.items:
            self._focused = (hit.item.id, hit.item.part)
            self._selection.choose(hit.item.id)
        self.menu_wanted.emit(hit, event.globalPos())

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            at = QPointF(event.pos())
            text = tooltip_of(self.scene(), self.hit(at), self._scale.frame(at.x()))
            QToolTip.showText(event.globalPos(), text, self.viewport())
            return True
        return super().viewportEvent(event)

    # --- keys -------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
            and self._gesture is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._gesture is not None:
            self._cancel_gesture()
            self.hint_changed.emit("Cancelled")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.focused is not None:
            item = self.focused
            if event.modifiers() & SHIFT:
                self._selection.toggle(item.id)
            else:
                self._selection.choose(item.id)
        elif (
            self._last_move is not None
            and self._gesture is not None
            and event.key()
            in (
                Qt.Key.Key_Control,
                Qt.Key.Key_Alt,
            )
        ):
            self._move(self._last_move[0], event.modifiers())
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def focus_next(self, by: int) -> None:
        """Put the keyboard on the next item of its row (by 1) or the former one (by -1), and choose it."""
        item = self.focused
        rows = self._content.rows
        if item is None:
            film = next((number for number, row in enumerate(rows) if row.kind is RowKind.FILM), None)
            if film is None or not len(rows[film].items):
                return
            low, high = rows[film].items.within(self._playhead, self._playhead + 1)
            self._focus(self._content.placed(film, min(low, len(rows[film].items) - 1) if high > low else 0))
            return
        index = item.index + by
        if 0 <= index < len(rows[item.row].items):
            self._focus(self._content.placed(item.row, index))

    def focus_row(self, by: int) -> None:
        """Put the keyboard on the item nearest in time of the next row that has one (by 1: below)."""
        item = self.focused
        rows = self._content.rows
        at = item.frames.start if item is not None else self._playhead
        row = (item.row if item is not None else 0) + by
        while 0 <= row < len(rows):
            items = rows[row].items
            if len(items) and rows[row].kind is not RowKind.FILM_SOUND:
                index = int(np.abs(items.starts - at).argmin())
                self._focus(self._content.placed(row, index))
                return
            row += by

    def _focus(self, item: Placed) -> None:
        self._focused = (item.id, item.part)
        self._selection.choose(item.id)
        self.show_frame(item.frames.start)
        self._show_row(self._content.rows[item.row].id)
        self.viewport().update()
        self.focus_moved.emit()

    # --- drops ------------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._document.is_open and dropped_in(event.mimeData()) is not None:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        found = dropped_in(event.mimeData())
        if found is None or not self._document.is_open:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        frame, overwrites = self._drop_place(event.position(), event.modifiers(), found)
        self._show(
            Shown(self._drop_ghosts(found, frame), drop_line=frame, hint=self._drop_hint(found, overwrites=overwrites))
        )

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show(NOTHING)
        self.hint_changed.emit("")
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        found = dropped_in(event.mimeData())
        self._show(NOTHING)
        if found is None or not self._document.is_open:
            event.ignore()
            return
        # A copy of the reference, whatever the other side proposed: a move would delete the person's file.
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        frame, overwrites = self._drop_place(event.position(), event.modifiers(), found)
        self.dropped.emit(found, frame, overwrites)

    def _drop_place(self, at: QPointF, keys: Qt.KeyboardModifier, found: Dropped) -> tuple[int, bool]:
        """Return the frame at which something would be put in, and whether it overwrites."""
        overwrites = bool(keys & CTRL)
        frame = self._scale.boundary(at.x())
        count = self._content.timeline.frame_count
        if found.is_film and not overwrites:
            cuts = [span.timeline_range.start for span in self._content.timeline.spans] + [count]
            nearest = min(cuts, key=lambda cut: abs(cut - frame), default=0)
            # Near a cut it goes there, elsewhere it divides the clip.
            return (nearest if self._scale.width_px(abs(nearest - frame)) < 60 else min(frame, count)), False
        return frame, overwrites

    def _drop_ghosts(self, found: Dropped, frame: int) -> tuple[Ghost, ...]:
        kind = RowKind.FILM if found.is_film else RowKind.OVERLAYS
        if self._is_sound(found):
            kind = RowKind.SOUND
        row = next((number for number, row in enumerate(self._content.rows) if row.kind is kind), None)
        if row is None:
            return ()
        frames = self._length_of(found)
        return (Ghost(row, Range(frame, frame + frames)),)

    def _length_of(self, found: Dropped) -> int:
        rate = self._content.project.canvas.rate
        if found.source_id:
            for source in self._content.project.sources:
                if source.id == found.source_id and source.duration_s:
                    return max(1, round(source.duration_s * rate))
        return max(1, round(5 * rate))

    def _is_sound(self, found: Dropped) -> bool:
        sources = self._content.project.sources
        return any(source.id == found.source_id and source.picture is None for source in sources)

    def _drop_hint(self, found: Dropped, *, overwrites: bool) -> str:
        if self._is_sound(found):
            return "Lays the sound on a track of its own from here"
        if not found.is_film:
            return "Lays the picture over the film from here"
        return "Overwrites what is there" if overwrites else "Inserts the film here; hold Ctrl to overwrite"
