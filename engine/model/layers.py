"""The ordered stack of layers over the storyline, bottom first, and the items on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from engine.errors import EditRefused
from engine.model.patch import Patch


class LayerKind(Enum):
    """What a layer holds."""

    PATCHES = "patches"


class Blend(Enum):
    """How a layer's pixels meet those below it."""

    NORMAL = "normal"
    MULTIPLY = "multiply"
    SCREEN = "screen"
    OVERLAY = "overlay"
    ADD = "add"
    DARKEN = "darken"
    LIGHTEN = "lighten"


Item = Patch


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """What the head of a layer shows. opacity: 0 to 1."""

    name: str
    visible: bool = True
    locked: bool = False
    opacity: float = 1.0
    blend: Blend = Blend.NORMAL

    def __post_init__(self) -> None:
        if not 0.0 <= self.opacity <= 1.0:
            raise EditRefused(f"the opacity is {self.opacity:g}; it must be 0 to 1")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; `items` are drawn in order, the last on top."""

    id: str
    kind: LayerKind
    settings: LayerSettings
    items: tuple[Item, ...] = ()

    def item(self, item_id: str) -> Item:
        """Return an item by id.

        Raises:
            EditRefused: there is none.
        """
        for item in self.items:
            if item.id == item_id:
                return item
        raise EditRefused(f"the layer {self.settings.name!r} has no item {item_id}")

    def with_items(self, items: tuple[Item, ...]) -> Layer:
        """Return the layer with other items.

        Raises:
            EditRefused: it is locked.
        """
        if self.settings.locked:
            raise EditRefused(f"the layer {self.settings.name!r} is locked; unlock it to change it")
        return replace(self, items=items)
