"""How a person names a patch and a take of a project: by number, by id, or by the beginning of an id."""

from __future__ import annotations

from engine.errors import UsageError
from engine.model.patch import Patch, Take
from engine.model.project import Project


def found_patch(project: Project, name: str) -> Patch:
    """Return the patch of a name: its number from 1 (bottom first), its id, or the beginning of it.

    Raises:
        UsageError: there is none, or several.
    """
    patches = list(project.patches)
    if name.isdecimal() and len(name) < 8 and 1 <= int(name) <= len(patches):
        return patches[int(name) - 1]
    found = [patch for patch in patches if patch.id == name] or [p for p in patches if name and p.id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} patches begin with {name}; give more of the id")
    raise UsageError(f"there is no patch {name!r}; the project has {len(patches)}: see `deltacut takes PROJECT list`")


def found_take(project: Project, name: str) -> tuple[Patch, Take]:
    """Return the take of a name: "PATCH.TAKE" with numbers from 1 or ids, or a take's id or the beginning of it.

    Raises:
        UsageError: there is none, or several.
    """
    patch_name, dot, take_name = name.rpartition(".")
    if dot:
        patch = found_patch(project, patch_name)
        if take_name.isdecimal() and len(take_name) < 8 and 1 <= int(take_name) <= len(patch.takes):
            return patch, patch.takes[int(take_name) - 1]
        among = [(patch, take) for take in patch.takes]
    else:
        take_name = name
        among = [(patch, take) for patch in project.patches for take in patch.takes]
    found = [item for item in among if item[1].id == take_name]
    found = found or [item for item in among if take_name and item[1].id.startswith(take_name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} takes begin with {take_name}; give more of the id, or PATCH.TAKE by number")
    raise UsageError(f"there is no take {name!r}; see `deltacut takes PROJECT list`")
