"""The state of a take or a patch, as glyph and word."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import Role, dress
from engine.model.patch import ReviewState

GLYPHS = {
    ReviewState.DRAFT: "pencil",
    ReviewState.PROPOSED: "hourglass",
    ReviewState.APPROVED: "check",
    ReviewState.REJECTED: "cross",
    ReviewState.STALE: "warning",
}


class StateBadge(QWidget):
    """A badge of 18 points height."""

    def __init__(self, theme: Theme, state: ReviewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._glyph = QLabel(self)
        self._word = QLabel(self)
        dress(self._word, Role.SMALL, "1")
        self._glyph.setProperty("part", "glyph")
        self._word.setProperty("part", "word")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._glyph)
        layout.addWidget(self._word)
        self.setFixedHeight(18)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_state(state)
        theme.changed.connect(self._draw)

    def show_state(self, state: ReviewState) -> None:
        """Show another state."""
        self._state = state
        self._draw()

    def _draw(self) -> None:
        kind = self._state.value
        self._glyph.setPixmap(self._theme.pixmap(GLYPHS[self._state], f"{kind}.fg", 12, self.devicePixelRatioF()))
        self._word.setText(kind.capitalize())
        for part in (self._glyph, self._word):
            part.setProperty("badge", kind)
            part.style().unpolish(part)
            part.style().polish(part)
        self._glyph.setFixedHeight(18)
        self._word.setFixedHeight(18)
        self.setAccessibleName(kind.capitalize())
