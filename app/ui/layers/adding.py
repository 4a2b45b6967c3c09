"""New things on layers: text, shapes and colours over the film, and the subject that stays above them."""

from __future__ import annotations

from collections.abc import Callable

from app.ui.actions import ActionSpec
from app.ui.context import Context
from engine.model.edits import AddItems, AddLayer, Compound
from engine.model.edits.compound import SingleEdit
from engine.model.ids import new_id
from engine.model.layers import Item, Layer, LayerKind, LayerSettings
from engine.model.overlay import Content, Flat, Overlay, Shape, ShapeForm, Title
from engine.model.patch import Motion
from engine.model.place import OnTimeline
from engine.model.subject import DrawnMatte, Subject
from engine.model.time import Range
from engine.model.tool import BLACK

_SECONDS = 5
_EDIT_TEXT = "region.edit_text"
_NAMES = {LayerKind.OVERLAYS: "Overlays", LayerKind.SUBJECT: "Subject"}


class Adding:
    """Puts new items onto layers and chooses them."""

    def __init__(self, context: Context) -> None:
        self._actions = context.actions
        self._document = context.session.document
        self._selection = context.session.selection
        self._transport = context.session.transport
        self._patching = context.session.patching

    def actions(self) -> list[ActionSpec]:
        """Return what can be added."""

        def overlay(id: str, text: str, icon: str, name: str, make: Callable[[], Content]) -> ActionSpec:
            return ActionSpec(
                f"overlay.{id}", text, "Edit/Overlays", lambda: self._written(name, make()), icon=icon,
                hindrance=self._needs_film, section=30,
            )  # fmt: skip

        return [
            overlay("text", "Add text", "text", "Text", lambda: Title("Text")),
            overlay("rectangle", "Add rectangle", "box", "Rectangle", lambda: Shape(ShapeForm.RECTANGLE)),
            overlay("ellipse", "Add ellipse", "ellipse", "Ellipse", lambda: Shape(ShapeForm.ELLIPSE)),
            overlay("arrow", "Add arrow", "send", "Arrow", lambda: Shape(ShapeForm.ARROW)),
            overlay("colour", "Add colour", "overlay", "Colour", lambda: Flat(BLACK)),
            ActionSpec(
                "layer.subject_here", "Keep the region above overlays", "Region", self.subject, icon="mask",
                hindrance=self._needs_region, section=20,
            ),
        ]  # fmt: skip

    def _written(self, name: str, content: Content) -> None:
        """Add an overlay; a text has its words chosen, to be written over at once."""
        if self.overlay(name, content) and isinstance(content, Title) and self._actions.has(_EDIT_TEXT):
            self._actions.spec(_EDIT_TEXT).run()

    def overlay(self, name: str, content: Content) -> bool:
        """Add an overlay at the playhead, over the marked range where it stands in it, else for five seconds.

        Returns:
            Whether it was added.
        """
        project, frame = self._document.project, self._transport.frame
        marked = project.in_out
        last = frame + max(1, round(_SECONDS * project.canvas.rate))
        frames = marked if marked is not None and frame in marked else Range(frame, min(last, project.frame_count))
        return self._add(LayerKind.OVERLAYS, Overlay(new_id(), OnTimeline(frames), content, name=name))

    def subject(self) -> None:
        """Keep what is in the drawn region above the overlays that lie below its layer."""
        region, shown = self._selection.region, self._patching.anchor_frame()
        if region is None or shown is None:
            return
        matte = DrawnMatte(region, shown.frame, Motion(self._patching.choice.follow))
        item = Subject(new_id(), shown.source_id, self._patching.window(shown), matte, 2.0, name="Subject")
        if self._add(LayerKind.SUBJECT, item):
            self._selection.set_region(None, None)
            self._selection.choose(item.id)

    def _add(self, kind: LayerKind, item: Item) -> bool:
        layer, before = self._layer(kind)
        add = AddItems(layer, (item,))
        edit = Compound(f"Add {type(item).__name__.lower()}", (*before, add)) if before else add
        if not self._document.do(edit):
            return False
        self._selection.choose(item.id)
        return True

    def _layer(self, kind: LayerKind) -> tuple[str, tuple[SingleEdit, ...]]:
        """Return the layer to add to, the chosen one if it can be, and what makes it where there is none."""
        chosen = self._selection.layer
        able = [layer for layer in self._document.project.layers if layer.kind is kind and not layer.settings.locked]
        if chosen is not None and chosen in able:
            return chosen.id, ()
        if able:
            return able[-1].id, ()
        layer = Layer(new_id(), kind, LayerSettings(_NAMES[kind]))
        return layer.id, (AddLayer(layer.id, kind, layer.settings),)

    def _needs_film(self) -> str:
        return "" if self._document.project.frame_count else "Open a film first"

    def _needs_region(self) -> str:
        return "" if self._selection.region is not None else "Draw a region around it first"
