"""An action as a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

MENUS = ("File", "Edit", "Clip", "Region", "Playback", "View", "Help")
"""The window's menus, from left to right."""


def nothing() -> str:
    """Say that nothing keeps an action from running."""
    return ""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """Something the person can do.

    Attributes:
        id: its stable name, such as "clip.split"; settings and presets refer to it.
        text: as it stands in the menu, with an ellipsis where a dialog follows.
        menu: one of MENUS, and "Clip/Trim" for a submenu of it.
        run: does it. keys: the shortcuts of our own preset, separated by "; ", none by choice where empty.
        hindrance: returns why it cannot run now, as a sentence for the tooltip ("Pick a take first"), else "".
        is_on: for an action that is on or off.
        section: actions of one section of a menu stand together, sections in ascending order.
        also: what else somebody may call it who looks for it; found, never shown.
        hidden: it is only found by its key and by search, since the menu would repeat others.
    """

    id: str
    text: str
    menu: str
    run: Callable[[], None]
    keys: str = ""
    icon: str = ""
    hindrance: Callable[[], str] = nothing
    is_on: Callable[[], bool] | None = None
    section: int = 0
    hidden: bool = False
    also: str = ""
