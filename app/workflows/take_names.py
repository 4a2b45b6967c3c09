"""How a person names a patch and a take of a project: by number, by id, or by the beginning of an id."""

from __future__ import annotations

from typing import Final

from engine.errors import UsageError
from engine.model.patch import Patch, Take
from engine.model.project import Project

ID_BEGINS: Final = 4
"""A name of fewer characters is not taken for the beginning of an id: with short ones, chance would choose."""

NUMBER_ENDS: Final = 8
"""Digits alone, fewer than these, are a number and never the beginning of an id."""


def found_patch(project: Project, name: str) -> Patch:
    """Return the patch of a name: its number from 1 (bottom first), its id, or four or more characters that begin it.

    Raises:
        UsageError: there is none, or several.
    """
    patches = list(project.patches)
    if _is_number(name):
        found = patches[int(name) - 1 : int(name)] if int(name) else []
    else:
        found = [patch for patch in patches if patch.id == name]
        found = found or [patch for patch in patches if _begins(patch.id, name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} patches begin with {name}; give more of the id")
    raise UsageError(f"there is no patch {name!r}; the project has {len(patches)}: see `deltacut takes PROJECT list`")


def found_take(project: Project, name: str) -> tuple[Patch, Take]:
    """Return the take of a name: "PATCH.TAKE" with numbers from 1 or ids, or a take's id or its beginning.

    Raises:
        UsageError: there is none, or several.
    """
    patch_name, dot, take_name = name.rpartition(".")
    if dot:
        patch = found_patch(project, patch_name)
        among = [(patch, take) for take in patch.takes]
        if _is_number(take_name):
            number = int(take_name)
            if 1 <= number <= len(among):
                return among[number - 1]
            raise UsageError(f"there is no take {name!r}; the patch has {len(among)}")
    else:
        take_name = name
        among = [(patch, take) for patch in project.patches for take in patch.takes]
    found = [item for item in among if item[1].id == take_name]
    found = found or [item for item in among if _begins(item[1].id, take_name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} takes begin with {take_name}; give more of the id, or PATCH.TAKE by number")
    raise UsageError(f"there is no take {name!r}; see `deltacut takes PROJECT list`")


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) < NUMBER_ENDS


def _begins(id: str, name: str) -> bool:
    return len(name) >= ID_BEGINS and id.startswith(name) and not _is_number(name)
