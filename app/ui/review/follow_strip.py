"""How a patch follows its object: thumbnails over its window, and how sure each frame is."""

from __future__ import annotations

import logging
import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.session.following import LOOK_AGAIN_BELOW
from app.session.shown_pictures import Look, Show, Shown, Want
from app.ui.context import Context
from app.ui.widgets import ButtonKind, Role, column, label, push_button, row
from app.ui.words import timecode
from engine.model.patch import Follow, Patch
from engine.model.time import Range
from engine.render.moving import Followed

_LOG = logging.getLogger(__name__)
_PICTURES, _GRAPH, _GAP = 56, 40, 8
_VIEW = "follow strip"
_DRAWING_PLACE = "view.workspace.region"


class FollowStrip(QWidget):
    """The strip with its head."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Follow")
        self._context = context
        self._session = context.session
        self._sign = QLabel(self)
        self._window = label("", Role.BODY, "3")
        self.doubt = label("", Role.NAME, "warning")
        self.go = push_button("Go there", ButtonKind.LINK)
        self.go.clicked.connect(self._go_to_doubt)
        self.anchor = push_button("New anchor here")
        self.anchor.setIcon(context.theme.icon("anchor"))
        self.anchor.clicked.connect(self._new_anchor)
        self.graph = FollowGraph(context)
        head = row(
            self._sign,
            label("Follow", Role.HEAD),
            self._window,
            None,
            self.doubt,
            self.go,
            self.anchor,
            margins=(12, 4, 8, 4),
        )
        layout = column(gap=0)
        layout.addLayout(head)
        layout.addLayout(row(self.graph, margins=(12, 0, 12, 8)))
        self.setLayout(layout)
        session = self._session
        for signal in (
            session.selection.changed,
            session.document.changed,
            session.following.changed,
            session.transport.frame_changed,
            session.patching.anchor_asked,
            context.theme.changed,
        ):
            signal.connect(self._show)
        self._show()

    @Slot()
    def _show(self) -> None:
        if not self.isVisible():
            return
        session = self._session
        self._sign.setPixmap(self._context.theme.pixmap("follow", "patch.line", 16, self.devicePixelRatioF()))
        patch = session.selection.patch
        found = None if patch is None else session.following.followed(patch.id)
        self._window.setText("Choose a patch to see how it follows" if patch is None else self._said(patch))
        doubts = _doubtful(found)
        moves = patch is not None and patch.effective_motion.follow is not Follow.STATIC
        if patch is not None and moves and found is None:
            self.doubt.setText("Not followed yet" if patch.shows else "Not in the film")
        else:
            count = sum(map(len, doubts))
            self.doubt.setText(f"Confidence is low on {count:,} frame{'s' if count != 1 else ''}" if doubts else "")
        self.go.setVisible(bool(doubts))
        frame = self._source_frame(patch)
        self.anchor.setEnabled(moves and frame is not None)
        asked = patch is not None and session.patching.anchor_for == patch.id
        self.anchor.setText("Draw the region…" if asked else "New anchor here")
        hindrance = "" if moves else "Choose a patch that follows"
        self.anchor.setToolTip(hindrance or ("" if frame is not None else "Put the playhead inside the patch"))
        self.graph.show_patch(patch, found)

    def showEvent(self, event: object) -> None:
        self._show()

    def _said(self, patch: Patch) -> str:
        frames = f"{len(patch.frames):,} frames"
        shown = self._session.document.timeline.showing(patch.source_id, patch.frames)
        if not shown:
            return frames
        return f"{frames} from {timecode(shown[0].start, self._session.document.project.canvas.rate)}"

    def _source_frame(self, patch: Patch | None) -> int | None:
        shown = self._session.document.timeline.source_at(self._session.transport.frame)
        inside = patch is not None and shown is not None and shown.source_id == patch.source_id
        return (
            shown.frame if inside and shown is not None and patch is not None and shown.frame in patch.frames else None
        )

    @Slot()
    def _go_to_doubt(self) -> None:
        patch = self._session.selection.patch
        found = None if patch is None else self._session.following.followed(patch.id)
        doubts = _doubtful(found)
        if patch is None or found is None or not doubts:
            return
        inside = [span for span in doubts if found.suggestion is not None and found.suggestion in span]
        self.graph.seek(found.suggestion if inside and found.suggestion is not None else doubts[0].start)

    @Slot()
    def _new_anchor(self) -> None:
        patch = self._session.selection.patch
        if patch is None:
            return
        asked = self._session.patching.anchor_for == patch.id
        self._session.patching.ask_for_anchor(None if asked else patch)
        if not asked:
            actions = self._context.actions
            if actions.has(_DRAWING_PLACE):
                actions.action(_DRAWING_PLACE).trigger()
            self._context.notices.say("Draw the region on this frame; Escape leaves it")


class FollowGraph(QWidget):
    """Thumbnails and the confidence line; a click or a drag moves the playhead."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_PICTURES + _GAP + _GRAPH)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Confidence over the patch's frames")
        self._context = context
        self._session = context.session
        self._patch: Patch | None = None
        self._followed: Followed | None = None
        self._wants: tuple[Want, ...] = ()
        self._session.preview.arrived.connect(self._arrived)
        self._session.preview.scene_changed.connect(self._ask)

    def sizeHint(self) -> QSize:
        return QSize(600, self.height())

    def show_patch(self, patch: Patch | None, followed: Followed | None) -> None:
        """Show a patch."""
        changed = patch != self._patch
        self._patch, self._followed = patch, followed
        if changed:
            self._ask()
        self.setAccessibleDescription(self._in_words())
        self.update()

    def seek(self, frame: int) -> None:
        """Put the playhead on a source frame of the patch, where it shows on the timeline."""
        patch = self._patch
        if patch is None:
            return
        shown = self._session.document.timeline.showing(patch.source_id, Range(frame, frame + 1))
        if shown:
            self._session.transport.seek(shown[0].start)

    def _in_words(self) -> str:
        if self._followed is None:
            return ""
        doubts = _doubtful(self._followed)
        low = ", ".join(f"{span.start} to {span.stop - 1}" for span in doubts)
        return f"Low on source frames {low}" if low else "Held on all frames"

    def _thumbnail_width(self) -> float:
        canvas = self._session.document.project.canvas
        return _PICTURES * canvas.width * float(canvas.sar) / canvas.height

    @Slot()
    def _ask(self) -> None:
        """Have the thumbnails made that fit side by side."""
        patch = self._patch
        if patch is None or not self.isVisible() or self.width() < 40:
            self._wants = ()
            self._session.preview.ask(_VIEW, ())
            return
        count = max(1, math.ceil(self.width() / self._thumbnail_width()))
        ratio = self.devicePixelRatioF()
        canvas = self._session.document.project.canvas
        size = (
            max(2, min(canvas.width, round(self._thumbnail_width() * ratio))),
            min(canvas.height, round(_PICTURES * ratio)),
        )
        wants = []
        timeline = self._session.document.timeline
        for number in range(count):
            frame = patch.frames.start + int((number + 0.5) * len(patch.frames) / count)
            shown = timeline.showing(patch.source_id, Range(frame, frame + 1))
            if shown:
                wants.append(Want(shown[0].start, Look(Show.AFTER, size)))
        self._wants = tuple(wants)
        self._session.preview.ask(_VIEW, self._wants)

    @Slot(object)
    def _arrived(self, shown: Shown) -> None:
        if shown.want in self._wants:
            self.update()

    def showEvent(self, event: object) -> None:
        self._ask()

    def hideEvent(self, event: object) -> None:
        self._session.preview.ask(_VIEW, ())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ask()

    # --- the pointer and the keys -----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._seek_at(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek_at(event.position().x())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps:
            self._session.transport.step(steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _seek_at(self, x: float) -> None:
        patch = self._patch
        if patch is not None:
            frame = patch.frames.start + int(x / max(1, self.width()) * len(patch.frames))
            self.seek(min(max(frame, patch.frames.start), patch.frames.stop - 1))

    # --- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("the follow strip could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        theme = self._context.theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pictures = QRectF(0, 0, self.width(), _PICTURES)
        graph = QRectF(0, _PICTURES + _GAP, self.width(), _GRAPH)
        painter.fillRect(pictures, theme.colour("surface.2"))
        painter.fillRect(graph, theme.colour("patch.bg") if self._patch is not None else theme.colour("surface.2"))
        patch = self._patch
        if patch is None:
            return
        self._paint_pictures(painter, pictures)
        self._paint_line(painter, graph, patch)
        self._paint_anchors(painter, graph, patch)
        self._paint_playhead(painter, patch)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("focus"), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def _paint_pictures(self, painter: QPainter, room: QRectF) -> None:
        if not self._wants:
            return
        width = room.width() / len(self._wants)
        for number, want in enumerate(self._wants):
            shown = self._session.preview.find(want)
            if shown is None:
                continue
            place = QRectF(room.left() + number * width, room.top(), width - 1, room.height())
            # Cut rather than squeezed: the last one rarely fits.
            seen = min(1.0, place.width() / self._thumbnail_width())
            image = shown.image
            cut = image.width() * (1 - seen) / 2
            painter.drawImage(place, image, QRectF(cut, 0, image.width() - 2 * cut, image.height()))

    def _paint_line(self, painter: QPainter, room: QRectF, patch: Patch) -> None:
        theme = self._context.theme
        level = self._height_of(room, LOOK_AGAIN_BELOW)
        dashes = QPen(theme.colour("patch.fg"), 1)
        dashes.setDashPattern([3, 3])
        painter.setPen(dashes)
        painter.drawLine(QPointF(room.left(), level), QPointF(room.right(), level))
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        # At the right, above the line: the anchor stands below it, most often near the beginning.
        side = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
        painter.drawText(QRectF(room.left(), level - 18, room.width() - 6, 16), side, "Look again below this line")
        found = self._followed
        if found is None or not found.confidence:
            return
        for first, values in _runs(found):
            low = values[0] < LOOK_AGAIN_BELOW
            points = [
                QPointF(self._x_of(first + k, patch), self._height_of(room, value)) for k, value in enumerate(values)
            ]
            if len(points) == 1:
                points.append(points[0] + QPointF(1.0, 0.0))
            painter.setPen(QPen(theme.colour("stale.fg" if low else "patch.line"), 1.5))
            painter.drawPolyline(QPolygonF(points))

    def _paint_anchors(self, painter: QPainter, room: QRectF, patch: Patch) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._context.theme.colour("patch.fg"))
        for frame in (patch.anchor, *(frame for frame, _ in patch.effective_motion.anchors)):
            if frame in patch.frames:
                x, y = self._x_of(frame, patch), room.bottom() - 6
                diamond = [QPointF(x, y - 4), QPointF(x + 4, y), QPointF(x, y + 4), QPointF(x - 4, y)]
                painter.drawPolygon(QPolygonF(diamond))

    def _paint_playhead(self, painter: QPainter, patch: Patch) -> None:
        shown = self._session.document.timeline.source_at(self._session.transport.frame)
        if shown is None or shown.source_id != patch.source_id or shown.frame not in patch.frames:
            return
        x = self._x_of(shown.frame, patch)
        painter.setPen(QPen(self._context.theme.colour("playhead"), 1.5))
        painter.drawLine(QPointF(x, 0), QPointF(x, self.height()))

    def _x_of(self, frame: int, patch: Patch) -> float:
        return (frame - patch.frames.start + 0.5) / len(patch.frames) * self.width()

    @staticmethod
    def _height_of(room: QRectF, confidence: float) -> float:
        return room.bottom() - 2 - min(max(confidence, 0.0), 1.0) * (room.height() - 4)


def _doubtful(found: Followed | None) -> tuple[Range, ...]:
    """Return the runs of source frames on which the following is not sure, or lost."""
    if found is None:
        return ()
    low = [
        frame
        for frame, value in zip(found.frames, found.confidence, strict=False)
        if value < LOOK_AGAIN_BELOW or any(frame in span for span in found.lost)
    ]
    runs: list[Range] = []
    for frame in low:
        if runs and runs[-1].stop == frame:
            runs[-1] = Range(runs[-1].start, frame + 1)
        else:
            runs.append(Range(frame, frame + 1))
    return tuple(runs)


def _runs(found: Followed) -> list[tuple[int, list[float]]]:
    """Return the confidence in runs that are all above or all below the line; neighbours share their joint."""
    runs: list[tuple[int, list[float]]] = []
    for frame, value in zip(found.frames, found.confidence, strict=False):
        if runs and (runs[-1][1][0] < LOOK_AGAIN_BELOW) == (value < LOOK_AGAIN_BELOW):
            runs[-1][1].append(value)
            continue
        if runs:
            runs[-1][1].append(value)
        runs.append((frame, [value]))
    return runs
