"""The layer stack as rows: what stands in the panel, top of the stack first, the film at the bottom. No widgets."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.media.caption_track import plain_text
from engine.model.captions import Caption
from engine.model.layers import Item, Layer, LayerKind
from engine.model.overlay import Film, Flat, Overlay, Shape, Still, Title
from engine.model.patch import Patch, ReviewState
from engine.model.project import FIRST_LAYERS, Project
from engine.model.region import Box, Ellipse, Lasso, Polygon, Region
from engine.model.storyline import Clip
from engine.model.subject import Subject
from engine.model.timeline import TimelineMap

FILM = "film"
"""The id of the film's own row."""

KIND_ICONS = {
    LayerKind.BACKGROUND: ("image", "overlay.line"),
    LayerKind.SUBJECT: ("mask", "text.2"),
    LayerKind.PATCHES: ("region", "patch.line"),
    LayerKind.OVERLAYS: ("overlay", "overlay.line"),
    LayerKind.CAPTIONS: ("caption", "caption.line"),
}
KIND_NAMES = {
    LayerKind.BACKGROUND: "Background",
    LayerKind.SUBJECT: "Subject",
    LayerKind.PATCHES: "Patches",
    LayerKind.OVERLAYS: "Overlays",
    LayerKind.CAPTIONS: "Captions",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the panel.

    Attributes:
        layer_id: the layer, empty for the film's row.
        item_id: the item that the row stands for; empty for a layer of several items or none.
        children: the rows of the items of a layer that holds several, the topmost first.
        icon, tone: of its kind. meta: what there is to know at a glance.
        visible, locked: of the item, else of the layer; a locked layer locks its items.
        state: of a patch.
    """

    layer_id: str
    item_id: str
    name: str
    meta: str
    icon: str
    tone: str
    visible: bool = True
    locked: bool = False
    state: ReviewState | None = None
    children: tuple[Row, ...] = ()

    @property
    def key(self) -> str:
        """Return what the row is known by."""
        return self.item_id or self.layer_id or FILM

    @property
    def spoken(self) -> str:
        """Return the row as a screen reader says it."""
        parts = [self.name, self.meta]
        if self.state is not None:
            parts.append(self.state.value)
        parts += ["visible" if self.visible else "hidden", "locked" if self.locked else ""]
        return ", ".join(part for part in parts if part)


def rows_of(project: Project, timeline: TimelineMap) -> tuple[Row, ...]:
    """Return the rows of a project; a first layer that nobody touched is left out while it is empty."""
    rate = project.canvas.rate
    rows = [
        _layer_row(layer, project, timeline, rate) for layer in reversed(project.layers) if layer not in FIRST_LAYERS
    ]
    return (*rows, _film_row(project))


def _layer_row(layer: Layer, project: Project, timeline: TimelineMap, rate: Fraction) -> Row:
    settings = layer.settings
    if layer.kind is not LayerKind.CAPTIONS and len(layer.items) == 1:
        return _item_row(layer, layer.items[0], project, timeline, rate)
    children: tuple[Row, ...] = ()
    if layer.kind is LayerKind.CAPTIONS:
        meta = _count(len(layer.items), "line")
    else:
        meta = _count(len(layer.items), {LayerKind.PATCHES: "patch"}.get(layer.kind, "item"))
        children = tuple(_item_row(layer, item, project, timeline, rate) for item in reversed(layer.items))
    icon, tone = KIND_ICONS[layer.kind]
    if settings.opacity < 1:
        meta = f"{meta}, {round(settings.opacity * 100)}%"
    return Row(layer.id, "", settings.name, meta, icon, tone, settings.visible, settings.locked, None, children)


def _item_row(layer: Layer, item: Item, project: Project, timeline: TimelineMap, rate: Fraction) -> Row:
    icon, tone = KIND_ICONS[layer.kind]
    state: ReviewState | None = None
    match item:
        case Patch():
            frames = item.frames
            times = project.picture(item.source_id).times
            seconds = float(times.time_of(min(frames.stop, times.count)) - times.time_of(frames.start))
            meta, state = f"{seconds:.1f} s, {region_word(item.region)}", item.state
            name = item.name or "Patch"
        case Overlay():
            name, meta, icon = _overlay_words(item, project)
        case Subject():
            name, meta = item.name or "Subject", _count(len(item.frames), "frame")
        case Caption():
            name, meta = " ".join(plain_text(item.text).split()), ""
    visible = item.visible and layer.settings.visible
    return Row(layer.id, item.id, name, meta, icon, tone, visible, layer.settings.locked, state)


def _overlay_words(item: Overlay, project: Project) -> tuple[str, str, str]:
    """Return an overlay's name, what it is, and its icon."""
    match item.content:
        case Title(text):
            return item.name or "Text", " ".join(text.split()), "text"
        case Still():
            return item.name or "Picture", "picture", "image"
        case Film(source_id):
            return item.name or "Film", project.source(source_id).name, "film"
        case Shape(form):
            return item.name or form.value.capitalize(), "shape", "box"
        case Flat():
            return item.name or "Colour", "all over", "overlay"


def _film_row(project: Project) -> Row:
    used = dict.fromkeys(item.source_id for item in project.storyline if isinstance(item, Clip))
    names = [project.source(source_id).name for source_id in used]
    meta = names[0] if len(names) == 1 else _count(len(names), "film")
    return Row("", "", "Film", meta if names else "", "film", "text.1", locked=True)


def region_word(region: Region) -> str:
    """Return how a region was drawn."""
    match region:
        case Box():
            return "box"
        case Ellipse():
            return "ellipse"
        case Polygon():
            return "polygon"
        case Lasso():
            return "lasso"


def _count(number: int, thing: str) -> str:
    plural = thing if number == 1 else f"{thing}es" if thing.endswith("ch") else f"{thing}s"
    return f"{number:,} {plural}"
