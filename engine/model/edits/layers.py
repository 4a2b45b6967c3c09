"""Edits of the layer stack: layers, their heads and their versions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.checks import check_item, check_new
from engine.model.layers import Layer, LayerKind, LayerSettings, LayerVersion
from engine.model.project import Project


def with_layer(project: Project, layer_id: str, change: Callable[[Layer], Layer]) -> Project:
    """Return the project with one layer changed.

    Raises:
        EditRefused: there is no such layer, or the change is refused.
    """
    old = project.layer(layer_id)
    new = change(old)
    return replace(project, layers=tuple(new if layer is old else layer for layer in project.layers))


def check_unlocked(layer: Layer) -> None:
    """Refuse a locked layer.

    Raises:
        EditRefused: it is locked.
    """
    if layer.settings.locked:
        raise EditRefused(f"the layer {layer.settings.name!r} is locked; unlock it to change it")


@dataclass(frozen=True, slots=True)
class AddLayer:
    """Add an empty layer; index: its place from below, None for the top."""

    layer_id: str
    kind: LayerKind
    settings: LayerSettings
    index: int | None = None

    title = "Add layer"

    def apply(self, project: Project) -> Project:
        """Return the project with the layer."""
        if not self.layer_id or any(layer.id == self.layer_id for layer in project.layers):
            raise EditRefused(f"the layer id {self.layer_id!r} is taken")
        index = len(project.layers) if self.index is None else self.index
        if not 0 <= index <= len(project.layers):
            raise EditRefused(f"there is no place {index} in a stack of {len(project.layers)} layers")
        layer = Layer(self.layer_id, self.kind, self.settings)
        return replace(project, layers=(*project.layers[:index], layer, *project.layers[index:]))


@dataclass(frozen=True, slots=True)
class RemoveLayer:
    """Remove a layer and all that is on it."""

    layer_id: str

    title = "Remove layer"

    def apply(self, project: Project) -> Project:
        """Return the project without the layer."""
        check_unlocked(project.layer(self.layer_id))
        return replace(project, layers=tuple(layer for layer in project.layers if layer.id != self.layer_id))


@dataclass(frozen=True, slots=True)
class MoveLayer:
    """Move a layer so that it becomes number `index` from below (0 is the lowest)."""

    layer_id: str
    index: int

    title = "Reorder layers"

    def apply(self, project: Project) -> Project:
        """Return the project in the new order."""
        layer = project.layer(self.layer_id)
        check_unlocked(layer)
        if not 0 <= self.index < len(project.layers):
            raise EditRefused(f"there is no place {self.index} in a stack of {len(project.layers)} layers")
        rest = [other for other in project.layers if other is not layer]
        return replace(project, layers=(*rest[: self.index], layer, *rest[self.index :]))


@dataclass(frozen=True, slots=True)
class ChangeLayer:
    """Change the head of a layer: name, visible, locked, opacity, blend; a locked one only to unlock or rename it."""

    layer_id: str
    settings: LayerSettings

    title = "Change layer"

    def apply(self, project: Project) -> Project:
        """Return the project with the layer changed."""

        def change(layer: Layer) -> Layer:
            old = layer.settings
            if old.locked and replace(old, name=self.settings.name, locked=self.settings.locked) != self.settings:
                check_unlocked(layer)
            return replace(layer, settings=self.settings)

        return with_layer(project, self.layer_id, change)


@dataclass(frozen=True, slots=True)
class SaveVersion:
    """Keep the items of a layer, as they are now, as a version."""

    layer_id: str
    version_id: str
    name: str

    title = "Save version"

    def apply(self, project: Project) -> Project:
        """Return the project with the version."""
        return with_layer(project, self.layer_id, lambda layer: _with_version(layer, self.version_id, self.name))


def _with_version(layer: Layer, version_id: str, name: str) -> Layer:
    if not version_id or any(version.id == version_id for version in layer.versions):
        raise EditRefused(f"the layer {layer.settings.name!r} already has a version {version_id!r}")
    return replace(layer, versions=(*layer.versions, LayerVersion(version_id, name, layer.items)))


@dataclass(frozen=True, slots=True)
class RestoreVersion:
    """Bring a version's items back; what is there now is kept as a version `saved_id`, unless one like it exists."""

    layer_id: str
    version_id: str
    saved_id: str

    title = "Restore version"

    def apply(self, project: Project) -> Project:
        """Return the project with the version's items."""

        def restore(layer: Layer) -> Layer:
            version = layer.version(self.version_id)
            if all(other.items != layer.items for other in layer.versions):
                layer = _with_version(layer, self.saved_id, f"Before {version.name}")
            return layer.with_items(version.items)

        restored = with_layer(project, self.layer_id, restore)
        # What the version refers to may have gone, or its items may stand on another layer by now.
        layer = restored.layer(self.layer_id)
        check_new(
            replace(restored, layers=tuple(o for o in restored.layers if o is not layer)), [i.id for i in layer.items]
        )
        for item in layer.items:
            check_item(restored, item)
        return restored


@dataclass(frozen=True, slots=True)
class RenameVersion:
    """Give a version of a layer another name."""

    layer_id: str
    version_id: str
    name: str

    title = "Rename version"

    def apply(self, project: Project) -> Project:
        """Return the project with the version renamed."""

        def rename(layer: Layer) -> Layer:
            old = layer.version(self.version_id)
            versions = tuple(replace(v, name=self.name) if v is old else v for v in layer.versions)
            return replace(layer, versions=versions)

        return with_layer(project, self.layer_id, rename)


@dataclass(frozen=True, slots=True)
class DropVersion:
    """Forget a version of a layer."""

    layer_id: str
    version_id: str

    title = "Drop version"

    def apply(self, project: Project) -> Project:
        """Return the project without the version."""

        def drop(layer: Layer) -> Layer:
            old = layer.version(self.version_id)
            return replace(layer, versions=tuple(v for v in layer.versions if v is not old))

        return with_layer(project, self.layer_id, drop)
