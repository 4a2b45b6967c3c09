"""The fonts that text is drawn in: the program's own, a font file, or an installed family.

The program's own (OpenCV's Rubik, with WenQuanYi Micro Hei for what it lacks) looks alike on every machine, and stands
in for a font that is not there. Font files are read by FreeType alone: OpenCV's reader is crashed by a damaged one.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from threading import local
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

OWN = ("", "sans", "italic", "uni")
"""Names of the program's own fonts; the first is the default."""

_SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
_LARGEST_BYTES = 64 << 20
_MOST_FILES = 20_000
REGULAR, MEDIUM, BOLD = 400, 500, 700
"""Weights, as OpenType counts them."""
_BOLD_FROM = 600
_LARGEST_EMS = 8
"""A letter larger than this is no letter: the file is damaged."""

# What Pillow raises for what is no font, and for a damaged one.
_BROKEN = (OSError, ValueError, SyntaxError, MemoryError, OverflowError)

Pixels = NDArray[np.uint8]


class Face(Protocol):
    """A font in one style; not for several threads at a time."""

    def advance(self, text: str, size_px: int) -> float:
        """Return how far a text moves the pen, in pixels."""

    def extent(self, text: str, size_px: int) -> tuple[int, int, int, int]:
        """Return x, y, width and height of the drawn text, its pen on the baseline at (0, 0)."""

    def draw(self, picture: Pixels, text: str, pen: tuple[int, int], size_px: int) -> float:
        """Draw white text, its pen on the baseline; return the x of the pen behind it. uint8 [H, W], changed."""


def face(font: str, weight: int = REGULAR, *, italic: bool = False) -> Face:
    """Return a font: one of the program's own, a font file by its absolute path, or an installed family by its name.

    The program's own stands in where there is no such file or family. What is returned belongs to this thread.
    """
    key = (font, weight, italic)
    found = _KEPT.faces.get(key)
    if found is None:
        found = _KEPT.faces[key] = _face(font, weight, italic=italic)
    return found


def is_at_hand(font: str) -> bool:
    """Tell whether a font is there, so that no other stands in for it."""
    return font in OWN or _file_of(font, bold=False, italic=False) is not None


def identity(font: str) -> str:
    """Return what tells whether a font still draws the same: its file's size and time; empty for the program's own.

    A font that is not there has an identity too: what stands in for it is drawn anew once it is installed.
    """
    if font in OWN:
        return ""
    file = _file_of(font, bold=False, italic=False)
    try:
        status = None if file is None else os.stat(file.path)
    except OSError:
        status = None
    return f"{font}: not there" if status is None else f"{font}: {status.st_size} {status.st_mtime_ns}"


@cache
def installed_families() -> tuple[str, ...]:
    """Return the names of the families that are installed on this machine, in order."""
    return tuple(sorted({family.name for family in _families().values()}, key=str.casefold))


class _Kept(local):
    def __init__(self) -> None:
        self.faces: dict[tuple[str, int, bool], Face] = {}


_KEPT = _Kept()


def _face(font: str, weight: int, *, italic: bool) -> Face:
    if font not in OWN:
        file = _file_of(font, bold=weight >= _BOLD_FROM, italic=italic)
        if file is not None:
            return _FreeType(file, weight, italic=italic)
        font = ""
    name = font or ("italic" if italic else "sans")
    return _OpenCv(name, weight)


# --- the two makers of letters --------------------------------------------------------------------------------------

_DOT: Pixels = np.zeros((1, 1), np.uint8)


class _OpenCv:
    def __init__(self, name: str, weight: int) -> None:
        self._face = cv2.FontFace(name)
        self._weight = weight

    def advance(self, text: str, size_px: int) -> float:
        return float(cv2.putText(_DOT, text, (0, 0), (0,), self._face, size_px, self._weight)[0][0])

    def extent(self, text: str, size_px: int) -> tuple[int, int, int, int]:
        x, y, width, height = cv2.getTextSize((1 << 14, 1 << 12), text, (0, 0), self._face, size_px, self._weight)
        return int(x), int(y), int(width), int(height)

    def draw(self, picture: Pixels, text: str, pen: tuple[int, int], size_px: int) -> float:
        return float(cv2.putText(picture, text, pen, (255,), self._face, size_px, self._weight)[0][0])


@dataclass(frozen=True, slots=True)
class _File:
    """A font file, and which of the fonts in it."""

    path: str
    index: int = 0


