"""How long following takes on this machine: measured where it is done, asked where an export is estimated."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from app.workflows.caches import films_cache
from engine.control import CancelToken, Progress
from engine.model.ops import PatchOp
from engine.model.recipe import RecipeRun
from engine.render.moving import Followed, Moving
from engine.store.cache import Cache

_KIND = "follow-speed"
_LEAST_FRAMES = 6
"""Following fewer frames says little of how long many take."""


@dataclass(frozen=True, slots=True)
class ToFollow:
    """What an export has to follow first.

    Attributes:
        frames: of all patches that were not followed yet. seconds: for those whose speed was measured here.
        unmeasured: frames of these for which no speed is known.
    """

    frames: int = 0
    seconds: float = 0.0
    unmeasured: int = 0


NOTHING_TO_FOLLOW = ToFollow()


def timed_follow(moving: Moving, op: PatchOp, source_id: str, progress: Progress, cancel: CancelToken) -> Followed:
    """Follow a patch, and remember how long it took.

    Raises:
        EditRefused, MediaError, Cancelled: see engine.render.moving.Moving.follow.
    """
    is_known, began = moving.is_ready(op, source_id), time.monotonic()
    found = moving.follow(op, source_id, progress, cancel)
    if not is_known and op.window is not None:
        with films_cache() as cache:
            learn(cache, op, time.monotonic() - began)
    return found


def still_to_follow(moving: Moving, runs: Sequence[RecipeRun], cache: Cache) -> ToFollow:
    """Return what of some recipes is still to be followed, and how long that takes here."""
    frames = unmeasured = 0
    seconds = 0.0
    for op, _ in moving.missing(runs):
        count = 0 if op.window is None else len(op.window)
        each = seconds_per_frame(cache, op)
        frames += count
        unmeasured += count if each is None else 0
        seconds += count * (each or 0.0)
    return ToFollow(frames, seconds, unmeasured)


def learn(cache: Cache, op: PatchOp, seconds: float) -> None:
    """Remember how long a patch took; a mean with what was known before, since regions differ in size."""
    if op.window is None or len(op.window) < _LEAST_FRAMES:
        return
    each, before = seconds / len(op.window), seconds_per_frame(cache, op)
    cache.put(_KIND, _name(op), json.dumps(each if before is None else (each + before) / 2).encode())


def seconds_per_frame(cache: Cache, op: PatchOp) -> float | None:
    """Return how long a frame of such a patch took here; None where none was followed yet."""
    kept = cache.get(_KIND, _name(op))
    try:
        return None if kept is None else max(0.0, float(json.loads(kept)))
    except (ValueError, TypeError):
        return None


def _name(op: PatchOp) -> str:
    return f"{type(op.tool).__name__} {op.motion.follow.value}"
