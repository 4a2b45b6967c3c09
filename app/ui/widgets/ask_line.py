"""A small field that pops up beside what it concerns, for one line of text: a name, a reason."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QLineEdit, QVBoxLayout, QWidget

from app.ui.widgets.buttons import ButtonKind, push_button
from app.ui.widgets.labels import Role, label
from app.ui.widgets.layouts import row


class AskLine(QFrame):
    """Asks for one line; Enter or the button takes it, Escape or a click elsewhere puts the field away."""

    def __init__(self, question: str, answer: str, button: str, taken: Callable[[str], None], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("askLine")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._taken = taken
        self.field = QLineEdit(answer, self)
        self.field.setAccessibleName(question)
        self.field.selectAll()
        self.field.returnPressed.connect(self._take)
        self.button = push_button(button, ButtonKind.PRIMARY)
        self.button.clicked.connect(self._take)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        layout.addWidget(label(question, Role.HEAD))
        layout.addWidget(self.field)
        layout.addLayout(row(None, self.button))
        self.setMinimumWidth(280)

    def ask_below(self, widget: QWidget) -> None:
        """Show the field below a widget, inside the screen."""
        self.adjustSize()
        place = widget.mapToGlobal(QPoint(0, widget.height() + 4))
        room = widget.screen().availableGeometry()
        place.setX(max(room.left(), min(place.x(), room.right() - self.width())))
        place.setY(max(room.top(), min(place.y(), room.bottom() - self.height())))
        self.move(place)
        self.show()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def _take(self) -> None:
        text = self.field.text().strip()
        self.close()
        self._taken(text)