class _FreeType:
    """A font of a file; where the file turns out to be damaged, the program's own font from there on."""

    def __init__(self, file: _File, weight: int, *, italic: bool) -> None:
        self._file = file
        self._own = _OpenCv("italic" if italic else "sans", weight)
        self._sized = lru_cache(maxsize=16)(self._opened)
        self._damaged = False

    def advance(self, text: str, size_px: int) -> float:
        box = self._box(text, size_px)
        return self._own.advance(text, size_px) if box is None else box.advance

    def extent(self, text: str, size_px: int) -> tuple[int, int, int, int]:
        box = self._box(text, size_px)
        if box is None:
            return self._own.extent(text, size_px)
        return box.x, box.y, box.width, box.height

    def draw(self, picture: Pixels, text: str, pen: tuple[int, int], size_px: int) -> float:
        box = self._box(text, size_px)
        if box is None:
            return self._own.draw(picture, text, pen, size_px)
        # Only the letters' own part of the picture goes through Pillow's.
        left, top = max(0, pen[0] + box.x - 1), max(0, pen[1] + box.y - 1)
        right, bottom = pen[0] + box.x + box.width + 1, pen[1] + box.y + box.height + 1
        part = picture[top : max(top, bottom), left : max(left, right)]
        if part.size:
            drawn = Image.fromarray(np.zeros(part.shape, np.uint8))
            at = pen[0] - left, pen[1] - top
            try:
                ImageDraw.Draw(drawn).text(at, text, fill=255, font=self._sized(size_px), anchor="ls")
            except _BROKEN:
                self._damaged = True
                return self._own.draw(picture, text, pen, size_px)
            np.maximum(part, np.asarray(drawn), out=part)
        return pen[0] + box.advance

    def _opened(self, size_px: int) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(self._file.path, max(1, size_px), self._file.index)

    def _box(self, text: str, size_px: int) -> _Box | None:
        """Return where a text lies; None where the file cannot tell, or what it tells cannot be."""
        if self._damaged:
            return None
        try:
            font = self._sized(size_px)
            x0, y0, x1, y1 = font.getbbox(text, anchor="ls")
            advance = float(font.getlength(text))
        except _BROKEN:
            self._damaged = True
            return None
        most = _LARGEST_EMS * size_px * max(1, len(text))
        if not max(abs(x0), abs(x1), abs(y0), abs(y1), abs(advance)) <= most:
            self._damaged = True
            return None
        return _Box(int(x0), int(y0), int(x1 - x0), int(y1 - y0), advance)


@dataclass(frozen=True, slots=True)
class _Box:
    """Where a drawn text lies from its pen, in pixels."""

    x: int
    y: int
    width: int
    height: int
    advance: float


# --- files and families ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Family:
    """An installed family; files by (bold, italic)."""

    name: str
    files: dict[tuple[bool, bool], _File]


@lru_cache(maxsize=64)
def _file_of(font: str, *, bold: bool, italic: bool) -> _File | None:
    if font.lower().endswith(_SUFFIXES):
        return _given_file(font)
    family = _families().get(font.casefold())
    if family is None:
        return None
    # A style that the family does not have is drawn in the nearest that it has.
    for style in ((bold, italic), (bold, False), (False, italic), (False, False)):
        if style in family.files:
            return family.files[style]
    return next(iter(family.files.values()))


def _given_file(font: str) -> _File | None:
    # A path of another host (UNC) is never followed: a project may come from a stranger.
    if font.startswith(("\\\\", "//")) or "\0" in font or not Path(font).is_absolute():
        return None
    return _File(font) if _name_of(font, 0) is not None else None


def _name_of(path: str, index: int) -> tuple[str, str] | None:
    """Return a font's family and style; None where the file is no font."""
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _LARGEST_BYTES:
            return None
        family, style = ImageFont.truetype(path, 12, index).getname()
    except _BROKEN:
        return None
    return (family, style or "") if family else None


@cache
def _families() -> dict[str, _Family]:
    """Look through the folders of installed fonts, once."""
    families: dict[str, _Family] = {}
    for count, path in enumerate(sorted(_installed_files())):
        if count == _MOST_FILES:
            break
        for index in range(16 if path.lower().endswith("c") else 1):
            name = _name_of(path, index)
            if name is None:
                break
            family, style = name[0], name[1].lower()
            kept = families.setdefault(family.casefold(), _Family(family, {}))
            key = ("bold" in style, "italic" in style or "oblique" in style)
            # Of "Bold" and "Semi Bold", of "Book" and "Light", the plainer word is the style that is meant.
            plain = style in ("regular", "book", "bold", "italic", "oblique", "bold italic", "bold oblique", "roman")
            if key not in kept.files or plain:
                kept.files[key] = _File(path, index)
    return families


def _installed_files() -> set[str]:
    home = Path.home()
    if sys.platform == "darwin":
        folders = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    elif sys.platform == "win32":
        folders = [Path(os.environ.get("WINDIR", "C:\\Windows")) / "Fonts"]
        if "LOCALAPPDATA" in os.environ:
            folders.append(Path(os.environ["LOCALAPPDATA"]) / "Microsoft/Windows/Fonts")
    else:
        shared = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts")]
        folders = [*shared, home / ".local/share/fonts", home / ".fonts"]
    found = set()
    for folder in folders:
        for base, _, names in os.walk(folder):
            found |= {os.path.join(base, name) for name in names if name.lower().endswith(_SUFFIXES)}
    return found
