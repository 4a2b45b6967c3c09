"""Which title or caption was just added, so that it is brought into sight. No widgets."""

from __future__ import annotations

from engine.model.captions import Caption
from engine.model.overlay import Overlay
from engine.model.project import Project


def added_item(before: Project, after: Project) -> str | None:
    """Return the one title or caption that a change added; None for none, and for many at once."""
    known = {layer.id: layer.items for layer in before.layers}
    found: list[str] = []
    for layer in after.layers:
        items = known.get(layer.id, ())
        if layer.items is items or len(layer.items) != len(items) + 1:
            continue
        ids = {item.id for item in items}
        found += [item.id for item in layer.items if item.id not in ids and isinstance(item, Overlay | Caption)]
    return found[0] if len(found) == 1 else None
