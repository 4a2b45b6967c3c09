"""The bar above the picture: how to compare, what to show, how large."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from app.ui.actions import ActionButton
from app.ui.context import Context
from app.ui.viewer.picture_view import GAINS, Compare, PictureView
from app.ui.widgets import Role, Segmented, label, row

_RESOLUTIONS = ((1, "Full"), (2, "Half"), (4, "Quarter"))
_ZOOMS = (25, 50, 100, 200, 400)
_ROOM_FOR_HINT = 760
_SEGMENTS = (Compare.BEFORE, Compare.WIPE, Compare.AFTER, Compare.HEAT)


class ViewerHead(QWidget):
    """40 points high."""

    def __init__(self, context: Context, view: PictureView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(40)
        self._context = context
        self._view = view
        self._modes = Segmented(
            context.theme,
            (
                (Compare.BEFORE.value, "Before", "before"),
                (Compare.WIPE.value, "Wipe", "wipe"),
                (Compare.AFTER.value, "After", "after"),
                (Compare.HEAT.value, "Heat map", "heat-map"),
            ),
            "Compare",
        )
        self._modes.setFixedHeight(30)
        self._modes.chosen.connect(self._choose)
        self._hint = label("Hold ` for before", Role.BODY, "3")
        self._gains = self._menu_button("Amplification of the heat map")
        self._zooms = self._menu_button("Zoom")
        self._sizes = self._menu_button("Resolution of the picture")
        self._fill_gains()
        self._fill_zooms()
        self._fill_sizes()
        self.setLayout(
            row(
                self._modes,
                None,
                self._hint,
                self._gains,
                ActionButton(context.actions, "view.mask"),
                ActionButton(context.actions, "view.safe_areas"),
                self._sizes,
                self._zooms,
                margins=(8, 0, 8, 0),
            )
        )
        view.view_changed.connect(self._show)
        context.session.settings.changed.connect(self._show)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._hint.setVisible(self.width() >= _ROOM_FOR_HINT)

    def _menu_button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName("menuButton")
        button.setAccessibleName(name)
        button.setToolTip(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setIcon(self._context.theme.icon("chevron-down"))
        button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        menu = QMenu(button)
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        button.setMenu(menu)
        return button

    def _entry(self, button: QToolButton, group: QActionGroup, text: str, data: object) -> QAction:
        entry = QAction(text, group)
        entry.setCheckable(True)
        entry.setData(data)
        menu = button.menu()
        assert menu is not None
        menu.addAction(entry)
        return entry

    def _fill_gains(self) -> None:
        self._gain_group = QActionGroup(self)
        for gain in GAINS:
            self._entry(self._gains, self._gain_group, f"× {gain}", gain)
        self._gain_group.triggered.connect(self._choose_gain)

    def _fill_zooms(self) -> None:
        self._zoom_group = QActionGroup(self)
        self._entry(self._zooms, self._zoom_group, "Fit", 0)
        for percent in _ZOOMS:
            self._entry(self._zooms, self._zoom_group, f"{percent}%", percent)
        self._zoom_group.triggered.connect(self._choose_zoom)

    def _fill_sizes(self) -> None:
        self._size_group = QActionGroup(self)
        for scale, name in _RESOLUTIONS:
            self._entry(self._sizes, self._size_group, name, scale)
        self._size_group.triggered.connect(self._choose_size)

    @Slot(str)
    def _choose(self, key: str) -> None:
        self._view.set_compare(Compare(key))

    @Slot(QAction)
    def _choose_gain(self, entry: QAction) -> None:
        self._view.set_gain(int(entry.data()))

    @Slot(QAction)
    def _choose_zoom(self, entry: QAction) -> None:
        percent = int(entry.data())
        self._view.set_zoom(percent or None)

    @Slot(QAction)
    def _choose_size(self, entry: QAction) -> None:
        self._context.session.settings.set(preview_scale=int(entry.data()))

    @Slot()
    def _show(self) -> None:
        view = self._view
        if view.compare in _SEGMENTS:
            self._modes.choose(view.compare.value)
        else:
            self._modes.choose_none()
        self._gains.setVisible(view.compare is Compare.HEAT)
        self._gains.setText(f"× {view.gain}")
        fits = view.view_map.zoom is None
        percent = f"{view.view_map.percent:.0f}%"
        self._zooms.setText(f"Fit {percent}" if fits else percent)
        scale = self._context.session.settings.choices.preview_scale
        self._sizes.setText(dict(_RESOLUTIONS).get(scale, "Full"))
        for entry in self._zoom_group.actions():
            entry.setChecked(entry.data() == (0 if fits else round(view.view_map.percent)))
        for entry in self._size_group.actions():
            entry.setChecked(entry.data() == scale)
        for entry in self._gain_group.actions():
            entry.setChecked(entry.data() == view.gain)
