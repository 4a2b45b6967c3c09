"""All actions of the window: their QActions, kept true as the session changes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.actions.spec import ActionSpec
from app.ui.theme import Theme

if TYPE_CHECKING:
    # The window's frame names the menus before anything of films is loaded.
    from app.session.session import Session

_TELLING = 4
"""Letters: a shorter word of a sentence, such as "the", names nothing."""
PRESETS = {"deltacut": "Deltacut", "premiere": "Premiere", "resolve": "Resolve"}


class ActionTable(QObject):
    """The actions by id.

    Signals:
        added: further actions are there. keys_changed: other shortcuts.
    """

    added = Signal()
    keys_changed = Signal()

    def __init__(self, session: Session, theme: Theme, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._theme = theme
        self._window = window
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.refresh)
        document, selection = session.document, session.selection
        for signal in (
            document.opened,
            document.closed,
            document.changed,
            document.history_changed,
            document.films_changed,
            selection.changed,
            selection.tool_changed,
            selection.region_changed,
            session.transport.playing_changed,
            session.transport.loop_changed,
            session.settings.changed,
            session.jobs.ended,
        ):
            signal.connect(self.refresh_soon)
        session.settings.changed.connect(self._setting_changed)

    def add(self, specs: Iterable[ActionSpec]) -> None:
        """Take actions in.

        Raises:
            ValueError: two have the same id.
        """
        for spec in specs:
            if spec.id in self._specs:
                raise ValueError(f"two actions are called {spec.id}")
            action = QAction(spec.text, self)
            action.setObjectName(spec.id)
            if spec.icon:
                action.setIcon(self._theme.icon(spec.icon))
                action.setIconVisibleInMenu(False)
            action.setCheckable(spec.is_on is not None)
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
            action.triggered.connect(self._triggered)
            self._specs[spec.id], self._actions[spec.id] = spec, action
            self._window.addAction(action)
            self._assign_keys(spec.id)
            self._refresh(spec)
        self.added.emit()

    def has(self, id: str) -> bool:
        """Tell whether there is such an action (yet)."""
        return id in self._actions

    def action(self, id: str) -> QAction:
        """Return the QAction of an action, for a button or a menu."""
        return self._actions[id]

    def spec(self, id: str) -> ActionSpec:
        """Return an action."""
        return self._specs[id]

    @property
    def specs(self) -> list[ActionSpec]:
        """Return all actions, in the order in which they came."""
        return list(self._specs.values())

    def keys(self, id: str) -> str:
        """Return the shortcuts of an action as the person has them, separated by "; "."""
        shortcuts = self._session.settings.choices.shortcuts
        return shortcuts[id] if id in shortcuts else self.preset_keys(id)

    def preset_keys(self, id: str) -> str:
        """Return the shortcuts of an action as the chosen preset has them."""
        return _preset(self._session.settings.choices.shortcut_preset).get(id, self._specs[id].keys)

    def conflicts(self, id: str, keys: str) -> list[ActionSpec]:
        """Return the other actions that have one of these shortcuts."""
        wanted = set(_sequences(keys))
        return [spec for spec in self.specs if spec.id != id and wanted & set(_sequences(self.keys(spec.id)))]

    def conflicts_in_preset(self, id: str, keys: str) -> list[ActionSpec]:
        """Return the other actions that have one of these shortcuts in the preset."""
        wanted = set(_sequences(keys))
        return [spec for spec in self.specs if spec.id != id and wanted & set(_sequences(self.preset_keys(spec.id)))]

    def found(self, text: str) -> list[ActionSpec]:
        """Return the actions that a text names, the best first.

        Those whose name, menu or other names hold all its words; where none does, as in a whole sentence, those that
        hold most of its longer words.
        """
        words = text.casefold().split()

        def rank(spec: ActionSpec) -> tuple[bool, bool, int, str]:
            name = spec.text.casefold()
            first = words[0] if words else ""
            # What only its menu's name holds comes after all that says it itself.
            return not all(word in name for word in words), not name.startswith(first), name.find(first), name

        places = [(f"{spec.text} {spec.menu} {spec.also}".casefold(), spec) for spec in self.specs]
        hits = [spec for place, spec in places if all(word in place for word in words)]
        if not hits and len(words) > 1:
            words = [word for word in words if len(word) >= _TELLING]
            counts = [(sum(word in place for word in words), spec) for place, spec in places]
            most = max(count for count, _ in counts)
            hits = [spec for count, spec in counts if count == most > 0]
            words = [word for word in words if any(word in spec.text.casefold() for spec in hits)]
        return sorted(hits, key=rank)

    def fill(self, menus: Mapping[str, QMenu]) -> None:
        """Put the actions into the menus of these names."""
        for name, menu in menus.items():
            self._fill_menu(menu, name)

    def _fill_menu(self, menu: QMenu, name: str) -> None:
        found = [spec for spec in self.specs if not spec.hidden and spec.menu.partition("/")[0] == name]
        found.sort(key=lambda spec: spec.section)
        submenus: dict[str, QMenu] = {}
        section = found[0].section if found else 0
        for spec in found:
            if spec.section != section:
                menu.addSeparator()
                section = spec.section
            _, _, below = spec.menu.partition("/")
            if below and below not in submenus:
                submenus[below] = menu.addMenu(below)
            (submenus[below] if below else menu).addAction(self._actions[spec.id])

    @Slot()
    def refresh_soon(self) -> None:
        """Look once, after the present event, which actions can run."""
        self._soon.start()

    @Slot()
    def refresh(self) -> None:
        """Look which actions can run, and say in their tooltips why not."""
        for spec in self._specs.values():
            self._refresh(spec)

    def run_keys(self, keys: QKeySequence) -> None:
        """Run the action that has this shortcut, if one has and can run."""
        for action in self._actions.values():
            if action.isEnabled() and keys in action.shortcuts():
                action.trigger()
                return

    def _refresh(self, spec: ActionSpec) -> None:
        action = self._actions[spec.id]
        hindrance = spec.hindrance()
        action.setEnabled(not hindrance)
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        name = spec.text.rstrip("…")
        tip = f"{name} ({keys})" if keys else name
        action.setToolTip(f"{tip}\n{hindrance}" if hindrance else tip)
        if spec.is_on is not None:
            action.setChecked(spec.is_on())

    def _assign_keys(self, id: str) -> None:
        self._actions[id].setShortcuts([QKeySequence(text) for text in _sequences(self.keys(id))])

    @Slot()
    def _triggered(self) -> None:
        spec = self._specs[self.sender().objectName()]
        if not spec.hindrance():
            spec.run()
        self.refresh_soon()

    @Slot(str)
    def _setting_changed(self, name: str) -> None:
        if name in ("shortcuts", "shortcut_preset"):
            for id in self._actions:
                self._assign_keys(id)
            self.refresh()
            self.keys_changed.emit()


def _sequences(keys: str) -> list[str]:
    return [QKeySequence(text.strip()).toString() for text in keys.split("; ") if text.strip()]


def _preset(name: str) -> dict[str, str]:
    """Return the shortcuts in which a preset differs from our own."""
    if name not in PRESETS or name == "deltacut":
        return {}
    text = (files("resources") / "shortcuts" / f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found
