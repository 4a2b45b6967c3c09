"""What the command line accepts, and what it says otherwise."""

from __future__ import annotations

import pytest

from app.cli.arguments import box, colour, frames, lasso, parser
from engine.errors import UsageError
from engine.model.region import Box, Lasso
from engine.model.time import Range
from engine.model.tool import Rgb


def test_frames_are_half_open():
    assert frames("120:150") == Range(120, 150)


@pytest.mark.parametrize("text", ["", "5", "5:", "a:b", "7:7", "9:3", "-1:4", "1:2:3", "1.5:3"])
def test_frames_that_are_no_range_are_named(text):
    with pytest.raises(UsageError, match="A:B") as caught:
        frames(text)
    assert repr(text) in str(caught.value)


def test_a_box_is_four_numbers():
    assert box("0.1,0.2,0.5,0.75") == Box(0.1, 0.2, 0.5, 0.75)


@pytest.mark.parametrize("text", ["0.1,0.2,0.5", "a,b,c,d", "0.5,0.5,0.5,0.9", "0.6,0.1,0.2,0.9", "nan,0,1,1"])
def test_a_box_without_area_or_form_is_refused(text):
    with pytest.raises(UsageError):
        box(text)


def test_a_lasso_is_a_list_of_points():
    assert lasso("0.1,0.1 0.4,0.1 0.3,0.5") == Lasso(((0.1, 0.1), (0.4, 0.1), (0.3, 0.5)))


@pytest.mark.parametrize("text", ["", "0.1,0.1", "0.1,0.1 0.2,0.2", "0.1 0.2 0.3", "0,0 0.5,0.5 1,1"])
def test_a_lasso_without_area_is_refused(text):
    with pytest.raises(UsageError):
        lasso(text)


def test_a_colour_is_six_hexadecimal_digits():
    assert colour("#c83430") == Rgb(0xC8, 0x34, 0x30)
    assert colour("000000") == Rgb(0, 0, 0)


@pytest.mark.parametrize("text", ["", "#fff", "red", "#gggggg", "#00112233"])
def test_other_colours_are_refused(text):
    with pytest.raises(UsageError, match="#rrggbb"):
        colour(text)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "frobnicate",
        "patch p.dcut --frames 5:3 --roi 0,0,1,1 --tool blur",
        "patch p.dcut --frames 1:3 --roi 0.5,0.5,0.5,0.5 --tool blur",
        "patch p.dcut --frames 1:3 --roi 0,0,1,1",
        "patch p.dcut --frames 1:3 --roi 0,0,1,1 --lasso 0,0 --tool blur",
        "export p.dcut",
    ],
)
def test_wrong_usage_ends_with_status_2(line, capsys):
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(line.split())
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err
