"""One take: its picture with what is known of it, as a card or as a row."""

from __future__ import annotations

import logging
from enum import Enum

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.session.take_pictures import TakePictures
from app.ui.takes.words import cost_text, maker_title, remark, take_state, take_title, tooltip
from app.ui.theme import Theme
from app.ui.theme.theme import PICTURE_LABEL, STAR
from app.ui.widgets.badge import GLYPHS
from engine.model.patch import Patch, ReviewState, Take

_log = logging.getLogger(__name__)
PICTURE = QSize(240, 136)
"""The size in which pictures are asked for; drawn at half of it and sharp on dense screens."""
_ROW_PICTURE = QSize(132, 80)
_WORDS_HEIGHT = 40
_MOST_TITLE = 60


class Form(Enum):
    """How takes stand in the panel."""

    CARDS = "cards"
    ROWS = "rows"


class TakeCard(QAbstractButton):
    """A take that can be picked.

    Signals:
        star_wanted: its star was clicked. step_wanted(int): the next or the former take by the arrow keys.
    """

    star_wanted = Signal()
    step_wanted = Signal(int)

    def __init__(self, theme: Theme, pictures: TakePictures, form: Form, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pictures = pictures
        self._form = form
        self.patch: Patch | None = None
        self.take: Take | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._repaint)
        pictures.arrived.connect(self._repaint)

    def show_take(self, patch: Patch, take: Take) -> None:
        """Show a take of a patch."""
        self.patch, self.take = patch, take
        state = take_state(patch, take)
        words = [take_title(patch, take), "pick" if take.id == patch.pick else "", state.value, maker_title(take)]
        words += [cost_text(take), "starred" if take.starred else "", take.rejected_because]
        self.setAccessibleName(", ".join(word for word in words if word))
        self.setToolTip(tooltip(patch, take))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(112, self.heightForWidth(112)) if self._form is Form.CARDS else QSize(300, 96)

    def minimumSizeHint(self) -> QSize:
        return QSize(96, self.sizeHint().height())

    def hasHeightForWidth(self) -> bool:
        return self._form is Form.CARDS

    def heightForWidth(self, width: int) -> int:
        return _picture_height(width) + _WORDS_HEIGHT

    @property
    def star_place(self) -> QRect:
        """Return where the star is."""
        picture = self._picture_place()
        return QRect(picture.right() - 22, picture.top() + 2, 20, 20)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.star_place.contains(event.position().toPoint()):
            self.star_wanted.emit()
            return
        super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
        if event.key() in steps:
            self.step_wanted.emit(steps[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.patch is None or self.take is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        try:
            self._paint(painter, self.patch, self.take)
        except Exception:
            _log.exception("a take could not be painted")
        finally:
            painter.end()

    def _paint(self, painter: QPainter, patch: Patch, take: Take) -> None:
        colour = self._theme.colour
        picked = take.id == patch.pick
        rows = self._form is Form.ROWS
        if rows and (picked or self.underMouse()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent.selected" if picked else "surface.2"))
            painter.drawRoundedRect(self.rect(), 3, 3)
        picture = self._picture_place()
        rejected = take_state(patch, take) is ReviewState.REJECTED
        self._draw_picture(painter, picture, self._pictures.find(patch, take, PICTURE), faded=rejected)
        if picked:
            painter.setPen(QPen(colour("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(picture.adjusted(1, 1, -1, -1), 3, 3)
            self._draw_pick(painter, picture)
        if take.starred or self.underMouse() or self.hasFocus():
            self._draw_star(painter, filled=take.starred)
        if rows:
            self._draw_row_words(painter, patch, take, picture)
        else:
            self._draw_card_words(painter, patch, take, picture)
        if self.hasFocus():
            painter.setPen(QPen(colour("focus"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)

    def _picture_place(self) -> QRect:
        if self._form is Form.ROWS:
            return QRect(QPoint(8, 8), _ROW_PICTURE)
        # Where the panel is low the picture gives way, not the words.
        return QRect(0, 0, self.width(), min(_picture_height(self.width()), self.height() - _WORDS_HEIGHT))

    def _draw_picture(self, painter: QPainter, place: QRect, image: QImage | None, *, faded: bool) -> None:
        path = QPainterPath()
        path.addRoundedRect(place, 3, 3)
        painter.save()
        painter.setClipPath(path)
        painter.fillRect(place, self._theme.colour("surface.2"))
        if image is not None:
            painter.setOpacity(0.45 if faded else 1.0)
            shape = image.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatioByExpanding)
            target = QRect(QPoint(0, 0), shape)
            target.moveCenter(place.center())
            painter.drawImage(target, image)
        painter.restore()

    def _draw_pick(self, painter: QPainter, picture: QRect) -> None:
        painter.setFont(self._font(10, QFont.Weight.DemiBold))
        width = painter.fontMetrics().horizontalAdvance("Pick") + 12
        chip = QRect(picture.left() + 5, picture.top() + 5, width, 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("accent.fill"))
        painter.drawRoundedRect(chip, 3, 3)
        painter.setPen(self._theme.colour("accent.on"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, "Pick")

    def _draw_star(self, painter: QPainter, *, filled: bool) -> None:
        place = self.star_place
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(PICTURE_LABEL)
        painter.drawRoundedRect(place, 3, 3)
        ratio = self.devicePixelRatioF()
        pixmap = self._theme.pixmap("star-filled" if filled else "star", "marker", 14, ratio)
        if filled:
            tinted = QPainter(pixmap)
            tinted.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
            tinted.fillRect(pixmap.rect(), STAR)
            tinted.end()
        painter.drawPixmap(place.left() + 3, place.top() + 3, pixmap)

    def _draw_card_words(self, painter: QPainter, patch: Patch, take: Take, picture: QRect) -> None:
        line = QRect(0, picture.bottom() + 4, self.width(), 18)
        painter.setFont(self._font(12, QFont.Weight.Medium))
        needs = min(painter.fontMetrics().horizontalAdvance(take_title(patch, take)) + 4, _MOST_TITLE)
        badge = self._draw_badge(painter, take_state(patch, take), line, needs)
        self._draw_text(painter, QRect(0, line.top(), badge - 2, 18), take_title(patch, take), "text.1", medium=True)
        foot = QRect(0, line.bottom() + 1, self.width(), 16)
        cost = cost_text(take)
        painter.setFont(self._font(11, QFont.Weight.Normal))
        width = painter.fontMetrics().horizontalAdvance(cost)
        painter.setPen(self._theme.colour("text.2"))
        painter.drawText(foot, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, cost)
        self._draw_text(
            painter, foot.adjusted(0, 0, -width - 6, 0), maker_title(take).removeprefix("Google "), "text.2", size=11
        )

    def _draw_row_words(self, painter: QPainter, patch: Patch, take: Take, picture: QRect) -> None:
        left, right = picture.right() + 12, self.width() - 10
        line = QRect(left, 10, right - left, 18)
        badge = self._draw_badge(painter, take_state(patch, take), line, _MOST_TITLE)
        title = QRect(left, 10, badge - left - 6, 18)
        self._draw_text(painter, title, take_title(patch, take), "text.1", size=13, medium=True)
        second = QRect(left, 32, right - left, 18)
        cost = cost_text(take)
        painter.setFont(self._font(12, QFont.Weight.Normal))
        width = painter.fontMetrics().horizontalAdvance(cost)
        painter.setPen(self._theme.colour("text.2"))
        painter.drawText(second, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, cost)
        self._draw_text(painter, second.adjusted(0, 0, -width - 6, 0), maker_title(take), "text.2")
        painter.setFont(self._font(12, QFont.Weight.Normal))
        painter.setPen(self._theme.colour("text.2"))
        room = QRect(left, 51, right - left, 34)
        words = painter.fontMetrics().elidedText(
            remark(patch, take), Qt.TextElideMode.ElideRight, room.width() * 2 - 20
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap, words)

    def _draw_badge(self, painter: QPainter, state: ReviewState, line: QRect, title: int) -> int:
        """Paint the badge at the right end of a line, beside a title of that many points; return where it begins."""
        kind, word = state.value, state.value.capitalize()
        painter.setFont(self._font(11, QFont.Weight.Medium))
        words = painter.fontMetrics().horizontalAdvance(word)
        # In a narrow card the glyph has to do; the word is in the tooltip and the name.
        wide = line.width() - title >= words + 24
        width = words + 24 if wide else 20
        box = QRect(line.right() + 1 - width, line.top(), width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour(f"{kind}.bg"))
        painter.drawRoundedRect(box, 4, 4)
        glyph = self._theme.pixmap(GLYPHS[state], f"{kind}.fg", 12, self.devicePixelRatioF())
        painter.drawPixmap(box.left() + 4, box.top() + 3, glyph)
        if wide:
            painter.setPen(self._theme.colour(f"{kind}.fg"))
            painter.drawText(box.adjusted(19, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, word)
        return box.left()

    def _draw_text(
        self, painter: QPainter, place: QRect, text: str, token: str, *, size: int = 12, medium: bool = False
    ) -> None:
        painter.setFont(self._font(size, QFont.Weight.Medium if medium else QFont.Weight.Normal))
        painter.setPen(self._theme.colour(token))
        cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, cut)

    def _font(self, size: int, weight: QFont.Weight) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(size)
        font.setWeight(weight)
        return font

    def _repaint(self) -> None:
        self.update()


def _picture_height(width: int) -> int:
    return round(width * 0.56)
