"""Draw text: titles and captions, with outline and box, lines wrapped and balanced.

In the program's own font a project looks alike on every machine; there, right-to-left scripts come out in reading
order, without joined forms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np

from engine.model.text_style import Align, TextStyle
from engine.model.tool import Rgb
from engine.patches.fonts import BOLD, REGULAR, Face, face
from engine.patches.matte import Float32

SAFE = 0.05
"""Text keeps so far from each edge: the title-safe area of EBU R 95."""
_FINER = 3
"""Letters are drawn so many times larger and averaged down."""
_LINE_PER_SIZE = 1.2
"""Height of a line of the fonts, in font sizes."""
_PADDING = 0.28
"""Of a box around its text, in line heights; _CORNER likewise."""
_CORNER = 0.18
_TAG = re.compile(r"<(/?)([a-zA-Z]+)[^<>\n]*>|<\d+:\d\d(?::\d\d)?\.\d{3}>|\{\\[^{}\n]*\}")
_WIDE = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_TAGS = ("i", "b", "u", "v", "c", "lang", "ruby", "rt", "font")


@dataclass(frozen=True, slots=True, eq=False)
class Lettering:
    """Drawn text.

    Attributes:
        rgba: float32 [h, w, 4] in sRGB, premultiplied.
        x, y: where its top left lies on the canvas, in square pixels of the canvas drawn `scale` times as large.
    """

    rgba: Float32
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class _Look:
    italic: bool = False
    bold: bool = False
    underlined: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    text: str
    look: _Look


_Line = tuple[_Run, ...]


@lru_cache(maxsize=32)
def lettering(text: str, style: TextStyle, across: int, down: int) -> Lettering | None:
    """Return text as it lies on a canvas; None where nothing is to be seen of it.

    The block is kept within the safe area, and made smaller if it is too tall for it.

    Args:
        text: lines separated by a line feed, perhaps with SRT's and WebVTT's simple tags.
        style: how it looks.
        across: width of the canvas in square pixels.
        down: height of the canvas.
    """
    paragraphs = _parsed(text, _Look(style.italic, style.bold))
    for _ in range(8):
        lines = [line for paragraph in paragraphs for line in _wrapped(paragraph, style, style.width * across, down)]
        tallest = (1 - 2 * SAFE) * down
        height = len(lines) * style.size * down
        if height <= tallest:
            break
        style = replace(style, size=max(0.005, style.size * max(0.5, min(0.95, (tallest / height) ** 0.5))))
    if not any(run.text.strip() for line in lines for run in line):
        return None
    return _drawn(lines, style, across, down)


def _parsed(text: str, look: _Look) -> list[_Line]:
    """Return each line's runs; a tag may span lines."""
    paragraphs: list[_Line] = []
    state = {"i": look.italic, "b": look.bold, "u": look.underlined}
    for line in text.split("\n"):
        runs: list[_Run] = []
        at = 0

        def add(part: str, runs: list[_Run] = runs) -> None:
            if part:
                runs.append(_Run(part, _Look(state["i"], state["b"], state["u"])))

        for tag in _TAG.finditer(line):
            name = (tag[2] or "").lower()
            if tag[2] and name not in _TAGS:
                continue  # a comparison such as "a <b or c> d" is text
            add(line[at : tag.start()])
            at = tag.end()
            if name in state:
                state[name] = not tag[1]
        add(line[at:])
        paragraphs.append(tuple(runs))
    return paragraphs


def _wrapped(line: _Line, style: TextStyle, widest: float, down: float) -> list[_Line]:
    """Return a line broken so that no part is too wide, in parts of about equal width."""
    words = _words(line)
    if not words:
        return [()]
    size = style.size * down / _LINE_PER_SIZE
    widths = [[_advance(run, size, style.font) for run in word] for word in words]
    sums = [sum(part) for part in widths]
    lines = _broken(sums, widest)
    if len(lines) > 1:
        low, high = widest / len(lines), widest
        for _ in range(12):
            middle = (low + high) / 2
            if len(_broken(sums, middle)) > len(lines) or max(sums) > middle:
                low = middle
            else:
                high = middle
        lines = _broken(sums, high)
    result = []
    for start, stop in lines:
        runs = _joined([run for word in words[start:stop] for run in word])
        result.append(runs)
    return result


def _words(line: _Line) -> list[list[_Run]]:
    """Return the pieces between which a line may be broken; the space belongs to the word before it."""
    words: list[list[_Run]] = [[]]
    for run in line:
        for part in re.findall(r"\S+\s*|\s+", run.text):
            for piece in _pieces(part):
                words[-1].append(_Run(piece, run.look))
                if piece[-1].isspace() or _WIDE.match(piece[-1]):
                    words.append([])
    return [word for word in words if word]


def _pieces(word: str) -> list[str]:
    """Return a word's parts: scripts without spaces break between any two characters."""
    cuts = [0, *(i for i, (a, b) in enumerate(pairwise(word), 1) if _WIDE.match(a) and not b.isspace()), len(word)]
    return [word[a:b] for a, b in pairwise(cuts) if b > a]


