"""Deltacut's own tools behind the contract of the providers: no key, no network, no money, nothing leaves the machine.

They do not draw what words describe. A prompt is one of a few commands; anything else is refused, so that no other
picture is passed off as what was asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.picture import decode_picture
from engine.patches.continuation import continued_picture
from engine.render.segment import ENGINE_VERSION
from providers.contract import (
    Cancellation,
    Disclosure,
    EditTask,
    Generation,
    Picture,
    Place,
    Quote,
    Request,
    Running,
    Ticket,
    Traits,
    Work,
    reject_unknown_work,
)
from providers.errors import JobLost, RequestRejected
from providers.registry import ADAPTERS

NAME = "local"
KNOWN = frozenset({*ADAPTERS, NAME})
"""The names of all providers."""

TRAITS = Traits(NAME, "Local tools", "deltacut", frozenset({Work.EDIT}), f"local-{ENGINE_VERSION}", Place.LOCAL)

_REMOVE = ("remove", "erase", "delete", "clean", "heal", "inpaint")
_FILL = re.compile(r"#([0-9a-f]{6})", re.IGNORECASE)
_UNDERSTOOD = "remove, blur, pixelate, or fill #rrggbb"
_RADIUS_PX = 5.0

Rgb = NDArray[np.uint8]


class LocalTools:
    """The adapter."""

    traits = TRAITS

    def quote(self, request: Request) -> Quote:
        """Return that it costs nothing and sends nothing."""
        _tool(request)
        sends = Disclosure(NAME, "", ())
        return Quote(NAME, TRAITS.default_model, Decimal(0), date.today(), sends, pictures=1)

    async def start(self, request: Request) -> Generation:
        """Do it."""
        tool, task = _tool(request)
        data = await asyncio.to_thread(_edited, task, tool)
        return Generation(NAME, TRAITS.default_model, request.external_id, Picture.of(data), usd=Decimal(0))

    async def find(self, request: Request) -> Ticket | None:
        """Say that nothing is left of an earlier start: what was interrupted is done again, for nothing."""
        return None

    async def poll(self, ticket: Ticket) -> Running | Generation:
        """Say that there are no jobs: `start` answers at once."""
        raise JobLost("the local tools keep no jobs; try again", provider=NAME)

    async def cancel(self, ticket: Ticket) -> Cancellation:
        """There is nothing to cancel."""
        return Cancellation.UNSUPPORTED

    async def forget(self, ticket: Ticket) -> None:
        """There is nothing kept."""

    async def check(self) -> None:
        """There is no key."""

    async def close(self) -> None:
        """There is nothing open between calls."""


Change = Callable[[Rgb, Rgb], Rgb]


def _tool(request: Request) -> tuple[Change, EditTask]:
    """Return what a prompt asks for.

    Raises:
        RequestRejected: another kind of work, or a prompt that names no tool.
    """
    reject_unknown_work(TRAITS, request)
    task = request.task
    assert isinstance(task, EditTask)
    words = task.prompt.lower().split()
    first = words[0].strip(".,:;!") if words else ""
    colour = _FILL.search(task.prompt)
    if first in _REMOVE:
        return _removed, task
    if first == "blur":
        return _blurred, task
    if first in ("pixelate", "mosaic"):
        return _pixelated, task
    if first == "fill" and colour is not None:
        rgb = np.frombuffer(bytes.fromhex(colour[1]), np.uint8)
        return (lambda picture, mask: np.broadcast_to(rgb, picture.shape).copy()), task
    raise RequestRejected(
        f"the local tools do not draw {task.prompt[:60]!r}: they understand {_UNDERSTOOD}; ask another provider",
        provider=NAME,
    )


def _edited(task: EditTask, change: Change) -> bytes:
    picture = _rgb(task.picture)
    mask = _rgb(task.mask)[..., 0]
    changed = change(picture, mask)
    result = np.where(mask[..., None] > 0, changed, picture)
    _, data = cv2.imencode(".png", np.ascontiguousarray(result[..., ::-1]))
    return bytes(data)


def _rgb(picture: Picture) -> Rgb:
    return np.ascontiguousarray(decode_picture(picture.data, "the region").rgba[..., :3])


def _removed(picture: Rgb, mask: Rgb) -> Rgb:
    hole = mask > 0
    return continued_picture(picture, hole, _RADIUS_PX)


def _blurred(picture: Rgb, mask: Rgb) -> Rgb:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(4.0, _smaller_px(mask) / 8)), np.uint8)


def _pixelated(picture: Rgb, mask: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    block = max(4, round(_smaller_px(mask) / 8))
    size = max(1, width // block), max(1, height // block)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def _smaller_px(mask: Rgb) -> int:
    """Return the smaller side of the marked box."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0
    return int(min(rows[-1] - rows[0], columns[-1] - columns[0])) + 1
