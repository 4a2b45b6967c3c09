"""A message in its place: what happened, why, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import ButtonKind, icon_button, push_button
from app.ui.widgets.focus import release_focus
from app.ui.widgets.icon_label import IconLabel
from app.ui.widgets.labels import Role, label
from app.ui.widgets.layouts import row


class Tone(Enum):
    """How serious a message is."""

    PLAIN = "plain"
    WARNING = "warning"
    ERROR = "error"
    GOOD = "good"


_WIDE_PX = 640
_ICONS = {Tone.PLAIN: "info", Tone.WARNING: "warning", Tone.ERROR: "cross", Tone.GOOD: "check"}
_TOKENS = {Tone.PLAIN: "text.2", Tone.WARNING: "stale.fg", Tone.ERROR: "rejected.fg", Tone.GOOD: "approved.fg"}


@dataclass(frozen=True, slots=True)
class BannerAction:
    """A button of a banner."""

    text: str
    run: Callable[[], None]
    kind: ButtonKind = ButtonKind.PLAIN


class Banner(QFrame):
    """A message with up to three buttons; `closed` when the person puts it away."""

    closed = Signal()

    def __init__(
        self,
        theme: Theme,
        tone: Tone,
        what: str,
        why: str = "",
        actions: Sequence[BannerAction] = (),
        parent: QWidget | None = None,
        *,
        controls: Sequence[QWidget] = (),
    ) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("tone", tone.value)
        self.setAccessibleName(f"{what} {why}".strip())
        sign = IconLabel(theme, _ICONS[tone], _TOKENS[tone])
        self.what = label(what, Role.HEAD)
        self.why = label(why)
        for text in (self.what, self.why):
            text.setWordWrap(True)
            text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.why.setVisible(bool(why))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.what)
        words.addWidget(self.why)
        buttons = [*controls]
        for action in actions:
            button = push_button(action.text, action.kind)
            button.clicked.connect(action.run)
            buttons.append(button)
        self._content = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._content.setSpacing(8)
        self._content.addLayout(words, 1)
        if buttons:
            self._content.addLayout(row(*buttons, None))
        self._closer = close = icon_button(theme, "close", "Put this message away", size=24)
        close.clicked.connect(self.put_away)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(8)
        layout.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(self._content, 1)
        layout.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # Where there is room the buttons stand beside the words, and the message takes less of the picture's.
        is_wide = self.width() >= _WIDE_PX
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._content.setDirection(beside if is_wide else below)
        layout = self.layout()
        if layout is not None:
            at = Qt.AlignmentFlag.AlignVCenter if is_wide else Qt.AlignmentFlag.AlignTop
            layout.setAlignment(self._closer, at)

    def put_away(self) -> None:
        """Take the message off; for good."""
        release_focus(self)
        self.hide()
        self.closed.emit()
        self.deleteLater()
