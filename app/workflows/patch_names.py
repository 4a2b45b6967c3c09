"""Names of patches that nobody has named: they tell what the pick is, and follow it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from engine.errors import EditRefused
from engine.model.edits import Compound, Edit, ReplacePatch
from engine.model.patch import Patch, Take
from engine.model.project import Project

_BY_TOOL = {
    "blur": "Blur",
    "pixelate": "Pixelate",
    "fill": "Colour",
    "grade": "Grade",
    "remove": "Removal",
    "inpaint": "Fill",
    "clone": "Clone",
    "heal": "Heal",
    "image": "Picture",
    "sticker": "Sticker",
    "text": "Text",
}
_NAME_CHARS = 40
"""A patch that is made by words has their beginning as its name."""
_NAMELESS = "Region"


def automatic_name(take: Take) -> str:
    """Return what a patch is called that shows this take, unless somebody names it."""
    made = take.provenance
    return name_by_tool(made.maker) if made.maker in _BY_TOOL else name_by_words(made.prompt)


def name_by_tool(tool: str) -> str:
    """Return what a patch is called that a local tool makes."""
    return _BY_TOOL[tool]


def name_by_words(prompt: str) -> str:
    """Return what a patch is called that is made by words."""
    words = prompt.strip()
    return (words if len(words) <= _NAME_CHARS else f"{words[:_NAME_CHARS].rstrip()}…") or _NAMELESS


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that no other patch has: numbered, where one has it already."""
    others = set(taken)
    free, number = name, 2
    while free in others:
        free, number = f"{name} {number}", number + 1
    return free


def named_after_pick(project: Project, edit: Edit, patch_id: str) -> Edit:
    """Return an edit that also renames a patch when its pick becomes another; a name that was given stays."""
    before = _patch(project, patch_id)
    try:
        after = _patch(edit.apply(project), patch_id)
    except EditRefused:
        # It is told where it is done.
        return edit
    if before is None or after is None or after.picked is None or after.pick == before.pick:
        return edit
    name = automatic_name(after.picked)
    if after.name != before.name or not _is_automatic(before) or _numbered(before.name, name):
        return edit
    name = free_name(name, (patch.name for patch in project.patches if patch.id != patch_id))
    parts = edit.edits if isinstance(edit, Compound) else (edit,)
    return Compound(edit.title, (*parts, ReplacePatch(replace(after, name=name))))


def _is_automatic(patch: Patch) -> bool:
    return not patch.name or any(_numbered(patch.name, automatic_name(take)) for take in patch.takes)


def _numbered(name: str, plain: str) -> bool:
    """Tell whether a name is another, or that with a number behind it."""
    return re.fullmatch(rf"{re.escape(plain)}( \d+)?", name) is not None


def _patch(project: Project, patch_id: str) -> Patch | None:
    return next((patch for patch in project.patches if patch.id == patch_id), None)
