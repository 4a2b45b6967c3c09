"""A tool button that runs an action of the table, also where the action is told of later."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QToolButton, QWidget

from app.ui.actions.table import ActionTable


class ActionButton(QToolButton):
    """Shows an action's icon, state and tooltip with its key; the name is read by screen readers."""

    def __init__(self, actions: ActionTable, id: str, parent: QWidget | None = None, *, size: int = 28) -> None:
        super().__init__(parent)
        self._actions = actions
        self._id = id
        self.setFixedSize(size, size)
        self.setIconSize(QSize(16, 16))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        if actions.has(id):
            self._bind()
        else:
            actions.added.connect(self._bind)

    @Slot()
    def _bind(self) -> None:
        if self.defaultAction() is None and self._actions.has(self._id):
            self.setDefaultAction(self._actions.action(self._id))
            self.setAccessibleName(self._actions.spec(self._id).text.rstrip("…"))