def _broken(widths: list[float], widest: float) -> list[tuple[int, int]]:
    lines, start, filled = [], 0, 0.0
    for number, width in enumerate(widths):
        if number > start and filled + width > widest:
            lines.append((start, number))
            start, filled = number, 0.0
        filled += width
    return [*lines, (start, len(widths))]


def _joined(runs: list[_Run]) -> _Line:
    result: list[_Run] = []
    for run in runs:
        if result and result[-1].look == run.look:
            result[-1] = _Run(result[-1].text + run.text, run.look)
        else:
            result.append(run)
    if result:
        result[-1] = _Run(result[-1].text.rstrip(), result[-1].look)
    return tuple(run for run in result if run.text)


def _advance(run: _Run, size: float, font: str) -> float:
    """Return how far a run moves the pen, in pixels at a font size (line heights follow from _LINE_PER_SIZE)."""
    return _face(run, font).advance(run.text, round(size * _FINER)) / _FINER


def _face(run: _Run, font: str) -> Face:
    return face(font, BOLD if run.look.bold else REGULAR, italic=run.look.italic)


def _drawn(lines: list[_Line], style: TextStyle, across: int, down: int) -> Lettering:
    line_px = style.size * down
    size = line_px / _LINE_PER_SIZE
    outline = style.outline * down
    padding = _PADDING * line_px if style.box is not None else 0.0
    margin = int(np.ceil(max(outline, 0.15 * line_px) + padding)) + 2
    widths = [sum(_advance(run, size, style.font) for run in line) for line in lines]
    block = max(widths)
    width, height = int(np.ceil(block)) + 2 * margin, int(np.ceil(line_px * len(lines))) + 2 * margin
    letters = np.zeros((height * _FINER, width * _FINER), np.uint8)
    for number, (line, line_width) in enumerate(zip(lines, widths, strict=True)):
        left = {Align.LEFT: 0.0, Align.CENTRE: (block - line_width) / 2, Align.RIGHT: block - line_width}[style.align]
        baseline = margin + line_px * number + 0.76 * line_px
        _write(letters, line, margin + left, baseline, size, style.font)
    glyphs = _averaged(letters, width, height)
    rgba = np.zeros((height, width, 4), np.float32)
    if style.box is not None:
        over(rgba, _box(width, height, margin, padding, line_px), style.box, style.box_opacity)
    if outline > 0:
        over(rgba, _outlined(letters, outline, width, height), style.outline_colour, 1.0)
    over(rgba, glyphs, style.colour, 1.0)
    anchor = style.x * across
    left = {Align.LEFT: anchor, Align.CENTRE: anchor - block / 2, Align.RIGHT: anchor - block}[style.align]
    top = style.y * down - line_px * len(lines)
    left = _kept(left, block, across, padding)
    top = _kept(top, line_px * len(lines), down, padding)
    return Lettering(rgba, round(left) - margin, round(top) - margin)


def _kept(start: float, length: float, whole: float, padding: float) -> float:
    """Return where a block begins so that it lies within the safe area, if it can."""
    low, high = SAFE * whole + padding, (1 - SAFE) * whole - padding - length
    return min(max(start, low), high) if high >= low else (whole - length) / 2


def _write(
    letters: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], line: _Line, x: float, y: float, size: float, font: str
) -> None:
    pen = round(x * _FINER), round(y * _FINER)
    for run in line:
        end = round(_face(run, font).draw(letters, run.text, pen, round(size * _FINER)))
        if run.look.underlined:
            top = pen[1] + round(0.12 * size * _FINER)
            letters[top : top + max(1, round(0.07 * size * _FINER)), pen[0] : end] = 255
        pen = end, pen[1]


def _averaged(letters: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], width: int, height: int) -> Float32:
    small = cv2.resize(letters, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255.0)


def _outlined(
    letters: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], outline: float, width: int, height: int
) -> Float32:
    """Return the letters widened by the outline on all sides, round at the corners."""
    distance = cv2.distanceTransform((letters < 128).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    edge = np.clip(outline * _FINER + 0.5 - np.asarray(distance, np.float32), 0.0, 1.0)
    return np.asarray(cv2.resize(edge, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _box(width: int, height: int, margin: int, padding: float, line_px: float) -> Float32:
    """Return the coverage of a rounded box that leaves `margin - padding` free on all sides."""
    corner = _CORNER * line_px
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
    half_x, half_y = width / 2 - margin + padding, height / 2 - margin + padding
    out_x = np.maximum(np.abs(x - width / 2) - half_x + corner, 0)
    out_y = np.maximum(np.abs(y - height / 2) - half_y + corner, 0)
    return np.asarray(np.clip(corner + 0.5 - np.hypot(out_x, out_y), 0.0, 1.0), np.float32)


def over(rgba: Float32, coverage: Float32, colour: Rgb, opacity: float) -> None:
    """Draw a colour over a premultiplied picture, in place."""
    alpha = (coverage * np.float32(opacity))[..., None]
    paint = np.array([colour.red / 255, colour.green / 255, colour.blue / 255, 1.0], np.float32)
    rgba += alpha * (paint - rgba)
