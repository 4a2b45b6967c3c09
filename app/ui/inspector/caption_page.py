"""A caption: its text, its time, its speaker, and its style where it has one of its own."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.layer_page import add_layer_fields
from app.ui.inspector.page import Page
from app.ui.inspector.section import Section
from app.ui.inspector.style_fields import add_style
from engine.model.captions import Caption
from engine.model.edits import ReplaceItem
from engine.model.place import AtTimeline
from engine.model.text_style import READABLE, TextStyle


class CaptionPage(Page):
    """The chosen caption."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = Binder[Caption](
            context.theme,
            self._caption,
            lambda item: self.do(ReplaceItem(item)),
            self.refused,
            try_out=lambda item: self.try_out(None if item is None else ReplaceItem(item)),
        )
        binder, text = self._binder, self.section("Caption")
        binder.text(text, "Text", lambda i: i.text, lambda i, words: replace(i, text=words.strip("\n")), 3)
        binder.number(
            text, "Begins", lambda i: float(i.place.start_s), lambda i, s: _timed(i, start=s), 0, 360_000, 0.1, 3, " s"
        )
        binder.number(
            text, "Ends", lambda i: float(i.place.stop_s), lambda i, s: _timed(i, stop=s), 0, 360_000, 0.1, 3, " s"
        )
        binder.line(text, "Speaker", lambda i: i.speaker, lambda i, name: replace(i, speaker=name.strip()))
        binder.check(text, "Visible", lambda i: i.visible, lambda i, on: replace(i, visible=on))
        said = text.note()
        binder.also(
            lambda i: said.say(
                "The times are those of the timeline: the caption stays where it is when clips are moved."
                if isinstance(i.place, AtTimeline)
                else "The times are those of the film itself: the caption moves along when its clip is moved or cut."
            )
        )
        self.folded_section("Style", self._build_style)
        self.layer_section(lambda section: add_layer_fields(self, section).refresh)

    def _build_style(self, section: Section) -> None:
        binder = self._binder
        binder.check(
            section, "A style of its own", lambda i: i.style is not None,
            lambda i, on: replace(i, style=self._layer_style() if on else None),
        )  # fmt: skip

        def put(item: Caption, new: TextStyle) -> Caption:
            return replace(item, style=new)

        own = QWidget()
        fields = Section(self.context.theme, "Own style")
        layout = QVBoxLayout(own)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(fields)
        section.add_widget(own)
        add_style(binder, fields, lambda i: i.style or self._layer_style(), put)
        binder.also(lambda i: own.setVisible(i.style is not None))

    def refresh(self) -> None:
        self._binder.refresh()
        self.show_layer()

    def _caption(self) -> Caption | None:
        item = self.selection.item
        return item if isinstance(item, Caption) else None

    def _layer_style(self) -> TextStyle:
        layer = self.selection.layer
        return READABLE if layer is None else layer.settings.style


def _timed(item: Caption, start: float | None = None, stop: float | None = None) -> Caption:
    begins = item.place.start_s if start is None else Fraction(round(start * 1000), 1000)
    ends = item.place.stop_s if stop is None else Fraction(round(stop * 1000), 1000)
    return replace(item, place=replace(item.place, start_s=begins, stop_s=ends))
