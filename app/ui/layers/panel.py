"""The layer stack: what lies over the film, in order."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QMenu, QWidget

from app.ui.actions import ActionButton, ActionSpec
from app.ui.context import Context
from app.ui.layers.adding import Adding
from app.ui.layers.delegate import LayerDelegate
from app.ui.layers.model import LayersModel
from app.ui.layers.rows import FILM, KIND_NAMES, Row
from app.ui.layers.versions import Versions
from app.ui.layers.view import LayersView, Toggle
from app.ui.widgets import EmptyState, Panel, icon_button
from engine.model.captions import Caption
from engine.model.edits import (
    AddLayer,
    ChangeLayer,
    Edit,
    MoveItem,
    MoveLayer,
    RemoveItems,
    RemoveLayer,
    ReplaceItem,
    ReplacePatch,
)
from engine.model.ids import new_id
from engine.model.layers import Item, Layer, LayerKind, LayerSettings
from engine.model.patch import Patch

_EMPTY = "Only the film. Press R for a box or F for a lasso, and draw on the picture."


class LayersPanel(Panel):
    """The layer stack, top first, the film at the bottom."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent)
        self._context = context
        self._document = context.session.document
        self._selection = context.session.selection
        self._versions = Versions(context, self)
        self._adding = Adding(context)
        self.model = LayersModel(self._document, self)
        self.view = LayersView(context.theme, self.model, self)
        self.view.setItemDelegate(
            LayerDelegate(context.theme, self._is_chosen, self.view.is_folded, self._rename, self.view)
        )
        self._empty = EmptyState(_EMPTY)
        self.body.setContentsMargins(4, 0, 4, 4)
        self.body.addWidget(self.view, 1)
        self.body.addWidget(self._empty, 1)
        self._add = icon_button(context.theme, "plus", "Add text, a shape or a layer")
        self._add.clicked.connect(self._show_kinds)
        self._history = icon_button(context.theme, "history", "Versions of the layer")
        self._history.clicked.connect(self._show_versions)
        self.head.add(self._history, self._add, ActionButton(context.actions, "layer.delete"))
        self.setMinimumHeight(72)
        self.view.row_chosen.connect(self._choose)
        self.view.toggled.connect(self._toggle)
        self.view.menu_wanted.connect(self._show_menu)
        self._selection.changed.connect(self._follow_selection)
        for signal in (self.model.modelReset, self.model.dataChanged, self.model.rowsMoved):
            signal.connect(self._count)
        self._count()

    def wanted_height(self) -> int:
        """Return the height at which all rows show."""
        margins = self.body.contentsMargins()
        return self.view.rows_height() + margins.top() + margins.bottom()

    def actions_of_panel(self) -> list[ActionSpec]:
        """Return what can be done here."""
        menu = "Edit/Layers"
        add = [
            ActionSpec(
                f"layer.add_{kind.value}",
                f"Add {KIND_NAMES[kind].lower()} layer",
                menu,
                lambda kind=kind: self.add_layer(kind),  # type: ignore[misc]
                icon="plus",
                hindrance=self._needs_project,
                section=30,
            )
            for kind in reversed(LayerKind)
        ]
        return [
            *self._adding.actions(),
            *add,
            ActionSpec("layer.rename", "Rename layer", menu, self.rename, "F2", "pencil", self._needs_row, section=30),
            ActionSpec(
                "layer.visible",
                "Show layer",
                menu,
                lambda: self._toggle_current(Toggle.VISIBLE),
                "",
                "eye",
                self._needs_row,
                lambda: self._current_is(Toggle.VISIBLE),
                section=30,
            ),
            ActionSpec(
                "layer.locked",
                "Lock layer",
                menu,
                lambda: self._toggle_current(Toggle.LOCKED),
                "",
                "lock",
                self._needs_row,
                lambda: self._current_is(Toggle.LOCKED),
                section=30,
            ),
            ActionSpec(
                "layer.up",
                "Move layer up",
                menu,
                lambda: self.shift(1),
                "Ctrl+]",
                "",
                lambda: self._cannot_move(1),
                section=30,
            ),
            ActionSpec(
                "layer.down",
                "Move layer down",
                menu,
                lambda: self.shift(-1),
                "Ctrl+[",
                "",
                lambda: self._cannot_move(-1),
                section=30,
            ),
            ActionSpec(
                "layer.save_version",
                "Save version of layer…",
                menu,
                self._save_version,
                "",
                "history",
                self._needs_layer,
                section=30,
            ),
            ActionSpec("layer.delete", "Delete layer", menu, self.delete, "", "trash", self._cannot_delete, section=30),
        ]

    # --- what is chosen -----------------------------------------------------------------------------------------------

    @property
    def _row(self) -> Row | None:
        """Return the row that actions are about: that of the chosen item, else of the chosen layer."""
        for row in self.model.rows:
            for one in (*row.children, row):
                if one.key != FILM and self._is_chosen(one):
                    return one
        return None

    def _is_chosen(self, row: Row) -> bool:
        if row.item_id:
            return row.item_id in self._selection.items
        layer = self._selection.layer
        return layer is not None and layer.id == row.layer_id and not self._selection.items

    @Slot(object, bool)
    def _choose(self, row: Row, add: bool) -> None:
        if row.key == FILM:
            self._selection.clear()
        elif row.item_id and add:
            self._selection.toggle(row.item_id)
        elif row.item_id:
            self._selection.choose(row.item_id)
        else:
            self._selection.choose()
            self._selection.choose_layer(row.layer_id)
        self._follow_selection()

    @Slot()
    def _follow_selection(self) -> None:
        row = self._row
        if row is not None:
            index = self.model.index_of(row.key)
            if index.parent().isValid() and self.view.is_folded(self.model.rows[index.parent().row()]):
                self.view.set_folded(self.model.rows[index.parent().row()], False)
            self.view.setCurrentIndex(index)
        self.view.viewport().update()

    @Slot()
    def _count(self) -> None:
        rows = self.model.rows
        items = sum(max(1, len(row.children)) for row in rows)
        self.head.set_count(items)
        bare = len(rows) <= 1
        self._empty.setVisible(bare and self._document.is_open)
        self.view.setMaximumHeight(30 if bare else 16_777_215)

    # --- changing it --------------------------------------------------------------------------------------------------

    def add_layer(self, kind: LayerKind) -> None:
        """Add an empty layer above the chosen one, else on top."""
        project = self._document.project
        names = {layer.settings.name for layer in project.layers}
        name = plain = KIND_NAMES[kind]
        number = 2
        while name in names:
            name = f"{plain} {number}"
            number += 1
        chosen = self._selection.layer
        place = None if chosen is None else [layer.id for layer in project.layers].index(chosen.id) + 1
        layer_id = new_id()
        if self._document.do(AddLayer(layer_id, kind, LayerSettings(name), place)):
            self._selection.choose()
            self._selection.choose_layer(layer_id)

    def delete(self) -> None:
        """Delete the chosen items, or the chosen layer with all that is on it."""
        row = self._row
        if row is None:
            return
        if row.item_id:
            there = {item.id for layer in self._document.project.layers for item in layer.items}
            self._document.do(RemoveItems(tuple(sorted(self._selection.items & there))))
        else:
            self._document.do(RemoveLayer(row.layer_id))

    def rename(self) -> None:
        """Edit the name of the chosen row in place."""
        row = self._row
        if row is not None:
            self._context.notices.show_panel("layers")
            self.view.setFocus()
            self.view.edit(self.model.index_of(row.key))

    def shift(self, by: int) -> None:
        """Move the chosen layer, or the chosen item within its layer, up (1) or down (-1) in the stack."""
        edit = self._move_edit(by)
        if edit is not None:
            self._document.do(edit)

    def _move_edit(self, by: int) -> Edit | None:
        row = self._row
        if row is None:
            return None
        layer = self._document.project.layer(row.layer_id)
        if row.item_id and len(layer.items) > 1:
            place = [item.id for item in layer.items].index(row.item_id) + by
            return MoveItem(row.item_id, layer.id, place) if 0 <= place < len(layer.items) else None
        shown = [other.layer_id for other in self.model.rows if other.key != FILM][::-1]
        place = shown.index(layer.id) + by
        if not 0 <= place < len(shown):
            return None
        ids = [other.id for other in self._document.project.layers]
        return MoveLayer(layer.id, ids.index(shown[place]))

    def _rename(self, row: Row, name: str) -> None:
        layer = self._document.project.layer(row.layer_id)
        if not row.item_id:
            self._document.do(ChangeLayer(layer.id, replace(layer.settings, name=name)))
            return
        item = layer.item(row.item_id)
        if isinstance(item, Caption):
            return
        self._document.do(changed(replace(item, name=name)))

    @Slot(object, object)
    def _toggle(self, row: Row, toggle: Toggle) -> None:
        layer = self._document.project.layer(row.layer_id)
        settings = layer.settings
        if toggle is Toggle.LOCKED:
            self._document.do(ChangeLayer(layer.id, replace(settings, locked=not settings.locked)))
        elif row.item_id and (settings.visible or len(layer.items) > 1):
            item = layer.item(row.item_id)
            self._document.do(changed(replace(item, visible=not item.visible)))
        else:
            self._document.do(ChangeLayer(layer.id, replace(settings, visible=not settings.visible)))

    def _toggle_current(self, toggle: Toggle) -> None:
        row = self._row
        if row is not None:
            self._toggle(row, toggle)

    def _current_is(self, toggle: Toggle) -> bool:
        row = self._row
        return row is not None and (row.visible if toggle is Toggle.VISIBLE else row.locked)

    def _save_version(self) -> None:
        layer = self._layer
        if layer is not None:
            self._versions.ask_name(layer, self._history)

    # --- menus --------------------------------------------------------------------------------------------------------

    @property
    def _layer(self) -> Layer | None:
        row = self._row
        return None if row is None else self._document.project.layer(row.layer_id)

    def _show_kinds(self) -> None:
        menu = QMenu(self)
        actions = self._context.actions
        things = [f"overlay.{name}" for name in ("text", "rectangle", "ellipse", "arrow", "colour")]
        kinds = [f"layer.add_{kind.value}" for kind in reversed(LayerKind)]
        for ids in ([*things, "layer.subject_here"], kinds):
            for id in ids:
                if actions.has(id):
                    menu.addAction(actions.action(id))
            menu.addSeparator()
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._add.mapToGlobal(QPoint(0, self._add.height())))

    def _show_versions(self) -> None:
        layer = self._layer
        if layer is None:
            self._context.notices.say("Choose a layer first; its versions are listed here.")
            return
        menu = self._versions.menu(layer, self._history, self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self._history.mapToGlobal(QPoint(0, self._history.height())))

    @Slot(object, QPoint)
    def _show_menu(self, row: Row, at: QPoint) -> None:
        if row.key == FILM:
            return
        menu = QMenu(self)
        for id in ("layer.rename", "layer.visible", "layer.locked", "layer.up", "layer.down"):
            if self._context.actions.has(id):
                menu.addAction(self._context.actions.action(id))
        layer = self._layer
        if layer is not None:
            versions = self._versions.menu(layer, self._history, menu)
            versions.setTitle("Versions")
            menu.addMenu(versions)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addSeparator()
        if self._context.actions.has("layer.delete"):
            menu.addAction(self._context.actions.action("layer.delete"))
        menu.popup(at)

    # --- what keeps an action from running ----------------------------------------------------------------------------

    def _needs_project(self) -> str:
        return "" if self._document.is_open else "Open a project first"

    def _needs_row(self) -> str:
        return "" if self._row is not None else "Choose a layer or an item of one first"

    def _needs_layer(self) -> str:
        return self._needs_row()

    def _cannot_move(self, by: int) -> str:
        if self._row is None:
            return self._needs_row()
        return "" if self._move_edit(by) is not None else "It is at the end of the stack already"

    def _cannot_delete(self) -> str:
        row = self._row
        if row is None:
            return self._needs_row()
        return "Unlock the layer first" if row.locked else ""


def changed(item: Item) -> Edit:
    """Return the edit that puts a changed item in place of the one with its id."""
    return ReplacePatch(item) if isinstance(item, Patch) else ReplaceItem(item)
