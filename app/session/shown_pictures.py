"""What views want to see of the timeline, and the pictures that are there."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from engine.media.pixels import Care
from engine.model.recipe import Recipe


class Show(Enum):
    """What a picture shows of a frame."""

    AFTER = "after"
    BEFORE = "before"
    HEAT = "heat"


@dataclass(frozen=True, slots=True)
class Look:
    """How a view sees frames.

    Attributes:
        show: what. size: width and height in pixels as displayed. gain: the amplification of a heat map, else 1.
    """

    show: Show
    size: tuple[int, int]
    gain: int = 1


@dataclass(frozen=True, slots=True)
class Want:
    """A timeline frame that a view wants to see."""

    frame: int
    look: Look


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture that is there.

    Attributes:
        want: what it is. image: 32 bits a pixel; `pixels` holds its memory. care: how exactly it was converted.
    """

    want: Want
    image: QImage
    pixels: NDArray[np.uint8]
    care: Care


class Urgency(Enum):
    """Why a picture is made."""

    WAITED_FOR = "waited for"
    DUE_SOON = "due soon"
    """While it plays; or a careful one in place of a quick one."""
    SPARE_TIME = "spare time"


class Key:
    """What a picture depends on; its hash is worked out once, since it is looked up again and again."""

    __slots__ = ("_hash", "_parts")

    def __init__(self, recipe: Recipe, look: Look, followings: int) -> None:
        self._parts = (recipe, look, followings)
        self._hash = hash(self._parts)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Key) and self._hash == other._hash and self._parts == other._parts


class Pictures:
    """Pictures by key up to a number of bytes, the least recently used go first; for the main thread alone."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._pictures: OrderedDict[Key, Shown] = OrderedDict()
        self._bytes = 0

    def find(self, key: Key) -> Shown | None:
        """Return a picture that is there, and keep it longer."""
        shown = self._pictures.get(key)
        if shown is not None:
            self._pictures.move_to_end(key)
        return shown

    def __contains__(self, key: Key) -> bool:
        return key in self._pictures

    def put(self, key: Key, shown: Shown) -> None:
        """Keep a picture; those that were not looked at for longest go."""
        old = self._pictures.pop(key, None)
        if old is not None:
            self._bytes -= old.pixels.nbytes
        self._pictures[key] = shown
        self._bytes += shown.pixels.nbytes
        while self._bytes > self.most_bytes and len(self._pictures) > 1:
            _, gone = self._pictures.popitem(last=False)
            self._bytes -= gone.pixels.nbytes

    def clear(self) -> None:
        """Let all go."""
        self._pictures.clear()
        self._bytes = 0
