"""An overlay: what it is, when it shows, how it lies on the canvas, with keyframes; and a subject."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial

from app.ui.context import Context
from app.ui.inspector.binder import Binder
from app.ui.inspector.layer_page import add_layer_fields
from app.ui.inspector.page import Page
from app.ui.inspector.section import Section
from app.ui.inspector.style_fields import add_geometry, add_style
from engine.model.edits import ReplaceItem
from engine.model.overlay import CENTRED, Film, Flat, Overlay, Shape, ShapeForm, Still, Title
from engine.model.place import OnTimeline
from engine.model.subject import Subject
from engine.model.text_style import TextStyle
from engine.model.time import Range
from engine.model.tool import BLACK, WHITE

FORMS = tuple((form, form.value.capitalize()) for form in ShapeForm)


class OverlayPage(Page):
    """The chosen overlay."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._binder = Binder[Overlay](
            context.theme,
            self._overlay,
            lambda item: self.do(ReplaceItem(item)),
            self.refused,
            self._at,
            self._go_to,
            lambda item: self.try_out(None if item is None else ReplaceItem(item)),
        )
        self._text = self.section("Text")
        self._style = self.folded_section("Style", self._build_style)
        self._shape = self.section("Shape")
        self._flat = self.section("Colour")
        self._film = self.section("Film")
        place, time = self.section("Place"), self.section("Time")
        self.build_later(self._build_content, partial(self._build_place, place), partial(self._build_time, time))
        self.layer_section(lambda section: add_layer_fields(self, section).refresh)
        context.session.transport.frame_changed.connect(self._playhead_moved)

    def refresh(self) -> None:
        item = self._overlay()
        content = None if item is None else item.content
        self._text.setVisible(isinstance(content, Title))
        self._style.setVisible(isinstance(content, Title))
        self._shape.setVisible(isinstance(content, Shape))
        self._flat.setVisible(isinstance(content, Flat))
        self._film.setVisible(isinstance(content, Film))
        self._binder.refresh()
        self.show_layer()

    def _overlay(self) -> Overlay | None:
        item = self.selection.item
        return item if isinstance(item, Overlay) else None

    def _playhead_moved(self) -> None:
        item = self._overlay()
        if item is not None and self.isVisible() and item.is_animated:
            self._binder.refresh()

    def _at(self, item: Overlay) -> int | None:
        """Return the item's own frame under the playhead."""
        frame = self.session.transport.frame
        if isinstance(item.place, OnTimeline):
            return frame - item.place.frames.start
        shown = self.document.timeline.source_at(frame)
        here = shown is not None and shown.source_id == item.place.source_id
        return shown.frame - item.place.frames.start if here and shown is not None else None

    def _go_to(self, item: Overlay, at: int) -> None:
        if isinstance(item.place, OnTimeline):
            self.session.transport.seek(item.place.frames.start + at)
            return
        frame = item.place.frames.start + at
        for place in self.document.timeline.showing(item.place.source_id, Range(frame, frame + 1)):
            self.session.transport.seek(place.start)
            return

    def _build_content(self) -> None:
        binder = self._binder

        def title(item: Overlay) -> Title:
            return item.content if isinstance(item.content, Title) else Title("")

        def shape(item: Overlay) -> Shape:
            return item.content if isinstance(item.content, Shape) else Shape(ShapeForm.RECTANGLE)

        def put_shape(item: Overlay, **changes: object) -> Overlay:
            return replace(item, content=replace(shape(item), **changes))  # type: ignore[arg-type]

        binder.text(
            self._text,
            "Text",
            lambda item: title(item).text,
            lambda item, text: replace(item, content=replace(title(item), text=text)),
        )
        section = self._shape
        binder.choice(section, "Form", FORMS, lambda i: shape(i).form, lambda i, form: put_shape(i, form=form))
        for name, text, most in (("width", "Width", 1000), ("height", "Height", 1000)):
            binder.number(
                section, text, lambda i, name=name: getattr(shape(i), name),  # type: ignore[misc]
                lambda i, n, name=name: put_shape(i, **{name: n}), 0, most, 1, 1, " %", factor=100,  # type: ignore[misc]
            )  # fmt: skip
        binder.check(
            section, "Filled", lambda i: shape(i).fill is not None,
            lambda i, on: put_shape(i, fill=(shape(i).fill or BLACK) if on else None),
        )  # fmt: skip
        fill = binder.colour(section, "Fill", lambda i: shape(i).fill or BLACK, lambda i, c: put_shape(i, fill=c))
        binder.check(
            section, "Outlined", lambda i: shape(i).stroke is not None,
            lambda i, on: put_shape(i, stroke=(shape(i).stroke or WHITE) if on else None),
        )  # fmt: skip
        line = binder.colour(section, "Line", lambda i: shape(i).stroke or WHITE, lambda i, c: put_shape(i, stroke=c))
        width = binder.number(
            section, "Line width", lambda i: shape(i).stroke_width, lambda i, n: put_shape(i, stroke_width=n),
            0, 100, 0.1, 2, " %", factor=100,
        )  # fmt: skip
        binder.number(
            section, "Corners", lambda i: shape(i).corner, lambda i, n: put_shape(i, corner=n), 0, 100, 0.5, 1, " %",
            factor=100,
        )  # fmt: skip
        binder.also(lambda i: section.show_row(fill, shape(i).fill is not None))
        binder.also(lambda i: section.show_row(line, shape(i).stroke is not None))
        binder.also(lambda i: section.show_row(width, shape(i).stroke is not None))
        binder.colour(
            self._flat, "Colour", lambda i: i.content.colour if isinstance(i.content, Flat) else BLACK,
            lambda i, colour: replace(i, content=Flat(colour)),
        )  # fmt: skip
        binder.number(
            self._film, "Begins at", lambda i: float(i.content.start_s) if isinstance(i.content, Film) else 0.0,
            lambda i, s: replace(i, content=replace(i.content, start_s=Fraction(round(s * 1000), 1000)))
            if isinstance(i.content, Film) else i,
            0, 360_000, 0.1, 3, " s",
        )  # fmt: skip

    def _build_style(self, section: Section) -> None:
        def put(item: Overlay, style: TextStyle) -> Overlay:
            content = item.content
            return replace(item, content=replace(content, style=style)) if isinstance(content, Title) else item

        def get(item: Overlay) -> TextStyle:
            return item.content.style if isinstance(item.content, Title) else CENTRED

        add_style(self._binder, section, get, put)

    def _build_place(self, section: Section) -> None:
        add_geometry(
            self._binder,
            section,
            lambda item: item.geometry,
            lambda item, geometry: replace(item, geometry=geometry),
            lambda item: isinstance(item.content, Still | Film),
        )
        self._binder.animated(
            section, "Opacity", lambda item: item.opacity, lambda item, value: replace(item, opacity=value),
            0, 100, 5, 0, " %", factor=100,
        )  # fmt: skip
        self._binder.keyframes(section)

    def _build_time(self, section: Section) -> None:
        def moved(item: Overlay, start: int, length: int) -> Overlay:
            frames = Range(start, start + max(1, length))
            return replace(item, place=replace(item.place, frames=frames))

        binder = self._binder
        binder.line(section, "Name", lambda i: i.name, lambda i, text: replace(i, name=text.strip()))
        binder.whole(
            section, "First frame", lambda i: i.place.frames.start,
            lambda i, start: moved(i, start, len(i.place.frames)), 0, 100_000_000,
        )  # fmt: skip
        binder.whole(
            section, "Length", lambda i: len(i.place.frames),
            lambda i, length: moved(i, i.place.frames.start, length), 1, 100_000_000, " frames",
        )  # fmt: skip
        binder.check(section, "Visible", lambda i: i.visible, lambda i, on: replace(i, visible=on))
        said = section.note()
        binder.also(
            lambda i: said.say(
                "It keeps its time on the timeline."
                if isinstance(i.place, OnTimeline)
                else "It stays with its film’s frames through later cuts."
            )
        )


class SubjectPage(Page):
    """The chosen subject."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        section = self.section("Subject")
        self._binder = Binder[Subject](
            context.theme,
            self._subject,
            lambda item: self.do(ReplaceItem(item)),
            self.refused,
            try_out=lambda item: self.try_out(None if item is None else ReplaceItem(item)),
        )
        self._binder.line(section, "Name", lambda i: i.name, lambda i, text: replace(i, name=text.strip()))
        self._binder.number(
            section, "Softness", lambda i: i.feather_px, lambda i, n: replace(i, feather_px=n), 0, 100, 1, 1, " px",
            slides=True,
        )  # fmt: skip
        self._binder.check(
            section, "The mask marks the background", lambda i: i.inverted, lambda i, on: replace(i, inverted=on)
        )
        self._binder.check(section, "Visible", lambda i: i.visible, lambda i, on: replace(i, visible=on))
        self.layer_section(lambda section: add_layer_fields(self, section).refresh)

    def refresh(self) -> None:
        self._binder.refresh()
        self.show_layer()

    def _subject(self) -> Subject | None:
        item = self.selection.item
        return item if isinstance(item, Subject) else None
