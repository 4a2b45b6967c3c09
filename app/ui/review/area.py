"""The middle of the Review workspace: linked views of the frame, the transport, and the follow strip."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.review.follow_strip import FollowStrip
from app.ui.review.review_view import ReviewView
from app.ui.viewer.findings import Findings, findings
from app.ui.viewer.picture_view import GAINS, Compare, PictureView
from app.ui.viewer.transport_bar import TransportBar
from app.ui.widgets import Role, Segmented, column, icon_button, label, row

_FINDINGS = "review"
_SETTLED_MS = 80
_ROOM_FOR_WORDS = 800


class ReviewArea(QWidget):
    """Before, after, heat map and close-up; or one large view with a wipe, or that flickers, above the latter two."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Review")
        self._context = context
        self._session = context.session
        self.before = ReviewView(context, "Before", Compare.BEFORE)
        self.after = ReviewView(context, "After", Compare.AFTER)
        self.heat = ReviewView(context, "Heat map", Compare.HEAT)
        self.near = ReviewView(context, "Close-up", Compare.WIPE)
        self.large = ReviewView(context, "Comparison", Compare.WIPE)
        self.strip = FollowStrip(context)
        self.transport = TransportBar(context, self.after)
        self._views = (self.before, self.after, self.heat, self.near, self.large)
        self._linked = (self.before, self.after, self.heat, self.large)
        self._links = True
        self._setting = False
        self._closed_up: tuple[str, int] | None = None
        self._found: Findings | None = None
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)
        self._grid.addWidget(self.before, 0, 0)
        self._grid.addWidget(self.after, 0, 1)
        self._grid.addWidget(self.large, 0, 0, 1, 2)
        self._grid.addWidget(self.heat, 1, 0)
        self._grid.addWidget(self.near, 1, 1)
        for at in (0, 1):
            self._grid.setRowStretch(at, 1)
            self._grid.setColumnStretch(at, 1)
        layout = column(self._head(), gap=4)
        layout.addLayout(self._grid, 1)
        layout.addWidget(self.transport)
        layout.addWidget(self.strip)
        self.setLayout(layout)
        for view in self._linked:
            view.view_changed.connect(self._follow_view)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SETTLED_MS)
        self._soon.timeout.connect(self._look)
        self.after.frame_shown.connect(self._frame_shown)
        self.large.frame_shown.connect(self._frame_shown)
        session = self._session
        session.preview.worked.connect(self._worked)
        session.preview.scene_changed.connect(self._look)
        session.selection.changed.connect(self._look)
        session.following.changed.connect(self._look)
        session.transport.playing_changed.connect(self._look)
        self._show_way("side")

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""

        def outside() -> str:
            return "" if self.isVisible() else "Go to the Review workspace first"

        ways = (("side", "Compare side by side"), ("wipe", "Compare with a wipe"), ("flicker", "Compare by flicker"))
        specs = [
            ActionSpec(
                f"review.{key}",
                text,
                "View/Review",
                partial(self._show_way, key),
                hindrance=outside,
                is_on=partial(self._is_way, key),
                section=50,
            )
            for key, text in ways
        ]
        toggles: tuple[tuple[str, str, str, Callable[[], None], Callable[[], bool]], ...] = (
            ("link", "Move all views together", "link", self._toggle_links, lambda: self._links),
            ("outline", "Show the patch's outline", "region", self._toggle_outline, lambda: self._outlined),
        )
        specs += [
            ActionSpec(f"review.{id}", text, "View/Review", run, "", icon, outside, is_on, 60)
            for id, text, icon, run, is_on in toggles
        ]
        return specs

    # --- the head ---------------------------------------------------------------------------------------------------

    def _head(self) -> QWidget:
        theme = self._context.theme
        self._ways = Segmented(
            theme,
            (
                ("side", "Side by side", "side-by-side"),
                ("wipe", "Wipe", "wipe"),
                ("flicker", "Flicker", "flicker"),
            ),
            "Compare",
        )
        self._ways.setFixedHeight(30)
        self._ways.chosen.connect(self._show_way)
        self._outlined = True
        self._outline_button = _toggle(icon_button(theme, "region", "Show the patch's outline"), on=True)
        self._outline_button.clicked.connect(self._toggle_outline)
        self._gains = Segmented(theme, [(str(gain), f"× {gain}", "") for gain in GAINS], "Amplification")
        self._gains.setFixedHeight(30)
        self._gains.choose(str(self.heat.gain))
        self._gains.chosen.connect(self._set_gain)
        self._link_button = _toggle(icon_button(theme, "link", "Move all views together"), on=True)
        self._link_button.clicked.connect(self._toggle_links)
        self._link_words = label("All views move together", Role.BODY, "3")
        head = QWidget(self)
        head.setObjectName("bar")
        head.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        head.setFixedHeight(40)
        head.setLayout(
            row(
                self._ways,
                self._outline_button,
                None,
                label("Heat map", Role.BODY, "2"),
                self._gains,
                self._link_words,
                self._link_button,
                margins=(8, 0, 8, 0),
            )
        )
        return head

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        # The button's tooltip says it too; the names of the ways of looking are worth more.
        self._link_words.setVisible(self.width() >= _ROOM_FOR_WORDS)

    @Slot(str)
    def _show_way(self, key: str) -> None:
        self._way = key
        self._ways.choose(key)
        large = key != "side"
        self.before.setVisible(not large)
        self.after.setVisible(not large)
        self.large.setVisible(large)
        self.setFocusProxy(self.large if large else self.after)
        if large:
            self.large.set_compare(Compare.WIPE if key == "wipe" else Compare.FLICKER)
        self._look()

    def _is_way(self, key: str) -> bool:
        return self._way == key

    @Slot(str)
    def _set_gain(self, key: str) -> None:
        self.heat.set_gain(int(key))

    @Slot()
    def _toggle_links(self) -> None:
        self._links = not self._links
        self._link_button.setChecked(self._links)

    @Slot()
    def _toggle_outline(self) -> None:
        self._outlined = not self._outlined
        self._outline_button.setChecked(self._outlined)
        for view in self._views:
            view.show_outline(self._outlined)

    @Slot()
    def _follow_view(self) -> None:
        """Zoom and place all views as the one that was moved."""
        moved = self.sender()
        if self._setting or not self._links or not isinstance(moved, PictureView) or not moved.isVisible():
            return
        self._setting = True
        for view in self._linked:
            if view is not moved:
                view.set_view(moved.view_map)
        self._setting = False

    # --- what is found ----------------------------------------------------------------------------------------------

    @Slot(int)
    def _frame_shown(self, frame: int) -> None:
        sender = self.sender()
        if isinstance(sender, PictureView) and sender.isVisible():
            self._session.playback.note_shown(frame)
            self._soon.start()

    @Slot()
    def _look(self) -> None:
        view = self.large if self._way != "side" else self.after
        scene, frame = self._session.preview.scene, view.shown_frame
        if scene is None or frame is None or self._session.transport.is_playing or not self.isVisible():
            return
        patch = self._session.selection.patch
        self._session.preview.work_out(_FINDINGS, lambda scene: findings(scene, frame, patch))

    def showEvent(self, event: object) -> None:
        self._look()

    @Slot(str, object)
    def _worked(self, view: str, result: object) -> None:
        if view != _FINDINGS or not isinstance(result, Findings):
            return
        self._found = result
        patch = self._session.selection.patch
        take = None if patch is None else patch.picked
        name = "After"
        if patch is not None and take is not None:
            name = f"After · {take.name or f'Take {patch.takes.index(take) + 1}'}"
        for shown in self._views:
            shown.take(result, name, counts=shown in (self.after, self.large))
        self.before.set_label("Before")
        self.after.set_label(name)
        chosen = None if result.patch_id is None else (result.patch_id, result.frame)
        if result.outlines and chosen != self._closed_up:
            self._closed_up = chosen
            self.near.close_up()


def _toggle(button: QToolButton, *, on: bool) -> QToolButton:
    button.setCheckable(True)
    button.setChecked(on)
    return button
