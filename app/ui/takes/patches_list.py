"""All patches of the film as a list to go through: what is still to be decided first, then what is done."""

from __future__ import annotations

import logging

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Slot
from PySide6.QtGui import QFont, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.takes.card import PICTURE
from app.ui.widgets import ButtonKind, EmptyState, Panel, Role, Segmented, label, push_button, row, scrolled
from app.ui.widgets.badge import GLYPHS
from app.ui.words import timecode
from engine.model.patch import Patch, ReviewState
from engine.model.placement import timeline_ranges

_DONE = (ReviewState.APPROVED, ReviewState.REJECTED)
_PICTURE, _SMALL_PICTURE = QSize(84, 48), QSize(70, 40)
_NARROW_PX = 250
_log = logging.getLogger(__name__)


class PatchRow(QAbstractButton):
    """One patch: its pick, its name, where it is, its state."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.patch: Patch | None = None
        self._where = ""
        self._chosen = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(64)
        context.theme.changed.connect(self._repaint)
        context.session.take_pictures.arrived.connect(self._repaint)

    def show_patch(self, patch: Patch, where: str, *, chosen: bool) -> None:
        """Show a patch."""
        self.patch, self._where, self._chosen = patch, where, chosen
        self.setAccessibleName(f"{patch.name or 'Patch'}, {where}, {patch.state.value}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.patch is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        try:
            self._paint(painter, self.patch)
        except Exception:
            _log.exception("a patch could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter, patch: Patch) -> None:
        colour = self._context.theme.colour
        if self._chosen or self.underMouse():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent.selected" if self._chosen else "surface.2"))
            painter.drawRoundedRect(self.rect(), 3, 3)
        # In a narrow list the picture gives way, so that no number is cut.
        shape = _PICTURE if self.width() >= _NARROW_PX else _SMALL_PICTURE
        place = QRect(QPoint(8, 8), shape)
        path = QPainterPath()
        path.addRoundedRect(place, 3, 3)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(place, colour("surface.2"))
        image = self._context.session.take_pictures.find(patch, patch.picked, PICTURE)
        if image is not None:
            target = QRect(QPoint(0, 0), image.size().scaled(shape, Qt.AspectRatioMode.KeepAspectRatioByExpanding))
            target.moveCenter(place.center())
            painter.drawImage(target, image)
        painter.restore()
        left, room = place.right() + 10, self.width() - place.right() - 18
        font = QFont(self.font())
        font.setWeight(QFont.Weight.Medium)
        painter.setFont(font)
        painter.setPen(colour("text.1"))
        name = painter.fontMetrics().elidedText(patch.name or "Patch", Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, 6, room, 16), Qt.AlignmentFlag.AlignVCenter, name)
        font.setWeight(QFont.Weight.Normal)
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(colour("text.2"))
        where = painter.fontMetrics().elidedText(self._where, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, 22, room, 16), Qt.AlignmentFlag.AlignVCenter, where)
        kind = patch.state.value
        font.setWeight(QFont.Weight.Medium)
        painter.setFont(font)
        box = QRect(left, 40, painter.fontMetrics().horizontalAdvance(kind.capitalize()) + 28, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour(f"{kind}.bg"))
        painter.drawRoundedRect(box, 4, 4)
        glyph = self._context.theme.pixmap(GLYPHS[patch.state], f"{kind}.fg", 12, self.devicePixelRatioF())
        painter.drawPixmap(box.left() + 6, box.top() + 3, glyph)
        painter.setPen(colour(f"{kind}.fg"))
        painter.drawText(box.adjusted(22, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, kind.capitalize())
        if self.hasFocus():
            pen = painter.pen()
            pen.setColor(colour("focus"))
            pen.setWidth(2)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 3, 3)

    def _repaint(self) -> None:
        self.update()


class PatchesList(Panel):
    """The patches that are to be decided, or all of them; one that is chosen is shown at its anchor."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Patches", parent)
        self._context = context
        self._document = context.session.document
        self._selection = context.session.selection
        self.which = Segmented(context.theme, (("open", "To decide", ""), ("all", "All", "")), "Which patches")
        self.which.choose("open")
        self.which.chosen.connect(self.refresh)
        self._content = QWidget()
        self._rows_layout = QVBoxLayout(self._content)
        self._rows_layout.setContentsMargins(0, 0, 0, 0)
        self._rows_layout.setSpacing(2)
        self._done_head = label("", Role.NAME, "2")
        self._done_head.setContentsMargins(8, 8, 0, 4)
        self._area = scrolled(self._content)
        self._export = push_button("Export…", ButtonKind.PRIMARY)
        self._export.clicked.connect(self._show_export)
        self.draw = push_button("Draw a region")
        self.draw.setIcon(context.theme.icon("lasso"))
        self.draw.clicked.connect(self._draw)
        self._none = EmptyState("No patches yet. Draw a region on the picture to make the first one.", self.draw)
        self._decided_words = label("", Role.BODY, "3")
        self.body.setContentsMargins(4, 8, 4, 4)
        self.body.addLayout(row(self.which, None, margins=(8, 0, 8, 0)))
        self.body.addWidget(self._area, 1)
        self.body.addWidget(self._none, 1)
        self.body.addWidget(self._decided_words, 0, Qt.AlignmentFlag.AlignHCenter)
        self.body.addWidget(self._export, 0, Qt.AlignmentFlag.AlignHCenter)
        self.rows: list[PatchRow] = []
        for signal in (self._document.opened, self._document.closed, self._document.changed, self._selection.changed):
            signal.connect(self.refresh)
        self.refresh()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return [
            ActionSpec(
                "review.next", "Next patch to decide", "Region", self.show_next, "Ctrl+Shift+N", "next-edit",
                self._none_open, section=30,
            )
        ]  # fmt: skip

    @property
    def open_patches(self) -> list[Patch]:
        """Return the patches that are still to be decided, in the order of the film."""
        return [patch for patch in self._in_order() if patch.state not in _DONE]

    @Slot()
    def refresh(self) -> None:
        """Show the patches as they are now."""
        everything = self._in_order()
        waiting = [patch for patch in everything if patch.state not in _DONE]
        done = [patch for patch in everything if patch.state in _DONE]
        self.head.set_count(len(everything))
        self.which.button("open").setText(f"To decide {len(waiting)}" if waiting else "To decide")
        self.which.button("all").setText(f"All {len(everything)}" if everything else "All")
        shown = waiting if self.which.current == "open" else [*waiting, *done]
        self._rows_layout.removeWidget(self._done_head)
        while len(self.rows) < len(shown):
            made = PatchRow(self._context, self._content)
            made.clicked.connect(self._clicked)
            self.rows.append(made)
            self._rows_layout.insertWidget(len(self.rows) - 1, made)
        while len(self.rows) > len(shown):
            gone = self.rows.pop()
            gone.hide()
            gone.deleteLater()
        if self._rows_layout.count() == len(self.rows):
            self._rows_layout.addStretch(1)
        for one, patch in zip(self.rows, shown, strict=True):
            one.show_patch(patch, self._where(patch), chosen=patch.id in self._selection.items)
        parted = self.which.current == "all" and bool(waiting) and bool(done)
        if parted:
            self._done_head.setText(f"Done {len(done)}")
            self._rows_layout.insertWidget(len(waiting), self._done_head)
        self._done_head.setVisible(parted)
        self._none.setVisible(not everything)
        self._area.setVisible(bool(shown))
        all_decided = bool(everything) and not shown
        approved = sum(patch.state is ReviewState.APPROVED for patch in done)
        self._decided_words.setText(f"Everything is decided. {approved} approved, 0 open.")
        self._decided_words.setVisible(all_decided)
        self._export.setVisible(all_decided and self._context.actions.has("file.export"))

    def show_next(self) -> None:
        """Choose the next patch that is to be decided, after the one that is chosen."""
        waiting = self.open_patches
        if waiting:
            ids = [patch.id for patch in waiting]
            chosen = self._selection.patch
            number = ids.index(chosen.id) + 1 if chosen is not None and chosen.id in ids else 0
            self._go_to(waiting[number % len(waiting)])

    def _clicked(self) -> None:
        row = self.sender()
        if isinstance(row, PatchRow) and row.patch is not None:
            self._go_to(row.patch)

    def _go_to(self, patch: Patch) -> None:
        self._selection.choose(patch.id)
        places = self._document.timeline.showing(patch.source_id, type(patch.frames)(patch.anchor, patch.anchor + 1))
        if places:
            self._context.session.transport.seek(places[0].start)

    def _draw(self) -> None:
        """Go where regions are drawn, with the tool for it in hand."""
        for id in ("view.workspace.region", "tool.lasso"):
            if self._context.actions.has(id):
                self._context.actions.action(id).trigger()

    def _show_export(self) -> None:
        self._context.actions.action("file.export").trigger()

    def _none_open(self) -> str:
        return "" if self.open_patches else "Everything is decided"

    def _in_order(self) -> list[Patch]:
        timeline = self._document.timeline

        def at(patch: Patch) -> int:
            ranges = timeline_ranges(patch, timeline)
            return ranges[0].start if ranges else 1 << 40

        return sorted(self._document.project.patches, key=at)

    def _where(self, patch: Patch) -> str:
        ranges = timeline_ranges(patch, self._document.timeline)
        frames = f"{len(patch.frames):,} frame" + ("" if len(patch.frames) == 1 else "s")
        if not ranges:
            return f"{frames}, not in the film"
        return f"{timecode(ranges[0].start, self._document.project.canvas.rate)} · {frames}"
