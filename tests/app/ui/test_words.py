"""Figures as a person reads them."""

from __future__ import annotations

import pytest

from app.ui.words import share_text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0%"),
        (0, 10, "0%"),
        (1, 100_000, "under 1%"),
        (211, 1008, "21%"),
        (992, 1000, "99.2%"),
        (99_999, 100_000, "99.9%"),
        (7, 7, "100%"),
    ],
)
def test_a_share_reads_as_all_or_nothing_only_where_it_is(part, whole, text):
    assert share_text(part, whole) == text
