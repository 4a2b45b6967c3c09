"""The controls of a patch's tool: a section for each kind of tool, of which the one of the pick shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from app.ui.inspector.binder import Binder
from app.ui.inspector.section import Section
from engine.model.patch import Patch
from engine.model.tool import (
    Blur,
    Clone,
    Fill,
    FitStep,
    Grade,
    Inpaint,
    Lettering,
    MovingPicture,
    Picture,
    Pixelate,
    Remove,
    Tool,
)

TITLES: dict[type[Tool], str] = {
    Blur: "Blur",
    Pixelate: "Pixelate",
    Fill: "Fill with colour",
    Grade: "Grade",
    Remove: "Remove",
    Inpaint: "Fill from around",
    Clone: "Clone",
    Picture: "Picture",
    MovingPicture: "Moving picture",
    Lettering: "Text",
}


def with_tool(patch: Patch, tool: Tool) -> Patch:
    """Return a patch whose pick is made by another tool, or with other settings."""
    takes = tuple(replace(take, tool=tool) if take.id == patch.pick else take for take in patch.takes)
    return replace(patch, takes=takes)


class ToolFields:
    """The sections by kind of tool, made when one is first needed."""

    def __init__(
        self,
        new_section: Callable[[str], Section],
        read: Callable[[], Patch | None],
        binder: Callable[[], Binder[Patch]],
    ) -> None:
        self._new_section = new_section
        self._read = read
        self._new_binder = binder
        self._made: dict[type[Tool], tuple[Section, Binder[Patch]]] = {}

    def refresh(self) -> None:
        """Show the section of the pick's tool."""
        patch = self._read()
        tool = None if patch is None else patch.tool
        kind = None if tool is None else type(tool)
        if kind is not None and kind not in self._made:
            binder = self._new_binder()
            section = self._new_section(TITLES[kind])
            _BUILDERS[kind](binder, section)
            self._made[kind] = section, binder
        for known, (section, binder) in self._made.items():
            section.setVisible(known is kind)
            if known is kind:
                binder.refresh()


def _part(name: str, factor: float = 1.0) -> Callable[[Patch], float]:
    return lambda patch: float(getattr(patch.tool, name)) * factor


def _change(**changes: Any) -> Callable[[Patch], Patch]:  # noqa: ANN401 # the tools' fields are of many types
    def change(patch: Patch) -> Patch:
        return patch if patch.tool is None else with_tool(patch, replace(patch.tool, **changes))

    return change


def _number(
    binder: Binder[Patch],
    section: Section,
    name: str,
    title: str,
    low: float,
    high: float,
    step: float,
    decimals: int,
    suffix: str = "",
) -> None:
    whole = decimals == 0
    binder.number(
        section,
        title,
        _part(name),
        lambda patch, number: _change(**{name: round(number) if whole else number})(patch),
        low,
        high,
        step,
        decimals,
        suffix,
        slides=True,
    )


def _blur(binder: Binder[Patch], section: Section) -> None:
    _number(binder, section, "radius_px", "Radius", 0.5, 200, 1, 1, " px")


def _pixelate(binder: Binder[Patch], section: Section) -> None:
    _number(binder, section, "block_px", "Block size", 2, 200, 1, 0, " px")


def _fill(binder: Binder[Patch], section: Section) -> None:
    binder.colour(
        section,
        "Colour",
        lambda patch: patch.tool.colour if isinstance(patch.tool, Fill) else Fill().colour,
        lambda patch, colour: _change(colour=colour)(patch),
    )


def _grade(binder: Binder[Patch], section: Section) -> None:
    _number(binder, section, "exposure", "Exposure", -4, 4, 0.05, 2)
    _number(binder, section, "contrast", "Contrast", 0, 3, 0.02, 2)
    _number(binder, section, "saturation", "Saturation", 0, 3, 0.02, 2)
    _number(binder, section, "temperature", "Temperature", -1, 1, 0.02, 2)
    _number(binder, section, "hue_deg", "Hue", -180, 180, 1, 1, "°")


def _remove(binder: Binder[Patch], section: Section) -> None:
    _number(binder, section, "reach", "Frames looked at", 1, 300, 5, 0)


def _inpaint(binder: Binder[Patch], section: Section) -> None:
    _number(binder, section, "radius_px", "Reach", 1, 100, 1, 1, " px")


def _clone(binder: Binder[Patch], section: Section) -> None:
    for name, title in (("dx", "Shift across"), ("dy", "Shift down")):
        binder.number(
            section,
            title,
            _part(name),
            lambda patch, share, name=name: _change(**{name: share})(patch),  # type: ignore[misc]
            -200,
            200,
            0.5,
            1,
            " %",
            factor=100,
        )
    binder.number(
        section, "Later by", _part("frames"), lambda p, n: _change(frames=round(n))(p), -5000, 5000, 1, 0, " frames"
    )
    binder.check(
        section,
        "Keep the tone of its surroundings",
        lambda patch: isinstance(patch.tool, Clone) and patch.tool.heal,
        lambda patch, on: _change(heal=on)(patch),
    )


def _picture(binder: Binder[Patch], section: Section) -> None:
    for step, text in ((FitStep.REGISTER, "Fit its place"), (FitStep.COLOUR, "Fit its colour")):

        def get(patch: Patch, step: FitStep = step) -> bool:
            return isinstance(patch.tool, Picture) and step in patch.tool.fit

        def put(patch: Patch, on: bool, step: FitStep = step) -> Patch:
            tool = patch.tool
            if not isinstance(tool, Picture):
                return patch
            chosen = {*tool.fit, step} if on else {*tool.fit} - {step}
            return _change(fit=tuple(known for known in FitStep if known in chosen))(patch)

        binder.check(section, text, get, put)


def _moving_picture(_binder: Binder[Patch], section: Section) -> None:
    section.note().say("A film stands in the region; it moves as it was made.")


def _lettering(binder: Binder[Patch], section: Section) -> None:
    def part(patch: Patch) -> Lettering:
        return patch.tool if isinstance(patch.tool, Lettering) else Lettering("")

    binder.text(section, "Text", lambda patch: part(patch).text, lambda patch, text: _change(text=text)(patch), 2)
    binder.colour(section, "Colour", lambda p: part(p).colour, lambda p, colour: _change(colour=colour)(p))
    binder.number(
        section, "Line height", lambda p: part(p).size, lambda p, n: _change(size=n)(p), 1, 100, 5, 0, " %",
        slides=True, factor=100,
    )  # fmt: skip
    binder.line(section, "Font", lambda p: part(p).font, lambda p, text: _change(font=text.strip())(p))


_BUILDERS: dict[type[Tool], Callable[[Binder[Patch], Section], None]] = {
    Blur: _blur,
    Pixelate: _pixelate,
    Fill: _fill,
    Grade: _grade,
    Remove: _remove,
    Inpaint: _inpaint,
    Clone: _clone,
    Picture: _picture,
    MovingPicture: _moving_picture,
    Lettering: _lettering,
}
