"""The versions of a layer: keep, compare, bring back, rename, drop."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.context import Context
from app.ui.widgets import AskLine
from engine.model.captions import Caption
from engine.model.edits import DropVersion, RenameVersion, RestoreVersion, SaveVersion
from engine.model.ids import new_id
from engine.model.layers import Item, Layer, LayerVersion, differences


class Versions(QObject):
    """The menu of a layer's versions."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._home = parent

    def menu(self, layer: Layer, beside: QWidget, parent: QWidget) -> QMenu:
        """Return the menu for a layer; questions appear below `beside`."""
        menu = QMenu(parent)
        menu.setToolTipsVisible(True)
        menu.addAction("Save version…").triggered.connect(partial(self.ask_name, layer, beside))
        if layer.versions:
            menu.addSeparator()
        for version in reversed(layer.versions):
            below = menu.addMenu(version.name or "Version")
            said = difference_text(version, layer)
            below.addAction(said).setEnabled(False)
            below.addSeparator()
            restore = below.addAction("Restore")
            restore.setEnabled(not layer.settings.locked and version.items != layer.items)
            restore.triggered.connect(partial(self._restore, layer, version))
            below.addAction("Rename…").triggered.connect(partial(self._ask_other_name, layer, version, beside))
            below.addAction("Drop").triggered.connect(partial(self._drop, layer, version))
        return menu

    def ask_name(self, layer: Layer, beside: QWidget, *_checked: bool) -> AskLine:
        """Ask for the name of a new version."""
        name = f"Version {len(layer.versions) + 1}"
        ask = AskLine(
            f"Save a version of “{layer.settings.name}”", name, "Save", partial(self._save, layer), self._home
        )
        ask.ask_below(beside)
        return ask

    def _save(self, layer: Layer, name: str) -> None:
        if self._context.session.document.do(SaveVersion(layer.id, new_id(), name or "Version")):
            self._context.notices.say(f"“{name}” of “{layer.settings.name}” is kept.")

    def _restore(self, layer: Layer, version: LayerVersion, *_checked: bool) -> None:
        if self._context.session.document.do(RestoreVersion(layer.id, version.id, new_id())):
            self._context.notices.say(f"“{version.name}” is back; what was there is kept as “Before {version.name}”.")

    def _ask_other_name(self, layer: Layer, version: LayerVersion, beside: QWidget, *_checked: bool) -> None:
        def rename(name: str) -> None:
            self._context.session.document.do(RenameVersion(layer.id, version.id, name or version.name))

        AskLine("Name of the version", version.name, "Rename", rename, self._home).ask_below(beside)

    def _drop(self, layer: Layer, version: LayerVersion, *_checked: bool) -> None:
        if self._context.session.document.do(DropVersion(layer.id, version.id)):
            self._context.notices.say(f"“{version.name}” is dropped; Undo brings it back.")


def difference_text(version: LayerVersion, layer: Layer) -> str:
    """Say how a layer differs from one of its versions."""
    found = differences(version.items, layer.items)
    names = {item.id: _name(item) for item in (*version.items, *layer.items)}
    parts = [
        f"{word}: {_some([names[id] for id in ids])}"
        for word, ids in (("Added since", found.added), ("Gone since", found.removed), ("Changed since", found.changed))
        if ids
    ]
    return "; ".join(parts) or "Nothing has changed since"


def _name(item: Item) -> str:
    return item.text.split("\n")[0][:24] if isinstance(item, Caption) else item.name or type(item).__name__


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
