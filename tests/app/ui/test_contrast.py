"""Every pair of colours that may meet can be told apart (WCAG 2.2, relative luminance), in both themes."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

THEMES = files("resources") / "themes"
PAIRS = json.loads((THEMES / "pairs.json").read_text())


def luminance(colour: str) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_black_on_white_is_21_to_1():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize(("kind", "least"), [("text", 4.5), ("graphics", 3.0)])
def test_every_allowed_pair_is_legible(theme, kind, least):
    tokens = json.loads((THEMES / f"{theme}.json").read_text())
    poor = {
        f"{front} on {back}": round(contrast(tokens[front], tokens[back]), 2)
        for front, back in PAIRS[kind]
        if contrast(tokens[front], tokens[back]) < least
    }
    assert poor == {}


def test_both_themes_have_the_same_tokens():
    dark, light = (json.loads((THEMES / f"{name}.json").read_text()) for name in ("dark", "light"))
    assert dark.keys() == light.keys()
    assert {token for pairs in PAIRS.values() for pair in pairs for token in pair} <= dark.keys()
