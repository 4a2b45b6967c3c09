"""Which bytes of the source nobody needs once some samples are replaced."""

from __future__ import annotations

import numpy as np

from engine.media.mp4.movie import Movie, Track
from engine.media.mp4.tables import Bool, Int64

Span = tuple[int, int]
"""Byte offsets [start, stop)."""


def unused_spans(movie: Movie, track: Track, replaced: Bool) -> tuple[Span, ...]:
    """Return the byte ranges of replaced samples that no other sample shares, merged and in order.

    Args:
        movie: the source.
        track: the edited track.
        replaced: bool [samples], its replaced samples.
    """
    if b"iloc" in movie.moov or any(box.kind == b"meta" for box in movie.layout.boxes):
        # Items of a `meta` box may be made of any bytes of the file.
        return ()
    own = track.samples
    start, size = own.position[replaced], own.size[replaced]
    start, size = start[size > 0], size[size > 0]
    if not start.size:
        return ()
    within = (int(start.min()), int((start + size).max()))
    needed = [_reaching(own.position, own.size, within, ~replaced)]
    for other in movie.tracks:
        if other is not track and not other.external:
            needed += [
                _reaching(other.samples.position, other.samples.size, within),
                _reaching(other.chunks, np.ones_like(other.chunks), within),
            ]
    shared = _overlaps(start, start + size, np.concatenate(needed, axis=1))
    return _merged(start[~shared], (start + size)[~shared])


def _reaching(position: Int64, size: Int64, within: Span, chosen: Bool | None = None) -> Int64:
    """Return starts and ends, as two rows, of the chosen ranges that reach into one."""
    ends = position + size
    reaching = (position < within[1]) & (ends > within[0])
    if chosen is not None:
        reaching &= chosen
    return np.stack([position[reaching], ends[reaching]])


def _overlaps(start: Int64, stop: Int64, needed: Int64) -> Bool:
    """Tell which ranges share a byte with a needed one, given as rows of starts and ends."""
    needed = needed[:, np.argsort(needed[0], kind="stable")]
    reach = np.maximum.accumulate(needed[1])
    before = np.searchsorted(needed[0], stop, side="left")
    shared = np.zeros(start.size, np.bool_)
    some = before > 0
    shared[some] = reach[before[some] - 1] > start[some]
    return shared


def _merged(start: Int64, stop: Int64) -> tuple[Span, ...]:
    order = np.argsort(start, kind="stable")
    spans: list[Span] = []
    for a, b in zip(start[order].tolist(), stop[order].tolist(), strict=True):
        if spans and a <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(b, spans[-1][1]))
        else:
            spans.append((a, b))
    return tuple(spans)
