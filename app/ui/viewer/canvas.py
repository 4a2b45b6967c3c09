"""The picture with the tools on it: regions are drawn and changed here, overlays and captions dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.session.comparison import Changes
from app.session.document import Change
from app.session.importing import Where
from app.session.selection import ToolMode
from app.ui.context import Context
from app.ui.theme.theme import HANDLE, HANDLE_EDGE
from app.ui.viewer import marks, shapes
from app.ui.viewer.findings import Findings, Outlines, findings, placed_map
from app.ui.viewer.gestures import (
    DrawFrame,
    DrawLasso,
    DrawPolygon,
    Gesture,
    MoveNode,
    MoveRegion,
    ResizeRegion,
    Stroke,
)
from app.ui.viewer.item_box import ItemBox, text_of, tidied, with_text
from app.ui.viewer.item_hand import ItemDrag, is_near, taken_hold, turn_grip
from app.ui.viewer.new_items import added_item
from app.ui.viewer.picture_view import Compare, PictureView
from app.ui.viewer.region_edits import Editable, RegionEdits
from app.ui.viewer.text_field import TextField
from app.ui.viewer.trouble import Trouble
from app.ui.viewer.view_map import ViewMap
from engine.errors import DeltacutError, EditRefused
from engine.model.captions import Caption
from engine.model.edits import ReplaceItem
from engine.model.overlay import Overlay
from engine.model.patch import Follow, Patch
from engine.model.region import Box, Ellipse, Lasso, Point, Polygon, Region

_REACH = 7.0
"""Points around a handle in which it is taken hold of."""
_SMALLEST = 4.0
_TURN_STALK = 22.0
_PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
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
        self._findings: Findings | None = None
        self._edits = RegionEdits(context.session, self)
        self._edits.refused.connect(self.refused)
        self._pointer: QPointF | None = None
        self._space = False
        self._space_used = False
        self._shows_mask = False
        self._shows_safe = False
        self._brush = 0.02
        self._field: TextField | None = None
        self._drop_hint = ""
        self._added: str | None = None
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
        found = self._findings
        return found.changes if found is not None and found.frame == self._frame else None

    def after_label(self) -> str:
        patch = self._selection.patch
        take = None if patch is None else patch.picked
        if patch is None or take is None:
            return "After"
        return f"After · {take.name or f'Take {patch.takes.index(take) + 1}'}"

    @Slot()
    def _chosen(self) -> None:
        self._edits.pending = None
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
            self._findings = result
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

    def _box_of_chosen(self) -> ItemBox | None:
        found, item = self._findings, self._selection.item
        if found is None or found.frame != self._frame or item is None:
            return None
        return next((box for box in found.boxes if box.item == item), None)

    def _as_it_is_now(self, box: ItemBox) -> ItemBox | None:
        """Return the frame around an item with the item itself as it is now; None once it is gone.

        A frame is worked out beside the picture: what the item says may have changed since.
        """
        layers = self._session.document.project.layers
        item = next((item for layer in layers for item in layer.items if item.id == box.item.id), None)
        return replace(box, item=item) if isinstance(item, Overlay | Caption) else None

    # --- coordinates ------------------------------------------------------------------------------------------------

    def _to_view(self, view: ViewMap) -> QTransform:
        """Return the map from a source's displayed picture (0 to 1) to the widget."""
        picture = view.picture
        canvas = QTransform(picture.width(), 0, 0, picture.height(), picture.left(), picture.top())
        return placed_map(self._preview.scene, self._frame) * canvas

    def _to_source(self, point: QPointF) -> Point:
        back, _ = self._to_view(self.map_at(point)).inverted()
        found = back.map(point)
        return found.x(), found.y()

    def _aspect(self) -> float:
        """Return the width of the source's picture by its height."""
        source = self._to_view(self._map)
        return abs(source.m11() or source.m12()) / max(1e-9, abs(source.m22() or source.m21()))

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
        at = self._to_source(point)
        if tool in (ToolMode.BRUSH, ToolMode.ERASE):
            self._gesture = Stroke(tool is ToolMode.ERASE, self._brush, [at])
            return
        taken = self._taken_hold(point, at)
        if taken is not None:
            self._gesture = taken
            return
        match tool:
            case ToolMode.BOX:
                self._gesture = DrawFrame(Box, at, self._aspect())
            case ToolMode.ELLIPSE:
                self._gesture = DrawFrame(Ellipse, at, self._aspect())
            case ToolMode.LASSO:
                self._gesture = DrawLasso(at, self._aspect())
            case ToolMode.POLYGON:
                self._gesture = DrawPolygon([at], at)
            case _:
                self._select(point, at)

    def _select(self, point: QPointF, at: Point) -> None:
        chosen, view = self._box_of_chosen(), self.map_at(point)
        drag = None if chosen is None else taken_hold(chosen, view, point)
        if drag is not None:
            self._item_drag = drag
            return
        editable = self._edits.editable(self._frame)
        if editable is not None and self._is_inside(editable, at):
            self._gesture = MoveRegion(self._edits.shown(editable), at)
            return
        under = self._patch_at(at)
        if under is not None:
            self._selection.set_region(None, None)
            self._selection.choose(under)
            return
        box = self._box_at(point)
        if box is not None:
            self._selection.choose(box.item.id)
            return
        if self._map.zoom is not None:
            self._panning = point
        elif self._selection.patch is not None or isinstance(self._selection.item, Overlay | Caption):
            self._selection.choose()

    def _taken_hold(self, point: QPointF, at: Point) -> Gesture | None:
        """Return the gesture of a region's handle or node under the pointer."""
        editable = self._edits.editable(self._frame)
        if editable is None or not editable.is_anchor:
            return None
        region = self._edits.shown(editable)
        view = self._to_view(self.map_at(point))
        for node in shapes.nodes(region):
            if is_near(view.map(QPointF(*shapes.node_point(region, node))), point):
                assert isinstance(region, Polygon | Lasso)
                return MoveNode(region, node)
        for corner in shapes.CORNERS:
            if is_near(view.map(QPointF(*shapes.corner_point(region.bounds, corner))), point):
                return ResizeRegion(region, corner)
        return None

    def _patch_at(self, at: Point) -> str | None:
        """Return the patch on the shown frame under a point, the smallest first."""
        document = self._session.document
        shown = None if self._frame is None else document.timeline.source_at(self._frame)
        if shown is None:
            return None
        carried = self._carried_at(at)
        found = [
            patch
            for patch in document.project.patches
            if patch.source_id == shown.source_id
            and shown.frame in patch.frames
            and (
                patch.id in carried
                or (shapes.contains(patch.region, *at) and (_stays(patch) or patch.anchor == shown.frame))
            )
        ]
        if not found:
            return None
        return min(found, key=lambda patch: _area(patch.region.bounds)).id

    def _is_inside(self, editable: Editable, at: Point) -> bool:
        """Tell whether a point is in the region, where it was carried to."""
        if editable.is_anchor or editable.patch is None:
            return shapes.contains(self._edits.shown(editable), *at)
        return editable.patch.id in self._carried_at(at)

    def _carried_at(self, at: Point) -> frozenset[str]:
        """Return the patches that were followed to a point of the shown frame."""
        found = self._findings
        if found is None or found.frame != self._frame:
            return frozenset()
        known = [*found.others, *([(found.patch_id, found.outlines)] if found.patch_id else [])]
        whole = QTransform()
        return frozenset(
            id for id, outlines in known if any(_path(outline, whole).contains(QPointF(*at)) for outline in outlines)
        )

    def _box_at(self, point: QPointF) -> ItemBox | None:
        found = self._findings
        if found is None or found.frame != self._frame:
            return None
        view = self.map_at(point)
        for box in reversed(found.boxes):
            outline = QPolygonF([view.to_view(*corner) for corner in box.corners])
            if outline.containsPoint(point, Qt.FillRule.WindingFill):
                return self._as_it_is_now(box)
        return None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        self._pointer = point
        if self._gesture is not None:
            self._gesture.move(self._to_source(point), event.modifiers())
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
            self._finish_item(drag)
        self.update()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if isinstance(self._gesture, DrawPolygon):
            self._close_polygon(self._gesture)
            return
        box = self._box_at(event.position())
        if self._selection.tool is ToolMode.SELECT and box is not None and text_of(box.item) is not None:
            self._item_drag = None
            self._edit_text(box)
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
        first = self._to_view(self.map_at(point)).map(QPointF(*gesture.corners[0]))
        if len(gesture.corners) >= 3 and is_near(first, point):
            self._close_polygon(gesture)
        else:
            gesture.add(self._to_source(point))

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
        editable = self._edits.editable(self._frame)
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
                    self._edits.brushed(gesture, frame, self._aspect())
                case DrawFrame() | DrawLasso() | DrawPolygon():
                    if region is None or self._is_slip(region):
                        self._selection.set_region(None, None)
                    else:
                        self._edits.drawn(region, frame)
                case _:
                    self._edits.changed(gesture, frame)
        except DeltacutError as error:
            self.refused.emit(str(error))

    def _is_slip(self, region: Region) -> bool:
        """Tell whether a region is so small that it was a click."""
        box = region.bounds
        place = self._to_view(self._map).mapRect(QRectF(box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0))
        return place.width() < _SMALLEST and place.height() < _SMALLEST

    def _finish_item(self, drag: ItemDrag) -> None:
        scene = self._preview.scene
        if drag.now == drag.box or scene is None:
            return
        try:
            changed = drag.changed(scene)
        except EditRefused as error:
            self.refused.emit(str(error))
            return
        if changed != drag.box.item:
            self._session.document.do(ReplaceItem(changed))

    def edit_chosen_text(self) -> None:
        """Edit the chosen title's or caption's text where it stands."""
        box = self._box_of_chosen()
        if box is not None and text_of(box.item) is not None:
            self._edit_text(box)

    def _edit_text(self, box: ItemBox) -> None:
        text = text_of(box.item)
        assert text is not None
        self._selection.choose(box.item.id)
        outline = QPolygonF([self._map.to_view(*corner) for corner in box.corners]).boundingRect()

        def taken(changed: str) -> None:
            self._field = None
            changed = tidied(box.item, changed)
            if changed and changed != text:
                try:
                    self._session.document.do(ReplaceItem(with_text(box.item, changed)))
                except EditRefused as error:
                    self.refused.emit(str(error))
            self.setFocus()

        self._context.notices.say("Enter takes the text, Shift+Enter begins a line, Escape leaves it as it was")
        self._field = TextField(text, taken, self)
        self._field.show_at(outline, QRectF(self.rect()))

    # --- files dropped ----------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        # Whoever ignores the entry is told of no move: where the picture would go is decided there.
        if self._frame is None or _picture_of(event) is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        on_region = self._is_on_region(event.position())
        self._say_drop("Puts the picture into the region" if on_region else "Lays the picture over the film from here")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._say_drop("")
        event.accept()

    def _say_drop(self, hint: str) -> None:
        if hint != self._drop_hint:
            self._drop_hint = hint
            self._context.notices.say(hint)

    def dropEvent(self, event: QDropEvent) -> None:
        self._say_drop("")
        path, frame = _picture_of(event), self._frame
        if path is None or frame is None:
            event.ignore()
            return
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if self._is_on_region(event.position()):
            self._session.patching.place_picture(path)
        else:
            self._session.importing.add([path], Where.INSERT, frame)

    def _is_on_region(self, point: QPointF) -> bool:
        editable = self._edits.editable(self._frame)
        if editable is None:
            return False
        at = self._to_source(point)
        return self._is_inside(editable, at) or (editable.is_anchor and shapes.contains(editable.region.bounds, *at))

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
        for _, view in self.panes():
            painter.save()
            painter.setClipRect(view.room)
            self._paint_regions(painter, view)
            self._paint_item(painter, view)
            painter.restore()
            if self._compare is not Compare.SIDE_BY_SIDE:
                break
        self._paint_brush(painter)
        self._paint_changes(painter)

    def _paint_regions(self, painter: QPainter, view: ViewMap) -> None:
        to_view = self._to_view(view)
        editable = self._edits.editable(self._frame)
        gesture = self._gesture
        path = self._region_path(editable, to_view)
        if self._shows_mask and not path.isEmpty():
            whole = QPainterPath()
            whole.addRect(view.picture.intersected(view.room))
            marks.paint_mask(painter, whole, path)
        if not path.isEmpty():
            carried = editable is not None and not editable.is_anchor
            marks.paint_outline(painter, path, dashed=carried)
        if gesture is not None and gesture.trail:
            marks.paint_trail(painter, gesture, to_view, view.picture.height())
        if editable is None or gesture is not None or self._transport.is_playing or self._held:
            return
        if editable.is_anchor:
            region = self._edits.shown(editable)
            box = region.bounds
            corners = [(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)]
            if not isinstance(region, Box):
                # Around a box it would lie on the outline itself, and hide what it is.
                marks.paint_frame(painter, [to_view.map(QPointF(*corner)) for corner in corners])
            for node in shapes.nodes(region):
                marks.paint_node(painter, to_view.map(QPointF(*shapes.node_point(region, node))))
            for corner in shapes.CORNERS:
                marks.paint_handle(painter, to_view.map(QPointF(*shapes.corner_point(box, corner))))
        if editable.patch is not None and editable.patch.name and not path.isEmpty():
            place = path.boundingRect()
            at = QPointF(place.left(), max(view.room.top() + 4, place.top() - 34))
            self.chip(painter, at, editable.patch.name, icon="region")

    def _region_path(self, editable: Editable | None, to_view: QTransform) -> QPainterPath:
        gesture, now = self._gesture, None
        if gesture is not None and not isinstance(gesture, DrawPolygon):
            now = gesture.region
        if now is not None and (editable is None or editable.is_anchor):
            return _path(shapes.outline_points(now), to_view)
        if editable is None or self._transport.is_playing:
            return QPainterPath()
        if editable.is_anchor and self._edits.pending is not None:
            return _path(shapes.outline_points(self._edits.pending), to_view)
        outlines = self._outlines(editable)
        if outlines:
            # A carried region that is dragged is still counted from where it was drawn.
            shift = _shift(editable.region, now or self._edits.shown(editable))
            path = QPainterPath()
            for outline in outlines:
                path.addPath(_path(outline, shift * to_view))
            return path
        return _path(shapes.outline_points(editable.region), to_view) if editable.is_anchor else QPainterPath()

    def _outlines(self, editable: Editable) -> Outlines:
        """Return the outlines of the region on the shown frame, none where they are not known."""
        found = self._findings
        if found is None or found.frame != self._frame or editable.patch is None:
            return ()
        return found.outlines if found.patch_id == editable.patch.id else ()

    def _paint_item(self, painter: QPainter, view: ViewMap) -> None:
        drag = self._item_drag
        box = drag.now if drag is not None else self._box_of_chosen()
        if box is None or self._transport.is_playing or self._field is not None:
            return
        corners = [view.to_view(*corner) for corner in box.corners]
        marks.paint_frame(painter, corners)
        if isinstance(box.item, Overlay):
            marks.paint_turn(painter, *turn_grip(corners))
        for corner in corners:
            marks.paint_handle(painter, corner)

    def _paint_brush(self, painter: QPainter) -> None:
        if self._selection.tool not in (ToolMode.BRUSH, ToolMode.ERASE) or self._pointer is None:
            return
        radius = self._brush * self._to_view(self._map).mapRect(QRectF(0, 0, 1, 1)).height()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(HANDLE_EDGE, 3), QPen(HANDLE, 1.25)):
            painter.setPen(pen)
            painter.drawEllipse(self._pointer, radius, radius)

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
            f"Pixels changed outside the region: {found.outside:,}",
            icon="shield" if clean else "warning",
        )


def _path(points: Sequence[Point], to_view: QTransform) -> QPainterPath:
    return marks.closed_path(to_view.map(QPointF(*point)) for point in points)


def _stays(patch: Patch) -> bool:
    motion = patch.effective_motion
    return motion.follow is Follow.STATIC and not motion.nudges


def _shift(was: Region, now: Region) -> QTransform:
    return QTransform.fromTranslate(now.bounds.x0 - was.bounds.x0, now.bounds.y0 - was.bounds.y0)


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)


def _picture_of(event: QDropEvent) -> Path | None:
    """Return the one picture file that is dragged."""
    urls = event.mimeData().urls()
    if len(urls) != 1 or not urls[0].isLocalFile():
        return None
    path = Path(urls[0].toLocalFile())
    return path if path.suffix.lower() in _PICTURES else None
