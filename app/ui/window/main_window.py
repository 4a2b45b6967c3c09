"""The main window. It arranges what others made; it knows nothing of what the panels show.

It is made in two steps, so that it shows at once: its frame with the start screen; pages and panels come later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.session.settings import Settings
from app.ui.theme import Theme
from app.ui.widgets import Banner, Panel, empty
from app.ui.window.bottom_bar import BottomBar
from app.ui.window.first_run import FirstRun, paths_of
from app.ui.window.tabs import TabbedPanels
from app.ui.window.top_bar import TopBar

if TYPE_CHECKING:
    # The frame shows before anything of films is loaded.
    from app.session.document import Document
    from app.session.session import Session

LAYOUT_VERSION = 1
"""Layouts kept by another version are not restored."""

_FIRST_SIZE = QSize(1600, 960)
_ROOMY = 640
_TITLE_BAR = 40
"""Points that a system's frame takes of the height."""
_LEFT_WIDTH, _RIGHT_WIDTH, _LEAST_RIGHT = 264, 400, 340
_REVIEWED = 600
"""Height of four takes, as rows, with the numbers below them."""
_LOW = 900
_EMPTY_TAKES, _LEAST_TAKES = 88, 140
_TALL_DETAILS = 320
_SETTLED_MS = 100
_MOST_BANNERS = 3


@dataclass(frozen=True, slots=True)
class Workspace:
    """An arrangement for one kind of work.

    Attributes:
        page: what stands in the middle. docks: which docks show. front: the tabs that come to the front.
    """

    page: str
    docks: frozenset[str]
    front: tuple[str, ...] = ()


WORKSPACES: dict[str, Workspace] = {
    "edit": Workspace("viewer", frozenset({"bin", "details", "timeline"}), ("media", "inspector")),
    "region": Workspace("viewer", frozenset({"bin", "layers", "takes", "details", "timeline"}), ("media", "inspector")),
    "review": Workspace("review", frozenset({"bin", "takes", "details"}), ("patches", "jobs")),
    "deliver": Workspace("deliver", frozenset({"details", "timeline"}), ("jobs",)),
}


