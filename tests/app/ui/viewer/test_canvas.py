"""Regions, patches, titles and captions under the hand: drawn, changed, taken back, one undo step each."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtTest import QTest

from app.session.selection import ToolMode
from app.ui.layers.panel import LayersPanel
from app.ui.viewer import ViewerArea, shapes
from app.ui.viewer.canvas import Canvas
from app.ui.viewer.picture_view import Compare
from app.ui.viewer.view_map import ViewMap
from engine.model.captions import Caption
from engine.model.edits import AddItems, AddPatch, ChangeLayer, ReplaceItem, ReplacePatch
from engine.model.ids import new_id
from engine.model.layers import CaptionMode
from engine.model.overlay import Overlay, Title
from engine.model.patch import Follow, Motion, Nudge, Patch, Take
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box, Ellipse, Lasso, Polygon
from engine.model.time import Range
from engine.model.tool import Blur, Fill, Remove, Rgb

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
WINDOW = Range(0, 20)


@pytest.fixture
def area(stage, qtbot) -> ViewerArea:
    made = ViewerArea(stage.context)
    stage.show(made, 900, 640)
    qtbot.waitUntil(lambda: made.canvas.shown_frame == 0)
    made.canvas.setFocus()
    return made


def at(canvas: Canvas, x: float, y: float) -> QPoint:
    return canvas.view_map.to_view(x, y).toPoint()


def drag(canvas: Canvas, *points: tuple[float, float], keys=NONE) -> None:
    first, *others = (at(canvas, *point) for point in points)
    QTest.mousePress(canvas, LEFT, keys, first)
    for point in others:
        # QTest.mouseMove knows no modifiers.
        _move(canvas, point, keys)
    QTest.mouseRelease(canvas, LEFT, keys, others[-1] if others else first)


def _move(canvas: Canvas, point: QPoint, keys) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    event = QMouseEvent(
        QEvent.Type.MouseMove, QPointF(point), QPointF(canvas.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, keys
    )
    QApplication.sendEvent(canvas, event)


def blurred(stage, region=None, anchor=5) -> Patch:
    source = stage.project.sources[0]
    patch = Patch.with_tool(new_id(), source.id, region or Box(0.3, 0.3, 0.6, 0.6), WINDOW, anchor, Blur(6.0))
    stage.do(AddPatch(patch))
    return patch


def seek(stage, area, qtbot, frame: int) -> None:
    stage.session.transport.seek(frame)
    qtbot.waitUntil(lambda: area.canvas.shown_frame == frame)


def current(stage, patch: Patch) -> Patch:
    found = stage.project.layer_of(patch.id).item(patch.id)
    assert isinstance(found, Patch)
    return found


def close_to(region, *sides: float) -> bool:
    box = region.bounds
    return bool(np.allclose((box.x0, box.y0, box.x1, box.y1), sides, atol=0.006))


def test_a_box_is_drawn_from_corner_to_corner_on_the_frame_that_shows(stage, area, qtbot):
    seek(stage, area, qtbot, 7)
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.3), (0.4, 0.4), (0.6, 0.7))
    selection = stage.session.selection
    assert isinstance(selection.region, Box)
    assert close_to(selection.region, 0.2, 0.3, 0.6, 0.7)
    assert selection.region_frame == 7


def test_shift_keeps_an_ellipse_round(stage, area):
    stage.run("tool.ellipse")
    drag(area.canvas, (0.2, 0.2), (0.3, 0.3), (0.4, 0.6), keys=SHIFT)
    region = stage.session.selection.region
    assert isinstance(region, Ellipse)
    assert (region.x1 - region.x0) * 320 == pytest.approx((region.y1 - region.y0) * 192, rel=0.02)


def test_a_lasso_closes_by_itself_and_is_smooth(stage, area):
    stage.run("tool.lasso")
    turns = np.linspace(0, 2 * np.pi, 40)
    drag(area.canvas, *((0.5 + 0.2 * np.cos(t), 0.5 + 0.2 * np.sin(t)) for t in turns))
    region = stage.session.selection.region
    assert isinstance(region, Lasso)
    assert close_to(region, 0.3, 0.3, 0.7, 0.7)
    assert 3 <= len(shapes.nodes(region)) <= 12


def test_a_lasso_around_nothing_is_told_and_leaves_the_region_that_was_drawn(stage, area):
    stage.session.selection.set_region(Box(0.1, 0.1, 0.2, 0.2), 0)
    stage.run("tool.lasso")
    drag(area.canvas, (0.3, 0.5), (0.5, 0.5), (0.7, 0.5))
    assert stage.heard.said[-1] == "That line encloses nothing; draw it around what is to change"
    assert stage.session.selection.region == Box(0.1, 0.1, 0.2, 0.2)
    QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, 0.9, 0.9))
    assert stage.session.selection.region is None


def test_a_polygon_is_set_corner_by_corner_and_closed_at_its_first(stage, area):
    stage.run("tool.polygon")
    for corner in ((0.2, 0.2), (0.7, 0.25), (0.6, 0.8)):
        QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, *corner))
    assert stage.session.selection.region is None
    QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, 0.2, 0.2))
    region = stage.session.selection.region
    assert isinstance(region, Polygon)
    assert len(region.points) == 3


def test_escape_takes_back_step_by_step(stage, area):
    selection = stage.session.selection
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.3), (0.6, 0.7))
    QTest.mousePress(area.canvas, LEFT, NONE, at(area.canvas, 0.8, 0.8))
    _move(area.canvas, at(area.canvas, 0.9, 0.9), NONE)
    stage.run("edit.escape")
    QTest.mouseRelease(area.canvas, LEFT, NONE, at(area.canvas, 0.9, 0.9))
    assert close_to(selection.region, 0.2, 0.3, 0.6, 0.7)
    stage.run("edit.escape")
    assert selection.region is None
    assert selection.tool is ToolMode.BOX
    stage.run("edit.escape")
    assert selection.tool is ToolMode.SELECT


def test_a_click_with_a_drawing_tool_clears_the_region(stage, area):
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.3), (0.6, 0.7))
    QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, 0.9, 0.9))
    assert stage.session.selection.region is None


def test_a_handle_resizes_the_drawn_region_and_the_inside_moves_it(stage, area):
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.2), (0.6, 0.6))
    drag(area.canvas, (0.6, 0.6), (0.7, 0.75))
    assert close_to(stage.session.selection.region, 0.2, 0.2, 0.7, 0.75)
    stage.run("tool.select")
    drag(area.canvas, (0.4, 0.5), (0.5, 0.55))
    assert close_to(stage.session.selection.region, 0.3, 0.25, 0.8, 0.8)


def test_a_chosen_patch_is_resized_at_its_anchor_as_one_step(stage, area, qtbot):
    patch = blurred(stage)
    stage.session.selection.choose(patch.id)
    seek(stage, area, qtbot, 5)
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    steps = len(stage.session.document.history.done)
    drag(area.canvas, (0.6, 0.6), (0.65, 0.65), (0.8, 0.7))
    qtbot.waitUntil(lambda: close_to(current(stage, patch).region, 0.3, 0.3, 0.8, 0.7))
    qtbot.waitUntil(lambda: len(stage.session.document.history.done) == steps + 1)
    stage.session.document.undo()
    qtbot.waitUntil(lambda: current(stage, patch).region == patch.region)


def test_a_click_on_a_patch_chooses_it_and_one_beside_it_lets_go(stage, area, qtbot):
    patch = blurred(stage)
    seek(stage, area, qtbot, 5)
    QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, 0.4, 0.4))
    assert stage.session.selection.patch == patch
    QTest.mouseClick(area.canvas, LEFT, NONE, at(area.canvas, 0.9, 0.9))
    assert stage.session.selection.patch is None


def test_a_new_region_over_the_chosen_patch_takes_its_place_and_one_beside_it_is_new(stage, area, qtbot):
    patch = blurred(stage)
    stage.session.selection.choose(patch.id)
    seek(stage, area, qtbot, 5)
    stage.run("tool.box")
    drag(area.canvas, (0.35, 0.35), (0.5, 0.5))
    qtbot.waitUntil(lambda: close_to(current(stage, patch).region, 0.35, 0.35, 0.5, 0.5))
    drag(area.canvas, (0.7, 0.7), (0.9, 0.9))
    assert stage.session.selection.patch is None
    assert close_to(stage.session.selection.region, 0.7, 0.7, 0.9, 0.9)


def test_a_title_that_was_chosen_is_let_go_where_a_region_is_drawn(stage, area, qtbot):
    title = Overlay("title", OnTimeline(Range(0, 40)), Title("Up here"))
    stage.do(AddItems("overlays", (title,)))
    stage.session.selection.choose("title")
    stage.run("tool.ellipse")
    drag(area.canvas, (0.2, 0.2), (0.6, 0.6))
    assert stage.session.selection.item is None
    assert isinstance(stage.session.selection.region, Ellipse)


def test_the_brush_widens_a_drawn_region_and_the_eraser_narrows_it(stage, area):
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.2), (0.5, 0.5))
    stage.run("tool.brush")
    drag(area.canvas, (0.45, 0.35), (0.6, 0.35), (0.7, 0.35))
    region = stage.session.selection.region
    assert isinstance(region, Lasso)
    assert region.bounds.x1 > 0.69
    stage.run("tool.erase")
    drag(area.canvas, (0.8, 0.35), (0.7, 0.35), (0.55, 0.35), (0.52, 0.35))
    assert stage.session.selection.region.bounds.x1 < 0.56


def test_the_brush_refines_the_mask_of_a_chosen_patch(stage, area, qtbot):
    patch = blurred(stage)
    stage.session.selection.choose(patch.id)
    seek(stage, area, qtbot, 5)
    stage.run("tool.brush")
    drag(area.canvas, (0.55, 0.45), (0.7, 0.45), (0.8, 0.45))
    qtbot.waitUntil(lambda: current(stage, patch).matte is not None)
    changed = current(stage, patch)
    assert changed.region.bounds.x1 > 0.79
    mask = cv2.imdecode(
        np.frombuffer(stage.session.document.file.take(changed.matte).data, np.uint8), cv2.IMREAD_GRAYSCALE
    )
    assert mask.max() == 255
    assert 0.3 < (mask > 127).mean() < 0.95


def test_a_title_is_dragged_scaled_and_turned_by_its_handles(stage, area, qtbot):
    title = Overlay(new_id(), OnTimeline(Range(0, 50)), Title("Ana"))
    stage.do(AddItems("overlays", (title,)))
    stage.session.selection.choose(title.id)
    canvas = area.canvas
    qtbot.waitUntil(lambda: canvas.ground.box_of_chosen() is not None)
    box = canvas.ground.box_of_chosen()
    mx, my = box.middle
    drag(canvas, (mx, my), (mx + 0.05, my), (mx + 0.1, my + 0.1))
    moved = stage.session.selection.item
    assert (moved.geometry.x, moved.geometry.y) == pytest.approx((0.6, 0.6), abs=0.006)
    qtbot.waitUntil(lambda: (found := canvas.ground.box_of_chosen()) is not None and found.item == moved)
    box = canvas.ground.box_of_chosen()
    mx, my = box.middle
    x, y = box.corners[2]
    drag(canvas, (x, y), (mx + 2 * (x - mx), my + 2 * (y - my)))
    assert stage.session.selection.item.geometry.scale == pytest.approx(2.0, abs=0.1)


def test_a_caption_is_dragged_and_its_text_edited_in_place(stage, area, qtbot):
    caption = Caption(new_id(), AtTimeline(Fraction(0), Fraction(2)), "Good girl.")
    stage.do(AddItems("captions", (caption,)))
    canvas = area.canvas
    stage.session.selection.choose(caption.id)
    qtbot.waitUntil(lambda: canvas.ground.box_of_chosen() is not None)
    mx, my = canvas.ground.box_of_chosen().middle
    drag(canvas, (mx, my), (mx, my - 0.1), (mx, my - 0.2))
    assert stage.session.selection.item.style.y == pytest.approx(0.72, abs=0.006)
    qtbot.waitUntil(lambda: canvas.ground.box_of_chosen() is not None)
    middle = at(canvas, *canvas.ground.box_of_chosen().middle)
    QTest.mouseDClick(canvas, LEFT, NONE, middle)
    field = canvas.item_edits.field
    assert field.toPlainText() == "Good girl."
    QTest.keyClicks(field, "Good boy.")
    QTest.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert stage.session.selection.item.text == "Good boy."
    assert canvas.item_edits.field is None


def test_a_caption_that_is_a_text_track_has_no_frame_on_the_picture(stage, area, qtbot):
    caption = Caption(new_id(), AtTimeline(Fraction(0), Fraction(2)), "Good girl.")
    stage.do(AddItems("captions", (caption,)))
    stage.session.selection.choose(caption.id)
    qtbot.waitUntil(lambda: area.canvas.ground.box_of_chosen() is not None)
    layer = stage.project.layer("captions")
    stage.do(ChangeLayer("captions", replace(layer.settings, captions=CaptionMode.SOFT)))
    qtbot.waitUntil(lambda: area.canvas.ground.box_of_chosen() is None)


def test_a_caption_is_edited_as_it_is_now_though_its_frame_was_found_before(stage, area, qtbot):
    caption = Caption(new_id(), AtTimeline(Fraction(0), Fraction(2)), "Good girl.")
    stage.do(AddItems("captions", (caption,)))
    canvas = area.canvas
    stage.session.selection.choose(caption.id)
    qtbot.waitUntil(lambda: canvas.ground.box_of_chosen() is not None)
    middle = at(canvas, *canvas.ground.box_of_chosen().middle)
    stage.do(ReplaceItem(replace(caption, text="Good girl, Pixel.")))
    QTest.mouseDClick(canvas, LEFT, NONE, middle)
    assert canvas.item_edits.field.toPlainText() == "Good girl, Pixel."
    QTest.keyClicks(canvas.item_edits.field, "Good boy,")
    QTest.keyClick(canvas.item_edits.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(canvas.item_edits.field, "Pixel.")
    QTest.keyClick(canvas.item_edits.field, Qt.Key.Key_Return)
    assert stage.session.selection.item.text == "Good boy,\nPixel."


def test_blank_lines_of_a_caption_are_left_out_when_the_field_is_left(stage, area, qtbot):
    caption = Caption(new_id(), AtTimeline(Fraction(0), Fraction(2)), "Good girl.")
    stage.do(AddItems("captions", (caption,)))
    stage.session.selection.choose(caption.id)
    qtbot.waitUntil(lambda: area.canvas.ground.box_of_chosen() is not None)
    stage.run("region.edit_text")
    QTest.keyClicks(area.canvas.item_edits.field, "Hello there")
    for _ in range(2):
        QTest.keyClick(area.canvas.item_edits.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    area.canvas.setFocus()
    assert stage.session.selection.item.text == "Hello there"


def test_escape_leaves_the_text_as_it_was(stage, area, qtbot):
    caption = Caption(new_id(), AtTimeline(Fraction(0), Fraction(2)), "Good girl.")
    stage.do(AddItems("captions", (caption,)))
    stage.session.selection.choose(caption.id)
    qtbot.waitUntil(lambda: area.canvas.ground.box_of_chosen() is not None)
    stage.run("region.edit_text")
    QTest.keyClicks(area.canvas.item_edits.field, "Bad")
    QTest.keyClick(area.canvas.item_edits.field, Qt.Key.Key_Escape)
    assert stage.session.selection.item.text == "Good girl."


def test_the_words_of_a_text_that_is_added_are_written_over_at_once(stage, area, qtbot):
    layers = LayersPanel(stage.context)
    stage.context.actions.add(layers.actions_of_panel())
    stage.run("overlay.text")
    qtbot.waitUntil(lambda: area.canvas.item_edits.field is not None)
    field = area.canvas.item_edits.field
    qtbot.waitUntil(field.hasFocus)
    QTest.keyClicks(field, "Fresh coffee")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert stage.session.selection.item.content.text == "Fresh coffee"
    stage.run("overlay.rectangle")
    qtbot.waitUntil(lambda: area.canvas.ground.box_of_chosen() is not None)
    assert area.canvas.item_edits.field is None
    layers.deleteLater()


def test_what_a_patch_changed_outside_is_counted(stage, area, qtbot):
    blurred(stage)
    qtbot.waitUntil(lambda: area.canvas.changes is not None)
    assert area.canvas.changes.outside == 0
    assert area.canvas.changes.inside > 1000


def test_a_soft_edge_is_counted_to_the_region_and_its_end_is_drawn(stage, area, qtbot):
    patch = blurred(stage)
    qtbot.waitUntil(lambda: area.canvas.changes is not None)
    stage.session.selection.choose(patch.id)
    qtbot.waitUntil(lambda: bool(area.canvas.ground.found and area.canvas.ground.found.outlines))
    assert (area.canvas.changes.bounds, area.canvas.ground.found.reach) == ("the region", ())
    without = area.canvas.grab().toImage()
    stage.do(ReplacePatch(replace(current(stage, patch), feather_px=20.0, grow_px=-4.0)))
    qtbot.waitUntil(lambda: bool(area.canvas.ground.found and area.canvas.ground.found.reach))
    qtbot.waitUntil(lambda: area.canvas.changes.bounds == "the region and its soft edge")
    assert area.canvas.changes.outside == 0
    ((*line,),) = area.canvas.ground.found.reach
    picture = stage.project.sources[0].picture
    assert min(x for x, _ in line) == pytest.approx(0.3 - 16 / picture.width, abs=1.5 / picture.width)
    assert max(y for _, y in line) == pytest.approx(0.6 + 16 / picture.height, abs=1.5 / picture.height)
    top = [at(area.canvas, x / 100, 0.3 - 16 / picture.height) for x in range(35, 55)]
    ratio = without.devicePixelRatio()
    pixels = [(int(point.x() * ratio), int(point.y() * ratio)) for point in top]
    drawn = area.canvas.grab().toImage()
    assert sum(drawn.pixelColor(*pixel) != without.pixelColor(*pixel) for pixel in pixels) > len(pixels) / 2
    stage.do(ReplacePatch(replace(current(stage, patch), feather_px=0.0, grow_px=3.0)))
    qtbot.waitUntil(lambda: area.canvas.changes is not None and area.canvas.changes.bounds == "the grown region")


def test_arrows_with_alt_move_a_region_by_pixels(stage, area):
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.2), (0.5, 0.5))
    before = stage.session.selection.region
    stage.run("region.move_right_far")
    assert stage.session.selection.region.x0 == pytest.approx(before.x0 + 10 / 320, abs=1e-5)


def test_a_picture_dragged_in_from_the_edge_goes_into_the_region_or_over_the_film(stage, area, qtbot, tmp_path):
    picture = tmp_path / "sticker.png"
    _, data = cv2.imencode(".png", np.full((32, 32, 3), (0, 0, 255), np.uint8))
    picture.write_bytes(data.tobytes())
    stage.run("tool.box")
    drag(area.canvas, (0.2, 0.2), (0.5, 0.5))
    urls = QMimeData()
    urls.setUrls([QUrl.fromLocalFile(str(picture))])
    copy, canvas = Qt.DropAction.CopyAction, area.canvas

    def dropped(x: float, y: float) -> None:
        # A system asks at the edge first; who refuses there is told of nothing further.
        enter = QDragEnterEvent(QPoint(1, 1), copy, urls, LEFT, NONE)
        canvas.dragEnterEvent(enter)
        assert enter.isAccepted()
        move = QDragMoveEvent(at(canvas, x, y), copy, urls, LEFT, NONE)
        canvas.dragMoveEvent(move)
        assert move.isAccepted()
        event = QDropEvent(QPointF(at(canvas, x, y)), copy, urls, LEFT, NONE, QDropEvent.Type.Drop)
        canvas.dropEvent(event)
        assert event.isAccepted()

    dropped(0.9, 0.9)
    assert stage.heard.said[-2:] == ["Lays the picture over the film from here", ""]
    qtbot.waitUntil(lambda: len(stage.project.layer("overlays").items) == 1, timeout=20_000)
    dropped(0.3, 0.3)
    assert stage.heard.said[-2:] == ["Puts the picture into the region", ""]
    qtbot.waitUntil(lambda: len(list(stage.project.patches)) == 1, timeout=20_000)


def test_a_film_dragged_over_the_picture_is_left_to_the_window(area, tmp_path):
    urls = QMimeData()
    urls.setUrls([QUrl.fromLocalFile(str(tmp_path / "other.mp4"))])
    enter = QDragEnterEvent(QPoint(1, 1), Qt.DropAction.CopyAction, urls, LEFT, NONE)
    area.canvas.dragEnterEvent(enter)
    assert not enter.isAccepted()


def test_a_patch_shows_on_the_screen(stage, area, qtbot):
    source = stage.project.sources[0]
    region = Box(0.25, 0.25, 0.75, 0.75)
    stage.do(AddPatch(Patch.with_tool(new_id(), source.id, region, WINDOW, 0, Fill(Rgb(255, 0, 0)))))
    middle = at(area.canvas, 0.5, 0.5)

    def red() -> bool:
        colour = area.canvas.grab().toImage().pixelColor(middle)
        return colour.red() > 200 and colour.green() < 60

    qtbot.waitUntil(red)
    area.canvas.set_compare(Compare.WIPE)
    area.canvas.set_wipe(0.6)
    qtbot.waitUntil(lambda: not red())
    area.canvas.set_wipe(0.4)
    assert red()


@pytest.mark.parametrize("tool", [Blur(6.0), Remove()])
def test_a_carried_patch_is_chosen_where_it_was_carried_to_and_dragged_from_there(stage, area, qtbot, tool):
    canvas, source = area.canvas, stage.project.sources[0]
    motion = Motion(Follow.STATIC, nudges=(Nudge(9, 0.3, 0.0),))
    take = Take(new_id(), tool, motion=motion)
    patch = Patch(
        new_id(), source.id, Box(0.1, 0.3, 0.3, 0.6), WINDOW, 5, "Sign", takes=(take,), pick=take.id
    )  # fmt: skip
    stage.do(AddPatch(patch))
    seek(stage, area, qtbot, 9)
    qtbot.waitUntil(lambda: (found := canvas.ground.findings) is not None and found.frame == 9 and bool(found.others))
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, 0.15, 0.45))
    assert stage.session.selection.patch is None, "it was drawn there, and is not there now"
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, 0.5, 0.45))
    assert stage.session.selection.patch == patch
    qtbot.waitUntil(lambda: canvas.ground.findings.patch_id == patch.id and bool(canvas.ground.findings.outlines))
    QTest.mousePress(canvas, LEFT, NONE, at(canvas, 0.5, 0.45))
    _move(canvas, at(canvas, 0.5, 0.65), NONE)
    path = canvas._painting.region_path(
        canvas.ground.editable, canvas.ground.to_view(canvas.view_map), canvas._in_hand()
    )
    middle = path.boundingRect().center()
    assert (middle - QPointF(at(canvas, 0.5, 0.65))).manhattanLength() < 6, "the outline goes where the hand goes"
    canvas.escape()
    QTest.mouseRelease(canvas, LEFT, NONE, at(canvas, 0.5, 0.65))
    assert current(stage, patch) == patch, "Escape gives the drag up"
    drag(canvas, (0.5, 0.45), (0.5, 0.55), (0.5, 0.65))
    if isinstance(tool, Blur):
        qtbot.waitUntil(lambda: current(stage, patch).effective_motion.nudges[0].dy > 0.15)


def test_a_text_that_is_added_out_of_sight_is_brought_into_it_once(stage, area, qtbot):
    canvas = area.canvas
    canvas.set_zoom(600)
    x, _ = canvas.view_map.to_canvas(QPointF(0, 0))
    assert x > 0.2, "the picture's left edge is out of sight"
    title = Overlay("title", OnTimeline(Range(0, 40)), Title("Up here"))
    stage.do(AddItems("overlays", (title,)))
    qtbot.waitUntil(lambda: canvas.changes is not None or bool(canvas.ground.findings and canvas.ground.findings.boxes))

    def seen() -> bool:
        (box,) = [box for box in canvas.ground.findings.boxes if box.item.id == "title"]
        return all(canvas.rect().contains(at(canvas, *corner)) for corner in box.corners[:1])

    qtbot.waitUntil(seen)
    frame = stage.session.transport.frame
    canvas.set_view(replace(canvas.view_map, x=1.0, y=1.0))
    stage.session.selection.choose("title")
    qtbot.wait(50)
    assert canvas.view_map.x == 1.0
    assert frame == stage.session.transport.frame == 0


@pytest.mark.parametrize("box", [QRectF(0, 0, 0.1, 0.1), QRectF(0.8, 0.9, 0.1, 0.05), QRectF(0.48, 0.48, 0.02, 0.02)])
def test_a_view_is_moved_just_so_far_that_a_part_of_the_picture_shows(box):
    view = ViewMap(1920, 1080, QRectF(0, 0, 600, 400), zoom=1.0)
    moved = view.showing(box)
    corners = [moved.to_view(box.left(), box.top()), moved.to_view(box.right(), box.bottom())]
    assert all(moved.room.contains(corner) for corner in corners)
    assert (moved == view) is (box.left() == 0.48)
    assert view.fitted().showing(box) == view.fitted()
