"""Edits of patches and their takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.errors import EditRefused
from engine.model.checks import check_item, check_new
from engine.model.layers import LayerKind
from engine.model.patch import Patch, ReviewState, Take
from engine.model.project import Project


@dataclass(frozen=True, slots=True)
class AddPatch:
    """Put a patch on top of a layer of patches; layer_id None: the topmost one."""

    patch: Patch
    layer_id: str | None = None

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Add patch “{self.patch.name}”" if self.patch.name else "Add patch"

    def apply(self, project: Project) -> Project:
        """Return the project with the patch."""
        check_item(project, self.patch)
        check_new(project, [self.patch.id])
        layers = [layer for layer in project.layers if layer.kind is LayerKind.PATCHES]
        if not layers:
            raise EditRefused("the project has no layer for patches; add one first")
        layer = layers[-1] if self.layer_id is None else project.layer(self.layer_id)
        if layer.kind is not LayerKind.PATCHES:
            raise EditRefused(f"the layer {layer.settings.name!r} holds no patches")
        changed = layer.with_items((*layer.items, self.patch))
        return replace(project, layers=tuple(changed if old is layer else old for old in project.layers))


@dataclass(frozen=True, slots=True)
class ReplacePatch:
    """Change anything of a patch: the new value stands where the one with its id stood."""

    patch: Patch

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Change patch “{self.patch.name}”" if self.patch.name else "Change patch"

    def apply(self, project: Project) -> Project:
        """Return the project with the patch changed."""
        check_item(project, self.patch)

        def change(old: Patch) -> Patch:
            if old.anchor_locked and self.patch.anchor_locked and old.anchor != self.patch.anchor:
                raise EditRefused(
                    f"the anchor frame {old.anchor} is locked; unlock it to move it to {self.patch.anchor}"
                )
            return self.patch

        return _with_patch(project, self.patch.id, change)


@dataclass(frozen=True, slots=True)
class RemovePatch:
    """Take a patch out of the project."""

    patch_id: str

    title = "Remove patch"

    def apply(self, project: Project) -> Project:
        """Return the project without the patch."""
        return _with_patch(project, self.patch_id, lambda _: None)


@dataclass(frozen=True, slots=True)
class AddTake:
    """Add a take to a patch and pick it."""

    patch_id: str
    take: Take

    title = "New take"

    def apply(self, project: Project) -> Project:
        """Return the project with the take."""
        return _with_patch(
            project,
            self.patch_id,
            lambda old: replace(old, takes=(*old.takes, self.take), pick=self.take.id, state=ReviewState.DRAFT),
        )


@dataclass(frozen=True, slots=True)
class PickTake:
    """Choose the take that shows; None: the source shows."""

    patch_id: str
    take_id: str | None

    title = "Pick take"

    def apply(self, project: Project) -> Project:
        """Return the project with the choice."""
        return _with_patch(project, self.patch_id, lambda old: replace(old, pick=self.take_id))


@dataclass(frozen=True, slots=True)
class JudgeTake:
    """Star a take, name it, or reject it with a reason (empty: not rejected)."""

    patch_id: str
    take_id: str
    name: str = ""
    starred: bool = False
    rejected_because: str = ""

    title = "Judge take"

    def apply(self, project: Project) -> Project:
        """Return the project with the judgement."""

        def judge(old: Patch) -> Patch:
            if all(take.id != self.take_id for take in old.takes):
                raise EditRefused(f"the patch {old.name or old.id} has no take {self.take_id}")
            return replace(
                old,
                takes=tuple(
                    replace(take, name=self.name, starred=self.starred, rejected_because=self.rejected_because)
                    if take.id == self.take_id
                    else take
                    for take in old.takes
                ),
            )

        return _with_patch(project, self.patch_id, judge)


@dataclass(frozen=True, slots=True)
class ReviewPatch:
    """Move a patch on its way from draft to approved or rejected."""

    patch_id: str
    state: ReviewState

    @property
    def title(self) -> str:
        """Return the name of the step."""
        return f"Mark patch {self.state.value}"

    def apply(self, project: Project) -> Project:
        """Return the project with the judgement."""

        def judge(old: Patch) -> Patch:
            if self.state in (ReviewState.PROPOSED, ReviewState.APPROVED) and old.pick is None:
                raise EditRefused(f"the patch {old.name or old.id} has no pick to be {self.state.value}")
            return replace(old, state=self.state)

        return _with_patch(project, self.patch_id, judge)


def _with_patch(project: Project, patch_id: str, change: Callable[[Patch], Patch | None]) -> Project:
    layer = project.layer_of(patch_id)
    items = []
    for item in layer.items:
        if item.id != patch_id:
            items.append(item)
            continue
        if not isinstance(item, Patch):
            raise EditRefused(f"the item {patch_id} is no patch")
        changed = change(item)
        if changed is not None:
            items.append(changed)
    result = layer.with_items(tuple(items))
    return replace(project, layers=tuple(result if old is layer else old for old in project.layers))
