"""The picture, the tools on it, and the transport below."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QPushButton, QStackedWidget, QWidget

from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.viewer.canvas import Canvas
from app.ui.viewer.commands import ViewerCommands
from app.ui.viewer.full_screen import FullScreen
from app.ui.viewer.head import ViewerHead
from app.ui.viewer.keys import KeyRouter
from app.ui.viewer.picture_view import PictureView
from app.ui.viewer.tool_strip import ToolStrip
from app.ui.viewer.transport_bar import TransportBar
from app.ui.widgets import EmptyState, column, push_button, row


class ViewerArea(QWidget):
    """Head, tools, picture, transport."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Viewer")
        self._context = context
        self.canvas = Canvas(context)
        self.head = ViewerHead(context, self.canvas)
        self.tools = ToolStrip(context)
        self.transport = TransportBar(context, self.canvas)
        self._empty = _empty(context)
        self._full: FullScreen | None = None
        self._stack = QStackedWidget()
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self._empty)
        middle = row(self.tools, gap=0)
        middle.addWidget(self._stack, 1)
        layout = column(self.head, gap=0)
        layout.addLayout(middle, 1)
        layout.addWidget(self.transport)
        self.setLayout(layout)
        self.setFocusProxy(self.canvas)
        self._commands = ViewerCommands(context, self.canvas, self._show_full_screen)
        self._router = KeyRouter(self._keys_for_before, self._hold_before, (PictureView,), self)
        app = QApplication.instance()
        assert app is not None
        app.installEventFilter(self._router)
        self.canvas.refused.connect(context.notices.say)
        self.canvas.view_changed.connect(context.actions.refresh_soon)
        document = context.session.document
        for signal in (document.opened, document.closed, document.changed):
            signal.connect(self._show)
        self._show()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        return self._commands.specs()

    @Slot()
    def _show(self) -> None:
        document = self._context.session.document
        self._stack.setCurrentWidget(self.canvas if document.project.frame_count else self._empty)

    def _keys_for_before(self) -> list[QKeySequence]:
        actions = self._context.actions
        if not actions.has("view.hold_before"):
            return []
        return [QKeySequence(text.strip()) for text in actions.keys("view.hold_before").split("; ") if text.strip()]

    def _hold_before(self, held: bool) -> None:
        for view in self.window().findChildren(PictureView):
            if view.isVisible():
                view.hold_before(held)

    def _show_full_screen(self) -> None:
        """Show the picture alone on the whole screen, or come back from there."""
        if self._full is not None:
            self._full.close()
            return
        self._full = FullScreen(self._context, self.canvas, self)
        self._full.destroyed.connect(self._left_full_screen)
        self._full.showFullScreen()
        self._full.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _left_full_screen(self) -> None:
        self._full = None
        self.canvas.refresh()


def _empty(context: Context) -> EmptyState:
    button: QPushButton = push_button("Open a video…")
    button.clicked.connect(partial(_run, context, "file.open_video"))
    state = EmptyState("Drop a finished film here", button)
    state.setObjectName("panel")
    state.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return state


def _run(context: Context, id: str) -> None:
    if context.actions.has(id):
        context.actions.action(id).trigger()
