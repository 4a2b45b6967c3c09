"""Edits of the items on layers: overlays, captions, subjects, and patches as wholes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.checks import check_item, check_new
from engine.model.edits.layers import with_layer
from engine.model.layers import Item
from engine.model.project import Project


@dataclass(frozen=True, slots=True)
class AddItems:
    """Put items on top of a layer's others."""

    layer_id: str
    items: tuple[Item, ...]

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Add {type(self.items[0]).__name__.lower()}" if len(self.items) == 1 else f"Add {len(self.items)} items"

    def apply(self, project: Project) -> Project:
        """Return the project with the items."""
        check_new(project, [item.id for item in self.items])
        for item in self.items:
            check_item(project, item)
        return with_layer(project, self.layer_id, lambda layer: layer.with_items((*layer.items, *self.items)))


@dataclass(frozen=True, slots=True)
class ReplaceItem:
    """Change anything of an item: the new value stands where the one with its id stood."""

    item: Item

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Change {type(self.item).__name__.lower()}"

    def apply(self, project: Project) -> Project:
        """Return the project with the item changed."""
        check_item(project, self.item)
        layer = project.layer_of(self.item.id)
        items = tuple(self.item if old.id == self.item.id else old for old in layer.items)
        return with_layer(project, layer.id, lambda layer: layer.with_items(items))


@dataclass(frozen=True, slots=True)
class RemoveItems:
    """Take items off their layers."""

    item_ids: tuple[str, ...]

    title = "Remove"

    def apply(self, project: Project) -> Project:
        """Return the project without the items."""
        gone = set(self.item_ids)
        missing = gone - {item.id for layer in project.layers for item in layer.items}
        if missing or not gone:
            raise EditRefused(f"the project has no item {min(missing)}" if missing else "no item is named")
        layers = tuple(
            layer.with_items(tuple(item for item in layer.items if item.id not in gone))
            if any(item.id in gone for item in layer.items)
            else layer
            for layer in project.layers
        )
        return replace(project, layers=layers)


@dataclass(frozen=True, slots=True)
class MoveItem:
    """Move an item to a layer (perhaps its own) as number `index` from below."""

    item_id: str
    layer_id: str
    index: int

    title = "Reorder items"

    def apply(self, project: Project) -> Project:
        """Return the project with the item moved."""
        old = project.layer_of(self.item_id)
        item = old.item(self.item_id)
        without = with_layer(
            project, old.id, lambda layer: layer.with_items(tuple(other for other in layer.items if other is not item))
        )
        rest = without.layer(self.layer_id).items
        if not 0 <= self.index <= len(rest):
            raise EditRefused(f"there is no place {self.index} among {len(rest)} items")
        return with_layer(
            without, self.layer_id, lambda layer: layer.with_items((*rest[: self.index], item, *rest[self.index :]))
        )
