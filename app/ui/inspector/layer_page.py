"""The head of a layer: name, opacity, blend mode, how captions get into the film; also below the items of a layer."""

from __future__ import annotations

from dataclasses import replace

from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.page import Page
from app.ui.inspector.section import Section
from app.ui.inspector.style_fields import add_style
from engine.model.edits import ChangeLayer
from engine.model.layers import Blend, CaptionMode, Layer, LayerKind, LayerSettings

BLENDS = (
    (Blend.NORMAL, "Normal"),
    (Blend.MULTIPLY, "Multiply"),
    (Blend.SCREEN, "Screen"),
    (Blend.OVERLAY, "Overlay"),
    (Blend.ADD, "Add"),
    (Blend.DARKEN, "Darken"),
    (Blend.LIGHTEN, "Lighten"),
)
CAPTION_MODES = ((CaptionMode.BURNED, "Burned into the picture"), (CaptionMode.SOFT, "As a track of text"))


def add_layer_fields(page: Page, section: Section) -> Binder[Layer]:
    """Add the controls of the chosen layer's head."""

    def put(layer: Layer, settings: LayerSettings) -> Layer:
        return replace(layer, settings=settings)

    binder = Binder[Layer](
        page.context.theme,
        lambda: page.selection.layer,
        lambda layer: page.do(ChangeLayer(layer.id, layer.settings)),
        page.refused,
        try_out=lambda layer: page.try_out(None if layer is None else ChangeLayer(layer.id, layer.settings)),
    )
    binder.line(
        section,
        "Layer",
        lambda layer: layer.settings.name,
        lambda layer, name: put(layer, replace(layer.settings, name=name.strip() or layer.settings.name)),
    )
    binder.number(
        section,
        "Opacity",
        lambda layer: layer.settings.opacity,
        lambda layer, share: put(layer, replace(layer.settings, opacity=share)),
        0, 100, 5, 0, " %", slides=True, factor=100,
    )  # fmt: skip
    binder.choice(
        section,
        "Blend",
        BLENDS,
        lambda layer: layer.settings.blend,
        lambda layer, blend: put(layer, replace(layer.settings, blend=blend)),
    )
    binder.check(
        section,
        "Visible",
        lambda layer: layer.settings.visible,
        lambda layer, on: put(layer, replace(layer.settings, visible=on)),
    )
    binder.check(
        section,
        "Locked",
        lambda layer: layer.settings.locked,
        lambda layer, on: put(layer, replace(layer.settings, locked=on)),
    )
    return binder


class LayerPage(Page):
    """A layer that was chosen itself."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = add_layer_fields(self, self.section("Layer"))
        self._captions = self.section("Captions")
        self._style = self.folded_section("Style", self._build_style)

        def put(layer: Layer, settings: LayerSettings) -> Layer:
            return replace(layer, settings=settings)

        self._binder.choice(
            self._captions,
            "In the film",
            CAPTION_MODES,
            lambda layer: layer.settings.captions,
            lambda layer, mode: put(layer, replace(layer.settings, captions=mode)),
        )

    def _build_style(self, section: Section) -> None:
        add_style(
            self._binder,
            section,
            lambda layer: layer.settings.style,
            lambda layer, style: replace(layer, settings=replace(layer.settings, style=style)),
        )

    def refresh(self) -> None:
        layer = self.selection.layer
        is_captions = layer is not None and layer.kind is LayerKind.CAPTIONS
        burned = layer is not None and layer.settings.captions is CaptionMode.BURNED
        self._captions.setVisible(is_captions)
        self._style.setVisible(is_captions and burned)
        self._binder.refresh()
