"""The fonts that a recipe's text is drawn in, which its pixels depend on though they are no part of the project."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model.ops import CaptionOp, OverlayOp, PatchOp
from engine.model.overlay import Title
from engine.model.recipe import Recipe
from engine.model.tool import Lettering
from engine.patches.fonts import identity


def font_identities(recipe: Recipe) -> tuple[str, ...]:
    """Return what stands for the fonts of a recipe in a cache key; none for the program's own."""
    return tuple(sorted({found for font in _fonts(recipe) if (found := identity(font))}))


def _fonts(recipe: Recipe) -> Iterator[str]:
    for op in recipe.ops:
        match op:
            case CaptionOp(style=style):
                yield style.font
            case OverlayOp(content=Title(style=style)):
                yield style.font
            case PatchOp(tool=Lettering(font=font)):
                yield font
