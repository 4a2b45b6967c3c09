"""Where an overlay or a caption stands on the canvas, and what dragging it changes. Values only."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from app.session.scene import Scene
from engine.model.captions import Caption
from engine.model.geometry import AS_IT_IS, Geometry
from engine.model.keyframes import Curve, Keyframe, Value, value_at
from engine.model.layers import Item
from engine.model.overlay import Film, Flat, Overlay, Shape, Still, Title
from engine.model.place import OnSource
from engine.model.placement import timeline_ranges
from engine.model.region import Point
from engine.model.text_style import TextStyle
from engine.patches.affine import Screen, laid
from engine.patches.text import lettering
from engine.render.base import screen_of


@dataclass(frozen=True, slots=True)
class ItemBox:
    """The frame around an item.

    Attributes:
        item: as it was looked at. frame: of the timeline. at: the item's own frame, which its keyframes count.
        corners: upper left, upper right, lower right, lower left of what it shows, 0 to 1 of the canvas.
        aspect: width of the canvas by its height, pixels being square.
    """

    item: Overlay | Caption
    frame: int
    at: int
    corners: tuple[Point, ...]
    aspect: float

    @property
    def middle(self) -> Point:
        """Return its middle."""
        return sum(x for x, _ in self.corners) / 4, sum(y for _, y in self.corners) / 4

    def moved(self, dx: float, dy: float) -> ItemBox:
        """Return the frame dragged."""
        corners = tuple((x + dx, y + dy) for x, y in self.corners)
        return replace(self, corners=corners)

    def turned(self, degrees: float, scale: float) -> ItemBox:
        """Return the frame turned clockwise and scaled about its middle."""
        cos, sin = math.cos(math.radians(degrees)) * scale, math.sin(math.radians(degrees)) * scale
        mx, my = self.middle
        corners = []
        for x, y in self.corners:
            dx, dy = (x - mx) * self.aspect, y - my
            corners.append((mx + (dx * cos - dy * sin) / self.aspect, my + dx * sin + dy * cos))
        return replace(self, corners=tuple(corners))


def item_box(scene: Scene, item: Item, frame: int) -> ItemBox | None:
    """Return the frame around an item on a timeline frame; None where it shows nothing there.

    Raises:
        MediaError, PictureError: what it shows cannot be read.
    """
    if not isinstance(item, Overlay | Caption) or not item.visible:
        return None
    shown = next((span for span in timeline_ranges(item, scene.timeline) if frame in span), None)
    if shown is None:
        return None
    canvas = scene.project.canvas
    screen = Screen(canvas.width, canvas.height, canvas.sar)
    across, down = screen.square_size
    geometry = item.geometry if isinstance(item, Overlay) else AS_IT_IS
    at = _own_frame(scene, item, frame, shown.start)
    found = _extent(scene, item, across, down)
    if found is None:
        return None
    (left, top, right, bottom), width, height = found
    corners = np.array([[left, right, right, left], [top, top, bottom, bottom], [1, 1, 1, 1]], np.float64)
    placed = laid(geometry, at, width, height, screen) @ corners
    points = [(float(x) / canvas.width, float(y) / canvas.height) for x, y in placed[:2].T]
    return ItemBox(item, frame, at, (points[0], points[1], points[2], points[3]), across / down)


def dropped(box: ItemBox, dx: float, dy: float, style: TextStyle) -> Overlay | Caption:
    """Return an item dragged by shares of the canvas; style: the caption's, or its layer's.

    Raises:
        EditRefused: it would lie out of bounds.
    """
    if isinstance(box.item, Caption):
        x, y = min(max(style.x + dx, 0.0), 1.0), min(max(style.y + dy, 0.0), 1.0)
        return replace(box.item, style=replace(style, x=round(x, 4), y=round(y, 4)))
    geometry = box.item.geometry
    return replace(
        box.item,
        geometry=replace(
            geometry,
            x=with_value(geometry.x, box.at, value_at(geometry.x, box.at) + dx),
            y=with_value(geometry.y, box.at, value_at(geometry.y, box.at) + dy),
        ),
    )


def reshaped(box: ItemBox, degrees: float, scale: float, style: TextStyle) -> Overlay | Caption:
    """Return an item turned clockwise and scaled; a caption only gets larger or smaller.

    Raises:
        EditRefused: it would be out of bounds.
    """
    if isinstance(box.item, Caption):
        return replace(box.item, style=replace(style, size=round(min(max(style.size * scale, 0.005), 1.0), 4)))
    geometry: Geometry = box.item.geometry
    return replace(
        box.item,
        geometry=replace(
            geometry,
            scale=with_value(geometry.scale, box.at, max(0.001, value_at(geometry.scale, box.at) * scale)),
            turn_deg=with_value(geometry.turn_deg, box.at, value_at(geometry.turn_deg, box.at) + degrees),
        ),
    )


def with_value(value: Value, at: int, now: float) -> Value:
    """Return a value that is `now` at a frame of its item: a keyframe there where it is animated."""
    now = round(now, 5)
    if not isinstance(value, Curve):
        return now
    before = [key for key in value.keys if key.at < at]
    same = next((key for key in value.keys if key.at == at), None)
    ease = same.ease if same is not None else (before[-1].ease if before else value.keys[0].ease)
    return Curve((*before, Keyframe(at, now, ease), *(key for key in value.keys if key.at > at)))


def text_of(item: Item | None) -> str | None:
    """Return the text that can be edited in place, None where there is none."""
    match item:
        case Caption(text=text):
            return text
        case Overlay(content=Title(text=text)):
            return text
        case _:
            return None


def with_text(item: Overlay | Caption, text: str) -> Overlay | Caption:
    """Return an item with another text.

    Raises:
        EditRefused: the text cannot stand there.
    """
    if isinstance(item, Caption):
        return replace(item, text=text)
    assert isinstance(item.content, Title)
    return replace(item, content=replace(item.content, text=text))


def tidied(item: Overlay | Caption, text: str) -> str:
    """Return what was typed as the item can hold it: a caption has no blank lines, a title none around it."""
    lines = text.split("\n")
    if isinstance(item, Caption):
        return "\n".join(line.strip() for line in lines if line.strip())
    return "\n".join(lines).strip("\n") if text.strip() else ""


def style_of(scene: Scene, item: Overlay | Caption) -> TextStyle:
    """Return how an item's text looks: by its own style, or by its layer's."""
    if isinstance(item, Overlay):
        return item.content.style if isinstance(item.content, Title) else TextStyle()
    return item.style or scene.project.layer_of(item.id).settings.style


def _own_frame(scene: Scene, item: Overlay | Caption, frame: int, first: int) -> int:
    if isinstance(item, Overlay) and isinstance(item.place, OnSource):
        shown = scene.source_at(frame)
        return 0 if shown is None else shown[1] - item.place.frames.start
    return frame - first


def _extent(
    scene: Scene, item: Overlay | Caption, across: float, down: float
) -> tuple[tuple[float, float, float, float], float, float] | None:
    """Return the sides of what an item shows, and the width and height of what its geometry lays on the canvas."""
    if isinstance(item, Caption):
        return _letters(item.text, style_of(scene, item), across, down)
    match item.content:
        case Still(content):
            height, width = scene.pictures(content).rgba.shape[:2]
            return (0.0, 0.0, float(width), float(height)), float(width), float(height)
        case Film(source_id):
            width, height = screen_of(scene.films.video(source_id)).square_size
            return (0.0, 0.0, width, height), width, height
        case Title(text, style):
            return _letters(text, style, across, down)
        case Shape(width=wide, height=high):
            dx, dy = wide * across / 2, high * down / 2
            return (across / 2 - dx, down / 2 - dy, across / 2 + dx, down / 2 + dy), across, down
        case Flat():
            return (0.0, 0.0, across, down), across, down


def _letters(
    text: str, style: TextStyle, across: float, down: float
) -> tuple[tuple[float, float, float, float], float, float] | None:
    drawn = lettering(text, style, round(across), round(down))
    if drawn is None:
        return None
    height, width = drawn.rgba.shape[:2]
    return (float(drawn.x), float(drawn.y), float(drawn.x + width), float(drawn.y + height)), across, down
