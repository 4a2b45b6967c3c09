"""The heads of the rows: name, visible or heard, locked; their lower edges are dragged to make rows higher."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QFont, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.ui.context import Context
from app.ui.timeline.content import Row, RowKind
from app.ui.timeline.describe import row_title
from app.ui.timeline.layout import MARKERS, RULER, STRIP
from app.ui.timeline.tracks import TrackCommands
from app.ui.timeline.view import TimelineView
from engine.model.edits import ChangeLayer, ChangeTrack, Edit, SetMix

_LOG = logging.getLogger(__name__)
WIDTH = 168
_GRIP = 4


@dataclass(slots=True)
class _Buttons:
    shown: QToolButton
    locked: QToolButton


class TrackHeads(QWidget):
    """Stands at the left of the view and scrolls up and down with it."""

    def __init__(
        self, context: Context, view: TimelineView, tracks: TrackCommands, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._theme = context.theme
        self._view = view
        self._tracks = tracks
        self._buttons: dict[str, _Buttons] = {}
        self._ids: tuple[str, ...] = ()
        self._dragged: tuple[str, int, int] | None = None
        self.setFixedWidth(WIDTH)
        self.setMouseTracking(True)
        self.setAccessibleName("Tracks")
        view.rows_changed.connect(self._place)
        context.theme.changed.connect(self.update)
        self._place()

    # --- buttons ----------------------------------------------------------------------------------------------------

    @Slot()
    def _place(self) -> None:
        layout = self._view.layout_of_rows
        rows = layout.content.rows
        ids = tuple(row.id for row in rows)
        if ids != self._ids:
            self._ids = ids
            self._make_buttons(rows)
        for place in layout.places():
            row = rows[place.row]
            buttons = self._buttons.get(row.id)
            if buttons is None:
                continue
            middle = place.top + min(place.height, layout.lane_height(place.row)) // 2 - 12
            inside = layout.rows_top <= place.top + 4 and middle + 20 <= layout.rows_bottom
            for button, x in ((buttons.shown, WIDTH - 52), (buttons.locked, WIDTH - 28)):
                button.setVisible(inside)
                button.move(x, middle)
            self._dress(row, buttons)
        self.update()

    def _make_buttons(self, rows: tuple[Row, ...]) -> None:
        for old in self._buttons.values():
            old.shown.deleteLater()
            old.locked.deleteLater()
        self._buttons = {}
        for row in rows:
            if row.kind in (RowKind.MARKERS, RowKind.FILM):
                continue
            shown, locked = self._button(), self._button()
            shown.clicked.connect(partial(self._toggle_shown, row.id))
            locked.clicked.connect(partial(self._toggle_locked, row.id))
            self._buttons[row.id] = _Buttons(shown, locked)

    def _button(self) -> QToolButton:
        button = QToolButton(self)
        button.setFixedSize(24, 24)
        button.setIconSize(QSize(14, 14))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.show()
        return button

    def _dress(self, row: Row, buttons: _Buttons) -> None:
        sound = row.kind in (RowKind.FILM_SOUND, RowKind.SOUND)
        icons = ("speaker", "muted") if sound else ("eye", "eye-off")
        words = ("Mute", "Unmute") if sound else ("Hide", "Show")
        self._set(
            buttons.shown, icons[0 if row.visible else 1], f"{words[0 if row.visible else 1]} {row.name}", row.visible
        )
        if self._is_alone(row) or self._is_silenced(row):
            alone = "it alone is heard (solo)" if self._is_alone(row) else "another track is heard alone (solo)"
            buttons.shown.setToolTip(f"{buttons.shown.toolTip()}; {alone}")
        self._set(buttons.locked, "lock", f"{'Unlock' if row.locked else 'Lock'} {row.name}", not row.locked)
        tone = "text.1" if row.locked else "text.disabled"
        buttons.locked.setIcon(self._theme.icon("lock", tone))

    def _set(self, button: QToolButton, icon: str, name: str, plain: bool) -> None:
        button.setIcon(self._theme.icon(icon, "text.2" if plain else "stale.fg"))
        button.setToolTip(name)
        button.setAccessibleName(name)

    def _is_alone(self, row: Row) -> bool:
        """Whether a track is one of those that alone are heard."""
        project = self._view.content.project
        if row.kind is RowKind.FILM_SOUND:
            return project.mix.original.solo
        return row.kind is RowKind.SOUND and project.track(row.id).settings.solo

    def _is_silenced(self, row: Row) -> bool:
        """Whether a track is silent because another is heard alone."""
        if row.kind not in (RowKind.SOUND, RowKind.FILM_SOUND) or self._is_alone(row):
            return False
        return any(self._is_alone(other) for other in self._view.content.rows)

    def _row(self, row_id: str) -> Row | None:
        return next((row for row in self._view.content.rows if row.id == row_id), None)

    def _toggle_shown(self, row_id: str, _checked: object = None) -> None:
        edit = self._changed(row_id, "shown")
        if edit is not None:
            self._context.session.document.do(edit)

    def _toggle_locked(self, row_id: str, _checked: object = None) -> None:
        edit = self._changed(row_id, "locked")
        if edit is not None:
            self._context.session.document.do(edit)

    def _changed(self, row_id: str, what: str) -> Edit | None:
        project, row = self._view.content.project, self._row(row_id)
        if row is None:
            return None
        if row.kind is RowKind.FILM_SOUND:
            original = project.mix.original
            if what == "shown":
                return SetMix(replace(project.mix, original=replace(original, muted=not original.muted)))
            return SetMix(replace(project.mix, original=replace(original, locked=not original.locked)))
        if row.kind is RowKind.SOUND:
            settings = project.track(row_id).settings
            if what == "shown":
                return ChangeTrack(row_id, replace(settings, muted=not settings.muted))
            return ChangeTrack(row_id, replace(settings, locked=not settings.locked))
        layer = project.layer(row_id).settings
        if what == "shown":
            return ChangeLayer(row_id, replace(layer, visible=not layer.visible))
        return ChangeLayer(row_id, replace(layer, locked=not layer.locked))

    # --- heights ----------------------------------------------------------------------------------------------------

    def _grip_at(self, y: int) -> str | None:
        layout = self._view.layout_of_rows
        for place in layout.places()[1:]:
            if abs(place.bottom - y) <= _GRIP and y < layout.rows_bottom + _GRIP:
                return layout.content.rows[place.row].id
        return None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        y = round(event.position().y())
        row_id = self._grip_at(y)
        if row_id is not None and event.button() is Qt.MouseButton.LeftButton:
            self._dragged = row_id, y, self._view.extra(row_id)
            return
        place = self._view.layout_of_rows.row_at(y)
        if place is not None:
            id = self._view.content.rows[place.row].id
            if any(layer.id == id for layer in self._view.content.project.layers):
                self._context.session.selection.choose_layer(id)
            self._tracks.press(id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        y = round(event.position().y())
        if self._dragged is not None:
            row_id, began, extra = self._dragged
            self._view.set_extra(row_id, extra + y - began)
            return
        self.setCursor(Qt.CursorShape.SplitVCursor if self._grip_at(y) else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        self._dragged = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        row_id = self._grip_at(round(event.position().y()))
        if row_id is not None:
            self._view.set_extra(row_id, 0)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = self._view.layout_of_rows.row_at(event.pos().y())
        row = self._view.content.rows[place.row] if place is not None else None
        if row is not None and row.kind in (RowKind.SOUND, RowKind.FILM_SOUND):
            self._tracks.show_menu(row.id, event.globalPos())
            return
        menu = QMenu(self)
        for name, points in (("Low rows", 0), ("Medium rows", 30), ("High rows", 80)):
            menu.addAction(name).triggered.connect(partial(self._set_all, points))
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _set_all(self, points: int, _checked: object = None) -> None:
        for row in self._view.content.rows[1:]:
            if row.kind in (RowKind.FILM, RowKind.FILM_SOUND, RowKind.SOUND):
                self._view.set_extra(row.id, points)

    # --- painting ---------------------------------------------------------------------------------------------------

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        try:
            self._paint(painter)
        except Exception:  # an exception that leaves a paint event ends the process
            _LOG.exception("the heads of the tracks could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter) -> None:
        colour = self._theme.colour
        layout = self._view.layout_of_rows
        rows = layout.content.rows
        numbers = {row.id: number for number, row in enumerate((r for r in rows if r.kind is RowKind.SOUND), 2)}
        painter.fillRect(self.rect(), colour("surface.1"))
        for place in layout.places()[1:]:
            row = rows[place.row]
            if place.bottom <= layout.rows_top or place.top >= layout.rows_bottom:
                continue
            painter.save()
            painter.setClipRect(0, layout.rows_top, WIDTH, layout.rows_bottom - layout.rows_top)
            chosen = self._context.session.selection.layer is not None and (
                self._context.session.selection.layer.id == row.id
            )
            if chosen:
                painter.fillRect(0, place.top, WIDTH, place.height - 1, colour("accent.selected"))
            height = min(place.height, layout.lane_height(place.row))
            tone = {
                RowKind.CAPTIONS: "caption.line",
                RowKind.OVERLAYS: "overlay.line",
                RowKind.PATCHES: "patch.line",
            }.get(row.kind, "text.2")
            icon = {RowKind.OVERLAYS: "text", RowKind.SOUND: "sound"}.get(row.kind, row.kind.value)
            painter.drawPixmap(
                12, place.top + height // 2 - 8, self._theme.pixmap(icon, tone, 16, self.devicePixelRatioF())
            )
            box = QRectF(36, place.top, WIDTH - 92, height - 1)
            if self._is_alone(row):
                # One letter of a word that the button's tooltip says whole.
                sign = QRectF(WIDTH - 70, place.top + height / 2 - 8, 14, 16)
                painter.fillRect(sign, colour("stale.bg"))
                self._name(painter, sign.adjusted(3.5, 0, 0, 0), "S", tone="stale.fg", weight=QFont.Weight.DemiBold)
                box.setRight(sign.left() - 4)
            tone = "text.disabled" if self._is_silenced(row) else "text.1"
            self._name(painter, box, row_title(row, numbers.get(row.id, 1)), tone=tone)
            painter.fillRect(0, place.bottom - 1, WIDTH, 1, colour("line.subtle"))
            painter.restore()
        painter.save()
        painter.setClipRect(0, layout.rows_top, WIDTH, layout.strip_top - layout.rows_top)
        for number, lane in enumerate(self._view.scene().lanes):
            top = layout.lanes_top + number * layout.feature_height
            painter.fillRect(0, top, WIDTH, 1, colour("line.subtle"))
            box = QRectF(36, top, WIDTH - 40, layout.feature_height)
            self._name(painter, box, lane.name, tone="text.2", weight=QFont.Weight.Normal)
        painter.restore()
        painter.fillRect(0, layout.strip_top, WIDTH, 1, colour("line.subtle"))
        painter.drawPixmap(
            12, layout.strip_top + 6, self._theme.pixmap("export", "text.2", 16, self.devicePixelRatioF())
        )
        self._name(painter, QRectF(36, layout.strip_top, WIDTH - 40, STRIP), "Export")
        painter.fillRect(0, 0, WIDTH, RULER, colour("surface.2"))
        self._name(painter, QRectF(12, 0, 120, RULER), "Tracks", tone="text.3", weight=QFont.Weight.Normal)
        painter.fillRect(0, RULER, WIDTH, MARKERS, colour("surface.1"))
        painter.drawPixmap(12, RULER + 2, self._theme.pixmap("marker", "text.3", 14, self.devicePixelRatioF()))
        self._name(painter, QRectF(36, RULER, 120, MARKERS), "Markers", tone="text.3", weight=QFont.Weight.Normal)
        painter.fillRect(0, RULER - 1, WIDTH, 1, colour("line.subtle"))
        painter.fillRect(0, RULER + MARKERS - 1, WIDTH, 1, colour("line.subtle"))
        painter.fillRect(WIDTH - 1, 0, 1, self.height(), colour("line.subtle"))

    def _name(
        self,
        painter: QPainter,
        box: QRectF,
        text: str,
        tone: str = "text.1",
        weight: QFont.Weight = QFont.Weight.Medium,
    ) -> None:
        font = QFont(self.font())
        font.setPixelSize(11)
        font.setWeight(weight)
        painter.setFont(font)
        painter.setPen(self._theme.colour(tone))
        shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(box.width()))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)
