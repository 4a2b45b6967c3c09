"""Text is drawn in the font that its style names; the program's own stands in for one that is not there."""

from __future__ import annotations

import os
import random
import struct
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EditRefused
from engine.model.ops import CaptionOp
from engine.model.recipe import Recipe, SourceBase
from engine.model.text_style import READABLE
from engine.model.tool import Rgb
from engine.patches import fonts
from engine.patches.fonts import face, installed_families, is_at_hand
from engine.patches.lettering import lettering as filled
from engine.patches.text import lettering
from engine.render.fonts_used import font_identities

SQUARE = [(100, 0), (100, 700), (600, 700), (600, 0)]


def tiny_font(path: Path, family: str = "Deltacut Test", style: str = "Regular", outline=SQUARE) -> Path:
    """Write a TrueType font (OpenType 1.9) in which every character of ASCII is one outline, 1000 units to the em."""
    head = struct.pack(">IIIIHH16x4h", 0x10000, 0, 0, 0x5F0F3CF5, 3, 1000, 0, 0, 700, 700) + struct.pack(
        ">HHhhh", 0, 8, 2, 0, 0
    )
    hhea = struct.pack(">IhhhHhhhhhh8xhH", 0x10000, 800, -200, 0, 700, 0, 0, 600, 1, 0, 0, 0, 2)
    maxp = struct.pack(">IH13H", 0x10000, 2, *([4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]))
    hmtx = struct.pack(">HhHh", 700, 0, 700, 100)
    xs = [b - a for a, b in zip([0, *[x for x, _ in outline]], [x for x, _ in outline], strict=False)]
    ys = [b - a for a, b in zip([0, *[y for _, y in outline]], [y for _, y in outline], strict=False)]
    glyph = struct.pack(">hhhhhHH", 1, 100, 0, 600, 700, len(outline) - 1, 0) + bytes([1] * len(outline))
    glyph += struct.pack(f">{len(xs)}h{len(ys)}h", *xs, *ys)
    glyph += b"\0" * (-len(glyph) % 4)
    loca = struct.pack(">HHH", 0, 0, len(glyph) // 2)
    segments = struct.pack(">HHHH", 4, 4, 1, 0) + struct.pack(">HHHHHhhHH", 0x7E, 0xFFFF, 0, 0x20, 0xFFFF, 0, 1, 4, 0)
    segments += struct.pack(">95H", *([1] * 95))
    cmap = struct.pack(">HHHHI", 0, 1, 3, 1, 12) + struct.pack(">HHH", 4, len(segments) + 6, 0) + segments
    names = [(1, family), (2, style), (4, f"{family} {style}"), (6, family.replace(" ", ""))]
    strings, records = b"", b""
    for number, text in names:
        data = text.encode("utf-16-be")
        records += struct.pack(">HHHHHH", 3, 1, 0x409, number, len(data), len(strings))
        strings += data
    name = struct.pack(">HHH", 0, len(names), 6 + len(records)) + records + strings
    post = struct.pack(">IIhhIIIII", 0x30000, 0, 0, 0, 0, 0, 0, 0, 0)
    tables = sorted(
        {
            b"head": head, b"hhea": hhea, b"maxp": maxp, b"hmtx": hmtx, b"glyf": glyph,
            b"loca": loca, b"cmap": cmap, b"name": name, b"post": post,
        }.items()
    )  # fmt: skip
    offset, directory, body = 12 + 16 * len(tables), b"", b""
    for tag, data in tables:
        directory += tag + struct.pack(">III", 0, offset + len(body), len(data))
        body += data + b"\0" * (-len(data) % 4)
    path.write_bytes(struct.pack(">IHHHH", 0x10000, len(tables), 128, 3, 16) + directory + body)
    return path


@pytest.fixture
def font(tmp_path) -> Path:
    return tiny_font(tmp_path / "test.ttf")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a family of two styles where only this test sees it."""
    files = {
        str(tiny_font(tmp_path / "one.ttf", "Two Styles", "Regular")),
        str(tiny_font(tmp_path / "two.ttf", "Two Styles", "Bold", [(100, 0), (100, 300), (600, 300), (600, 0)])),
    }
    monkeypatch.setattr(fonts, "_installed_files", lambda: files)
    for kept in (fonts._families, fonts._file_of, fonts.installed_families):
        kept.cache_clear()
    yield
    monkeypatch.undo()
    for kept in (fonts._families, fonts._file_of, fonts.installed_families):
        kept.cache_clear()
    fonts._KEPT.faces.clear()


def drawn(text, font, **style):
    return lettering(text, replace(READABLE, font=str(font), size=0.2, outline=0.0, **style), 640, 360)


def test_a_font_file_is_what_the_text_is_drawn_in(font):
    own, given = drawn("abc", ""), drawn("abc", font)
    # Each letter of the test font is a filled box of half its width and 0.7 of its height.
    size = 0.2 * 360 / 1.2
    assert given.rgba[..., 3].sum() == pytest.approx(3 * 0.5 * 0.7 * size * size, rel=0.05)
    assert own.rgba.shape != given.rgba.shape or not np.allclose(own.rgba, given.rgba)


def test_letters_of_a_font_file_stand_side_by_side_on_the_baseline(font):
    picture = np.zeros((120, 400), np.uint8)
    end = face(str(font)).draw(picture, "xy", (10, 100), 100)
    assert end == pytest.approx(10 + 2 * 70, abs=1)
    rows, columns = np.nonzero(picture > 127)
    assert (rows.min(), rows.max()) == (30, 99)
    assert (columns.min(), columns.max()) == (20, 139)
    assert not picture[:, 75:85].any()


@pytest.mark.parametrize(
    "missing", ["No Such Family At All", "/nowhere/font.ttf", "relative.ttf", "//host/share/font.ttf"]
)
def test_the_programs_own_font_stands_in_for_one_that_is_not_there(missing):
    assert not is_at_hand(missing)
    assert np.array_equal(drawn("Deltacut", missing).rgba, drawn("Deltacut", "").rgba)


def test_a_family_is_found_by_its_name_in_the_style_that_is_meant(installed):
    assert installed_families() == ("Two Styles",)
    assert is_at_hand("two styles")
    regular, bold = drawn("a", "Two Styles"), drawn("a", "Two Styles", bold=True)
    assert bold.rgba[..., 3].sum() < 0.6 * regular.rgba[..., 3].sum()
    # It has no italic: the nearest style stands in.
    assert np.array_equal(drawn("a", "Two Styles", italic=True).rgba, regular.rgba)


def test_a_tag_changes_the_style_within_a_family(installed):
    both, plain = drawn("aa", "Two Styles"), drawn("a<b>a</b>", "Two Styles")
    assert plain.rgba[..., 3].sum() < 0.9 * both.rgba[..., 3].sum()


def test_text_of_a_region_takes_a_font_file_and_refuses_one_that_is_not_there(font):
    picture = filled("A", 200, 100, colour=Rgb(255, 255, 255), size=0.8, font=str(font))
    assert picture.rgba[..., 3].any()
    with pytest.raises(EditRefused, match="No Such Family"):
        filled("A", 200, 100, colour=Rgb(255, 255, 255), size=0.8, font="No Such Family")


def test_damaged_font_files_never_end_the_program(font, tmp_path):
    random_source, good = random.Random(7), font.read_bytes()
    for number in range(200):
        data = bytearray(good)
        for _ in range(random_source.randint(1, 12)):
            data[random_source.randrange(len(data))] = random_source.randrange(256)
        bad = tmp_path / f"bad{number}.ttf"
        bad.write_bytes(data[: random_source.randint(1, len(data))])
        assert drawn("Deltacut", bad) is not None


def test_threads_draw_the_same(font):
    results = []

    def draw() -> None:
        picture = np.zeros((100, 300), np.uint8)
        for _ in range(20):
            face(str(font)).draw(picture, "abc", (5, 80), 60)
        results.append(picture)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(picture, results[0]) for picture in results)


def test_what_is_drawn_depends_on_the_font_file_that_is_there_now(font):
    style = replace(READABLE, font=str(font))
    ops = (CaptionOp("Hello", style), CaptionOp("Hello", READABLE))
    (first,) = font_identities(Recipe(SourceBase("s", 0), None, ops))
    assert font_identities(Recipe(SourceBase("s", 0), None, ops[1:])) == ()
    os.utime(font, ns=(5, 5))
    (second,) = font_identities(Recipe(SourceBase("s", 0), None, ops))
    font.unlink()
    (third,) = font_identities(Recipe(SourceBase("s", 0), None, ops))
    assert len({first, second, third}) == 3
