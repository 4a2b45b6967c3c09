"""The theme's colours stay what they are, whatever a painter makes of one."""

from __future__ import annotations


def test_a_colour_that_was_made_faint_is_whole_for_the_next_who_asks(stage):
    theme = stage.context.theme
    theme.colour("focus").setAlphaF(0.15)
    assert theme.colour("focus").alphaF() == 1.0
