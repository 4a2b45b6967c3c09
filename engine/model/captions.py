"""Captions: what is said, when, and how it looks. Their files are engine.model.caption_files."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import EditRefused
from engine.model.caption_files import is_time_line
from engine.model.place import TimePlace
from engine.model.text_style import TextStyle


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption; times are exact, frames follow from them.

    Attributes:
        text: lines separated by a line feed; may hold the simple tags of SRT and WebVTT (<i>, <b>, <u>, <v Name>).
        style: None for the layer's.
        cue: its name in a WebVTT file. settings: its cue settings there, or an SRT's coordinates.
        speaker: who says it.
    """

    id: str
    place: TimePlace
    text: str
    style: TextStyle | None = None
    speaker: str = ""
    cue: str = ""
    settings: str = ""
    visible: bool = True

    def __post_init__(self) -> None:
        lines = self.text.split("\n")
        if not all(line.strip() for line in lines):
            raise EditRefused("a caption has no blank lines; one without text is removed instead")
        if any(is_time_line(line) for line in lines) or any(c in self.text for c in "\r\0"):
            raise EditRefused(f"this text cannot stand in a caption file: {self.text[:60]!r}")
        if any(c in part for part in (self.cue, self.settings) for c in "\n\r\0") or "-->" in self.cue:
            raise EditRefused("a cue's name and settings are one line, and a name holds no arrow")
