"""The controls of a text's style and of a picture's place; used by several kinds of items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QCompleter

from app.ui.inspector.binder import Binder
from app.ui.inspector.section import Section
from engine.model.geometry import Crop, Fit, Geometry
from engine.model.keyframes import Value
from engine.model.text_style import Align, TextStyle
from engine.model.tool import BLACK

T = TypeVar("T")

FITS = (
    (Fit.FIT, "Fit, with bars"),
    (Fit.FILL, "Fill, cut off"),
    (Fit.STRETCH, "Stretch"),
    (Fit.CROP, "Pixel for pixel"),
)
_NO_CROP = Crop()


def add_style(
    binder: Binder[T], section: Section, get: Callable[[T], TextStyle], put: Callable[[T, TextStyle], T]
) -> None:
    """Add the controls of a text style."""

    def part(**changes: object) -> Callable[[T], T]:
        return lambda value: put(value, replace(get(value), **changes))  # type: ignore[arg-type]

    font = binder.line(section, "Font", lambda v: get(v).font, lambda v, text: part(font=text.strip())(v))
    font.setPlaceholderText("Deltacut’s own")
    completer = QCompleter(QFontDatabase.families(), font)
    completer.setCaseSensitivity(completer.caseSensitivity().CaseInsensitive)
    font.setCompleter(completer)
    binder.number(
        section, "Size", lambda v: get(v).size, lambda v, n: part(size=n)(v), 0.5, 100, 0.5, 1, " %", factor=100
    )
    binder.check(section, "Bold", lambda v: get(v).bold, lambda v, on: part(bold=on)(v))
    binder.check(section, "Italic", lambda v: get(v).italic, lambda v, on: part(italic=on)(v))
    binder.colour(section, "Colour", lambda v: get(v).colour, lambda v, c: part(colour=c)(v))
    binder.number(
        section, "Outline", lambda v: get(v).outline, lambda v, n: part(outline=n)(v), 0, 10, 0.05, 2, " %", factor=100
    )
    binder.colour(section, "Outline colour", lambda v: get(v).outline_colour, lambda v, c: part(outline_colour=c)(v))
    binder.check(
        section,
        "Box behind the text",
        lambda v: get(v).box is not None,
        lambda v, on: part(box=(get(v).box or BLACK) if on else None)(v),
    )
    box = binder.colour(section, "Box colour", lambda v: get(v).box or BLACK, lambda v, c: part(box=c)(v))
    shade = binder.number(
        section, "Box opacity", lambda v: get(v).box_opacity, lambda v, n: part(box_opacity=n)(v), 0, 100, 5, 0, " %",
        factor=100,
    )  # fmt: skip
    binder.also(lambda v: section.show_row(box, get(v).box is not None))
    binder.also(lambda v: section.show_row(shade, get(v).box is not None))
    binder.choice(
        section,
        "Lines begin",
        ((Align.LEFT, "Left"), (Align.CENTRE, "Centred"), (Align.RIGHT, "Right")),
        lambda v: get(v).align,
        lambda v, align: part(align=align)(v),
    )
    for name, text in (("x", "Text across"), ("y", "Lower edge"), ("width", "Widest line")):
        binder.number(
            section,
            text,
            lambda v, name=name: getattr(get(v), name),  # type: ignore[misc]
            lambda v, n, name=name: part(**{name: n})(v),  # type: ignore[misc]
            5 if name == "width" else 0,
            100,
            1,
            1,
            " %",
            factor=100,
        )


def add_geometry(
    binder: Binder[T],
    section: Section,
    get: Callable[[T], Geometry],
    put: Callable[[T, Geometry], T],
    has_size: Callable[[T], bool] = lambda _: True,
) -> None:
    """Add the controls of how a picture lies on the canvas, each with keyframes but the fit.

    Args:
        binder: binds them.
        section: where they go.
        get: reads the geometry of what is shown.
        put: returns it with another one.
        has_size: tells whether it has a size of its own, which is fitted to the canvas.
    """

    def changed(value: T, **changes: object) -> T:
        return put(value, replace(get(value), **changes))  # type: ignore[arg-type]

    fits = binder.choice(section, "Fit", FITS, lambda v: get(v).fit, lambda v, fit: changed(v, fit=fit))
    binder.also(lambda v: section.show_row(fits, has_size(v)))
    for field, text, low, high, step, decimals, suffix, factor in (
        ("x", "Across", -10000, 10000, 0.5, 1, " %", 100.0),
        ("y", "Down", -10000, 10000, 0.5, 1, " %", 100.0),
        ("scale", "Scale", 0.1, 100000, 1, 1, " %", 100.0),
        ("turn_deg", "Rotation", -36000, 36000, 1, 1, "°", 1.0),
    ):
        binder.animated(
            section,
            text,
            lambda v, field=field: getattr(get(v), field),  # type: ignore[misc]
            lambda v, new, field=field: changed(v, **{field: new}),  # type: ignore[misc]
            low,
            high,
            step,
            decimals,
            suffix,
            factor=factor,
        )
    for side in ("left", "top", "right", "bottom"):

        def read(value: T, side: str = side) -> Value:
            crop: Value = getattr(get(value).crop or _NO_CROP, side)
            return crop

        def write(value: T, new: Value, side: str = side) -> T:
            crop = replace(get(value).crop or _NO_CROP, **{side: new})
            return changed(value, crop=None if crop == _NO_CROP else crop)

        binder.animated(section, f"Crop {side}", read, write, 0, 99.9, 0.5, 1, " %", factor=100)
