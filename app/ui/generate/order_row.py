"""One order: where it is, what it asks, the ways out."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.session.generating import Ordered
from app.ui.generate.words import Said, WayOut, said
from app.ui.theme import Theme
from app.ui.widgets import ButtonKind, Role, label, push_button
from app.ui.widgets.labels import set_tone

_TICK_MS = 500


class OrderRow(QFrame):
    """A message that counts while it waits.

    Signals:
        chosen(Ordered, WayOut): a button was pressed.
    """

    chosen = Signal(object, object)

    def __init__(
        self,
        theme: Theme,
        entry: Ordered,
        without: frozenset[WayOut] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.entry = entry
        self._theme = theme
        self._without = without
        self._ways: tuple[WayOut, ...] = ()
        self.buttons: dict[WayOut, QPushButton] = {}
        self._sign = QLabel()
        self._sign.setFixedWidth(20)
        self._what = label("", Role.NAME)
        self._why = label("", Role.SMALL, "2")
        for text in (self._what, self._why):
            text.setWordWrap(True)
        self._row = QHBoxLayout()
        self._row.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._what)
        words.addWidget(self._why)
        words.addLayout(self._row)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 8, 8, 8)
        layout.setSpacing(4)
        layout.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.refresh)
        theme.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the order as it stands."""
        now = said(self.entry)
        self._what.setText(now.what)
        self._why.setText(now.why)
        self._why.setVisible(bool(now.why))
        set_tone(self._what, "error" if now.is_error else "1")
        self.setAccessibleName(f"{self.entry.prompt}: {now.what} {now.why}")
        icon, token = self._icon(now)
        self._sign.setPixmap(self._theme.pixmap(icon, token, 16, self.devicePixelRatioF()))
        ways = tuple(way for way in now.ways if way not in self._without)
        if ways != self._ways:
            self._show_ways(ways)
        waits = self.entry.running is not None or self.entry.retry_at is not None
        if waits and not self._timer.isActive():
            self._timer.start()
        elif not waits:
            self._timer.stop()

    def _icon(self, now: Said) -> tuple[str, str]:
        if now.is_error:
            return "cross", "rejected.fg"
        if self.entry.running is not None:
            return "clock", "text.2"
        if self.entry.is_in_film:
            return "check", "approved.fg"
        return "send", "text.2"

    def _show_ways(self, ways: tuple[WayOut, ...]) -> None:
        self._ways = ways
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.buttons = {}
        for way in ways:
            button = push_button(way.value, ButtonKind.LINK)
            button.clicked.connect(partial(self._pressed, way))
            self.buttons[way] = button
            self._row.addWidget(button)
        self._row.addStretch(1)

    def _pressed(self, way: WayOut, *_checked: bool) -> None:
        self.chosen.emit(self.entry, way)
