"""From a tool's name and a person's settings to the tool itself; what was left open is chosen by the region's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

from engine.errors import UsageError
from engine.model.tool import (
    BLACK,
    WHITE,
    Blur,
    Clone,
    Fill,
    FitStep,
    Grade,
    Inpaint,
    Lettering,
    Picture,
    Pixelate,
    Remove,
    Rgb,
    Tool,
)

Value = TypeVar("Value")

COVERING = ("blur", "pixelate", "fill")
"""Tools that hide something: where it is lost they cover more, never less."""

_MEANT_FOR = {
    "image": ("image", "sticker"),
    "fit": ("image",),
    "radius_px": ("blur", "inpaint"),
    "block_px": ("pixelate",),
    "colour": ("fill", "text"),
    "exposure": ("grade",),
    "contrast": ("grade",),
    "saturation": ("grade",),
    "temperature": ("grade",),
    "hue_deg": ("grade",),
    "reach": ("remove",),
    "shift": ("clone", "heal"),
    "frames_away": ("clone", "heal"),
    "text": ("text",),
    "size": ("text",),
    "font": ("text",),
}
TOOL_NAMES = (
    "blur",
    "pixelate",
    "fill",
    "grade",
    "remove",
    "inpaint",
    "clone",
    "heal",
    "image",
    "sticker",
    "text",
)
_OPTIONS = {
    "radius_px": "radius",
    "block_px": "block",
    "hue_deg": "hue",
    "shift": "from",
    "frames_away": "from-frame",
}
"""How a setting is called where its name is not its own."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """What a person set; None leaves it to the tool.

    Attributes:
        shift: (x, y) to the place copied from, in picture sizes. frames_away: how much later the frame copied from is.
        fit: the steps that fit an image into its surroundings. reach: frames looked at on each side by remove.
    """

    image: Path | None = None
    fit: tuple[FitStep, ...] | None = None
    radius_px: float | None = None
    block_px: int | None = None
    colour: Rgb | None = None
    exposure: float | None = None
    contrast: float | None = None
    saturation: float | None = None
    temperature: float | None = None
    hue_deg: float | None = None
    reach: int | None = None
    shift: tuple[float, float] | None = None
    frames_away: int | None = None
    text: str | None = None
    size: float | None = None
    font: str | None = None

    def given(self) -> dict[str, object]:
        """Return the settings that were made, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}


NO_SETTINGS = ToolSettings()


def check_settings(name: str, settings: ToolSettings) -> None:
    """Refuse settings that the tool does not know, and a tool without what it needs.

    Raises:
        UsageError: see above; the message names the option.
    """
    if name not in TOOL_NAMES:
        raise UsageError(f"there is no tool {name!r}; there are {', '.join(TOOL_NAMES)}")
    for setting in settings.given():
        tools = _MEANT_FOR[setting]
        if name not in tools:
            raise UsageError(f"--{_option(setting)} is for --tool {' and '.join(tools)}, not for {name}")
    if name in ("image", "sticker") and settings.image is None:
        raise UsageError(f"--tool {name} needs --image with the picture to put there")
    if name == "text" and not (settings.text or "").strip():
        raise UsageError("--tool text needs --text with the words to set")
    if name in ("clone", "heal") and settings.shift is None and not settings.frames_away:
        raise UsageError(f"--tool {name} needs --from DX,DY or --from-frame N: where to copy from")
    if name == "grade" and not settings.given():
        raise UsageError(
            "--tool grade needs at least one of --exposure, --contrast, --saturation, --temperature, --hue"
        )


def tool_of(name: str, settings: ToolSettings, smaller_px: float, keep: Callable[[Path], str]) -> Tool:
    """Return the tool.

    Args:
        name: one of TOOL_NAMES.
        settings: checked by `check_settings`.
        smaller_px: the smaller side of the region, in pixels of the displayed picture.
        keep: keeps a picture's file in the project; returns its id.

    Raises:
        EditRefused: a value that the tool cannot take.
        UsageError: no such tool.
    """
    eighth_px = min(100.0, max(4.0, smaller_px / 8))
    match name:
        case "blur":
            return Blur(_or(settings.radius_px, eighth_px))
        case "pixelate":
            return Pixelate(_or(settings.block_px, round(eighth_px)))
        case "fill":
            return Fill(_or(settings.colour, BLACK))
        case "grade":
            return Grade(
                _or(settings.exposure, 0.0),
                _or(settings.contrast, 1.0),
                _or(settings.saturation, 1.0),
                _or(settings.temperature, 0.0),
                _or(settings.hue_deg, 0.0),
            )
        case "remove":
            return Remove() if settings.reach is None else Remove(settings.reach)
        case "inpaint":
            return Inpaint() if settings.radius_px is None else Inpaint(settings.radius_px)
        case "clone" | "heal":
            dx, dy = _or(settings.shift, (0.0, 0.0))
            return Clone(dx, dy, _or(settings.frames_away, 0), heal=name == "heal")
        case "image" | "sticker" if settings.image is not None:
            return Picture(keep(settings.image), fit=_or(settings.fit, ()))
        case "text":
            return Lettering(
                _or(settings.text, ""), _or(settings.colour, WHITE), _or(settings.size, 0.6), _or(settings.font, "")
            )
        case other:
            raise UsageError(f"there is no tool {other!r}")


def _option(setting: str) -> str:
    return _OPTIONS.get(setting, setting)


def _or(value: Value | None, otherwise: Value) -> Value:
    return otherwise if value is None else value
