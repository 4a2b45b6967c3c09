"""The picture with the tools on it: regions are drawn and changed here, overlays and captions dragged."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import QPointF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.session.comparison import Changes
from app.session.document import Change
from app.session.selection import ToolMode
from app.ui.context import Context
from app.ui.viewer import marks, shapes
from app.ui.viewer.canvas_painting import CanvasPainting, InHand
from app.ui.viewer.findings import Findings, findings
from app.ui.viewer.gestures import (
    DrawFrame,
    DrawLasso,
    DrawPolygon,
    Gesture,
    MoveRegion,
    Stroke,
)
from app.ui.viewer.ground import Ground
from app.ui.viewer.item_box import text_of
from app.ui.viewer.item_edits import ItemEdits
from app.ui.viewer.item_hand import ItemDrag, is_near, taken_hold
from app.ui.viewer.new_items import added_item
from app.ui.viewer.picture_drops import PictureDrops
from app.ui.viewer.picture_view import Compare, PictureView
from app.ui.viewer.region_edits import RegionEdits
from app.ui.viewer.trouble import Trouble
from engine.errors import DeltacutError
from engine.model.captions import Caption
from engine.model.overlay import Overlay
from engine.model.region import Box, Ellipse, Point, Region

_SMALLEST = 4.0
"""Points; a smaller region was a click."""
_DRAWING = (ToolMode.BOX, ToolMode.ELLIPSE, ToolMode.POLYGON, ToolMode.LASSO)
_CURSORS = {
    ToolMode.HAND: Qt.CursorShape.OpenHandCursor,
    ToolMode.BRUSH: Qt.CursorShape.BlankCursor,
    ToolMode.ERASE: Qt.CursorShape.BlankCursor,
    **dict.fromkeys(_DRAWING, Qt.CursorShape.CrossCursor),
}
_FINDINGS = "canvas"
_SETTLED_MS = 80


class Canvas(PictureView):
    """The viewer's picture.

    Signals:
        refused(str): why a gesture came to nothing.
    """

    refused = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, "Picture", parent)
        self.setAcceptDrops(True)
        self._session = context.session
        self._selection = context.session.selection
        self._gesture: Gesture | None = None
        self._item_drag: ItemDrag | None = None
        self._edits = RegionEdits(context.session, self)
        self._edits.refused.connect(self.refused)
        self.item_edits = ItemEdits(context, self)
        self.item_edits.refused.connect(self.refused)
        self.ground = Ground(context.session, self._edits, self)
        self._painting = CanvasPainting(self.ground, self._edits, self)
        self._drops = PictureDrops(context, self.ground)
        self._pointer: QPointF | None = None
        self._space = False
        self._space_used = False
        self._shows_mask = False
        self._shows_safe = False
        self._brush = 0.02
        self._added: str | None = None
        self._to_edit: str | None = None
        self._session.document.changed.connect(self._changed)
        self._selection.changed.connect(self._chosen)
        self._selection.region_changed.connect(self._chosen)
        self._selection.tool_changed.connect(self._tool_changed)
        self._preview.worked.connect(self._worked)
        self._preview.scene_changed.connect(self._look_again)
        self._session.following.changed.connect(self._look_again)
        self._session.transport.playing_changed.connect(self._look_again)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SETTLED_MS)
        self._soon.timeout.connect(self._look_again)
        self.frame_shown.connect(self._frame_changed)
        self._trouble = Trouble(context, self)
        self.message_changed.connect(self._trouble.say)
        self._trouble.say(self.message)

    # --- what is chosen ---------------------------------------------------------------------------------------------

    @property
    def shows_mask(self) -> bool:
        """Whether everything but the region is dark."""
        return self._shows_mask

    def show_mask(self, shows: bool) -> None:
        """Show which part of the picture a region covers, or the picture as it is."""
        self._shows_mask = shows
        self.update()

    @property
    def shows_safe_areas(self) -> bool:
        """Whether the safe areas are drawn."""
        return self._shows_safe

    def show_safe_areas(self, shows: bool) -> None:
        """Draw the safe areas, or not."""
        self._shows_safe = shows
        self.update()

    def resize_brush(self, factor: float) -> None:
        """Make the brush larger or smaller."""
        self._brush = min(max(self._brush * factor, 0.002), 0.5)
        self.update()

    @property
    def changes(self) -> Changes | None:
        """Return what the patches change on the shown frame, None where that is not known."""
        found = self.ground.found
        return None if found is None else found.changes

    def after_label(self) -> str:
        patch = self._selection.patch
        take = None if patch is None else patch.picked
        if patch is None or take is None:
            return "After"
        return f"After · {take.name or f'Take {patch.takes.index(take) + 1}'}"

    @Slot()
    def _chosen(self) -> None:
        self._edits.pending = None
        self._to_edit = None
        self._look_again()
        self.update()

    @Slot()
    def _tool_changed(self) -> None:
        self._gesture = None
        self.setCursor(_CURSORS.get(self._selection.tool, Qt.CursorShape.ArrowCursor))
        self.update()

    @Slot(int)
    def _frame_changed(self, frame: int) -> None:
        self._session.playback.note_shown(frame)
        # Comparing whole frames is not worth its time while somebody steps through them.
        self._soon.start()

    @Slot()
    def _look_again(self) -> None:
        """Have worked out what lies on the shown frame; not while it plays."""
        scene, frame = self._preview.scene, self._frame
        if scene is None or frame is None or self._transport.is_playing or not self.isVisible():
            return
        patch = self._selection.patch
        self._preview.work_out(_FINDINGS, lambda scene: findings(scene, frame, patch))

    @Slot(str, object)
    def _worked(self, view: str, result: object) -> None:
        if view == _FINDINGS and isinstance(result, Findings):
            self.ground.findings = result
            self._edits.pending = None
            self._bring_into_sight(result)
            self.update()

    @Slot(object)
    def _changed(self, change: Change) -> None:
        self._added = added_item(change.before, change.after)

    def _bring_into_sight(self, found: Findings) -> None:
        """Pan a zoomed picture to the title or caption that was just added."""
        for box in found.boxes:
            if box.item.id == self._added and found.frame == self._frame:
                self._added = None
                self._set_map(self._map.showing(QPolygonF([QPointF(*corner) for corner in box.corners]).boundingRect()))
            if box.item.id == self._to_edit and found.frame == self._frame:
                self._to_edit = None
                self.edit_chosen_text()

    # --- the pointer ------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        point, keys = event.position(), event.modifiers()
        if event.button() is not Qt.MouseButton.LeftButton or self._frame is None or self._message:
            super().mousePressEvent(event)
            return
        event.accept()
        tool = self._selection.tool
        if self._space or tool is ToolMode.HAND:
            self._space_used = True
            self._panning = point
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif tool is ToolMode.ZOOM:
            self.step_zoom(-1 if keys & Qt.KeyboardModifier.AltModifier else 1, point)
        elif isinstance(self._gesture, DrawPolygon):
            self._add_corner(self._gesture, point)
        elif self.is_on_wipe(point):
            self._wiping = True
        elif not self._transport.is_playing:
            self._begin(tool, point)
        self.update()

    def _begin(self, tool: ToolMode, point: QPointF) -> None:
        at = self.ground.to_source(point)
        if tool in (ToolMode.BRUSH, ToolMode.ERASE):
            self._gesture = Stroke(tool is ToolMode.ERASE, self._brush, [at])
            return
        taken = self.ground.taken_hold(point)
        if taken is not None:
            self._gesture = taken
            return
        match tool:
            case ToolMode.BOX:
                self._gesture = DrawFrame(Box, at, self.ground.aspect())
            case ToolMode.ELLIPSE:
                self._gesture = DrawFrame(Ellipse, at, self.ground.aspect())
            case ToolMode.LASSO:
                self._gesture = DrawLasso(at, self.ground.aspect())
            case ToolMode.POLYGON:
                self._gesture = DrawPolygon([at], at)
            case _:
                self._select(point, at)

    def _select(self, point: QPointF, at: Point) -> None:
        chosen, view = self.ground.box_of_chosen(), self.map_at(point)
        drag = None if chosen is None else taken_hold(chosen, view, point)
        if drag is not None:
            self._item_drag = drag
            return
        editable = self.ground.editable
        if editable is not None and self.ground.is_inside(editable, at):
            self._gesture = MoveRegion(self._edits.shown(editable), at)
            return
        under = self.ground.patch_at(at)
        if under is not None:
            self._selection.set_region(None, None)
            self._selection.choose(under)
            return
        box = self.ground.box_at(point)
        if box is not None:
            self._selection.choose(box.item.id)
            return
        if self._map.zoom is not None:
            self._panning = point
        elif self._selection.patch is not None or isinstance(self._selection.item, Overlay | Caption):
            self._selection.choose()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        self._pointer = point
        if self._gesture is not None:
            self._gesture.move(self.ground.to_source(point), event.modifiers())
            self.update()
        elif self._item_drag is not None:
            self._item_drag.move(self.map_at(point).to_canvas(point), event.modifiers())
            self.update()
        elif self._wiping or self._panning is not None:
            super().mouseMoveEvent(event)
        else:
            on_wipe = self.is_on_wipe(point)
            cursor = _CURSORS.get(self._selection.tool, Qt.CursorShape.ArrowCursor)
            self.setCursor(Qt.CursorShape.SplitHCursor if on_wipe else cursor)
            if self._selection.tool in (ToolMode.BRUSH, ToolMode.ERASE):
                self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._panning, self._wiping = None, False
        gesture, drag = self._gesture, self._item_drag
        self.setCursor(_CURSORS.get(self._selection.tool, Qt.CursorShape.ArrowCursor))
        if gesture is not None and not isinstance(gesture, DrawPolygon):
            self._gesture = None
            self._finish(gesture)
        elif drag is not None:
            self._item_drag = None
            self.item_edits.dragged(drag)
        self.update()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if isinstance(self._gesture, DrawPolygon):
            self._close_polygon(self._gesture)
            return
        box = self.ground.box_at(event.position())
        if self._selection.tool is ToolMode.SELECT and box is not None and text_of(box.item) is not None:
            self._item_drag = None
            self.item_edits.edit_text(box)
            return
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        brushes = self._selection.tool in (ToolMode.BRUSH, ToolMode.ERASE)
        if brushes and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.resize_brush(1.0015 ** (event.angleDelta().y() or event.angleDelta().x()))
            event.accept()
            return
        super().wheelEvent(event)

    def leaveEvent(self, _event: object) -> None:
        self._pointer = None
        self.update()

    def _add_corner(self, gesture: DrawPolygon, point: QPointF) -> None:
        first = self.ground.to_view(self.map_at(point)).map(QPointF(*gesture.corners[0]))
        if len(gesture.corners) >= 3 and is_near(first, point):
            self._close_polygon(gesture)
        else:
            gesture.add(self.ground.to_source(point))

    def _close_polygon(self, gesture: DrawPolygon) -> None:
        self._gesture = None
        self._finish(gesture)
        self.update()

    # --- the keys ---------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        polygon = self._gesture if isinstance(self._gesture, DrawPolygon) else None
        if key == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space, self._space_used = True, False
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif polygon is not None and key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._close_polygon(polygon)
        elif polygon is not None and key == Qt.Key.Key_Backspace:
            if not polygon.take_back():
                self._gesture = None
            self.update()
        elif self._selection.tool in (ToolMode.BRUSH, ToolMode.ERASE) and key in (
            Qt.Key.Key_BracketLeft,
            Qt.Key.Key_BracketRight,
        ):
            self.resize_brush(1.15 if key == Qt.Key.Key_BracketRight else 1 / 1.15)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat() and self._space:
            self._space = False
            self.setCursor(_CURSORS.get(self._selection.tool, Qt.CursorShape.ArrowCursor))
            if not self._space_used:
                self._transport.toggle()
        else:
            super().keyReleaseEvent(event)

    def escape(self) -> None:
        """Take back what is in hand: the gesture, then the drawn region, then the tool, then the choice."""
        if self._gesture is not None or self._item_drag is not None:
            self._gesture, self._item_drag = None, None
        elif self._session.patching.anchor_for is not None:
            self._session.patching.ask_for_anchor(None)
        elif self._selection.region is not None:
            self._selection.set_region(None, None)
        elif self._selection.tool is not ToolMode.SELECT:
            self._selection.set_tool(ToolMode.SELECT)
        else:
            self._selection.choose()
        self.update()

    def nudge_region(self, dx_px: int, dy_px: int) -> None:
        """Move the region on the shown frame by canvas pixels, as its one step."""
        editable = self.ground.editable
        if editable is None:
            return
        gesture = MoveRegion(self._edits.shown(editable), (0.0, 0.0))
        gesture.move((dx_px / self._map.width, dy_px / self._map.height), Qt.KeyboardModifier.NoModifier)
        self._finish(gesture)
        self.update()

    # --- what a gesture comes to ------------------------------------------------------------------------------------

    def _finish(self, gesture: Gesture) -> None:
        frame, region = self._frame, gesture.region
        if frame is None:
            return
        try:
            match gesture:
                case Stroke():
                    self._edits.brushed(gesture, frame, self.ground.aspect())
                case DrawFrame() | DrawLasso() | DrawPolygon():
                    if self._is_slip(gesture):
                        self._selection.set_region(None, None)
                    elif region is None or self._is_line(region):
                        # What was drawn before stays: nobody meant to clear it.
                        self.refused.emit("That line encloses nothing; draw it around what is to change")
                    else:
                        self._edits.drawn(region, frame)
                case _:
                    self._edits.changed(gesture, frame)
        except DeltacutError as error:
            self.refused.emit(str(error))

    def _is_slip(self, gesture: DrawFrame | DrawLasso | DrawPolygon) -> bool:
        """Tell whether what was drawn is so small that it was a click."""
        to_view = self.ground.to_view(self._map)
        drawn = gesture.trail or ([] if gesture.region is None else shapes.outline_points(gesture.region))
        place = QPolygonF([to_view.map(QPointF(*point)) for point in drawn]).boundingRect()
        return place.width() < _SMALLEST and place.height() < _SMALLEST

    def _is_line(self, region: Region) -> bool:
        """Tell whether a region is so thin that there is nothing in it."""
        to_view = self.ground.to_view(self._map)
        points = [to_view.map(QPointF(*point)) for point in shapes.outline_points(region)]
        twice = sum(a.x() * b.y() - b.x() * a.y() for a, b in pairwise([*points, points[0]]))
        return abs(twice) / 2 < _SMALLEST**2

    def edit_chosen_text(self) -> None:
        """Edit the chosen title's or caption's text where it stands, as soon as it is known where that is."""
        item, box = self._selection.item, self.ground.box_of_chosen()
        if box is not None and text_of(box.item) is not None:
            self.item_edits.edit_text(box)
        elif item is not None and text_of(item) is not None:
            self._to_edit = item.id

    # --- files dropped ----------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._drops.enter(event, self._frame)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._drops.move(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drops.leave()
        event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drops.drop(event, self._frame)

    # --- painting ---------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._trouble.place()

    def paint_message(self, _painter: QPainter) -> None:
        """Leave it to the words with their buttons."""

    def paint_over(self, painter: QPainter) -> None:
        if self._shows_safe:
            for _, view in self.panes():
                marks.paint_safe_areas(painter, view.picture)
        hand = self._in_hand()
        for _, view in self.panes():
            painter.save()
            painter.setClipRect(view.room)
            self._painting.regions(painter, view, hand)
            if hand.box is not None:
                self._painting.item(painter, view, hand.box)
            painter.restore()
            if self._compare is not Compare.SIDE_BY_SIDE:
                break
        if self._selection.tool in (ToolMode.BRUSH, ToolMode.ERASE) and self._pointer is not None:
            self._painting.brush(painter, self._pointer, self._brush)
        self._paint_changes(painter)

    def _in_hand(self) -> InHand:
        drag, is_playing = self._item_drag, self._transport.is_playing
        box = drag.now if drag is not None else self.ground.box_of_chosen()
        shown = None if is_playing or self.item_edits.field is not None else box
        return InHand(self._gesture, shown, is_playing or self._held, is_playing, self._shows_mask)

    def _paint_changes(self, painter: QPainter) -> None:
        found = self.changes
        if found is None or self._transport.is_playing or self._held:
            return
        seen = self._seen(self._map)
        clean = found.outside == 0
        # The label is dark in both themes: white is read on it, and the shield says the same as the number.
        self.chip(
            painter,
            QPointF(seen.left() + 8, seen.bottom() - 30),
            f"Pixels changed outside {found.bounds}: {found.outside:,}",
            icon="shield" if clean else "warning",
        )
