"""The subject: the part of the picture that stays above overlays, and whose background may be replaced."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import EditRefused
from engine.model.keyframes import check_value
from engine.model.patch import IN_PLACE, Motion
from engine.model.region import Region
from engine.model.time import Range


@dataclass(frozen=True, slots=True)
class DrawnMatte:
    """A region drawn on the anchor frame (a frame of the source) that follows the motion."""

    region: Region
    anchor: int
    motion: Motion = IN_PLACE


@dataclass(frozen=True, slots=True)
class StillMattes:
    """Grey pictures, one per source frame from the subject's first; the last one stays.

    Attributes:
        contents: the ids of their bytes in the project file.
    """

    contents: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.contents:
            raise EditRefused("a matte of pictures needs at least one")


@dataclass(frozen=True, slots=True)
class FilmMatte:
    """Another source as the matte: its alpha where it has one, else its brightness.

    Attributes:
        frame: the frame of that source that belongs to the subject's first frame.
    """

    source_id: str
    frame: int = 0


Matte = DrawnMatte | StillMattes | FilmMatte


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject over frames of a source.

    Attributes:
        feather_px: pixels of the displayed source picture.
        inverted: the matte marks the background.
    """

    id: str
    source_id: str
    frames: Range
    matte: Matte
    feather_px: float = 0.0
    inverted: bool = False
    name: str = ""
    visible: bool = True

    def __post_init__(self) -> None:
        if not self.frames:
            raise EditRefused(f"the subject has an empty range of frames: {self.frames.start}:{self.frames.stop}")
        check_value("feather", self.feather_px, 0, 1000)
        if isinstance(self.matte, DrawnMatte) and self.matte.anchor not in self.frames:
            raise EditRefused(
                f"the anchor frame {self.matte.anchor} lies outside the subject's frames"
                f" {self.frames.start}:{self.frames.stop}"
            )
