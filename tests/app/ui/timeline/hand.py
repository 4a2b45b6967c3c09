"""The timeline under the hand: a panel to try, and presses, drags and drops on it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.timeline import TimelinePanel
from app.ui.timeline.content import RowKind
from engine.model import edits as e
from engine.model.captions import Caption
from engine.model.markers import Marker
from engine.model.overlay import Flat, Overlay
from engine.model.patch import Patch
from engine.model.place import AtTimeline, OnTimeline
from engine.model.region import Box
from engine.model.storyline import Gap
from engine.model.time import Range
from engine.model.tool import Blur, Rgb

LEFT, MIDDLE, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier
CTRL, ALT, SHIFT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
    Qt.KeyboardModifier.ShiftModifier,
)


@pytest.fixture
def panel(stage, qtbot) -> TimelinePanel:
    """Return a timeline at 10 pixels per frame with three clips, a patch, a caption, an overlay and a marker."""
    made = TimelinePanel(stage.context)
    stage.show(made, 960, 420)
    source = stage.project.sources[0].id
    patch = Patch.with_tool("patch", source, Box(0.2, 0.2, 0.4, 0.4), Range(22, 28), 24, Blur(4.0))
    stage.do(
        e.SplitClip(20, "second"),
        e.SplitClip(40, "third"),
        e.AddPatch(patch),
        e.AddItems("captions", (Caption("said", AtTimeline(Fraction(5, 30), Fraction(10, 30)), "Hello"),)),
        e.AddItems("overlays", (Overlay("title", OnTimeline(Range(30, 36)), Flat(Rgb(255, 0, 0))),)),
        e.AddMarkers((Marker("mark", OnTimeline(Range(45, 46)), name="Here"),)),
    )
    stage.session.settings.set(snapping=False)
    made.view.set_frames_per_px(0.1)
    made.view.horizontalScrollBar().setValue(0)
    made.view.setFocus()
    qtbot.waitUntil(lambda: stage.session.document.is_saved)
    return made


def row(panel: TimelinePanel, kind: RowKind) -> int:
    return next(number for number, row in enumerate(panel.view.content.rows) if row.kind is kind)


def at(panel: TimelinePanel, frame: float, kind: RowKind, share: float = 0.5) -> QPoint:
    """Return a point of the view: a place in time on a row."""
    place = panel.view.layout_of_rows.place(row(panel, kind))
    return QPoint(round(panel.view.scale.x(frame)), round(place.top + place.height * share))


def move(panel: TimelinePanel, point: QPoint, keys=NONE, buttons=LEFT) -> None:
    viewport = panel.view.viewport()
    where = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, viewport.mapToGlobal(where), Qt.MouseButton.NoButton, buttons, keys
    )
    QApplication.sendEvent(viewport, event)


def drag(panel: TimelinePanel, start: QPoint, stop: QPoint, keys=NONE, button=LEFT) -> None:
    viewport = panel.view.viewport()
    QTest.mousePress(viewport, button, keys, start)
    move(panel, (start + stop) / 2, keys, button)
    move(panel, stop, keys, button)
    QTest.mouseRelease(viewport, button, keys, stop)


def click(panel: TimelinePanel, point: QPoint, keys=NONE) -> None:
    QTest.mouseClick(panel.view.viewport(), LEFT, keys, point)


def story(stage) -> list[tuple[str, int]]:
    return [("gap" if isinstance(item, Gap) else item.id, len(item)) for item in stage.project.storyline]


def item(stage, id):
    return next(item for layer in stage.project.layers for item in layer.items if item.id == id)


def wheel(panel: TimelinePanel, x: int, steps: float, keys=NONE) -> None:
    viewport = panel.view.viewport()
    where = QPointF(x, 100)
    event = QWheelEvent(
        where,
        viewport.mapToGlobal(where),
        QPoint(),
        QPoint(0, round(120 * steps)),
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def drop(panel: TimelinePanel, data: QMimeData, frame: float, kind: RowKind, keys=NONE) -> QDropEvent:
    viewport = panel.view.viewport()
    where = QPointF(at(panel, frame, kind))
    # The other side proposes a move, as file managers do within a drive.
    actions = Qt.DropAction.MoveAction | Qt.DropAction.CopyAction
    entered = QDragEnterEvent(where.toPoint(), actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, entered)
    moved = QDragMoveEvent(where.toPoint(), actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, moved)
    event = QDropEvent(where, actions, data, LEFT, keys)
    QApplication.sendEvent(viewport, event)
    return event
