"""Play the source around the seams of a plan while the frames between them are still being encoded.

What a source shows does not depend on any export. The check looks up what it would play itself; what it does not find,
it plays.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.control import CancelToken
from engine.errors import MediaError
from engine.media.containers import Family
from engine.media.film_file import open_film
from engine.media.replay import Broken, Entry, Replay, Seen
from engine.model.frame_index import FrameIndex
from engine.plan.seam import Cut
from engine.render.seam_windows import BEHIND, FOREVER, PlayedAhead, Stretch

_MOST = 8
"""Of so many cuts at most: what a check of more of them plays is long beside its first moments."""


def stretches_around(index: FrameIndex, cuts: tuple[Cut, ...]) -> tuple[Stretch, ...]:
    """Return what a check of an export with these cuts is likely to play of the source.

    Before each cut from the last keyframe on, and behind it from the next one on.
    """
    keys = np.flatnonzero(index.kind)
    found: list[Stretch] = []
    for cut in cuts[:_MOST]:
        before, behind = keys[keys < cut.units.start][-1:], keys[keys >= cut.units.stop][:1]
        if before.size:
            first_pts = int(index.pts[cut.units.start : cut.units.stop].min())
            found.append(Stretch(_entry(index, int(before[0])), first_pts))
        if behind.size:
            key = int(behind[0])
            stop = int(np.searchsorted(index.frame_pts, index.pts[key])) + BEHIND
            found.append(
                Stretch(_entry(index, key), int(index.frame_pts[stop]) if stop < index.frame_count else FOREVER)
            )
    return tuple(found)


def played(film: Path, stretches: tuple[Stretch, ...], cancel: CancelToken) -> PlayedAhead:
    """Return what stretches of a film show; what cannot be played, or comes too late, is left out."""
    found: dict[Stretch, tuple[Seen | Broken, ...]] = {}
    try:
        with open_film(film) as opened:
            if opened.family is not Family.ISO:
                # A demuxer that guesses remembers what it has read: what it gives after a seek may hang on that.
                return found
            # It has time while others encode, and they need the memory.
            player = Replay(opened, threads=1)
            for stretch in stretches:
                found[stretch] = tuple(_seen(player, stretch, cancel))
    except MediaError:
        pass  # the check meets the same, and says so
    return found


def _seen(player: Replay, stretch: Stretch, cancel: CancelToken) -> list[Seen | Broken]:
    found: list[Seen | Broken] = []
    for shown in player.stretch(stretch.entry, stretch.stop_pts):
        cancel.check()
        found.append(shown if isinstance(shown, Broken) else Seen(shown.pts, shown.corrupt, shown.digest()))
    return found


def _entry(index: FrameIndex, unit: int) -> Entry:
    return Entry(int(index.pts[unit]), int(index.dts[unit]), int(index.size[unit]))
