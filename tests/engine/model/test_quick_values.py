"""Values with the quick constructor behave as the dataclasses that they are."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from engine.model.quick import quickly_made


@quickly_made
@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError(f"{self.x} lies outside")


def test_it_takes_what_its_fields_say():
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(y=3, x=1) == Point(1, 3)
    assert repr(Point(1)) == "Point(x=1, y=2)"
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Point()


def test_it_checks_itself():
    with pytest.raises(ValueError, match="-1 lies outside"):
        Point(-1)


def test_it_cannot_be_changed_only_replaced():
    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2
    assert replace(point, x=5) == Point(5)
    assert len({Point(1), Point(1, 2), Point(2)}) == 2


def test_it_can_be_copied_and_sent_to_another_process():
    assert pickle.loads(pickle.dumps(Point(4, 5))) == copy.deepcopy(Point(4, 5)) == Point(4, 5)
