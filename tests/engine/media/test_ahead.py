"""A stage that runs ahead gives what it would give by turns, holds little, and ends with its `with`."""

from __future__ import annotations

import itertools
import threading

import pytest

from engine.media.ahead import ahead


def test_the_items_come_in_their_order_and_all_of_them():
    with ahead(range(1000), 3, "count") as items:
        assert list(items) == list(range(1000))


def test_no_more_items_wait_than_may():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    most = 0
    with ahead(items(), 2, "count") as given:
        for number in given:
            most = max(most, len(made) - number)
    # One that was just taken, two that wait, one that waits for room.
    assert most <= 4


def test_an_error_is_raised_where_its_item_would_have_come():
    def items():
        yield 1
        raise OSError("gone")

    with ahead(items(), 2, "count") as given:
        assert next(given) == 1
        with pytest.raises(OSError, match="gone"):
            next(given)


def test_whoever_stops_early_ends_the_stage_and_the_stage_closes_what_it_holds():
    closed = threading.Event()

    def items():
        try:
            yield from itertools.count()
        finally:
            closed.set()

    before = set(threading.enumerate())
    with ahead(items(), 2, "count") as given:
        assert next(given) == 0
    assert closed.is_set()
    # Threads of others may end meanwhile; none of ours may stay.
    assert set(threading.enumerate()) <= before


def test_stages_ahead_of_stages_end_together_whichever_fails():
    before = set(threading.enumerate())

    def doubled(numbers):
        for number in numbers:
            if number == 5:
                raise ValueError("five")
            yield 2 * number

    with (
        pytest.raises(ValueError, match="five"),
        ahead(itertools.count(), 2, "count") as numbers,
        ahead(doubled(numbers), 2, "double") as given,
    ):
        assert [next(given) for _ in range(6)] == []
    # Threads of others may end meanwhile; none of ours may stay.
    assert set(threading.enumerate()) <= before