class MainWindow(QMainWindow):
    """Bars, docks, and the pages in the middle.

    Signals:
        dropped(list): files dropped where no panel takes them. close_wanted(QCloseEvent): the person closes it.
    """

    dropped = Signal(list)
    close_wanted = Signal(QCloseEvent)

    def __init__(self, settings: Settings, theme: Theme) -> None:
        super().__init__()
        self.setWindowTitle("Deltacut")
        self.setObjectName("main")
        self.setAcceptDrops(True)
        self.setMinimumSize(1024, 640)
        self.resize(_FIRST_SIZE)
        self._settings = settings
        self._theme = theme
        self._document: Document | None = None
        self._workspace = "region"
        self._docks: dict[str, QDockWidget] = {}
        self._unsized = True
        self._lent: tuple[int, int] | None = None
        self._fitted = (0, 0)
        self._refit = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._refit.timeout.connect(self._fit_again)
        self._session: Session | None = None
        self._tabs = {"bin": TabbedPanels(), "details": TabbedPanels()}
        self.top = TopBar(theme)
        self.bottom = BottomBar(theme)
        self.first_run = FirstRun(settings, theme)
        self.setMenuWidget(self.top)
        self._messages = QVBoxLayout()
        self._messages.setContentsMargins(0, 0, 0, 0)
        self._messages.setSpacing(4)
        self._pages = _Pages()
        self._pages.addWidget(self.first_run)
        self._named: dict[str, QWidget] = {"first": self.first_run}
        middle = QWidget()
        middle.setObjectName("app")
        inner = QVBoxLayout(middle)
        inner.setContentsMargins(0, 4, 0, 0)
        inner.setSpacing(4)
        inner.addLayout(self._messages)
        inner.addWidget(self._pages, 1)
        self.setCentralWidget(middle)
        foot = self.statusBar()
        foot.setSizeGripEnabled(False)
        foot.addPermanentWidget(self.bottom, 1)
        foot.setFixedHeight(26)
        foot.setContentsMargins(0, 0, 0, 0)
        for side in (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner):
            self.setCorner(side, Qt.DockWidgetArea.BottomDockWidgetArea)
        self.setDockOptions(QMainWindow.DockOption.AllowNestedDocks | QMainWindow.DockOption.AnimatedDocks)
        self._make_docks()
        self.top.workspace_chosen.connect(self.show_workspace)

    def place_page(self, name: str, page: QWidget) -> None:
        """Put a page into the middle: "viewer", "review" or "deliver"."""
        self._named[name] = page
        self._pages.addWidget(page)

    def place_panel(self, dock: str, panel: Panel) -> None:
        """Put a panel into the dock of its own: "layers", "takes" or "timeline"."""
        self._docks[dock].setWidget(panel)
        self._docks[dock].setTitleBarWidget(panel.head)

    def place_tab(self, dock: str, name: str, title: str, panel: Panel) -> None:
        """Put a panel under a tab, after those that are there, in the dock "bin" or "details"."""
        self._tabs[dock].add(name, title, panel)

    def follow(self, session: Session) -> None:
        """Follow the session from now on: all pages and panels are in their places."""
        document = session.document
        self._document, self._session = document, session
        session.selection.changed.connect(self._fit_takes)
        # Once the panels have followed it as well.
        document.changed.connect(self._fit_takes, Qt.ConnectionType.QueuedConnection)
        document.opened.connect(self._on_opened)
        document.closed.connect(self._on_closed)
        document.refused.connect(self.say)
        self.top.follow(document)
        self.bottom.follow(session)

    def _make_docks(self) -> None:
        left, right, bottom = (
            Qt.DockWidgetArea.LeftDockWidgetArea,
            Qt.DockWidgetArea.RightDockWidgetArea,
            Qt.DockWidgetArea.BottomDockWidgetArea,
        )
        docks = (
            ("bin", "Media", left),
            ("layers", "Layers", right),
            ("takes", "Takes", right),
            ("details", "Inspector", right),
            ("timeline", "Timeline", bottom),
        )
        for key, title, area in docks:
            dock = QDockWidget(title, self)
            dock.setObjectName(f"dock.{key}")
            dock.setFeatures(
                QDockWidget.DockWidgetFeature.DockWidgetMovable | QDockWidget.DockWidgetFeature.DockWidgetFloatable
            )
            if key in self._tabs:
                dock.setWidget(self._tabs[key])
                dock.setTitleBarWidget(self._tabs[key].bar)
            dock.hide()
            self.addDockWidget(area, dock)
            self._docks[key] = dock
        for name in ("layers", "takes", "details"):
            self._docks[name].setMinimumWidth(_LEAST_RIGHT)
            self._docks[name].topLevelChanged.connect(self._refit.start)
        self._theme.changed.connect(self._refit.start)
        self._docks["bin"].setMinimumWidth(244)

    # --- messages ---------------------------------------------------------------------------------------------------

    @Slot(str)
    def say(self, text: str) -> None:
        """Show a sentence in the bar at the bottom."""
        self.bottom.say(f"{text[:1].upper()}{text[1:]}")

    def show_banner(self, banner: Banner) -> None:
        """Show a message above the middle until the person puts it away; the newest three stay."""
        self._messages.addWidget(banner)
        if self._messages.count() > _MOST_BANNERS and (item := self._messages.takeAt(0)) is not None:
            oldest = item.widget()
            if oldest is not None:
                oldest.deleteLater()

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front."""
        for key, tabs in self._tabs.items():
            if tabs.has(name):
                self._docks[key].show()
                tabs.show_panel(name)
                return
        if name in self._docks:
            self._docks[name].show()
            self._docks[name].raise_()

    def show_count(self, name: str, count: int) -> None:
        """Show a number on a panel's tab."""
        for tabs in self._tabs.values():
            if tabs.has(name):
                tabs.show_count(name, count)

    # --- workspaces -------------------------------------------------------------------------------------------------

    @property
    def _is_open(self) -> bool:
        return self._document is not None and self._document.is_open

    @property
    def workspace(self) -> str:
        """Return the key of the workspace that shows."""
        return self._workspace

    @Slot(str)
    def show_workspace(self, key: str) -> None:
        """Show the arrangement for one kind of work, as the person left it."""
        if self._is_open and key != self._workspace:
            self._keep_layout()
        self._workspace = key
        self._show_page()
        self.top.workspaces.choose(key)

    def reset_layout(self) -> None:
        """Bring the docks back to where they were made."""
        self._settings.set(layouts={})
        for key, dock in self._docks.items():
            dock.setFloating(False)
            area = {"bin": Qt.DockWidgetArea.LeftDockWidgetArea, "timeline": Qt.DockWidgetArea.BottomDockWidgetArea}
            self.addDockWidget(area.get(key, Qt.DockWidgetArea.RightDockWidgetArea), dock)
        self._show_page()

    @Slot()
    def _show_page(self) -> None:
        there = self._is_open
        shown = WORKSPACES[self._workspace]
        page = self._named[shown.page if there else "first"]
        self._pages.setCurrentWidget(page)
        # Not on whichever button comes first: the space key would press that instead of playing.
        page.setFocus(Qt.FocusReason.OtherFocusReason)
        for key, dock in self._docks.items():
            dock.setVisible(there and key in shown.docks)
        if not there:
            return
        for name in shown.front:
            for tabs in self._tabs.values():
                if tabs.has(name):
                    tabs.show_panel(name)
        self._lent = None
        kept = self._settings.choices.layouts.get(self._workspace)
        if kept is None or not self.restoreState(QByteArray.fromBase64(kept.encode()), LAYOUT_VERSION):
            # Sizes are only stable once the window has laid itself out.
            self._unsized = True
            QTimer.singleShot(0, self, self._size_docks)
        else:
            self._unsized = False
            QTimer.singleShot(0, self, self._fit_takes)

    @Slot()
    def _size_docks(self) -> None:
        # The inspector gets what the layers and takes do not need.
        self._unsized = False
        side = self._docks
        self.resizeDocks([side["bin"], side["details"]], [_LEFT_WIDTH, _RIGHT_WIDTH], Qt.Orientation.Horizontal)
        foot = min(330, max(276, round(self.height() * 0.32)))
        self.resizeDocks([side["timeline"]], [foot], Qt.Orientation.Vertical)
        room = self.height() - foot - 42 - 26
        # Five whole rows of layers where that leaves the inspector enough, else four or three.
        layers = 166 if room >= _ROOMY else 140 if room >= _ROOMY - 100 else 114
        takes = 190 if room >= _ROOMY else max(140, round(room * 0.28))
        names, heights = ["layers", "takes", "details"], [layers, takes, room - layers - takes]
        if self._workspace == "review":
            # The takes are what is decided here: as rows, with reason, prompt and time, and what the patch comes to.
            room = self.height() - 42 - 26
            takes = min(_REVIEWED, round(room * 0.6))
            names, heights = ["takes", "details"], [takes, room - takes]
        self.resizeDocks([side[name] for name in names], heights, Qt.Orientation.Vertical)
        # Once the docks have these heights.
        QTimer.singleShot(0, self, self._fit_takes)

    @Slot()
    def _fit_takes(self) -> None:
        """Let a Takes panel without takes leave its room to layers that do not all show, and in a low window the rest.

        The rest goes to the inspector; where that is tall, it lends the layers room as well.
        """
        side = self._side()
        if self._unsized or not all(dock.isVisible() and not dock.isFloating() for dock in side):
            return
        layers, takes, details = (dock.height() for dock in side)
        base = self._lent or (layers, takes)
        target = base
        if self._workspace == "region":
            least = max(base[1], _LEAST_TAKES) if self._has_takes() else _EMPTY_TAKES
            # A tall inspector lends what it does not need either.
            spare = max(base[1] - least, layers + takes + details - least - _TALL_DETAILS - base[0])
            more = max(0, min(spare, self._layers_wanted() - base[0]))
            if self._has_takes():
                target = base[0] + more, base[1] if not more else least
            else:
                target = base[0] + more, least if self.height() < _LOW else max(least, base[1] - more)
        if target == (self._fitted if self._lent else base):
            # What a person has drawn since then stays.
            return
        self._lent, self._fitted = (None if target == base else base), target
        wanted = [*target, max(1, layers + takes + details - sum(target))]
        # What keeps its height is left out: Qt would share the difference among all that are named.
        moved = [(dock, height) for dock, height in zip(side, wanted, strict=True) if dock.height() != height]
        self.resizeDocks([dock for dock, _ in moved], [height for _, height in moved], Qt.Orientation.Vertical)

    @Slot()
    def _fit_again(self) -> None:
        """Fit once more after Qt has shared out the room: another size, another theme, a dock back in its place."""
        self._fitted = (0, 0)
        self._fit_takes()

    def _side(self) -> list[QDockWidget]:
        return [self._docks[name] for name in ("layers", "takes", "details")]

    def _layers_wanted(self) -> int:
        """Return the height at which the dock of the layers shows all of them."""
        dock = self._docks["layers"]
        panel = dock.widget()
        return panel.wanted_height() + dock.height() - panel.height() if isinstance(panel, Panel) else 0

    def _has_takes(self) -> bool:
        patch = None if self._session is None else self._session.selection.patch
        return patch is not None and bool(patch.takes)

    def _keep_layout(self) -> None:
        if self._unsized:
            # Whoever leaves a workspace before it got its sizes has arranged nothing in it.
            return
        side = self._side()
        if self._lent is not None and not any(dock.isFloating() for dock in side):
            # What is kept is the arrangement for takes.
            rest = sum(dock.height() for dock in side) - sum(self._lent)
            self.resizeDocks(side, [*self._lent, max(1, rest)], Qt.Orientation.Vertical)
        layouts = dict(self._settings.choices.layouts)
        layouts[self._workspace] = bytes(self.saveState(LAYOUT_VERSION).toBase64().data()).decode()
        self._settings.set(layouts=layouts)

    def restore_geometry_of_last_time(self) -> None:
        """Put the window where it was when it was last closed."""
        kept = self._settings.choices.geometry
        if kept:
            self.restoreGeometry(QByteArray.fromBase64(kept.encode()))
            return
        room = self.screen().availableGeometry()
        if room.width() < _FIRST_SIZE.width() or room.height() < _FIRST_SIZE.height() + _TITLE_BAR:
            self.setWindowState(self.windowState() | Qt.WindowState.WindowMaximized)

    @Slot()
    def _on_opened(self) -> None:
        path = self._document.path if self._document is not None else None
        self.setWindowTitle(f"{path.stem} – Deltacut" if path is not None else "Deltacut")
        self.top.workspaces.choose(self._workspace)
        # An event of its own: all panels are laid out anew, and have just filled themselves in this one.
        QTimer.singleShot(0, self, self._show_page)

    @Slot()
    def _on_closed(self) -> None:
        self.setWindowTitle("Deltacut")
        empty(self._messages)
        # As after opening: all panels have just emptied themselves in this event.
        QTimer.singleShot(0, self, self._show_page)

    # --- events -----------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if paths_of(event):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dropEvent(self, event: QDropEvent) -> None:
        paths: list[Path] = paths_of(event)
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.dropped.emit(paths)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._lent is not None:
            self._refit.start()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.close_wanted.emit(event)
        if event.isAccepted():
            if self._is_open:
                self._keep_layout()
            geometry = bytes(self.saveGeometry().toBase64().data()).decode()
            self._settings.set(geometry=geometry)


class _Pages(QStackedWidget):
    """Pages of which only the one that shows asks for room: the start screen is higher than a viewer needs to be."""

    def minimumSizeHint(self) -> QSize:
        shown = self.currentWidget()
        return super().minimumSizeHint() if shown is None else shown.minimumSizeHint()
