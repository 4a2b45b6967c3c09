"""The ordered stack of layers over the storyline, bottom first, and the items on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from engine.errors import EditRefused
from engine.model.captions import Caption
from engine.model.keyframes import check_value
from engine.model.overlay import Overlay
from engine.model.patch import Patch
from engine.model.subject import Subject
from engine.model.text_style import READABLE, TextStyle

Item = Patch | Subject | Overlay | Caption


class LayerKind(Enum):
    """What a layer holds."""

    BACKGROUND = "background"
    """What stands behind the subject, where there is one, in place of the film's own background."""
    SUBJECT = "subject"
    """What stays above the layers below it."""
    PATCHES = "patches"
    OVERLAYS = "overlays"
    CAPTIONS = "captions"


HOLDS: dict[LayerKind, type[Item]] = {
    LayerKind.BACKGROUND: Overlay,
    LayerKind.SUBJECT: Subject,
    LayerKind.PATCHES: Patch,
    LayerKind.OVERLAYS: Overlay,
    LayerKind.CAPTIONS: Caption,
}


class Blend(Enum):
    """How a layer's pixels meet those below it."""

    NORMAL = "normal"
    MULTIPLY = "multiply"
    SCREEN = "screen"
    OVERLAY = "overlay"
    ADD = "add"
    DARKEN = "darken"
    LIGHTEN = "lighten"


class CaptionMode(Enum):
    """How captions get into the exported film."""

    BURNED = "burned"
    """Drawn into the picture."""
    SOFT = "soft"
    """As a track of text: no picture is re-encoded."""


@dataclass(frozen=True, slots=True)
class LayerSettings:
    """What the head of a layer shows.

    Attributes:
        opacity: 0 to 1. captions, style: of a layer of captions.
    """

    name: str
    visible: bool = True
    locked: bool = False
    opacity: float = 1.0
    blend: Blend = Blend.NORMAL
    captions: CaptionMode = CaptionMode.BURNED
    style: TextStyle = READABLE

    def __post_init__(self) -> None:
        check_value("opacity", self.opacity, 0, 1)


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """The items of a layer as they once were."""

    id: str
    name: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; `items` are drawn in order, the last on top."""

    id: str
    kind: LayerKind
    settings: LayerSettings
    items: tuple[Item, ...] = ()
    versions: tuple[LayerVersion, ...] = ()

    def item(self, item_id: str) -> Item:
        """Return an item by id.

        Raises:
            EditRefused: there is none.
        """
        for item in self.items:
            if item.id == item_id:
                return item
        raise EditRefused(f"the layer {self.settings.name!r} has no item {item_id}")

    def version(self, version_id: str) -> LayerVersion:
        """Return a version by id.

        Raises:
            EditRefused: there is none.
        """
        for version in self.versions:
            if version.id == version_id:
                return version
        raise EditRefused(f"the layer {self.settings.name!r} has no version {version_id}")

    def with_items(self, items: tuple[Item, ...]) -> Layer:
        """Return the layer with other items.

        Raises:
            EditRefused: it is locked, or an item is not of its kind.
        """
        if self.settings.locked:
            raise EditRefused(f"the layer {self.settings.name!r} is locked; unlock it to change it")
        for item in items:
            if not isinstance(item, HOLDS[self.kind]):
                raise EditRefused(
                    f"the layer {self.settings.name!r} holds {self.kind.value}; it cannot hold {type(item).__name__}"
                )
        return replace(self, items=items)


@dataclass(frozen=True, slots=True)
class ItemDifferences:
    """How the items of two versions differ, by id; `changed` stand in both with another value or order."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]


def differences(before: tuple[Item, ...], after: tuple[Item, ...]) -> ItemDifferences:
    """Return how two versions of a layer's items differ."""
    old = {item.id: item for item in before}
    new = {item.id: item for item in after}
    common_before = [item.id for item in before if item.id in new]
    common_after = [item.id for item in after if item.id in old]
    return ItemDifferences(
        tuple(item.id for item in after if item.id not in old),
        tuple(item.id for item in before if item.id not in new),
        tuple(id for was, id in zip(common_before, common_after, strict=True) if was != id or old[id] != new[id]),
    )
